//! What can be done to an entry of a log, and what it leaves on the entry.

use crate::{
    id::{Millis, Seq},
    message::Content,
    name::UserName,
};

/// Longest reaction, in bytes: an emoji of several people with their skins takes 35.
pub const MAX_REACTION: usize = 64;

/// Something done to a message that stands in the log. It is an entry of its own.
#[derive(Clone, Debug, PartialEq)]
pub enum EntryChange {
    /// Take it back: its body is gone for everybody, its place stays.
    Recall {
        /// Which.
        seq: Seq,
    },
    /// Put other words in its place.
    Edit {
        /// Which.
        seq: Seq,
        /// What it says from now on; of the kind that it was.
        content: Content,
        /// Members it calls by name from now on.
        mentions: Vec<UserName>,
    },
    /// React to it, or take a reaction back.
    React {
        /// Which.
        seq: Seq,
        /// An emoji, or whatever the app means by it: at most [`MAX_REACTION`] bytes.
        reaction: Box<str>,
        /// Whether it is to stand.
        on: bool,
    },
    /// Pin it for everybody, or take the pin off.
    Pin {
        /// Which.
        seq: Seq,
        /// Whether it is to be pinned.
        on: bool,
    },
}

impl EntryChange {
    /// The message that it is done to.
    #[must_use]
    pub fn seq(&self) -> Seq {
        match self {
            Self::Recall { seq }
            | Self::Edit { seq, .. }
            | Self::React { seq, .. }
            | Self::Pin { seq, .. } => *seq,
        }
    }
}

/// Why there is nothing to see at an entry's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Gone {
    /// It was taken back, for everybody.
    Recalled,
    /// It is not for this viewer: they deleted it for themselves, or what it says now came after
    /// they had left.
    Deleted,
}

impl Gone {
    /// Every reason with its name and the small number that stands for it in frames.
    pub const TABLE: [(Self, &'static str, u8); 2] =
        [(Self::Recalled, "recalled", 1), (Self::Deleted, "deleted", 2)];

    /// The name of this reason.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::TABLE.iter().find(|row| row.0 == self).map_or("", |row| row.1)
    }

    /// The number of this reason.
    #[must_use]
    pub fn number(self) -> u8 {
        Self::TABLE.iter().find(|row| row.0 == self).map_or(0, |row| row.2)
    }

    /// The reason with this number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::TABLE.iter().find(|row| row.2 == number).map(|row| row.0)
    }
}

/// What few messages have beside what they say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// When it was last edited.
    pub edited: Option<Millis>,
    /// Reactions that stand, in the order in which each first came.
    pub reactions: Vec<Reaction>,
    /// Whether it is pinned.
    pub pinned: bool,
    /// Whether it calls everybody.
    pub mentions_all: bool,
    /// Where it was first said, if it was forwarded.
    pub origin: Option<Origin>,
}

/// One reaction, and how many gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reaction {
    /// What.
    pub reaction: Box<str>,
    /// By how many.
    pub count: u32,
    /// Whether the viewer is one of them.
    pub mine: bool,
}

/// Who first said what was forwarded, and when; not where, which may not be the reader's to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Who.
    pub sender: UserName,
    /// When.
    pub ts: Millis,
}
