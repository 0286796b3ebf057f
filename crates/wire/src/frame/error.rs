//! ERROR: something cannot be done.

use super::schema::message;

message! {
    /// A request was refused, or the link was. With `id` 0 it is the link that is at fault, and
    /// it closes; for a HELLO on an open link it stays as it is.
    pub struct Error {
        /// Why (see *Error codes*).
        code: u32 [uint32] = 1,
        /// The same for people.
        reason: String [string] = 2,
        /// The id of the SEND, SYNC or REQUEST; 0: none of them.
        id: u32 [uint32] = 3,
        /// For codes that may be tried again: no earlier than in so many milliseconds.
        retry_after_ms: u32 [uint32] = 4,
        /// For `muted`: until when, in ms since 1970.
        until_ms: i64 [int64] = 5,
    }
}
