//! PAGE: part of a conversation's log.

use super::{deliver::Deliver, schema::message};

message! {
    /// Answers SYNC with `conv`.
    pub struct Page {
        /// The id of the SYNC.
        id: u32 [uint32] = 1,
        /// The entries.
        log: Option<Log> [message, optional] (Log) = 2,
    }

    /// Part of a conversation's log.
    pub struct Log {
        /// The conversation's number.
        conv: u64 [uint64] = 1,
        /// The conversation from the receiver's side.
        at: String [string] = 2,
        /// Entries, ascending by seq, without a gap.
        entries: Vec<Deliver> [message, repeated] (Deliver) = 3,
        /// The place that the page starts above.
        after: u64 [uint64] = 4,
        /// The highest seq that the receiver may see now.
        head: u64 [uint64] = 5,
        /// More follows in the direction of reading: ask again.
        more: bool [bool] = 6,
        /// This answer did not fit into one frame and goes on in the next one with the same id.
        partial: bool [bool] = 7,
    }
}
