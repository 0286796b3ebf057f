//! What an SM tells links of its own accord.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use crate::{
    address::Address,
    id::{ConvId, Seq, SyncToken},
    message::Message,
    messages::Kept,
    name::UserName,
};

/// Something a link should know. Cheap to clone: what is large is shared.
#[derive(Clone, Debug)]
pub enum Event {
    /// A log has grown by this entry. A hint: it passes only if it is the link's next.
    Message(Arc<Delivery>),
    /// A log has grown up to `head`; pull.
    Head {
        /// The conversation.
        conv: ConvId,
        /// The highest seq that the viewer may see.
        head: Seq,
    },
    /// Someone has received or read up to a place. The viewer's own name means that another of
    /// their devices has read.
    Receipt(Arc<Receipt>),
    /// Another device of the viewer's has changed how they keep a conversation.
    Kept(Arc<Kept>),
    /// Someone is typing, or has stopped.
    Typing(Arc<Typing>),
    /// Someone came or went.
    Presence(Arc<Presence>),
    /// Something of the viewer's own has changed: read it since the last token.
    Changed(Arc<Changed>),
}

/// How an event is treated when a link cannot keep up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventClass {
    /// A log grew: if it cannot be carried now, the link pulls later.
    Log,
    /// Worth telling, and told again at the next sync: dropped after ephemeral ones.
    State,
    /// Typing and presence: the first to be shed.
    Ephemeral,
}

impl Event {
    /// How this event is treated under pressure.
    #[must_use]
    pub fn class(&self) -> EventClass {
        match self {
            Self::Message(_) | Self::Head { .. } => EventClass::Log,
            Self::Receipt(_) | Self::Kept(_) | Self::Changed(_) => EventClass::State,
            Self::Typing(_) | Self::Presence(_) => EventClass::Ephemeral,
        }
    }
}

/// A log entry on its way to links that see the conversation under the same address.
#[derive(Debug)]
pub struct Delivery {
    /// The conversation, from the viewers' side.
    pub at: Address,
    /// The entry.
    pub message: Arc<Message>,
    /// The conversation's last change before this entry. To a link that had everything up to
    /// then, this entry is the next one, though it may not know where it stood. So most
    /// conversations wake without a read. [`SyncToken::NEVER`] when it is not known.
    pub prev: SyncToken,
    /// How many links get this very value. When it is one, a session encodes straight into its
    /// outbox; when it is more, the first one leaves its bytes in `encoded`.
    pub links: u32,
    /// Bytes of this delivery, encoded once per protocol.
    pub encoded: Encoded,
}

/// How far someone has received or read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The conversation.
    pub conv: ConvId,
    /// The conversation, from the viewer's side.
    pub at: Address,
    /// Who.
    pub user: UserName,
    /// `true`: has read; `false`: has it on some device.
    pub read: bool,
    /// Cumulative.
    pub seq: Seq,
}

/// Someone typing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typing {
    /// The conversation, from the viewer's side.
    pub at: Address,
    /// Who.
    pub user: UserName,
    /// Whether they are.
    pub active: bool,
}

/// Someone online or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presence {
    /// Who.
    pub user: UserName,
    /// Whether any of their devices is linked.
    pub online: bool,
}

/// A change of what is a user's own and is in no log. It says where to look and not what is there,
/// so that one that is lost costs nothing: `Welcome::personal` tells the next link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changed {
    /// What of theirs.
    pub subject: Subject,
    /// The change: a list asked for since an earlier token has it.
    pub at: SyncToken,
}

/// What a user has beside conversations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// Their friends.
    Friends,
    /// Friend requests, theirs and those to them.
    Requests,
    /// Whom they block.
    Blocks,
    /// Invitations into groups.
    Invitations,
    /// Their items.
    Items,
    /// Their profile.
    Profile,
}

/// The encodings that a delivery can have: one slot per protocol whose bytes are the same for
/// all its links.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// Our own.
    Native,
    /// MQTT 3.1 and 3.1.1.
    Mqtt3,
    /// MQTT 5.
    Mqtt5,
    /// XMPP.
    Xmpp,
}

/// Bytes encoded at most once per protocol, by whichever link needs them first.
#[derive(Debug, Default)]
pub struct Encoded {
    plain: [OnceLock<Bytes>; 4],
    compressed: OnceLock<Bytes>,
}

impl Encoded {
    /// The bytes for `protocol`, made by `encode` if nobody has made them yet.
    pub fn get(&self, protocol: Protocol, encode: impl FnOnce() -> Bytes) -> &Bytes {
        let [native, mqtt3, mqtt5, xmpp] = &self.plain;
        match protocol {
            Protocol::Native => native,
            Protocol::Mqtt3 => mqtt3,
            Protocol::Mqtt5 => mqtt5,
            Protocol::Xmpp => xmpp,
        }
        .get_or_init(encode)
    }

    /// The compressed bytes for links of the native protocol that can read them: all of them
    /// share one dictionary, so that a broadcast is compressed once.
    pub fn compressed(&self, encode: impl FnOnce() -> Bytes) -> &Bytes {
        self.compressed.get_or_init(encode)
    }
}
