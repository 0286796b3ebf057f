//! The feed against a model of the log: whatever happens to hints, what comes out is the log.

use std::{collections::BTreeMap, sync::Arc};

use anser_domain::{
    Address, ClientId, Clock, Content, ConversationState, DeviceId, Keep, Message, MessageId,
    Millis, Ord64, Sender, SystemClock, UserId, UserName,
};
use proptest::prelude::*;

use super::*;

const CONVERSATIONS: u64 = 5;

fn entry(conv: ConvId, seq: Seq, id: MessageId) -> Arc<Message> {
    let name = UserName::trusted("bob");
    Arc::new(Message {
        conv,
        seq,
        ord: Ord64(seq.0),
        id,
        sender: Sender { user: UserId(2), name, device: DeviceId(2) },
        client_id: ClientId([0; 16]),
        ts: Millis(0),
        content: Content::Text("hello".into()),
        reply_to: None,
        mentions: Vec::new(),
        payload: None,
        marks: None,
    })
}

fn address() -> Address {
    Address::User(UserName::trusted("bob"))
}

/// One thing that happens.
#[derive(Clone, Debug)]
enum Step {
    /// Someone else sends; the hint goes on its way.
    Other(u64),
    /// The device itself sends: answered first, hinted at never.
    Own(u64),
    /// The hint at this place among those on their way arrives…
    Arrive(usize),
    /// …or is lost…
    Lose(usize),
    /// …or arrives and stays on its way.
    Double(usize),
    /// What the feed asked is read from the log now.
    Read,
    /// What was read arrives.
    Answer,
    /// What was asked is refused for now.
    Refuse,
    /// The peer takes so many entries from now on.
    Credit(u32),
    /// Hints were found missing.
    Gap,
    /// An SM says that everything was hinted at; it counts if every hint has come.
    Beat,
    /// An idle link forgets a conversation whose cursor has become durable.
    Forget(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let conv = 0..CONVERSATIONS;
    let step = prop_oneof![
        6 => conv.clone().prop_map(Step::Other),
        3 => conv.clone().prop_map(Step::Own),
        2 => conv.prop_map(Step::Forget),
        2 => Just(Step::Beat),
        6 => any::<usize>().prop_map(Step::Arrive),
        1 => any::<usize>().prop_map(Step::Lose),
        1 => any::<usize>().prop_map(Step::Double),
        3 => Just(Step::Read),
        4 => Just(Step::Answer),
        1 => Just(Step::Refuse),
        2 => (0u32..4).prop_map(Step::Credit),
        1 => Just(Step::Gap),
    ];
    proptest::collection::vec(step, 0..200)
}

/// The world around one feed.
struct World {
    feed: Feed,
    gauge: Gauge,
    /// Length of each log, and the token of its last change.
    logs: BTreeMap<ConvId, (u64, u64)>,
    token: u64,
    /// The token of each entry.
    ids: BTreeMap<(ConvId, Seq), SyncToken>,
    /// Where the device stood at first, and what is durable of where it stands.
    cursors: BTreeMap<ConvId, Seq>,
    durable: BTreeMap<ConvId, Seq>,
    hints: Vec<(ConvId, Seq, SyncToken)>,
    /// A hint was lost, and nobody has noticed yet.
    lost: bool,
    asked: Option<Command>,
    read: Option<Answer>,
    /// What the session saw, in order: `true` for an entry, `false` for the answer to a send.
    seen: BTreeMap<ConvId, Vec<(Seq, bool)>>,
    synced: Option<SyncToken>,
}

enum Answer {
    Page(Page),
    Changes(Changes),
    Done,
}

impl World {
    /// Of the first `quiet` conversations the device had everything, and says so by its token.
    fn new(lengths: &[u64], cursors: &[u64], quiet: u64) -> Self {
        let mut world = Self {
            feed: Feed::default(),
            gauge: Gauge {
                now: SystemClock.now(),
                second: 0,
                credit: 3,
                open: true,
                low: true,
                safe: SyncToken(0),
                page: 3,
            },
            logs: BTreeMap::new(),
            token: 0,
            ids: BTreeMap::new(),
            cursors: BTreeMap::new(),
            durable: BTreeMap::new(),
            hints: Vec::new(),
            lost: false,
            asked: None,
            read: None,
            seen: BTreeMap::new(),
            synced: None,
        };
        for conv in 0..CONVERSATIONS {
            let length = lengths[usize::try_from(conv).unwrap()];
            let cursor = if conv < quiet {
                length
            } else {
                cursors[usize::try_from(conv).unwrap()].min(length)
            };
            world.token += 1;
            world.logs.insert(ConvId(conv), (length, world.token));
            for seq in 1..=length {
                world.ids.insert((ConvId(conv), Seq(seq)), SyncToken(world.token));
            }
            world.cursors.insert(ConvId(conv), Seq(cursor));
        }
        world.durable = world.cursors.clone();
        let first = world.changes(SyncToken(quiet));
        world.feed.changes(&first, &world.gauge);
        world.ask();
        world
    }

