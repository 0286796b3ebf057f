//! What a client sees of the server's world. Names where the server has keys.

use anser_domain::{
    Address, ClientId, Content, ConvId, DeviceName, GroupRole, Keep, Marks, MessageId, Millis,
    Ord64, Seq, SyncToken, UserName,
};
use bytes::Bytes;

/// One entry of a conversation's log.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// The conversation's number, the same for this user for ever.
    pub conv: ConvId,
    /// The conversation from this user's side.
    pub at: Address,
    /// Its place in the conversation's log.
    pub seq: Seq,
    /// How many messages, events aside, the log has up to here.
    pub ord: Ord64,
    /// Its global id.
    pub id: MessageId,
    /// Who sent it, or caused the event.
    pub sender: UserName,
    /// The id that its sender chose.
    pub client_id: ClientId,
    /// When it was stored.
    pub ts: Millis,
    /// What it says.
    pub content: Content,
    /// The entry it answers.
    pub reply_to: Option<Seq>,
    /// Users it calls by name.
    pub mentions: Vec<UserName>,
    /// Bytes for native clients only; empty when there are none.
    pub payload: Bytes,
    /// What else there is to it, for the few that have something.
    pub marks: Option<Box<Marks>>,
}

/// A conversation as this user sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Conversation {
    /// Its number.
    pub conv: ConvId,
    /// Its name from this user's side.
    pub at: Address,
    /// What people read: a group's title, a peer's display name; may be empty.
    pub title: String,
    /// The highest seq that this user may see.
    pub head: Seq,
    /// The newest message that is not an event.
    pub last: Option<Message>,
    /// How far this device has everything.
    pub delivered: Seq,
    /// How far this user has read.
    pub read: Seq,
    /// How far the other side of a direct conversation has it on some device.
    pub peer_delivered: Seq,
    /// How far the other side of a direct conversation has read.
    pub peer_read: Seq,
    /// Messages above `read`, events aside.
    pub unread: u64,
    /// Messages above `read` that call this user, by name or with everybody.
    pub mentions: u64,
    /// How this user keeps it.
    pub keep: Keep,
    /// Whether this user is a member now.
    pub member: bool,
}

/// Part of the conversation list.
#[derive(Clone, Debug, PartialEq)]
pub struct ConversationPage {
    /// Most recently changed first.
    pub conversations: Vec<Conversation>,
    /// Where the next page continues, if there is one.
    pub next: Option<SyncToken>,
}

/// Part of a conversation's log, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// The conversation's number.
    pub conv: ConvId,
    /// The conversation from this user's side.
    pub at: Address,
    /// Entries, ascending.
    pub messages: Vec<Message>,
    /// The highest seq that this user may see now.
    pub head: Seq,
    /// Whether more follows in the direction of reading.
    pub more: bool,
}

/// Which part of a log to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// The newest entries.
    Latest,
    /// Those right below this place.
    Before(Seq),
    /// Those right above this place.
    After(Seq),
}

/// Where a send came to stand: it is stored for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The conversation's number.
    pub conv: ConvId,
    /// Its place in the log.
    pub seq: Seq,
    /// Its global id.
    pub id: MessageId,
    /// When it was stored.
    pub ts: Millis,
    /// Whether an earlier attempt had stored it.
    pub duplicate: bool,
}

/// A group as its members see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// The name that people read; may be empty.
    pub title: String,
    /// How many members it has.
    pub members: u32,
    /// This user's standing, if the server names one that is known here.
    pub role: Option<GroupRole>,
}

/// Who this link turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The user.
    pub user: UserName,
    /// Which of the user's devices.
    pub device: DeviceName,
}
