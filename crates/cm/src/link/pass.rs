//! One pass over links: lock each briefly, let its session speak, and see to the rest — asking,
//! waking — once no lock is held.
//!
//! Order: what one link asks reaches the SM in the order in which it was asked, whichever
//! threads its session spoke on. A thread that finds another one submitting for the link leaves
//! its questions with it.

use std::{sync::Arc, time::Instant};

use anser_domain::{Ask, Caller, Command, LinkId, Reply, ReplyTo, Tag, Via};
use smallvec::SmallVec;

use super::{Link, State, speaker::Speaker};
use crate::Cm;

/// A pass, and what it leaves to be done.
pub(crate) struct Pass<'a> {
    cm: &'a Cm,
    now: Instant,
    /// What the session that is speaking asks.
    said: Vec<(Tag, Command)>,
    asks: Vec<Ask>,
    askers: SmallVec<[Arc<Link>; 2]>,
    wakes: SmallVec<[Arc<Link>; 4]>,
}

impl<'a> Pass<'a> {
    pub(crate) fn new(cm: &'a Cm) -> Self {
        Self {
            cm,
            now: cm.clock.now(),
            said: Vec::new(),
            asks: Vec::new(),
            askers: SmallVec::new(),
            wakes: SmallVec::new(),
        }
    }

    /// Locks `link` and lets `f` act on it.
    pub(crate) fn with<R>(&mut self, link: &Arc<Link>, f: impl FnOnce(&mut Speaker<'_>) -> R) -> R {
        let mut state = link.state.lock();
        let mut speaker = Speaker::new(&mut state, self.cm, self.now, &mut self.said);
        let result = f(&mut speaker);
        speaker.settle(link);
        self.take_questions(link, &mut state);
        if state.wants_task(&self.cm.limits) {
            state.dirty = true;
            self.wakes.push(link.clone());
        }
        result
    }

    fn take_questions(&mut self, link: &Arc<Link>, state: &mut State) {
        if self.said.is_empty() {
            return;
        }
        let caller = state.actor.map_or(Caller::Nobody, Caller::Link);
        let (peer, link_id) = (self.cm.id, link.id);
        let asks = self.said.drain(..).map(|(tag, command)| {
            if has_reply(&command) {
                state.unanswered += 1;
            }
            let from = ReplyTo { peer, link: link_id, tag, via: Via::default() };
            Ask { from, caller: caller.clone(), command }
        });
        if state.asking {
            state.held.extend(asks);
        } else {
            self.asks.extend(asks);
            if !std::mem::replace(&mut state.asking, true) {
                self.askers.push(link.clone());
            }
        }
    }

    /// An answer for a link that has gone. If it is a welcome, a route was made too late.
    pub(crate) fn stray(&mut self, link: LinkId, reply: &Reply) {
        if let Reply::Welcome(welcome) = reply {
            self.asks.push(Ask {
                from: ReplyTo { peer: self.cm.id, link, tag: Tag::FEED, via: Via::default() },
                caller: Caller::Link(welcome.actor),
                command: Command::Unlink,
            });
        }
    }

    /// Asks the SM and wakes the links' tasks.
    pub(crate) fn finish(mut self) {
        for link in self.wakes.drain(..) {
            link.waker.wake();
        }
        while !self.asks.is_empty() {
            self.cm.sm.submit(std::mem::take(&mut self.asks));
            for link in std::mem::take(&mut self.askers) {
                let mut state = link.state.lock();
                if state.held.is_empty() {
                    state.asking = false;
                } else {
                    self.asks.append(&mut state.held);
                    state.held = Vec::new();
                    drop(state);
                    self.askers.push(link);
                }
            }
        }
    }
}

/// Whether the SM will answer.
fn has_reply(command: &Command) -> bool {
    !matches!(command, Command::Unlink | Command::Delivered { .. } | Command::Typing { .. })
}
