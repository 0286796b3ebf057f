//! Groups beside their logs: who is to come in, and whose groups are whose.

use anser_domain::{
    Group, GroupName, Invitation, Member, Millis, Refusal, SyncToken, UserId, UserName, Waiting,
};
use async_trait::async_trait;

use super::{log::Acl, store::StoreError};

/// Whether a member may do what is asked. Called inside the transaction, with the members as
/// they are there. Must not call the store.
pub type Check = fn(&Acl, &Member) -> Result<(), Refusal>;

/// Which of the two sides waits for the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The group has invited the user.
    Invited,
    /// The user has asked to come in.
    Asking,
}

/// Invitations and requests. They are no entries of the log; those that are taken up become one,
/// in the transaction in which they go. They expire after a time of the store's, and there is a
/// bound on how many a group and a user may have.
#[async_trait]
pub trait Groups: Send + Sync + 'static {
    /// Invites users, all or nobody; answers whom this call has invited, with the change of what
    /// is theirs: not those who are members or were invited before. Someone who has asked to come
    /// in may be invited too.
    async fn invite(
        &self,
        by: UserId,
        group: &GroupName,
        users: &[UserName],
        check: Check,
    ) -> Result<Vec<(UserId, SyncToken)>, StoreError>;

    /// A stranger asks to come in, or says it in other words. `NotMember` where they may not
    /// know of the group, `Forbidden` where nobody is let in so.
    async fn ask(&self, user: UserId, group: &GroupName, message: &str) -> Result<(), StoreError>;

    /// A member takes an invitation back, or refuses a request. Nothing happens if there is none;
    /// else answers whose it was, with the change of what is theirs.
    async fn dismiss(
        &self,
        by: UserId,
        group: &GroupName,
        user: &UserName,
        side: Side,
        check: Check,
    ) -> Result<Option<(UserId, SyncToken)>, StoreError>;

    /// A user declines an invitation, or no longer wants in. Nothing happens if there is none;
    /// else answers the change of what is theirs.
    async fn retract(
        &self,
        user: UserId,
        group: &GroupName,
        side: Side,
    ) -> Result<Option<SyncToken>, StoreError>;

    /// A page by name of those who wait, for a member; and whether more follow.
    async fn waiting(
        &self,
        viewer: UserId,
        group: &GroupName,
        side: Side,
        page: (Option<UserName>, u16),
        now: Millis,
        check: Check,
    ) -> Result<(Vec<Waiting>, bool), StoreError>;

    /// Whether a user has an invitation that counts.
    async fn invited(
        &self,
        user: UserId,
        group: &GroupName,
        now: Millis,
    ) -> Result<bool, StoreError>;

    /// A page by group of a user's invitations; and whether more follow.
    async fn invitations(
        &self,
        user: UserId,
        page: (Option<GroupName>, u16),
        now: Millis,
    ) -> Result<(Vec<Invitation>, bool), StoreError>;

    /// A page by name of the groups that a user is in; and whether more follow.
    async fn groups(
        &self,
        user: UserId,
        page: (Option<GroupName>, u16),
    ) -> Result<(Vec<Group>, bool), StoreError>;
}
