//! The table of MQTT 5's properties: numbers, types, the packets they may stand in, how often, and
//! which values they take (MQTT 5 §2.2.2).
//!
//! To give one a meaning, look for it where its packet is handled; this file only knows how it is
//! written. Properties are checked once, when their packet is read, and stay bytes: to pass them
//! on is to copy them, in the order in which they came [MQTT-3.3.2-18].

use super::{
    CodecError,
    bytes::{Reader, put_binary, put_two, put_varint},
    malformed,
    packet::{PacketSet, PacketType},
    protocol,
};

/// How a property is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One byte.
    Byte,
    /// Two bytes.
    Two,
    /// Four bytes.
    Four,
    /// One to four bytes.
    Varint,
    /// UTF-8 under its length.
    Text,
    /// Bytes under their length.
    Binary,
    /// Two texts.
    Pair,
}

/// How often a property may stand in one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Often {
    /// At most once; more is a Protocol Error.
    Once,
    /// Any number of times.
    Many,
    /// Many times in a PUBLISH, which may answer to several subscriptions; elsewhere once.
    ManyInPublish,
}

/// Which values a property takes; others are a Protocol Error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// All that can be written.
    Anything,
    /// 0 or 1.
    Bit,
    /// All but 0.
    NotZero,
    /// Text without `+` and `#` [MQTT-3.3.2-14].
    NoWildcards,
}

/// One property.
#[derive(Debug)]
pub struct PropertyRow {
    /// Its number.
    pub number: u8,
    /// Its name in the standard.
    pub name: &'static str,
    /// How it is written.
    pub kind: Kind,
    /// How often.
    pub often: Often,
    /// Which values.
    pub takes: Takes,
    /// Where it may stand; elsewhere the packet is malformed.
    pub packets: PacketSet,
}

