//! The durable port.

use std::sync::Arc;

use anser_domain::{
    Actor, Address, Changes, ConvId, DeviceId, DeviceName, Group, GroupName, HistoryRange,
    MemberPage, Millis, Page, Refusal, Seq, SyncToken, UserId, UserName,
};
use async_trait::async_trait;

use super::{
    admin::Administration,
    files::Files,
    follow::Follow,
    friends::Friends,
    groups::Groups,
    items::Items,
    log::{Acl, Append, Gate, ListPage, PullFor, ReadMoved, ReceiptMoved},
    messages::Messages,
    moving::Moving,
    people::{
        Device, DeviceSession, NewDevice, NewUserRow, Revocation, SigningKey, UserChange, UserRow,
    },
    profiles::Profiles,
    push::Pushes,
};

/// Why a store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Legal, but denied.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The store failed. `Refusal::Unavailable` to whoever asked; the text is for the log.
    #[error("{0}")]
    Failed(String),
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Refused(refusal) => refusal,
            StoreError::Failed(reason) => {
                // The last place that knows it: whoever asked is told nothing of our insides.
                tracing::error!(reason, "the store failed");
                Self::Unavailable
            }
        }
    }
}

/// Numbers for metrics. All but `queued` count from the opening of the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreStats {
    /// Entries that wait for the writer.
    pub queued: u64,
    /// Transactions committed.
    pub commits: u64,
    /// Transactions that failed as a whole.
    pub failures: u64,
    /// Entries stored.
    pub appended: u64,
    /// Retries that were recognised.
    pub duplicates: u64,
}

/// Everything that must last. Every method that writes returns after the commit is durable;
/// every method that reads sees all that was committed before it was called.
#[async_trait]
pub trait Store:
    Administration
    + Files
    + Follow
    + Friends
    + Groups
    + Items
    + Messages
    + Moving
    + Profiles
    + Pushes
    + Send
    + Sync
    + 'static
{
    // — the log —

    /// Sets the rule for appends. Called once, before the first append.
    fn bind(&self, gate: Arc<dyn Gate>);

    /// Takes entries to be written, in order; never blocks. Each comes back exactly once
    /// through [`Gate::committed`]. When too many wait, those are refused with
    /// `Refusal::Busy` there and then, on the calling thread.
    ///
    /// Per entry, in one transaction: find or make the conversation; look for (conversation,
    /// device, client id) and, if it is there, answer as the first time, or `Conflict` when the
    /// body differs; lock the head; [`Gate::admit`] under its `acl_version`; next seq; insert;
    /// the sender's read cursor moves with it. One refused entry leaves no trace and does not
    /// disturb its batch.
    fn append(&self, batch: Vec<Append>);

    /// Parts of logs for links. Each page ends where the device's user may not see on.
    async fn pull(&self, batch: Vec<PullFor>) -> Vec<Result<Page, StoreError>>;

    /// Part of a log, for reading. Sees what the viewer's intervals of membership allow.
    async fn history(
        &self,
        viewer: UserId,
        at: &Address,
        range: HistoryRange,
    ) -> Result<Page, StoreError>;

    /// A page of conversations of `actor`'s user, with `delivered` being the device's.
    async fn conversations(
        &self,
        actor: Actor,
        page: ListPage,
        limit: u16,
    ) -> Result<Changes, StoreError>;

    /// Who is in a conversation, now. `NotMember` unless `viewer` is.
    async fn acl(&self, viewer: UserId, at: &Address) -> Result<Arc<Acl>, StoreError>;

    /// Everything committed at or below it is visible.
    async fn watermark(&self) -> Result<SyncToken, StoreError>;

    // — cursors —

    /// Moves devices' delivered cursors, never backward and never above the head. Answers for
    /// those conversations in which the user's highest moved.
    async fn delivered(
        &self,
        batch: Vec<(Actor, ConvId, Seq)>,
    ) -> Result<Vec<ReceiptMoved>, StoreError>;

    /// Moves a user's read cursor, never backward and never above the head.
    async fn read(&self, user: UserId, at: &Address, seq: Seq) -> Result<ReadMoved, StoreError>;

    // — groups —

    /// What `viewer` may see of a group: members and invited users all of it, strangers what is
    /// not hidden, and nobody an end that they did not see.
    async fn group(
        &self,
        viewer: UserId,
        name: &GroupName,
        now: Millis,
    ) -> Result<Group, StoreError>;

    /// A page of members by name, for a member.
    async fn members(
        &self,
        viewer: UserId,
        name: &GroupName,
        after: Option<&UserName>,
        limit: u16,
    ) -> Result<MemberPage, StoreError>;

    // — users —

    /// Makes users; each `NameTaken` if it ever existed.
    async fn create_users(
        &self,
        batch: Vec<NewUserRow>,
    ) -> Result<Vec<Result<UserId, Refusal>>, StoreError>;

    /// A user by name.
    async fn user(&self, name: &UserName) -> Result<Option<UserRow>, StoreError>;

    /// A page of users by name.
    async fn users(&self, after: Option<&UserName>, limit: u16)
    -> Result<Vec<UserRow>, StoreError>;

    /// Changes a user.
    async fn change_user(&self, user: UserId, change: UserChange) -> Result<(), StoreError>;

    // — devices —

    /// Begins a device's session; makes the device if it is new, with cursors at the heads.
    /// `TooLarge` when the user has as many devices as are allowed.
    async fn sign_in(&self, device: NewDevice) -> Result<Device, StoreError>;

    /// Exchanges a refresh token: the device whose session `old` belongs to, with `new` in its
    /// place. A token that was exchanged before ends the session (it was stolen from one side
    /// or the other) and answers `Revoked`; an unknown one `BadCredentials`.
    async fn refresh(&self, old: [u8; 32], new: [u8; 32]) -> Result<DeviceSession, StoreError>;

    /// A device with what decides whether its tokens count.
    async fn device(&self, device: DeviceId) -> Result<Option<DeviceSession>, StoreError>;

    /// Raises devices' epochs, for logins and resumes; the new ones, in order. One that has been
    /// forgotten since it was asked for comes back with session 0, as one that was ended.
    async fn raise_epochs(
        &self,
        batch: Vec<DeviceId>,
        now: Millis,
    ) -> Result<Vec<Device>, StoreError>;

    /// A user's devices, by name.
    async fn devices(&self, user: UserId) -> Result<Vec<Device>, StoreError>;

    /// Ends a device's session and leaves a [`Revocation`]; `NoSuchUser` when there is none.
    async fn end_device(&self, user: UserId, device: &DeviceName) -> Result<DeviceId, StoreError>;

    /// Revocations after a number, ascending.
    async fn revocations(&self, after: u64) -> Result<Vec<Revocation>, StoreError>;

    // — the store itself —

    /// Signing keys, newest first. Makes the first one, and a next one once the newest is
    /// older than `rotate_before`; forgets those older than `forget_before`.
    async fn signing_keys(
        &self,
        now: Millis,
        rotate_before: Millis,
        forget_before: Millis,
    ) -> Result<Vec<SigningKey>, StoreError>;

    /// Forgets dedupe keys, revocations and devices unused since their horizons. Bounded work
    /// per call; answers whether more is left.
    async fn prune(&self, now: Millis) -> Result<bool, StoreError>;

    /// Numbers for metrics.
    fn stats(&self) -> StoreStats {
        StoreStats::default()
    }

    /// Writes what is queued, folds the journal, and stops. Later calls fail.
    async fn close(&self);
}
