//! What can be asked of an SM. One vocabulary for every protocol and for REST.

use crate::{
    account::{Credential, Role, Secret},
    address::Address,
    admin::AdminCommand,
    entry::EntryChange,
    file::FileCommand,
    group::{GroupChange, GroupCommand, GroupKind, GroupRole},
    id::{ClientId, ConvId, Seq, SyncToken},
    message::{Content, Payload},
    messages::MessagesCommand,
    name::{DeviceName, GroupName, UserName},
    people::PeopleCommand,
    push::PushCommand,
};

/// A question to the SM. The comment on each names its [`Reply`](crate::Reply); any may be
/// answered `Refused` instead.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    // — links: only a CM asks these —
    /// Make this link the device's link → `Welcome`.
    Login(Box<Login>),
    /// The link has closed. No reply.
    Unlink,
    /// Put the link's route back after routes or hints were lost → `Done`.
    Relink,
    /// Log entries for a link, from its device's cursor or a given place → `Page`.
    Pull(Pull),
    /// Conversations that changed after `since`, a page → `Changes`.
    Changes {
        /// Where the last page ended.
        since: SyncToken,
    },
    /// The device has everything of the conversation up to `seq`. No reply; coalesced.
    Delivered {
        /// The conversation.
        conv: ConvId,
        /// Cumulative.
        seq: Seq,
    },

    // — the log —
    /// Store a message and deliver it → `Sent`, after the commit.
    Send(Box<Outgoing>),
    /// Change a conversation otherwise than by a message → `Sent` (the log entry that says so).
    Change(Box<Change>),
    /// Read a conversation's log → `Page`.
    History {
        /// The conversation, from the caller's side.
        at: Address,
        /// Which part.
        range: HistoryRange,
    },
    /// The caller's conversations, most recently changed first → `Conversations`.
    Conversations {
        /// Continue after the page that ended here.
        before: Option<SyncToken>,
        /// At most so many.
        limit: u16,
    },
    /// The caller has read up to `seq` → `Done`.
    Read {
        /// The conversation.
        at: Address,
        /// Cumulative; lower than before changes nothing.
        seq: Seq,
    },
    /// The caller is typing, or has stopped. No reply; never stored.
    Typing {
        /// The conversation.
        at: Address,
        /// Whether they are.
        active: bool,
    },

    /// What else is asked about messages → `Messages`, or `Done`.
    Messages(MessagesCommand),

    // — groups —
    /// Make a group with the caller as its owner → `Sent` (its first log entry).
    CreateGroup(Box<NewGroup>),
    /// What the caller may see of a group → `Group`; `NotMember` where that is nothing.
    Group(GroupName),
    /// A page of members, by name → `Members`.
    Members {
        /// The group.
        group: GroupName,
        /// Continue after this name.
        after: Option<UserName>,
        /// At most so many.
        limit: u16,
    },

    // — files —
    /// About files → `Files`, or `Done` where there is nothing to tell.
    Files(FileCommand),
    /// Whatever else is asked about groups: invitations, requests, lists.
    Groups(Box<GroupCommand>),

    // — accounts —
    /// Check a password, make the device if it is new → `Tokens`.
    SignIn(Box<SignIn>),
    /// Exchange a refresh token for the next pair → `Tokens`.
    Refresh(Secret),
    /// End the caller's device session; its link closes → `Done`.
    SignOut,
    /// Replace the caller's password; every other session ends → `Done`.
    ChangePassword {
        /// The one so far.
        old: Secret,
        /// The next one.
        new: Secret,
    },
    /// The caller's own record → `User`.
    Me,
    /// Replace the caller's display name → `User`.
    SetDisplayName(Box<str>),
    /// Someone's profile → `User`.
    User(UserName),
    /// The caller's devices → `Devices`.
    Devices,
    /// End one of the caller's devices; its link closes within 5 s → `Done`.
    RemoveDevice(DeviceName),

    /// Ask about notifications of the caller's devices → as each says.
    Push(Box<PushCommand>),
    // — people —
    /// Friends, requests, blocks, items, profiles → `People`, unless it says otherwise.
    People(Box<PeopleCommand>),

    // — administration —
    /// Make a user → `User`.
    CreateUser(Box<NewUser>),
    /// A page of users, by name → `Users`.
    Users {
        /// Continue after this name.
        after: Option<UserName>,
        /// At most so many.
        limit: u16,
    },
    /// Set a user's password; all their sessions end → `Done`.
    SetPassword {
        /// Whose.
        user: UserName,
        /// The next one.
        password: Secret,
    },
    /// Disable or enable a user → `Done`.
    SetDisabled {
        /// Whom.
        user: UserName,
        /// Whether they are shut out.
        disabled: bool,
    },
    /// Whatever else administrators and API keys ask → as [`AdminAct`](crate::AdminAct) says.
    Admin(Box<AdminCommand>),
}