macro_rules! properties {
    ($($number:literal $name:literal $variant:ident $kind:ident $often:ident $takes:ident
        [$($packet:ident)*] $($will:ident)?,)+) => {
        /// Every property.
        pub static PROPERTIES: &[PropertyRow] = &[$(properties!(
            @row $number $name $kind $often $takes [$($packet)*] $($will)?
        ),)+];

        /// A property.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Property {
            $(
                #[doc = $name]
                $variant = $number,
            )+
        }

        impl Property {
            /// The property with this number.
            #[must_use]
            pub const fn from_number(number: u32) -> Option<Self> {
                match number {
                    $($number => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// Its row.
            #[must_use]
            pub const fn row(self) -> &'static PropertyRow {
                match self {
                    $(Self::$variant => {
                        const ROW: &PropertyRow = &properties!(
                            @row $number $name $kind $often $takes [$($packet)*] $($will)?
                        );
                        ROW
                    })+
                }
            }
        }
    };
    (@row $number:literal $name:literal $kind:ident $often:ident $takes:ident
        [$($packet:ident)*] $($will:ident)?) => {
        PropertyRow {
            number: $number,
            name: $name,
            kind: Kind::$kind,
            often: Often::$often,
            takes: Takes::$takes,
            packets: PacketSet::NONE
                $(.and(PacketSet::of(PacketType::$packet)))*
                $(.and(PacketSet::$will))?,
        }
    };
}

properties! {
    0x01 "Payload Format Indicator" PayloadFormat Byte Once Bit [Publish] WILL,
    0x02 "Message Expiry Interval" MessageExpiry Four Once Anything [Publish] WILL,
    0x03 "Content Type" ContentType Text Once Anything [Publish] WILL,
    0x08 "Response Topic" ResponseTopic Text Once NoWildcards [Publish] WILL,
    0x09 "Correlation Data" CorrelationData Binary Once Anything [Publish] WILL,
    0x0b "Subscription Identifier" SubscriptionId Varint ManyInPublish NotZero [Publish Subscribe],
    0x11 "Session Expiry Interval" SessionExpiry Four Once Anything [Connect ConnAck Disconnect],
    0x12 "Assigned Client Identifier" AssignedClientId Text Once Anything [ConnAck],
    0x13 "Server Keep Alive" ServerKeepAlive Two Once Anything [ConnAck],
    0x15 "Authentication Method" AuthMethod Text Once Anything [Connect ConnAck Auth],
    0x16 "Authentication Data" AuthData Binary Once Anything [Connect ConnAck Auth],
    0x17 "Request Problem Information" RequestProblem Byte Once Bit [Connect],
    0x18 "Will Delay Interval" WillDelay Four Once Anything [] WILL,
    0x19 "Request Response Information" RequestResponse Byte Once Bit [Connect],
    0x1a "Response Information" ResponseInformation Text Once Anything [ConnAck],
    0x1c "Server Reference" ServerReference Text Once Anything [ConnAck Disconnect],
    0x1f "Reason String" ReasonString Text Once Anything
        [ConnAck PubAck PubRec PubRel PubComp SubAck UnsubAck Disconnect Auth],
    0x21 "Receive Maximum" ReceiveMaximum Two Once NotZero [Connect ConnAck],
    0x22 "Topic Alias Maximum" TopicAliasMaximum Two Once Anything [Connect ConnAck],
    0x23 "Topic Alias" TopicAlias Two Once Anything [Publish],
    0x24 "Maximum QoS" MaximumQoS Byte Once Bit [ConnAck],
    0x25 "Retain Available" RetainAvailable Byte Once Bit [ConnAck],
    0x26 "User Property" User Pair Many Anything
        [Connect ConnAck Publish PubAck PubRec PubRel PubComp Subscribe SubAck Unsubscribe UnsubAck
         Disconnect Auth] WILL,
    0x27 "Maximum Packet Size" MaximumPacketSize Four Once NotZero [Connect ConnAck],
    0x28 "Wildcard Subscription Available" WildcardAvailable Byte Once Bit [ConnAck],
    0x29 "Subscription Identifier Available" SubscriptionIdAvailable Byte Once Bit [ConnAck],
    0x2a "Shared Subscription Available" SharedAvailable Byte Once Bit [ConnAck],
}

/// A property's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// [`Kind::Byte`].
    Byte(u8),
    /// [`Kind::Two`].
    Two(u16),
    /// [`Kind::Four`].
    Four(u32),
    /// [`Kind::Varint`].
    Varint(u32),
    /// [`Kind::Text`].
    Text(&'a str),
    /// [`Kind::Binary`].
    Binary(&'a [u8]),
    /// [`Kind::Pair`]: name and value.
    Pair(&'a str, &'a str),
}

impl Value<'_> {
    /// How it is written.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Byte(_) => Kind::Byte,
            Self::Two(_) => Kind::Two,
            Self::Four(_) => Kind::Four,
            Self::Varint(_) => Kind::Varint,
            Self::Text(_) => Kind::Text,
            Self::Binary(_) => Kind::Binary,
            Self::Pair(..) => Kind::Pair,
        }
    }
}

/// The properties of a packet: bytes that have been checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Properties<'a>(&'a [u8]);

impl<'a> Properties<'a> {
    /// None.
    pub const NONE: Self = Self(&[]);

    /// Reads them, and checks that they may stand in `packet`.
    pub(super) fn read(body: &mut Reader<'a>, packet: PacketSet) -> Result<Self, CodecError> {
        let len = body.varint()?;
        let bytes = body.take(len as usize)?;
        let mut rest = Reader(bytes);
        // All numbers are below 64: a bit each.
        let mut seen = 0_u64;
        while !rest.is_empty() {
            let (property, value) = next(&mut rest)?;
            let row = property.row();
            if !row.packets.has(packet) {
                return Err(malformed("a property that does not belong into its packet"));
            }
            let bit = 1 << row.number;
            let once = match row.often {
                Often::Once => true,
                Often::Many => false,
                Often::ManyInPublish => packet != PacketSet::of(PacketType::Publish),
            };
            if once && seen & bit != 0 {
                return Err(protocol("a property that may come once comes twice"));
            }
            seen |= bit;
            row.takes.check(value)?;
        }
        Ok(Self(bytes))
    }

