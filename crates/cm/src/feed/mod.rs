//! What makes hints into a stream: one feed per link, whatever its protocol.
//!
//! Hints may be lost, doubled or out of order, and a slow peer may have to let them pass. The
//! feed knows how far its link has come in each conversation, lets an entry through only if it
//! is the next, and reads everything else from the log. So a session sees every log gapless, in
//! order and once. It holds no message: what cannot go now is read again later.

mod judge;
mod position;

use std::time::{Duration, Instant};

use anser_domain::{Changes, Command, ConvId, Message, Page, Pull, Sent, Seq, SyncToken};

use judge::{Has, Place, judge};
pub(crate) use judge::{Live, Verdict};
use position::{Position, Positions};

use crate::limits::POSITIONS_IDLE;

/// How long to wait before asking again what was refused for now.
const ASK_AGAIN: Duration = Duration::from_secs(1);
/// How often a link that knows many conversations looks whether it still needs them.
const TRIM_EVERY: Duration = Duration::from_secs(30);

/// What a link's surroundings say at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gauge {
    pub(crate) now: Instant,
    /// `now` in whole seconds since the start.
    pub(crate) second: u32,
    /// Log entries that the peer takes now.
    pub(crate) credit: u32,
    /// Whether an entry may go into the outbox.
    pub(crate) open: bool,
    /// Whether so little waits there that more may be asked for.
    pub(crate) low: bool,
    /// Every hint up to here has been handed to the links.
    pub(crate) safe: SyncToken,
    /// Most entries to ask for at once.
    pub(crate) page: u16,
}

impl Gauge {
    fn takes(&self) -> bool {
        self.open && self.credit > 0
    }
}

/// What a feed wants next.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    /// Ask the SM, under `Tag::FEED`.
    Ask(Command),
    /// Tell the session that it has everything up to here.
    Synced(SyncToken),
}

/// The question that has no answer yet; a feed asks one at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Asking {
    #[default]
    Nothing,
    Page(ConvId),
    Changes,
    Relink,
}

/// How far the comparison of heads has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Compare {
    #[default]
    Done,
    /// The next page of changes starts here. It is asked for once this page's logs are read,
    /// so that what a link is behind with stays bounded by a page.
    From(SyncToken),
    /// All pages are in.
    Last(SyncToken),
}

/// One link's feed.
#[derive(Debug, Default)]
pub(crate) struct Feed {
    positions: Positions,
    asking: Asking,
    compare: Compare,
    /// Compare heads again, from here.
    again: Option<SyncToken>,
    /// Put the route back first.
    relink: bool,
    /// Halved when a page did not fit, doubled when it did; 0 stands for the usual.
    page: u16,
    /// Whose log was read last, so that all get their turn.
    last: ConvId,
    ask_at: Option<Instant>,
    trim_at: Option<Instant>,
    /// What it has of the logs that it keeps no position of.
    has: Has,
    /// The youngest entry that was handed over or answered.
    newest: SyncToken,
    /// There may be something to do: spares links that are up to date the look.
    stirred: bool,
}

/// All that a feed knows when it has nothing to do and keeps no position: so little that links
/// without conversations need no feed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rest(Has);

impl Feed {
    /// The feed of a link that rested.
    pub(crate) fn wake(rest: Rest) -> Self {
        Self { has: rest.0, newest: rest.0.some, ..Self::default() }
    }

    /// What is left of the feed, if that is all there is to know.
    pub(crate) fn rest(&self) -> Option<Rest> {
        let idle = !self.stirred
            && !self.relink
            && self.positions.len() == 0
            && self.asking == Asking::Nothing
            && self.compare == Compare::Done
            && self.again.is_none()
            && self.ask_at.is_none();
        let some = self.has.some.max(self.newest);
        idle.then_some(Rest(Has { all: self.has.all, some }))
    }

    /// A page of what changed since the client was last here, or since hints were lost.
    pub(crate) fn changes(&mut self, changes: &Changes, gauge: &Gauge) {
        self.stirred = true;
        if self.asking == Asking::Changes {
            self.asking = Asking::Nothing;
        }
        for row in &changes.conversations {
            let known = self.positions.find(row.conv).is_some();
            // Ones that are up to date are worth a place only as far as idle links keep them.
            if !known && row.head <= row.delivered && self.positions.len() >= POSITIONS_IDLE {
                continue;
            }
            match self.position(row.conv, Some(row.delivered), gauge) {
                Some(position) => position.reaches(row.head),
                None => self.compare_again(gauge.safe),
            }
        }
        self.compare = if changes.more && !changes.conversations.is_empty() {
            Compare::From(changes.token)
        } else {
            Compare::Last(changes.token)
        };
    }

