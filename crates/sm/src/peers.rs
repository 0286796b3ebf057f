//! The processes that ask: where their answers go, and the numbered stream of hints to each CM.

use std::sync::Arc;

use anser_domain::{
    Beat, Hint, LinkId, Peer, PeerId, Refusal, Reply, ReplyTo, StreamPos, SyncToken, Tag,
};
use parking_lot::{Mutex, RwLock};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

/// Values sorted into one bin per peer. There are few peers, so a linear search is quickest.
type PerPeer<T> = SmallVec<[(PeerId, Vec<T>); 2]>;

/// The bin of `peer`, made if it is the first value for it.
pub(crate) fn bin<T>(bins: &mut PerPeer<T>, peer: PeerId) -> &mut Vec<T> {
    let index = bins.iter().position(|(id, _)| *id == peer).unwrap_or_else(|| {
        bins.push((peer, Vec::new()));
        bins.len() - 1
    });
    #[expect(clippy::indexing_slicing, reason = "the index was found or pushed right above")]
    &mut bins[index].1
}

/// Whether who asked still waits for this SM's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// They do.
    Waits,
    /// They may have turned to another SM, and may come back to this one.
    Unsure,
    /// They asked by a stream that is over, and have asked again.
    Gone,
}

/// Everybody who is attached.
pub(crate) struct Peers {
    attached: RwLock<FxHashMap<PeerId, Arc<Attached>>>,
}

struct Attached {
    peer: Peer,
    /// One stream of hints: a peer that comes back, to this SM or another life of it, is told by
    /// a new name that the numbers begin anew, and so that some may be lost.
    name: PeerId,
    /// The number of the last batch of hints. Held while a batch is handed over, so that
    /// batches arrive in the order of their numbers.
    stream: Mutex<u64>,
}

impl Peers {
    pub(crate) fn new() -> Self {
        Self { attached: RwLock::default() }
    }

    pub(crate) fn attach(&self, peer: Peer) {
        let name = PeerId(rand::random());
        let attached = Attached { stream: Mutex::new(0), name, peer };
        self.attached.write().insert(attached.peer.id, Arc::new(attached));
    }

    pub(crate) fn detach(&self, peer: PeerId) {
        self.attached.write().remove(&peer);
    }

    fn find(&self, peer: PeerId) -> Option<Arc<Attached>> {
        self.attached.read().get(&peer).cloned()
    }

    /// Whether who asked still waits for this SM.
    pub(crate) fn patience(&self, from: ReplyTo) -> Patience {
        let attached = self.attached.read();
        match attached.get(&from.peer).map(|it| &it.peer) {
            Some(peer) if peer.via == from.via && peer.replies.wait() => Patience::Waits,
            Some(peer) if peer.via == from.via => Patience::Unsure,
            _ => Patience::Gone,
        }
    }

    /// Whether `peer` holds links, whose devices keep an order of their own.
    pub(crate) fn holds_links(&self, peer: PeerId) -> bool {
        self.find(peer).is_some_and(|it| it.peer.links.is_some())
    }

    pub(crate) fn reply(&self, to: ReplyTo, reply: Reply) {
        if let Some(attached) = self.find(to.peer).filter(|it| it.peer.via == to.via) {
            attached.peer.replies.replies(vec![(to.link, to.tag, reply)]);
        }
    }

    /// Hands over many answers, one call per peer, each peer's in the order given.
    pub(crate) fn replies(&self, batch: Vec<(ReplyTo, Reply)>) {
        let mut bins: PerPeer<(LinkId, Tag, Reply)> = SmallVec::new();
        let size = batch.len();
        let attached = self.attached.read();
        for (to, reply) in batch {
            // What was asked by an earlier stream has been asked again, and is answered by itself.
            if attached.get(&to.peer).is_none_or(|it| it.peer.via != to.via) {
                continue;
            }
            let bin = bin(&mut bins, to.peer);
            if bin.is_empty() {
                bin.reserve(size);
            }
            bin.push((to.link, to.tag, reply));
        }
        drop(attached);
        for (peer, replies) in bins {
            if let Some(attached) = self.find(peer) {
                attached.peer.replies.replies(replies);
            }
        }
    }

    /// Hands over hints as the next batch of the stream to `cm`.
    pub(crate) fn deliver(&self, cm: PeerId, hints: Vec<Hint>) {
        let Some(attached) = self.find(cm) else { return };
        let Some(links) = &attached.peer.links else { return };
        let mut last = attached.stream.lock();
        *last += 1;
        if crate::planted::lose_hint(&hints) {
            *last -= 1;
            return;
        }
        links.deliver(StreamPos { sm: attached.name, number: *last }, hints);
    }

    pub(crate) fn evict(&self, cm: PeerId, evictions: Vec<(LinkId, Refusal)>) {
        if let Some(links) = self.find(cm).and_then(|it| it.peer.links.clone()) {
            links.evict(evictions);
        }
    }

    /// Leaves a number out of every stream, as if a batch of hints had been lost.
    pub(crate) fn skip(&self) {
        let all: Vec<_> = self.attached.read().values().cloned().collect();
        for attached in all {
            *attached.stream.lock() += 1;
        }
    }

    /// The CMs among the peers.
    pub(crate) fn with_links(&self) -> Vec<PeerId> {
        let attached = self.attached.read();
        attached.iter().filter(|(_, it)| it.peer.links.is_some()).map(|(id, _)| *id).collect()
    }

    /// Tells every CM where its stream stands.
    pub(crate) fn beat(&self, watermark: SyncToken, routes_generation: u64) {
        let all: Vec<_> = self.attached.read().values().cloned().collect();
        for attached in all {
            let Some(links) = &attached.peer.links else { continue };
            let last = attached.stream.lock();
            let at = StreamPos { sm: attached.name, number: *last };
            links.beat(Beat { at, watermark, routes_generation });
        }
    }
}
