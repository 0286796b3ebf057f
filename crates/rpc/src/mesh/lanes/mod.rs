//! Which SM is asked what, and what is asked again when one is lost. A value: no IO, no clock.
//!
//! Questions about one conversation are a **lane**; a lane has one owner among the live SMs, by
//! rendezvous hash of its address, so that batches form there. When the owner changes, later
//! questions of a lane wait until the earlier ones are answered, so that a device's order is kept
//! (DESIGN promise 3), and what would slip past one that was refused for now is refused here. When
//! an SM is lost, what it left unanswered is asked of the next owner, in order: sends are recognised
//! there by their client ids. Only a login is not asked twice: its link is told to come again; and
//! nobody asks for a link that is gone, whose device sends again what has no answer.

mod order;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use anser_domain::{
    Address, Ask, Caller, ClientId, Command, LinkId, Refusal, Reply, Tag, UserName,
};
use rustc_hash::{FxHashMap, FxHashSet};

use self::order::{Order, Place};

/// An SM as its peers know it: where it is, and which connection to it. Another connection is
/// another way, even to the same process.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Way {
    /// The SM's address. It decides what the SM owns, and stays over restarts.
    pub sm: Arc<str>,
    /// Ascending over all connections of this peer.
    pub life: u64,
}

/// So many links that are gone are remembered before it is looked whether they still matter.
const MIN_GONE: usize = 1024;

/// Questions on their way: for each SM those for it, in order.
pub type Batches = BTreeMap<Way, Vec<Arc<Ask>>>;

/// What is to be done now.
#[derive(Debug, Default)]
pub struct Step {
    /// To be asked.
    pub asks: Batches,
    /// To be refused, and why.
    pub refused: Vec<(LinkId, Tag, Refusal)>,
}

/// A question, and its number in the order in which they came.
type Numbered = (u64, Arc<Ask>);

/// All lanes of one peer.
#[derive(Debug, Default)]
pub struct Lanes {
    live: BTreeMap<Arc<str>, u64>,
    lives: u64,
    salt: u64,
    /// Questions that have a reply and wait for it, in the order in which they came.
    open: BTreeMap<u64, Open>,
    came: u64,
    order: Order,
    waiting: FxHashMap<(LinkId, Tag), VecDeque<u64>>,
    lanes: FxHashMap<u64, Lane>,
    /// Asked while no SM was there, and how many of them the last look has seen.
    parked: Vec<Numbered>,
    seen: usize,
    /// Whose each link is, for addresses that are the same from both sides. Welcomes tell.
    names: FxHashMap<LinkId, UserName>,
    /// Links that are gone while something of theirs may be here.
    gone: FxHashSet<LinkId>,
}

#[derive(Debug)]
struct Open {
    ask: Arc<Ask>,
    lane: u64,
    at: Way,
}

/// Questions about one thing. There is one only while something waits.
#[derive(Debug)]
struct Lane {
    at: Way,
    open: usize,
    /// Waiting for the owner before to answer.
    held: VecDeque<Numbered>,
}

impl Lanes {
    /// An SM can be reached. What waited for one goes there.
    pub fn came(&mut self, sm: &str) -> (Way, Step) {
        self.lives += 1;
        let way = Way { sm: sm.into(), life: self.lives };
        self.live.insert(way.sm.clone(), way.life);
        let parked = std::mem::take(&mut self.parked);
        self.seen = 0;
        (way, self.share_out(parked))
    }

    /// A way to an SM is broken, with all that was on it.
    pub fn went(&mut self, way: &Way) -> Step {
        if !self.is_live(way) {
            return Step::default();
        }
        self.live.remove(&way.sm);
        let (mut again, mut refused) = (Vec::new(), Vec::new());
        let numbers: Vec<u64> =
            self.open.iter().filter(|(_, it)| it.at == *way).map(|(number, _)| *number).collect();
        let mut freed = Vec::new();
        for number in numbers {
            let Some(Open { ask, lane, .. }) = self.close(number) else { continue };
            freed.push(lane);
            if matches!(ask.command, Command::Login(_)) {
                refused.push((ask.from.link, ask.from.tag, Refusal::Unavailable));
                continue;
            }
            if let Some(client_id) = keeps_order(&ask) {
                self.order.lost(ask.from.link, lane, client_id);
            }
            again.push((number, ask));
        }
        // What was held behind those comes after them.
        for lane in freed {
            again.extend(self.release(lane));
        }
        let mut step = self.share_out(again);
        step.refused.append(&mut refused);
        step
    }

