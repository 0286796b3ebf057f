//! What a subscriber gets of a message.

use anser_domain::{Millis, QoS, TopicMessage};

use crate::codec::Options;

/// What one subscriber gets of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grant {
    /// The QoS that it comes with.
    pub qos: QoS,
    /// Whether it is shown as retained.
    pub retain: bool,
    /// What the client calls the subscriptions that it comes for.
    pub ids: Vec<u32>,
    /// Its place in the session's queue, for sessions that have one; those that end with their
    /// link have none.
    pub place: Option<u64>,
}

/// A subscription that matches a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Matching {
    /// How it is served.
    pub options: Options,
    /// What the client calls it.
    pub id: Option<u32>,
}

/// What a session gets of a message for which it has these subscriptions: one copy, whatever their
/// number, at the highest QoS among them [MQTT-3.3.4-2] and no higher than the message's
/// [MQTT-3.8.4-8], with the ids of all [MQTT-3.3.4-4]. `own`: the session published it itself.
/// `None` when nothing is for it.
pub fn grant(
    message: &TopicMessage,
    own: bool,
    matching: impl Iterator<Item = Matching>,
) -> Option<Grant> {
    let mut granted: Option<Grant> = None;
    for Matching { options, id } in matching {
        // [MQTT-3.8.3-3]
        if own && options.no_local {
            continue;
        }
        let grant = granted.get_or_insert_default();
        grant.qos = grant.qos.max(options.qos.min(message.qos));
        // [MQTT-3.3.1-12] [MQTT-3.3.1-13]
        grant.retain |= options.retain_as_published && message.retain;
        grant.ids.extend(id);
    }
    granted
}

/// For how many seconds more a message is worth sending [MQTT-3.3.2-6]; `None` for ever, 0 no more
/// [MQTT-3.3.2-5].
pub(super) fn lifetime(message: &TopicMessage, wall: Millis) -> Option<u32> {
    let left = message.expires?.0.saturating_sub(wall.0).max(0);
    let seconds = left.cast_unsigned().div_ceil(1000);
    Some(u32::try_from(seconds).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(qos: QoS, retain: bool) -> TopicMessage {
        TopicMessage {
            topic: "a".into(),
            payload: bytes::Bytes::new(),
            qos,
            retain,
            expires: None,
            properties: bytes::Bytes::new(),
        }
    }

    fn matching(qos: QoS, no_local: bool, retain_as_published: bool, id: u32) -> Matching {
        let options = Options { qos, no_local, retain_as_published, ..Options::default() };
        Matching { options, id: (id > 0).then_some(id) }
    }

    use QoS::{AtLeastOnce, AtMostOnce, ExactlyOnce};

    #[test]
    fn overlapping_subscriptions_get_one_copy_at_their_highest_qos() {
        let two = [matching(AtMostOnce, false, false, 3), matching(AtLeastOnce, false, true, 7)];
        let granted = grant(&message(ExactlyOnce, true), false, two.into_iter()).unwrap();
        let expect = Grant { qos: AtLeastOnce, retain: true, ids: vec![3, 7], place: None };
        assert_eq!(granted, expect);
        let granted = grant(&message(AtMostOnce, false), false, two.into_iter()).unwrap();
        assert_eq!((granted.qos, granted.retain), (AtMostOnce, false), "as it was published");
    }

    #[test]
    fn retain_shows_only_as_the_subscription_wants_it() {
        for (as_published, retain, shown) in
            [(false, true, false), (false, false, false), (true, true, true), (true, false, false)]
        {
            let one = std::iter::once(matching(AtMostOnce, false, as_published, 0));
            let granted = grant(&message(AtMostOnce, retain), false, one).unwrap();
            assert_eq!((granted.retain, granted.ids.len()), (shown, 0));
        }
    }

    #[test]
    fn ones_own_messages_come_only_where_they_are_wanted() {
        let own = |no_local: &[bool]| {
            let all = no_local.iter().map(|no_local| matching(AtMostOnce, *no_local, false, 0));
            grant(&message(AtMostOnce, false), true, all).is_some()
        };
        assert!(own(&[false]));
        assert!(!own(&[true]));
        assert!(own(&[true, false]));
        assert!(!own(&[]));
    }
}
