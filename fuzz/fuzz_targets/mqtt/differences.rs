//! Where the others differ, and the clause that is behind each difference. All that is here has
//! been looked at: the clause is on this codec's side, or leaves both ways open.

use anser_mqtt::{PacketType, PacketType::*};

/// An accepted difference.
struct Row {
    /// The other codec.
    oracle: &'static str,
    /// The packets in which it shows.
    packets: &'static [PacketType],
    /// What the one that refuses says, at its beginning; empty where both read, and differently.
    says: &'static str,
    /// The clause.
    clause: &'static str,
}

const PROTO: &str = "mqtt-proto";
const RMQTT: &str = "rmqtt-codec";

macro_rules! rows {
    ($($oracle:ident [$($packet:ident)*] $says:literal $clause:literal,)+) => {
        &[$(Row { oracle: $oracle, packets: &[$($packet),*], says: $says, clause: $clause },)+]
    };
}

/// What the other refuses and this codec takes. Without packets: in any of them.
const STRICTER: &[Row] = rows! {
    // What a topic is, is for the session to say: the reason and whether the link ends differ.
    PROTO [Publish Connect] "invalid topic name" "4.7.0-1: the session's",
    PROTO [Publish Connect] "common error of v3/v5: invalid topic name" "4.7.0-1: the session's",
    PROTO [Subscribe Unsubscribe] "invalid topic filter" "4.7.1-1: the session's",
    PROTO [Subscribe Unsubscribe] "common error of v3/v5: invalid topic filter"
        "4.7.1-1: the session's",
    RMQTT [Publish] "Invalid topic name" "4.7.3-1: the session's",
    RMQTT [Subscribe Unsubscribe] "Invalid topic filter" "4.7.3-1: the session's",
    RMQTT [Publish] "Malformed packet" "3.3.2-8: an alias of 0 is the session's",
    PROTO [Publish] "invalid response topic" "3.3.2-14",
    RMQTT [Connect] "Invalid client id" "3.1.3-8 of 3.1.1: the session's, which says 0x02",
    // A receiver may look into the payload (§3.3.2.3.2), and this one does not.
    PROTO [Publish Connect] "invalid payload format" "§3.3.2.3.2",
    // §3.3.2.3.8: one for each subscription that matched.
    PROTO [Publish] "duplicated property: `SubscriptionIdentifier`" "§3.3.2.3.8",
    // §2.4 has it in DISCONNECT; the shorter table of §3.14.2.1 has not.
    PROTO [Disconnect] "invalid reason code `140`" "§2.4",
    // 3.1: the length outweighs the flags of user name and password.
    PROTO [Connect] "it wants more" "3.1, §3.1",
    RMQTT [Connect] "Invalid length" "3.1, §3.1",
};

/// What the other takes and this codec refuses.
const LAXER: &[Row] = rows! {
    PROTO [] "DUP with QoS 0" "3.3.1-2",
    RMQTT [] "DUP with QoS 0" "3.3.1-2",
    PROTO [] "a length in more bytes" "1.5.5-1",
    RMQTT [] "a length in more bytes" "1.5.5-1",
    PROTO [] "a number in more bytes" "1.5.5-1",
    RMQTT [] "a number in more bytes" "1.5.5-1",
    PROTO [Connect] "a password without a user name" "3.1.2-22 of 3.1.1",
    RMQTT [Connect] "a password without a user name" "3.1.2-22 of 3.1.1",
    PROTO [] "a property's value" "§2.2.2.2: a Protocol Error by each property's text",
    RMQTT [] "a property's value" "§2.2.2.2: a Protocol Error by each property's text",
    PROTO [Connect ConnAck Auth] "authentication data without" "§3.1.2.11.10",
    RMQTT [Connect ConnAck Auth] "authentication data without" "§3.1.2.11.10",
    // The length of a packet is that of its fields (§2.1.4).
    PROTO [] "bytes follow the last field" "§2.1.4",
    RMQTT [] "bytes follow the last field" "§2.1.4",
    PROTO [Connect] "flags of a will" "3.1.2-11, 3.1.2-13",
    RMQTT [Connect] "flags of a will" "3.1.2-11, 3.1.2-13",
    PROTO [Publish] "neither a topic nor an alias" "§3.3.2.1",
    RMQTT [Publish] "neither a topic nor an alias" "§3.3.2.1",
    PROTO [Subscribe] "no-local on a shared" "3.8.3-4",
    RMQTT [Subscribe] "no-local on a shared" "3.8.3-4",
    PROTO [SubAck] "not a SUBACK's" "§3.9.3: a code for each filter, of which there are some",
    RMQTT [SubAck] "not a SUBACK's" "§3.9.3: a code for each filter, of which there are some",
    PROTO [UnsubAck] "not an UNSUBACK's" "§3.11.3, 3.11.3-2",
    RMQTT [UnsubAck] "not an UNSUBACK's" "§3.11.3, 3.11.3-2",
    PROTO [] "text holds U+0000" "1.5.4-2",
    RMQTT [] "text holds U+0000" "1.5.4-2",
    // Only an AUTH that says nothing at all may leave the properties' length out (§3.15.2.1).
    RMQTT [Auth] "a field reaches beyond" "§3.15.2.1",
    RMQTT [ConnAck] "a return code that CONNACK" "§3.2.2.3 of 3.1.1",
    RMQTT [Connect] "a version that this server" "3.1.2-2: a name of one version, a level of another",
    RMQTT [Subscribe] "reserved bits are set" "3.8.3-4 of 3.1.1, 3.8.3-5",
};

/// What both take, and the other writes back as something else.
const OTHERWISE: &[Row] = rows! {
    // It writes the failure of 3.1.1 as 3, which it does not read itself.
    PROTO [SubAck] "" "3.9.3-2 of 3.1.1",
    // It writes every CONNECT of 3.1 under the name of 3.1.1.
    RMQTT [Connect] "" "3.1, §3.1",
};

/// Why the other may refuse what this codec takes.
pub fn stricter(oracle: &str, packet: PacketType, error: &str) -> Option<&'static str> {
    find(STRICTER, oracle, packet, error)
}

/// Why the other may take what this codec refuses.
pub fn laxer(oracle: &str, packet: PacketType, error: &str) -> Option<&'static str> {
    find(LAXER, oracle, packet, error)
}

/// Why the other may write back something else.
pub fn otherwise(oracle: &str, packet: PacketType) -> Option<&'static str> {
    find(OTHERWISE, oracle, packet, "")
}

fn find(rows: &[Row], oracle: &str, packet: PacketType, says: &str) -> Option<&'static str> {
    rows.iter()
        .find(|row| {
            row.oracle == oracle
                && (row.packets.is_empty() || row.packets.contains(&packet))
                && says.starts_with(row.says)
        })
        .map(|row| row.clause)
}
