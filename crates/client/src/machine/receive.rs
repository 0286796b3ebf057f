//! What the server says: each frame that may come, and what it does to the machine.

use std::time::{Duration, Instant};

use anser_domain::{ConvId, DeviceName, Secret, Seq, SyncToken};
use anser_wire::{
    codec::{self, compress},
    frame::{self, Answer, Frame, Notice},
};

use super::{Down, LOGIN_FRAME, Machine, Pulling, WAITING};
use crate::{
    convert,
    error::{Failed, Refused},
    event::{Event, Receipt},
    frontier::Verdict,
    model::{Identity, Message, Stored},
    sends::Settled,
};

/// Untaken events above which typing and presence are left out.
const EPHEMERAL_BACKLOG: u32 = 1024;
/// Entries that are read for a gap in one go.
const PULL: u32 = 200;
/// Gaps that are read up at once: half of what a server answers, so that the app's own reading
/// is not refused.
const PULLS: usize = 4;

impl Machine {
    /// A frame has arrived.
    pub(crate) fn receive(
        &mut self,
        now: Instant,
        frame: Frame,
        out: &mut Vec<u8>,
    ) -> Result<(), Down> {
        match frame {
            Frame::Welcome(frame) => self.welcome(frame, out),
            Frame::Deliver(frame) => self.deliver(frame, out),
            Frame::SendAck(frame) => {
                let sent = convert::sent(&frame);
                self.frontier.sent(sent.conv, sent.seq);
                self.settle(now, frame.id, Ok(sent));
                Ok(())
            }
            Frame::Error(frame) => self.error(now, frame, out),
            Frame::Page(frame) => self.page(frame, out),
            Frame::Changes(frame) => self.changes(frame.set),
            Frame::Synced(frame) => {
                self.since = Some(SyncToken(frame.token));
                self.tell(Event::Synced(SyncToken(frame.token)));
                Ok(())
            }
            Frame::Event(frame) => self.notice(frame),
            Frame::Response(frame) => self.response(frame),
            Frame::Ping(ping) => {
                codec::write(&frame::Pong { nonce: ping.nonce, heartbeat_ms: 0 }.into(), out);
                Ok(())
            }
            Frame::Pong(pong) => {
                if pong.heartbeat_ms > 0 {
                    self.heartbeat = Duration::from_millis(pong.heartbeat_ms.into());
                }
                Ok(())
            }
            Frame::GoAway(frame) => Err(Down::GoAway {
                refused: Refused::new(frame.code, frame.reason, frame.retry_after_ms),
                may_reconnect: frame.may_reconnect,
            }),
            other => Err(Down::Odd(format!("{} is not for clients", other.frame_type().name()))),
        }
    }

    fn welcome(&mut self, frame: frame::Welcome, out: &mut Vec<u8>) -> Result<(), Down> {
        self.ticket = Some(Secret::new(frame.ticket));
        if std::mem::take(&mut self.refreshing) && self.up {
            return self.changes(frame.changes);
        }
        self.up = true;
        self.max_frame = usize::try_from(frame.max_frame).unwrap_or(LOGIN_FRAME).max(1024);
        self.window = usize::try_from(frame.max_in_flight / 2).unwrap_or(1).max(1);
        self.heartbeat = Duration::from_millis(u64::from(frame.heartbeat_ms).max(1000));
        self.compress = frame.capabilities.iter().any(|it| it == compress::CAPABILITY);
        self.tell(Event::Linked(Identity {
            user: convert::user(&frame.user)?,
            device: DeviceName::trusted(&frame.device),
        }));
        self.tell(Event::Personal(SyncToken(frame.personal)));
        self.changes(frame.changes)?;
        for (id, asked) in &self.calls {
            let call = Some(asked.call.clone());
            codec::write(&frame::Request { id: *id, call }.into(), out);
        }
        Ok(())
    }

    fn changes(&mut self, set: Option<frame::ChangeSet>) -> Result<(), Down> {
        for row in set.into_iter().flat_map(|set| set.conversations) {
            let row = convert::conversation(row)?;
            self.frontier.known(row.conv, row.delivered);
            self.tell(Event::Conversation(Box::new(row)));
        }
        Ok(())
    }

