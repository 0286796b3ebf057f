//! Any packet of any version, built from values that own what a packet borrows.

use anser_mqtt::{
    PROPERTIES,
    codec::{property::Takes, *},
};
use proptest::prelude::*;

/// A packet's parts. `with` makes the packet of them.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    pub(crate) packet_type: PacketType,
    pub(crate) version: Version,
    pub(crate) properties: PropertyBuf,
    pub(crate) will_properties: PropertyBuf,
    pub(crate) text: String,
    pub(crate) more: Option<String>,
    pub(crate) bytes: Vec<u8>,
    pub(crate) filters: Vec<(String, u8)>,
    pub(crate) id: u16,
    pub(crate) code: u8,
    pub(crate) flags: u8,
}

fn version() -> impl Strategy<Value = Version> {
    prop::sample::select(&Version::ALL[..])
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[a-z/\u{e9}\u{feff}\u{10ffff}]{0,12}", 1 => "[a-z]{100,200}"]
}

/// Properties that `place` takes.
fn properties(place: PacketSet) -> impl Strategy<Value = PropertyBuf> {
    let one = (any::<prop::sample::Index>(), any::<u32>(), text(), text());
    prop::collection::vec(one, 0..6).prop_map(move |picks| {
        let mut buf = PropertyBuf::default();
        let rows: Vec<_> = PROPERTIES.iter().filter(|row| row.packets.has(place)).collect();
        let mut seen = Vec::new();
        for (pick, number, name, value) in picks {
            if rows.is_empty() {
                break;
            }
            let row = *pick.get(&rows);
            let property = Property::from_number(row.number.into()).unwrap();
            if property != Property::User {
                if seen.contains(&property) {
                    continue;
                }
                seen.push(property);
            }
            let bit = row.takes == Takes::Bit;
            buf.put(
                property,
                match row.kind {
                    Kind::Byte => Value::Byte(if bit { number as u8 & 1 } else { number as u8 }),
                    Kind::Two => Value::Two(number as u16 | 1),
                    Kind::Four => Value::Four(number | 1),
                    Kind::Varint => Value::Varint((number & 0x0fff_ffff) | 1),
                    Kind::Text => Value::Text(&name),
                    Kind::Binary => Value::Binary(value.as_bytes()),
                    Kind::Pair => Value::Pair(&name, &value),
                },
            );
        }
        // The one rule that holds between two properties.
        if seen.contains(&Property::AuthData) && !seen.contains(&Property::AuthMethod) {
            buf.put(Property::AuthMethod, Value::Text("m"));
        }
        buf
    })
}

pub(crate) fn parts() -> impl Strategy<Value = Parts> {
    (1..=15_u8, version()).prop_flat_map(|(number, version)| {
        let packet_type = PacketType::from_number(number).unwrap();
        let version = version.max(packet_type.row().since);
        let place = PacketSet::of(packet_type);
        let (props, will) = match version {
            Version::V5 => (properties(place).boxed(), properties(PacketSet::WILL).boxed()),
            _ => (Just(PropertyBuf::default()).boxed(), Just(PropertyBuf::default()).boxed()),
        };
        let codes: Vec<u8> = anser_mqtt::REASONS
            .iter()
            .filter(|row| row.packets.has(place))
            .filter(|row| {
                version == Version::V5
                    || match packet_type {
                        PacketType::ConnAck => row.v3.is_some(),
                        PacketType::SubAck => row.code <= 2 || row.code == 0x80,
                        _ => row.code == 0,
                    }
            })
            .map(|row| row.code)
            .collect();
        let code =
            if codes.is_empty() { Just(0).boxed() } else { prop::sample::select(codes).boxed() };
        (
            (props, will, text(), prop::option::of(text()), any::<Vec<u8>>()),
            (prop::collection::vec((text(), any::<u8>()), 1..4), 1..=u16::MAX, code, any::<u8>()),
        )
            .prop_map(
                move |(
                    (properties, will_properties, text, more, bytes),
                    (filters, id, code, flags),
                )| {
                    Parts {
                        packet_type,
                        version,
                        properties,
                        will_properties,
                        text,
                        more,
                        bytes,
                        filters,
                        id,
                        code,
                        flags,
                    }
                },
            )
    })
}

