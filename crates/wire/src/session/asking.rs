//! Frames that ask for something, and how many may be unanswered.

use anser_domain::{Command, Fault, Refusal, Turn};
use prost::Message as _;

use super::{
    Online,
    answer::{self, end, refused},
    tag::{self, Asked},
};
use crate::{
    code::ErrorCode,
    codec::{self, SendRef, hot},
    convert::ask,
    frame::{self, Notice},
    limits::{Limits, MAX_READS, READ_AGAIN},
};

impl Online {
    /// A SEND.
    pub(super) fn send(
        &mut self,
        limits: &Limits,
        body: &[u8],
        turn: &mut Turn<'_>,
    ) -> Result<(), Fault> {
        let Ok(send) = SendRef::decode(body) else { return bad_request(body, turn) };
        if send.id == 0 {
            return bad_request(body, turn);
        }
        match ask::outgoing(&send) {
            Ok(outgoing) => {
                self.ask(limits, Asked::Send, send.id, Command::Send(Box::new(outgoing)), turn);
            }
            Err(refusal) => refused(turn, send.id, &refusal),
        }
        Ok(())
    }

    /// A SYNC.
    pub(super) fn sync(
        &mut self,
        limits: &Limits,
        body: &[u8],
        turn: &mut Turn<'_>,
    ) -> Result<(), Fault> {
        match frame::Sync::decode(body) {
            Ok(sync) if sync.id != 0 => {
                match ask::sync(&sync) {
                    Ok(command) => self.ask(limits, Asked::Sync, sync.id, command, turn),
                    Err(refusal) => refused(turn, sync.id, &refusal),
                }
                Ok(())
            }
            _ => bad_request(body, turn),
        }
    }

    /// A REQUEST.
    pub(super) fn request(
        &mut self,
        limits: &Limits,
        body: &[u8],
        turn: &mut Turn<'_>,
    ) -> Result<(), Fault> {
        match frame::Request::decode(body) {
            Ok(request) if request.id != 0 => {
                let command = match request.call {
                    Some(call) => ask::command(call),
                    None => Err(Refusal::Invalid("call: none that this server knows")),
                };
                match command {
                    Ok(command) => {
                        let asked = Asked::request(&command);
                        self.ask(limits, asked, request.id, command, turn);
                    }
                    Err(refusal) => refused(turn, request.id, &refusal),
                }
                Ok(())
            }
            _ => bad_request(body, turn),
        }
    }

    fn ask(
        &mut self,
        limits: &Limits,
        asked: Asked,
        id: u32,
        command: Command,
        turn: &mut Turn<'_>,
    ) {
        // Only what a WebSocket message holds comes here while reading is paused. A send among it
        // goes to the SM all the same: refused here, it could be overtaken by a later one.
        let surplus = (self.paused && asked != Asked::Send)
            || (asked.reads() && self.reads_in_flight >= MAX_READS);
        if surplus {
            return refused(turn, id, &Refusal::Busy(READ_AGAIN));
        }
        turn.ask(asked.tag(id), command);
        self.in_flight = self.in_flight.saturating_add(1);
        self.reads_in_flight += u8::from(asked.reads());
        if self.in_flight >= limits.max_in_flight && !self.paused {
            self.paused = true;
            turn.pause_read();
        }
    }

    /// A question of the client's has its answer.
    pub(super) fn answered_to(&mut self, limits: &Limits, asked: Asked, turn: &mut Turn<'_>) {
        self.reads_in_flight = self.reads_in_flight.saturating_sub(u8::from(asked.reads()));
        self.answered(limits, turn);
    }

    /// A question has its answer.
    pub(super) fn answered(&mut self, limits: &Limits, turn: &mut Turn<'_>) {
        self.in_flight = self.in_flight.saturating_sub(1);
        // At half the bound, so that a full window does not pause and resume at every answer.
        if self.paused && self.in_flight <= limits.max_in_flight / 2 {
            self.paused = false;
            turn.resume_read();
        }
    }

    /// The one event that clients send. It is never answered, so what is wrong with it is passed
    /// over, and so is what comes too often.
    pub(super) fn typing(&mut self, body: &[u8], turn: &mut Turn<'_>) {
        if let Ok(frame::Event { what: Some(Notice::Typing(typing)) }) = frame::Event::decode(body)
            && let Ok(at) = ask::address(&typing.at)
            && self.typed.may_say(typing.active, turn.wall)
        {
            turn.ask(tag::NONE, Command::Typing { at, active: typing.active });
        }
    }
}

/// A DELIVERACK.
pub(super) fn delivered(body: &[u8], turn: &mut Turn<'_>) -> Result<(), Fault> {
    match hot::deliver_ack(body).map(|(conv, seq)| ask::delivered(conv, seq)) {
        Ok(Ok(command)) => {
            turn.ask(tag::NONE, command);
            Ok(())
        }
        Ok(Err(refusal)) => Err(end(turn, (&refusal).into(), &refusal.to_string())),
        Err(error) => Err(end(turn, (&error).into(), &error.to_string())),
    }
}

/// A request that cannot be read: refused alone if its id can be.
fn bad_request(body: &[u8], turn: &mut Turn<'_>) -> Result<(), Fault> {
    let reason = "the body is not that of its frame";
    match codec::field::request_id(body) {
        Some(id) => {
            answer::error(turn, id, ErrorCode::Malformed, reason, None);
            Ok(())
        }
        None => Err(end(turn, ErrorCode::Malformed, "the request has no id that can be read")),
    }
}
