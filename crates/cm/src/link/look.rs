//! What a link's task alone asks of its link: what there is to do, and how far it has come.

use std::task::Waker;

use anser_domain::{Close, Outbox, Upgrade};

use super::{Ending, Link, Phase};
use crate::Cm;

/// What a link's task sees when it looks.
pub(crate) struct Look {
    pub(crate) outbox: Option<Box<Outbox>>,
    pub(crate) close: Option<Close>,
    pub(crate) ending: Ending,
    pub(crate) upgrade: Option<Upgrade>,
    pub(crate) may_read: bool,
    /// Everything has been written after the link had been blocked.
    pub(crate) was_blocked: bool,
    /// The feed waits for room.
    pub(crate) hungry: bool,
}

impl Link {
    /// What there is to do. Takes the outbox if `take`; everything written before is written.
    pub(crate) fn look(&self, cm: &Cm, take: bool) -> Look {
        let mut state = self.state.lock();
        state.dirty = false;
        let mut look = Look {
            outbox: None,
            close: state.wish.close,
            ending: state.ending,
            upgrade: state.wish.upgrade,
            may_read: false,
            was_blocked: false,
            hungry: false,
        };
        if take && state.phase != Phase::Ended {
            look.outbox = state.outbox.take();
            if let Some(outbox) = &look.outbox {
                state.backlog = u32::try_from(outbox.len()).unwrap_or(u32::MAX);
            } else {
                state.backlog = 0;
                look.was_blocked = std::mem::take(&mut state.blocked);
                look.hungry = state.feed.as_ref().is_some_and(|feed| feed.is_waiting());
            }
        }
        look.may_read = state.may_read(&cm.limits);
        state.stalled = !look.may_read;
        look
    }

    /// The socket takes no more: `left` bytes of the batch are waiting.
    pub(crate) fn block(&self) {
        self.state.lock().blocked = true;
    }

    pub(crate) fn register(&self, waker: &Waker) {
        self.waker.register(waker);
    }

    pub(crate) fn upgraded(&self) {
        self.state.lock().wish.upgrade = None;
    }
}