fn qos(bits: u8) -> QoS {
    match bits % 3 {
        0 => QoS::AtMostOnce,
        1 => QoS::AtLeastOnce,
        _ => QoS::ExactlyOnce,
    }
}

impl Parts {
    /// Hands the packet to `with`.
    pub(crate) fn packet<T>(&self, with: impl FnOnce(&Packet<'_>) -> T) -> T {
        let properties = self.properties.as_properties();
        let mut list = Vec::new();
        let reason = Reason::from_code(self.code).unwrap();
        // Of the return codes of old, several reasons have the same: the one that it reads as.
        let plain_reason = if self.version == Version::V5 { reason } else { Reason::Success };
        let ack = Ack { id: self.id, reason: plain_reason, properties };
        let codes = [self.code, self.code];
        let packet = match self.packet_type {
            PacketType::Connect => {
                let will = self.more.as_ref().map(|topic| Will {
                    qos: qos(self.flags),
                    retain: self.flags & 4 != 0,
                    properties: self.will_properties.as_properties(),
                    topic,
                    payload: &self.bytes,
                });
                let user_name = (self.flags & 8 != 0).then_some(&*self.text);
                let alone = self.version == Version::V5 || user_name.is_some();
                Packet::Connect(Connect {
                    version: self.version,
                    clean_start: self.flags & 16 != 0,
                    keep_alive: self.id,
                    properties,
                    client_id: &self.text,
                    will,
                    user_name,
                    password: (self.flags & 32 != 0 && alone).then_some(&self.bytes),
                })
            }
            PacketType::ConnAck => {
                let v3 = reason.v3();
                let reason = match self.version {
                    Version::V5 => reason,
                    _ => anser_mqtt::REASONS
                        .iter()
                        .find(|row| row.v3 == v3)
                        .and_then(|row| Reason::from_code(row.code))
                        .unwrap(),
                };
                let session_present = self.flags & 1 != 0 && self.version > Version::V31;
                Packet::ConnAck(ConnAck { session_present, reason, properties })
            }
            PacketType::Publish => {
                let qos = qos(self.flags);
                let topic = if self.text.is_empty() { "t" } else { &self.text };
                Packet::Publish(Publish {
                    dup: self.flags & 4 != 0 && qos != QoS::AtMostOnce,
                    qos,
                    retain: self.flags & 8 != 0,
                    topic,
                    id: if qos == QoS::AtMostOnce { 0 } else { self.id },
                    properties,
                    payload: &self.bytes,
                })
            }
            PacketType::PubAck => Packet::PubAck(ack),
            PacketType::PubRec => Packet::PubRec(ack),
            PacketType::PubRel => Packet::PubRel(ack),
            PacketType::PubComp => Packet::PubComp(ack),
            PacketType::Subscribe => {
                for (filter, bits) in &self.filters {
                    let options = Options {
                        qos: qos(*bits),
                        no_local: self.version == Version::V5 && bits & 4 != 0,
                        retain_as_published: self.version == Version::V5 && bits & 8 != 0,
                        retain_handling: RetainHandling::default(),
                    };
                    Requests::put(&mut list, filter, options, self.version);
                }
                let requests = Requests::checked(&list, self.version).unwrap();
                Packet::Subscribe(Subscribe { id: self.id, properties, requests })
            }
            PacketType::SubAck => Packet::SubAck(SubAck { id: self.id, properties, codes: &codes }),
            PacketType::Unsubscribe => {
                for (filter, _) in &self.filters {
                    Filters::put(&mut list, filter);
                }
                let filters = Filters::checked(&list).unwrap();
                Packet::Unsubscribe(Unsubscribe { id: self.id, properties, filters })
            }
            PacketType::UnsubAck => {
                let codes: &[u8] = if self.version == Version::V5 { &codes } else { &[] };
                Packet::UnsubAck(UnsubAck { id: self.id, properties, codes })
            }
            PacketType::PingReq => Packet::PingReq,
            PacketType::PingResp => Packet::PingResp,
            PacketType::Disconnect => {
                Packet::Disconnect(Disconnect { reason: plain_reason, properties })
            }
            PacketType::Auth => Packet::Auth(Auth { reason, properties }),
        };
        with(&packet)
    }
}
