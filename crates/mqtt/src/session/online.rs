//! The link is a session's.

use std::collections::VecDeque;

use anser_domain::{Close, Fault, Refusal, Tag, TopicCommand, TopicReply, TopicsOpened};

use super::{
    delivering::Waiting,
    draining::Draining,
    opening::Connecting,
    pulse::{Due, Pulse},
    refusal,
    style::{Style, misbehaved},
    tag::{self, Asked},
    words::{Answer, Ask, Turn},
};
use crate::{
    Property, Reason, alias,
    codec::{self, Disconnect, Packet, PacketType, Raw},
    flight::{Inbound, Outbound},
    limits::Limits,
};

/// A session's link.
#[derive(Debug)]
pub(super) struct Online {
    pub(super) style: Style,
    pub(super) pulse: Pulse,
    /// For how many seconds the session is kept without a link; 0: it ends with this one, and the
    /// store has nothing of it.
    pub(super) expiry: u32,
    pub(super) inbound: Inbound,
    /// With each message its place in the session's queue, if that has one.
    pub(super) outbound: Outbound<Option<u64>>,
    /// What waits until the client has acknowledged earlier messages.
    pub(super) waiting: VecDeque<Waiting>,
    /// Boxed, because few links have any.
    pub(super) aliases: Option<Box<Aliases>>,
    /// How many topics the client takes by number, or this server if fewer.
    pub(super) aliases_out: u16,
    /// Questions without an answer.
    asked: u16,
    paused: bool,
}

/// Topics that a link calls by number.
#[derive(Debug)]
pub(super) struct Aliases {
    pub(super) incoming: alias::Incoming,
    pub(super) outgoing: alias::Outgoing,
}

impl Online {
    /// CONNACK is said.
    pub(super) fn new(
        limits: &Limits,
        connecting: &Connecting,
        opened: &TopicsOpened,
        turn: &mut Turn<'_>,
    ) -> Self {
        let style = connecting.style;
        let quota = if style.is_v5() { limits.receive_maximum } else { u16::MAX };
        let mut online = Self {
            style,
            pulse: Pulse::new(turn.now, turn.wall, connecting.keep_alive, connecting.until),
            expiry: connecting.open.expiry,
            inbound: Inbound::new(quota),
            outbound: Outbound::new(connecting.receive_maximum.min(limits.max_outbound)),
            waiting: VecDeque::new(),
            aliases: None,
            aliases_out: connecting.aliases.min(limits.aliases_out),
            asked: 0,
            paused: false,
        };
        turn.resume_read();
        turn.wake_at(online.pulse.deadline());
        if !connecting.open.clean {
            online.resume(opened, turn);
        }
        online
    }

    /// Whether something was asked and is not answered yet.
    pub(super) fn waits_for_answers(&self) -> bool {
        self.asked > 0
    }

    /// How many more messages of the session's queue may go out.
    pub(super) fn credit(&self) -> u32 {
        if self.waiting.is_empty() { self.outbound.room().into() } else { 0 }
    }

    /// Takes no new work from here on.
    pub(super) fn drain(self, limits: &Limits, turn: &mut Turn<'_>) -> Draining {
        Draining::new(self, limits, turn)
    }

    // — packets —

