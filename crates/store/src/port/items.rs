//! What is a user's own beside conversations: small versioned values, and how new the newest
//! change is.

use anser_domain::{Item, ItemKey, ItemPage, Listing, SyncToken, UserId};
use async_trait::async_trait;

use super::StoreError;

/// A change of an item.
#[derive(Clone, Debug)]
pub struct NewItem {
    /// Which.
    pub key: ItemKey,
    /// JSON; `None` removes it.
    pub value: Option<Box<str>>,
    /// The version that it must have: 0 when it must not be there; `None`: whatever there is.
    pub expected: Option<SyncToken>,
}

/// Small things of users.
#[async_trait]
pub trait Items: Send + Sync + 'static {
    /// The newest change of what is the user's own: friends, requests, blocks, invitations,
    /// items, profile. 0 when nothing ever was.
    async fn personal(&self, user: UserId) -> Result<SyncToken, StoreError>;

    /// A page of a user's items whose keys begin with `prefix`, by version.
    async fn items(
        &self,
        user: UserId,
        prefix: &str,
        listing: Listing,
    ) -> Result<ItemPage, StoreError>;

    /// One item, removed or not.
    async fn item(&self, user: UserId, key: &ItemKey) -> Result<Option<Item>, StoreError>;

    /// Changes items, all of them or none. `VersionMismatch` when one is not of the version that
    /// it must have; `TooLarge` when the user would have too many, or too much in them.
    async fn put_items(&self, user: UserId, batch: Vec<NewItem>) -> Result<Vec<Item>, StoreError>;
}
