//! The one table from refusals to reason codes.

use anser_domain::Refusal;

use crate::{
    Reason::{self, *},
    codec::{PacketSet, PacketType},
};

/// What `packet` says of a refusal: of the reasons that fit it, the first that the packet may
/// carry.
pub(super) fn reason(refusal: &Refusal, packet: PacketType) -> Reason {
    let packet = PacketSet::of(packet);
    let fit = fit(refusal).iter().find(|reason| reason.packets().has(packet));
    fit.copied().unwrap_or(UnspecifiedError)
}

/// Reasons that fit, the best one first.
const fn fit(refusal: &Refusal) -> &'static [Reason] {
    match refusal {
        Refusal::BadCredentials => &[BadUserNameOrPassword, NotAuthorized],
        Refusal::Disabled => &[Banned, NotAuthorized],
        Refusal::Revoked => &[AdministrativeAction, NotAuthorized],
        Refusal::TakenOver => &[SessionTakenOver],
        Refusal::Expired
        | Refusal::Forbidden
        | Refusal::Muted(_)
        | Refusal::NotMember
        | Refusal::NoSuch(_)
        | Refusal::NoSuchUser
        | Refusal::NoSuchFile
        | Refusal::Denied(_) => &[NotAuthorized],
        Refusal::Quota(_) => &[QuotaExceeded],
        Refusal::TooLarge(_) => &[PacketTooLarge, QuotaExceeded],
        Refusal::Invalid(_) => &[TopicFilterInvalid, TopicNameInvalid],
        Refusal::NameTaken
        | Refusal::Conflict
        | Refusal::StaleClientId
        | Refusal::VersionMismatch
        | Refusal::OutOfOrder => &[ImplementationSpecific],
        Refusal::RateLimited(_) => &[ConnectionRateExceeded, MessageRateTooHigh, QuotaExceeded],
        Refusal::Busy(_) => &[ServerBusy, QuotaExceeded],
        Refusal::Unavailable => &[ServerUnavailable, ServerBusy],
        Refusal::Draining => &[ServerShuttingDown, UseAnotherServer],
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_packet_says_what_it_may() {
        use PacketType::{ConnAck, Disconnect, PubAck, SubAck, UnsubAck};
        let busy = Refusal::Busy(Duration::ZERO);
        let slow = Refusal::RateLimited(Duration::ZERO);
        for (refusal, packet, expect) in [
            (&Refusal::TakenOver, Disconnect, SessionTakenOver),
            (&Refusal::Draining, Disconnect, ServerShuttingDown),
            (&Refusal::Draining, ConnAck, UseAnotherServer),
            (&busy, ConnAck, ServerBusy),
            (&busy, PubAck, QuotaExceeded),
            (&slow, ConnAck, ConnectionRateExceeded),
            // CONNACK's is DISCONNECT's too, and MQTT 5 has it first.
            (&slow, PubAck, QuotaExceeded),
            (&Refusal::Invalid("x"), SubAck, TopicFilterInvalid),
            (&Refusal::Invalid("x"), PubAck, TopicNameInvalid),
            (&Refusal::Unavailable, UnsubAck, UnspecifiedError),
            (&Refusal::Disabled, Disconnect, NotAuthorized),
        ] {
            assert_eq!(reason(refusal, packet), expect, "{refusal:?} in {packet:?}");
        }
    }
}
