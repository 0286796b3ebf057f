//! A device of the native protocol that believes nothing and writes everything down.
//!
//! A [`Probe`] is a value like the sessions it talks to: bytes in, bytes out, no clock. Unlike
//! the client library it repairs nothing: it never asks for what it misses, so that whatever a
//! server leaves out stays missing and the checker sees it. What it has learned survives its
//! links, as a phone's database would.

mod linked;
mod outgoing;
mod place;

use std::{collections::BTreeMap, sync::Arc};

use anser_domain::ClientId;
use anser_wire::{
    ErrorCode, MIN_VERSION, VERSION, codec,
    frame::{
        Answer, Call, ChangeSet, Conversation, Deliver, DeliverAck, Frame, Happening, Hello,
        LogEvent, Notice, Pong, ReadCall, Request, Resume, Stored,
    },
};

use self::{outgoing::Outgoing, place::Place};
use crate::checker::{self, Ack, Alteration, Body, Conv, Cursor, Device, DeviceLog, Learned, Send};

pub use linked::Linked;

/// The longest body that a probe reads.
const MAX_BODY: usize = 1 << 20;

/// Why a probe's link is of no more use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum End {
    /// The server said so.
    #[error("the server closed the link: {code} {reason}")]
    Told {
        /// An [`ErrorCode`]'s number.
        code: u32,
        /// The same in words.
        reason: String,
    },
    /// The server's bytes are not the protocol.
    #[error("the server does not speak the protocol: {0}")]
    Broken(String),
}

/// One device.
pub struct Probe {
    /// Which.
    pub device: Device,
    token: String,
    ticket: Option<String>,
    /// The token of the last SYNCED.
    since: Option<u64>,
    places: BTreeMap<Conv, Place>,
    /// The server's numbers of conversations.
    numbers: BTreeMap<u64, Conv>,
    outgoing: Outgoing,
    wanted_reads: Vec<(String, u64)>,
    /// Reads that wait for their answers.
    reads: BTreeMap<u32, (Conv, u64)>,
    asked_read: BTreeMap<Conv, u64>,
    learned: Vec<Learned>,
    broken: Option<String>,
    next_id: u32,
    online: bool,
    synced: bool,
}

impl Probe {
    /// A device that logs in with this access token.
    #[must_use]
    pub fn new(device: Device, token: String) -> Self {
        Self {
            device,
            token,
            ticket: None,
            since: None,
            places: BTreeMap::new(),
            numbers: BTreeMap::new(),
            outgoing: Outgoing::default(),
            wanted_reads: Vec::new(),
            reads: BTreeMap::new(),
            asked_read: BTreeMap::new(),
            learned: Vec::new(),
            broken: None,
            next_id: 1,
            online: false,
            synced: false,
        }
    }

    /// Begins a link: with the last ticket if there is one, unless `hello` is wanted.
    pub fn open(&mut self, hello: bool, out: &mut Vec<u8>) {
        self.online = false;
        self.synced = false;
        self.outgoing.lost_link();
        self.reads.clear();
        self.places.values_mut().for_each(Place::new_link);
        let client = "anser-testkit".to_owned();
        let frame: Frame = match self.ticket.clone().filter(|_| !hello) {
            Some(ticket) => Resume {
                ticket,
                min_version: MIN_VERSION,
                max_version: VERSION,
                since: self.since,
                client,
                ..Resume::default()
            }
            .into(),
            None => Hello {
                token: self.token.clone(),
                min_version: MIN_VERSION,
                max_version: VERSION,
                since: self.since,
                client,
                ..Hello::default()
            }
            .into(),
        };
        codec::write(&frame, out);
    }

    /// Another access token, for the next HELLO.
    pub fn renew(&mut self, token: String) {
        self.token = token;
        self.ticket = None;
    }

    /// Takes what has arrived; answers how many bytes it has used.
    ///
    /// # Errors
    /// The link is over.
    pub fn receive(&mut self, bytes: &[u8], now_ms: u64, out: &mut Vec<u8>) -> Result<usize, End> {
        let result = self.take(bytes, now_ms, out);
        if let Err(End::Broken(why)) = &result {
            self.broken = Some(why.clone());
        }
        result
    }

    fn take(&mut self, bytes: &[u8], now_ms: u64, out: &mut Vec<u8>) -> Result<usize, End> {
        let mut used = 0;
        while let Some(rest) = bytes.get(used..).filter(|rest| !rest.is_empty()) {
            let read =
                codec::read(rest, MAX_BODY).map_err(|error| End::Broken(error.to_string()))?;
            let Some((len, frame)) = read else { break };
            used += len;
            if let Some(frame) = frame {
                self.frame(frame, now_ms, out)?;
            }
        }
        Ok(used)
    }

    /// Wants a text stored. It is sent, and sent again, until there is an answer.
    pub fn send(&mut self, at: &str, client_id: ClientId, body: &str) {
        let conv = checker::conv(&self.device.user, at);
        self.outgoing.push_text(at, conv, client_id, body.into(), 0);
    }

