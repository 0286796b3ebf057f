//! Packets to bytes and back.
//!
//! Decoding borrows: a [`Packet`] points into the bytes that it was read from, its properties and
//! its lists are checked once and stay bytes, and nothing is allocated. Encoding appends to the
//! driver's buffer.

pub mod ack;
pub mod auth;
mod bytes;
pub mod connack;
pub mod connect;
pub mod disconnect;
mod header;
pub mod packet;
pub mod property;
pub mod publish;
pub mod reason;
pub mod subscribe;
pub mod unsubscribe;

pub use self::{
    ack::Ack,
    auth::Auth,
    bytes::MAX_LENGTH,
    connack::ConnAck,
    connect::{Connect, Will},
    disconnect::Disconnect,
    header::{Raw, split},
    packet::{Direction, PacketRow, PacketSet, PacketType, Version},
    property::{Kind, Properties, Property, PropertyBuf, Value},
    publish::{Onward, Publish, Stamp},
    reason::Reason,
    subscribe::{Options, Requests, RetainHandling, SubAck, Subscribe},
    unsubscribe::{Filters, UnsubAck, Unsubscribe},
};
use self::{bytes::Reader, header::put_packet};
pub use anser_domain::QoS;

/// Bytes that are no packet, or a packet that may not be: the link ends.
///
/// MQTT 5 says `reason` in a DISCONNECT, or in a CONNACK before the link is anybody's, and closes
/// [MQTT-4.13.1-1]; 3.1 and 3.1.1 close.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct CodecError {
    /// What MQTT 5 calls it.
    pub reason: Reason,
    /// What is wrong.
    pub text: &'static str,
}

/// Bytes that cannot be parsed.
const fn malformed(text: &'static str) -> CodecError {
    CodecError { reason: Reason::MalformedPacket, text }
}

/// Bytes that can be parsed and say what the protocol forbids.
const fn protocol(text: &'static str) -> CodecError {
    CodecError { reason: Reason::ProtocolError, text }
}

