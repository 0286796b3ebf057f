//! The process is being stopped: what was asked is answered, what is asked now is not.

use std::time::Instant;

use anser_domain::{Close, Fault, Input, Refusal, Turn};

use super::{Online, answer::refused};
use crate::{codec::field, frame::FrameType, limits::Limits};

/// A device's link that is about to close.
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
        Self { online: Box::new(online), deadline }
    }

    /// A frame of the client's: acknowledgements still count.
    pub(super) fn frame(
        &mut self,
        limits: &Limits,
        frame_type: FrameType,
        body: &[u8],
        turn: &mut Turn<'_>,
    ) -> Result<(), Fault> {
        match frame_type {
            FrameType::Send | FrameType::Sync | FrameType::Request => {
                if let Some(id) = field::request_id(body) {
                    refused(turn, id, &Refusal::Draining);
                }
                Ok(())
            }
            FrameType::Hello | FrameType::Resume => Ok(()),
            _ => {
                let result = self.online.frame(limits, frame_type, body, turn);
                turn.wake_at(self.deadline);
                result
            }
        }
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
        let result = match input {
            Input::Timeout => Ok(()),
            input => self.online.input(limits, input, turn),
        };
        if late || !self.online.waits_for_answers() {
            turn.close(Close::Flush);
        } else {
            turn.wake_at(self.deadline);
        }
        result
    }
}