    /// Hints may have been lost after `safe`: compare heads from there.
    pub(crate) fn compare_again(&mut self, safe: SyncToken) {
        self.stirred = true;
        self.again = Some(self.again.map_or(safe, |again| again.min(safe)));
    }

    /// The link map has lost this link: register, then compare.
    pub(crate) fn relink(&mut self, safe: SyncToken) {
        self.compare_again(safe);
        self.relink = true;
    }

    /// A live entry.
    pub(crate) fn live(&mut self, conv: ConvId, live: Live, gauge: &Gauge) -> Verdict {
        self.take_stock(gauge);
        let place = self.positions.find(conv).map_or(Place::Unknown, |it| it.place());
        let verdict = judge(place, live, self.has, gauge.takes());
        match verdict {
            Verdict::Drop => {}
            Verdict::Deliver => self.pass(conv, live, gauge),
            Verdict::Pull(_) => self.head(conv, live.seq, gauge),
        }
        verdict
    }

    fn pass(&mut self, conv: ConvId, live: Live, gauge: &Gauge) {
        self.newest = self.newest.max(live.id);
        let before = Seq(live.seq.0.saturating_sub(1));
        match self.position(conv, Some(before), gauge) {
            Some(position) => position.advance(live.seq, gauge.second),
            // It is read again when heads are compared: rather twice than never.
            None => self.compare_again(gauge.safe),
        }
        if self.positions.len() > POSITIONS_IDLE && self.trim_at.is_none() {
            self.trim_at = Some(gauge.now + TRIM_EVERY);
        }
    }

    /// The position of `conv`, if there is room for one.
    fn position(&mut self, conv: ConvId, at: Option<Seq>, gauge: &Gauge) -> Option<&mut Position> {
        if self.positions.is_full() {
            self.has.some = self.newest;
        }
        self.positions.entry(conv, at, gauge.second)
    }

    /// While there is nothing to do, the link has all that was hinted at.
    fn take_stock(&mut self, gauge: &Gauge) {
        if !self.stirred && self.has.all != SyncToken::default() {
            self.has.all = self.has.all.max(gauge.safe);
        }
    }

    /// A log has grown up to `head`.
    pub(crate) fn head(&mut self, conv: ConvId, head: Seq, gauge: &Gauge) {
        self.stirred = true;
        match self.position(conv, None, gauge) {
            Some(position) => position.reaches(head),
            None => self.compare_again(gauge.safe),
        }
    }

    /// The device's own send was answered; the answer stands for the entry.
    pub(crate) fn sent(&mut self, sent: &Sent, gauge: &Gauge) {
        self.take_stock(gauge);
        let live = Live { seq: sent.seq, id: SyncToken(sent.id.0), prev: sent.prev };
        if let Some(position) = self.positions.find(sent.conv) {
            position.sent(sent.seq, gauge.second);
            self.newest = self.newest.max(live.id);
        } else if judge(Place::Unknown, live, self.has, true) == Verdict::Deliver {
            self.pass(sent.conv, live, gauge);
        }
    }

    /// The device says that it has everything up to `seq`. Answers whether that can be so: it
    /// cannot acknowledge what it was not handed.
    pub(crate) fn acked(&mut self, conv: ConvId, seq: Seq) -> bool {
        self.positions.find(conv).is_some_and(|position| position.acked(seq))
    }

    /// A page of a log begins. Answers whether it was asked for.
    pub(crate) fn page_begins(&mut self, page: &Page, gauge: &Gauge) -> bool {
        if self.asking != Asking::Page(page.conv) {
            return false;
        }
        self.asking = Asking::Nothing;
        let Some(position) = self.positions.find(page.conv) else { return false };
        position.asked = false;
        if position.at.is_none() {
            position.advance(page.after, gauge.second);
            let _ = position.acked(page.after);
        }
        true
    }

    /// One entry of the page: whether to hand it over, or `None` if it does not fit and the
    /// rest must be read later.
    pub(crate) fn page_entry(&mut self, message: &Message, gauge: &Gauge) -> Option<bool> {
        let (conv, seq) = (message.conv, message.seq);
        let position = self.positions.find(conv)?;
        if position.at.is_some_and(|at| seq <= at) {
            return Some(false);
        }
        if !gauge.takes() {
            return None;
        }
        // A page may leap: seqs from before the viewer came, or came back, are not in it.
        position.advance(seq, gauge.second);
        self.newest = self.newest.max(SyncToken(message.id.0));
        Some(true)
    }

