//! What all users of a run share: what they are to do, and what has happened so far.

use std::{
    sync::atomic::{AtomicI64, AtomicU64},
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{sync::watch, time::Instant};

use super::report::Latency;

/// Histograms are kept so many times, so that tasks do not wait for each other.
pub(super) const SHARDS: usize = 8;

/// What all users of a run share.
pub(super) struct Run {
    /// Tells this run's messages from those of others.
    pub(super) id: u32,
    pub(super) begun: Instant,
    /// How long bodies are.
    pub(super) size: usize,
    /// How many sends of one user may be unanswered.
    pub(super) window: usize,
    pub(super) stage: watch::Receiver<Stage>,
    /// Sends that the stage has left, over all users; may fall below 0.
    pub(super) budget: AtomicI64,
    pub(super) counts: Counts,
    pub(super) latencies: [Mutex<Latencies>; SHARDS],
}

/// What happened so far.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) sent: AtomicU64,
    pub(super) acked: AtomicU64,
    pub(super) delivered: AtomicU64,
    pub(super) duplicated: AtomicU64,
    pub(super) reordered: AtomicU64,
    pub(super) refused: AtomicU64,
}

pub(super) struct Latencies {
    pub(super) ack: Latency,
    pub(super) delivery: Latency,
}

/// What users do at present.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Stage {
    /// Receive, and answer what is left.
    Quiet,
    /// Send to every conversation in turn, as fast as the window allows.
    Fill,
    /// Send as fast as the window allows.
    Closed,
    /// Send to a schedule, whatever the answers do.
    Open {
        /// When it begins.
        from: Instant,
        /// Between two sends of one user.
        every: Duration,
    },
    /// It is over.
    Stop,
}

/// One sender's messages to one conversation.
pub(super) struct Stream {
    /// Its number in the run.
    pub(super) id: u32,
    /// The conversation.
    pub(super) to: String,
    /// The counter of the next message.
    pub(super) next: u64,
    /// How many were acknowledged.
    pub(super) acked: u64,
}

impl Stream {
    pub(super) fn new(id: u32, to: String) -> Self {
        Self { id, to, next: 0, acked: 0 }
    }
}

/// What a user has seen at the end.
pub(super) struct Seen {
    /// Per stream that was sent: its number and how many were acknowledged.
    pub(super) acked: Vec<(u32, u64)>,
    /// Per stream that was received: its number and how many different ones arrived.
    pub(super) arrived: Vec<(u32, u64)>,
}
