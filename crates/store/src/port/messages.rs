//! What users ask about messages beside reading and sending: a part of the durable port.

use std::sync::Arc;

use anser_domain::{
    Address, ConvId, Keep, KeepChange, Message, Reactor, Receipts, Refusal, Search, SearchPage,
    Seq, UserId,
};
use async_trait::async_trait;

use super::store::StoreError;

/// What is refused about a message that is not there, or not there for who asks.
pub(crate) const NO_MESSAGE: Refusal = Refusal::NoSuch("message");

/// A user's own view of a conversation after a change. Nobody else sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeepMoved {
    /// The conversation.
    pub conv: ConvId,
    /// How it is kept now.
    pub keep: Keep,
}

/// Messages, beside the log itself. What changes a user's own view is no entry of the log; the
/// conversation's row in the user's list changes, and so their other devices learn of it.
#[async_trait]
pub trait Messages: Send + Sync {
    /// Takes a message out of the user's own sight. Every page shows its place as gone.
    async fn delete_for(
        &self,
        user: UserId,
        at: &Address,
        seq: Seq,
    ) -> Result<KeepMoved, StoreError>;

    /// Takes everything up to `seq` out of the user's own sight, and counts it as read. Pages
    /// begin above it.
    async fn clear_for(
        &self,
        user: UserId,
        at: &Address,
        seq: Seq,
    ) -> Result<KeepMoved, StoreError>;

    /// Changes how the user keeps a conversation.
    async fn keep(
        &self,
        user: UserId,
        at: &Address,
        change: KeepChange,
    ) -> Result<KeepMoved, StoreError>;

    /// Who reacted to a message, by reaction, and whether more follow.
    async fn reactors(
        &self,
        viewer: UserId,
        at: &Address,
        seq: Seq,
        after: Option<&Reactor>,
        limit: u16,
    ) -> Result<(Vec<Reactor>, bool), StoreError>;

    /// What is pinned in a conversation, the latest pin first, as far as the viewer may see it.
    async fn pins(&self, viewer: UserId, at: &Address) -> Result<Vec<Arc<Message>>, StoreError>;

    /// Who has a message, for a member. `TooLarge` in groups of more than `up_to` members.
    async fn receipts(
        &self,
        viewer: UserId,
        at: &Address,
        seq: Seq,
        up_to: usize,
    ) -> Result<Receipts, StoreError>;

    /// Messages that hold the words that are looked for: exactly those that the viewer would
    /// find by reading all of their history.
    async fn search(&self, viewer: UserId, search: &Search) -> Result<SearchPage, StoreError>;

    /// Takes a slice of the log into the search index. Bounded work per call; answers whether
    /// more is left. What is not in the index yet is found all the same.
    async fn index(&self) -> Result<bool, StoreError>;
}
