//! The statements of the standards that this crate obeys, and what shows it. The page
//! `docs/src/mqtt-conformance.md` is made from this table.

use anser_mqtt::{
    Reason,
    Reason::{
        MalformedPacket as Malformed, ProtocolError as Protocol, UnsupportedVersion as Unsupported,
    },
    Version,
    Version::{V5, V31, V311},
    codec::{self, Packet},
};

/// One statement.
pub(crate) struct Statement {
    /// Its number.
    pub(crate) id: &'static str,
    /// In other words.
    pub(crate) words: &'static str,
    /// What shows that it holds.
    pub(crate) shown: Shown,
}

/// What shows that a statement holds.
pub(crate) enum Shown {
    /// These bytes, in these versions.
    Bytes(&'static [Case]),
    /// This test of the crate's own.
    Test(&'static str),
}

/// Bytes from a client or to it, and what the codec says of them.
pub(crate) type Case = (&'static [Version], &'static str, Says);

/// What the codec says.
#[derive(Debug, PartialEq)]
pub(crate) enum Says {
    /// A packet, and nothing is left over.
    Packet,
    /// A fault, which MQTT 5 calls this.
    Fault(Reason),
}
use Says::Fault;
use Shown::{Bytes, Test};

const OLD: &[Version] = &[V31, V311];
const ALL: &[Version] = &[V31, V311, V5];

macro_rules! statements {
    ($($id:literal $words:literal $shown:expr,)+) => {
        &[$(Statement { id: $id, words: $words, shown: $shown },)+]
    };
}

/// Statements of MQTT 5.0.
pub(crate) const V5_0: &[Statement] = statements! {
    "1.5.4-1" "Text is well-formed UTF-8, which has no surrogates" Bytes(&[
        (ALL, "30 05 0003 eda080", Fault(Malformed)),
        (ALL, "30 05 0003 edbfbf", Fault(Malformed)),
        (ALL, "30 04 0002 c0af", Fault(Malformed)),
        (&[V5], "30 06 0003 e9b8bf 00", Says::Packet),
        (OLD, "30 05 0003 e9b8bf", Says::Packet),
    ]),
    "1.5.4-2" "Text holds no U+0000" Bytes(&[
        (ALL, "30 05 0003 610062", Fault(Malformed)),
        (&[V5], "10 11 0004 4d515454 05 02 0000 00 0004 61620063", Fault(Malformed)),
    ]),
    "1.5.4-3" "A U+FEFF is text like any other" Test("a_byte_order_mark_stays"),
    "1.5.5-1" "A number takes as few bytes as it needs" Bytes(&[
        (&[V5], "30 84 00 0001 61 00", Fault(Malformed)),
        (&[V5], "30 05 0001 61 8000", Fault(Malformed)),
        (&[V5], "30 04 0001 61 00", Says::Packet),
        (OLD, "30 83 00 0001 61", Says::Packet),
    ]),
    "1.5.7-1" "Both texts of a pair keep the rules of text" Bytes(&[
        (&[V5], "30 0c 0001 61 08 26 0002 6100 0001 62", Fault(Malformed)),
        (&[V5], "30 0b 0001 61 07 26 0001 61 0001 ff", Fault(Malformed)),
        (&[V5], "30 0b 0001 61 07 26 0001 61 0001 62", Says::Packet),
    ]),
    "2.1.3-1" "Reserved flags have the value that the table gives them" Bytes(&[
        (ALL, "c1 00", Fault(Malformed)),
        (ALL, "e2 00", Fault(Malformed)),
        (ALL, "42 02 0001", Fault(Malformed)),
        (ALL, "c0 00", Says::Packet),
    ]),
    "2.2.1-2" "A PUBLISH of QoS 0 has no packet id" Bytes(&[
        (OLD, "30 03 0001 61", Says::Packet),
        (&[V5], "30 04 0001 61 00", Says::Packet),
    ]),
    "2.2.1-3" "A packet id is never 0" Bytes(&[
        (&[V5], "32 06 0001 61 0000 00", Fault(Malformed)),
        (OLD, "32 05 0001 61 0000", Fault(Malformed)),
        (&[V5], "82 07 0000 00 0001 61 00", Fault(Malformed)),
        (OLD, "82 06 0000 0001 61 00", Fault(Malformed)),
        (ALL, "40 02 0000", Fault(Malformed)),
    ]),
    "2.2.1-4" "A PUBLISH to a client has an id that nothing on its way has"
        Test("ids_on_their_way_are_passed_over_when_they_come_round"),
    "2.2.2-1" "No properties are a length of 0" Bytes(&[
        (&[V5], "30 04 0001 61 00", Says::Packet),
        (&[V5], "30 03 0001 61", Fault(Malformed)),
    ]),
    "3.1.2-1" "The protocol's name is MQTT" Bytes(&[
        (&[V5], "10 0e 0004 4d515458 05 02 0000 00 0001 61", Fault(Unsupported)),
        (&[V5], "10 0e 0004 4d515454 05 02 0000 00 0001 61", Says::Packet),
    ]),
    "3.1.2-2" "Another version is refused" Bytes(&[
        (ALL, "10 0d 0004 4d515454 06 02 0000 0001 61", Fault(Unsupported)),
        (ALL, "10 0d 0004 4d515454 84 02 0000 0001 61", Fault(Unsupported)),
    ]),
    "3.1.2-3" "CONNECT's reserved flag is 0" Bytes(&[
        (&[V5], "10 0e 0004 4d515454 05 03 0000 00 0001 61", Fault(Malformed)),
    ]),
    "3.1.2-9" "A will has properties, a topic and a payload" Bytes(&[
        (&[V5], "10 14 0004 4d515454 05 06 0000 00 0001 61 00 0001 74 0000", Says::Packet),
        (&[V5], "10 0e 0004 4d515454 05 06 0000 00 0001 61", Fault(Malformed)),
        (&[V5], "10 12 0004 4d515454 05 06 0000 00 0001 61 00 0001 74", Fault(Malformed)),
    ]),
    "3.1.2-11" "Without a will its QoS is 0" Bytes(&[
        (&[V5], "10 0e 0004 4d515454 05 0a 0000 00 0001 61", Fault(Malformed)),
    ]),
    "3.1.2-12" "A will's QoS is 0, 1 or 2" Bytes(&[
        (&[V5], "10 14 0004 4d515454 05 1e 0000 00 0001 61 00 0001 74 0000", Fault(Malformed)),
        (&[V5], "10 14 0004 4d515454 05 16 0000 00 0001 61 00 0001 74 0000", Says::Packet),
    ]),
    "3.1.2-13" "Without a will it is not retained" Bytes(&[
        (&[V5], "10 0e 0004 4d515454 05 22 0000 00 0001 61", Fault(Malformed)),
    ]),
    "3.1.2-16" "Without its flag there is no user name" Bytes(&[
        (&[V5], "10 11 0004 4d515454 05 02 0000 00 0001 61 0001 75", Fault(Malformed)),
    ]),
    "3.1.2-17" "With its flag there is a user name" Bytes(&[
        (&[V5], "10 0e 0004 4d515454 05 82 0000 00 0001 61", Fault(Malformed)),
        (&[V5], "10 11 0004 4d515454 05 82 0000 00 0001 61 0001 75", Says::Packet),
    ]),
    "3.1.2-18" "Without its flag there is no password" Bytes(&[
        (&[V5], "10 14 0004 4d515454 05 82 0000 00 0001 61 0001 75 0001 70", Fault(Malformed)),
    ]),
    "3.1.2-19" "With its flag there is a password, which may stand alone" Bytes(&[
        (&[V5], "10 0e 0004 4d515454 05 42 0000 00 0001 61", Fault(Malformed)),
        (&[V5], "10 11 0004 4d515454 05 42 0000 00 0001 61 0001 70", Says::Packet),
    ]),
    "3.1.2-26" "No alias above the maximum is sent"
        Test("no_more_topics_are_called_by_number_than_the_peer_takes"),
    "3.1.2-27" "No alias is sent to a client that takes none"
        Test("no_more_topics_are_called_by_number_than_the_peer_takes"),
    "3.1.3-3" "The client id comes first" Bytes(&[
        (&[V5], "10 0b 0004 4d515454 05 02 0000 00", Fault(Malformed)),
    ]),
    "3.1.3-4" "The client id is text" Bytes(&[
        (&[V5], "10 0e 0004 4d515454 05 02 0000 00 0001 ff", Fault(Malformed)),
    ]),
    "3.1.3-11" "The will's topic is text" Bytes(&[
        (&[V5], "10 14 0004 4d515454 05 06 0000 00 0001 61 00 0001 ff 0000", Fault(Malformed)),
    ]),
    "3.1.3-12" "The user name is text" Bytes(&[
        (&[V5], "10 11 0004 4d515454 05 82 0000 00 0001 61 0001 ff", Fault(Malformed)),
    ]),
    "3.1.4-1" "A CONNECT that is not as it should be ends the link" Bytes(&[
        (&[V5], "10 0f 0004 4d515454 05 02 0000 00 0001 61 00", Fault(Malformed)),
        (&[V5], "10 10 0004 4d515454 05 02 0000 02 1701 0001 61", Says::Packet),
        (&[V5], "10 10 0004 4d515454 05 02 0000 02 1702 0001 61", Fault(Protocol)),
        (&[V5], "10 11 0004 4d515454 05 02 0000 03 210000 0001 61", Fault(Protocol)),
        (&[V5], "10 13 0004 4d515454 05 02 0000 05 2700000000 0001 61", Fault(Protocol)),
        (&[V5], "10 12 0004 4d515454 05 02 0000 04 1600 0161 0001 61", Fault(Protocol)),
        (&[V5], "10 12 0004 4d515454 05 02 0000 04 17011701 0001 61", Fault(Protocol)),
        (&[V5], "10 11 0004 4d515454 05 02 0000 03 230001 0001 61", Fault(Malformed)),
    ]),
    "3.2.2-1" "CONNACK's reserved bits are 0" Bytes(&[
        (&[V311], "20 02 02 00", Fault(Malformed)),
        (&[V5], "20 03 02 00 00", Fault(Malformed)),
        (&[V5], "20 03 01 00 00", Says::Packet),
    ]),
    "3.2.2-8" "CONNACK's reason is one of its own" Bytes(&[
        (&[V5], "20 03 00 92 00", Fault(Protocol)),
    ]),
    "3.3.1-2" "DUP is 0 at QoS 0" Bytes(&[
        (&[V5], "38 04 0001 61 00", Fault(Malformed)),
        (OLD, "38 03 0001 61", Fault(Malformed)),
    ]),
    "3.3.1-3" "DUP to a client says only whether it may have had this"
        Test("onward_is_a_publish_byte_for_byte"),
    "3.3.1-4" "QoS is not 3" Bytes(&[
        (&[V5], "36 06 0001 61 0001 00", Fault(Malformed)),
        (OLD, "36 05 0001 61 0001", Fault(Malformed)),
    ]),
    "3.3.2-1" "A PUBLISH's topic comes first, and is text" Bytes(&[
        (ALL, "30 00", Fault(Malformed)),
        (ALL, "30 03 0001 ff", Fault(Malformed)),
        (&[V5], "30 03 0000 00", Fault(Protocol)),
        (&[V5], "30 06 0000 03 230001", Says::Packet),
    ]),
    "3.3.2-8" "An alias is not 0" Test("numbers_beyond_what_was_agreed_are_refused"),
    "3.3.2-9" "An alias above the maximum ends the link"
        Test("numbers_beyond_what_was_agreed_are_refused"),
    "3.3.2-7" "Aliases end with their link"
        Test("a_number_means_the_topic_that_it_last_came_with"),
    "3.3.2-12" "Every alias up to the maximum is taken"
        Test("a_number_means_the_topic_that_it_last_came_with"),
    "3.3.2-13" "The response topic is text" Bytes(&[
        (&[V5], "30 08 0001 61 04 08 0001 ff", Fault(Malformed)),
    ]),
    "3.3.2-14" "The response topic has no wildcards" Bytes(&[
        (&[V5], "30 08 0001 61 04 08 0001 23", Fault(Protocol)),
        (&[V5], "30 08 0001 61 04 08 0001 62", Says::Packet),
    ]),
    "3.3.2-17" "User properties pass unchanged" Test("onward_is_a_publish_byte_for_byte"),
    "3.3.2-18" "User properties keep their order" Test("onward_is_a_publish_byte_for_byte"),
    "3.3.2-19" "The content type is text" Bytes(&[
        (&[V5], "30 08 0001 61 04 03 0001 ff", Fault(Malformed)),
    ]),
    "3.3.4-9" "No more is on its way than the client takes"
        Test("no_more_is_on_its_way_than_the_client_takes"),
    "3.3.1-12" "RETAIN is 0 where the subscription does not want it shown"
        Test("retain_shows_only_as_the_subscription_wants_it"),
    "3.3.1-13" "RETAIN is as it was published where the subscription wants it so"
        Test("retain_shows_only_as_the_subscription_wants_it"),
    "3.3.4-2" "Overlapping subscriptions get their highest QoS"
        Test("overlapping_subscriptions_get_one_copy_at_their_highest_qos"),
    "3.8.3-3" "With no-local a session does not get its own messages"
        Test("ones_own_messages_come_only_where_they_are_wanted"),
    "3.8.4-8" "A message comes with the lower QoS of its own and the one that is granted"
        Test("overlapping_subscriptions_get_one_copy_at_their_highest_qos"),
    "3.2.2-20" "No user property makes the packet too long: it has none"
        Test("says_no_more_than_it_may"),
    "3.4.2-3" "No user property makes the packet too long: it has none"
        Test("says_no_more_than_it_may"),
    "3.5.2-3" "No user property makes the packet too long: it has none"
        Test("says_no_more_than_it_may"),
    "3.14.2-4" "No user property makes the packet too long: it has none"
        Test("says_no_more_than_it_may"),
    "3.6.2-2" "No reason string makes the packet too long: it has none"
        Test("says_no_more_than_it_may"),
    "3.7.2-2" "No reason string makes the packet too long: it has none"
        Test("says_no_more_than_it_may"),
    "3.9.2-1" "No reason string makes the packet too long: it has none"
        Test("says_no_more_than_it_may"),
    "3.11.2-1" "No reason string makes the packet too long: it has none"
        Test("says_no_more_than_it_may"),
    "3.6.2-3" "No user property makes the packet too long: it has none"
        Test("says_no_more_than_it_may"),
    "3.7.2-3" "No user property makes the packet too long: it has none"
        Test("says_no_more_than_it_may"),
    "3.9.2-2" "No user property makes the packet too long: it has none"
        Test("says_no_more_than_it_may"),
    "3.11.2-2" "No user property makes the packet too long: it has none"
        Test("says_no_more_than_it_may"),
    "3.4.2-1" "PUBACK's reason is one of its own" Bytes(&[
        (&[V5], "40 03 0001 92", Fault(Protocol)),
        (&[V5], "40 03 0001 10", Says::Packet),
        (&[V5], "40 02 0001", Says::Packet),
        (&[V5], "40 04 0001 00 00", Says::Packet),
    ]),
    "3.5.2-1" "PUBREC's reason is one of its own" Bytes(&[
        (&[V5], "50 03 0001 92", Fault(Protocol)),
        (&[V5], "50 03 0001 97", Says::Packet),
    ]),
    "3.6.1-1" "PUBREL's flags are 0010" Bytes(&[
        (ALL, "60 02 0001", Fault(Malformed)),
        (&[V311, V5], "6a 02 0001", Fault(Malformed)),
        // 3.1 has DUP there as well.
        (&[V31], "6a 02 0001", Says::Packet),
        (ALL, "62 02 0001", Says::Packet),
    ]),
    "3.6.2-1" "PUBREL's reason is one of its own" Bytes(&[
        (&[V5], "62 03 0001 10", Fault(Protocol)),
        (&[V5], "62 03 0001 92", Says::Packet),
    ]),
    "3.7.2-1" "PUBCOMP's reason is one of its own" Bytes(&[
        (&[V5], "70 03 0001 10", Fault(Protocol)),
        (&[V5], "70 03 0001 92", Says::Packet),
    ]),
    "3.8.1-1" "SUBSCRIBE's flags are 0010" Bytes(&[
        (&[V5], "80 07 0001 00 0001 61 00", Fault(Malformed)),
        (OLD, "80 06 0001 0001 61 00", Fault(Malformed)),
        (&[V5], "82 07 0001 00 0001 61 00", Says::Packet),
    ]),
    "3.8.3-1" "Filters are text" Bytes(&[
        (&[V5], "82 07 0001 00 0001 ff 00", Fault(Malformed)),
    ]),
    "3.8.3-2" "A SUBSCRIBE is for something" Bytes(&[
        (&[V5], "82 03 0001 00", Fault(Protocol)),
        (OLD, "82 02 0001", Fault(Protocol)),
        (&[V5], "82 06 0001 00 0001 61", Fault(Malformed)),
    ]),
    "3.8.3-4" "A shared subscription cannot be no-local" Bytes(&[
        (&[V5], "82 10 0001 00 000a 2473686172652f672f61 04", Fault(Protocol)),
        (&[V5], "82 10 0001 00 000a 2473686172652f672f61 00", Says::Packet),
    ]),
    "3.8.3-5" "Reserved bits of the options are 0" Bytes(&[
        (&[V5], "82 07 0001 00 0001 61 40", Fault(Malformed)),
        (&[V5], "82 07 0001 00 0001 61 80", Fault(Malformed)),
        (&[V5], "82 07 0001 00 0001 61 03", Fault(Malformed)),
        (&[V5], "82 07 0001 00 0001 61 30", Fault(Protocol)),
        (&[V5], "82 07 0001 00 0001 61 2e", Says::Packet),
    ]),
    "3.9.3-2" "SUBACK's reasons are of its own" Bytes(&[
        (&[V5], "90 04 0001 00 11", Fault(Protocol)),
        (&[V5], "90 04 0001 00 9e", Says::Packet),
    ]),
    "3.10.1-1" "UNSUBSCRIBE's flags are 0010" Bytes(&[
        (&[V5], "a0 06 0001 00 0001 61", Fault(Malformed)),
        (&[V5], "a2 06 0001 00 0001 61", Says::Packet),
    ]),
    "3.10.3-1" "Filters are text" Bytes(&[
        (&[V5], "a2 06 0001 00 0001 ff", Fault(Malformed)),
    ]),
    "3.10.3-2" "An UNSUBSCRIBE is from something" Bytes(&[
        (&[V5], "a2 03 0001 00", Fault(Protocol)),
        (OLD, "a2 02 0001", Fault(Protocol)),
    ]),
    "3.11.3-2" "UNSUBACK's reasons are of its own" Bytes(&[
        (&[V5], "b0 04 0001 00 01", Fault(Protocol)),
        (&[V5], "b0 04 0001 00 11", Says::Packet),
    ]),
    "3.14.1-1" "DISCONNECT's flags are 0" Bytes(&[
        (ALL, "e1 00", Fault(Malformed)),
        (ALL, "e0 00", Says::Packet),
        (&[V5], "e0 01 04", Says::Packet),
        (&[V5], "e0 01 10", Fault(Protocol)),
    ]),
    "3.15.1-1" "AUTH's flags are 0" Bytes(&[
        (&[V5], "f1 00", Fault(Malformed)),
        (&[V5], "f0 00", Says::Packet),
        (OLD, "f0 00", Fault(Malformed)),
    ]),
    "3.15.2-1" "AUTH's reason is one of its own" Bytes(&[
        (&[V5], "f0 02 80 00", Fault(Protocol)),
        (&[V5], "f0 02 18 00", Says::Packet),
    ]),
    "4.3.2-5" "After PUBACK, a PUBLISH with the same id is a new message"
        Test("what_was_refused_or_is_acknowledged_is_new_when_it_comes_again"),
    "4.3.3-9" "After a PUBREC that refuses, the id means a new message"
        Test("what_was_refused_or_is_acknowledged_is_new_when_it_comes_again"),
    "4.3.3-10" "Until PUBREL, the same id is the same message, acknowledged again"
        Test("a_message_that_the_client_sends_twice_is_stored_once"),
    "4.3.3-12" "After PUBCOMP, the id means a new message"
        Test("a_message_that_the_client_sends_twice_is_stored_once"),
    "4.4.0-2" "What the client refuses is not sent again"
        Test("a_client_that_does_not_want_a_message_frees_its_id"),
    "4.7.0-1" "A topic's name has no wildcards" Test("what_breaks_a_rule_is_told_so"),
    "4.7.1-1" "`#` is a filter's whole last level" Test("what_breaks_a_rule_is_told_so"),
    "4.7.1-2" "`+` is a whole level" Test("what_breaks_a_rule_is_told_so"),
    "4.7.2-1" "Wildcards at the front do not match `$…`"
        Test("a_name_finds_the_filters_that_match_it_one_by_one"),
    "4.7.3-1" "Names and filters are not empty" Test("what_breaks_a_rule_is_told_so"),
    "4.7.3-2" "Names and filters hold no U+0000" Test("what_breaks_a_rule_is_told_so"),
    "4.7.3-3" "Names and filters have at most 65,535 bytes" Test("what_breaks_a_rule_is_told_so"),
    "4.7.3-4" "Nothing is normalised to match"
        Test("filters_match_as_the_standard_says"),
    "4.8.2-1" "A shared filter is `$share/` and a name" Test("what_breaks_a_rule_is_told_so"),
    "4.8.2-2" "A share's name has no wildcards, and a filter follows"
        Test("what_breaks_a_rule_is_told_so"),
    "4.9.0-1" "The quota is not 0" Test("no_more_is_on_its_way_than_the_client_takes"),
    "4.9.0-2" "At quota 0 nothing of QoS 1 or 2 is sent"
        Test("no_more_is_on_its_way_than_the_client_takes"),
};

/// Statements of MQTT 3.1.1 that 5.0 has not, or has with another number.
pub(crate) const V3_1_1: &[Statement] = statements! {
    "2.2.2-2" "Flags that are not as they should be end the link" Bytes(&[
        (&[V311], "c1 00", Fault(Malformed)),
        (&[V311], "8a 06 0001 0001 61 00", Fault(Malformed)),
    ]),
    "3.1.2-22" "A password needs a user name" Bytes(&[
        (&[V311], "10 10 0004 4d515454 04 42 0000 0001 61 0001 70", Fault(Malformed)),
        (&[V311], "10 13 0004 4d515454 04 c2 0000 0001 61 0001 75 0001 70", Says::Packet),
        (&[V31], "10 0f 0006 4d5149736470 03 02 0000 0001 61", Says::Packet),
        // 3.1: the length outweighs the flags.
        (&[V31], "10 0f 0006 4d5149736470 03 c2 0000 0001 61", Says::Packet),
    ]),
    "3.8.3-4" "Reserved bits of the options are 0, and QoS is not 3" Bytes(&[
        (&[V311], "82 06 0001 0001 61 04", Fault(Malformed)),
        (&[V311], "82 06 0001 0001 61 03", Fault(Malformed)),
        (&[V311], "82 06 0001 0001 61 02", Says::Packet),
    ]),
    "3.9.3-2" "SUBACK says 0, 1, 2 or 0x80"
        Test("a_failure_that_a_version_has_no_word_for_is_written_as_one_that_it_has"),
};

/// What the server must do and this crate has no part in, or only a part: the store, the finding of
/// subscribers, the network, and authentication in several steps.
pub(crate) const NOT_YET: &[&str] = &[
    "3.1.2-8", "3.1.3-9", "3.3.1-5", "3.3.1-6", "3.3.1-7", "3.3.1-8", "3.3.1-9", "3.3.1-10",
    "3.3.1-11", "3.3.2-3", "3.8.4-3", "3.8.4-4", "3.10.4-1", "3.10.4-2", "3.15.2-2", "3.15.2-3",
    "4.1.0-1", "4.1.0-2", "4.2-1", "4.8.2-3", "4.8.2-4", "4.5.0-1", "4.12.0-2", "4.12.0-4",
    "4.12.0-5", "4.12.1-2", "6.0.0-1", "6.0.0-2", "6.0.0-4",
];

/// Bytes of a line of hex digits and spaces.
pub(crate) fn unhex(text: &str) -> Vec<u8> {
    let digits: String = text.split(' ').collect();
    (0..digits.len())
        .step_by(2)
        .map(|n| u8::from_str_radix(&digits[n..n + 2], 16).unwrap())
        .collect()
}

fn says(bytes: &[u8], version: Version) -> Says {
    let packet = codec::split(bytes, 1 << 20).and_then(|raw| {
        let raw = raw.unwrap_or_else(|| panic!("{bytes:x?} is no whole packet"));
        assert_eq!(raw.len, bytes.len(), "{bytes:x?} is more than a packet");
        codec::read(raw, version)
    });
    match packet {
        Ok(_) => Says::Packet,
        Err(error) => Says::Fault(error.reason),
    }
}

#[test]
fn every_statement_holds_byte_by_byte() {
    for statement in V5_0.iter().chain(V3_1_1) {
        let Bytes(cases) = &statement.shown else { continue };
        for (versions, hex, expect) in *cases {
            for version in *versions {
                let said = says(&unhex(hex), *version);
                assert_eq!(said, *expect, "{}: {hex} in {version}", statement.id);
            }
        }
    }
}

#[test]
fn a_byte_order_mark_stays() {
    let bytes = unhex("30 07 0004 efbbbf61 00");
    let raw = codec::split(&bytes, 100).unwrap().unwrap();
    let Packet::Publish(publish) = codec::read(raw, V5).unwrap() else { panic!() };
    assert_eq!(publish.topic, "\u{feff}a");
}

#[test]
fn lengths_of_five_bytes_and_the_type_0_end_the_link() {
    for bytes in [&[0x30, 0x80, 0x80, 0x80, 0x80][..], &[0x30, 0xff, 0xff, 0xff, 0xff, 1], &[0, 0]]
    {
        let error = codec::split(bytes, usize::MAX).unwrap_err();
        assert_eq!(error.reason, Malformed, "{bytes:x?}");
    }
}
