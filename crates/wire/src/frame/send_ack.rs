//! SENDACK: the message is stored for good.

use super::schema::message;

message! {
    /// Answers SEND: the message is durable and has its place in the log.
    pub struct SendAck {
        /// The id of the SEND.
        id: u32 [uint32] = 1,
        /// The conversation's number.
        conv: u64 [uint64] = 2,
        /// The message's place in the conversation's log.
        seq: u64 [uint64] = 3,
        /// The message's global id.
        message_id: u64 [fixed64] = 4,
        /// When it was stored, in milliseconds since 1970-01-01T00:00:00Z.
        ts: i64 [int64] = 5,
        /// The same client id had been stored before; this is where.
        duplicate: bool [bool] = 6,
    }
}