    fn deliver(&mut self, frame: frame::Deliver, out: &mut Vec<u8>) -> Result<(), Down> {
        self.used = self.used.saturating_add(1);
        let (conv, seq) = (ConvId(frame.conv), Seq(frame.seq));
        match self.frontier.delivered(conv, seq) {
            Verdict::Next => self.show(convert::message(frame, None)?),
            Verdict::Duplicate => {}
            Verdict::Gap(after) => self.pull(conv, after, seq, out),
        }
        Ok(())
    }

    fn show(&mut self, message: Message) {
        // An own send whose answer was lost with its link: the answer to its retry is on its
        // way, and one telling is enough.
        if self.sends.contains(&message.at, message.client_id) {
            self.frontier.taken(message.conv, message.seq);
        } else {
            self.tell(Event::Message(Box::new(message)));
        }
    }

    fn pull(&mut self, conv: ConvId, after: Seq, seen: Seq, out: &mut Vec<u8>) {
        if let Some(pulling) = self.pulls.get_mut(&conv) {
            pulling.seen = pulling.seen.max(seen);
            return;
        }
        if self.pulls.values().filter(|it| it.id != WAITING).count() >= PULLS {
            self.pulls.insert(conv, Pulling { id: WAITING, seen });
            return;
        }
        let id = self.fresh_id();
        self.pulls.insert(conv, Pulling { id, seen });
        let sync = frame::Sync { id, conv: conv.0, after: after.0, limit: PULL, since: 0 };
        codec::write(&sync.into(), out);
    }

    /// Begins to read up a gap that waits for its turn.
    fn pull_on(&mut self, out: &mut Vec<u8>) {
        let waiting = self.pulls.iter().find(|(_, it)| it.id == WAITING);
        if let Some((conv, seen)) = waiting.map(|(conv, it)| (*conv, it.seen)) {
            self.pulls.remove(&conv);
            self.pull(conv, self.frontier.have(conv), seen, out);
        }
    }

    fn page(&mut self, frame: frame::Page, out: &mut Vec<u8>) -> Result<(), Down> {
        let Some(log) = frame.log else { return Ok(()) };
        let (partial, more) = (log.partial, log.more);
        let page = convert::page(log)?;
        let Some(pulling) = self.pulls.get(&page.conv).filter(|it| it.id == frame.id) else {
            return Ok(());
        };
        let seen = pulling.seen;
        let conv = page.conv;
        for message in page.messages {
            if self.frontier.paged(conv, message.seq) == Verdict::Next {
                self.show(message);
            }
        }
        if partial {
            return Ok(());
        }
        self.pulls.remove(&conv);
        let have = self.frontier.have(conv);
        if more || (have < seen && have < page.head) {
            self.pull(conv, have, seen, out);
        }
        self.pull_on(out);
        Ok(())
    }

    fn notice(&mut self, frame: frame::Event) -> Result<(), Down> {
        let ephemeral = self.frontier.waiting() < EPHEMERAL_BACKLOG;
        match frame.what {
            Some(Notice::Receipt(it)) => self.tell(Event::Receipt(Receipt {
                conv: ConvId(it.conv),
                at: convert::address(&it.at)?,
                user: convert::user(&it.user)?,
                read: it.read,
                seq: Seq(it.seq),
            })),
            Some(Notice::Typing(it)) if ephemeral => self.tell(Event::Typing {
                at: convert::address(&it.at)?,
                user: convert::user(&it.user)?,
                active: it.active,
            }),
            Some(Notice::Presence(it)) if ephemeral => {
                self.tell(Event::Presence { user: convert::user(&it.user)?, online: it.online })
            }
            Some(Notice::Kept(it)) => {
                let deleted = (it.deleted != 0).then_some(Seq(it.deleted));
                let (at, keep) = (convert::address(&it.at)?, convert::keep(it.keep));
                self.tell(Event::Kept { at, keep, deleted });
            }
            Some(Notice::Changed(it)) => {
                // A subject of a later version is nothing that this app keeps.
                if let Some(subject) = convert::subject(it.subject) {
                    self.tell(Event::Changed { subject, at: SyncToken(it.at) });
                }
            }
            Some(Notice::Expiring(_)) => self.wants_token = true,
            // The entries behind a moved head follow by themselves.
            Some(Notice::Head(_) | Notice::Typing(_) | Notice::Presence(_)) | None => {}
        }
        Ok(())
    }

