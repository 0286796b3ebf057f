//! A peer's end: one `SessionManager` in front of several, reached by bytes.
//!
//! Questions about a conversation go to the SM that owns its address, by rendezvous hash over
//! the live ones; others by who asks. When an owner changes, later questions wait until the
//! earlier ones are answered, so that a device's order is kept (DESIGN promise 3). When an SM is
//! lost, what it left unanswered is asked of the next owner, in order: sends are recognised by
//! their client ids. Only a login is not asked twice; its link is told to come again.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
    sync::{
        Arc, OnceLock, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anser_domain::{
    Address, Ask, Caller, Clock, Command, LinkId, ManualClock, Peer, PeerId, Refusal, Reply,
    SessionManager, Tag, UserId, UserName,
};
use anser_rpc::{FromSm, ToSm};
use anser_sm::Sm;
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::{
    faults::{Faults, Line},
    stream::{From, Stream},
};

/// A peer's way to all SMs.
pub(super) struct Port {
    id: PeerId,
    peer: OnceLock<Peer>,
    state: Mutex<State>,
    line: Mutex<Line<Bytes>>,
    inbound: UnboundedSender<(From, Bytes)>,
    receiver: Mutex<Option<UnboundedReceiver<(From, Bytes)>>>,
    clock: Arc<ManualClock>,
    began: Instant,
    packets: Arc<AtomicU64>,
}

#[derive(Default)]
struct State {
    /// The live ones, by number.
    sms: BTreeMap<usize, Sending>,
    lives: u64,
    salt: u64,
    /// Questions that have a reply and wait for it, in the order in which they were asked.
    open: BTreeMap<u64, Open>,
    waiting: HashMap<(LinkId, Tag), VecDeque<u64>>,
    asked: u64,
    lanes: HashMap<u64, Lane>,
    /// Asked while no SM was there.
    parked: Vec<Ask>,
    /// Names, for addresses that are the same from both sides. Welcomes tell them.
    names: HashMap<UserId, UserName>,
}

struct Sending {
    life: u64,
    to: UnboundedSender<Bytes>,
}

struct Open {
    ask: Ask,
    lane: u64,
    at: From,
}

/// Questions about one thing.
struct Lane {
    at: From,
    open: usize,
    /// Waiting for the owner before to answer.
    held: VecDeque<Ask>,
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
        state.lives += 1;
        let from = From { sm: n, life: state.lives };
        let (inbound, count, id) = (self.inbound.clone(), self.packets.clone(), self.id);
        tokio::spawn(async move {
            while let Some(bytes) = packets.recv().await {
                count.fetch_add(1, Ordering::Relaxed);
                match ToSm::decode(bytes) {
                    Ok(ToSm::Attach { peer, links }) => {
                        let stream = Arc::new(Stream { from, to: inbound.clone() });
                        let links = links.then(|| stream.clone() as _);
                        sm.attach(Peer { id: peer, replies: stream, links });
                    }
                    Ok(ToSm::Detach(peer)) => sm.detach(peer),
                    Ok(ToSm::Asks(asks)) => sm.submit(asks),
                    Err(error) => unreadable(&error, id),
                }
            }
        });
        let links = self.peer.get().is_some_and(|peer| peer.links.is_some());
        let _ = to.send(ToSm::Attach { peer: self.id, links }.encode());
        state.sms.insert(n, Sending { life: from.life, to });
        let parked = std::mem::take(&mut state.parked);
        state.ask(parked);
    }

    /// An SM is gone, with all that it had not answered and all that was on its way.
    pub(super) fn lost(&self, n: usize) {
        let mut again = Vec::new();
        let mut failed = Vec::new();
        {
            let mut state = self.state.lock();
            state.sms.remove(&n);
            let orders: Vec<u64> =
                state.open.iter().filter(|(_, it)| it.at.sm == n).map(|(at, _)| *at).collect();
            for order in orders {
                let Some(open) = state.close(order) else { continue };
                if matches!(open.ask.command, Command::Login(_)) {
                    failed.push((open.ask.from.link, open.ask.from.tag));
                } else {
                    again.push(open.ask);
                }
            }
            // What was held behind those comes after them.
            for lane in state.lanes.values_mut().filter(|lane| lane.open == 0) {
                again.extend(lane.held.drain(..));
            }
            state.ask(again);
        }
        if let Some(peer) = self.peer.get()
            && !failed.is_empty()
        {
            let refused = |(link, tag)| (link, tag, Reply::Refused(Refusal::Unavailable));
            peer.replies.replies(failed.into_iter().map(refused).collect());
        }
    }

    pub(super) fn change_owners(&self, salt: u64) {
        self.state.lock().salt = salt;
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
        !self.state.lock().open.is_empty()
    }

    fn elapsed(&self) -> Duration {
        self.clock.now().saturating_duration_since(self.began)
    }

    /// A packet has come.
    fn arrive(&self, from: From, bytes: Bytes) {
        self.packets.fetch_add(1, Ordering::Relaxed);
        let live = self.state.lock().sms.get(&from.sm).is_some_and(|it| it.life == from.life);
        if !live {
            return;
        }
        match FromSm::decode(bytes.clone()) {
            Ok(FromSm::Replies(batch)) => {
                let mut state = self.state.lock();
                let mut answers = batch;
                answers.retain(|(link, tag, reply)| state.answered(from, *link, *tag, reply));
                drop(state);
                if let Some(peer) = self.peer.get() {
                    peer.replies.replies(answers);
                }
            }
            Ok(FromSm::Hints(..)) => {
                let arrived = self.line.lock().pass(bytes, self.elapsed());
                arrived.into_iter().for_each(|bytes| self.hand_over(bytes));
            }
            Ok(FromSm::Beat(_)) if self.line.lock().is_broken() => {}
            Ok(FromSm::Evict(_) | FromSm::Beat(_)) => self.hand_over(bytes),
            Err(error) => unreadable(&error, self.id),
        }
    }

    fn hand_over(&self, bytes: Bytes) {
        let Some(links) = self.peer.get().and_then(|peer| peer.links.as_ref()) else { return };
        match FromSm::decode(bytes) {
            Ok(FromSm::Hints(at, hints)) => links.deliver(at, hints),
            Ok(FromSm::Evict(evictions)) => links.evict(evictions),
            Ok(FromSm::Beat(beat)) => links.beat(beat),
            Ok(FromSm::Replies(_)) => {}
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
    /// Sends questions on to their owners, in order; holds those whose owner has just changed.
    fn ask(&mut self, asks: Vec<Ask>) {
        let mut batches: BTreeMap<usize, Vec<Ask>> = BTreeMap::new();
        for ask in asks {
            let key = self.key(&ask);
            let Some(owner) = self.owner(key) else {
                self.parked.push(ask);
                continue;
            };
            let lane =
                self.lanes.entry(key).or_insert(Lane { at: owner, open: 0, held: VecDeque::new() });
            if lane.open > 0 && (lane.at != owner || !lane.held.is_empty()) {
                lane.held.push_back(ask);
                continue;
            }
            lane.at = owner;
            if has_reply(&ask.command) {
                lane.open += 1;
                self.asked += 1;
                let at = (ask.from.link, ask.from.tag);
                self.waiting.entry(at).or_default().push_back(self.asked);
                self.open.insert(self.asked, Open { ask: ask.clone(), lane: key, at: owner });
            }
            batches.entry(owner.sm).or_default().push(ask);
        }
        for (sm, asks) in batches {
            if let Some(sending) = self.sms.get(&sm) {
                let _ = sending.to.send(ToSm::Asks(asks).encode());
            }
        }
    }

    /// Whether this answer was waited for.
    fn answered(&mut self, from: From, link: LinkId, tag: Tag, reply: &Reply) -> bool {
        if let Reply::Welcome(welcome) = reply {
            self.names.insert(welcome.actor.user, welcome.user.clone());
        }
        let Some(waiting) = self.waiting.get(&(link, tag)) else { return false };
        let found =
            waiting.iter().find(|order| self.open.get(order).is_some_and(|it| it.at == from));
        let Some(order) = found.copied() else { return false };
        let Some(open) = self.close(order) else { return false };
        if let Some(lane) = self.lanes.get_mut(&open.lane)
            && lane.open == 0
        {
            let held = lane.held.drain(..).collect();
            self.ask(held);
        }
        true
    }

    fn close(&mut self, order: u64) -> Option<Open> {
        let open = self.open.remove(&order)?;
        let at = (open.ask.from.link, open.ask.from.tag);
        if let Some(waiting) = self.waiting.get_mut(&at) {
            waiting.retain(|it| *it != order);
            if waiting.is_empty() {
                self.waiting.remove(&at);
            }
        }
        if let Some(lane) = self.lanes.get_mut(&open.lane) {
            lane.open = lane.open.saturating_sub(1);
        }
        Some(open)
    }

    fn owner(&self, key: u64) -> Option<From> {
        let weight = |sm: &usize| hash(&(self.salt, *sm, key));
        let (sm, sending) = self.sms.iter().max_by_key(|(sm, _)| weight(sm))?;
        Some(From { sm: *sm, life: sending.life })
    }

    /// What decides on the owner: the conversation, else who asks.
    fn key(&self, ask: &Ask) -> u64 {
        let by_address = |at: &Address| match (at, &ask.caller) {
            (Address::Group(name), _) => hash(&("g", name.as_str())),
            (Address::User(peer), Caller::Link(actor)) => {
                let me = self.names.get(&actor.user).map_or("", UserName::as_str);
                let peer = peer.as_str();
                hash(&("u", me.min(peer), me.max(peer)))
            }
            (Address::User(peer), Caller::Nobody | Caller::Bearer(_)) => {
                hash(&("u", peer.as_str()))
            }
        };
        match &ask.command {
            Command::Send(it) => by_address(&it.to),
            Command::History { at, .. } | Command::Read { at, .. } | Command::Typing { at, .. } => {
                by_address(at)
            }
            Command::CreateGroup(it) => hash(&("g", it.name.as_str())),
            Command::Change(it) => by_address(&it.at),
            Command::Group(name) | Command::Members { group: name, .. } => {
                hash(&("g", name.as_str()))
            }
            Command::Pull(it) => hash(&("conv", it.conv)),
            Command::Delivered { conv, .. } => hash(&("conv", conv)),
            Command::Groups(command) => match command.address() {
                Some(at) => by_address(&at),
                None => hash(&("link", ask.from.link)),
            },
            Command::Login(_)
            | Command::Unlink
            | Command::Relink
            | Command::Files(_)
            | Command::Messages(_)
            | Command::Changes { .. }
            | Command::Conversations { .. }
            | Command::SignIn(_)
            | Command::Refresh(_)
            | Command::SignOut
            | Command::ChangePassword { .. }
            | Command::Me
            | Command::SetDisplayName(_)
            | Command::User(_)
            | Command::Devices
            | Command::RemoveDevice(_)
            | Command::Push(_)
            | Command::People(_)
            | Command::CreateUser(_)
            | Command::Users { .. }
            | Command::SetPassword { .. }
            | Command::SetDisabled { .. }
            | Command::Admin(_) => hash(&("link", ask.from.link)),
        }
    }
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

fn has_reply(command: &Command) -> bool {
    !matches!(command, Command::Unlink | Command::Delivered { .. } | Command::Typing { .. })
}

impl SessionManager for Port {
    fn attach(&self, peer: Peer) {
        let _ = self.peer.set(peer);
    }

    fn detach(&self, peer: PeerId) {
        for sending in self.state.lock().sms.values() {
            let _ = sending.to.send(ToSm::Detach(peer).encode());
        }
    }

    fn submit(&self, batch: Vec<Ask>) {
        self.state.lock().ask(batch);
    }
}

/// Hands over what arrives at `port`, as long as there is one.
pub(super) fn listen(port: &Arc<Port>) {
    let Some(mut packets) = port.receiver.lock().take() else { return };
    let port: Weak<Port> = Arc::downgrade(port);
    tokio::spawn(async move {
        while let Some((from, bytes)) = packets.recv().await {
            let Some(port) = port.upgrade() else { return };
            port.arrive(from, bytes);
        }
    });
}
