//! The link is a device's.

use anser_domain::{
    Actor, Close, Command, Delivery, Event, Fault, Input, Protocol, Refusal, Reply, Turn, Welcome,
};
use bytes::Bytes;
use prost::Message as _;

use super::{
    Draining, LoggingIn,
    answer::{self, Farewell, Style, end, refused},
    asking, expect_hello,
    pulse::{Due, Pulse},
    tag::{self, Asked},
    typed::Typed,
};
use crate::{
    code::ErrorCode,
    codec::{self, compress, hot},
    convert::tell,
    frame::{self, Credit, FrameType, Notice, Ping, Pong},
    limits::Limits,
};

/// Credit of a client that has set none.
const UNLIMITED: u32 = u32::MAX;

/// A device's link.
#[derive(Debug)]
pub(super) struct Online {
    pub(super) pulse: Pulse,
    actor: Actor,
    /// Never above this server's own.
    version: u16,
    /// How many DELIVERs the client will still take.
    credit: u32,
    /// Questions without an answer.
    pub(super) in_flight: u32,
    /// Those among them that read pages.
    pub(super) reads_in_flight: u8,
    /// What was said of typing.
    pub(super) typed: Typed,
    compresses: bool,
    /// Reading is paused until answers have come.
    pub(super) paused: bool,
    /// Another credential has been shown and is being looked at.
    logging_in: bool,
}

impl Online {
    /// The login has come through: says WELCOME.
    pub(super) fn new(
        limits: &Limits,
        login: &LoggingIn,
        welcome: &Welcome,
        turn: &mut Turn<'_>,
    ) -> Self {
        let mut online = Self {
            pulse: Pulse::new(turn.now, login.heartbeat_ms, limits),
            actor: welcome.actor,
            version: u16::try_from(login.version).unwrap_or(u16::MAX),
            credit: if login.credit == 0 { UNLIMITED } else { login.credit },
            in_flight: 0,
            reads_in_flight: 0,
            typed: Typed::default(),
            compresses: login.compresses,
            paused: false,
            logging_in: false,
        };
        online.welcome(limits, welcome, turn);
        online
    }

    /// Says WELCOME, with what follows from the credential.
    fn welcome(&mut self, limits: &Limits, welcome: &Welcome, turn: &mut Turn<'_>) {
        self.pulse.set_expiry(turn.now, turn.wall, welcome.until);
        let style = self.style(limits);
        let mut sets = tell::change_sets(&welcome.changes, style.rows).into_iter();
        let capabilities = self.compresses.then(|| compress::CAPABILITY.to_owned());
        style.put(
            turn,
            frame::Welcome {
                version: self.version.into(),
                user: welcome.user.to_string(),
                device: welcome.device.to_string(),
                ticket: welcome.ticket.expose().to_owned(),
                server_time: turn.wall.0,
                expires: welcome.until.0,
                heartbeat_ms: self.pulse.interval_ms(),
                max_frame: u32::try_from(limits.max_frame).unwrap_or(u32::MAX),
                max_in_flight: limits.max_in_flight,
                capabilities: capabilities.into_iter().collect(),
                changes: sets.next(),
                personal: welcome.personal.0,
            },
        );
        for set in sets {
            style.put(turn, frame::Changes { id: 0, set: Some(set) });
        }
        turn.wake_at(self.pulse.deadline(limits));
    }

    /// Whether the client reads and writes compressed bodies.
    pub(super) fn compresses(&self) -> bool {
        self.compresses
    }

    /// How many more log entries may go out.
    pub(super) fn credit(&self) -> u32 {
        self.credit
    }

    /// Whether something was asked and is not answered yet.
    pub(super) fn waits_for_answers(&self) -> bool {
        self.in_flight > 0
    }

    /// Takes no new work from here on.
    pub(super) fn drain(self, limits: &Limits, turn: &mut Turn<'_>) -> Draining {
        Draining::new(self, limits, turn)
    }

    fn style(&self, limits: &Limits) -> Style {
        Style::new(limits, self.compresses)
    }

    // — frames —

