//! What the metrics endpoint reads: plain counters, bumped without order.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of one connection manager, all since its start but `links`.
#[derive(Debug, Default)]
pub struct Stats {
    /// Links open now.
    pub links: Counter,
    /// Sockets accepted that are not links yet.
    pub arriving: Counter,
    /// Links opened.
    pub accepted: Counter,
    /// Sockets turned away: too many links, or a handshake that failed.
    pub refused: Counter,
    /// Bytes read from peers, after TLS.
    pub bytes_in: Counter,
    /// Bytes written to peers, before TLS.
    pub bytes_out: Counter,
    /// Events dropped because a link could not keep up.
    pub shed: Counter,
    /// Pages of logs asked for on behalf of links.
    pub pulls: Counter,
    /// Streams of hints found broken.
    pub gaps: Counter,
    /// Links told to compare heads.
    pub resyncs: Counter,
    /// Sessions that panicked; their links were closed.
    pub panics: Counter,
}

/// One number.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// The number now.
    #[must_use]
    pub fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    pub(crate) fn up(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) fn down(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
