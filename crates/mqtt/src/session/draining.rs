//! The process is being stopped: what was asked is answered, and nothing more is read.

use std::time::Instant;

use anser_domain::{Close, Fault, Refusal};

use super::{
    online::Online,
    words::{Input, Turn},
};
use crate::limits::Limits;

/// A session's link that is about to close.
#[derive(Debug)]
pub(super) struct Draining {
    /// Boxed, because it is seldom there: every session is as large as its largest state.
    pub(super) online: Box<Online>,
    deadline: Option<Instant>,
}

impl Draining {
    pub(super) fn new(online: Online, limits: &Limits, turn: &mut Turn<'_>) -> Self {
        let deadline = turn.now.checked_add(limits.drain_deadline);
        turn.wake_at(deadline);
        turn.pause_read();
        Self { online: Box::new(online), deadline }
    }

    /// Anything but bytes.
    pub(super) fn input(
        &mut self,
        limits: &Limits,
        input: Input<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<(), Fault> {
        let late = matches!(input, Input::Timeout)
            && self.deadline.is_none_or(|deadline| turn.now >= deadline);
        if let Input::Answer(tag, answer) = input {
            self.online.answer(limits, tag, answer, turn)?;
            turn.pause_read();
        }
        if late || !self.online.waits_for_answers() {
            // The last word [MQTT-3.14.4-1], after all answers.
            self.online.say(&Refusal::Draining, turn);
            turn.close(Close::Flush);
        } else {
            turn.wake_at(self.deadline);
        }
        Ok(())
    }
}
