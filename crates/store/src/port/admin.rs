//! Administration: changes that leave a line in the record, API keys, webhooks, and what only
//! administrators may see.

use std::net::IpAddr;

use anser_domain::{
    AdminGroup, AdminUser, ApiKey, AuditEntry, DeadLetter, DeviceName, GroupName, MessageId,
    Millis, PutWebhook, Refusal, Role, Scope, Secret, Statistics, SyncToken, UserId, UserName,
    Webhook,
};
use async_trait::async_trait;

use super::{
    people::{NewUserRow, UserChange},
    store::StoreError,
};

/// What the record will say of a change.
#[derive(Clone, Debug)]
pub struct Note {
    /// Who: `user:NAME` or `key:ID`.
    pub who: Box<str>,
    /// What, by name.
    pub what: &'static str,
    /// Whom or what it is done to.
    pub whom: Box<str>,
    /// Where it came from.
    pub address: Option<IpAddr>,
}

/// A change that is recorded in the transaction that makes it.
#[derive(Clone, Debug)]
pub enum AdminChange {
    /// Nothing but the record itself: the change is an entry of a log.
    Record,
    /// A user is made.
    CreateUser(NewUserRow),
    /// A user is changed.
    User(UserId, UserChange),
    /// A user's standing.
    Role(UserId, Role),
    /// A user is shut out for a reason, until a time.
    Ban(UserId, Box<str>, Option<Millis>),
    /// A user is let in again.
    Unban(UserId),
    /// Everything personal is taken off a user, what they wrote too if so wished. Their name
    /// becomes one that says nothing, and is never given again.
    Anonymise(UserId, bool),
    /// One device's session ends.
    EndDevice(UserId, DeviceName),
    /// All of a user's sessions end.
    EndSessions(UserId),
    /// A webhook is made, or changed. `Some` secrets replace those it has.
    PutWebhook(PutWebhook),
    /// A webhook is forgotten, with its place and its dead letters.
    RemoveWebhook(Box<str>),
    /// A webhook's place is set back.
    ReplaySince(Box<str>, MessageId),
    /// An API key is made. Only the hash of what it shows is kept.
    MakeKey {
        /// SHA-256 of the key.
        hash: [u8; 32],
        /// What people call it.
        name: Box<str>,
        /// What it may do.
        scopes: Vec<Scope>,
        /// When it ends.
        expires: Option<Millis>,
    },
    /// An API key is revoked.
    RevokeKey(u64),
}

/// A webhook as it is told.
#[derive(Clone, Debug)]
pub struct WebhookRow {
    /// What it is known by.
    pub name: Box<str>,
    /// Where its receiver listens.
    pub url: Box<str>,
    /// What signatures are made with.
    pub secrets: Vec<Secret>,
    /// Which events.
    pub kinds: Vec<Box<str>>,
    /// Whether it is told.
    pub enabled: bool,
}

/// What was not taken, with what would have been said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadRow {
    /// What lists show.
    pub letter: DeadLetter,
    /// What was to be posted.
    pub body: Box<str>,
}

/// What administrators and API keys see and change.
#[async_trait]
pub trait Administration: Send + Sync {
    /// Makes a change and records it, in one transaction. Answers with the id of what was made:
    /// a user, a key; 0 otherwise.
    async fn administer(&self, note: Note, change: AdminChange) -> Result<u64, StoreError>;

    /// The record, newest first.
    async fn audit(
        &self,
        before: Option<SyncToken>,
        limit: u16,
    ) -> Result<Vec<AuditEntry>, StoreError>;

    /// The API key with this hash, if there is one that was not revoked.
    async fn api_key(&self, hash: [u8; 32]) -> Result<Option<ApiKey>, StoreError>;

    /// All API keys, oldest first.
    async fn api_keys(&self) -> Result<Vec<ApiKey>, StoreError>;

    /// Users whose names begin so, by name.
    async fn find_users(
        &self,
        prefix: &str,
        after: Option<&UserName>,
        limit: u16,
    ) -> Result<Vec<AdminUser>, StoreError>;

    /// Those whose ban has ended by now and who are still shut out.
    async fn bans_over(&self, now: Millis) -> Result<Vec<UserId>, StoreError>;

    /// All groups, by name.
    async fn all_groups(
        &self,
        after: Option<&GroupName>,
        limit: u16,
    ) -> Result<Vec<AdminGroup>, StoreError>;

    /// A group's owner; `NotMember` when there is none.
    async fn owner_of(&self, group: &GroupName) -> Result<UserId, StoreError>;

    /// Numbers about the whole; `online` is not the store's to know.
    async fn statistics(&self, now: Millis) -> Result<Statistics, StoreError>;

    /// All webhooks as they are told, by name.
    async fn webhook_rows(&self) -> Result<Vec<WebhookRow>, StoreError>;

    /// All webhooks as they are shown, by name.
    async fn webhooks(&self) -> Result<Vec<Webhook>, StoreError>;

    /// Gives an event up: it joins the webhook's dead letters. Once more changes nothing.
    async fn bury(&self, webhook: &str, dead: DeadRow) -> Result<(), StoreError>;

    /// Takes a dead letter out: it was taken after all.
    async fn unbury(&self, webhook: &str, event: MessageId) -> Result<(), StoreError>;

    /// A webhook's dead letters after an event, oldest first.
    async fn dead(
        &self,
        webhook: &str,
        after: MessageId,
        limit: u16,
    ) -> Result<Vec<DeadRow>, StoreError>;
}

/// What is refused when there is no such webhook.
pub(crate) const NO_WEBHOOK: Refusal = Refusal::NoSuch("webhook");
