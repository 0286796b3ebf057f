//! The server's end of one link, as a value:
//!
//! ```text
//! ExpectConnect ──CONNECT──► LoggingIn ──Welcome──► Opening ──Opened──► Online ──Drain──► Draining
//! ```
//!
//! Each state is a type and is consumed by the step to the next; only `Online` takes and sends
//! messages. Whatever ends the link ends in `Closed`, which takes bytes and does nothing.
//!
//! A session in the standard's sense outlives links. What outlives is the store's: it hands over
//! what the client has not acknowledged, and is told of every step that must not be forgotten
//! before the client is answered.

mod delivering;
mod draining;
mod expect_connect;
mod grant;
mod online;
mod opening;
mod publishing;
mod pulse;
mod refusal;
mod style;
mod subscribing;
mod tag;
mod words;

use std::sync::Arc;

use anser_domain::{Close, Fault, LinkInfo, Refusal};

use self::{
    draining::Draining,
    expect_connect::ExpectConnect,
    online::Online,
    opening::{LoggingIn, Opening},
};
pub use self::{
    grant::{Grant, Matching, grant},
    words::{Answer, Ask, Input, Turn},
};
use crate::{
    codec::{self, CodecError, Raw},
    limits::Limits,
};

/// MQTT on one link.
#[derive(Debug)]
pub struct Session {
    limits: Arc<Limits>,
    state: State,
}

#[derive(Debug)]
enum State {
    ExpectConnect(ExpectConnect),
    LoggingIn(LoggingIn),
    Opening(Opening),
    Online(Online),
    Draining(Draining),
    Closed,
}

impl Session {
    /// A session for a link that is about to open. `unique` is a number that nobody can guess and
    /// that no other link has: it names a client that has no name.
    #[must_use]
    pub fn new(limits: Arc<Limits>, unique: u128) -> Self {
        let expect = ExpectConnect { unique, trusted: false };
        Self { limits, state: State::ExpectConnect(expect) }
    }

    /// The link is up.
    pub fn open(&mut self, link: &LinkInfo, turn: &mut Turn<'_>) {
        if let State::ExpectConnect(expect) = &mut self.state {
            expect.trusted = link.trusted_path;
        }
        turn.wake_at(turn.now.checked_add(self.limits.connect_deadline));
    }

    /// Bytes from the client, following those that were consumed before; packets need not keep to
    /// the bounds of a WebSocket's messages [MQTT-6.0.0-2]. Returns how many were consumed; the
    /// driver keeps the rest and hands it over again, with more behind it.
    ///
    /// # Errors
    /// A [`Fault`] ends the link. What MQTT says on such an occasion is in `turn.out`.
    pub fn receive(&mut self, bytes: &[u8], turn: &mut Turn<'_>) -> Result<usize, Fault> {
        let mut rest = bytes;
        loop {
            if matches!(self.state, State::Closed) {
                return Ok(bytes.len());
            }
            // Answers make room, and then the driver hands the rest over again.
            if turn.wish.read_paused {
                break;
            }
            let step = match codec::split(rest, self.max_packet()) {
                Ok(Some(raw)) => {
                    rest = rest.get(raw.len..).unwrap_or_default();
                    self.packet(raw, turn)
                }
                Ok(None) => break,
                Err(error) => Err(self.broken(&error, turn)),
            };
            self.settle(&step, turn);
            step?;
        }
        Ok(bytes.len() - rest.len())
    }

    /// What a packet may be long now: little, until it is known who sends it.
    fn max_packet(&self) -> usize {
        match self.state {
            State::Online(_) | State::Draining(_) => self.limits.max_packet,
            _ => self.limits.max_connect,
        }
    }

    /// One packet, whole.
    fn packet(&mut self, raw: Raw<'_>, turn: &mut Turn<'_>) -> Result<(), Fault> {
        match &mut self.state {
            State::Online(online) => online.packet(&self.limits, raw, turn),
            State::ExpectConnect(state) => {
                self.state = State::LoggingIn(state.packet(&self.limits, raw, turn)?);
                Ok(())
            }
            // Reading is paused in the first two.
            State::LoggingIn(_) | State::Opening(_) | State::Draining(_) | State::Closed => Ok(()),
        }
    }