    fn changes(&self, since: SyncToken) -> Changes {
        let mut changed: Vec<_> =
            self.logs.iter().filter(|(_, (_, token))| *token > since.0).collect();
        changed.sort_by_key(|(_, (_, token))| *token);
        let more = changed.len() > 2;
        changed.truncate(2);
        let token = if more { changed.last().unwrap().1.1 } else { self.token };
        let rows = changed.into_iter().map(|(conv, (length, changed))| ConversationState {
            conv: *conv,
            at: address(),
            title: "".into(),
            head: Seq(*length),
            last: None,
            delivered: self.durable[conv],
            read: Seq(0),
            peer_delivered: Seq(0),
            peer_read: Seq(0),
            unread: 0,
            mentions: 0,
            keep: Keep::default(),
            member: true,
            changed: SyncToken(*changed),
        });
        Changes { conversations: rows.collect(), token: SyncToken(token), more }
    }

    fn page(&self, pull: &Pull) -> Page {
        let (length, _) = self.logs[&pull.conv];
        let after = pull.after.unwrap_or(self.durable[&pull.conv]);
        let last = length.min(after.0 + u64::from(pull.limit));
        Page {
            conv: pull.conv,
            at: address(),
            messages: (after.0 + 1..=last).map(|seq| self.entry(pull.conv, Seq(seq))).collect(),
            after,
            head: Seq(length),
            more: last < length,
        }
    }

    /// Its seq, and the conversation's change before it.
    fn append(&mut self, conv: ConvId) -> (Seq, SyncToken) {
        self.token += 1;
        let log = self.logs.get_mut(&conv).unwrap();
        let prev = SyncToken(log.1);
        *log = (log.0 + 1, self.token);
        self.ids.insert((conv, Seq(log.0)), SyncToken(self.token));
        (Seq(log.0), prev)
    }

    fn entry(&self, conv: ConvId, seq: Seq) -> Arc<Message> {
        entry(conv, seq, MessageId(self.ids.get(&(conv, seq)).map_or(0, |id| id.0)))
    }

    /// What the driver does after everything that happens.
    fn ask(&mut self) {
        while let Some(step) = self.feed.next(&self.gauge) {
            match step {
                super::Step::Ask(command) => {
                    assert!(self.asked.is_none() && self.read.is_none(), "one at a time");
                    self.asked = Some(command);
                }
                super::Step::Synced(token) => self.synced = Some(token),
            }
        }
    }

    fn see(&mut self, conv: ConvId, seq: Seq) {
        assert!(self.gauge.credit > 0, "more than the peer takes");
        self.gauge.credit -= 1;
        self.seen.entry(conv).or_default().push((seq, true));
    }

    fn arrive(&mut self, (conv, seq, prev): (ConvId, Seq, SyncToken)) {
        let live = Live { seq, id: self.ids[&(conv, seq)], prev };
        if self.feed.live(conv, live, &self.gauge) == Verdict::Deliver {
            self.see(conv, seq);
        }
    }

    fn answer(&mut self) {
        match self.read.take() {
            None => {}
            Some(Answer::Done) => self.feed.relinked(),
            Some(Answer::Changes(changes)) => self.feed.changes(&changes, &self.gauge),
            Some(Answer::Page(page)) => {
                assert!(self.feed.page_begins(&page, &self.gauge));
                let mut fitted = true;
                for message in &page.messages {
                    match self.feed.page_entry(message, &self.gauge) {
                        Some(true) => self.see(page.conv, message.seq),
                        Some(false) => {}
                        None => {
                            fitted = false;
                            break;
                        }
                    }
                }
                self.feed.page_ends(&page, fitted, &self.gauge);
            }
        }
    }