    /// A packet of the client's.
    pub(super) fn packet(
        &mut self,
        limits: &Limits,
        raw: Raw<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<(), Fault> {
        // [MQTT-3.1.0-2], whatever it says.
        if raw.packet_type == PacketType::Connect {
            return Err(self.forbid("a second CONNECT", turn));
        }
        let packet = match codec::read(raw, self.style.version) {
            Ok(packet) => packet,
            Err(error) => return Err(self.style.end(turn, &error)),
        };
        self.pulse.heard(turn.now);
        match packet {
            Packet::Publish(publish) => return self.publish(limits, &publish, turn),
            Packet::Subscribe(subscribe) => return self.subscribe(limits, &subscribe, turn),
            Packet::Unsubscribe(gone) => return self.unsubscribe(limits, &gone, turn),
            Packet::Disconnect(disconnect) => return self.leave(limits, &disconnect, turn),
            Packet::PubAck(ack) => self.puback(ack.id, turn),
            Packet::PubRec(ack) => self.pubrec(limits, &ack, turn),
            Packet::PubRel(ack) => self.pubrel(limits, ack.id, turn),
            Packet::PubComp(ack) => self.pubcomp(ack.id, turn),
            // [MQTT-3.12.4-1]
            Packet::PingReq => {
                self.style.put(turn, &Packet::PingResp);
            }
            // No CONNECT with an authentication method comes this far.
            Packet::Auth(_) => {
                return Err(self.forbid("AUTH without an authentication method", turn));
            }
            Packet::Connect(_)
            | Packet::ConnAck(_)
            | Packet::SubAck(_)
            | Packet::UnsubAck(_)
            | Packet::PingResp => {
                return Err(self.forbid("only servers send this packet", turn));
            }
        }
        Ok(())
    }

    /// Ends the link because of a packet that may not come here.
    fn forbid(&self, text: &'static str, turn: &mut Turn<'_>) -> Fault {
        self.style.end(turn, &misbehaved(Reason::ProtocolError, text))
    }

    /// A DISCONNECT (MQTT 5 §3.14.4).
    fn leave(
        &mut self,
        limits: &Limits,
        disconnect: &Disconnect<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<(), Fault> {
        let expiry = disconnect.properties.number(Property::SessionExpiry);
        let expiry = expiry.map(|expiry| expiry.min(limits.expiry_max));
        // §3.14.2.2.2
        if self.expiry == 0 && expiry.is_some_and(|expiry| expiry != 0) {
            let text = "a session that was to end with its link cannot be kept";
            return Err(self.forbid(text, turn));
        }
        // [MQTT-3.14.4-3]
        let will = disconnect.reason != Reason::Success;
        turn.ask(tag::NONE, Ask::Topics(TopicCommand::Leave { will, expiry }));
        turn.close(Close::Flush);
        Ok(())
    }

    // — questions —

    /// Asks what a packet will be answered with.
    pub(super) fn ask(
        &mut self,
        limits: &Limits,
        asked: Asked,
        (id, parts): (u16, u16),
        command: TopicCommand,
        turn: &mut Turn<'_>,
    ) {
        turn.ask(asked.tag(id, parts), Ask::Topics(command));
        self.asked = self.asked.saturating_add(1);
        if self.asked >= limits.max_in_flight && !self.paused {
            self.paused = true;
            turn.pause_read();
        }
    }

    /// The SM's answer.
    pub(super) fn answer(
        &mut self,
        limits: &Limits,
        tag: Tag,
        answer: &Answer,
        turn: &mut Turn<'_>,
    ) -> Result<(), Fault> {
        let Some((asked, id, parts)) = Asked::of(tag) else { return Ok(()) };
        self.asked = self.asked.saturating_sub(1);
        // At half the bound, so that a full window does not pause and resume at every answer.
        if self.paused && self.asked <= limits.max_in_flight / 2 {
            self.paused = false;
            turn.resume_read();
        }
        // An SM that answers another question than was asked: the client must not wait.
        const UNAVAILABLE: &TopicReply = &TopicReply::Refused(Refusal::Unavailable);
        let reply = match answer {
            Answer::Topics(reply) => reply,
            Answer::Link(_) => UNAVAILABLE,
        };
        match asked {
            Asked::Publish1 | Asked::Publish2 => self.published(asked, id, reply, turn),
            Asked::Release => self.released(id, reply, turn),
            Asked::Received => self.received(id, reply, turn),
            Asked::Subscribe => self.subscribed(id, parts, reply, turn),
            Asked::Unsubscribe => self.unsubscribed(id, parts, reply, turn),
        }
    }

    // — everything else —

    /// The deadline has passed; something may have been heard meanwhile.
    pub(super) fn timeout(&mut self, turn: &mut Turn<'_>) {
        // A client that is not read cannot be heard.
        if self.paused {
            self.pulse.heard(turn.now);
        }
        match self.pulse.check(turn.now) {
            Due::Nothing => return turn.wake_at(self.pulse.deadline()),
            Due::Expired => self.say(&Refusal::Expired, turn),
            Due::Silent => {
                let text = "nothing was heard for too long";
                self.style.disconnect(turn, Reason::KeepAliveTimeout, text);
            }
        }
        turn.close(Close::Flush);
    }

    /// The link ends, and the client did nothing wrong.
    pub(super) fn say(&self, refusal: &Refusal, turn: &mut Turn<'_>) {
        let reason = refusal::reason(refusal, PacketType::Disconnect);
        self.style.disconnect(turn, reason, &refusal.to_string());
    }

    /// What the store has to have done before the client is told: the link ends if it has not.
    pub(super) fn done(&self, reply: &TopicReply, turn: &mut Turn<'_>) -> Result<(), Fault> {
        let refusal = match reply {
            TopicReply::Done => return Ok(()),
            TopicReply::Refused(refusal) => refusal,
            _ => &Refusal::Unavailable,
        };
        self.say(refusal, turn);
        Err(Fault::Refused(refusal.clone()))
    }
}
