//! Groups and who is in them.

use crate::{
    id::{Millis, UserId},
    name::{GroupName, UserName},
};

/// A member's standing in a group. Later ones may do more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GroupRole {
    /// Reads and writes.
    Member,
    /// Adds and removes members too.
    Admin,
    /// Everything; exactly one per group.
    Owner,
}

/// One member of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Key.
    pub user: UserId,
    /// Name.
    pub name: UserName,
    /// Standing; both sides of a direct conversation are `Member`.
    pub role: GroupRole,
}

/// What members see of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The name that addresses it.
    pub name: GroupName,
    /// The name that people read; empty when none was set.
    pub title: Box<str>,
    /// How many members it has now.
    pub members: u32,
    /// When it was made.
    pub created: Millis,
    /// The viewer's own standing.
    pub role: GroupRole,
}
