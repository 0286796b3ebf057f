//! The server's end of one link, as a value:
//!
//! ```text
//! ExpectHello ──HELLO, RESUME──► LoggingIn ──Welcome──► Online ──Drain──► Draining
//! ```
//!
//! Each state is a type and is consumed by the step to the next; only [`Online`] can ask for
//! messages. Whatever ends the link ends in `Closed`, which takes bytes and does nothing.

mod answer;
mod asking;
mod draining;
mod expect_hello;
mod logging_in;
mod online;
mod pulse;
mod tag;
mod typed;

use std::sync::Arc;

use anser_domain::{Close, Fault, Input, LinkInfo, Refusal, Transport, Turn};

use self::{
    answer::{Farewell, end, go_away},
    draining::Draining,
    expect_hello::ExpectHello,
    logging_in::LoggingIn,
    online::Online,
};
use crate::{
    code::ErrorCode,
    codec::{self, CodecError, Raw},
    frame::FrameType,
    limits::Limits,
};

/// The native protocol on one link.
#[derive(Debug)]
pub struct Session {
    limits: Arc<Limits>,
    /// Whether bytes come in messages, each of whole frames.
    messages: bool,
    state: State,
}

#[derive(Debug)]
enum State {
    ExpectHello(ExpectHello),
    LoggingIn(LoggingIn),
    Online(Online),
    Draining(Draining),
    Closed,
}

impl Session {
    /// A session for a link that is about to open.
    #[must_use]
    pub fn new(limits: Arc<Limits>) -> Self {
        Self { limits, messages: false, state: State::Closed }
    }

    /// What a body may be long now: little, until it is known who sends it.
    fn max_frame(&self) -> usize {
        match self.state {
            State::Online(_) | State::Draining(_) => self.limits.max_frame,
            State::ExpectHello(_) | State::LoggingIn(_) | State::Closed => {
                self.limits.max_login_frame
            }
        }
    }

    fn may_compress(&self) -> bool {
        match &self.state {
            State::Online(online) => online.compresses(),
            State::Draining(draining) => draining.online.compresses(),
            State::ExpectHello(_) | State::LoggingIn(_) | State::Closed => false,
        }
    }

    /// One frame, whole.
    fn frame(&mut self, raw: Raw<'_>, turn: &mut Turn<'_>) -> Result<(), Fault> {
        // Not known and not critical, or it would not have been cut out: passed over.
        let Some(frame_type) = raw.frame_type() else { return Ok(()) };
        if !raw.is_compressed() {
            return self.body(frame_type, raw.body, turn);
        }
        if !self.may_compress() {
            return Err(end(turn, ErrorCode::BadCompression, "compression was not agreed on"));
        }
        let max = self.limits.max_frame;
        match codec::compress::restore(raw.body, max, |body| self.body(frame_type, body, turn)) {
            Ok(done) => done,
            Err(error) => Err(broken(turn, &error)),
        }
    }

    fn body(
        &mut self,
        frame_type: FrameType,
        body: &[u8],
        turn: &mut Turn<'_>,
    ) -> Result<(), Fault> {
        let limits = &*self.limits;
        match &mut self.state {
            State::Online(online) => online.frame(limits, frame_type, body, turn),
            State::Draining(draining) => draining.frame(limits, frame_type, body, turn),
            State::ExpectHello(state) => {
                self.state = State::LoggingIn(state.frame(limits, frame_type, body, turn)?);
                Ok(())
            }
            State::LoggingIn(_) => Err(end(turn, ErrorCode::UnexpectedFrame, "wait for WELCOME")),
            State::Closed => Ok(()),
        }
    }

    fn input(&mut self, input: Input<'_>, turn: &mut Turn<'_>) -> Result<(), Fault> {
        let limits = &*self.limits;
        match std::mem::replace(&mut self.state, State::Closed) {
            State::ExpectHello(state) => {
                self.state = State::ExpectHello(state);
                match input {
                    Input::Timeout => Err(end(turn, ErrorCode::LoginTimeout, "no HELLO in time")),
                    _ => Ok(()),
                }
            }
            State::LoggingIn(state) => match input {
                Input::Reply(tag, reply) if tag == tag::LOGIN => {
                    self.state = State::Online(state.answer(limits, reply, turn)?);
                    Ok(())
                }
                Input::Timeout => Err(answer::refuse(turn, Refusal::Unavailable)),
                // Nothing else can concern a link that is nobody's yet.
                _ => {
                    self.state = State::LoggingIn(state);
                    Ok(())
                }
            },
            State::Online(mut online) => {
                let result = online.input(limits, input, turn);
                self.state = State::Online(online);
                result
            }
            State::Draining(mut draining) => {
                let result = draining.input(limits, input, turn);
                self.state = State::Draining(draining);
                result
            }
            State::Closed => Ok(()),
        }
    }

