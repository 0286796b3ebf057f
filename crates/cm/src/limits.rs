//! Every bound of the connection manager, with its reason (DESIGN promise 8).

use std::time::Duration;

/// Size of the one buffer per thread that all links of that thread are read into. As much as a
/// loopback socket hands over in one call; links own none of it.
pub(crate) const READ_BUFFER: usize = 64 * 1024;

/// Reads one link may do before others of its thread get their turn.
pub(crate) const READS_PER_POLL: u32 = 4;

/// How often the wheel turns. Deadlines are met up to this much late.
pub const TICK: Duration = Duration::from_millis(250);

/// Conversations whose place an idle link remembers; the others are loaded when they move.
pub(crate) const POSITIONS_IDLE: usize = 16;

/// Conversations whose place a busy link remembers at most. What comes on top is found again
/// by comparing heads.
pub(crate) const POSITIONS_BUSY: usize = 1024;

/// What the operator may set. The defaults serve a public listener.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Links at a time, those still shaking hands included. Ones beyond it are told to come
    /// back later.
    pub max_links: usize,
    /// From accepting a socket to a welcome: covers the TLS and WebSocket handshakes too.
    pub login_within: Duration,
    /// The longest frame that a session may ask to see whole, and the longest WebSocket
    /// message. Sessions set tighter bounds of their own.
    pub frame: usize,
    /// Bytes waiting for one peer. Above it nothing more is read from that peer, log entries
    /// wait in the log, and state events are dropped.
    pub mailbox: usize,
    /// Bytes waiting for one peer above which typing and presence are shed.
    pub shed_above: usize,
    /// Unanswered questions of one link, above which nothing more is read from it.
    pub unanswered: u32,
    /// Log entries asked for at once.
    pub page: u16,
    /// How long a closing link may take to accept its last bytes.
    pub linger: Duration,
    /// The same for a link that was evicted: promise 6 gives five seconds to all of it.
    pub evict_within: Duration,
    /// Over how long links are spread that compare heads after hints were lost. With the time
    /// to notice, this stays under the 20 s of promise 4.
    pub resync_within: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_links: 1_000_000,
            login_within: Duration::from_secs(10),
            frame: 1024 * 1024 + 64,
            mailbox: 256 * 1024,
            shed_above: 64 * 1024,
            unanswered: 1024,
            page: 100,
            linger: Duration::from_secs(5),
            evict_within: Duration::from_secs(2),
            resync_within: Duration::from_secs(8),
        }
    }
}
