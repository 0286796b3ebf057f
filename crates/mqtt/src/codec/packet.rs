//! The table of packet types: numbers, flags, versions and directions (MQTT 5 §2.1.2 and 2.1.3).

use std::fmt;

/// A version of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// 3.1, which calls itself `MQIsdp`.
    V31,
    /// 3.1.1.
    V311,
    /// 5.0.
    V5,
}

impl Version {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::V31, Self::V311, Self::V5];

    /// What a CONNECT calls it, and its level.
    #[must_use]
    pub const fn on_the_wire(self) -> (&'static str, u8) {
        match self {
            Self::V31 => ("MQIsdp", 3),
            Self::V311 => ("MQTT", 4),
            Self::V5 => ("MQTT", 5),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V31 => "3.1",
            Self::V311 => "3.1.1",
            Self::V5 => "5.0",
        })
    }
}

/// Who sends a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Clients only.
    ToServer,
    /// Servers only.
    ToClient,
    /// Either.
    Both,
}

/// The lower half of a packet's first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flags {
    /// Always this.
    Fixed(u8),
    /// Always this; in 3.1, whose QoS rules cover these packets too, DUP may be set as well.
    FixedOrDup(u8),
    /// DUP, QoS and RETAIN.
    Publish,
}

/// The bit that says that a packet may have been sent before.
pub(super) const DUP: u8 = 0b1000;

impl Flags {
    /// Whether a packet may come with these.
    #[must_use]
    pub const fn allow(self, flags: u8, version: Version) -> bool {
        match self {
            Self::Fixed(fixed) => flags == fixed,
            Self::FixedOrDup(fixed) => {
                flags == fixed || matches!(version, Version::V31) && flags == fixed | DUP
            }
            Self::Publish => true,
        }
    }

    /// What is written whatever the packet says.
    #[must_use]
    pub const fn fixed(self) -> u8 {
        match self {
            Self::Fixed(fixed) | Self::FixedOrDup(fixed) => fixed,
            Self::Publish => 0,
        }
    }
}

/// One type of packet.
#[derive(Debug)]
pub struct PacketRow {
    /// Its number, 1 to 15.
    pub number: u8,
    /// Its name in the standard.
    pub name: &'static str,
    /// Who sends it.
    pub direction: Direction,
    /// Its flags.
    pub flags: Flags,
    /// The first version that has it.
    pub since: Version,
}

macro_rules! packets {
    ($($number:literal $name:literal $variant:ident $direction:ident ($($flags:tt)+) $since:ident,)+) => {
        /// Every type of packet.
        pub static PACKETS: &[PacketRow] = &[$(packets!(@row $number $name $direction ($($flags)+) $since),)+];

        /// The type of a packet.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum PacketType {
            $(
                #[doc = $name]
                $variant = $number,
            )+
        }

        impl PacketType {
            /// The type with this number.
            #[must_use]
            pub const fn from_number(number: u8) -> Option<Self> {
                match number {
                    $($number => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// Its row.
            #[must_use]
            pub const fn row(self) -> &'static PacketRow {
                match self {
                    $(Self::$variant => {
                        const ROW: &PacketRow = &packets!(@row $number $name $direction ($($flags)+) $since);
                        ROW
                    })+
                }
            }
        }
    };
    (@row $number:literal $name:literal $direction:ident ($($flags:tt)+) $since:ident) => {
        PacketRow {
            number: $number,
            name: $name,
            direction: Direction::$direction,
            flags: Flags::$($flags)+,
            since: Version::$since,
        }
    };
}

packets! {
    1 "CONNECT" Connect ToServer (Fixed(0)) V31,
    2 "CONNACK" ConnAck ToClient (Fixed(0)) V31,
    3 "PUBLISH" Publish Both (Publish) V31,
    4 "PUBACK" PubAck Both (Fixed(0)) V31,
    5 "PUBREC" PubRec Both (Fixed(0)) V31,
    6 "PUBREL" PubRel Both (FixedOrDup(0b0010)) V31,
    7 "PUBCOMP" PubComp Both (Fixed(0)) V31,
    8 "SUBSCRIBE" Subscribe ToServer (FixedOrDup(0b0010)) V31,
    9 "SUBACK" SubAck ToClient (Fixed(0)) V31,
    10 "UNSUBSCRIBE" Unsubscribe ToServer (FixedOrDup(0b0010)) V31,
    11 "UNSUBACK" UnsubAck ToClient (Fixed(0)) V31,
    12 "PINGREQ" PingReq ToServer (Fixed(0)) V31,
    13 "PINGRESP" PingResp ToClient (Fixed(0)) V31,
    14 "DISCONNECT" Disconnect Both (Fixed(0)) V31,
    15 "AUTH" Auth Both (Fixed(0)) V5,
}

/// The packets that a property or a reason code may stand in; a will's properties count as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketSet(u16);

impl PacketSet {
    /// None.
    pub const NONE: Self = Self(0);
    /// A CONNECT's will. No packet has the number 0.
    pub const WILL: Self = Self(1);

    /// One packet.
    #[must_use]
    pub const fn of(packet: PacketType) -> Self {
        Self(1 << packet as u16)
    }

    /// Those of both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` are here.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_under_their_numbers() {
        for (n, row) in PACKETS.iter().enumerate() {
            assert_eq!(usize::from(row.number), n + 1);
            let packet = PacketType::from_number(row.number).unwrap();
            assert_eq!(packet.row().name, row.name);
        }
        assert_eq!(PACKETS.len(), 15);
        assert_eq!(PacketType::from_number(0), None);
    }
}
