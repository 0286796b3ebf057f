//! Which SM is asked what, and what is asked again when one is lost. A value: no IO, no clock.
//!
//! Questions about one conversation are a **lane**; a lane has one owner among the live SMs, by
//! rendezvous hash of its address, so that batches form there. When the owner changes, later
//! questions of a lane wait until the earlier ones are answered, so that a device's order is kept
//! (DESIGN promise 3). When an SM is lost, what it left unanswered is asked of the next owner, in
//! order: sends are recognised there by their client ids. Only a login is not asked twice: its
//! link is told to come again.

use std::{
    collections::{BTreeMap, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use anser_domain::{Address, Ask, Caller, Command, LinkId, Reply, Tag, UserName};
use rustc_hash::FxHashMap;

/// An SM as its peers know it: where it is, and which connection to it. Another connection is
/// another way, even to the same process.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Way {
    /// The SM's address. It decides what the SM owns, and stays over restarts.
    pub sm: Arc<str>,
    /// Ascending over all connections of this peer.
    pub life: u64,
}

/// Questions on their way: for each SM those for it, in order.
pub type Batches = BTreeMap<Way, Vec<Arc<Ask>>>;

/// What the loss of an SM comes to.
#[derive(Debug, Default)]
pub struct Lost {
    /// Asked again elsewhere.
    pub again: Batches,
    /// Not asked again: each is to be refused.
    pub refused: Vec<(LinkId, Tag)>,
}

/// All lanes of one peer.
#[derive(Debug, Default)]
pub struct Lanes {
    live: BTreeMap<Arc<str>, u64>,
    lives: u64,
    salt: u64,
    /// Questions that have a reply and wait for it, in the order in which they were asked.
    open: BTreeMap<u64, Open>,
    asked: u64,
    waiting: FxHashMap<(LinkId, Tag), VecDeque<u64>>,
    lanes: FxHashMap<u64, Lane>,
    /// Asked while no SM was there, and how many of them the last look has seen.
    parked: Vec<Arc<Ask>>,
    seen: usize,
    /// Whose each link is, for addresses that are the same from both sides. Welcomes tell.
    names: FxHashMap<LinkId, UserName>,
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
    held: VecDeque<Arc<Ask>>,
}

impl Lanes {
    /// An SM can be reached. What waited for one goes there.
    pub fn came(&mut self, sm: &str) -> (Way, Batches) {
        self.lives += 1;
        let way = Way { sm: sm.into(), life: self.lives };
        self.live.insert(way.sm.clone(), way.life);
        let parked = std::mem::take(&mut self.parked);
        self.seen = 0;
        (way, self.share_out(parked))
    }

    /// A way to an SM is broken, with all that was on it.
    pub fn went(&mut self, way: &Way) -> Lost {
        if !self.is_live(way) {
            return Lost::default();
        }
        self.live.remove(&way.sm);
        let mut lost = Lost::default();
        let mut again = Vec::new();
        let orders: Vec<u64> =
            self.open.iter().filter(|(_, it)| it.at == *way).map(|(order, _)| *order).collect();
        let mut freed = Vec::new();
        for order in orders {
            let Some(open) = self.close(order) else { continue };
            freed.push(open.lane);
            if matches!(open.ask.command, Command::Login(_)) {
                lost.refused.push((open.ask.from.link, open.ask.from.tag));
            } else {
                again.push(open.ask);
            }
        }
        // What was held behind those comes after them.
        for lane in freed {
            again.extend(self.release(lane));
        }
        lost.again = self.share_out(again);
        lost
    }

    /// Whether this is the way by which its SM is reached now.
    #[must_use]
    pub fn is_live(&self, way: &Way) -> bool {
        self.live.get(&way.sm) == Some(&way.life)
    }

    /// Takes questions; those that can go now come back, by SM.
    pub fn ask(&mut self, asks: Vec<Ask>) -> Batches {
        self.share_out(asks.into_iter().map(Arc::new).collect())
    }

    /// An answer has come. `None` when nobody waits for it, which is so for the second answer to
    /// a question that was asked twice; else what its coming lets go.
    pub fn answered(
        &mut self,
        way: &Way,
        link: LinkId,
        tag: Tag,
        reply: &Reply,
    ) -> Option<Batches> {
        if let Reply::Welcome(welcome) = reply {
            self.names.insert(link, welcome.user.clone());
        }
        let waiting = self.waiting.get(&(link, tag))?;
        let is_of_way = |order: &&u64| self.open.get(order).is_some_and(|it| it.at == *way);
        let order = waiting.iter().find(is_of_way).copied()?;
        let open = self.close(order)?;
        let held = self.release(open.lane);
        Some(self.share_out(held))
    }

    /// Gives up what has waited for an SM since the last look and need not wait on: whoever asked
    /// is to be refused. What a link wants written stays: it keeps the device's order, and a link
    /// has only so many.
    pub fn give_up(&mut self) -> Vec<(LinkId, Tag)> {
        let new = self.parked.split_off(self.seen.min(self.parked.len()));
        let (stays, refused): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.parked).into_iter().partition(|ask| keeps_order(ask));
        self.parked = stays;
        self.parked.extend(new);
        self.seen = self.parked.len();
        let has_reply = refused.iter().filter(|ask| has_reply(&ask.command));
        has_reply.map(|ask| (ask.from.link, ask.from.tag)).collect()
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

    fn share_out(&mut self, asks: Vec<Arc<Ask>>) -> Batches {
        let mut batches = Batches::new();
        for ask in asks {
            if matches!(ask.command, Command::Unlink) {
                self.names.remove(&ask.from.link);
            }
            let key = if lanes_ignored() { self.asked } else { self.key(&ask) };
            let Some(owner) = self.owner(key) else {
                self.parked.push(ask);
                continue;
            };
            if let Some(lane) = self.lanes.get_mut(&key) {
                if lane.at != owner || !lane.held.is_empty() {
                    lane.held.push_back(ask);
                    continue;
                }
                lane.open += usize::from(has_reply(&ask.command));
            } else if has_reply(&ask.command) {
                let lane = Lane { at: owner.clone(), open: 1, held: VecDeque::new() };
                self.lanes.insert(key, lane);
            }
            if has_reply(&ask.command) {
                self.asked += 1;
                let at = (ask.from.link, ask.from.tag);
                self.waiting.entry(at).or_default().push_back(self.asked);
                let open = Open { ask: ask.clone(), lane: key, at: owner.clone() };
                self.open.insert(self.asked, open);
            }
            batches.entry(owner).or_default().push(ask);
        }
        batches
    }

    /// Takes a question off the list of those that wait.
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

    /// What was held in a lane in which nothing is open any more.
    fn release(&mut self, key: u64) -> Vec<Arc<Ask>> {
        match self.lanes.get(&key) {
            Some(lane) if lane.open == 0 => {
                self.lanes.remove(&key).map(|lane| lane.held.into()).unwrap_or_default()
            }
            _ => Vec::new(),
        }
    }

    fn owner(&self, key: u64) -> Option<Way> {
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

/// Whether a device's order depends on it.
fn keeps_order(ask: &Ask) -> bool {
    let writes =
        matches!(ask.command, Command::Send(_) | Command::Change(_) | Command::CreateGroup(_));
    writes && matches!(ask.caller, Caller::Link(_))
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

#[cfg(test)]
mod tests {
    use anser_domain::{
        Actor, ClientId, Content, DeviceId, Epoch, Outgoing, PeerId, Refusal, ReplyTo, UserId,
    };

    use super::*;

    fn ask(link: u64, tag: u64, command: Command) -> Ask {
        let from = ReplyTo { peer: PeerId(1), link: LinkId(link), tag: Tag(tag) };
        let actor = Actor { user: UserId(link), device: DeviceId(link), epoch: Epoch(1) };
        Ask { from, caller: Caller::Link(actor), command }
    }

    fn send(link: u64, tag: u64, to: &str) -> Ask {
        let out = Outgoing {
            to: to.parse().unwrap(),
            client_id: ClientId([tag as u8; 16]),
            content: Content::Text("x".into()),
            reply_to: None,
            mentions: Vec::new(),
            payload: None,
            mentions_all: false,
            forward: None,
        };
        ask(link, tag, Command::Send(Box::new(out)))
    }

    fn tags(batches: &Batches) -> Vec<(&str, Vec<u64>)> {
        let tags = |asks: &Vec<Arc<Ask>>| asks.iter().map(|ask| ask.from.tag.0).collect();
        batches.iter().map(|(way, asks)| (&*way.sm, tags(asks))).collect()
    }

    const DONE: Reply = Reply::Done;

    #[test]
    fn a_lane_has_one_owner_and_lanes_are_spread() {
        let mut lanes = Lanes::default();
        lanes.came("a:1");
        lanes.came("b:1");
        let asks = (0..200).map(|n| send(1, n, &format!("g:{}", n % 100))).collect();
        let batches = lanes.ask(asks);
        assert_eq!(batches.len(), 2, "both have work");
        for (way, asks) in &batches {
            assert!(asks.len() > 50, "{}: {}", way.sm, asks.len());
            for ask in asks {
                let twin = (ask.from.tag.0 + 100) % 200;
                assert!(asks.iter().any(|it| it.from.tag.0 == twin), "a group is with one");
            }
        }
    }

    #[test]
    fn what_a_lost_sm_left_is_asked_again_in_order_and_what_was_held_comes_after() {
        let mut lanes = Lanes::default();
        let (a, _) = lanes.came("a:1");
        lanes.ask(vec![send(1, 1, "g:x"), send(1, 2, "g:x")]);
        // Whoever owns the lane now, the next waits until `a` has answered.
        let (b, _) = lanes.came("b:1");
        lanes.reshuffle(
            (0..)
                .find(|salt| {
                    let mut probe = Lanes { salt: *salt, ..Lanes::default() };
                    probe.came("a:1");
                    probe.came("b:1");
                    tags(&probe.ask(vec![send(1, 9, "g:x")]))[0].0 == "b:1"
                })
                .unwrap(),
        );
        assert!(lanes.ask(vec![send(1, 3, "g:x")]).is_empty(), "held");
        let next = lanes.answered(&a, LinkId(1), Tag(1), &DONE).unwrap();
        assert!(next.is_empty(), "one is still open");
        let lost = lanes.went(&a);
        assert_eq!(tags(&lost.again), [("b:1", vec![2, 3])]);
        assert!(lanes.answered(&a, LinkId(1), Tag(2), &DONE).is_none(), "from the dead");
        assert!(lanes.answered(&b, LinkId(1), Tag(2), &DONE).is_some());
        assert!(lanes.answered(&b, LinkId(1), Tag(2), &DONE).is_none(), "once");
        assert!(lanes.answered(&b, LinkId(1), Tag(3), &DONE).is_some());
        assert_eq!((lanes.open(), lanes.lanes.len()), (0, 0), "nothing is left behind");
    }

    #[test]
    fn without_an_sm_writes_wait_and_the_rest_is_given_up() {
        let mut lanes = Lanes::default();
        assert!(lanes.ask(vec![send(1, 1, "g:x"), ask(1, 2, Command::Me)]).is_empty());
        assert_eq!(lanes.give_up(), [], "it has only just begun to wait");
        lanes.ask(vec![ask(1, 3, Command::Me)]);
        assert_eq!(lanes.give_up(), [(LinkId(1), Tag(2))]);
        assert_eq!(lanes.give_up(), [(LinkId(1), Tag(3))]);
        let (_, batches) = lanes.came("a:1");
        assert_eq!(tags(&batches), [("a:1", vec![1])]);
    }

    #[test]
    fn a_login_is_not_asked_twice() {
        use anser_domain::{Credential, Login, Secret};
        let mut lanes = Lanes::default();
        let (a, _) = lanes.came("a:1");
        lanes.came("b:1");
        let credential = Credential::Token(Secret::new("t"));
        let login = Login { credential, since: None };
        let mut asks: Vec<Ask> =
            (0..20).map(|n| ask(n, 1, Command::Login(Box::new(login.clone())))).collect();
        asks.extend((0..20).map(|n| ask(n, 2, Command::Me)));
        lanes.ask(asks);
        let lost = lanes.went(&a);
        assert!(!lost.refused.is_empty() && lost.refused.iter().all(|(_, tag)| *tag == Tag(1)));
        assert_eq!(tags(&lost.again)[0].1.len(), lost.refused.len());
        let refused = Reply::Refused(Refusal::Draining);
        let (link, tag) = lost.refused[0];
        assert!(lanes.answered(&a, link, tag, &refused).is_none());
    }
}