    /// The same as [`send`](Self::send), and it is sent though something before it was refused for now.
    pub fn rush(&mut self, at: &str, client_id: ClientId, body: &str) {
        self.send(at, client_id, body);
        self.outgoing.rush();
    }

    /// The same as [`send`](Self::send), as an answer to the entry at `quoted`.
    pub fn answer(&mut self, at: &str, client_id: ClientId, body: &str, quoted: u64) {
        let conv = checker::conv(&self.device.user, at);
        self.outgoing.push_text(at, conv, client_id, body.into(), quoted);
    }

    /// What it wanted taken back or changed, with what came of it.
    #[must_use]
    pub fn alterations(&self) -> Vec<Alteration> {
        self.outgoing.alterations(&self.device)
    }

    /// The newest place of a conversation at which a message of its own stands.
    #[must_use]
    pub fn own(&self, conv: &str) -> Option<u64> {
        self.learned.iter().rev().find_map(|it| match it {
            Learned::Own { conv: at, seq, body } if **at == *conv && !body.is_empty() => Some(*seq),
            _ => None,
        })
    }

    /// Wants a change of a group, under a client id that the call holds.
    pub fn change(&mut self, at: &str, call: Call) {
        self.outgoing.push_change(at, checker::conv(&self.device.user, at), call);
    }

    /// Writes what may be written now, with at most `window` unanswered.
    pub fn pump(&mut self, now_ms: u64, window: usize, out: &mut Vec<u8>) {
        if !self.online {
            return;
        }
        self.outgoing.pump(now_ms, window, &mut self.next_id, out);
        for (at, seq) in std::mem::take(&mut self.wanted_reads) {
            let id = self.next_id;
            self.next_id += 1;
            self.reads.insert(id, (checker::conv(&self.device.user, &at), seq));
            let call = Call::Read(ReadCall { at, seq });
            codec::write(&Request { id, call: Some(call) }.into(), out);
        }
    }

    /// Wants everything up to `seq` read. Said once, with the next [`pump`](Self::pump).
    pub fn want_read(&mut self, at: &str, seq: u64) {
        self.wanted_reads.push((at.into(), seq));
    }

    /// Acknowledges what it has and has not acknowledged on this link.
    pub fn acknowledge(&mut self, out: &mut Vec<u8>) {
        if !self.online {
            return;
        }
        for (number, conv) in &self.numbers {
            let Some(seq) = self.places.get_mut(conv).and_then(Place::acknowledge) else {
                continue;
            };
            codec::write(&DeliverAck { conv: *number, seq }.into(), out);
            self.learned.push(Learned::Acknowledged { conv: conv.clone(), seq });
        }
    }

    /// Whether the link has been welcomed.
    #[must_use]
    pub fn is_online(&self) -> bool {
        self.online
    }

    /// Whether the server has said on this link that nothing is missing.
    #[must_use]
    pub fn is_synced(&self) -> bool {
        self.synced
    }

    /// Whether every send has its answer.
    #[must_use]
    pub fn is_answered(&self) -> bool {
        self.outgoing.is_empty()
    }

    /// How many sends have no final answer.
    #[must_use]
    pub fn unanswered(&self) -> usize {
        self.outgoing.len()
    }

    /// The highest place it has of a conversation.
    #[must_use]
    pub fn has(&self, conv: &str) -> u64 {
        self.places.get(conv).map_or(0, |place| place.highest)
    }

    /// Whether it has this entry.
    #[must_use]
    pub fn knows(&self, conv: &str, seq: u64) -> bool {
        self.places.get(conv).is_some_and(|place| place.known.contains(&seq))
    }

