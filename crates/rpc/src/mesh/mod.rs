//! A peer's end: one [`SessionManager`] in front of several SMs in other processes.
//!
//! ```text
//!  Cm, Calls ─ submit ─► Lanes ─► a queue per SM ─► one stream each ═══► SM
//!            ◄─ Replies, Links ◄─ Lanes ◄──────────────────────────── ═══╝
//! ```
//!
//! Submitting never blocks: it decides, queues and returns. A task per SM keeps one stream open to
//! it, and when it breaks, dials again.

pub mod lanes;
mod stream;

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use anser_domain::{Ask, LinkId, Peer, PeerId, Refusal, Reply, SessionManager, Tag};
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use tokio::{
    sync::{mpsc::UnboundedSender, watch},
    task::AbortHandle,
};

use self::lanes::{Lanes, Step, Way};
use crate::{FromSm, MeshStats, dial::Dial, stats::MeshCounters};

/// So long a question waits for any SM to be there. A restart takes less.
const GIVE_UP_AFTER: Duration = Duration::from_secs(3);

/// What goes to one SM.
enum Outgoing {
    Asks(Vec<Arc<Ask>>),
    Pong(u64),
    /// The peer is going for good.
    Detach,
}

/// The SMs of a cluster as one.
pub struct Mesh {
    dial: Dial,
    peer: OnceLock<Peer>,
    state: Mutex<State>,
    counters: MeshCounters,
}

#[derive(Default)]
struct State {
    lanes: Lanes,
    /// Where each live way begins. Pushed into under the lock, so that questions leave in the
    /// order in which they were asked.
    ways: FxHashMap<Way, UnboundedSender<Outgoing>>,
    /// The tasks that keep streams open, by SM.
    keepers: FxHashMap<Arc<str>, AbortHandle>,
}

impl Mesh {
    /// A mesh without SMs; [`follow`](Self::follow) tells it which there are.
    #[must_use]
    pub fn new(dial: Dial) -> Arc<Self> {
        Arc::new(Self {
            dial,
            peer: OnceLock::new(),
            state: Mutex::default(),
            counters: MeshCounters::default(),
        })
    }

    /// Keeps a stream open to each SM of the list, whichever the list has at the time. Ends when
    /// the list's sender is dropped; spawn it once the peer is attached.
    pub async fn follow(self: Arc<Self>, mut sms: watch::Receiver<Vec<String>>) {
        let mut looks = tokio::time::interval(GIVE_UP_AFTER);
        loop {
            self.keep(&sms.borrow_and_update().clone());
            tokio::select! {
                // Cancel-safe: a change that was not seen is seen at the next look.
                changed = sms.changed() => if changed.is_err() { break },
                // Cancel-safe: a tick that was not taken comes again.
                _ = looks.tick() => self.give_up(),
            }
        }
        self.state.lock().keepers.drain().for_each(|(_, keeper)| keeper.abort());
    }

    fn keep(self: &Arc<Self>, sms: &[String]) {
        let mut state = self.state.lock();
        state.keepers.retain(|sm, keeper| {
            let stays = sms.iter().any(|it| **it == **sm);
            if !stays {
                keeper.abort();
            }
            stays
        });
        for sm in sms {
            if !state.keepers.contains_key(sm.as_str()) {
                let sm: Arc<str> = sm.as_str().into();
                let task = tokio::spawn(stream::keep(Arc::downgrade(self), sm.clone()));
                state.keepers.insert(sm, task.abort_handle());
            }
        }
    }

    /// How many SMs can be reached.
    #[must_use]
    pub fn reached(&self) -> usize {
        self.state.lock().ways.len()
    }

