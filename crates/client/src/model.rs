//! What a client sees of the server's world. Names where the server has keys.

use anser_domain::{
    Address, ClientId, Content, ConvId, DeviceName, FileId, FileState, GroupKind, GroupName,
    GroupRole, Keep, Marks, MessageId, Millis, Ord64, Policy, Seq, SnippetPiece, SyncToken,
    UserName,
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

/// What this user may see of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: GroupName,
    /// Group or channel.
    pub kind: GroupKind,
    /// The name that people read; may be empty.
    pub title: String,
    /// What it is about; may be empty.
    pub description: String,
    /// Its picture; may be empty.
    pub avatar: String,
    /// What everybody should know now; empty for strangers.
    pub announcement: String,
    /// How many members it has.
    pub members: u32,
    /// When it was made.
    pub created: Millis,
    /// Who may do what.
    pub policy: Policy,
    /// This user's standing; `None` for who is not in it.
    pub role: Option<GroupRole>,
    /// This user may not write before this time; 0 when they may.
    pub muted: Millis,
}

/// An invitation into a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// To what.
    pub group: Group,
    /// Who invited this user.
    pub by: UserName,
    /// When.
    pub since: Millis,
    /// Until when it counts.
    pub until: Millis,
}

/// Messages that were found, newest first.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchPage {
    /// The messages.
    pub hits: Vec<Hit>,
    /// Where the search goes on, when it is not at its end. A page may be short and not the last.
    pub next: Option<MessageId>,
}

/// A message that was found. It says which conversation it is in as an address only.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// The message.
    pub message: Message,
    /// The part of its text around the words, in pieces: joined they are that part.
    pub snippet: Vec<SnippetPiece>,
}

/// What is known of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its id; `GET /v1/files/{id}` has the content.
    pub id: FileId,
    /// Whose it is.
    pub owner: UserName,
    /// Its name, made harmless.
    pub name: String,
    /// Its media type; what its owner says until it is ready.
    pub media: String,
    /// Its size in bytes.
    pub size: u64,
    /// How many of them the server has.
    pub received: u64,
    /// Of the content, once it is known.
    pub sha256: Option<[u8; 32]>,
    /// Width and height of a picture.
    pub picture: Option<(u32, u32)>,
    /// Whether there is a small form of it.
    pub thumbnail: bool,
    /// Whether everyone who is signed in may see it.
    pub public: bool,
    /// How far it is.
    pub state: FileState,
    /// When it was begun.
    pub created: Millis,
    /// When its content goes, if not only when its owner takes it away.
    pub expires: Option<Millis>,
}

/// Who this link turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The user.
    pub user: UserName,
    /// Which of the user's devices.
    pub device: DeviceName,
}
