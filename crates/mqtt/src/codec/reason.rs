//! The table of reason codes (MQTT 5 §2.4), and what 3.1 and 3.1.1 have of it.

use super::packet::{PacketSet, PacketType};

/// One reason code.
#[derive(Debug)]
pub struct ReasonRow {
    /// The code; 0x80 and above mean failure.
    pub code: u8,
    /// Its name in the standard.
    pub name: &'static str,
    /// Where it may stand.
    pub packets: PacketSet,
    /// What a CONNACK of 3.1 and 3.1.1 says instead; where there is nothing, such a link is closed
    /// without one.
    pub v3: Option<u8>,
}

macro_rules! reasons {
    ($($code:literal $name:literal $variant:ident [$($packet:ident)+] $($v3:literal)?,)+) => {
        /// Every reason code.
        pub static REASONS: &[ReasonRow] = &[$(ReasonRow {
            code: $code,
            name: $name,
            packets: PacketSet::NONE$(.and(PacketSet::of(PacketType::$packet)))+,
            v3: reasons!(@v3 $($v3)?),
        },)+];

        /// The result of what was asked, or why a link ends.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Reason {
            $(
                #[doc = $name]
                $variant = $code,
            )+
        }

        impl Reason {
            /// The reason with this code.
            #[must_use]
            pub const fn from_code(code: u8) -> Option<Self> {
                match code {
                    $($code => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// Where it may stand.
            #[must_use]
            pub const fn packets(self) -> PacketSet {
                match self {
                    $(Self::$variant => PacketSet::NONE$(.and(PacketSet::of(PacketType::$packet)))+,)+
                }
            }

            /// What a CONNACK of 3.1 and 3.1.1 says; `None` where they close without one
            /// [MQTT-3.2.2-6 of 3.1.1].
            #[must_use]
            pub const fn v3(self) -> Option<u8> {
                match self {
                    $(Self::$variant => reasons!(@v3 $($v3)?),)+
                }
            }
        }
    };
    (@v3) => { None };
    (@v3 $v3:literal) => { Some($v3) };
}

impl Reason {
    /// Its code.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// Whether it means failure.
    #[must_use]
    pub const fn is_failure(self) -> bool {
        self.code() >= 0x80
    }

    /// The reason `code` where `packet` may carry it.
    pub(super) const fn read(code: u8, packet: PacketType) -> Option<Self> {
        match Self::from_code(code) {
            Some(reason) if reason.packets().has(PacketSet::of(packet)) => Some(reason),
            _ => None,
        }
    }
}

reasons! {
    0x00 "Success" Success [ConnAck PubAck PubRec PubRel PubComp SubAck UnsubAck Disconnect Auth] 0,
    0x01 "Granted QoS 1" GrantedQoS1 [SubAck],
    0x02 "Granted QoS 2" GrantedQoS2 [SubAck],
    0x04 "Disconnect with Will Message" DisconnectWithWill [Disconnect],
    0x10 "No matching subscribers" NoMatchingSubscribers [PubAck PubRec],
    0x11 "No subscription existed" NoSubscriptionExisted [UnsubAck],
    0x18 "Continue authentication" ContinueAuthentication [Auth],
    0x19 "Re-authenticate" ReAuthenticate [Auth],
    0x80 "Unspecified error" UnspecifiedError [ConnAck PubAck PubRec SubAck UnsubAck Disconnect],
    0x81 "Malformed Packet" MalformedPacket [ConnAck Disconnect],
    0x82 "Protocol Error" ProtocolError [ConnAck Disconnect],
    0x83 "Implementation specific error" ImplementationSpecific
        [ConnAck PubAck PubRec SubAck UnsubAck Disconnect],
    0x84 "Unsupported Protocol Version" UnsupportedVersion [ConnAck] 1,
    0x85 "Client Identifier not valid" ClientIdNotValid [ConnAck] 2,
    0x86 "Bad User Name or Password" BadUserNameOrPassword [ConnAck] 4,
    0x87 "Not authorized" NotAuthorized [ConnAck PubAck PubRec SubAck UnsubAck Disconnect] 5,
    0x88 "Server unavailable" ServerUnavailable [ConnAck] 3,
    0x89 "Server busy" ServerBusy [ConnAck Disconnect] 3,
    0x8a "Banned" Banned [ConnAck] 5,
    0x8b "Server shutting down" ServerShuttingDown [Disconnect],
    0x8c "Bad authentication method" BadAuthenticationMethod [ConnAck Disconnect] 5,
    0x8d "Keep Alive timeout" KeepAliveTimeout [Disconnect],
    0x8e "Session taken over" SessionTakenOver [Disconnect],
    0x8f "Topic Filter invalid" TopicFilterInvalid [SubAck UnsubAck Disconnect],
    0x90 "Topic Name invalid" TopicNameInvalid [ConnAck PubAck PubRec Disconnect],
    0x91 "Packet Identifier in use" PacketIdInUse [PubAck PubRec SubAck UnsubAck],
    0x92 "Packet Identifier not found" PacketIdNotFound [PubRel PubComp],
    0x93 "Receive Maximum exceeded" ReceiveMaximumExceeded [Disconnect],
    0x94 "Topic Alias invalid" TopicAliasInvalid [Disconnect],
    0x95 "Packet too large" PacketTooLarge [ConnAck Disconnect],
    0x96 "Message rate too high" MessageRateTooHigh [Disconnect],
    0x97 "Quota exceeded" QuotaExceeded [ConnAck PubAck PubRec SubAck Disconnect],
    0x98 "Administrative action" AdministrativeAction [Disconnect],
    0x99 "Payload format invalid" PayloadFormatInvalid [ConnAck PubAck PubRec Disconnect],
    0x9a "Retain not supported" RetainNotSupported [ConnAck Disconnect],
    0x9b "QoS not supported" QoSNotSupported [ConnAck Disconnect],
    0x9c "Use another server" UseAnotherServer [ConnAck Disconnect] 3,
    0x9d "Server moved" ServerMoved [ConnAck Disconnect],
    0x9e "Shared Subscriptions not supported" SharedNotSupported [SubAck Disconnect],
    0x9f "Connection rate exceeded" ConnectionRateExceeded [ConnAck Disconnect] 3,
    0xa0 "Maximum connect time" MaximumConnectTime [Disconnect],
    0xa1 "Subscription Identifiers not supported" SubscriptionIdsNotSupported [SubAck Disconnect],
    0xa2 "Wildcard Subscriptions not supported" WildcardsNotSupported [SubAck Disconnect],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_ascend_and_read_back_only_where_they_may_stand() {
        assert!(REASONS.is_sorted_by_key(|row| row.code));
        for row in REASONS {
            for number in 1..=15 {
                let packet = PacketType::from_number(number).unwrap();
                let read = Reason::read(row.code, packet).map(Reason::code);
                let may = row.packets.has(PacketSet::of(packet));
                assert_eq!(read, may.then_some(row.code), "{} in {packet:?}", row.name);
            }
        }
    }

    #[test]
    fn only_what_a_connack_may_say_has_a_return_code_of_old() {
        for row in REASONS.iter().filter(|row| row.v3.is_some()) {
            assert!(row.packets.has(PacketSet::of(PacketType::ConnAck)), "{}", row.name);
            assert!(row.v3.is_some_and(|code| code <= 5), "{}", row.name);
        }
    }
}
