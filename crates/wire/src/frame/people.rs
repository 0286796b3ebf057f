//! People and their own things: what is asked, answered and told of them.

use super::schema::message;

message! {
    /// Something of the receiver's own has changed that stands in no log: read it since the
    /// token that was read last. WELCOME's `personal` tells the same to a link that was away.
    pub struct Changed {
        /// What (see *Subjects*).
        subject: u32 [uint32] = 1,
        /// The change, as a sync token.
        at: u64 [uint64] = 2,
    }
}
