//! CREDIT: the client is ready for more.

use super::schema::message;

message! {
    /// Allows further DELIVER frames. Means nothing on a link that began with credit 0.
    pub struct Credit {
        /// How many more.
        add: u32 [uint32] = 1,
    }
}
