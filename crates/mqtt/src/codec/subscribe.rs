//! SUBSCRIBE and SUBACK (MQTT 5 §3.8 and 3.9).

use super::{
    CodecError, PacketSet, PacketType, Properties, QoS, Reason, Version,
    bytes::{Reader, put_binary, put_two},
    malformed, protocol, publish,
};

/// A wish for messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subscribe<'a> {
    /// What it is answered by.
    pub id: u16,
    /// None before MQTT 5.
    pub properties: Properties<'a>,
    /// What is wished for, at least one thing [MQTT-3.8.3-2].
    pub requests: Requests<'a>,
}

/// Filters and how each is to be served: bytes that have been checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requests<'a> {
    bytes: &'a [u8],
    version: Version,
}

/// How a subscription is to be served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The most that messages come with.
    pub qos: QoS,
    /// Not the client's own messages.
    pub no_local: bool,
    /// RETAIN as the publisher set it, rather than unset.
    pub retain_as_published: bool,
    /// Whether what is retained comes at once.
    pub retain_handling: RetainHandling,
}

/// Whether what is retained comes when a subscription is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum RetainHandling {
    /// It does [MQTT-3.3.1-9].
    #[default]
    Send = 0,
    /// It does if the subscription is new [MQTT-3.3.1-10].
    SendIfNew = 1,
    /// It does not [MQTT-3.3.1-11].
    DoNotSend = 2,
}

const NO_LOCAL: u8 = 0b0000_0100;
const RETAIN_AS_PUBLISHED: u8 = 0b0000_1000;
const RESERVED: u8 = 0b1100_0000;

impl Options {
    fn read(byte: u8, version: Version) -> Result<Self, CodecError> {
        let qos = publish::qos(byte & 0b11)?;
        match version {
            // 3.1 leaves the other bits to whoever sets them.
            Version::V31 => Ok(Self { qos, ..Self::default() }),
            // [MQTT-3.8.3-4 of 3.1.1]
            Version::V311 if byte > 0b11 => Err(malformed("reserved bits are set")),
            Version::V311 => Ok(Self { qos, ..Self::default() }),
            // [MQTT-3.8.3-5]
            Version::V5 if byte & RESERVED != 0 => Err(malformed("reserved bits are set")),
            Version::V5 => Ok(Self {
                qos,
                no_local: byte & NO_LOCAL != 0,
                retain_as_published: byte & RETAIN_AS_PUBLISHED != 0,
                retain_handling: match byte >> 4 & 0b11 {
                    0 => RetainHandling::Send,
                    1 => RetainHandling::SendIfNew,
                    2 => RetainHandling::DoNotSend,
                    _ => return Err(protocol("retain handling 3")),
                },
            }),
        }
    }

    /// As MQTT 5 writes them; of which 3.1 and 3.1.1 have the QoS.
    #[must_use]
    pub fn byte(self) -> u8 {
        self.qos as u8
            | if self.no_local { NO_LOCAL } else { 0 }
            | if self.retain_as_published { RETAIN_AS_PUBLISHED } else { 0 }
            | (self.retain_handling as u8) << 4
    }
}

impl<'a> Requests<'a> {
    /// Appends one, for those who make a SUBSCRIBE.
    pub fn put(out: &mut Vec<u8>, filter: &str, options: Options, version: Version) {
        put_binary(out, filter.as_bytes());
        out.push(if version == Version::V5 { options.byte() } else { options.qos as u8 });
    }

    /// What was [`put`](Self::put), if that is what it is.
    ///
    /// # Errors
    /// As a SUBSCRIBE with it would be refused.
    pub fn checked(bytes: &'a [u8], version: Version) -> Result<Self, CodecError> {
        let mut rest = Reader(bytes);
        if rest.is_empty() {
            return Err(protocol("a SUBSCRIBE for nothing"));
        }
        while !rest.is_empty() {
            let filter = rest.text()?;
            let options = Options::read(rest.byte()?, version)?;
            // [MQTT-3.8.3-4]
            if options.no_local && filter.starts_with("$share/") {
                return Err(protocol("no-local on a shared subscription"));
            }
        }
        Ok(Self { bytes, version })
    }

    /// Each filter and its options, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, Options)> + use<'a> {
        let mut rest = Reader(self.bytes);
        let version = self.version;
        // They were read before, so that the end is the only reason to stop.
        std::iter::from_fn(move || {
            let filter = rest.text().ok()?;
            Some((filter, Options::read(rest.byte().ok()?, version).ok()?))
        })
    }
}

impl<'a> Subscribe<'a> {
    pub(super) fn read(body: &mut Reader<'a>, version: Version) -> Result<Self, CodecError> {
        let id = body.packet_id()?;
        let properties = if version == Version::V5 {
            Properties::read(body, PacketSet::of(PacketType::Subscribe))?
        } else {
            Properties::NONE
        };
        let requests = Requests::checked(std::mem::take(&mut body.0), version)?;
        Ok(Self { id, properties, requests })
    }

    pub(super) fn put(&self, version: Version, out: &mut Vec<u8>) {
        put_two(out, self.id);
        if version == Version::V5 {
            self.properties.put(out);
        }
        out.extend_from_slice(self.requests.bytes);
    }
}

/// The answer to a SUBSCRIBE: for each filter, in its place [MQTT-3.9.3-1].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubAck<'a> {
    /// The SUBSCRIBE.
    pub id: u16,
    /// None before MQTT 5.
    pub properties: Properties<'a>,
    /// The QoS that is granted, or why none is: [`Reason`]'s codes. Before MQTT 5 there is one
    /// failure, 0x80 [MQTT-3.9.3-2 of 3.1.1], which is what all others are written as.
    pub codes: &'a [u8],
}

impl<'a> SubAck<'a> {
    pub(super) fn read(body: &mut Reader<'a>, version: Version) -> Result<Self, CodecError> {
        let id = body.packet_id()?;
        let properties = if version == Version::V5 {
            Properties::read(body, PacketSet::of(PacketType::SubAck))?
        } else {
            Properties::NONE
        };
        let codes = std::mem::take(&mut body.0);
        let known = |code| match version {
            Version::V5 => Reason::read(code, PacketType::SubAck).is_some(),
            Version::V31 | Version::V311 => matches!(code, 0..=2 | 0x80),
        };
        if codes.is_empty() || !codes.iter().copied().all(known) {
            return Err(protocol("not a SUBACK's reason codes"));
        }
        Ok(Self { id, properties, codes })
    }

    pub(super) fn put(&self, version: Version, out: &mut Vec<u8>) {
        put_two(out, self.id);
        if version == Version::V5 {
            self.properties.put(out);
            out.extend_from_slice(self.codes);
        } else {
            out.extend(self.codes.iter().map(|code| (*code).min(0x80)));
        }
    }
}
