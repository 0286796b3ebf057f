//! What an SM answers.

use std::sync::Arc;

use crate::{
    account::{Actor, Profile, Secret, Tokens},
    address::Address,
    admin::AdminReply,
    file::FileReply,
    group::{Group, GroupReply, Member},
    id::{ConvId, MessageId, Millis, Ord64, Seq, SyncToken},
    message::Message,
    messages::{Keep, MessagesReply},
    name::{DeviceName, UserName},
    people::PeopleReply,
    push::PushReply,
    refusal::Refusal,
};

/// The answer to one [`Command`](crate::Command).
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// Done, with nothing to tell.
    Done,
    /// Not done, and why.
    Refused(Refusal),
    /// Stored for good.
    Sent(Sent),
    /// The link is the device's link now.
    Welcome(Box<Welcome>),
    /// Part of a log.
    Page(Box<Page>),
    /// Conversations that changed.
    Changes(Box<Changes>),
    /// Part of the conversation list.
    Conversations(Box<Changes>),
    /// About messages.
    Messages(MessagesReply),
    /// A group.
    Group(Box<Group>),
    /// Part of a member list.
    Members(Box<MemberPage>),
    /// What was asked about groups otherwise.
    Groups(Box<GroupReply>),
    /// A signed-in device.
    Tokens(Box<Tokens>),
    /// A user.
    User(Box<Profile>),
    /// Part of the list of users.
    Users(Vec<Profile>),
    /// The caller's devices.
    Devices(Vec<DeviceRecord>),
    /// About files.
    Files(FileReply),
    /// About notifications.
    Push(PushReply),
    /// What an administrator or an API key asked for.
    Admin(Box<AdminReply>),
    /// About people and one's own things.
    People(Box<PeopleReply>),
}

/// Where a send came to stand. A retry gets the first answer again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The conversation.
    pub conv: ConvId,
    /// Its place there.
    pub seq: Seq,
    /// Its global id.
    pub id: MessageId,
    /// When it was stored.
    pub ts: Millis,
    /// Whether this was a retry of what had been stored before.
    pub duplicate: bool,
    /// The conversation's last change before this entry. A link that had everything up to then
    /// has everything up to this entry now. [`SyncToken::NEVER`] for retries.
    pub prev: SyncToken,
}

/// The answer to a login.
#[derive(Clone, Debug, PartialEq)]
pub struct Welcome {
    /// Who this link is now.
    pub actor: Actor,
    /// Their name.
    pub user: UserName,
    /// Their device's name.
    pub device: DeviceName,
    /// For resuming in one round trip, on any CM.
    pub ticket: Secret,
    /// When the credential that was shown ends; the link must show another by then.
    pub until: Millis,
    /// First page of what changed since the client's token.
    pub changes: Changes,
    /// The newest change of what is the user's own beside conversations: friends, requests,
    /// blocks, invitations, items, profile. A device that has seen it need not ask.
    pub personal: SyncToken,
}

/// Conversations that changed, oldest change first (a list asked for by
/// `Conversations`: newest first), and where the next page starts.
#[derive(Clone, Debug, PartialEq)]
pub struct Changes {
    /// One row each.
    pub conversations: Vec<ConversationState>,
    /// Everything up to here is in this page or an earlier one.
    pub token: SyncToken,
    /// Whether another page follows.
    pub more: bool,
}

/// A conversation as one of its members sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct ConversationState {
    /// Key.
    pub conv: ConvId,
    /// Name, from the viewer's side.
    pub at: Address,
    /// What people read: a group's title, a peer's display name; may be empty.
    pub title: Box<str>,
    /// The highest seq that the viewer may see. For ex-members: where they left.
    pub head: Seq,
    /// The newest message that is not an event.
    pub last: Option<Arc<Message>>,
    /// How far the asking device has everything.
    pub delivered: Seq,
    /// How far the viewer has read.
    pub read: Seq,
    /// How far the other side of a direct conversation has it on some device.
    pub peer_delivered: Seq,
    /// How far the other side of a direct conversation has read.
    pub peer_read: Seq,
    /// Messages above `read`, events aside.
    pub unread: u64,
    /// Messages above `read` that call the viewer, by name or with everybody.
    pub mentions: u64,
    /// How the viewer keeps it.
    pub keep: Keep,
    /// Whether the viewer is a member now.
    pub member: bool,
    /// The change that put the row on this page.
    pub changed: SyncToken,
}

/// Part of a conversation's log, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// Key.
    pub conv: ConvId,
    /// Name, from the viewer's side.
    pub at: Address,
    /// Entries, ascending by seq and without a gap: a page ends where the viewer's membership
    /// did.
    pub messages: Vec<Arc<Message>>,
    /// The place this page starts above: `Pull::after`, or the device's cursor.
    pub after: Seq,
    /// The highest seq that the viewer may see now.
    pub head: Seq,
    /// Whether more follows in the direction of reading.
    pub more: bool,
}

/// Part of a member list, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberPage {
    /// Members.
    pub members: Vec<Member>,
    /// Whether another page follows.
    pub more: bool,
}

/// A device in its owner's eyes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceRecord {
    /// Its name.
    pub name: DeviceName,
    /// When it was made.
    pub created: Millis,
    /// When it last logged in.
    pub seen: Millis,
    /// Whether it has a link now.
    pub online: bool,
}

/// How many messages stand between two places: unread counts.
#[must_use]
pub fn unread(head: Ord64, read: Ord64) -> u64 {
    head.0.saturating_sub(read.0)
}