    /// A frame of the client's, its body restored.
    pub(super) fn frame(
        &mut self,
        limits: &Limits,
        frame_type: FrameType,
        body: &[u8],
        turn: &mut Turn<'_>,
    ) -> Result<(), Fault> {
        match frame_type {
            FrameType::Send => self.send(limits, body, turn),
            FrameType::DeliverAck => asking::delivered(body, turn),
            FrameType::Sync => self.sync(limits, body, turn),
            FrameType::Request => self.request(limits, body, turn),
            FrameType::Credit => self.more_credit(body, turn),
            FrameType::Event => {
                self.typing(body, turn);
                Ok(())
            }
            FrameType::Ping => self.ping(limits, body, turn),
            // Being heard is all that it is for.
            FrameType::Pong => Ok(()),
            FrameType::Hello | FrameType::Resume => self.login_again(frame_type, body, turn),
            FrameType::Welcome
            | FrameType::SendAck
            | FrameType::Deliver
            | FrameType::Page
            | FrameType::Changes
            | FrameType::Synced
            | FrameType::Response
            | FrameType::GoAway
            | FrameType::Error => {
                Err(end(turn, ErrorCode::UnexpectedFrame, "only servers send this frame"))
            }
        }
    }

    fn more_credit(&mut self, body: &[u8], turn: &mut Turn<'_>) -> Result<(), Fault> {
        let Ok(Credit { add }) = Credit::decode(body) else {
            return Err(end(turn, ErrorCode::Malformed, "the body is not that of its frame"));
        };
        if self.credit != UNLIMITED {
            self.credit = self.credit.saturating_add(add).min(UNLIMITED - 1);
        }
        Ok(())
    }

    fn ping(&mut self, limits: &Limits, body: &[u8], turn: &mut Turn<'_>) -> Result<(), Fault> {
        let Ok(Ping { nonce, heartbeat_ms }) = Ping::decode(body) else {
            return Err(end(turn, ErrorCode::Malformed, "the body is not that of its frame"));
        };
        self.pulse.heard(turn.now);
        if heartbeat_ms != 0 {
            self.pulse.set_interval(heartbeat_ms, limits);
            turn.wake_at(self.pulse.deadline(limits));
        }
        let pong = Pong { nonce, heartbeat_ms: self.pulse.interval_ms() };
        self.style(limits).put(turn, pong);
        Ok(())
    }

    /// HELLO or RESUME on an open link: another credential before the first one ends.
    fn login_again(
        &mut self,
        frame_type: FrameType,
        body: &[u8],
        turn: &mut Turn<'_>,
    ) -> Result<(), Fault> {
        if self.logging_in {
            return Err(end(turn, ErrorCode::UnexpectedFrame, "wait for WELCOME"));
        }
        let (login, _) = expect_hello::read(frame_type, body, turn)?;
        self.logging_in = true;
        self.in_flight = self.in_flight.saturating_add(1);
        turn.ask(tag::LOGIN_AGAIN, Command::Login(Box::new(login)));
        Ok(())
    }

    // — everything else —

