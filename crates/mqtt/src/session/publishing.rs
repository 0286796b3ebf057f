//! Messages from the client: PUBLISH and what follows (MQTT 5 §3.3, 3.6, 4.3).

use std::sync::Arc;

use anser_domain::{Fault, Publication, QoS, Refusal, TopicCommand, TopicMessage, TopicReply};
use bytes::Bytes;

use super::{
    online::{Aliases, Online},
    refusal,
    style::misbehaved,
    tag::{self, Asked},
    words::{Ask, Turn},
};
use crate::{
    Property, Reason, alias,
    codec::{Ack, CodecError, Packet, PacketType, Properties, PropertyBuf, Publish},
    flight::Arrival,
    limits::Limits,
};

impl Online {
    /// A PUBLISH.
    pub(super) fn publish(
        &mut self,
        limits: &Limits,
        publish: &Publish<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<(), Fault> {
        let message = match self.message(limits, publish, turn) {
            Ok(message) => message,
            Err(error) => return Err(self.style.end(turn, &error)),
        };
        let asked = match publish.qos {
            QoS::AtMostOnce => {
                let publication = Publication { message, once: None };
                turn.ask(tag::NONE, Ask::Topics(TopicCommand::Publish(publication)));
                return Ok(());
            }
            QoS::AtLeastOnce => Asked::Publish1,
            QoS::ExactlyOnce => Asked::Publish2,
        };
        match self.inbound.publish(publish.qos, publish.id) {
            Arrival::New => {
                // What ends with its link need not be remembered beyond it.
                let once = publish.qos == QoS::ExactlyOnce && self.expiry > 0;
                let once = once.then_some(publish.id);
                let command = TopicCommand::Publish(Publication { message, once });
                self.ask(limits, asked, (publish.id, 0), command, turn);
                Ok(())
            }
            // [MQTT-4.3.3-10]
            Arrival::Received => {
                self.acknowledge(asked, publish.id, Reason::Success, "", turn);
                Ok(())
            }
            Arrival::Storing => Ok(()),
            Arrival::InUse if self.style.is_v5() => {
                let text = "the packet id is that of another message";
                self.acknowledge(asked, publish.id, Reason::PacketIdInUse, text, turn);
                Ok(())
            }
            Arrival::InUse => Err(Fault::Misbehaved("a packet id that is in use")),
            Arrival::TooMany => {
                let text = "more messages on their way than the receive maximum";
                Err(self.style.end(turn, &misbehaved(Reason::ReceiveMaximumExceeded, text)))
            }
        }
    }

    /// What is published.
    fn message(
        &mut self,
        limits: &Limits,
        publish: &Publish<'_>,
        turn: &Turn<'_>,
    ) -> Result<Arc<TopicMessage>, CodecError> {
        let properties = publish.properties;
        // [MQTT-3.3.4-6]
        if properties.find(Property::SubscriptionId).is_some() {
            return Err(misbehaved(Reason::ProtocolError, "only servers say subscription ids"));
        }
        let topic = match properties.number(Property::TopicAlias) {
            None => publish.topic,
            Some(alias) => {
                self.aliases(limits.aliases_in).incoming.resolve(publish.topic, alias)?
            }
        };
        // [MQTT-3.3.2-2] [MQTT-4.7.0-1]
        anser_topics::check_name(topic)
            .map_err(|_| misbehaved(Reason::TopicNameInvalid, "not a topic's name"))?;
        let lifetime = properties.number(Property::MessageExpiry);
        Ok(Arc::new(TopicMessage {
            topic: topic.into(),
            payload: Bytes::copy_from_slice(publish.payload),
            qos: publish.qos,
            retain: publish.retain,
            expires: lifetime.map(|seconds| turn.wall.plus(i64::from(seconds) * 1000)),
            properties: passed_on(properties),
        }))
    }

    pub(super) fn aliases(&mut self, incoming: u16) -> &mut Aliases {
        let outgoing = self.aliases_out;
        self.aliases.get_or_insert_with(|| {
            Box::new(Aliases {
                incoming: alias::Incoming::new(incoming),
                outgoing: alias::Outgoing::new(outgoing),
            })
        })
    }

    /// A PUBLISH is stored, or not.
    pub(super) fn published(
        &mut self,
        asked: Asked,
        id: u16,
        reply: &TopicReply,
        turn: &mut Turn<'_>,
    ) -> Result<(), Fault> {
        let refusal = match reply {
            TopicReply::Published { matched } => {
                self.inbound.stored(id, false);
                let reason = if *matched { Reason::Success } else { Reason::NoMatchingSubscribers };
                self.acknowledge(asked, id, reason, "", turn);
                return Ok(());
            }
            TopicReply::Refused(refusal) => refusal,
            _ => &Refusal::Unavailable,
        };
        if self.style.is_v5() {
            // [MQTT-4.3.3-9]
            self.inbound.stored(id, true);
            let packet =
                if asked == Asked::Publish1 { PacketType::PubAck } else { PacketType::PubRec };
            let reason = refusal::reason(refusal, packet);
            self.acknowledge(asked, id, reason, &refusal.to_string(), turn);
            return Ok(());
        }
        // Earlier versions cannot say no. What may be taken later comes again over another link;
        // what never will be is taken, so that the client does not send it for ever.
        if refusal.is_retriable() {
            return Err(Fault::Refused(refusal.clone()));
        }
        self.inbound.stored(id, false);
        self.acknowledge(asked, id, Reason::Success, "", turn);
        Ok(())
    }

    /// Says PUBACK or PUBREC.
    fn acknowledge(&self, asked: Asked, id: u16, reason: Reason, text: &str, turn: &mut Turn<'_>) {
        self.style.put_with(turn, text, |properties| {
            let ack = Ack { id, reason, properties };
            if asked == Asked::Publish1 { Packet::PubAck(ack) } else { Packet::PubRec(ack) }
        });
    }

    /// A PUBREL.
    pub(super) fn pubrel(&mut self, limits: &Limits, id: u16, turn: &mut Turn<'_>) {
        if !self.inbound.release(id) {
            self.complete(id, Reason::PacketIdNotFound, turn);
        } else if self.expiry == 0 {
            self.complete(id, Reason::Success, turn);
        } else {
            // Once PUBCOMP is said the id may be another message's [MQTT-4.3.3-12], so that the
            // store has to have let go of it.
            self.ask(limits, Asked::Release, (id, 0), TopicCommand::Release(id), turn);
        }
    }

    /// The store has let go of a packet id.
    pub(super) fn released(
        &mut self,
        id: u16,
        reply: &TopicReply,
        turn: &mut Turn<'_>,
    ) -> Result<(), Fault> {
        self.done(reply, turn)?;
        self.complete(id, Reason::Success, turn);
        Ok(())
    }

    /// Says PUBCOMP [MQTT-4.3.3-11].
    fn complete(&self, id: u16, reason: Reason, turn: &mut Turn<'_>) {
        let ack = Ack { id, reason, properties: Properties::NONE };
        self.style.put(turn, &Packet::PubComp(ack));
    }
}

/// What of a message's properties goes to its subscribers: all but those of its way to here, in
/// their order [MQTT-3.3.2-18].
pub(super) fn passed_on(properties: Properties<'_>) -> Bytes {
    const OF_THE_WAY: [Property; 4] = [
        Property::MessageExpiry,
        Property::TopicAlias,
        Property::SubscriptionId,
        Property::WillDelay,
    ];
    if !properties.iter().any(|(property, _)| OF_THE_WAY.contains(&property)) {
        return Bytes::copy_from_slice(properties.as_bytes());
    }
    let mut kept = PropertyBuf::default();
    for (property, value) in properties.iter() {
        if !OF_THE_WAY.contains(&property) {
            kept.put(property, value);
        }
    }
    Bytes::copy_from_slice(kept.as_properties().as_bytes())
}
