//! CONNACK (MQTT 5 §3.2).

use super::{
    CodecError, PacketSet, PacketType, Properties, Reason, Version, bytes::Reader, malformed,
    protocol,
};

/// The answer to a CONNECT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnAck<'a> {
    /// Whether the server has a session of this client's. 3.1 cannot say it.
    pub session_present: bool,
    /// How it went. 3.1 and 3.1.1 know six ways, as [`Reason::v3`] maps them; of those that say
    /// the same, the first is read.
    pub reason: Reason,
    /// None before MQTT 5.
    pub properties: Properties<'a>,
}

/// What the return codes of 3.1 and 3.1.1 read as, in their order.
const V3: [Reason; 6] = [
    Reason::Success,
    Reason::UnsupportedVersion,
    Reason::ClientIdNotValid,
    Reason::ServerUnavailable,
    Reason::BadUserNameOrPassword,
    Reason::NotAuthorized,
];

impl<'a> ConnAck<'a> {
    pub(super) fn read(body: &mut Reader<'a>, version: Version) -> Result<Self, CodecError> {
        let flags = body.byte()?;
        // [MQTT-3.2.2-1]; 3.1 says nothing in this byte.
        if flags > 1 && version > Version::V31 {
            return Err(malformed("reserved bits are set"));
        }
        let session_present = version > Version::V31 && flags & 1 == 1;
        let code = body.byte()?;
        if version < Version::V5 {
            let reason = *V3
                .get(usize::from(code))
                .ok_or(protocol("a return code that CONNACK does not have"))?;
            return Ok(Self { session_present, reason, properties: Properties::NONE });
        }
        let reason = Reason::read(code, PacketType::ConnAck)
            .ok_or(protocol("a reason code that CONNACK does not have"))?;
        let properties = Properties::read(body, PacketSet::of(PacketType::ConnAck))?;
        Ok(Self { session_present, reason, properties })
    }

    pub(super) fn put(&self, version: Version, out: &mut Vec<u8>) {
        out.push(u8::from(self.session_present && version > Version::V31));
        if version < Version::V5 {
            // Whoever has no word for a reason sends no CONNACK; this one is the nearest.
            return out.push(self.reason.v3().unwrap_or(3));
        }
        out.push(self.reason.code());
        self.properties.put(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn return_codes_of_old_read_as_what_is_written_so() {
        for (code, reason) in V3.iter().enumerate() {
            assert_eq!(reason.v3().map(usize::from), Some(code));
        }
    }
}
