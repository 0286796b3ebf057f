//! What happens to messages after they were sent, and what is asked about them.

use super::{deliver::Deliver, schema::message};

message! {
    /// What few entries have beside what they say.
    pub struct Marks {
        /// Why there is nothing to see, for kind gone: 1 recalled, 2 deleted for the receiver.
        gone: u32 [uint32] = 1,
        /// When it was last edited, in milliseconds since 1970-01-01T00:00:00Z.
        edited: Option<i64> [optional, int64] = 2,
        /// Reactions that stand, in the order in which each first came. Absent in DELIVER.
        reactions: Vec<Reaction> [message, repeated] (Reaction) = 3,
        /// It is pinned.
        pinned: bool [bool] = 4,
        /// It calls everybody.
        mentions_all: bool [bool] = 5,
        /// Where it was first said, if it was forwarded.
        origin: Option<Origin> [message, optional] (Origin) = 6,
    }

    /// One reaction.
    pub struct Reaction {
        /// What.
        reaction: String [string] = 1,
        /// How many gave it.
        count: u32 [uint32] = 2,
        /// Whether the receiver did.
        mine: bool [bool] = 3,
    }

    /// Who first said what was forwarded.
    pub struct Origin {
        /// Who.
        sender: String [string] = 1,
        /// When, in milliseconds since 1970-01-01T00:00:00Z.
        ts: i64 [int64] = 2,
    }

    /// A message that stands in the log.
    pub struct Target {
        /// Its seq.
        seq: u64 [uint64] = 1,
    }

    /// What a message says now.
    pub struct Edit {
        /// Its seq.
        seq: u64 [uint64] = 1,
        /// Its kind (see *Kinds*); 0: it can no longer be seen.
        kind: u32 [uint32] = 2,
        /// The text, or the JSON of other kinds.
        body: String [string] = 3,
        /// Users that are called by name.
        mentions: Vec<String> [string, repeated] = 4,
    }

    /// A reaction, given or taken back.
    pub struct React {
        /// The message's seq.
        seq: u64 [uint64] = 1,
        /// What: at most 64 bytes.
        reaction: String [string] = 2,
        /// Whether it stands.
        on: bool [bool] = 3,
    }

    /// A pin, set or taken off.
    pub struct Pin {
        /// The message's seq.
        seq: u64 [uint64] = 1,
        /// Whether it is pinned.
        on: bool [bool] = 2,
    }

    /// A message in a conversation.
    pub struct Source {
        /// The conversation, from the sender's side.
        at: String [string] = 1,
        /// The message's seq.
        seq: u64 [uint64] = 2,
    }

    /// Takes a message back.
    pub struct RecallCall {
        /// 16 bytes, a UUIDv7.
        client_id: Vec<u8> [bytes = "vec"] = 1,
        /// Which message.
        of: Option<Source> [message, optional] (Source) = 2,
    }

    /// Puts other words into a message of the caller's own.
    pub struct EditCall {
        /// 16 bytes, a UUIDv7.
        client_id: Vec<u8> [bytes = "vec"] = 1,
        /// The conversation.
        at: String [string] = 2,
        /// Which message, and what it says from now on; 0 as its kind: text.
        edit: Option<Edit> [message, optional] (Edit) = 3,
    }

    /// Gives a reaction, or takes it back.
    pub struct ReactCall {
        /// 16 bytes, a UUIDv7.
        client_id: Vec<u8> [bytes = "vec"] = 1,
        /// The conversation.
        at: String [string] = 2,
        /// To which message, and what.
        react: Option<React> [message, optional] (React) = 3,
    }

    /// Pins a message for everybody, or takes the pin off.
    pub struct PinCall {
        /// 16 bytes, a UUIDv7.
        client_id: Vec<u8> [bytes = "vec"] = 1,
        /// The conversation.
        at: String [string] = 2,
        /// Which message.
        pin: Option<Pin> [message, optional] (Pin) = 3,
    }

    /// Changes how the caller keeps a conversation. What is absent stays.
    pub struct KeepCall {
        /// The conversation.
        at: String [string] = 1,
        /// Until when nothing rings, in milliseconds since 1970-01-01T00:00:00Z.
        muted_until: Option<i64> [optional, int64] = 2,
        /// Whether it stands at the top of the list.
        pinned: Option<bool> [optional, bool] = 3,
        /// Whether it is left out of the list until the next message.
        hidden: Option<bool> [optional, bool] = 4,
    }

    /// Who reacted to a message, by reaction and name.
    pub struct ReactorsCall {
        /// The conversation.
        at: String [string] = 1,
        /// The message's seq.
        seq: u64 [uint64] = 2,
        /// Continue after this one.
        after: Option<Reactor> [message, optional] (Reactor) = 3,
        /// At most so many; 0: as the server likes.
        limit: u32 [uint32] = 4,
    }

    /// A conversation's pinned messages, the latest pin first.
    pub struct PinsCall {
        /// The conversation.
        at: String [string] = 1,
    }

    /// Messages that hold all the words, newest first.
    pub struct SearchCall {
        /// The words: 1 to 16 of them, at most 512 bytes.
        query: String [string] = 1,
        /// Only in this conversation; empty: in all.
        at: String [string] = 2,
        /// Only messages before this global id; 0: all.
        before: u64 [fixed64] = 3,
        /// At most so many; 0: as the server likes.
        limit: u32 [uint32] = 4,
    }

    /// One reaction of one user.
    pub struct Reactor {
        /// What.
        reaction: String [string] = 1,
        /// Who.
        user: String [string] = 2,
    }

    /// Part of the list of who reacted.
    pub struct Reactors {
        /// By reaction, then by name.
        reactors: Vec<Reactor> [message, repeated] (Reactor) = 1,
        /// Another page follows: ask for those after the last one.
        more: bool [bool] = 2,
    }

    /// What is pinned.
    pub struct Pins {
        /// The latest pin first.
        entries: Vec<Deliver> [message, repeated] (Deliver) = 1,
        /// This answer did not fit into one frame and goes on in the next one with the same id.
        partial: bool [bool] = 2,
    }

    /// Who of a message's other members has it.
    pub struct Receipts {
        /// How many could: everyone who may see it but its sender.
        members: u32 [uint32] = 1,
        /// Who has it on some device.
        delivered: Vec<String> [string, repeated] = 2,
        /// Who has read it.
        read: Vec<String> [string, repeated] = 3,
    }

    /// What was found.
    pub struct Found {
        /// Newest first.
        hits: Vec<Hit> [message, repeated] (Hit) = 1,
        /// What `before` continues from; 0: nothing more. A page may be short and not the last.
        next: u64 [fixed64] = 2,
        /// This answer did not fit into one frame and goes on in the next one with the same id.
        partial: bool [bool] = 3,
    }

    /// A message that was found.
    pub struct Hit {
        /// Its conversation, from the receiver's side.
        at: String [string] = 1,
        /// The message.
        entry: Option<Deliver> [message, optional] (Deliver) = 2,
        /// The part of its text around the words, in pieces.
        snippet: Vec<Piece> [message, repeated] (Piece) = 3,
    }

    /// A piece of a snippet.
    pub struct Piece {
        /// The text.
        text: String [string] = 1,
        /// Whether it is what was looked for.
        hit: bool [bool] = 2,
    }

    /// How a user keeps a conversation.
    pub struct Keep {
        /// Until when nothing rings, in milliseconds since 1970-01-01T00:00:00Z; 0: it does.
        muted_until: i64 [int64] = 1,
        /// Whether it stands at the top of the list.
        pinned: bool [bool] = 2,
        /// Whether it is left out of the list. The next message brings it back.
        hidden: bool [bool] = 3,
        /// Nothing up to this seq is shown any more.
        cleared: u64 [uint64] = 4,
    }

    /// Another of the user's devices has changed how they keep a conversation.
    pub struct Kept {
        /// The conversation's number.
        conv: u64 [uint64] = 1,
        /// The conversation from the receiver's side.
        at: String [string] = 2,
        /// How it is kept now.
        keep: Option<Keep> [message, optional] (Keep) = 3,
        /// The message that was deleted for the user, if that is what happened; 0: none.
        deleted: u64 [uint64] = 4,
    }
}
