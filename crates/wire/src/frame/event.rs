//! EVENT: what is worth knowing and is no log entry.

use super::{
    message::Kept,
    people::Changed,
    schema::{choice, message},
};

message! {
    /// Something to know that takes no place in a log. May be left out when a link cannot keep
    /// up. Clients send only `typing`.
    pub struct Event {
        ; what: Notice ["Notice" = "1, 2, 3, 4, 5, 35, 50"]
    }

    /// Someone has received or read up to a place.
    pub struct Receipt {
        /// The conversation's number.
        conv: u64 [uint64] = 1,
        /// The conversation from the receiver's side.
        at: String [string] = 2,
        /// Who. The receiver's own name: another of their devices has read.
        user: String [string] = 3,
        /// True: has read. False: has it on some device.
        read: bool [bool] = 4,
        /// Cumulative.
        seq: u64 [uint64] = 5,
    }

    /// Someone is typing, or has stopped.
    pub struct Typing {
        /// The conversation from the sender's or receiver's own side.
        at: String [string] = 1,
        /// Who; clients leave it out.
        user: String [string] = 2,
        /// Whether they are.
        active: bool [bool] = 3,
    }

    /// Someone came or went.
    pub struct Presence {
        /// Who.
        user: String [string] = 1,
        /// Whether any of their devices has a link.
        online: bool [bool] = 2,
    }

    /// A log has grown; its entries follow when the link has room for them.
    pub struct Head {
        /// The conversation's number.
        conv: u64 [uint64] = 1,
        /// The highest seq that the receiver may see.
        head: u64 [uint64] = 2,
    }

    /// The link's credential ends soon: show another with HELLO on this link.
    pub struct Expiring {
        /// In how many milliseconds.
        in_ms: u32 [uint32] = 1,
    }
}

choice! {
    /// What there is to know.
    pub enum Notice {
        /// Someone has received or read.
        receipt: Receipt(Receipt) = 1,
        /// Someone is typing.
        typing: Typing(Typing) = 2,
        /// Someone came or went.
        presence: Presence(Presence) = 3,
        /// A log has grown.
        head: Head(Head) = 4,
        /// The link's credential ends soon.
        expiring: Expiring(Expiring) = 5,
        /// Another of the receiver's devices has changed how they keep a conversation.
        kept: Kept(Kept) = 35,
        /// Something of the receiver's own has changed.
        changed: Changed(Changed) = 50,
    }
}
