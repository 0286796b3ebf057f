//! The two interfaces between connection managers and session managers, and nothing more.
//!
//! In one process they are function calls; between processes each is one end of a gRPC stream.

use std::sync::Arc;

use crate::{
    ask::{Ask, Tag, Via},
    event::Event,
    id::{LinkId, PeerId, StreamPos, SyncToken},
    refusal::Refusal,
    reply::Reply,
};

/// CM and Web → SM.
pub trait SessionManager: Send + Sync + 'static {
    /// Makes a peer known, before its first ask. Its replies and hints go to its ports.
    fn attach(&self, peer: Peer);

    /// Forgets a peer: its links are gone.
    fn detach(&self, peer: PeerId);

    /// The way to a peer is broken, and it may come back: nothing can be said to it, but its
    /// links may live on. Only what carries this trait between processes knows of such a thing.
    fn lose(&self, peer: PeerId) {
        self.detach(peer);
    }

    /// Takes questions. Never blocks and never fails: whatever happens, each question whose
    /// command has a reply is answered exactly once through the peer's [`Replies`], possibly
    /// before this returns. Sends of one link are stored in the order in which they were
    /// submitted.
    fn submit(&self, batch: Vec<Ask>);
}

/// A process that asks.
#[derive(Clone)]
pub struct Peer {
    /// One life of it.
    pub id: PeerId,
    /// By which of its streams it asks now. By those before it waits for nothing any more.
    pub via: Via,
    /// Where its answers go.
    pub replies: RepliesPort,
    /// Where hints for its links go; a Web has none.
    pub links: Option<LinksPort>,
}

/// Shared handle on a peer's [`Replies`].
pub type RepliesPort = Arc<dyn Replies>;
/// Shared handle on a peer's [`Links`].
pub type LinksPort = Arc<dyn Links>;

/// SM → whoever asked: answers.
pub trait Replies: Send + Sync + 'static {
    /// Hands over answers. Never blocks.
    ///
    /// Order: the answer to a send is handed over before the delivery of what it stored, and
    /// only after the commit.
    fn replies(&self, batch: Vec<(LinkId, Tag, Reply)>);

    /// Whether they still wait for the answers of this SM, and have not turned to another. Nothing
    /// of theirs may be stored any more when they do not.
    fn wait(&self) -> bool {
        true
    }
}

/// SM → CM: what links should know.
pub trait Links: Send + Sync + 'static {
    /// Hands over hints. Never blocks. Every batch is one step of the SM's numbered stream to
    /// this CM; a batch for unknown links is dropped without harm.
    fn deliver(&self, at: StreamPos, batch: Vec<Hint>);

    /// Ends links, telling each why. The CM answers with `Unlink` once a link has closed.
    fn evict(&self, links: Vec<(LinkId, Refusal)>);

    /// The SM's sign of life, every few seconds.
    fn beat(&self, beat: Beat);
}

/// One event for the links that should have it.
#[derive(Clone, Debug)]
pub struct Hint {
    /// What.
    pub event: Event,
    /// For whom.
    pub links: Vec<LinkId>,
}

/// An SM's sign of life. It closes the stream's tail: a hint that was lost after the last one
/// that arrived shows as a gap here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beat {
    /// The number of the last batch sent on this stream.
    pub at: StreamPos,
    /// Everything committed at or below this was hinted at or before `at`.
    pub watermark: SyncToken,
    /// Changes when the link map has lost what it held: every link registers again.
    pub routes_generation: u64,
}
