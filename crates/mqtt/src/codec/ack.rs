//! PUBACK, PUBREC, PUBREL and PUBCOMP (MQTT 5 §3.4 to 3.7): one shape.

use super::{
    CodecError, PacketSet, PacketType, Properties, Reason, Version,
    bytes::{Reader, put_two},
    protocol,
};

/// What became of a PUBLISH.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack<'a> {
    /// The PUBLISH.
    pub id: u16,
    /// How it went; always well before MQTT 5.
    pub reason: Reason,
    /// None before MQTT 5.
    pub properties: Properties<'a>,
}

impl<'a> Ack<'a> {
    /// All went well, and there is nothing more to say.
    #[must_use]
    pub const fn success(id: u16) -> Self {
        Self { id, reason: Reason::Success, properties: Properties::NONE }
    }

    pub(super) fn read(
        packet: PacketType,
        body: &mut Reader<'a>,
        version: Version,
    ) -> Result<Self, CodecError> {
        let mut ack = Self::success(body.packet_id()?);
        // Success may be left out, and so may the length of no properties (§3.4.2.1).
        if version == Version::V5 && !body.is_empty() {
            ack.reason = Reason::read(body.byte()?, packet)
                .ok_or(protocol("a reason code that does not belong into its packet"))?;
            if !body.is_empty() {
                ack.properties = Properties::read(body, PacketSet::of(packet))?;
            }
        }
        Ok(ack)
    }

    pub(super) fn put(&self, version: Version, out: &mut Vec<u8>) {
        put_two(out, self.id);
        if version < Version::V5 {
            return;
        }
        if self.reason != Reason::Success || !self.properties.is_empty() {
            out.push(self.reason.code());
        }
        if !self.properties.is_empty() {
            self.properties.put(out);
        }
    }
}