    /// What [`as_bytes`](Self::as_bytes) gave. Other bytes are read up to where they make no sense.
    #[must_use]
    pub const fn from_bytes(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Their bytes, without their length.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.0
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many bytes they take, their own length aside.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Property, Value<'a>)> + use<'a> {
        let mut rest = Reader(self.0);
        // They were read before, so that the end is the only reason to stop.
        std::iter::from_fn(move || if rest.is_empty() { None } else { next(&mut rest).ok() })
    }

    /// The first `property`.
    #[must_use]
    pub fn find(&self, property: Property) -> Option<Value<'a>> {
        self.iter().find(|(found, _)| *found == property).map(|(_, value)| value)
    }

    /// The number that `property` has; of any width.
    #[must_use]
    pub fn number(&self, property: Property) -> Option<u32> {
        match self.find(property)? {
            Value::Byte(value) => Some(value.into()),
            Value::Two(value) => Some(value.into()),
            Value::Four(value) | Value::Varint(value) => Some(value),
            Value::Text(_) | Value::Binary(_) | Value::Pair(..) => None,
        }
    }

    /// The text that `property` has.
    #[must_use]
    pub fn text(&self, property: Property) -> Option<&'a str> {
        match self.find(property)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The bytes that `property` has.
    #[must_use]
    pub fn binary(&self, property: Property) -> Option<&'a [u8]> {
        match self.find(property)? {
            Value::Binary(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The value of the first user property with this name.
    #[must_use]
    pub fn user(&self, name: &str) -> Option<&'a str> {
        self.iter().find_map(|(_, value)| match value {
            Value::Pair(found, value) if found == name => Some(value),
            _ => None,
        })
    }

    /// Appends them under their length [MQTT-2.2.2-1].
    pub(super) fn put(&self, out: &mut Vec<u8>) {
        put_varint(out, self.0.len());
        self.put_raw(out);
    }

    /// Appends them without their length.
    pub(super) fn put_raw(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.0);
    }
}

impl Takes {
    fn check(self, value: Value<'_>) -> Result<(), CodecError> {
        let taken = match (self, value) {
            (Self::Anything, _) => true,
            (Self::Bit, Value::Byte(value)) => value <= 1,
            (Self::NotZero, Value::Two(value)) => value != 0,
            (Self::NotZero, Value::Four(value) | Value::Varint(value)) => value != 0,
            (Self::NoWildcards, Value::Text(text)) => !text.contains(['+', '#']),
            (Self::Bit | Self::NotZero | Self::NoWildcards, _) => false,
        };
        if taken { Ok(()) } else { Err(protocol("a property's value is not one that it takes")) }
    }
}

/// Reads one.
fn next<'a>(bytes: &mut Reader<'a>) -> Result<(Property, Value<'a>), CodecError> {
    let property = Property::from_number(bytes.varint()?)
        .ok_or(malformed("a property that the protocol does not have"))?;
    let value = match property.row().kind {
        Kind::Byte => Value::Byte(bytes.byte()?),
        Kind::Two => Value::Two(bytes.two()?),
        Kind::Four => Value::Four(bytes.four()?),
        Kind::Varint => Value::Varint(bytes.varint()?),
        Kind::Text => Value::Text(bytes.text()?),
        Kind::Binary => Value::Binary(bytes.binary()?),
        Kind::Pair => Value::Pair(bytes.text()?, bytes.text()?),
    };
    Ok((property, value))
}

/// Properties that are being written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PropertyBuf(Vec<u8>);

impl PropertyBuf {
    /// Adds one. A value of another kind than the property's is not written.
    pub fn put(&mut self, property: Property, value: Value<'_>) {
        let row = property.row();
        if value.kind() != row.kind {
            debug_assert!(false, "{} is no {:?}", row.name, value.kind());
            return;
        }
        self.0.push(row.number);
        match value {
            Value::Byte(value) => self.0.push(value),
            Value::Two(value) => put_two(&mut self.0, value),
            Value::Four(value) => self.0.extend_from_slice(&value.to_be_bytes()),
            Value::Varint(value) => put_varint(&mut self.0, value as usize),
            Value::Text(text) => put_binary(&mut self.0, text.as_bytes()),
            Value::Binary(bytes) => put_binary(&mut self.0, bytes),
            Value::Pair(name, value) => {
                put_binary(&mut self.0, name.as_bytes());
                put_binary(&mut self.0, value.as_bytes());
            }
        }
    }

