//! A peer's end: one `SessionManager` in front of several, reached by bytes.
//!
//! Which SM is asked, what waits and what is asked again is decided by the very
//! [`Lanes`] that run between processes. Here packets go through queues that can be hurt.

use std::{
    collections::HashMap,
    sync::{
        Arc, OnceLock, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anser_domain::{
    Ask, Clock, LinkId, ManualClock, Peer, PeerId, Refusal, Reply, SessionManager, Tag, Via,
};
use anser_rpc::{
    FromSm, ToSm,
    mesh::lanes::{Lanes, Step, Way},
};
use anser_sm::Sm;
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::{
    faults::{Faults, Line},
    stream::Stream,
};

/// A peer's way to all SMs.
pub(super) struct Port {
    id: PeerId,
    peer: OnceLock<Peer>,
    state: Mutex<State>,
    line: Mutex<Line<Bytes>>,
    inbound: UnboundedSender<(Way, Bytes)>,
    receiver: Mutex<Option<UnboundedReceiver<(Way, Bytes)>>>,
    clock: Arc<ManualClock>,
    began: Instant,
    packets: Arc<AtomicU64>,
}

#[derive(Default)]
struct State {
    lanes: Lanes,
    /// The live ones, by number.
    ways: HashMap<usize, Way>,
    to: HashMap<Way, UnboundedSender<Bytes>>,
}

impl Port {
    pub(super) fn new(id: PeerId, seed: u64, clock: Arc<ManualClock>) -> Self {
        let (inbound, receiver) = unbounded_channel();
        Self {
            id,
            peer: OnceLock::new(),
            state: Mutex::default(),
            line: Mutex::new(Line::new(seed)),
            inbound,
            receiver: Mutex::new(Some(receiver)),
            began: clock.now(),
            clock,
            packets: Arc::default(),
        }
    }

    /// An SM is there.
    pub(super) fn connect(&self, n: usize, sm: Arc<Sm>) {
        let (to, mut packets) = unbounded_channel::<Bytes>();
        let mut state = self.state.lock();
        let (way, parked) = state.lanes.came(&format!("sm{n}"));
        let (inbound, count, id) = (self.inbound.clone(), self.packets.clone(), self.id);
        let from = way.clone();
        tokio::spawn(async move {
            while let Some(bytes) = packets.recv().await {
                count.fetch_add(1, Ordering::Relaxed);
                match ToSm::decode(bytes) {
                    Ok(ToSm::Attach { peer, links, .. }) => {
                        let stream = Arc::new(Stream { from: from.clone(), to: inbound.clone() });
                        let links = links.then(|| stream.clone() as _);
                        sm.attach(Peer { id: peer, via: Via::default(), replies: stream, links });
                    }
                    Ok(ToSm::Detach(peer)) => sm.detach(peer),
                    Ok(ToSm::Asks(asks)) => sm.submit(asks),
                    Ok(ToSm::Pong(_)) => {}
                    Err(error) => unreadable(&error, id),
                }
            }
        });
        let links = self.peer.get().is_some_and(|peer| peer.links.is_some());
        let _ = to.send(ToSm::Attach { peer: self.id, links, pongs: false }.encode());
        state.ways.insert(n, way.clone());
        state.to.insert(way, to);
        let refused = state.send(parked);
        drop(state);
        self.refuse(refused);
    }

    /// An SM is gone, with all that it had not answered and all that was on its way.
    pub(super) fn lost(&self, n: usize) {
        let mut state = self.state.lock();
        let Some(way) = state.ways.remove(&n) else { return };
        state.to.remove(&way);
        let lost = state.lanes.went(&way);
        let refused = state.send(lost);
        drop(state);
        self.refuse(refused);
    }

    fn refuse(&self, asks: Vec<(LinkId, Tag, Refusal)>) {
        if let (Some(peer), false) = (self.peer.get(), asks.is_empty()) {
            let refused = |(link, tag, why)| (link, tag, Reply::Refused(why));
            peer.replies.replies(asks.into_iter().map(refused).collect());
        }
    }

    pub(super) fn change_owners(&self, salt: u64) {
        self.state.lock().lanes.reshuffle(salt);
    }

    pub(super) fn set_faults(&self, faults: Faults) {
        self.line.lock().set(faults);
    }

    /// Hands over what was late by now.
    pub(super) fn release(&self) {
        let due = self.line.lock().due(self.elapsed());
        due.into_iter().for_each(|bytes| self.hand_over(bytes));
    }

    /// How many packets have moved.
    pub(super) fn traffic(&self) -> u64 {
        self.packets.load(Ordering::Relaxed)
    }

    /// Whether a question waits for an SM that is there.
    pub(super) fn waits(&self) -> bool {
        self.state.lock().lanes.open() > 0
    }

    fn elapsed(&self) -> Duration {
        self.clock.now().saturating_duration_since(self.began)
    }

    /// A packet has come.
    fn arrive(&self, from: &Way, bytes: Bytes) {
        self.packets.fetch_add(1, Ordering::Relaxed);
        if !self.state.lock().lanes.is_live(from) {
            return;
        }
        match FromSm::decode(bytes.clone()) {
            Ok(FromSm::Replies(mut answers)) => {
                let mut state = self.state.lock();
                let mut refused = Vec::new();
                answers.retain(|(link, tag, reply)| {
                    let step = state.lanes.answered(from, *link, *tag, reply);
                    let waited = step.is_some();
                    refused.append(&mut state.send(step.unwrap_or_default()));
                    waited
                });
                drop(state);
                if let Some(peer) = self.peer.get() {
                    peer.replies.replies(answers);
                }
                self.refuse(refused);
            }
            Ok(FromSm::Hints(..)) => {
                let arrived = self.line.lock().pass(bytes, self.elapsed());
                arrived.into_iter().for_each(|bytes| self.hand_over(bytes));
            }
            Ok(FromSm::Beat(_)) if self.line.lock().is_broken() => {}
            Ok(FromSm::Evict(_) | FromSm::Beat(_)) => self.hand_over(bytes),
            // There is no stream here that could stand still.
            Ok(FromSm::Ping(_)) => {}
            Err(error) => unreadable(&error, self.id),
        }
    }

    fn hand_over(&self, bytes: Bytes) {
        let Some(links) = self.peer.get().and_then(|peer| peer.links.as_ref()) else { return };
        match FromSm::decode(bytes) {
            Ok(FromSm::Hints(at, hints)) => links.deliver(at, hints),
            Ok(FromSm::Evict(evictions)) => links.evict(evictions),
            Ok(FromSm::Beat(beat)) => links.beat(beat),
            Ok(FromSm::Replies(_) | FromSm::Ping(_)) => {}
            Err(error) => unreadable(&error, self.id),
        }
    }
}

/// Bytes of our own that cannot be read are the very thing that these tests look for.
#[expect(clippy::panic, reason = "the test has failed")]
fn unreadable(error: &anser_rpc::Malformed, at: PeerId) {
    panic!("peer {at} cannot read what it was sent: {error}");
}

impl State {
    fn send(&mut self, step: Step) -> Vec<(LinkId, Tag, Refusal)> {
        for (way, asks) in step.asks {
            if let Some(to) = self.to.get(&way) {
                let asks = asks.iter().map(|ask| Ask::clone(ask)).collect();
                let _ = to.send(ToSm::Asks(asks).encode());
            }
        }
        step.refused
    }
}

impl SessionManager for Port {
    fn attach(&self, peer: Peer) {
        let _ = self.peer.set(peer);
    }

    fn detach(&self, peer: PeerId) {
        for to in self.state.lock().to.values() {
            let _ = to.send(ToSm::Detach(peer).encode());
        }
    }

    fn submit(&self, batch: Vec<Ask>) {
        let mut state = self.state.lock();
        let step = state.lanes.ask(batch);
        let refused = state.send(step);
        drop(state);
        self.refuse(refused);
    }
}

/// Hands over what arrives at `port`, as long as there is one.
pub(super) fn listen(port: &Arc<Port>) {
    let Some(mut packets) = port.receiver.lock().take() else { return };
    let port: Weak<Port> = Arc::downgrade(port);
    tokio::spawn(async move {
        while let Some((from, bytes)) = packets.recv().await {
            let Some(port) = port.upgrade() else { return };
            port.arrive(&from, bytes);
        }
    });
}
