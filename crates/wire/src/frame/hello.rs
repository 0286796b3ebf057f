//! HELLO: the first frame of a link that has a token.

use super::schema::message;

message! {
    /// Opens a link with an access token. On a link that is open already it only exchanges the
    /// credential: token and sync token count, the rest is not negotiated again.
    #[prost(skip_debug)]
    pub struct Hello {
        /// The access token of `POST /v1/auth/login`. It names the user and the device.
        token: String [string] = 1,
        /// The lowest protocol version that the client speaks.
        min_version: u32 [uint32] = 2,
        /// The highest protocol version that the client speaks.
        max_version: u32 [uint32] = 3,
        /// What the client can do beyond that version. Names the server does not know are
        /// passed over.
        capabilities: Vec<String> [string, repeated] = 4,
        /// The sync token of the last SYNCED, from which changes are wanted. Absent on a first
        /// login: from the beginning.
        since: Option<u64> [optional, uint64] = 5,
        /// How many DELIVER frames the server may send before the first CREDIT; 0: as many as
        /// it likes, and CREDIT is not used.
        credit: u32 [uint32] = 6,
        /// The heartbeat interval that the client would like, in milliseconds; 0: as the server
        /// likes.
        heartbeat_ms: u32 [uint32] = 7,
        /// What the client is, for people who read logs: `name/version`, at most 128 bytes.
        client: String [string] = 8,
    }
}

impl std::fmt::Debug for Hello {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hello").field("since", &self.since).finish_non_exhaustive()
    }
}
