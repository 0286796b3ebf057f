//! CHANGES: conversations that have changed.

use super::{deliver::Deliver, message::Keep, schema::message};

message! {
    /// Conversations that have changed. Follows WELCOME as often as needed, with id 0; answers
    /// SYNC without `conv`.
    pub struct Changes {
        /// The id of the SYNC; 0: part of the login.
        id: u32 [uint32] = 1,
        /// The conversations.
        set: Option<ChangeSet> [message, optional] (ChangeSet) = 2,
    }

    /// Conversations that have changed, oldest change first (in a list of conversations: newest
    /// first).
    pub struct ChangeSet {
        /// One row each.
        conversations: Vec<Conversation> [message, repeated] (Conversation) = 1,
        /// Where the next page starts. Not a sync token to keep: only SYNCED has those.
        token: u64 [uint64] = 2,
        /// Another page follows; behind WELCOME by itself, else when it is asked for.
        more: bool [bool] = 3,
        /// This page did not fit into one frame and goes on in the next CHANGES, or the next
        /// RESPONSE with the same id.
        partial: bool [bool] = 4,
    }

    /// A conversation as one of its members sees it.
    pub struct Conversation {
        /// Its number, good for this user for ever.
        conv: u64 [uint64] = 1,
        /// Its name from the receiver's side.
        at: String [string] = 2,
        /// What people read: a group's title, a peer's display name; may be empty.
        title: String [string] = 3,
        /// The highest seq that the receiver may see.
        head: u64 [uint64] = 4,
        /// The newest message that is not an event.
        last: Option<Deliver> [message, optional] (Deliver) = 5,
        /// How far the receiver's device has everything.
        delivered: u64 [uint64] = 6,
        /// How far the receiver has read.
        read: u64 [uint64] = 7,
        /// How far the other side of a direct conversation has it on some device.
        peer_delivered: u64 [uint64] = 8,
        /// How far the other side of a direct conversation has read.
        peer_read: u64 [uint64] = 9,
        /// Messages above `read`, events aside.
        unread: u64 [uint64] = 10,
        /// Whether the receiver is a member now.
        member: bool [bool] = 11,
        /// The change that put the row here: what `before` of a list continues from.
        changed: u64 [uint64] = 12,
        /// Messages above `read` that call the receiver, by name or with everybody.
        mentions: u64 [uint64] = 35,
        /// How the receiver keeps it.
        keep: Option<Keep> [message, optional] (Keep) = 36,
    }
}