    /// Adds a user property.
    pub fn put_user(&mut self, name: &str, value: &str) {
        self.put(Property::User, Value::Pair(name, value));
    }

    /// What was written.
    #[must_use]
    pub fn as_properties(&self) -> Properties<'_> {
        Properties(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(buf: &PropertyBuf, packet: PacketSet) -> Result<(), CodecError> {
        let mut bytes = Vec::new();
        buf.as_properties().put(&mut bytes);
        let read = Properties::read(&mut Reader(&bytes), packet)?;
        assert_eq!(read, buf.as_properties());
        Ok(())
    }

    /// A value that the property takes.
    fn fit(property: Property) -> Value<'static> {
        match property.row().kind {
            Kind::Byte => Value::Byte(1),
            Kind::Two => Value::Two(1),
            Kind::Four => Value::Four(1),
            Kind::Varint => Value::Varint(1),
            Kind::Text => Value::Text("a"),
            Kind::Binary => Value::Binary(b"a"),
            Kind::Pair => Value::Pair("a", "b"),
        }
    }

    #[test]
    fn each_stands_where_its_row_says_and_as_often() {
        use crate::Reason::{MalformedPacket, ProtocolError};
        let publish = PacketSet::of(PacketType::Publish);
        let places = (1..=15)
            .filter_map(PacketType::from_number)
            .map(PacketSet::of)
            .chain([PacketSet::WILL])
            .collect::<Vec<_>>();
        for row in PROPERTIES {
            let property = Property::from_number(row.number.into()).unwrap();
            for place in &places {
                let mut once = PropertyBuf::default();
                once.put(property, fit(property));
                let result = read(&once, *place).map_err(|error| error.reason);
                let may = row.packets.has(*place);
                let expect = if may { Ok(()) } else { Err(MalformedPacket) };
                assert_eq!(result, expect, "{} in {place:?}", row.name);
                if !may {
                    continue;
                }
                once.put(property, fit(property));
                let many = match row.often {
                    Often::Once => false,
                    Often::Many => true,
                    Often::ManyInPublish => *place == publish,
                };
                let result = read(&once, *place).map_err(|error| error.reason);
                let expect = if many { Ok(()) } else { Err(ProtocolError) };
                assert_eq!(result, expect, "{} twice in {place:?}", row.name);
            }
        }
    }

    #[test]
    fn values_out_of_range_are_protocol_errors() {
        let bad = [
            (Property::PayloadFormat, Value::Byte(2)),
            (Property::RequestProblem, Value::Byte(2)),
            (Property::RequestResponse, Value::Byte(0xff)),
            (Property::MaximumQoS, Value::Byte(2)),
            (Property::ReceiveMaximum, Value::Two(0)),
            (Property::MaximumPacketSize, Value::Four(0)),
            (Property::SubscriptionId, Value::Varint(0)),
            (Property::ResponseTopic, Value::Text("a/+/b")),
            (Property::ResponseTopic, Value::Text("a/#")),
        ];
        for (property, value) in bad {
            let mut buf = PropertyBuf::default();
            buf.put(property, value);
            let packet = property.row().packets;
            let error = (1..=15)
                .filter_map(PacketType::from_number)
                .map(PacketSet::of)
                .filter(|place| packet.has(*place))
                .map(|place| read(&buf, place).unwrap_err());
            for error in error {
                assert_eq!(error.reason, crate::Reason::ProtocolError, "{property:?} {value:?}");
            }
        }
    }

    #[test]
    fn an_unknown_property_is_malformed() {
        for number in 0..=0x7f_u8 {
            let bytes = [2, number, 1];
            let result = Properties::read(&mut Reader(&bytes), PacketSet::of(PacketType::Publish));
            if Property::from_number(number.into()).is_none() {
                assert!(result.is_err(), "{number:#x}");
            }
        }
    }
}
