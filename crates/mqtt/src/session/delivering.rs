//! Messages to the client: PUBLISH and what follows (MQTT 5 §3.3, 3.4, 3.5, 4.3 and 4.4).

use std::sync::Arc;

use anser_domain::{Fault, QoS, TopicCommand, TopicMessage, TopicReply, TopicsOpened};

use super::{
    grant::{Grant, lifetime},
    online::Online,
    style::misbehaved,
    tag::{self, Asked},
    words::{Ask, Turn},
};
use crate::{
    Property, Reason,
    alias::Naming,
    codec::{Ack, Onward, Packet, Properties, PropertyBuf, Stamp, Value},
    flight::{self, Received},
    limits::Limits,
};

/// What a topic alias adds to a packet at most: itself, and a longer length of the properties and
/// of the packet.
const ALIAS: usize = 3 + 1 + 1;

/// A message that waits for room.
#[derive(Debug)]
pub(super) struct Waiting {
    message: Arc<TopicMessage>,
    grant: Grant,
    /// Whether the client may have been sent it over an earlier link.
    dup: bool,
}

impl Online {
    /// What the client had been sent before comes first, in order [MQTT-4.4.0-1].
    pub(super) fn resume(&mut self, opened: &TopicsOpened, turn: &mut Turn<'_>) {
        for id in &opened.once {
            self.inbound.restore(*id);
        }
        for flight in &opened.flights {
            let id = flight::id_of(flight.place);
            if flight.received {
                // The PUBLISH is not sent again [MQTT-4.3.3-6]; the PUBREL is owed, and waits for
                // no room [MQTT-3.3.4-10].
                self.outbound.owe(id, Some(flight.place));
                self.release(id, Reason::Success, turn);
            } else {
                let message = Arc::clone(&flight.message);
                let (qos, retain) = (flight.qos, flight.retain);
                let grant =
                    Grant { qos, retain, ids: flight.ids.clone(), place: Some(flight.place) };
                self.waiting.push_back(Waiting { message, grant, dup: true });
            }
        }
        self.pump(turn);
    }

    /// A message that the client subscribes to.
    pub(super) fn deliver(
        &mut self,
        limits: &Limits,
        message: &Arc<TopicMessage>,
        grant: &Grant,
        turn: &mut Turn<'_>,
    ) -> Result<(), Fault> {
        // QoS 0 waits for nothing; the others keep their order [MQTT-4.6.0-5].
        if grant.qos == QoS::AtMostOnce {
            if self.wanted(message, grant, turn) {
                self.write(message, grant, 0, false, turn);
            }
            return Ok(());
        }
        if self.waiting.is_empty() && self.send(message, grant, false, turn) {
            return Ok(());
        }
        if self.waiting.len() >= limits.max_waiting {
            let text = "too many messages wait to be acknowledged";
            return Err(self.style.end(turn, &misbehaved(Reason::QuotaExceeded, text)));
        }
        let (message, grant) = (Arc::clone(message), grant.clone());
        self.waiting.push_back(Waiting { message, grant, dup: false });
        Ok(())
    }

    /// Sends what there is room for now.
    fn pump(&mut self, turn: &mut Turn<'_>) {
        while let Some(next) = self.waiting.pop_front() {
            if !self.send(&next.message, &next.grant, next.dup, turn) {
                self.waiting.push_front(next);
                return;
            }
        }
    }

    /// Sends a message of QoS 1 or 2; whether it is dealt with.
    fn send(
        &mut self,
        message: &TopicMessage,
        grant: &Grant,
        dup: bool,
        turn: &mut Turn<'_>,
    ) -> bool {
        // What may have been sent is sent again, however old [MQTT-4.3.3-7].
        let goes = if dup { self.takes(message, grant) } else { self.wanted(message, grant, turn) };
        if !goes {
            self.over(grant.place, turn);
            return true;
        }
        let id = match grant.place {
            Some(place) => self.outbound.send_as(flight::id_of(place), grant.qos, Some(place)),
            None => self.outbound.send(grant.qos, None),
        };
        let Some(id) = id else { return false };
        self.write(message, grant, id, dup, turn);
        true
    }

    /// Whether it is worth something still [MQTT-3.3.2-5], and to this client.
    fn wanted(&self, message: &TopicMessage, grant: &Grant, turn: &Turn<'_>) -> bool {
        lifetime(message, turn.wall) != Some(0) && self.takes(message, grant)
    }

    /// Whether the client takes a packet this long. One that it does not take counts as sent
    /// [MQTT-3.1.2-25].
    fn takes(&self, message: &TopicMessage, grant: &Grant) -> bool {
        self.spare(message, grant).is_some()
    }

