//! Sign-in, sessions, users and their administration.

use std::sync::Arc;

use anser_domain::{
    Actor, Details, DeviceName, DeviceRecord, NewUser, Profile, Refusal, Reply, Secret, SignIn,
    Tokens, UserId, UserName,
};
use anser_store::{DeviceSession, NewUserRow, Revocation, Store, UserChange, UserRow};

use crate::{config::Config, credentials::Credentials, links::Links, rule::MAX_TITLE};

/// Answers what people ask about their accounts, and administrators about everyone's.
pub(crate) struct Accounts {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) config: Arc<Config>,
    pub(crate) credentials: Arc<Credentials>,
    pub(crate) links: Arc<Links>,
}

impl Accounts {
    pub(crate) async fn sign_in(&self, sign_in: SignIn) -> Result<Reply, Refusal> {
        let SignIn { user, password, device } = sign_in;
        let (session, refresh) = self.credentials.open_session(user, password, device).await?;
        self.tokens(session, refresh)
    }

    pub(crate) async fn refresh(&self, refresh: Secret) -> Result<Reply, Refusal> {
        let (session, next) = self.credentials.renew(&refresh).await?;
        self.tokens(session, next)
    }

    fn tokens(&self, session: DeviceSession, refresh: Secret) -> Result<Reply, Refusal> {
        let access = self.credentials.access(&session)?;
        Ok(Reply::Tokens(Box::new(Tokens {
            user: session.user_name,
            device: session.device.name,
            access,
            refresh,
            expires_in: u32::try_from(self.config.access_ttl.as_secs()).unwrap_or(u32::MAX),
        })))
    }

    /// Ends one of a user's devices. Answered once its link has closed.
    pub(crate) async fn end_device(
        &self,
        user: UserId,
        device: &DeviceName,
    ) -> Result<Reply, Refusal> {
        let id = self.store.end_device(user, device).await?;
        self.close(user, Some(id), None, false).await
    }

    pub(crate) async fn change_password(
        &self,
        actor: Actor,
        name: &UserName,
        old: Secret,
        new: Secret,
    ) -> Result<Reply, Refusal> {
        let row = self.existing(name).await?;
        let checked = Some(row.credential_version);
        let session = self.store.device(actor.device).await?.ok_or(Refusal::Revoked)?;
        if !self.credentials.confirms(&session, old, row.keys).await? {
            return Err(Refusal::BadCredentials);
        }
        let keys = self.credentials.keys_for(new).await?;
        let keep = Some(actor.device);
        self.store.change_user(row.id, UserChange::Keys { keys, keep, checked }).await?;
        self.close(row.id, None, keep, false).await
    }

    pub(crate) async fn set_password(
        &self,
        name: &UserName,
        new: Secret,
    ) -> Result<Reply, Refusal> {
        let row = self.existing(name).await?;
        let keys = self.credentials.keys_for(new).await?;
        self.store
            .change_user(row.id, UserChange::Keys { keys, keep: None, checked: None })
            .await?;
        self.close(row.id, None, None, false).await
    }

    pub(crate) async fn set_disabled(
        &self,
        name: &UserName,
        disabled: bool,
    ) -> Result<Reply, Refusal> {
        let row = self.existing(name).await?;
        self.store.change_user(row.id, UserChange::Disabled(disabled)).await?;
        if disabled { self.close(row.id, None, None, true).await } else { Ok(Reply::Done) }
    }

    /// Closes the links of sessions that have just been ended, here and now; the durable list
    /// of revocations does the same for links that only other processes know of.
    async fn close(
        &self,
        user: UserId,
        device: Option<anser_domain::DeviceId>,
        keep: Option<anser_domain::DeviceId>,
        disabled: bool,
    ) -> Result<Reply, Refusal> {
        let ended = Revocation { number: 0, user, device, keep, disabled };
        self.links.evict_and_wait(ended, self.config.revocation_wait).await;
        Ok(Reply::Done)
    }

    pub(crate) async fn create_user(&self, new: NewUser) -> Result<Reply, Refusal> {
        display_name(&new.display_name)?;
        let keys = self.credentials.keys_for(new.password).await?;
        let NewUser { name, display_name, role, .. } = new;
        let row = NewUserRow { name: name.clone(), display_name: display_name.clone(), role, keys };
        let created = self.store.create_users(vec![row]).await?;
        created.into_iter().next().unwrap_or(Err(Refusal::Unavailable))?;
        Ok(Reply::User(Box::new(Profile {
            name,
            display_name,
            role,
            disabled: false,
            details: Details::default(),
        })))
    }

    pub(crate) async fn users(
        &self,
        after: Option<&UserName>,
        limit: u16,
    ) -> Result<Reply, Refusal> {
        let rows = self.store.users(after, limit.clamp(1, self.config.page_limit)).await?;
        Ok(Reply::Users(rows.into_iter().map(profile).collect()))
    }

    pub(crate) async fn devices(&self, user: UserId) -> Result<Reply, Refusal> {
        let online = self.links.online(user).await;
        let devices = self.store.devices(user).await?;
        let signed_in = devices.into_iter().filter(|device| device.session != 0);
        Ok(Reply::Devices(
            signed_in
                .map(|device| DeviceRecord {
                    online: online.contains(&device.id),
                    name: device.name,
                    created: device.created,
                    seen: device.seen,
                })
                .collect(),
        ))
    }

    async fn existing(&self, name: &UserName) -> Result<UserRow, Refusal> {
        self.store.user(name).await?.ok_or(Refusal::NoSuchUser)
    }
}

/// A user's names and standing.
pub(crate) fn profile(row: UserRow) -> Profile {
    let UserRow { name, display_name, role, disabled, .. } = row;
    Profile { name, display_name, role, disabled, details: Details::default() }
}

/// Whether a text can be a name that people read.
pub(crate) fn display_name(text: &str) -> Result<(), Refusal> {
    if text.len() > MAX_TITLE {
        return Err(Refusal::TooLarge("a display name has at most 256 bytes"));
    }
    if text.chars().any(char::is_control) {
        return Err(Refusal::Invalid("a display name has no control characters"));
    }
    Ok(())
}