    /// Ends the link with a word.
    fn leave(&mut self, farewell: Farewell<'_>, turn: &mut Turn<'_>) {
        go_away(turn, farewell);
        turn.wake_at(None);
        turn.close(Close::Flush);
        self.state = State::Closed;
    }

    /// Closes what a fault or a [`Turn::close`] has ended.
    fn settle(&mut self, result: &Result<(), Fault>, turn: &mut Turn<'_>) {
        if result.is_err() || turn.wish.close.is_some() {
            turn.wake_at(None);
            self.state = State::Closed;
        }
    }
}

/// Answers bytes that are no frame.
fn broken(turn: &mut Turn<'_>, error: &CodecError) -> Fault {
    answer::error(turn, 0, error.into(), &error.to_string(), None);
    Fault::Malformed(ErrorCode::from(error).name())
}

impl anser_domain::Session for Session {
    fn open(&mut self, link: &LinkInfo, turn: &mut Turn<'_>) {
        self.messages = link.transport == Transport::WebSocket;
        self.state = State::ExpectHello(ExpectHello);
        turn.wake_at(turn.now.checked_add(self.limits.login_deadline));
    }

    fn receive(&mut self, bytes: &[u8], turn: &mut Turn<'_>) -> Result<usize, Fault> {
        let mut rest = bytes;
        loop {
            if matches!(self.state, State::Closed) {
                return Ok(bytes.len());
            }
            // Answers make room, and then the driver hands the rest over again. A message cannot
            // be taken in part: it is bounded itself, and what is too much in it is refused.
            if turn.wish.read_paused && !self.messages {
                break;
            }
            let step = match codec::split(rest, self.max_frame()) {
                Ok(Some(raw)) => {
                    rest = rest.get(raw.len..).unwrap_or_default();
                    self.frame(raw, turn)
                }
                Ok(None) => break,
                Err(error) => Err(broken(turn, &error)),
            };
            self.settle(&step, turn);
            step?;
        }
        if self.messages && !rest.is_empty() {
            let cut = Err(end(turn, ErrorCode::Malformed, "a message holds whole frames"));
            self.settle(&cut, turn);
            cut?;
        }
        match &mut self.state {
            State::Online(online) => online.pulse.heard(turn.now),
            State::Draining(draining) => draining.online.pulse.heard(turn.now),
            State::ExpectHello(_) | State::LoggingIn(_) | State::Closed => {}
        }
        Ok(bytes.len() - rest.len())
    }

    fn handle(&mut self, input: Input<'_>, turn: &mut Turn<'_>) -> Result<(), Fault> {
        match input {
            _ if matches!(self.state, State::Closed) => Ok(()),
            Input::Evict(refusal) => {
                self.leave(Farewell::Refused(refusal), turn);
                Ok(())
            }
            Input::Drain { retry_after } => {
                match std::mem::replace(&mut self.state, State::Closed) {
                    State::Online(online) if online.waits_for_answers() => {
                        go_away(turn, Farewell::Draining(retry_after));
                        self.state = State::Draining(online.drain(&self.limits, turn));
                    }
                    State::Draining(draining) => self.state = State::Draining(draining),
                    _ => self.leave(Farewell::Draining(retry_after), turn),
                }
                Ok(())
            }
            input => {
                let result = self.input(input, turn);
                self.settle(&result, turn);
                result
            }
        }
    }

    fn credit(&self) -> u32 {
        match &self.state {
            State::Online(online) => online.credit(),
            State::Draining(draining) => draining.online.credit(),
            State::ExpectHello(_) | State::LoggingIn(_) | State::Closed => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_session_fits_its_part_of_a_links_budget() {
        assert!(size_of::<Session>() <= 100, "{}", size_of::<Session>());
    }
}
