//! DISCONNECT (MQTT 5 §3.14). Before MQTT 5 only clients send it, and it is empty.

use super::{
    CodecError, PacketSet, PacketType, Properties, Reason, Version, bytes::Reader, protocol,
};

/// The end of a link, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disconnect<'a> {
    /// Why.
    pub reason: Reason,
    /// More about it.
    pub properties: Properties<'a>,
}

impl<'a> Disconnect<'a> {
    pub(super) fn read(body: &mut Reader<'a>, version: Version) -> Result<Self, CodecError> {
        let mut disconnect = Self { reason: Reason::Success, properties: Properties::NONE };
        // The reason may be left out, and so may the length of no properties (§3.14.2.1).
        if version == Version::V5 && !body.is_empty() {
            disconnect.reason = Reason::read(body.byte()?, PacketType::Disconnect)
                .ok_or(protocol("a reason code that DISCONNECT does not have"))?;
            if !body.is_empty() {
                disconnect.properties =
                    Properties::read(body, PacketSet::of(PacketType::Disconnect))?;
            }
        }
        Ok(disconnect)
    }

    pub(super) fn put(&self, version: Version, out: &mut Vec<u8>) {
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