    fn act(&mut self, step: &Step) {
        let pick = |n: usize, hints: &[_]| n.checked_rem(hints.len());
        match *step {
            Step::Other(conv) => {
                let (seq, prev) = self.append(ConvId(conv));
                self.hints.push((ConvId(conv), seq, prev));
            }
            Step::Own(conv) => {
                let (seq, prev) = self.append(ConvId(conv));
                let conv = ConvId(conv);
                self.seen.entry(conv).or_default().push((seq, false));
                let (id, ts) = (MessageId(self.token), Millis(0));
                let sent = Sent { conv, seq, id, ts, duplicate: false, prev };
                self.feed.sent(&sent, &self.gauge);
            }
            Step::Arrive(n) => {
                if let Some(n) = pick(n, &self.hints) {
                    let hint = self.hints.remove(n);
                    self.arrive(hint);
                }
            }
            Step::Lose(n) => {
                if let Some(n) = pick(n, &self.hints) {
                    self.hints.remove(n);
                    self.lost = true;
                }
            }
            Step::Double(n) => {
                if let Some(n) = pick(n, &self.hints) {
                    self.arrive(self.hints[n]);
                }
            }
            Step::Read => {
                self.read = match self.asked.take() {
                    Some(Command::Pull(pull)) => Some(Answer::Page(self.page(&pull))),
                    Some(Command::Changes { since }) => Some(Answer::Changes(self.changes(since))),
                    Some(Command::Relink) => Some(Answer::Done),
                    Some(other) => panic!("feeds do not ask {other:?}"),
                    None => self.read.take(),
                }
            }
            Step::Answer => self.answer(),
            Step::Refuse => {
                if self.asked.take().is_some() {
                    self.feed.refused(true, &self.gauge);
                    self.gauge.now += ASK_AGAIN;
                }
            }
            Step::Credit(credit) => self.gauge.credit = credit,
            Step::Gap => {
                self.lost = false;
                self.feed.compare_again(self.gauge.safe);
            }
            Step::Beat if self.hints.is_empty() && !self.lost => {
                self.gauge.safe = SyncToken(self.token);
            }
            Step::Beat => {}
            Step::Forget(conv) => {
                let conv = ConvId(conv);
                if self.feed.may_forget()
                    && let Some(position) = self.feed.positions.find(conv)
                    && !position.is_behind()
                    && let Some(at) = position.at
                {
                    self.durable.insert(conv, at);
                    self.feed.has.some = self.feed.newest;
                    self.feed.positions.forget(conv);
                }
            }
        }
        self.ask();
    }

    /// Everything that can happen without another send happens.
    fn settle(&mut self) {
        self.hints.clear();
        self.feed.relink(self.gauge.safe);
        self.synced = None;
        for _ in 0..10_000 {
            self.gauge.credit = 1000;
            self.ask();
            self.act(&Step::Read);
            self.act(&Step::Answer);
            if self.synced.is_some() && self.asked.is_none() && self.read.is_none() {
                return;
            }
        }
        panic!("the feed does not come to rest");
    }

