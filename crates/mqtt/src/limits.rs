//! Every bound of the session, with its reason.

use std::time::Duration;

/// The bounds that an operator may move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest packet that is taken, in bytes. Default 256 KiB: the longest message of a
    /// conversation fits, and what is longer is a file.
    pub max_packet: usize,
    /// Longest CONNECT, in bytes. Default 16 KiB: a token and a short will fit, and nobody unknown
    /// makes the server hold more.
    pub max_connect: usize,
    /// How long a link may take from its opening to its CONNECT, and from there to CONNACK.
    /// Default 10 s.
    pub connect_deadline: Duration,
    /// Longest keep alive, in seconds, that clients of MQTT 5 are told to hold to. Default 30 min:
    /// a phone asleep on a network that keeps its link. Earlier clients cannot be told, and have
    /// what they ask for.
    pub keep_alive_max: u16,
    /// How many messages of a client's may be on their way to the store. Default 100; clients
    /// before MQTT 5 cannot be told, and are read more slowly instead.
    pub receive_maximum: u16,
    /// How many messages may be on their way to a client, whatever it takes. Default 256: a window
    /// for any round trip; each acknowledgement is looked for among them.
    pub max_outbound: u16,
    /// How many topics a client may call by number. Default 32: each is kept for the whole link.
    pub aliases_in: u16,
    /// How many topics are called by number towards a client that takes so many. Default 16.
    pub aliases_out: u16,
    /// How long a session is kept without a link, in seconds. Default 7 days, as long as retries
    /// are recognised.
    pub expiry_max: u32,
    /// How many messages for a client without a queue in the store may wait until it acknowledges
    /// earlier ones. Default 1,000; beyond, its link ends rather than that any is lost silently.
    pub max_waiting: usize,
    /// Most filters of one SUBSCRIBE or UNSUBSCRIBE. Default 256: each is looked up and stored.
    pub max_filters: u16,
    /// How many questions of one link may wait for their answers before reading pauses. Default
    /// 256, as for the native protocol.
    pub max_in_flight: u16,
    /// How long a draining link may wait for its answers. Default 5 s: above any commit.
    pub drain_deadline: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_packet: 256 << 10,
            max_connect: 16 << 10,
            connect_deadline: Duration::from_secs(10),
            keep_alive_max: 30 * 60,
            receive_maximum: 100,
            max_outbound: 256,
            aliases_in: 32,
            aliases_out: 16,
            expiry_max: 7 * 24 * 3600,
            max_waiting: 1000,
            max_filters: 256,
            max_in_flight: 256,
            drain_deadline: Duration::from_secs(5),
        }
    }
}
