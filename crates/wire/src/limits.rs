//! Every bound of the protocol, with its reason.

use std::time::Duration;

/// Longest text or JSON of a message, in bytes. A page of prose is 3 KiB; what is longer is a
/// file.
pub const MAX_BODY: usize = 64 << 10;
/// Longest payload for native clients, in bytes: an encrypted copy of a body fits.
pub const MAX_PAYLOAD: usize = 64 << 10;
/// Most users that one message calls by name: each is looked up.
pub const MAX_MENTIONS: usize = 256;
/// Most users that one call adds to a group or takes out of it: they become one log entry.
pub const MAX_MEMBERS: usize = 1000;
/// Longest name that people read, in bytes.
pub const MAX_TITLE: usize = 256;
/// Longest description of a client, in bytes.
pub const MAX_CLIENT: usize = 128;
/// Longest credential, in bytes: a signed token with room for claims.
pub const MAX_CREDENTIAL: usize = 4 << 10;
/// Most capabilities that a HELLO may name.
pub const MAX_CAPABILITIES: usize = 32;
/// Most entries or rows of one page. SM may give fewer.
pub const MAX_PAGE: u16 = 500;
/// Entries or rows of a page whose asker leaves it to the server: a screen or two.
pub const DEFAULT_PAGE: u16 = 50;
/// Most questions of one link that read pages — SYNC, and the calls `history`, `conversations`,
/// `members` and `devices` — and wait for their answers. Each costs the server up to a page of
/// work and memory; a client that shows one screen asks few at a time. What comes on top is
/// answered `busy` at once.
pub const MAX_READS: u8 = 8;
/// How long who asked too much at once should wait.
pub const READ_AGAIN: Duration = Duration::from_millis(100);
/// In each of so many seconds of the clock, a link's word that someone types, and its word that
/// they stopped, are passed on once: each goes to all members, and people see no more.
pub const TYPING_SECONDS: u32 = 1;

/// The bounds that an operator may move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest body, in bytes, as sent and once restored. Default 256 KiB: the longest message
    /// with its payload, its names and room for what comes. At least 192 KiB, so that every
    /// message that was taken can be delivered.
    pub max_frame: usize,
    /// Longest body before the login is done. Default 8 KiB: a credential fits, and nobody
    /// unknown makes the server hold more.
    pub max_login_frame: usize,
    /// How long a link may take from its opening to its HELLO, and from there to WELCOME.
    /// Default 10 s.
    pub login_deadline: Duration,
    /// The heartbeat interval of clients that have no wish. Default 60 s: below the shortest
    /// idle timeouts of common NATs.
    pub heartbeat: Duration,
    /// The shortest interval that a client may have. Default 10 s: what a phone on a bad
    /// network needs, and no more traffic than that.
    pub heartbeat_min: Duration,
    /// The longest interval that a client may have. Default 30 min: a phone asleep on a network
    /// that keeps its link.
    pub heartbeat_max: Duration,
    /// How many requests of one link may wait for their answers before reading pauses. Default
    /// 256: a window large enough for any round trip, small enough to be fair. In a WebSocket
    /// message, which is taken whole, only messages to be stored go beyond it.
    pub max_in_flight: u32,
    /// How long before its end a credential is asked for anew. Default 60 s.
    pub expiry_notice: Duration,
    /// How long a draining link may wait for its answers. Default 5 s: above any commit.
    pub drain_deadline: Duration,
    /// Bodies from this length on are compressed, for clients that can read it. Default 512
    /// bytes: below, a packet is not saved and time is spent.
    pub compress_from: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_frame: 256 << 10,
            max_login_frame: 8 << 10,
            login_deadline: Duration::from_secs(10),
            heartbeat: Duration::from_secs(60),
            heartbeat_min: Duration::from_secs(10),
            heartbeat_max: Duration::from_secs(30 * 60),
            max_in_flight: 256,
            expiry_notice: Duration::from_secs(60),
            drain_deadline: Duration::from_secs(5),
            compress_from: 512,
        }
    }
}