/// A link's login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The proof.
    pub credential: Credential,
    /// Where the client's last sync ended; `None` for a first login.
    pub since: Option<SyncToken>,
}

/// A message that someone wants stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Outgoing {
    /// Which conversation. A direct one comes into being with its first message.
    pub to: Address,
    /// The client's own id for this send.
    pub client_id: ClientId,
    /// What it says; never an event. Not looked at when it is forwarded.
    pub content: Content,
    /// The entry it answers.
    pub reply_to: Option<Seq>,
    /// Members it calls by name.
    pub mentions: Vec<UserName>,
    /// What only clients of one protocol understand.
    pub payload: Option<Payload>,
    /// Whether it calls everybody in the group.
    pub mentions_all: bool,
    /// The message whose content is sent on, as far as the caller can see it.
    pub forward: Option<Source>,
}

/// A message that is to be sent on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The conversation that it stands in, from the caller's side.
    pub at: Address,
    /// Its place there.
    pub seq: Seq,
}

/// The part of a log that a link wants next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pull {
    /// The conversation.
    pub conv: ConvId,
    /// Entries above this one; `None` means above the device's own cursor.
    pub after: Option<Seq>,
    /// At most so many.
    pub limit: u16,
}

/// The part of a log that someone wants to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HistoryRange {
    /// The newest `limit` entries, oldest of them first.
    Latest {
        /// At most so many.
        limit: u16,
    },
    /// The `limit` entries right below `seq`, oldest of them first.
    Before {
        /// Exclusive.
        seq: Seq,
        /// At most so many.
        limit: u16,
    },
    /// The `limit` entries right above `seq`.
    After {
        /// Exclusive.
        seq: Seq,
        /// At most so many.
        limit: u16,
    },
}

/// A group to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewGroup {
    /// The client's own id for this wish: a retry makes no second group.
    pub client_id: ClientId,
    /// Its address.
    pub name: GroupName,
    /// Group or channel.
    pub kind: GroupKind,
    /// The name that people read.
    pub title: Box<str>,
    /// First members beside the owner.
    pub members: Vec<UserName>,
}

/// A change of a conversation that is no message: it takes a place in the log all the same.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The client's own id for this wish.
    pub client_id: ClientId,
    /// Which conversation, from the caller's side.
    pub at: Address,
    /// What changes; all of it or nothing.
    pub act: Act,
}

/// What can be done to a conversation beside writing to it. Each theme is an enum of its own.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// Who is in a group, and as what.
    Members(MemberChange),
    /// What a group is, and who may do what in it.
    Group(GroupChange),
    /// What happens to a message.
    Entry(EntryChange),
}

/// How members change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemberChange {
    /// These come in with this standing, or get it.
    Put {
        /// Who.
        users: Vec<UserName>,
        /// As what. `Owner` hands the group over and takes exactly one user.
        role: GroupRole,
    },
    /// These are taken out; a caller who names only themselves leaves.
    Remove {
        /// Who.
        users: Vec<UserName>,
    },
}

/// A sign-in by password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIn {
    /// Who.
    pub user: UserName,
    /// The proof.
    pub password: Secret,
    /// Which of their devices; new ones are made.
    pub device: DeviceName,
}

/// A user to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewUser {
    /// Their address.
    pub name: UserName,
    /// Their first password.
    pub password: Secret,
    /// The name that people read.
    pub display_name: Box<str>,
    /// Their standing.
    pub role: Role,
}
