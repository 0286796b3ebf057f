//! What a conversation's log is made of.

use bytes::Bytes;

use crate::{
    entry::{Gone, Marks},
    event::Protocol,
    group::{GroupRole, PolicyPatch, ProfilePatch},
    id::{ClientId, ConvId, DeviceId, MessageId, Millis, Ord64, Seq, UserId},
    name::UserName,
};

/// One entry of a conversation's log, as it was committed. Immutable; shared as `Arc<Message>`.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// The log it stands in.
    pub conv: ConvId,
    /// Its place there.
    pub seq: Seq,
    /// How many messages (events aside) the log has up to and including this entry.
    pub ord: Ord64,
    /// Its global id.
    pub id: MessageId,
    /// Who sent it, or caused the event.
    pub sender: Sender,
    /// The id its sender chose.
    pub client_id: ClientId,
    /// When it was stored.
    pub ts: Millis,
    /// What it says.
    pub content: Content,
    /// The entry it answers, always a lower seq of the same log.
    pub reply_to: Option<Seq>,
    /// Members it calls by name.
    pub mentions: Vec<UserName>,
    /// What only clients of one protocol understand, passed on byte for byte.
    pub payload: Option<Payload>,
    /// What else there is to it, for the few that have something.
    pub marks: Option<Box<Marks>>,
}

/// The author of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// Key.
    pub user: UserId,
    /// Name.
    pub name: UserName,
    /// The device it was sent from; that device learns of it by its answer, not by delivery.
    pub device: DeviceId,
}

/// What an entry says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Plain text.
    Text(Box<str>),
    /// A picture: a JSON object such as `{"url":…,"width":…}`, kept as it was sent.
    Image(Box<str>),
    /// A file: a JSON object, kept as it was sent.
    File(Box<str>),
    /// Whatever the app means by it: any JSON value, kept as it was sent.
    Custom(Box<str>),
    /// Something that happened in the conversation. Only the server writes these.
    Event(LogEvent),
    /// Nothing that the viewer may see any more.
    Gone(Gone),
}

/// The kind of a [`Content`], as every protocol names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `text`
    Text,
    /// `image`
    Image,
    /// `file`
    File,
    /// `custom`
    Custom,
    /// `event`
    Event,
    /// `gone`
    Gone,
}

impl Kind {
    /// Every kind with its name and the small number that stands for it in stores and frames.
    pub const TABLE: [(Self, &'static str, u8); 6] = [
        (Self::Text, "text", 1),
        (Self::Image, "image", 2),
        (Self::File, "file", 3),
        (Self::Custom, "custom", 4),
        (Self::Event, "event", 5),
        (Self::Gone, "gone", 6),
    ];

    /// The name of this kind.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::TABLE.iter().find(|row| row.0 == self).map_or("", |row| row.1)
    }

    /// The number of this kind.
    #[must_use]
    pub fn number(self) -> u8 {
        Self::TABLE.iter().find(|row| row.0 == self).map_or(0, |row| row.2)
    }

    /// The kind with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::TABLE.iter().find(|row| row.1 == name).map(|row| row.0)
    }

    /// The kind with this number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::TABLE.iter().find(|row| row.2 == number).map(|row| row.0)
    }
}

impl Content {
    /// Which kind this is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Text(_) => Kind::Text,
            Self::Image(_) => Kind::Image,
            Self::File(_) => Kind::File,
            Self::Custom(_) => Kind::Custom,
            Self::Event(_) => Kind::Event,
            Self::Gone(_) => Kind::Gone,
        }
    }

    /// The text or JSON that a user sent; `None` for events and for what is gone.
    #[must_use]
    pub fn body(&self) -> Option<&str> {
        match self {
            Self::Text(body) | Self::Image(body) | Self::File(body) | Self::Custom(body) => {
                Some(body)
            }
            Self::Event(_) | Self::Gone(_) => None,
        }
    }

    /// Content of a kind that users may send, with its body.
    #[must_use]
    pub fn user_sent(kind: Kind, body: Box<str>) -> Option<Self> {
        Some(match kind {
            Kind::Text => Self::Text(body),
            Kind::Image => Self::Image(body),
            Kind::File => Self::File(body),
            Kind::Custom => Self::Custom(body),
            Kind::Event | Kind::Gone => return None,
        })
    }
}

/// Something that happened in a conversation. It takes a seq like a message, and so reaches
/// every device the same way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogEvent {
    /// The group was made, with these first members.
    Created {
        /// Everyone in it, the owner first.
        members: Vec<(UserName, GroupRole)>,
    },
    /// These came in, or changed their standing.
    Joined {
        /// Who, and as what.
        members: Vec<(UserName, GroupRole)>,
    },
    /// These were taken out, or left when the only name is the sender's.
    Removed {
        /// Who.
        members: Vec<UserName>,
    },
    /// The group says something else of itself: what changed.
    Profile(ProfilePatch),
    /// Others may do other things: what changed.
    Policy(PolicyPatch),
    /// Someone may not write for a time, or may again.
    Muted {
        /// Who.
        user: UserName,
        /// Until when; a time past: they may write.
        until: Millis,
    },
    /// The group has ended. Its last entry.
    Dissolved,
    /// A message was taken back; its body is gone everywhere.
    Recalled {
        /// Which.
        seq: Seq,
    },
    /// A message says something else now.
    Edited {
        /// Which.
        seq: Seq,
        /// What it says now, which may be by a later edit; `None` when it was taken back since,
        /// or is not the viewer's to see.
        content: Option<Box<Content>>,
        /// Members it calls by name now.
        mentions: Vec<UserName>,
    },
    /// A reaction was given, or taken back.
    Reacted {
        /// To which message.
        seq: Seq,
        /// What.
        reaction: Box<str>,
        /// Whether it stands.
        on: bool,
    },
    /// A message was pinned, or its pin was taken off.
    Pinned {
        /// Which.
        seq: Seq,
        /// Whether it is pinned.
        on: bool,
    },
}

/// Bytes that only one protocol's clients understand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// Whose bytes they are.
    pub protocol: Protocol,
    /// The bytes.
    pub bytes: Bytes,
}
