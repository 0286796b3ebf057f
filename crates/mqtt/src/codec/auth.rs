//! AUTH (MQTT 5 §3.15).

use super::{CodecError, PacketSet, PacketType, Properties, Reason, bytes::Reader, protocol};

/// A step of an authentication that takes several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Auth<'a> {
    /// Which step.
    pub reason: Reason,
    /// Method and data.
    pub properties: Properties<'a>,
}

impl<'a> Auth<'a> {
    pub(super) fn read(body: &mut Reader<'a>) -> Result<Self, CodecError> {
        if body.is_empty() {
            return Ok(Self { reason: Reason::Success, properties: Properties::NONE });
        }
        let reason = Reason::read(body.byte()?, PacketType::Auth)
            .ok_or(protocol("a reason code that AUTH does not have"))?;
        let properties = Properties::read(body, PacketSet::of(PacketType::Auth))?;
        Ok(Self { reason, properties })
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        if self.reason != Reason::Success || !self.properties.is_empty() {
            out.push(self.reason.code());
            self.properties.put(out);
        }
    }
}
