//! One link: what anybody may lock briefly, and the task that alone touches its socket.
//!
//! A link that nothing happens to owns its session, an empty outbox and a place in the wheel,
//! and no buffer at all.

pub(crate) mod arena;
pub(crate) mod driver;
mod look;
pub(crate) mod pass;
pub(crate) mod speaker;
mod unsent;

use std::time::Instant;

use anser_domain::{Actor, Ask, Close, Fault, LinkId, Outbox, Session, Wish};
use futures_util::task::AtomicWaker;
use parking_lot::Mutex;

use crate::{
    feed::{Feed, Rest},
    limits::Limits,
    wheel::Tick,
};

/// A link as the registry holds it.
pub(crate) struct Link {
    id: LinkId,
    /// The link's task.
    waker: AtomicWaker,
    state: Mutex<State>,
}

impl Link {
    pub(crate) fn new(id: LinkId, session: Box<dyn Session>, login_by: Instant) -> Self {
        Self { id, waker: AtomicWaker::new(), state: Mutex::new(State::new(session, login_by)) }
    }

    pub(crate) fn id(&self) -> LinkId {
        self.id
    }
}

/// What a link is, under its lock.
struct State {
    session: Box<dyn Session>,
    /// What waits for the peer; `None` when nothing does.
    outbox: Option<Box<Outbox>>,
    wish: Wish,
    /// Whose device this is, once it has logged in.
    actor: Option<Actor>,
    /// What makes hints into a stream, while there is something to know or to do…
    feed: Option<Box<Feed>>,
    /// …and what it left when there was not.
    rest: Rest,
    /// The driver's own deadline: for logging in, then for closing.
    limit_at: Option<Instant>,
    /// Questions asked while another thread was submitting this link's, in order.
    held: Vec<Ask>,
    /// Bytes that the task has taken out of the outbox and not yet written.
    backlog: u32,
    /// Questions without their answer.
    unanswered: u32,
    /// The tick of the wheel's entry that counts; 0 for none.
    armed: Tick,
    phase: Phase,
    ending: Ending,
    /// The task knows that there is something to do, or is about to look.
    dirty: bool,
    /// The task waits until it can write.
    blocked: bool,
    /// The task has stopped reading until there is room again.
    stalled: bool,
    /// A thread is submitting this link's questions.
    asking: bool,
    draining: bool,
}

/// How far a link has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    /// It will be closed; sessions are told nothing more.
    Closing,
    /// Nothing of it counts any more.
    Ended,
}

/// Why a link ends, as far as a transport can say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Its session wanted it.
    Normal,
    /// The process is stopping.
    Drained,
    /// The peer broke the protocol.
    Misbehaved,
    /// The peer has to go.
    Refused,
    /// A fault of ours.
    Broken,
}

impl From<&Fault> for Ending {
    fn from(fault: &Fault) -> Self {
        match fault {
            Fault::Malformed(_) | Fault::Misbehaved(_) => Self::Misbehaved,
            Fault::Refused(_) => Self::Refused,
        }
    }
}

impl State {
    fn new(session: Box<dyn Session>, login_by: Instant) -> Self {
        Self {
            session,
            outbox: None,
            wish: Wish::default(),
            actor: None,
            feed: None,
            rest: Rest::default(),
            limit_at: Some(login_by),
            held: Vec::new(),
            backlog: 0,
            unanswered: 0,
            armed: 0,
            phase: Phase::Open,
            ending: Ending::Normal,
            // The task has yet to look for the first time.
            dirty: true,
            blocked: false,
            stalled: false,
            asking: false,
            draining: false,
        }
    }

    /// Bytes waiting for the peer.
    fn waiting(&self) -> usize {
        self.outbox.as_ref().map_or(0, |it| it.len()).saturating_add(self.backlog as usize)
    }

    fn may_read(&self, limits: &Limits) -> bool {
        self.phase == Phase::Open
            && !self.wish.read_paused
            && self.wish.upgrade.is_none()
            && self.unanswered < limits.unanswered
            && self.waiting() <= limits.mailbox
    }

    /// Whether the task has something to do that it does not know of.
    fn wants_task(&self, limits: &Limits) -> bool {
        if self.dirty {
            return false;
        }
        match self.wish.close {
            Some(Close::Abort) => true,
            _ if self.blocked || self.phase == Phase::Ended => false,
            Some(Close::Flush) => true,
            None => {
                self.outbox.is_some()
                    || self.wish.upgrade.is_some()
                    || (self.stalled && self.may_read(limits))
            }
        }
    }

    /// When the link wants to be looked at.
    fn deadline(&self) -> Option<Instant> {
        let session = self.wish.wake_at.filter(|_| self.phase == Phase::Open);
        let feed = self.feed.as_ref().and_then(|feed| feed.deadline());
        [session, self.limit_at, feed].into_iter().flatten().min()
    }
}

#[cfg(test)]
pub(crate) mod tests;
