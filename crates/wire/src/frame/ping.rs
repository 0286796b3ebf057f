//! PING: is the other side there?

use super::schema::message;

message! {
    /// Asks for a PONG.
    pub struct Ping {
        /// Comes back in the PONG.
        nonce: u64 [uint64] = 1,
        /// From a client: the heartbeat interval that it would like from now on, in
        /// milliseconds; 0: the one it has.
        heartbeat_ms: u32 [uint32] = 2,
    }
}