/// Any packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// CONNECT.
    Connect(Connect<'a>),
    /// CONNACK.
    ConnAck(ConnAck<'a>),
    /// PUBLISH.
    Publish(Publish<'a>),
    /// PUBACK: a PUBLISH of QoS 1 is the receiver's.
    PubAck(Ack<'a>),
    /// PUBREC: a PUBLISH of QoS 2 is the receiver's.
    PubRec(Ack<'a>),
    /// PUBREL: the sender has forgotten the PUBLISH.
    PubRel(Ack<'a>),
    /// PUBCOMP: the receiver has forgotten its packet id.
    PubComp(Ack<'a>),
    /// SUBSCRIBE.
    Subscribe(Subscribe<'a>),
    /// SUBACK.
    SubAck(SubAck<'a>),
    /// UNSUBSCRIBE.
    Unsubscribe(Unsubscribe<'a>),
    /// UNSUBACK.
    UnsubAck(UnsubAck<'a>),
    /// PINGREQ.
    PingReq,
    /// PINGRESP.
    PingResp,
    /// DISCONNECT.
    Disconnect(Disconnect<'a>),
    /// AUTH; MQTT 5 only.
    Auth(Auth<'a>),
}

impl Packet<'_> {
    /// Its type.
    #[must_use]
    pub fn packet_type(&self) -> PacketType {
        match self {
            Self::Connect(_) => PacketType::Connect,
            Self::ConnAck(_) => PacketType::ConnAck,
            Self::Publish(_) => PacketType::Publish,
            Self::PubAck(_) => PacketType::PubAck,
            Self::PubRec(_) => PacketType::PubRec,
            Self::PubRel(_) => PacketType::PubRel,
            Self::PubComp(_) => PacketType::PubComp,
            Self::Subscribe(_) => PacketType::Subscribe,
            Self::SubAck(_) => PacketType::SubAck,
            Self::Unsubscribe(_) => PacketType::Unsubscribe,
            Self::UnsubAck(_) => PacketType::UnsubAck,
            Self::PingReq => PacketType::PingReq,
            Self::PingResp => PacketType::PingResp,
            Self::Disconnect(_) => PacketType::Disconnect,
            Self::Auth(_) => PacketType::Auth,
        }
    }
}

/// Reads the packet that `raw` holds. `version` is what the link's CONNECT said, and is not
/// looked at for a CONNECT, which says its own.
///
/// # Errors
/// [`CodecError`], always with what MQTT 5 calls it.
pub fn read(raw: Raw<'_>, version: Version) -> Result<Packet<'_>, CodecError> {
    let mut body = Reader(raw.body);
    let version = match raw.packet_type {
        PacketType::Connect => connect::version(raw.body)?,
        _ => version,
    };
    let row = raw.packet_type.row();
    if version < row.since {
        return Err(malformed("a packet type that this version does not have"));
    }
    // [MQTT-1.5.5-1]; 3.1.1 does not forbid lengths that are longer than they need be.
    if version == Version::V5 && !raw.minimal {
        return Err(malformed("a length in more bytes than it needs"));
    }
    if !row.flags.allow(raw.first & 0x0f, version) {
        return Err(malformed("reserved flags are set, or not set"));
    }
    let packet = match raw.packet_type {
        PacketType::Connect => Packet::Connect(Connect::read(&mut body, version)?),
        PacketType::ConnAck => Packet::ConnAck(ConnAck::read(&mut body, version)?),
        PacketType::Publish => Packet::Publish(Publish::read(raw.first, &mut body, version)?),
        PacketType::PubAck => Packet::PubAck(Ack::read(PacketType::PubAck, &mut body, version)?),
        PacketType::PubRec => Packet::PubRec(Ack::read(PacketType::PubRec, &mut body, version)?),
        PacketType::PubRel => Packet::PubRel(Ack::read(PacketType::PubRel, &mut body, version)?),
        PacketType::PubComp => Packet::PubComp(Ack::read(PacketType::PubComp, &mut body, version)?),
        PacketType::Subscribe => Packet::Subscribe(Subscribe::read(&mut body, version)?),
        PacketType::SubAck => Packet::SubAck(SubAck::read(&mut body, version)?),
        PacketType::Unsubscribe => Packet::Unsubscribe(Unsubscribe::read(&mut body, version)?),
        PacketType::UnsubAck => Packet::UnsubAck(UnsubAck::read(&mut body, version)?),
        PacketType::PingReq => Packet::PingReq,
        PacketType::PingResp => Packet::PingResp,
        PacketType::Disconnect => Packet::Disconnect(Disconnect::read(&mut body, version)?),
        PacketType::Auth => Packet::Auth(Auth::read(&mut body)?),
    };
    body.end()?;
    Ok(packet)
}

/// The version that a CONNECT says it speaks, if it is one of ours.
///
/// # Errors
/// It is not [MQTT-3.1.2-1] [MQTT-3.1.2-2].
pub fn version(connect: Raw<'_>) -> Result<Version, CodecError> {
    connect::version(connect.body)
}

/// Appends `packet` as `version` writes it. A CONNECT is written in the version that it says.
///
/// What a version has no room for is left out: reasons and properties in 3.1 and 3.1.1.
///
/// # Panics
/// Never; a packet above [`MAX_LENGTH`] cannot be written and leaves `out` as it was.
pub fn write(packet: &Packet<'_>, version: Version, out: &mut Vec<u8>) {
    let packet_type = packet.packet_type();
    let first = (packet_type as u8) << 4 | packet_type.row().flags.fixed();
    match packet {
        Packet::Publish(publish) => {
            put_packet(out, first | publish.flags(), |out| publish.put(version, out));
        }
        Packet::Connect(connect) => put_packet(out, first, |out| connect.put(out)),
        Packet::ConnAck(ack) => put_packet(out, first, |out| ack.put(version, out)),
        Packet::PubAck(ack) | Packet::PubRec(ack) | Packet::PubRel(ack) | Packet::PubComp(ack) => {
            put_packet(out, first, |out| ack.put(version, out))
        }
        Packet::Subscribe(subscribe) => {
            put_packet(out, first, |out| subscribe.put(version, out));
        }
        Packet::SubAck(ack) => put_packet(out, first, |out| ack.put(version, out)),
        Packet::Unsubscribe(unsubscribe) => {
            put_packet(out, first, |out| unsubscribe.put(version, out));
        }
        Packet::UnsubAck(ack) => put_packet(out, first, |out| ack.put(version, out)),
        Packet::PingReq | Packet::PingResp => put_packet(out, first, |_| {}),
        Packet::Disconnect(disconnect) => {
            put_packet(out, first, |out| disconnect.put(version, out));
        }
        Packet::Auth(auth) => put_packet(out, first, |out| auth.put(out)),
    }
}
