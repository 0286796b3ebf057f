//! MQTT 3.1, 3.1.1 and 5.0. Pure: no IO, no clock, no task.
//!
//! * [`codec`]: packets to bytes and back, for both ends and all three versions, from one table
//!   each of packets, properties and reason codes.
//! * [`flight`]: what is on its way in a session: packet ids, acknowledgements, redelivery.
//! * [`alias`]: topics that a link calls by number.
//! * [`session`]: the server's end of one link.
//!
//! Numbers in square brackets are the statements of the OASIS standards MQTT 5.0 and 3.1.1; what
//! holds of them, and which test shows it, is in `docs/src/mqtt-conformance.md`.

pub mod alias;
pub mod codec;
pub mod flight;
mod limits;
pub mod session;

pub use self::codec::{
    CodecError, Packet, Version,
    packet::{PACKETS, PacketType},
    property::{PROPERTIES, Property},
    reason::{REASONS, Reason},
};

pub use self::{
    limits::Limits,
    session::{Answer, Ask, Grant, Input, Session, Turn},
};

/// The WebSocket subprotocol (RFC 6455 §1.9) under which the packets travel: [MQTT-6.0.0-3].
pub const SUBPROTOCOL: &str = "mqtt";
