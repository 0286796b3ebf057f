//! RESUME: the first frame of a link that comes back.

use super::schema::message;

message! {
    /// Opens a link with the ticket of an earlier WELCOME: one round trip, on any server of the
    /// cluster, without a password hash. Otherwise as HELLO.
    #[prost(skip_debug)]
    pub struct Resume {
        /// The ticket of the last WELCOME.
        ticket: String [string] = 1,
        /// As in HELLO.
        min_version: u32 [uint32] = 2,
        /// As in HELLO.
        max_version: u32 [uint32] = 3,
        /// As in HELLO.
        capabilities: Vec<String> [string, repeated] = 4,
        /// As in HELLO.
        since: Option<u64> [optional, uint64] = 5,
        /// As in HELLO.
        credit: u32 [uint32] = 6,
        /// As in HELLO.
        heartbeat_ms: u32 [uint32] = 7,
        /// As in HELLO.
        client: String [string] = 8,
    }
}

impl std::fmt::Debug for Resume {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resume").field("since", &self.since).finish_non_exhaustive()
    }
}
