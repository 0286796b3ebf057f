//! An SM's end of a stream to one peer: what the SM says becomes bytes here.

use anser_domain::{Beat, Hint, LinkId, Links, Refusal, Replies, Reply, StreamPos, Tag};
use anser_rpc::{FromSm, mesh::lanes::Way};
use bytes::Bytes;
use tokio::sync::mpsc::UnboundedSender;

/// The peer as its SM knows it.
pub(super) struct Stream {
    /// Which life of which SM it comes from.
    pub(super) from: Way,
    pub(super) to: UnboundedSender<(Way, Bytes)>,
}

impl Stream {
    fn say(&self, packet: &FromSm) {
        // A peer that has gone needs to hear nothing.
        let _ = self.to.send((self.from.clone(), packet.encode()));
    }
}

impl Replies for Stream {
    fn replies(&self, batch: Vec<(LinkId, Tag, Reply)>) {
        self.say(&FromSm::Replies(batch));
    }
}

impl Links for Stream {
    fn deliver(&self, at: StreamPos, batch: Vec<Hint>) {
        self.say(&FromSm::Hints(at, batch));
    }

    fn evict(&self, links: Vec<(LinkId, Refusal)>) {
        self.say(&FromSm::Evict(links));
    }

    fn beat(&self, beat: Beat) {
        self.say(&FromSm::Beat(beat));
    }
}