    /// Anything but bytes.
    pub(super) fn input(
        &mut self,
        limits: &Limits,
        input: Input<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<(), Fault> {
        match input {
            Input::Event(event) => self.event(limits, event, turn),
            Input::Reply(tag, reply) => return self.reply(limits, tag, reply, turn),
            Input::Synced(token) => {
                self.style(limits).put(turn, frame::Synced { token: token.0 });
            }
            Input::Timeout => self.timeout(limits, turn),
            // Nothing waits for room here, TLS stands in front of the whole protocol, and the
            // other two are the same in every state.
            Input::Writable | Input::TlsUp(_) | Input::Evict(_) | Input::Drain { .. } => {}
        }
        Ok(())
    }

    fn event(&mut self, limits: &Limits, event: &Event, turn: &mut Turn<'_>) {
        match event {
            Event::Message(delivery) => {
                if self.credit != UNLIMITED {
                    self.credit = self.credit.saturating_sub(1);
                }
                deliver(delivery, self.style(limits).compress_from, turn);
            }
            event => {
                if let Some(notice) = tell::notice(event) {
                    self.notice(limits, notice, turn);
                }
            }
        }
    }

    fn notice(&self, limits: &Limits, notice: Notice, turn: &mut Turn<'_>) {
        self.style(limits).put(turn, frame::Event { what: Some(notice) });
    }

    fn reply(
        &mut self,
        limits: &Limits,
        tag: anser_domain::Tag,
        reply: &Reply,
        turn: &mut Turn<'_>,
    ) -> Result<(), Fault> {
        let style = self.style(limits);
        if tag == anser_domain::Tag::FEED {
            if let Reply::Changes(changes) = reply {
                style.put_changes(turn, 0, changes);
            }
            return Ok(());
        }
        if tag == tag::LOGIN_AGAIN {
            self.answered(limits, turn);
            return self.logged_in_again(limits, reply, turn);
        }
        let Some((asked, id)) = Asked::of(tag) else { return Ok(()) };
        self.answered_to(limits, asked, turn);
        match (asked, reply) {
            (Asked::Send, Reply::Sent(sent)) => hot::put_send_ack(turn.out.buffer(), id, sent),
            (_, Reply::Refused(refusal)) => refused(turn, id, refusal),
            (Asked::Sync, Reply::Page(page)) => style.put_page(turn, id, page),
            (Asked::Sync, Reply::Changes(changes)) => style.put_changes(turn, id, changes),
            (Asked::Request | Asked::Listing, reply) => match tell::answers(reply, style.rows) {
                Some(answers) => {
                    for answer in answers {
                        style.put(turn, frame::Response { id, answer: Some(answer) });
                    }
                }
                None => refused(turn, id, &Refusal::Unavailable),
            },
            // An SM that answers another question than was asked: the client must not wait.
            (Asked::Send | Asked::Sync, _) => refused(turn, id, &Refusal::Unavailable),
        }
        Ok(())
    }

    fn logged_in_again(
        &mut self,
        limits: &Limits,
        reply: &Reply,
        turn: &mut Turn<'_>,
    ) -> Result<(), Fault> {
        self.logging_in = false;
        match reply {
            Reply::Welcome(welcome) => {
                if (welcome.actor.user, welcome.actor.device)
                    != (self.actor.user, self.actor.device)
                {
                    let reason = "the credential is another device's";
                    return Err(end(turn, ErrorCode::BadCredentials, reason));
                }
                self.actor = welcome.actor;
                self.welcome(limits, welcome, turn);
            }
            // The credential shown before holds until it ends by itself.
            Reply::Refused(refusal) => refused(turn, 0, refusal),
            _ => refused(turn, 0, &Refusal::Unavailable),
        }
        Ok(())
    }

    fn timeout(&mut self, limits: &Limits, turn: &mut Turn<'_>) {
        let farewell = match self.pulse.check(turn.now, limits) {
            Due::Nothing => None,
            Due::Expiring(in_ms) => {
                self.notice(limits, Notice::Expiring(frame::Expiring { in_ms }), turn);
                None
            }
            Due::Expired => Some(Farewell::Refused(&Refusal::Expired)),
            Due::Silent => Some(Farewell::Silent),
        };
        match farewell {
            Some(farewell) => {
                answer::go_away(turn, farewell);
                turn.close(Close::Flush);
            }
            None => turn.wake_at(self.pulse.deadline(limits)),
        }
    }
}

/// Writes a DELIVER; one that goes to several links is encoded by the first of them.
fn deliver(delivery: &Delivery, compress_from: Option<usize>, turn: &mut Turn<'_>) {
    let (at, message) = (&delivery.at, &*delivery.message);
    let first = const { codec::first_byte(FrameType::Deliver) };
    let pack = |out: &mut Vec<u8>| {
        compress::put(out, first, |body| hot::put_delivery_body(body, at, message));
    };
    let packs = compress_from.is_some_and(|from| hot::delivery_len(at, message) >= from);
    match (delivery.links > 1, packs) {
        (false, false) => hot::put_delivery(turn.out.buffer(), at, message),
        (false, true) => pack(turn.out.buffer()),
        (true, false) => {
            let bytes = delivery
                .encoded
                .get(Protocol::Native, || bytes(|out| hot::put_delivery(out, at, message)));
            turn.out.share(bytes);
        }
        (true, true) => turn.out.share(delivery.encoded.compressed(|| bytes(pack))),
    }
}

fn bytes(write: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    let mut out = Vec::new();
    write(&mut out);
    out.into()
}
