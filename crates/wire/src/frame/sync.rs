//! SYNC: read on from a place.

use super::schema::message;

message! {
    /// Asks for what lies behind a place. With `conv`, entries of that conversation: answered by
    /// PAGE. Without, conversations that have changed: answered by CHANGES.
    pub struct Sync {
        /// The client's number for this request, as in SEND.
        id: u32 [uint32] = 1,
        /// The conversation's number; 0: none.
        conv: u64 [uint64] = 2,
        /// Entries above this seq.
        after: u64 [uint64] = 3,
        /// At most so many entries; 0: as the server likes.
        limit: u32 [uint32] = 4,
        /// Without `conv`: changes after this sync token.
        since: u64 [uint64] = 5,
    }
}
