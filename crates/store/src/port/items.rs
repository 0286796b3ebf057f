//! What is a user's own beside conversations: small versioned values, and how new the newest
//! change is.

use anser_domain::{SyncToken, UserId};
use async_trait::async_trait;

use super::StoreError;

/// Small things of users.
#[async_trait]
pub trait Items: Send + Sync + 'static {
    /// The newest change of what is the user's own: friends, requests, blocks, invitations,
    /// items, profile. 0 when nothing ever was.
    async fn personal(&self, user: UserId) -> Result<SyncToken, StoreError>;
}