    /// How many entries it has in all.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.places.values().map(|place| place.known.len()).sum()
    }

    /// The highest place of each conversation that its user was answered to have read.
    #[must_use]
    pub fn asked_read(&self) -> &BTreeMap<Conv, u64> {
        &self.asked_read
    }

    /// What it wanted, what it learned; it may be asked in between.
    #[must_use]
    pub fn record(&self, complete: bool) -> (Vec<Send>, DeviceLog) {
        let log = DeviceLog {
            from: BTreeMap::new(),
            learned: self.learned.clone(),
            complete,
            broken: self.broken.clone(),
        };
        (self.outgoing.sends(&self.device), log)
    }

    fn frame(&mut self, frame: Frame, now_ms: u64, out: &mut Vec<u8>) -> Result<(), End> {
        match frame {
            Frame::Welcome(it) => {
                self.online = true;
                self.ticket = Some(it.ticket);
                self.changes(it.changes.unwrap_or_default());
            }
            Frame::Changes(it) => self.changes(it.set.unwrap_or_default()),
            Frame::Synced(it) => {
                self.synced = true;
                self.since = Some(it.token);
            }
            Frame::Deliver(it) => self.deliver(it),
            Frame::SendAck(it) => self.stored(
                it.id,
                &Stored {
                    conv: it.conv,
                    seq: it.seq,
                    message_id: it.message_id,
                    ts: it.ts,
                    duplicate: it.duplicate,
                },
            ),
            Frame::Response(it) => match it.answer {
                Some(Answer::Sent(stored)) => self.stored(it.id, &stored),
                Some(Answer::Done(_)) => {
                    if let Some((conv, seq)) = self.reads.remove(&it.id) {
                        let asked = self.asked_read.entry(conv).or_default();
                        *asked = (*asked).max(seq);
                    }
                }
                _ => {}
            },
            Frame::Event(it) => {
                if let Some(Notice::Receipt(it)) = it.what {
                    let user: Arc<str> = it.user.into();
                    let of = if it.read { Cursor::Read(user) } else { Cursor::Receipt(user) };
                    let conv = checker::conv(&self.device.user, &it.at);
                    self.learned.push(Learned::Cursor { conv, of, seq: it.seq });
                }
            }
            Frame::Ping(it) => {
                codec::write(&Pong { nonce: it.nonce, ..Pong::default() }.into(), out)
            }
            Frame::GoAway(it) => return Err(End::Told { code: it.code, reason: it.reason }),
            Frame::Error(it) if it.id == 0 => {
                if matches!(
                    ErrorCode::from_number(it.code),
                    Some(ErrorCode::BadCredentials | ErrorCode::Expired)
                ) {
                    self.ticket = None;
                }
                return Err(End::Told { code: it.code, reason: it.reason });
            }
            Frame::Error(it) => {
                self.reads.remove(&it.id);
                let again_ms = now_ms + u64::from(it.retry_after_ms);
                let retriable = ErrorCode::is_retriable(it.code);
                self.outgoing.refused(it.id, retriable.then_some(again_ms));
            }
            Frame::Page(_) | Frame::Pong(_) => {}
            // Clients send these.
            Frame::Hello(_)
            | Frame::Resume(_)
            | Frame::Send(_)
            | Frame::DeliverAck(_)
            | Frame::Credit(_)
            | Frame::Sync(_)
            | Frame::Request(_) => return Err(End::Broken("a frame of a client".into())),
        }
        Ok(())
    }

    fn changes(&mut self, set: ChangeSet) {
        for row in set.conversations {
            self.row(&row);
        }
    }

    fn row(&mut self, row: &Conversation) {
        let conv = checker::conv(&self.device.user, &row.at);
        self.numbers.insert(row.conv, conv.clone());
        let me = self.device.user.clone();
        let mut cursors =
            vec![(Cursor::Delivered, row.delivered), (Cursor::Read(me.clone()), row.read)];
        if let Some(peer) = row.at.strip_prefix("u:").filter(|peer| **peer != *me) {
            let peer: Arc<str> = peer.into();
            cursors.push((Cursor::Receipt(peer.clone()), row.peer_delivered));
            cursors.push((Cursor::Read(peer), row.peer_read));
        }
        for (of, seq) in cursors {
            self.learned.push(Learned::Cursor { conv: conv.clone(), of, seq });
        }
    }

    fn deliver(&mut self, entry: Deliver) {
        let conv = checker::conv(&self.device.user, &entry.at);
        self.numbers.insert(entry.conv, conv.clone());
        let place = self.places.entry(conv.clone()).or_default();
        if place.deliver(entry.seq) {
            let body = body(&entry);
            self.learned.push(Learned::Delivered { conv, seq: entry.seq, body });
        }
    }

    fn stored(&mut self, id: u32, stored: &Stored) {
        let ack = Ack { seq: stored.seq, id: stored.message_id };
        let Some((conv, body)) = self.outgoing.stored(id, ack) else { return };
        self.numbers.insert(stored.conv, conv.clone());
        if self.places.entry(conv.clone()).or_default().own(stored.seq) {
            self.learned.push(Learned::Own { conv, seq: stored.seq, body });
        }
    }
}

/// What the checker keeps of an entry.
fn body(entry: &Deliver) -> Body {
    let names = |list: &anser_wire::frame::MemberList| {
        Body::In(list.members.iter().map(|it| it.user.as_str().into()).collect())
    };
    match &entry.event {
        Some(LogEvent { what: Some(Happening::Created(list) | Happening::Joined(list)) }) => {
            names(list)
        }
        Some(LogEvent { what: Some(Happening::Removed(list)) }) => {
            Body::Out(list.users.iter().map(|it| it.as_str().into()).collect())
        }
        Some(LogEvent { what: Some(Happening::Recalled(of)) }) => Body::Recalled(of.seq),
        Some(LogEvent { what: Some(Happening::Edited(edit)) }) => Body::Edited(edit.seq),
        // Nobody comes or goes by what else happens.
        Some(LogEvent { .. }) => Body::In(Vec::new()),
        None if entry.marks.as_ref().is_some_and(|marks| marks.gone != 0) => Body::Gone,
        None => Body::Text(checker::digest(&entry.body)),
    }
}
