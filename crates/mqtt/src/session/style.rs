//! How packets are written to one client: its version, what it takes, and how much it wants told.

use anser_domain::Fault;

use super::words::Turn;
use crate::{
    Property, Reason, Version,
    codec::{
        self, CodecError, ConnAck, Connect, Disconnect, Packet, Properties, PropertyBuf, Value,
    },
};

/// What a client has said of itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    pub(super) version: Version,
    /// The longest packet that it takes.
    pub(super) max_packet: u32,
    /// Whether it wants to be told why, beside a reason code [MQTT-3.1.2-29].
    pub(super) problem: bool,
}

impl Style {
    /// That of a client of which only the version is known.
    pub(super) fn new(version: Version) -> Self {
        Self { version, max_packet: u32::MAX, problem: true }
    }

    /// That of a client that has said what it takes.
    pub(super) fn of(connect: &Connect<'_>) -> Self {
        let number = |property| connect.properties.number(property);
        Self {
            version: connect.version,
            max_packet: number(Property::MaximumPacketSize).unwrap_or(u32::MAX),
            problem: number(Property::RequestProblem) != Some(0),
        }
    }

    pub(super) fn is_v5(self) -> bool {
        self.version == Version::V5
    }

    /// Writes a packet, if the client takes one that long [MQTT-3.1.2-24].
    pub(super) fn put(self, turn: &mut Turn<'_>, packet: &Packet<'_>) -> bool {
        let buffer = turn.out.buffer();
        let start = buffer.len();
        codec::write(packet, self.version, buffer);
        let fits = buffer.len() - start <= self.max_packet as usize;
        if !fits {
            buffer.truncate(start);
        }
        fits
    }

    /// Writes a packet that says `text` too, where the client wants it and it fits: [MQTT-3.4.2-2]
    /// and its like for the other packets.
    pub(super) fn put_with<'a>(
        self,
        turn: &mut Turn<'_>,
        text: &str,
        packet: impl Fn(Properties<'_>) -> Packet<'_> + 'a,
    ) {
        if self.is_v5() && self.problem && !text.is_empty() {
            let mut properties = PropertyBuf::default();
            properties.put(Property::ReasonString, Value::Text(text));
            if self.put(turn, &packet(properties.as_properties())) {
                return;
            }
        }
        self.put(turn, &packet(Properties::NONE));
    }

    /// Refuses a CONNECT [MQTT-3.2.2-6]. Where a version has no word for the reason, nothing is
    /// said.
    pub(super) fn refuse_connect(self, turn: &mut Turn<'_>, reason: Reason, text: &str) {
        if self.is_v5() || reason.v3().is_some() {
            // CONNACK may say why whatever the client wants [MQTT-3.1.2-29].
            Self { problem: true, ..self }.put_with(turn, text, |properties| {
                Packet::ConnAck(ConnAck { session_present: false, reason, properties })
            });
        }
    }

    /// Says that the link ends, in MQTT 5 [MQTT-3.14.0-1]; earlier versions have no word for it.
    pub(super) fn disconnect(self, turn: &mut Turn<'_>, reason: Reason, text: &str) {
        if self.is_v5() {
            Self { problem: true, ..self }.put_with(turn, text, |properties| {
                Packet::Disconnect(Disconnect { reason, properties })
            });
        }
    }

    /// Ends an open link because of what its client did [MQTT-4.13.1-1].
    #[must_use]
    pub(super) fn end(self, turn: &mut Turn<'_>, error: &CodecError) -> Fault {
        self.disconnect(turn, error.reason, error.text);
        fault(error)
    }
}

/// Who is to blame for it.
pub(super) fn fault(error: &CodecError) -> Fault {
    match error.reason {
        Reason::MalformedPacket => Fault::Malformed(error.text),
        _ => Fault::Misbehaved(error.text),
    }
}

/// A packet that the protocol forbids here.
pub(super) const fn misbehaved(reason: Reason, text: &'static str) -> CodecError {
    CodecError { reason, text }
}