    /// Whether this is the way by which its SM is reached now.
    #[must_use]
    pub fn is_live(&self, way: &Way) -> bool {
        self.live.get(&way.sm) == Some(&way.life)
    }

    /// Takes questions; those that can go now come back, by SM.
    pub fn ask(&mut self, asks: Vec<Ask>) -> Step {
        let came = self.came;
        self.came += asks.len() as u64;
        self.share_out((came..).zip(asks.into_iter().map(Arc::new)).collect())
    }

    /// An answer has come. `None` when nobody waits for it, which is so for the second answer to
    /// a question that was asked twice; else what its coming lets go.
    pub fn answered(&mut self, way: &Way, link: LinkId, tag: Tag, reply: &Reply) -> Option<Step> {
        if let Reply::Welcome(welcome) = reply {
            self.names.insert(link, welcome.user.clone());
        }
        let waiting = self.waiting.get(&(link, tag))?;
        let is_of_way = |number: &&u64| self.open.get(number).is_some_and(|it| it.at == *way);
        let number = waiting.iter().find(is_of_way).copied()?;
        let Open { ask, lane, .. } = self.close(number)?;
        if let Some(client_id) = keeps_order(&ask) {
            match reply {
                Reply::Refused(why) if why.is_retriable() => {
                    let at = Place { number, client_id };
                    self.order.refused(link, lane, at, Some(way.clone()));
                }
                _ => self.order.settled(link, lane, client_id),
            }
        }
        let held = self.release(lane);
        Some(self.share_out(held))
    }

    /// Gives up what has waited for an SM since the last look and need not wait on: whoever asked
    /// is to be refused. What a link wants written stays: it keeps the device's order, and a link
    /// has only so many.
    pub fn give_up(&mut self) -> Vec<(LinkId, Tag, Refusal)> {
        let new = self.parked.split_off(self.seen.min(self.parked.len()));
        let (stays, refused): (Vec<_>, Vec<_>) =
            self.parked.drain(..).partition(|(_, ask)| keeps_order(ask).is_some());
        self.parked = stays;
        self.parked.extend(new);
        self.seen = self.parked.len();
        let has_reply = refused.iter().filter(|(_, ask)| has_reply(&ask.command));
        has_reply.map(|(_, ask)| (ask.from.link, ask.from.tag, Refusal::Unavailable)).collect()
    }

    /// How many questions wait for an answer.
    #[must_use]
    pub fn open(&self) -> usize {
        self.open.len()
    }

    /// How many questions wait for an SM to be there.
    #[must_use]
    pub fn parked(&self) -> usize {
        self.parked.len()
    }

    /// Gives lanes to other owners, as a change of the SMs' number would. For tests.
    pub fn reshuffle(&mut self, salt: u64) {
        self.salt = salt;
    }

    fn share_out(&mut self, asks: Vec<Numbered>) -> Step {
        let mut step = Step::default();
        for (number, ask) in asks {
            let link = ask.from.link;
            if matches!(ask.command, Command::Unlink) {
                self.unlinked(link);
            }
            let key = if lanes_ignored() { number } else { self.key(&ask) };
            if let Some(client_id) = keeps_order(&ask) {
                if self.gone.contains(&link) {
                    continue;
                }
                if !self.order.admit(link, key, Place { number, client_id }) {
                    step.refused.push((link, ask.from.tag, Refusal::OutOfOrder));
                    continue;
                }
            }
            let Some(owner) = self.owner(link, key) else {
                self.parked.push((number, ask));
                continue;
            };
            if let Some(lane) = self.lanes.get_mut(&key) {
                if lane.at != owner || !lane.held.is_empty() {
                    lane.held.push_back((number, ask));
                    continue;
                }
                lane.open += usize::from(has_reply(&ask.command));
            } else if has_reply(&ask.command) {
                let lane = Lane { at: owner.clone(), open: 1, held: VecDeque::new() };
                self.lanes.insert(key, lane);
            }
            if has_reply(&ask.command) {
                self.waiting.entry((link, ask.from.tag)).or_default().push_back(number);
                let open = Open { ask: ask.clone(), lane: key, at: owner.clone() };
                self.open.insert(number, open);
            }
            step.asks.entry(owner).or_default().push(ask);
        }
        step
    }

