//! SEND: a message to be stored and delivered.

use super::{message::Source, schema::message};

message! {
    /// Asks for a message to be stored. Answered by SENDACK once it is stored for good, or by
    /// ERROR with the same id.
    pub struct Send {
        /// The client's number for this request: not 0, and not that of another request that
        /// still waits.
        id: u32 [uint32] = 1,
        /// The conversation: `u:{user}` or `g:{group}`. A direct one begins with its first
        /// message.
        to: String [string] = 2,
        /// 16 bytes that make the message the only one of its kind: a UUIDv7, kept for every
        /// retry.
        client_id: Vec<u8> [bytes = "vec"] = 3,
        /// The kind (see *Kinds*); 0: text.
        kind: u32 [uint32] = 4,
        /// The text, or the JSON of other kinds. At most 64 KiB.
        body: String [string] = 5,
        /// The seq of the entry that this answers; 0: none.
        reply_to: u64 [uint64] = 6,
        /// Users that are called by name. At most 256.
        mentions: Vec<String> [string, repeated] = 7,
        /// Bytes for native clients only, passed on as they are. At most 64 KiB.
        payload: Vec<u8> [bytes = "vec"] = 8,
        /// It calls everybody in the group.
        mentions_all: bool [bool] = 9,
        /// The message whose content is sent on, instead of `kind` and `body`.
        forward: Option<Source> [message, optional] (Source) = 10,
    }
}
