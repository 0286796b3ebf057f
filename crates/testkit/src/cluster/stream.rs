//! An SM's end of a stream to one peer: what the SM says becomes bytes here.

use anser_domain::{Beat, Hint, LinkId, Links, Refusal, Replies, Reply, StreamPos, Tag};
use anser_rpc::FromSm;
use bytes::Bytes;
use tokio::sync::mpsc::UnboundedSender;

/// Which life of which SM something comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct From {
    pub(super) sm: usize,
    pub(super) life: u64,
}

/// The peer as its SM knows it.
pub(super) struct Stream {
    pub(super) from: From,
    pub(super) to: UnboundedSender<(From, Bytes)>,
}

impl Stream {
    fn say(&self, packet: &FromSm) {
        // A peer that has gone needs to hear nothing.
        let _ = self.to.send((self.from, packet.encode()));
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