    /// What it has seen so far.
    #[must_use]
    pub fn stats(&self) -> MeshStats {
        let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        let (streams, open, parked) = {
            let state = self.state.lock();
            (state.ways.len(), state.lanes.open(), state.lanes.parked())
        };
        let counters = &self.counters;
        MeshStats {
            streams: count(streams),
            open: count(open),
            parked: count(parked),
            asked: counters.asked.read(),
            again: counters.again.read(),
            refused: counters.refused.read(),
            broken: counters.broken.read(),
            deliveries: counters.deliveries.read(),
            unread: counters.unread.read(),
        }
    }

    fn came(&self, sm: &str, to: UnboundedSender<Outgoing>) -> Way {
        let mut state = self.state.lock();
        let (way, parked) = state.lanes.came(sm);
        state.ways.insert(way.clone(), to);
        let refused = state.send(parked);
        drop(state);
        self.refuse(refused);
        way
    }

    fn went(&self, way: &Way) {
        let mut state = self.state.lock();
        state.ways.remove(way);
        let lost = state.lanes.went(way);
        self.counters.broken.add(1);
        self.counters.again.add(lost.asks.values().map(Vec::len).sum());
        let refused = state.send(lost);
        drop(state);
        self.refuse(refused);
    }

    fn give_up(&self) {
        let refused = self.state.lock().lanes.give_up();
        self.refuse(refused);
    }

    fn refuse(&self, asks: Vec<(LinkId, Tag, Refusal)>) {
        self.counters.refused.add(asks.len());
        if let (Some(peer), false) = (self.peer.get(), asks.is_empty()) {
            let refused = |(link, tag, why)| (link, tag, Reply::Refused(why));
            peer.replies.replies(asks.into_iter().map(refused).collect());
        }
    }

    /// A packet has come from an SM.
    fn arrive(&self, way: &Way, packet: FromSm) {
        let Some(peer) = self.peer.get() else { return };
        match (packet, &peer.links) {
            (FromSm::Replies(mut answers), _) => {
                let mut state = self.state.lock();
                let mut refused = Vec::new();
                answers.retain(|(link, tag, reply)| {
                    match state.lanes.answered(way, *link, *tag, reply) {
                        Some(step) => {
                            refused.append(&mut state.send(step));
                            true
                        }
                        None => false,
                    }
                });
                drop(state);
                peer.replies.replies(answers);
                self.refuse(refused);
            }
            (FromSm::Hints(at, hints), Some(links)) => {
                self.counters.deliveries.add(1);
                links.deliver(at, hints);
            }
            (FromSm::Evict(evictions), Some(links)) => links.evict(evictions),
            (FromSm::Beat(beat), Some(links)) => links.beat(beat),
            (FromSm::Ping(ping), _) => {
                if let Some(to) = self.state.lock().ways.get(way) {
                    let _ = to.send(Outgoing::Pong(ping));
                }
            }
            // A peer without links has no use for these.
            (FromSm::Hints(..) | FromSm::Evict(_) | FromSm::Beat(_), None) => {}
        }
    }
}

impl State {
    /// Asks what is to be asked; answers what is to be refused.
    fn send(&mut self, step: Step) -> Vec<(LinkId, Tag, Refusal)> {
        for (way, asks) in step.asks {
            if let Some(to) = self.ways.get(&way) {
                // A stream that has just broken is about to say so; then these are asked again.
                let _ = to.send(Outgoing::Asks(asks));
            }
        }
        step.refused
    }
}

impl SessionManager for Mesh {
    fn attach(&self, peer: Peer) {
        // One process is one peer: answers to another would have nowhere to go.
        if let Err(peer) = self.peer.set(peer) {
            tracing::error!(peer = %peer.id, "a second peer attached to one mesh");
        }
    }

    fn detach(&self, _: PeerId) {
        for to in self.state.lock().ways.values() {
            let _ = to.send(Outgoing::Detach);
        }
    }

    fn submit(&self, batch: Vec<Ask>) {
        self.counters.asked.add(batch.len());
        let mut state = self.state.lock();
        let step = state.lanes.ask(batch);
        let refused = state.send(step);
        drop(state);
        self.refuse(refused);
    }
}
