//! PONG: the other side is there.

use super::schema::message;

message! {
    /// Answers PING.
    pub struct Pong {
        /// As in the PING.
        nonce: u64 [uint64] = 1,
        /// From a server: the heartbeat interval that holds now, in milliseconds.
        heartbeat_ms: u32 [uint32] = 2,
    }
}
