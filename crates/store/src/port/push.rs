//! Notifications: who is registered for them, who is owed one, and what came of it.
//!
//! Nothing is written per message: whoever pushes follows the log, asks who of a conversation
//! is registered and has not read it, and writes down only what could not be handed over.

use std::sync::Arc;

use anser_domain::{
    Address, ConvId, DeviceId, DeviceName, Handed, Message, Millis, PushRecord, PushTarget, UserId,
    UserName,
};
use async_trait::async_trait;

use super::store::StoreError;

/// A registration to be kept.
#[derive(Clone, Debug)]
pub struct NewPush {
    /// Where notifications go.
    pub target: PushTarget,
    /// The language; may be empty.
    pub locale: Box<str>,
}

/// Some of those who are to be notified of a conversation, as it stands now.
#[derive(Clone, Debug)]
pub struct PushPage {
    /// The newest message, events aside; `None` when there is none.
    pub newest: Option<Arc<Message>>,
    /// The name people read of its sender.
    pub sender_name: Box<str>,
    /// What people call the conversation; empty in direct ones.
    pub title: Box<str>,
    /// Devices, by user.
    pub devices: Vec<PushDevice>,
    /// The user to go on after; `None` at the end.
    pub more: Option<UserId>,
}

/// A registered device whose user may read the newest message at this moment, has not, and does
/// not block who sent it: a member, not shut out, who has not deleted or cleared it.
#[derive(Clone, Debug)]
pub struct PushDevice {
    /// Which.
    pub device: DeviceId,
    /// Whose.
    pub user: UserId,
    /// Their name.
    pub name: UserName,
    /// The conversation from their side.
    pub at: Address,
    /// Where notifications go.
    pub target: PushTarget,
    /// The language.
    pub locale: Box<str>,
    /// Messages of this conversation that they have not read.
    pub unread: u64,
    /// Until when they want to hear nothing of it.
    pub muted_until: Millis,
}

/// What came of a notification.
#[derive(Clone, Debug)]
pub struct PushSettled {
    /// Which device.
    pub device: DeviceId,
    /// Of which conversation.
    pub conv: ConvId,
    /// How it went; `None`: there was nothing to notify of any more.
    pub handed: Option<Handed>,
    /// When to try again, if at all.
    pub again: Option<PushOwed>,
}

/// A notification that could not be handed over yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PushOwed {
    /// Which device.
    pub device: DeviceId,
    /// Of which conversation.
    pub conv: ConvId,
    /// When it is to be tried.
    pub due: Millis,
    /// Attempts so far.
    pub attempts: u32,
    /// When it is of no use any more.
    pub until: Millis,
}

/// Registrations and what is owed to them.
#[async_trait]
pub trait Pushes: Send + Sync {
    /// Registers a device's session, in place of what it had. The same target under another
    /// device is forgotten there: a token is of one app on one phone, whoever uses it now.
    /// `NoSuchUser` when the user has no such device signed in.
    async fn register_push(
        &self,
        user: UserId,
        device: &DeviceName,
        push: NewPush,
    ) -> Result<(), StoreError>;

    /// A device's registration. `NoSuchUser` when the user has no such device signed in.
    async fn push_record(
        &self,
        user: UserId,
        device: &DeviceName,
    ) -> Result<Option<PushRecord>, StoreError>;

    /// Forgets a device's registration. `NoSuchUser` when the user has no such device signed in.
    async fn forget_push(&self, user: UserId, device: &DeviceName) -> Result<(), StoreError>;

    /// Who is to be notified of a conversation, at most about `limit` devices: those of users
    /// after one, or a single `device`. Looks at registrations or at members, whichever are
    /// fewer.
    async fn to_push(
        &self,
        conv: ConvId,
        after: Option<UserId>,
        device: Option<DeviceId>,
        limit: u16,
    ) -> Result<PushPage, StoreError>;

    /// Users' unread messages over all their conversations, in the order asked for.
    async fn badges(&self, users: Vec<UserId>) -> Result<Vec<u64>, StoreError>;

    /// Records what came of notifications: counts it, forgets registrations that are
    /// [`Handed::Gone`], and keeps what is to be tried again.
    async fn settle_pushes(&self, batch: Vec<PushSettled>) -> Result<(), StoreError>;

    /// What is due, the longest due first. What is of no use any more, or whose registration is
    /// gone, is forgotten meanwhile.
    async fn owed_pushes(&self, now: Millis, limit: u16) -> Result<Vec<PushOwed>, StoreError>;
}
