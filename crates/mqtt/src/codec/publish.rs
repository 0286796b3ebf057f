//! PUBLISH (MQTT 5 §3.3), and the one encoding of a message that goes to many.

use anser_domain::{Outbox, QoS};
use bytes::Bytes;

use super::{
    CodecError, MAX_LENGTH, PacketSet, PacketType, Properties, Property, Version,
    bytes::{Reader, put_binary, put_two, put_varint, varint_len},
    malformed,
    packet::DUP,
    protocol,
};

/// The QoS of two bits, of which three are one too many [MQTT-3.3.1-4] [MQTT-3.1.2-12].
pub(super) const fn qos(bits: u8) -> Result<QoS, CodecError> {
    match bits {
        0 => Ok(QoS::AtMostOnce),
        1 => Ok(QoS::AtLeastOnce),
        2 => Ok(QoS::ExactlyOnce),
        _ => Err(malformed("QoS 3")),
    }
}

const RETAIN: u8 = 0b0001;

/// A message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Publish<'a> {
    /// Whether it may have been sent before.
    pub dup: bool,
    /// How surely it is to arrive.
    pub qos: QoS,
    /// To a server: keep it for later subscribers. To a client: it was kept.
    pub retain: bool,
    /// Where it is published; empty when an alias says it.
    pub topic: &'a str,
    /// What it is acknowledged by; 0 at QoS 0, which is not.
    pub id: u16,
    /// None before MQTT 5.
    pub properties: Properties<'a>,
    /// What it says.
    pub payload: &'a [u8],
}

impl<'a> Publish<'a> {
    pub(super) fn read(
        first: u8,
        body: &mut Reader<'a>,
        version: Version,
    ) -> Result<Self, CodecError> {
        let qos = qos(first >> 1 & 0b11)?;
        let dup = first & DUP != 0;
        // [MQTT-3.3.1-2]
        if dup && qos == QoS::AtMostOnce {
            return Err(malformed("DUP with QoS 0"));
        }
        let topic = body.text()?;
        // [MQTT-2.2.1-2]
        let id = if qos == QoS::AtMostOnce { 0 } else { body.packet_id()? };
        let properties = if version == Version::V5 {
            Properties::read(body, PacketSet::of(PacketType::Publish))?
        } else {
            Properties::NONE
        };
        if version == Version::V5
            && topic.is_empty()
            && properties.find(Property::TopicAlias).is_none()
        {
            return Err(protocol("neither a topic nor an alias"));
        }
        let payload = std::mem::take(&mut body.0);
        Ok(Self { dup, qos, retain: first & RETAIN != 0, topic, id, properties, payload })
    }

    pub(super) fn flags(&self) -> u8 {
        flags(self.dup, self.qos, self.retain)
    }

    pub(super) fn put(&self, version: Version, out: &mut Vec<u8>) {
        put_binary(out, self.topic.as_bytes());
        if self.qos != QoS::AtMostOnce {
            put_two(out, self.id);
        }
        if version == Version::V5 {
            self.properties.put(out);
        }
        out.extend_from_slice(self.payload);
    }
}

fn flags(dup: bool, qos: QoS, retain: bool) -> u8 {
    u8::from(dup && qos != QoS::AtMostOnce) << 3 | (qos as u8) << 1 | u8::from(retain)
}

/// A message on its way to many: what is the same for all is there already as it is written, and
/// what is a link's own (QoS, packet id, subscription ids) is put around it.
#[derive(Clone, Copy, Debug)]
pub struct Onward<'a> {
    /// The link's.
    pub version: Version,
    /// Its topic.
    pub topic: &'a str,
    /// Properties that all get; before MQTT 5 not written.
    pub properties: Properties<'a>,
    /// What it says.
    pub payload: &'a Bytes,
}

/// What is a link's own in a message that goes to many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp<'a> {
    /// Whether the link may have been sent it before [MQTT-3.3.1-3].
    pub dup: bool,
    /// As the subscription grants it.
    pub qos: QoS,
    /// As the subscription wants it shown.
    pub retain: bool,
    /// 0 at QoS 0.
    pub id: u16,
    /// Whether the topic is left out, because an alias among the properties says it.
    pub bare: bool,
    /// Properties of this link's, such as subscription ids; before MQTT 5 not written.
    pub properties: Properties<'a>,
}

impl Onward<'_> {
    /// How many bytes it takes with this stamp, to be held against what the client takes
    /// [MQTT-3.1.2-24].
    #[must_use]
    pub fn len(&self, stamp: &Stamp<'_>) -> usize {
        let body = self.body_len(stamp);
        1 + varint_len(body) + body
    }

    fn topic(&self, stamp: &Stamp<'_>) -> &[u8] {
        if stamp.bare { &[] } else { self.topic.as_bytes() }
    }

    fn properties_len(&self, stamp: &Stamp<'_>) -> usize {
        stamp.properties.len() + self.properties.len()
    }

    fn body_len(&self, stamp: &Stamp<'_>) -> usize {
        let id = if stamp.qos == QoS::AtMostOnce { 0 } else { 2 };
        let properties = match self.version {
            Version::V5 => {
                let len = self.properties_len(stamp);
                varint_len(len) + len
            }
            Version::V31 | Version::V311 => 0,
        };
        2 + self.topic(stamp).len() + id + properties + self.payload.len()
    }

    /// Appends it for one link. What no packet can hold is not written.
    pub fn put(&self, stamp: &Stamp<'_>, out: &mut Outbox) {
        let body = self.body_len(stamp);
        if body > MAX_LENGTH {
            return;
        }
        let buffer = out.buffer();
        buffer.push((PacketType::Publish as u8) << 4 | flags(stamp.dup, stamp.qos, stamp.retain));
        put_varint(buffer, body);
        put_binary(buffer, self.topic(stamp));
        if stamp.qos != QoS::AtMostOnce {
            put_two(buffer, stamp.id);
        }
        if self.version == Version::V5 {
            put_varint(buffer, self.properties_len(stamp));
            stamp.properties.put_raw(buffer);
            self.properties.put_raw(buffer);
        }
        out.share(self.payload);
    }
}
