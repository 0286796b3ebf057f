//! DELIVERACK: the device has it.

use super::schema::message;

message! {
    /// The device has kept everything of a conversation up to `seq`. Cumulative; never answered.
    pub struct DeliverAck {
        /// The conversation's number.
        conv: u64 [uint64] = 1,
        /// The highest seq below which nothing is missing.
        seq: u64 [uint64] = 2,
    }
}
