//! What a user asks about messages beside reading and sending: their own view of a conversation,
//! who reacted, who has read, and search.

use std::sync::Arc;

use crate::{
    address::Address,
    id::{ConvId, MessageId, Millis, Seq},
    message::Message,
    name::UserName,
};

/// Questions about messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessagesCommand {
    /// Take a message out of the caller's own sight; others keep it → `Done`.
    Delete {
        /// The conversation.
        at: Address,
        /// Which.
        seq: Seq,
    },
    /// Take everything up to `seq` out of the caller's own sight → `Done`.
    Clear {
        /// The conversation.
        at: Address,
        /// Cumulative; lower than before changes nothing.
        seq: Seq,
    },
    /// Change how the caller keeps a conversation → `Done`.
    Keep {
        /// The conversation.
        at: Address,
        /// What changes.
        change: KeepChange,
    },
    /// Who reacted to a message, by reaction and name, a page → `Reactors`.
    Reactors {
        /// The conversation.
        at: Address,
        /// Which message.
        seq: Seq,
        /// Continue after this one.
        after: Option<Reactor>,
        /// At most so many.
        limit: u16,
    },
    /// The conversation's pinned messages, the latest pin first → `Pins`.
    Pins {
        /// The conversation.
        at: Address,
    },
    /// Who has a message and who has read it → `Receipts`.
    Receipts {
        /// The conversation.
        at: Address,
        /// Which message.
        seq: Seq,
    },
    /// Messages that hold some words, newest first → `SearchPage`.
    Search(Box<Search>),
}

/// Answers about messages.
#[derive(Clone, Debug, PartialEq)]
pub enum MessagesReply {
    /// Part of the list of who reacted.
    Reactors {
        /// By reaction, then by name.
        reactors: Vec<Reactor>,
        /// Whether another page follows.
        more: bool,
    },
    /// What is pinned.
    Pins(Vec<Arc<Message>>),
    /// Who has a message.
    Receipts(Box<Receipts>),
    /// What was found.
    Found(Box<SearchPage>),
}

/// How a user keeps a conversation: seen by nobody else, the same on all their devices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// Until when nothing rings; in the past or 0: it does.
    pub muted_until: Millis,
    /// Whether it stands at the top of the list.
    pub pinned: bool,
    /// Whether it is left out of the list. The next message brings it back.
    pub hidden: bool,
    /// Nothing up to here is shown any more.
    pub cleared: Seq,
}

impl Keep {
    /// Muted until somebody says otherwise.
    pub const FOR_EVER: Millis = Millis(i64::MAX);
}

/// A change of [`Keep`]; what is `None` stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeepChange {
    /// As in [`Keep`].
    pub muted_until: Option<Millis>,
    /// As in [`Keep`].
    pub pinned: Option<bool>,
    /// As in [`Keep`].
    pub hidden: Option<bool>,
}

/// The user's own view of a conversation has changed, by another of their devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The conversation.
    pub conv: ConvId,
    /// The conversation, from the user's side.
    pub at: Address,
    /// How it is kept now.
    pub keep: Keep,
    /// The message that was deleted for them, if that is what happened.
    pub deleted: Option<Seq>,
}

/// One reaction of one user.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reactor {
    /// What.
    pub reaction: Box<str>,
    /// Who.
    pub user: UserName,
}

/// Who of a message's other members has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipts {
    /// How many there are who could: everyone who may see it but its sender.
    pub members: u32,
    /// Who has it on some device, by name.
    pub delivered: Vec<UserName>,
    /// Who has read it, by name.
    pub read: Vec<UserName>,
}

/// What is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// The words: each has to stand in the message.
    pub query: Box<str>,
    /// Only in this conversation.
    pub at: Option<Address>,
    /// Only messages before this one.
    pub before: Option<MessageId>,
    /// At most so many.
    pub limit: u16,
}

/// What was found, newest first.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchPage {
    /// The messages.
    pub hits: Vec<Hit>,
    /// Where the search goes on, when it is not at its end. A page may be short and still not be
    /// the last: looking stops when enough has been looked at.
    pub next: Option<MessageId>,
}

/// A message that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// The conversation, from the viewer's side.
    pub at: Address,
    /// The message.
    pub message: Arc<Message>,
    /// The part of its text around the words, in pieces: joined they are that part.
    pub snippet: Vec<SnippetPiece>,
}

/// A piece of a snippet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnippetPiece {
    /// The text.
    pub text: Box<str>,
    /// Whether it is what was looked for.
    pub hit: bool,
}