    /// Answers bytes that are no packet.
    fn broken(&self, error: &CodecError, turn: &mut Turn<'_>) -> Fault {
        match &self.state {
            State::Online(online) => online.style.end(turn, error),
            // Nobody has said yet that this is MQTT.
            _ => style::fault(error),
        }
    }

    /// Anything else that happens to a link.
    ///
    /// # Errors
    /// As [`receive`](Session::receive).
    pub fn handle(&mut self, input: Input<'_>, turn: &mut Turn<'_>) -> Result<(), Fault> {
        match input {
            _ if matches!(self.state, State::Closed) => Ok(()),
            Input::Evict(refusal) => {
                self.leave(refusal, turn);
                Ok(())
            }
            Input::Drain { .. } => {
                match std::mem::replace(&mut self.state, State::Closed) {
                    State::Online(online) if online.waits_for_answers() => {
                        self.state = State::Draining(online.drain(&self.limits, turn));
                    }
                    State::Draining(draining) => self.state = State::Draining(draining),
                    state => {
                        self.state = state;
                        self.leave(&Refusal::Draining, turn);
                    }
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

    fn input(&mut self, input: Input<'_>, turn: &mut Turn<'_>) -> Result<(), Fault> {
        let limits = &*self.limits;
        match std::mem::replace(&mut self.state, State::Closed) {
            State::ExpectConnect(state) => match input {
                Input::Timeout => Err(Fault::Misbehaved("no CONNECT in time")),
                _ => {
                    self.state = State::ExpectConnect(state);
                    Ok(())
                }
            },
            State::LoggingIn(state) => match input {
                Input::Answer(tag::LOGIN, answer) => {
                    self.state = State::Opening(state.answer(answer, turn)?);
                    Ok(())
                }
                Input::Timeout => Err(state.connecting().refuse(&Refusal::Unavailable, turn)),
                _ => {
                    self.state = State::LoggingIn(state);
                    Ok(())
                }
            },
            State::Opening(state) => match input {
                Input::Answer(tag::OPEN, answer) => {
                    self.state = State::Online(state.answer(limits, answer, turn)?);
                    Ok(())
                }
                Input::Timeout => Err(state.connecting().refuse(&Refusal::Unavailable, turn)),
                _ => {
                    self.state = State::Opening(state);
                    Ok(())
                }
            },
            State::Online(mut online) => {
                let result = match input {
                    Input::Answer(tag, answer) => online.answer(limits, tag, answer, turn),
                    Input::Deliver(message, grant) => online.deliver(limits, message, grant, turn),
                    Input::Timeout => {
                        online.timeout(turn);
                        Ok(())
                    }
                    // The same in every state.
                    Input::Evict(_) | Input::Drain { .. } => Ok(()),
                };
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

    /// How many more messages of the session's queue the client is willing to take now: at 0 the
    /// driver holds them back without losing them, and asks again after each input. Messages of
    /// QoS 0, and those of sessions that have no queue, need none.
    #[must_use]
    pub fn credit(&self) -> u32 {
        match &self.state {
            State::Online(online) => online.credit(),
            _ => 0,
        }
    }

    /// Ends the link with a word.
    fn leave(&mut self, refusal: &Refusal, turn: &mut Turn<'_>) {
        match &self.state {
            State::LoggingIn(state) => state.connecting().say(refusal, turn),
            State::Opening(state) => state.connecting().say(refusal, turn),
            State::Online(online) => online.say(refusal, turn),
            State::Draining(draining) => draining.online.say(refusal, turn),
            // [MQTT-3.14.0-1]
            State::ExpectConnect(_) | State::Closed => {}
        }
        turn.wake_at(None);
        turn.close(Close::Flush);
        self.state = State::Closed;
    }

    /// Closes what a fault or a [`Turn::close`](anser_domain::Turn::close) has ended.
    fn settle(&mut self, result: &Result<(), Fault>, turn: &mut Turn<'_>) {
        if result.is_err() || turn.wish.close.is_some() {
            turn.wake_at(None);
            self.state = State::Closed;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_session_fits_its_part_of_a_links_budget() {
        assert!(size_of::<Session>() <= 192, "{}", size_of::<Session>());
    }
}