    /// How many bytes longer it could be, without an alias.
    fn spare(&self, message: &TopicMessage, grant: &Grant) -> Option<usize> {
        let max = self.style.max_packet;
        if max == u32::MAX {
            return Some(usize::MAX);
        }
        let properties = own_properties(message.expires.map(|_| 0), grant);
        let properties = properties.as_properties();
        let stamp = Stamp { qos: grant.qos, properties, ..Stamp::default() };
        (max as usize).checked_sub(self.onward(message).len(&stamp))
    }

    fn onward<'a>(&self, message: &'a TopicMessage) -> Onward<'a> {
        Onward {
            version: self.style.version,
            topic: &message.topic,
            properties: Properties::from_bytes(&message.properties),
            payload: &message.payload,
        }
    }

    /// Writes a PUBLISH.
    fn write(
        &mut self,
        message: &TopicMessage,
        grant: &Grant,
        id: u16,
        dup: bool,
        turn: &mut Turn<'_>,
    ) {
        let onward = self.onward(message);
        let mut stamp = Stamp { dup, qos: grant.qos, retain: grant.retain, id, ..Stamp::default() };
        if !self.style.is_v5() {
            return onward.put(&stamp, turn.out);
        }
        let mut properties = own_properties(lifetime(message, turn.wall), grant);
        if self.aliases_out > 0 && self.spare(message, grant) >= Some(ALIAS) {
            let naming = self.aliases(0).outgoing.name(&message.topic);
            stamp.bare = matches!(naming, Naming::Alias(_));
            if let Naming::Introduce(alias) | Naming::Alias(alias) = naming {
                properties.put(Property::TopicAlias, Value::Two(alias));
            }
        }
        stamp.properties = properties.as_properties();
        onward.put(&stamp, turn.out);
    }

    // — acknowledgements —

    /// A PUBACK. Whatever its reason, the message is over [MQTT-4.4.0-2].
    pub(super) fn puback(&mut self, id: u16, turn: &mut Turn<'_>) {
        if let Some(place) = self.outbound.puback(id) {
            self.over(place, turn);
            self.pump(turn);
        }
    }

    /// A PUBREC.
    pub(super) fn pubrec(&mut self, limits: &Limits, ack: &Ack<'_>, turn: &mut Turn<'_>) {
        match self.outbound.pubrec(ack.id, ack.reason) {
            Received::Release(None) => self.release(ack.id, Reason::Success, turn),
            // Once PUBREL is said the client forgets that it had the message, so that the store
            // has to know that it must not be sent again.
            Received::Release(Some(place)) => {
                let command = TopicCommand::Received(place);
                self.ask(limits, Asked::Received, (ack.id, 0), command, turn);
            }
            Received::Over(place) => {
                self.over(place, turn);
                self.pump(turn);
            }
            Received::Unknown => self.release(ack.id, Reason::PacketIdNotFound, turn),
        }
    }

    /// The store knows that the client has a message.
    pub(super) fn received(
        &mut self,
        id: u16,
        reply: &TopicReply,
        turn: &mut Turn<'_>,
    ) -> Result<(), Fault> {
        self.done(reply, turn)?;
        self.release(id, Reason::Success, turn);
        Ok(())
    }

    /// A PUBCOMP.
    pub(super) fn pubcomp(&mut self, id: u16, turn: &mut Turn<'_>) {
        if let Some(place) = self.outbound.pubcomp(id) {
            self.over(place, turn);
            self.pump(turn);
        }
    }

    /// Says PUBREL [MQTT-4.3.3-4].
    fn release(&self, id: u16, reason: Reason, turn: &mut Turn<'_>) {
        let ack = Ack { id, reason, properties: Properties::NONE };
        self.style.put(turn, &Packet::PubRel(ack));
    }

    /// Nothing is left to do for a message.
    fn over(&self, place: Option<u64>, turn: &mut Turn<'_>) {
        if let Some(place) = place {
            turn.ask(tag::NONE, Ask::Topics(TopicCommand::Over(place)));
        }
    }
}

/// Properties of a link's own, an alias aside.
fn own_properties(lifetime: Option<u32>, grant: &Grant) -> PropertyBuf {
    let mut properties = PropertyBuf::default();
    // [MQTT-3.3.2-6]
    if let Some(seconds) = lifetime {
        properties.put(Property::MessageExpiry, Value::Four(seconds));
    }
    // [MQTT-3.3.4-3]
    for id in &grant.ids {
        properties.put(Property::SubscriptionId, Value::Varint(*id));
    }
    properties
}
