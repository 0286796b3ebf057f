//! WebSocket (RFC 6455), the server's side, as a layer of the driver: no buffer, no task, no
//! copy of its own. Payloads are unmasked where they were read and handed to the session one
//! message at a time; a batch goes out as one message behind a header of at most ten bytes.

mod frame;
mod handshake;
mod upgrade;

use anser_domain::{Close, Outbox};
use frame::{Opcode, Parsed, put_header};
pub use handshake::{MessageKind, WebSocketProtocol, WebSockets};
use smallvec::SmallVec;

use crate::link::{Ending, speaker::Speaker};

/// Status codes (RFC 6455 §7.4.1).
mod status {
    pub(super) const NORMAL: u16 = 1000;
    pub(super) const GOING_AWAY: u16 = 1001;
    pub(super) const PROTOCOL_ERROR: u16 = 1002;
    pub(super) const UNSUPPORTED: u16 = 1003;
    pub(super) const NOT_UTF8: u16 = 1007;
    pub(super) const POLICY: u16 = 1008;
    pub(super) const TOO_BIG: u16 = 1009;
    pub(super) const BROKEN: u16 = 1011;
}

/// Pongs waiting to be written, at most; a peer that pings faster than it reads gets fewer.
const PONGS: usize = 1024;

/// A message broken off with the status to close with.
type Failure = u16;

/// A head, and what goes out behind it.
type Batch = (SmallVec<[u8; 16]>, Option<Box<Outbox>>);

/// The framing of one link.
#[derive(Debug)]
pub(crate) struct Ws {
    kind: MessageKind,
    max: usize,
    /// A message whose last fragment has not come.
    partial: Option<Vec<u8>>,
    /// Control frames to be written before the next message.
    control: Vec<u8>,
    /// The status to close with, once something has settled it.
    bye: Option<u16>,
    /// Our close frame is on its way, or nobody is there to read it.
    closed: bool,
}

impl Ws {
    pub(crate) fn new(kind: MessageKind, max: usize) -> Self {
        Self { kind, max, partial: None, control: Vec::new(), bye: None, closed: false }
    }

    // — out —

    /// Makes messages of what the session wrote, with control frames before them.
    pub(crate) fn frame(&mut self, outbox: Option<Box<Outbox>>) -> Option<Batch> {
        let mut head = SmallVec::from_slice(&self.control);
        self.control = Vec::new();
        // Nothing follows a close frame (RFC 6455 §5.5.1).
        let mut outbox = outbox.filter(|_| !self.closed);
        if let Some(whole) = &mut outbox {
            if whole.message_ends().is_empty() {
                put_header(&mut head, self.kind.opcode(), whole.len());
            } else {
                **whole = self.split(whole);
            }
        }
        (!head.is_empty() || outbox.is_some()).then_some((head, outbox))
    }

    /// One message for each end the session marked.
    fn split(&self, outbox: &Outbox) -> Outbox {
        let whole: Vec<u8> = outbox.segments().flatten().copied().collect();
        let mut framed = Outbox::default();
        let mut from = 0;
        for &end in outbox.message_ends().iter().chain([&whole.len()]) {
            let message = whole.get(from..end).unwrap_or_default();
            if !message.is_empty() {
                put_header(framed.buffer(), self.kind.opcode(), message.len());
                framed.put(message);
            }
            from = end;
        }
        framed
    }

    /// Writes the close frame, unless it is written. Answers whether there is something to
    /// write now.
    pub(crate) fn say_close(&mut self, ending: Ending) -> bool {
        if self.closed {
            return false;
        }
        self.closed = true;
        let code = self.bye.unwrap_or(match ending {
            Ending::Normal => status::NORMAL,
            Ending::Drained => status::GOING_AWAY,
            Ending::Misbehaved => status::PROTOCOL_ERROR,
            Ending::Refused => status::POLICY,
            Ending::Broken => status::BROKEN,
        });
        put_header(&mut self.control, Opcode::Close, 2);
        self.control.extend(code.to_be_bytes());
        true
    }

    /// The peer reads no more.
    pub(crate) fn peer_is_gone(&mut self) {
        self.closed = true;
    }

    // — in —

    /// Takes frames off `bytes`; how many bytes are done with.
    pub(crate) fn receive(&mut self, bytes: &mut [u8], link: &mut Speaker<'_>) -> usize {
        let mut done = 0;
        while link.reads_on() && !link.is_paused() {
            let rest = bytes.get_mut(done..).unwrap_or_default();
            let room = self.max - self.partial.as_ref().map_or(0, |it| it.len().min(self.max));
            match frame::parse(rest, room) {
                Ok(None) => break,
                Ok(Some(parsed)) => {
                    done += parsed.len;
                    if let Err(code) = self.take(parsed, link) {
                        self.fail(code, link);
                    }
                }
                Err(code) => self.fail(code, link),
            }
        }
        done
    }

    fn fail(&mut self, code: Failure, link: &mut Speaker<'_>) {
        self.bye = Some(code);
        link.close(Close::Flush, Ending::Misbehaved);
    }

    fn take(&mut self, frame: Parsed<'_>, link: &mut Speaker<'_>) -> Result<(), Failure> {
        match frame.opcode {
            Opcode::Ping => {
                if self.control.len() < PONGS {
                    put_header(&mut self.control, Opcode::Pong, frame.payload.len());
                    self.control.extend_from_slice(frame.payload);
                }
                // The peer is alive; so that its session sees it, nothing need be said here:
                // sessions have heartbeats of their own.
                Ok(())
            }
            Opcode::Pong => Ok(()),
            Opcode::Close => self.peer_closes(frame.payload, link),
            Opcode::Text | Opcode::Binary if self.partial.is_some() => Err(status::PROTOCOL_ERROR),
            Opcode::Continuation if self.partial.is_none() => Err(status::PROTOCOL_ERROR),
            Opcode::Text | Opcode::Binary if frame.opcode != self.kind.opcode() => {
                Err(status::UNSUPPORTED)
            }
            Opcode::Text | Opcode::Binary if frame.last => self.message(frame.payload, link),
            Opcode::Text | Opcode::Binary | Opcode::Continuation => {
                let partial = self.partial.get_or_insert_default();
                partial.extend_from_slice(frame.payload);
                if frame.last {
                    let whole = self.partial.take().unwrap_or_default();
                    return self.message(&whole, link);
                }
                Ok(())
            }
        }
    }

    fn message(&self, payload: &[u8], link: &mut Speaker<'_>) -> Result<(), Failure> {
        // RFC 6455 §8.1
        if self.kind == MessageKind::Text && std::str::from_utf8(payload).is_err() {
            return Err(status::NOT_UTF8);
        }
        match link.receive(payload) {
            // A message is whole by itself: a session cannot wait for the rest of it.
            Some(n) if n < payload.len() && link.reads_on() => Err(status::PROTOCOL_ERROR),
            _ => Ok(()),
        }
    }

    fn peer_closes(&mut self, payload: &[u8], link: &mut Speaker<'_>) -> Result<(), Failure> {
        // RFC 6455 §5.5.1, §7.4
        let code = match payload {
            [] => status::NORMAL,
            [high, low, reason @ ..] => {
                let code = u16::from_be_bytes([*high, *low]);
                if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
                    return Err(status::PROTOCOL_ERROR);
                }
                if std::str::from_utf8(reason).is_err() {
                    return Err(status::NOT_UTF8);
                }
                code
            }
            [_] => return Err(status::PROTOCOL_ERROR),
        };
        self.bye = Some(code);
        link.close(Close::Flush, Ending::Normal);
        Ok(())
    }
}
