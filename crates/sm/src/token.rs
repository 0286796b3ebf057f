//! Access tokens and resume tickets: JWTs (RFC 7519) signed with keys that the store keeps.

use std::{sync::Arc, time::Duration};

use anser_domain::{DeviceId, Millis, Refusal, Secret, UserId};
use anser_store::{DeviceSession, SigningKey, Store, StoreError};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use parking_lot::RwLock;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::config::Config;

/// What a token is for. One kind is never taken for the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Purpose {
    /// REST calls and link logins.
    Access,
    /// Resuming a link.
    Ticket,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Claims {
    /// What it is for.
    pub(crate) typ: Purpose,
    /// User.
    pub(crate) sub: u64,
    /// Device.
    pub(crate) dev: u64,
    /// The device's session.
    pub(crate) ses: u64,
    /// The user's credential version.
    pub(crate) cv: u64,
    /// Seconds since 1970, exclusive.
    pub(crate) exp: i64,
}

impl Claims {
    pub(crate) fn device(&self) -> DeviceId {
        DeviceId(self.dev)
    }

    /// Whether the session these claims were made for is still the device's.
    pub(crate) fn check(&self, session: &DeviceSession) -> Result<(), Refusal> {
        if session.disabled {
            return Err(Refusal::Disabled);
        }
        if session.device.user != UserId(self.sub) || session.device.session != self.ses {
            return Err(Refusal::Revoked);
        }
        // A ticket outlives tokens by far, so it also ends with the password it was got by.
        if self.typ == Purpose::Ticket && session.credential_version != self.cv {
            return Err(Refusal::Revoked);
        }
        Ok(())
    }
}

/// Signs and verifies with the store's keys.
pub(crate) struct Keyring {
    store: Arc<dyn Store>,
    keys: RwLock<Vec<SigningKey>>,
    /// One reload at a time, and when the last one was.
    reloaded: Mutex<Millis>,
}

impl Keyring {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self { store, keys: RwLock::default(), reloaded: Mutex::new(Millis(0)) }
    }

    /// Reads the keys, making or rotating them where it is time.
    pub(crate) async fn reload(&self, now: Millis, config: &Config) -> Result<(), StoreError> {
        let millis =
            |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4);
        let rotation = millis(config.key_rotation);
        let longest = millis(config.ticket_ttl.max(config.access_ttl));
        let keys = self
            .store
            .signing_keys(now, now.plus(-rotation), now.plus(-(rotation + longest)))
            .await?;
        *self.keys.write() = keys;
        *self.reloaded.lock().await = now;
        Ok(())
    }

    /// A token for the session of `device`, lasting `ttl` from `now`.
    pub(crate) fn sign(
        &self,
        typ: Purpose,
        session: &DeviceSession,
        now: Millis,
        ttl: Duration,
    ) -> Result<Secret, Refusal> {
        let keys = self.keys.read();
        let key = keys.first().ok_or(Refusal::Unavailable)?;
        let claims = Claims {
            typ,
            sub: session.device.user.0,
            dev: session.device.id.0,
            ses: session.device.session,
            cv: session.credential_version,
            exp: now.0 / 1000 + i64::try_from(ttl.as_secs()).unwrap_or(i64::MAX / 4),
        };
        let header = Header { kid: Some(key.id.to_string()), ..Header::new(Algorithm::HS256) };
        jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(&key.secret))
            .map(Secret::new)
            .map_err(|_| Refusal::Unavailable)
    }

    /// The claims of a token of ours that has not ended, or ended no longer than `grace` ago.
    pub(crate) async fn verify(
        &self,
        typ: Purpose,
        token: &Secret,
        now: Millis,
        grace: Duration,
        config: &Config,
    ) -> Result<Claims, Refusal> {
        let header = jsonwebtoken::decode_header(token.expose().as_bytes())
            .map_err(|_| Refusal::BadCredentials)?;
        let id: u64 = header.kid.and_then(|kid| kid.parse().ok()).ok_or(Refusal::BadCredentials)?;
        let key = match self.find(id) {
            Some(key) => key,
            // Perhaps another SM has rotated; asked at most once a second, lest forged ids
            // become a load on the store.
            None => {
                let stale = now.0 - self.reloaded.lock().await.0 >= 1000;
                if stale {
                    self.reload(now, config).await?;
                }
                self.find(id).ok_or(Refusal::BadCredentials)?
            }
        };
        let mut validation = Validation::new(Algorithm::HS256);
        // Expiry is checked below, against our own clock.
        validation.validate_exp = false;
        validation.required_spec_claims.clear();
        let claims = jsonwebtoken::decode::<Claims>(
            token.expose().as_bytes(),
            &DecodingKey::from_secret(&key.secret),
            &validation,
        )
        .map_err(|_| Refusal::BadCredentials)?
        .claims;
        if claims.typ != typ {
            return Err(Refusal::BadCredentials);
        }
        let grace = i64::try_from(grace.as_secs()).unwrap_or(i64::MAX / 4);
        if claims.exp.saturating_add(grace) <= now.0 / 1000 {
            return Err(Refusal::Expired);
        }
        Ok(claims)
    }

    fn find(&self, id: u64) -> Option<SigningKey> {
        self.keys.read().iter().find(|key| key.id == id).cloned()
    }
}