    /// Gapless, in order, once; an own send that was answered may be seen as its answer, or
    /// (client ids tell) as an entry too, but never be missing.
    fn check(&self) {
        for (conv, (length, _)) in &self.logs {
            let seen = self.seen.get(conv).map_or(&[][..], |it| it);
            let answered: Vec<_> = seen.iter().filter(|it| !it.1).map(|it| it.0).collect();
            let entries: Vec<_> = seen.iter().filter(|it| it.1).map(|it| it.0).collect();
            assert!(entries.is_sorted_by(|one, next| one < next), "{conv}: {entries:?}");
            let mut due = self.cursors[conv];
            for seq in &entries {
                while due.next() < *seq {
                    due = due.next();
                    assert!(answered.contains(&due), "{conv}: {due} is missing in {entries:?}");
                }
                due = due.next();
                assert_eq!(due, *seq, "{conv}: {entries:?}");
            }
            while due.0 < *length {
                due = due.next();
                assert!(answered.contains(&due), "{conv}: {due} is missing at the end");
            }
        }
    }
}

proptest! {
    #[test]
    fn whatever_happens_to_hints_the_session_sees_the_log(
        lengths in proptest::collection::vec(0u64..8, CONVERSATIONS as usize),
        cursors in proptest::collection::vec(0u64..8, CONVERSATIONS as usize),
        quiet in 0..CONVERSATIONS,
        steps in steps(),
    ) {
        let mut world = World::new(&lengths, &cursors, quiet);
        for step in &steps {
            world.act(step);
        }
        world.settle();
        world.check();
    }
}

#[test]
fn live_entries_in_order_need_no_pull() {
    let mut world = World::new(&[0; 5], &[0; 5], 0);
    world.settle();
    for _ in 0..50 {
        world.gauge.credit = 1000;
        world.act(&Step::Other(1));
        world.act(&Step::Own(1));
        world.act(&Step::Arrive(0));
        assert!(world.asked.is_none());
    }
    assert_eq!(world.seen[&ConvId(1)].len(), 100);
    world.check();
}

#[test]
fn synced_is_said_once_and_after_everything() {
    let mut world = World::new(&[5, 0, 4, 3, 1], &[0; 5], 0);
    world.gauge.credit = 0;
    world.ask();
    for _ in 0..20 {
        world.act(&Step::Read);
        world.act(&Step::Answer);
        assert_eq!(world.synced, None, "nothing could be handed over yet");
    }
    world.gauge.credit = 1000;
    world.ask();
    while world.synced.is_none() {
        world.act(&Step::Read);
        world.act(&Step::Answer);
    }
    world.check();
    assert_eq!(world.synced, Some(SyncToken(5)));
    world.synced = None;
    world.ask();
    assert_eq!(world.synced, None);
}

#[test]
fn an_ex_members_hint_ends_after_one_empty_page() {
    let mut world = World::new(&[3; 5], &[3; 5], 0);
    world.settle();
    world.feed.head(ConvId(0), Seq(9), &world.gauge);
    world.ask();
    assert!(matches!(world.asked, Some(Command::Pull(_))));
    world.act(&Step::Read);
    world.act(&Step::Answer);
    assert_eq!(world.asked, None, "the log ends for this viewer at 3");
}

#[test]
fn a_rejoined_member_leaps_over_what_was_not_theirs() {
    let mut world = World::new(&[3; 5], &[3; 5], 0);
    world.settle();
    let conv = ConvId(0);
    for seq in [20, 21] {
        world.ids.insert((conv, Seq(seq)), SyncToken(seq));
    }
    world.arrive((conv, Seq(20), SyncToken::NEVER));
    world.ask();
    world.asked = None;
    let messages = vec![entry(conv, Seq(20), MessageId(99))];
    let page = Page { conv, at: address(), messages, after: Seq(3), head: Seq(20), more: false };
    world.read = Some(Answer::Page(page));
    world.act(&Step::Answer);
    world.arrive((conv, Seq(21), SyncToken::NEVER));
    assert_eq!(world.seen[&conv], [(Seq(20), true), (Seq(21), true)]);
}

#[test]
fn a_quiet_conversation_wakes_without_a_read() {
    let mut world = World::new(&[9; 5], &[9; 5], 4);
    world.settle();
    world.act(&Step::Other(0));
    world.act(&Step::Arrive(0));
    world.act(&Step::Own(1));
    world.act(&Step::Other(1));
    world.act(&Step::Arrive(0));
    assert_eq!(world.asked, None);
    assert_eq!(world.seen[&ConvId(0)], [(Seq(10), true)]);
    assert_eq!(world.seen[&ConvId(1)], [(Seq(10), false), (Seq(11), true)]);
}

#[test]
fn a_conversation_whose_page_is_under_way_is_not_forgotten() {
    let mut world = World::new(&[3; 5], &[3; 5], 0);
    world.settle();
    world.feed.head(ConvId(0), Seq(4), &world.gauge);
    world.ask();
    for conv in 100..5000 {
        world.feed.head(ConvId(conv), Seq(9), &world.gauge);
        if let Some(position) = world.feed.positions.find(ConvId(conv)) {
            position.advance(Seq(9), 1);
        }
    }
    assert!(world.feed.positions.find(ConvId(0)).is_some(), "its page would be lost");
    assert!(world.feed.positions.find(ConvId(1)).is_none(), "others make room");
}
