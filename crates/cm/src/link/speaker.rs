//! A locked link: its session hears what has happened and speaks, and its feed sees to it that
//! the log comes in order. What is asked meanwhile is left to the pass.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

use anser_domain::{
    Close, Command, Delivery, Encoded, Event, EventClass, Fault, Input, LinkInfo, Page, Refusal,
    Reply, Session, SyncToken, Tag, Turn, Welcome,
};

use super::{Ending, Link, Phase, State, arena};
use crate::{
    Cm,
    feed::{Feed, Gauge, Live, Step, Verdict},
    wheel::Tick,
};

/// A locked link.
pub(crate) struct Speaker<'a> {
    state: &'a mut State,
    cm: &'a Cm,
    now: Instant,
    said: &'a mut Vec<(Tag, Command)>,
}

impl<'a> Speaker<'a> {
    pub(super) fn new(
        state: &'a mut State,
        cm: &'a Cm,
        now: Instant,
        said: &'a mut Vec<(Tag, Command)>,
    ) -> Self {
        Self { state, cm, now, said }
    }

    /// Lets the session act. `None` when it may not or cannot any more.
    fn session<R>(
        &mut self,
        f: impl FnOnce(&mut dyn Session, &mut Turn<'_>) -> Result<R, Fault>,
    ) -> Option<R> {
        if self.state.phase != Phase::Open || self.state.wish.close.is_some() {
            return None;
        }
        let State { session, outbox, wish, .. } = &mut *self.state;
        let mut out = outbox.take().unwrap_or_else(arena::lend);
        let asked = self.said.len();
        let (now, wall) = (self.now, self.cm.clock.wall());
        let mut turn = Turn { now, wall, out: &mut out, asks: self.said, wish };
        // A session that panics costs its own link and nobody else's, on whichever thread.
        let result = catch_unwind(AssertUnwindSafe(|| f(&mut **session, &mut turn)));
        if out.is_empty() {
            arena::reclaim(out);
        } else {
            *outbox = Some(out);
        }
        match result {
            Ok(Ok(value)) => Some(value),
            Ok(Err(fault)) => {
                tracing::debug!(%fault, "link ends by its peer's fault");
                self.state.ending = Ending::from(&fault);
                self.state.wish.close = Some(Close::Flush);
                None
            }
            Err(_) => {
                self.cm.stats.panics.up();
                tracing::error!("a session panicked; its link is closed");
                self.said.truncate(asked);
                self.state.ending = Ending::Broken;
                self.state.wish.close = Some(Close::Abort);
                None
            }
        }
    }

    pub(crate) fn open(&mut self, info: &LinkInfo) {
        self.session(|session, turn| {
            session.open(info, turn);
            Ok(())
        });
    }

    /// Bytes from the peer; how many were consumed. The task promises to look at the outbox
    /// afterwards, so nobody need wake it.
    pub(crate) fn receive(&mut self, bytes: &[u8]) -> Option<usize> {
        self.state.dirty = true;
        self.session(|session, turn| session.receive(bytes, turn)).map(|n| n.min(bytes.len()))
    }

    pub(crate) fn input(&mut self, input: Input<'_>) {
        self.session(|session, turn| session.handle(input, turn));
    }

    pub(crate) fn close(&mut self, close: Close, ending: Ending) {
        if self.state.wish.close != Some(Close::Abort) {
            self.state.wish.close = Some(close);
            self.state.ending = ending;
        }
    }

    /// Whether the session has let go of its upgrade wish, and whether it reads.
    pub(crate) fn reads_on(&self) -> bool {
        self.state.phase == Phase::Open
            && self.state.wish.close.is_none()
            && self.state.wish.upgrade.is_none()
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.state.wish.read_paused
    }

    // — answers —

    pub(crate) fn reply(&mut self, tag: Tag, reply: &Reply) {
        self.state.unanswered = self.state.unanswered.saturating_sub(1);
        if self.state.phase == Phase::Ended {
            // The route was made after the link had gone: take it out again.
            if let Reply::Welcome(welcome) = reply {
                self.state.actor = Some(welcome.actor);
                self.said.push((Tag::FEED, Command::Unlink));
            }
            return;
        }
        if tag == Tag::FEED {
            return self.feed_reply(reply);
        }
        if let Reply::Welcome(welcome) = reply {
            self.logged_in(welcome);
        }
        self.input(Input::Reply(tag, reply));
        match reply {
            Reply::Welcome(welcome) => {
                self.feed(|feed, gauge| feed.changes(&welcome.changes, gauge));
            }
            Reply::Sent(sent) => self.feed(|feed, gauge| feed.sent(sent, gauge)),
            _ => {}
        }
    }

    fn logged_in(&mut self, welcome: &Welcome) {
        self.state.actor = Some(welcome.actor);
        if self.state.phase == Phase::Open {
            self.state.limit_at = None;
        }
        self.cm.note_token(welcome.changes.token);
    }

    fn feed_reply(&mut self, reply: &Reply) {
        match reply {
            Reply::Page(page) => self.page(page),
            Reply::Changes(changes) => {
                self.input(Input::Reply(Tag::FEED, reply));
                self.feed(|feed, gauge| feed.changes(changes, gauge));
            }
            Reply::Refused(refusal) => {
                self.feed(|feed, gauge| feed.refused(refusal.is_retriable(), gauge));
            }
            _ => self.feed(|feed, _| feed.relinked()),
        }
    }

    fn page(&mut self, page: &Page) {
        let Some(mut feed) = self.state.feed.take() else { return };
        if feed.page_begins(page, &self.gauge()) {
            let mut fitted = true;
            for message in &page.messages {
                match feed.page_entry(message, &self.gauge()) {
                    Some(true) => self.input(Input::Event(&Event::Message(Arc::new(Delivery {
                        at: page.at.clone(),
                        message: message.clone(),
                        prev: SyncToken::NEVER,
                        links: 1,
                        encoded: Encoded::default(),
                    })))),
                    Some(false) => {}
                    None => {
                        fitted = false;
                        break;
                    }
                }
            }
            feed.page_ends(page, fitted, &self.gauge());
        }
        self.state.feed = Some(feed);
    }

    // — events —

    pub(crate) fn event(&mut self, event: &Event) {
        let waiting = self.state.waiting();
        match event.class() {
            EventClass::Ephemeral if waiting > self.cm.limits.shed_above => {
                self.cm.stats.shed.up();
            }
            EventClass::State if waiting > self.cm.limits.mailbox => {
                self.cm.stats.shed.up();
            }
            EventClass::Ephemeral | EventClass::State if self.state.actor.is_none() => {}
            EventClass::Ephemeral | EventClass::State => self.input(Input::Event(event)),
            EventClass::Log => match event {
                Event::Message(delivery) => {
                    let message = &delivery.message;
                    let id = SyncToken(message.id.0);
                    let live = Live { seq: message.seq, id, prev: delivery.prev };
                    let verdict = self.feed(|feed, gauge| feed.live(message.conv, live, gauge));
                    if verdict == Verdict::Deliver {
                        self.input(Input::Event(event));
                    }
                }
                Event::Head { conv, head } => {
                    self.feed(|feed, gauge| feed.head(*conv, *head, gauge));
                }
                _ => {}
            },
        }
    }

    pub(crate) fn evict(&mut self, refusal: &Refusal) {
        self.input(Input::Evict(refusal));
        self.close(Close::Flush, Ending::Refused);
        let by = self.now + self.cm.limits.evict_within;
        self.state.limit_at = Some(self.state.limit_at.map_or(by, |at| at.min(by)));
    }

    pub(crate) fn drain(&mut self, retry_after: Duration) {
        self.state.draining = true;
        self.state.ending = Ending::Drained;
        self.input(Input::Drain { retry_after });
    }

    /// Hints above `since` may have been lost, or the link map what it held.
    pub(crate) fn resync(&mut self, since: SyncToken, relink: bool) {
        if self.state.actor.is_none() || self.state.phase != Phase::Open {
            return;
        }
        self.cm.stats.resyncs.up();
        self.feed(|feed, _| if relink { feed.relink(since) } else { feed.compare_again(since) });
    }

    /// There is no room for this link: it is told to come back, and closed.
    pub(crate) fn turn_away(&mut self, retry_after: Duration) {
        self.drain(retry_after);
        self.close(Close::Flush, Ending::Drained);
    }

    /// The wheel has come round to this link's entry.
    pub(crate) fn timer(&mut self, tick: Tick) {
        if self.state.armed != tick {
            return;
        }
        self.state.armed = 0;
        if self.state.limit_at.is_some_and(|at| at <= self.now) {
            self.state.limit_at = None;
            self.close(Close::Abort, Ending::Refused);
        }
        if self.state.wish.wake_at.is_some_and(|at| at <= self.now) {
            self.state.wish.wake_at = None;
            self.input(Input::Timeout);
        }
        if self.state.feed.is_some() {
            self.feed(Feed::timeout);
        }
    }

    /// The link is over: its route goes, and nothing more reaches its session.
    pub(crate) fn end(&mut self) {
        if self.state.phase == Phase::Ended {
            return;
        }
        self.state.phase = Phase::Ended;
        self.state.feed = None;
        if let Some(outbox) = self.state.outbox.take() {
            arena::reclaim(outbox);
        }
        if self.state.actor.is_some() {
            self.said.push((Tag::FEED, Command::Unlink));
        }
    }

    /// Sets the time by which a link that has ended must be gone.
    pub(crate) fn linger(&mut self) {
        if self.state.limit_at.is_none() {
            self.state.limit_at = Some(self.now + self.cm.limits.linger);
        }
    }

    // — the feed —

    fn feed<R>(&mut self, f: impl FnOnce(&mut Feed, &Gauge) -> R) -> R {
        let gauge = self.gauge();
        let rest = self.state.rest;
        f(self.state.feed.get_or_insert_with(|| Box::new(Feed::wake(rest))), &gauge)
    }

    fn gauge(&self) -> Gauge {
        let limits = &self.cm.limits;
        let waiting = self.state.waiting();
        Gauge {
            now: self.now,
            second: self.cm.wheel.seconds(self.now),
            credit: self.state.session.credit(),
            // Before the welcome nothing can be handed over; it is read once that is there.
            open: waiting < limits.mailbox
                && self.state.phase == Phase::Open
                && self.state.actor.is_some(),
            low: waiting < limits.mailbox / 2,
            safe: self.cm.safe(),
            page: limits.page,
        }
    }

    /// After anything has happened to a link.
    pub(super) fn settle(&mut self, link: &Link) {
        self.check_acks();
        if self.state.phase == Phase::Open && self.state.wish.close.is_none() {
            self.feed_on();
            if let Some(rest) = self.state.feed.as_ref().and_then(|feed| feed.rest()) {
                self.state.rest = rest;
                self.state.feed = None;
            }
        }
        if self.state.phase == Phase::Open && self.state.wish.close.is_some() {
            self.state.phase = Phase::Closing;
            self.state.feed = None;
            self.linger();
        }
        if let Some(at) = self.state.deadline() {
            let tick = self.cm.wheel.tick_of(at);
            if self.state.armed == 0 || tick < self.state.armed {
                self.state.armed = self.cm.wheel.arm(link.id, at);
            }
        }
    }

    /// Acknowledgements of what was not handed over go no further: they would move cursors past
    /// entries that the device has not seen. Where no position is kept, nothing is left to be
    /// acknowledged; one given up for want of room is at worst handed over again.
    fn check_acks(&mut self) {
        let feed = &mut self.state.feed;
        self.said.retain(|(_, command)| match command {
            Command::Delivered { conv, seq } => {
                feed.as_mut().is_some_and(|feed| feed.acked(*conv, *seq))
            }
            _ => true,
        });
    }

    fn feed_on(&mut self) {
        if self.state.draining || self.state.actor.is_none() {
            return;
        }
        while let Some(feed) = &mut self.state.feed {
            // Most feeds want nothing: do not measure for them.
            if !feed.is_waiting() {
                return;
            }
            let gauge = self.gauge();
            let step = self.state.feed.as_mut().and_then(|feed| feed.next(&gauge));
            match step {
                Some(Step::Ask(command)) => {
                    if matches!(command, Command::Pull(_)) {
                        self.cm.stats.pulls.up();
                    }
                    self.said.push((Tag::FEED, command));
                }
                Some(Step::Synced(token)) => self.input(Input::Synced(token)),
                None => return,
            }
        }
    }
}
