//! What the metrics endpoint reads of the streams between roles: plain counters, bumped without
//! order.

use std::sync::atomic::{AtomicU64, Ordering};

/// One number.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn add(&self, n: usize) {
        self.0.fetch_add(u64::try_from(n).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(crate) fn down(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What a [`Mesh`](crate::Mesh) has seen; all since its start but the first three.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MeshStats {
    /// Streams that are up: SMs that can be reached.
    pub streams: u64,
    /// Questions that wait for their answer.
    pub open: u64,
    /// Questions that wait for an SM to be there.
    pub parked: u64,
    /// Questions asked.
    pub asked: u64,
    /// Of those, asked again because the SM went that had them.
    pub again: u64,
    /// Questions refused because no SM was there, or the one that had them went.
    pub refused: u64,
    /// Streams that have broken.
    pub broken: u64,
    /// Batches of hints that have come: one `Deliver` each.
    pub deliveries: u64,
    /// Parts of packets that this release could not read.
    pub unread: u64,
}

/// The counters behind it.
#[derive(Debug, Default)]
pub(crate) struct MeshCounters {
    pub(crate) asked: Counter,
    pub(crate) again: Counter,
    pub(crate) refused: Counter,
    pub(crate) broken: Counter,
    pub(crate) deliveries: Counter,
    pub(crate) unread: Counter,
}

/// What an SM's end has seen of its peers. Whoever calls [`serve`](crate::serve()) keeps it to read.
#[derive(Debug, Default)]
pub struct Served {
    pub(crate) streams: Counter,
    pub(crate) asked: Counter,
    pub(crate) replies: Counter,
    pub(crate) deliveries: Counter,
    pub(crate) stuck: Counter,
    pub(crate) unread: Counter,
}

impl Served {
    /// Streams that are up: CMs and Webs.
    #[must_use]
    pub fn streams(&self) -> u64 {
        self.streams.read()
    }

    /// Questions taken.
    #[must_use]
    pub fn asked(&self) -> u64 {
        self.asked.read()
    }

    /// Packets of answers sent.
    #[must_use]
    pub fn replies(&self) -> u64 {
        self.replies.read()
    }

    /// Batches of hints sent: one `Deliver` each.
    #[must_use]
    pub fn deliveries(&self) -> u64 {
        self.deliveries.read()
    }

    /// Peers whose stream was ended because they did not read.
    #[must_use]
    pub fn stuck(&self) -> u64 {
        self.stuck.read()
    }

    /// Parts of packets that this release could not read.
    #[must_use]
    pub fn unread(&self) -> u64 {
        self.unread.read()
    }
}
