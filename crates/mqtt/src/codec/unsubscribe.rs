//! UNSUBSCRIBE and UNSUBACK (MQTT 5 §3.10 and 3.11).

use super::{
    CodecError, PacketSet, PacketType, Properties, Reason, Version,
    bytes::{Reader, put_binary, put_two},
    protocol,
};

/// The end of a wish for messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsubscribe<'a> {
    /// What it is answered by.
    pub id: u16,
    /// None before MQTT 5.
    pub properties: Properties<'a>,
    /// Which wishes, at least one [MQTT-3.10.3-2].
    pub filters: Filters<'a>,
}

/// Filters: bytes that have been checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filters<'a>(&'a [u8]);

impl<'a> Filters<'a> {
    /// Appends one, for those who make an UNSUBSCRIBE.
    pub fn put(out: &mut Vec<u8>, filter: &str) {
        put_binary(out, filter.as_bytes());
    }

    /// What was [`put`](Self::put), if that is what it is.
    ///
    /// # Errors
    /// As an UNSUBSCRIBE with it would be refused.
    pub fn checked(bytes: &'a [u8]) -> Result<Self, CodecError> {
        let mut rest = Reader(bytes);
        if rest.is_empty() {
            return Err(protocol("an UNSUBSCRIBE from nothing"));
        }
        while !rest.is_empty() {
            rest.text()?;
        }
        Ok(Self(bytes))
    }

    /// Each, in order.
    pub fn iter(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let mut rest = Reader(self.0);
        std::iter::from_fn(move || rest.text().ok())
    }
}

impl<'a> Unsubscribe<'a> {
    pub(super) fn read(body: &mut Reader<'a>, version: Version) -> Result<Self, CodecError> {
        let id = body.packet_id()?;
        let properties = if version == Version::V5 {
            Properties::read(body, PacketSet::of(PacketType::Unsubscribe))?
        } else {
            Properties::NONE
        };
        let filters = Filters::checked(std::mem::take(&mut body.0))?;
        Ok(Self { id, properties, filters })
    }

    pub(super) fn put(&self, version: Version, out: &mut Vec<u8>) {
        put_two(out, self.id);
        if version == Version::V5 {
            self.properties.put(out);
        }
        out.extend_from_slice(self.filters.0);
    }
}

/// The answer to an UNSUBSCRIBE: for each filter, in its place [MQTT-3.11.3-1].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnsubAck<'a> {
    /// The UNSUBSCRIBE.
    pub id: u16,
    /// None before MQTT 5.
    pub properties: Properties<'a>,
    /// [`Reason`]'s codes; none before MQTT 5.
    pub codes: &'a [u8],
}

impl<'a> UnsubAck<'a> {
    pub(super) fn read(body: &mut Reader<'a>, version: Version) -> Result<Self, CodecError> {
        let id = body.packet_id()?;
        if version < Version::V5 {
            return Ok(Self { id, properties: Properties::NONE, codes: &[] });
        }
        let properties = Properties::read(body, PacketSet::of(PacketType::UnsubAck))?;
        let codes = std::mem::take(&mut body.0);
        let known = |code| Reason::read(code, PacketType::UnsubAck).is_some();
        if codes.is_empty() || !codes.iter().copied().all(known) {
            return Err(protocol("not an UNSUBACK's reason codes"));
        }
        Ok(Self { id, properties, codes })
    }

    pub(super) fn put(&self, version: Version, out: &mut Vec<u8>) {
        put_two(out, self.id);
        if version == Version::V5 {
            self.properties.put(out);
            out.extend_from_slice(self.codes);
        }
    }
}
