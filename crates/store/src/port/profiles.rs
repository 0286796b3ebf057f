//! What users say of themselves, and whom that concerns.

use anser_domain::{SyncToken, UserId};
use async_trait::async_trait;

use super::{NewItem, StoreError};

/// A profile has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refaced {
    /// The change: the user's own newest, and that of the row which each friend has of them.
    pub at: SyncToken,
    /// Their friends, all of them.
    pub friends: Vec<UserId>,
}

/// Profiles of users.
#[async_trait]
pub trait Profiles: Send + Sync + 'static {
    /// Changes a user's display name and items of their profile, all of it or nothing. In the same
    /// transaction the row that each friend has of them becomes a change of that friend's list, so
    /// that who was away finds it since their last token. Nobody else is told.
    async fn edit_profile(
        &self,
        user: UserId,
        name: Option<Box<str>>,
        items: Vec<NewItem>,
    ) -> Result<Refaced, StoreError>;
}