    fn response(&mut self, frame: frame::Response) -> Result<(), Down> {
        let Some(asked) = self.calls.get_mut(&frame.id) else { return Ok(()) };
        let Some(answer) = frame.answer else {
            return Err(Down::Odd("an answer without content".into()));
        };
        let (answer, partial) = joined(asked.part.take(), answer);
        if partial {
            asked.part = Some(answer);
        } else if let Some(asked) = self.calls.remove(&frame.id) {
            if let Answer::Sent(stored) = &answer {
                self.frontier.sent(ConvId(stored.conv), Seq(stored.seq));
            }
            // Whoever asked may have gone.
            let _ = asked.reply.send(Ok(answer));
        }
        Ok(())
    }

    fn error(&mut self, now: Instant, frame: frame::Error, out: &mut Vec<u8>) -> Result<(), Down> {
        let id = frame.id;
        let refused = Refused::from(frame);
        if id == 0 {
            if std::mem::take(&mut self.refreshing) && self.up {
                return Ok(());
            }
            return Err(Down::Refused(refused));
        }
        if let Some(asked) = self.calls.remove(&id) {
            let _ = asked.reply.send(Err(Failed::Refused(refused)));
            return Ok(());
        }
        let pull = self.pulls.iter().find(|(_, it)| it.id == id).map(|(conv, _)| *conv);
        if let Some(conv) = pull {
            self.pulls.remove(&conv);
            // Not now: the next link begins where this one's acknowledgements ended. Not at all:
            // no member any more, and nothing is missing.
            if refused.retry_after().is_some() {
                return Err(Down::Refused(refused));
            }
            self.pull_on(out);
            return Ok(());
        }
        self.settle(now, id, Err(refused));
        Ok(())
    }

    fn settle(&mut self, now: Instant, id: u32, result: Result<Stored, Refused>) {
        match self.sends.settle(now, id, result) {
            Settled::Unknown | Settled::Again => {}
            Settled::Final { waiter, result } => {
                let _ = waiter.send(result.map_err(Failed::Refused));
            }
        }
    }
}

/// An answer with the parts of it that came before, and whether more parts follow.
fn joined(before: Option<Answer>, answer: Answer) -> (Answer, bool) {
    match (before, answer) {
        (before, Answer::Log(mut log)) => {
            let partial = std::mem::take(&mut log.partial);
            if let Some(Answer::Log(mut first)) = before {
                first.entries.append(&mut log.entries);
                first.more = log.more;
                return (Answer::Log(first), partial);
            }
            (Answer::Log(log), partial)
        }
        (before, Answer::Conversations(mut set)) => {
            let partial = std::mem::take(&mut set.partial);
            if let Some(Answer::Conversations(mut first)) = before {
                first.conversations.append(&mut set.conversations);
                first.more = set.more;
                first.token = set.token;
                return (Answer::Conversations(first), partial);
            }
            (Answer::Conversations(set), partial)
        }
        (before, Answer::Pins(mut pins)) => {
            let partial = std::mem::take(&mut pins.partial);
            if let Some(Answer::Pins(mut first)) = before {
                first.entries.append(&mut pins.entries);
                return (Answer::Pins(first), partial);
            }
            (Answer::Pins(pins), partial)
        }
        (before, Answer::Found(mut found)) => {
            let partial = std::mem::take(&mut found.partial);
            if let Some(Answer::Found(mut first)) = before {
                first.hits.append(&mut found.hits);
                first.next = found.next;
                return (Answer::Found(first), partial);
            }
            (Answer::Found(found), partial)
        }
        (_, answer) => (answer, false),
    }
}