    /// What a link that is gone wanted written, and is not yet on its way, is not asked any more:
    /// its device may have asked again elsewhere, and the one may not overtake the other.
    fn unlinked(&mut self, link: LinkId) {
        self.names.remove(&link);
        self.order.forget(link);
        if self.gone.len() >= MIN_GONE && self.gone.len() > 2 * self.open.len() {
            let mut here: FxHashSet<LinkId> =
                self.open.values().map(|it| it.ask.from.link).collect();
            let held = self.lanes.values().flat_map(|lane| &lane.held);
            here.extend(held.chain(&self.parked).map(|(_, ask)| ask.from.link));
            self.gone.retain(|link| here.contains(link));
        }
        self.gone.insert(link);
    }

    /// Takes a question off the list of those that wait.
    fn close(&mut self, number: u64) -> Option<Open> {
        let open = self.open.remove(&number)?;
        let at = (open.ask.from.link, open.ask.from.tag);
        if let Some(waiting) = self.waiting.get_mut(&at) {
            waiting.retain(|it| *it != number);
            if waiting.is_empty() {
                self.waiting.remove(&at);
            }
        }
        if let Some(lane) = self.lanes.get_mut(&open.lane) {
            lane.open = lane.open.saturating_sub(1);
        }
        Some(open)
    }

    /// What was held in a lane in which nothing is open any more.
    fn release(&mut self, key: u64) -> Vec<Numbered> {
        match self.lanes.get(&key) {
            Some(lane) if lane.open == 0 => {
                self.lanes.remove(&key).map(|lane| lane.held.into()).unwrap_or_default()
            }
            _ => Vec::new(),
        }
    }

    fn owner(&self, link: LinkId, key: u64) -> Option<Way> {
        if let Some(keeper) = self.order.keeper(link, key).filter(|it| self.is_live(it)) {
            return Some(keeper.clone());
        }
        let weight = |sm: &Arc<str>| hash(&(self.salt, &**sm, key));
        let (sm, life) = self.live.iter().max_by_key(|(sm, _)| weight(sm))?;
        Some(Way { sm: sm.clone(), life: *life })
    }

    /// What decides on the owner: the conversation, else who asks.
    fn key(&self, ask: &Ask) -> u64 {
        let by_address = |at: &Address| match at {
            Address::Group(name) => hash(&("g", name.as_str())),
            Address::User(peer) => {
                let peer = peer.as_str();
                match (&ask.caller, self.names.get(&ask.from.link)) {
                    (Caller::Link(_), Some(me)) => {
                        let me = me.as_str();
                        hash(&("u", me.min(peer), me.max(peer)))
                    }
                    // Whose token it is is not known here; the store is the arbiter anyway.
                    _ => hash(&("u", peer)),
                }
            }
        };
        match &ask.command {
            Command::Send(it) => by_address(&it.to),
            Command::Change(it) => by_address(&it.at),
            Command::History { at, .. } | Command::Read { at, .. } | Command::Typing { at, .. } => {
                by_address(at)
            }
            Command::CreateGroup(it) => hash(&("g", it.name.as_str())),
            Command::Group(name) | Command::Members { group: name, .. } => {
                hash(&("g", name.as_str()))
            }
            Command::Groups(it) => match it.address() {
                Some(at) => by_address(&at),
                None => hash(&("link", ask.from.link.0)),
            },
            // Cursors that are not yet durable are with the SM that took them.
            Command::Pull(it) => hash(&("conv", it.conv.0)),
            Command::Delivered { conv, .. } => hash(&("conv", conv.0)),
            // About a user, a device, or the server: no lane to share.
            _ => hash(&("link", ask.from.link.0)),
        }
    }
}

/// Whether the fault `lanes-ignored` is planted: each question goes to an SM of its own.
fn lanes_ignored() -> bool {
    cfg!(feature = "planted")
        && std::env::var_os("ANSER_PLANT").is_some_and(|it| it == "lanes-ignored")
}

/// What a question is known by when it comes again, if a device's order depends on it.
fn keeps_order(ask: &Ask) -> Option<ClientId> {
    let Caller::Link(_) = ask.caller else { return None };
    match &ask.command {
        Command::Send(it) => Some(it.client_id),
        Command::Change(it) => Some(it.client_id),
        Command::CreateGroup(it) => Some(it.client_id),
        _ => None,
    }
}

fn has_reply(command: &Command) -> bool {
    !matches!(command, Command::Unlink | Command::Delivered { .. } | Command::Typing { .. })
}

fn hash(value: &impl Hash) -> u64 {
    // Rendezvous hashing compares whole hashes of nearly equal inputs, which the quicker hashers do
    // not spread.
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
