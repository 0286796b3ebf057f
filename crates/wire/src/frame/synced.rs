//! SYNCED: nothing is missing.

use super::schema::message;

message! {
    /// Everything that the device had missed up to this token has been sent on this link before
    /// this frame. Keep the token once all of it is kept, and show it as `since` next time.
    pub struct Synced {
        /// The sync token.
        token: u64 [uint64] = 1,
    }
}
