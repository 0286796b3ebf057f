//! WELCOME: the link is the device's link now.

use super::{changes::ChangeSet, schema::message};

message! {
    /// Answers HELLO and RESUME.
    #[prost(skip_debug)]
    pub struct Welcome {
        /// The protocol version that the link speaks from here on.
        version: u32 [uint32] = 1,
        /// Whose link this is.
        user: String [string] = 2,
        /// Which of the user's devices.
        device: String [string] = 3,
        /// For RESUME. Keep the latest, as secret as a password.
        ticket: String [string] = 4,
        /// The server's wall clock, in milliseconds since 1970-01-01T00:00:00Z.
        server_time: i64 [int64] = 5,
        /// When the credential that was shown ends, on that clock. Show another before.
        expires: i64 [int64] = 6,
        /// The heartbeat interval in milliseconds: send something at least this often.
        heartbeat_ms: u32 [uint32] = 7,
        /// The longest body that either side may send, in bytes, before and after
        /// decompression.
        max_frame: u32 [uint32] = 8,
        /// How many SEND, SYNC and REQUEST frames may wait for their answers; above it the
        /// server stops reading for a while.
        max_in_flight: u32 [uint32] = 9,
        /// Those of the client's capabilities that hold on this link.
        capabilities: Vec<String> [string, repeated] = 10,
        /// The first page of what has changed since `since`. Further pages follow as CHANGES.
        changes: Option<ChangeSet> [message, optional] (ChangeSet) = 11,
        /// The newest change of what is the user's own beside conversations. A client that keeps
        /// its friends, requests, blocks, invitations, items or profile asks for them since the
        /// token that it read last, if this one is later.
        personal: u64 [uint64] = 12,
    }
}

impl std::fmt::Debug for Welcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Welcome")
            .field("user", &self.user)
            .field("device", &self.device)
            .finish_non_exhaustive()
    }
}