    /// The page ends; `fitted` says whether all of it went.
    pub(crate) fn page_ends(&mut self, page: &Page, fitted: bool, gauge: &Gauge) {
        let limit = self.page_limit(gauge);
        self.page =
            if fitted { limit.saturating_mul(2).min(gauge.page) } else { (limit / 2).max(1) };
        let Some(position) = self.positions.find(page.conv) else { return };
        if let Some(last) = page.messages.last() {
            position.reaches(last.seq);
            if page.more {
                position.reaches(page.head.max(last.seq.next()));
            }
        }
    }

    /// What was asked was refused: later again, or never.
    pub(crate) fn refused(&mut self, retriable: bool, gauge: &Gauge) {
        let asked = std::mem::take(&mut self.asking);
        if retriable {
            self.ask_at = Some(gauge.now + ASK_AGAIN);
        }
        match asked {
            Asking::Nothing => {}
            // `next` took the target off when it asked.
            Asking::Page(conv) if retriable => {
                if let Some(position) = self.positions.find(conv) {
                    position.asked = false;
                    let next = position.at.map_or(Seq::ZERO.next(), Seq::next);
                    position.reaches(next);
                }
            }
            Asking::Page(conv) => {
                self.has.some = self.newest;
                self.positions.forget(conv);
            }
            Asking::Changes if retriable => {}
            Asking::Changes => self.compare = Compare::Done,
            Asking::Relink => self.relink = retriable,
        }
    }

    /// The route is back; hints sent while it was missing are not, so heads are compared next.
    pub(crate) fn relinked(&mut self) {
        if self.asking == Asking::Relink {
            self.asking = Asking::Nothing;
        }
    }

    /// What to do next, until there is nothing.
    pub(crate) fn next(&mut self, gauge: &Gauge) -> Option<Step> {
        if self.asking != Asking::Nothing || self.ask_at.is_some_and(|at| at > gauge.now) {
            return None;
        }
        self.ask_at = None;
        if std::mem::take(&mut self.relink) {
            self.asking = Asking::Relink;
            return Some(Step::Ask(Command::Relink));
        }
        if let Some(behind) = self.positions.behind_after(self.last) {
            if !gauge.takes() || !gauge.low {
                return None;
            }
            let (conv, after) = (behind.conv, behind.at);
            let credit = u16::try_from(gauge.credit).unwrap_or(u16::MAX);
            let limit = self.page_limit(gauge).min(credit);
            if let Some(position) = self.positions.find(conv) {
                // The page will hold all that is committed by now; what is hinted at from here
                // on may not be in it.
                position.target = Seq::ZERO;
                position.asked = true;
            }
            self.last = conv;
            self.asking = Asking::Page(conv);
            return Some(Step::Ask(Command::Pull(Pull { conv, after, limit })));
        }
        match self.compare {
            Compare::From(since) => {
                if !gauge.low {
                    return None;
                }
                self.asking = Asking::Changes;
                return Some(Step::Ask(Command::Changes { since }));
            }
            Compare::Last(token) => {
                self.compare = Compare::Done;
                self.has.all = self.has.all.max(token);
                return Some(Step::Synced(token));
            }
            Compare::Done => {}
        }
        if let Some(since) = self.again.take() {
            self.compare = Compare::From(since);
            return self.next(gauge);
        }
        if self.positions.len() > POSITIONS_IDLE && self.trim_at.is_none() {
            self.trim_at = Some(gauge.now + TRIM_EVERY);
        }
        self.stirred = false;
        None
    }

    /// Whether `next` may have something to say: for a feed that has said nothing so far, once
    /// there is room and credit.
    pub(crate) fn is_waiting(&self) -> bool {
        self.stirred && self.asking == Asking::Nothing
    }

    /// When it wants to be looked at, whatever happens.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        match (self.ask_at, self.trim_at) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }

    /// Its time has come.
    pub(crate) fn timeout(&mut self, gauge: &Gauge) {
        if self.ask_at.is_some_and(|at| at <= gauge.now) {
            self.ask_at = None;
        }
        if self.trim_at.is_some_and(|at| at <= gauge.now) {
            // A page of changes that is under way may say of a conversation what held before
            // it moved: nothing is forgotten that it could contradict.
            let more = if self.may_forget() {
                self.has.some = self.newest;
                self.positions.trim(gauge.second)
            } else {
                true
            };
            self.trim_at = more.then(|| gauge.now + TRIM_EVERY);
        }
    }

    fn may_forget(&self) -> bool {
        self.asking == Asking::Nothing && self.compare == Compare::Done
    }

    fn page_limit(&self, gauge: &Gauge) -> u16 {
        if self.page == 0 { gauge.page } else { self.page }
    }
}

#[cfg(test)]
mod tests;
