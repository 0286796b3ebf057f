//! Checks what people and devices show, and begins their sessions.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anser_domain::{ApiKey, Clock, DeviceName, Millis, Refusal, Secret, UserName};
use anser_store::{DeviceSession, NewDevice, ScramKeys, Store};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use crate::{
    config::Config,
    password,
    throttle::Throttle,
    token::{Keyring, Purpose},
};

/// The one service that sees secrets.
pub(crate) struct Credentials {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) config: Arc<Config>,
    pub(crate) keys: Arc<Keyring>,
    /// Hashing is the dearest thing anybody can make this server do: at most one core's worth
    /// at a time beside the chatting.
    hashing: Semaphore,
    /// Those who hash or wait for it.
    waiting: Semaphore,
    throttle: Throttle,
    /// Iterations spent on checking passwords.
    spent: Arc<AtomicU64>,
}

/// Most passwords that wait to be hashed: what one core hashes within a call's deadline. More
/// are told to come back, so that a flood of logins ends when it ends.
const MAX_WAITING: usize = 64;

/// How long something begun with an access token may go on beyond the token's end. Ten million
/// messages move in minutes; whoever reads slower than a day takes an API key.
const MAX_BEGUN: Duration = Duration::from_secs(24 * 60 * 60);

impl Credentials {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        config: Arc<Config>,
        keys: Arc<Keyring>,
    ) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let throttle = Throttle::new(store.clone(), clock.clone());
        Self {
            store,
            clock,
            config,
            keys,
            hashing: Semaphore::new((cores / 2).max(1)),
            waiting: Semaphore::new(MAX_WAITING),
            throttle,
            spent: Arc::default(),
        }
    }

    /// The session a token or ticket was made for, if it still counts.
    pub(crate) async fn check(
        &self,
        purpose: Purpose,
        token: &Secret,
    ) -> Result<DeviceSession, Refusal> {
        self.check_within(purpose, token, Duration::ZERO).await
    }

    /// The session of who goes on with something long that they have begun with this token.
    pub(crate) async fn check_begun(&self, token: &Secret) -> Result<DeviceSession, Refusal> {
        self.check_within(Purpose::Access, token, MAX_BEGUN).await
    }

    async fn check_within(
        &self,
        purpose: Purpose,
        token: &Secret,
        grace: Duration,
    ) -> Result<DeviceSession, Refusal> {
        let now = self.clock.wall();
        let claims = self.keys.verify(purpose, token, now, grace, &self.config).await?;
        let session = self.store.device(claims.device()).await?.ok_or(Refusal::Revoked)?;
        claims.check(&session)?;
        Ok(session)
    }

    /// The API key that this is, if it counts now. Looked up each time: a revocation holds at once.
    pub(crate) async fn api_key(&self, key: &Secret) -> Result<ApiKey, Refusal> {
        let found = self.store.api_key(refresh_hash(key)).await?;
        let found = found.ok_or(Refusal::BadCredentials)?;
        if found.expires.is_some_and(|expires| expires <= self.clock.wall()) {
            return Err(Refusal::Expired);
        }
        Ok(found)
    }

    /// Checks a password and begins the device's session. Answers with its refresh token. An
    /// unknown name takes as long as a wrong password and is answered alike.
    pub(crate) async fn open_session(
        &self,
        user: UserName,
        password: Secret,
        device: DeviceName,
    ) -> Result<(DeviceSession, Secret), Refusal> {
        let row = self.store.user(&user).await?;
        let (id, keys) = row.as_ref().map(|row| (row.id, row.keys.clone())).unzip();
        let trying = self.throttle.begin(&user, id, &device).await?;
        let matched = self.password_matches(password, keys).await;
        self.throttle.end(&trying, &matched);
        if !matched? {
            return Err(Refusal::BadCredentials);
        }
        let row = row.ok_or(Refusal::BadCredentials)?;
        if row.disabled {
            return Err(Refusal::Disabled);
        }
        let (refresh, refresh_hash) = new_refresh_token();
        let now = self.clock.wall();
        let device = self
            .store
            .sign_in(NewDevice {
                user: row.id,
                name: device,
                refresh_hash,
                checked: Some(row.credential_version),
                now,
            })
            .await?;
        let session = DeviceSession {
            device,
            user_name: row.name,
            role: row.role,
            disabled: row.disabled,
            credential_version: row.credential_version,
        };
        Ok((session, refresh))
    }

    /// Exchanges a refresh token for the next one.
    pub(crate) async fn renew(&self, refresh: &Secret) -> Result<(DeviceSession, Secret), Refusal> {
        let (next, next_hash) = new_refresh_token();
        let session = self.store.refresh(refresh_hash(refresh), next_hash).await?;
        if session.disabled {
            return Err(Refusal::Disabled);
        }
        Ok((session, next))
    }

    /// An access token for a session.
    pub(crate) fn access(&self, session: &DeviceSession) -> Result<Secret, Refusal> {
        self.keys.sign(Purpose::Access, session, self.clock.wall(), self.config.access_ttl)
    }

    /// A ticket for a session, and when it ends.
    pub(crate) fn ticket(&self, session: &DeviceSession) -> Result<(Secret, Millis), Refusal> {
        let (now, ttl) = (self.clock.wall(), self.config.ticket_ttl);
        let ticket = self.keys.sign(Purpose::Ticket, session, now, ttl)?;
        Ok((ticket, now.plus(i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX / 4))))
    }

    /// Keys for a new password.
    pub(crate) async fn keys_for(&self, password: Secret) -> Result<ScramKeys, Refusal> {
        let iterations = self.config.scram_iterations;
        self.hash(move || password::keys_for(&password, iterations)).await?
    }

    /// Whether the password is the one behind `keys`.
    pub(crate) async fn password_matches(
        &self,
        password: Secret,
        keys: Option<ScramKeys>,
    ) -> Result<bool, Refusal> {
        let iterations = self.config.scram_iterations;
        let spent = self.spent.clone();
        self.hash(move || {
            let checked = password::check(&password, keys.as_ref(), iterations);
            spent.fetch_add(checked.iterations.into(), Ordering::Relaxed);
            checked.matches
        })
        .await
    }

    /// The same for a user who is signed in already, held to the pace of their tries.
    pub(crate) async fn confirms(
        &self,
        session: &DeviceSession,
        password: Secret,
        keys: ScramKeys,
    ) -> Result<bool, Refusal> {
        let device = &session.device;
        let trying =
            self.throttle.begin(&session.user_name, Some(device.user), &device.name).await?;
        let matched = self.password_matches(password, Some(keys)).await;
        self.throttle.end(&trying, &matched);
        matched
    }

    /// Iterations spent on checking passwords so far.
    pub(crate) fn spent(&self) -> u64 {
        self.spent.load(Ordering::Relaxed)
    }

    async fn hash<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let busy = |_| Refusal::Busy(Duration::from_secs(1));
        let _place = self.waiting.try_acquire().map_err(busy)?;
        let _permit = self.hashing.acquire().await.map_err(|_| Refusal::Draining)?;
        tokio::task::spawn_blocking(work).await.map_err(|_| Refusal::Unavailable)
    }
}

/// A refresh token and what the store keeps of it. 256 random bits need no slow hash.
pub(crate) fn new_refresh_token() -> (Secret, [u8; 32]) {
    let token = Secret::new(URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()));
    let hash = refresh_hash(&token);
    (token, hash)
}

/// What API keys begin with, so that one is told from a token, and found by those who look for
/// keys in repositories.
const API_KEY: &str = "ak_";

/// Whether this may be an API key.
pub(crate) fn is_api_key(token: &Secret) -> bool {
    token.expose().starts_with(API_KEY)
}

/// An API key and what the store keeps of it.
pub(crate) fn new_api_key() -> (Secret, [u8; 32]) {
    let random = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
    let key = Secret::new(format!("{API_KEY}{random}"));
    let hash = refresh_hash(&key);
    (key, hash)
}

fn refresh_hash(token: &Secret) -> [u8; 32] {
    Sha256::digest(token.expose().as_bytes()).into()
}
