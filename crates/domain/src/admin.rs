//! What administrators and apps' own backends ask: users, groups, webhooks, keys, the record of
//! who changed what.

use std::net::IpAddr;

use crate::{
    account::{Role, Secret},
    address::Address,
    command::{Change, HistoryRange, NewUser, Outgoing},
    id::{MessageId, Millis, SyncToken},
    name::{DeviceName, GroupName, UserName},
    notice::{Notice, Noticed},
};

/// A question of an administrator or of an API key.
#[derive(Clone, Debug, PartialEq)]
pub struct AdminCommand {
    /// Where it came from, for the record.
    pub address: Option<IpAddr>,
    /// What is asked.
    pub act: AdminAct,
}

/// What can be asked. The comment on each names its [`AdminReply`] where it has one of its own.
#[derive(Clone, Debug, PartialEq)]
pub enum AdminAct {
    // — users —
    /// A page of users whose name begins so → `Users`.
    Users {
        /// How the name begins; empty for everyone.
        prefix: Box<str>,
        /// Continue after this name.
        after: Option<UserName>,
        /// At most so many.
        limit: u16,
    },
    /// One user → `User`.
    User(UserName),
    /// Make a user → `User`.
    CreateUser(Box<NewUser>),
    /// Replace a user's display name → `Reply::Done`.
    SetDisplayName {
        /// Whose.
        user: UserName,
        /// The next one.
        name: Box<str>,
    },
    /// Set a user's password; all their sessions end → `Reply::Done`.
    SetPassword {
        /// Whose.
        user: UserName,
        /// The next one.
        password: Secret,
    },
    /// Set a user's standing → `Reply::Done`.
    SetRole {
        /// Whose.
        user: UserName,
        /// The next one.
        role: Role,
    },
    /// Shut a user out; all their sessions end → `Reply::Done`.
    Ban {
        /// Whom.
        user: UserName,
        /// Why, for administrators.
        reason: Box<str>,
        /// Until when; `None`: until they are let in.
        until: Option<Millis>,
    },
    /// Let a user in again → `Reply::Done`.
    Unban(UserName),
    /// A user's devices → `Reply::Devices`.
    Devices(UserName),
    /// End a user's sessions → `Reply::Done`.
    EndSessions {
        /// Whose.
        user: UserName,
        /// Only this device's.
        device: Option<DeviceName>,
    },

    /// Take everything personal off a user, for good; their name is never given again →
    /// `Reply::Done`.
    Anonymise {
        /// Whom.
        user: UserName,
        /// Whether what they wrote goes too; otherwise it stays, under a name that says nothing.
        scrub: bool,
    },

    // — groups and messages —
    /// A page of groups, by name → `Groups`.
    Groups {
        /// Continue after this name.
        after: Option<GroupName>,
        /// At most so many.
        limit: u16,
    },
    /// A page of a group's members → `Reply::Members`.
    Members {
        /// The group.
        group: GroupName,
        /// Continue after this name.
        after: Option<UserName>,
        /// At most so many.
        limit: u16,
    },
    /// Change a group in its owner's name → `Reply::Sent`.
    ChangeGroup(Box<Change>),
    /// Send in a user's name → `Reply::Sent`.
    SendAs {
        /// In whose.
        from: UserName,
        /// What.
        message: Box<Outgoing>,
    },
    /// Write to many in the server's own name → `Noticed`.
    Notice(Box<Notice>),
    /// Read a conversation as one of its users sees it → `Reply::Page`.
    ReadAs {
        /// As whom.
        user: UserName,
        /// The conversation, from their side.
        at: Address,
        /// Which part.
        range: HistoryRange,
    },
    /// Numbers → `Statistics`.
    Statistics,

    // — moving —
    /// A part of all that is kept, a record a line → `Exported`.
    Export {
        /// The `next` of the part before; empty for the first.
        after: Box<str>,
        /// At most so many lines.
        limit: u16,
    },
    /// Take lines in, in their order → `Imported`.
    Import(Vec<Box<str>>),

    // — webhooks —
    /// All webhooks → `Webhooks`.
    Webhooks,
    /// Make or change a webhook → `Webhook`.
    PutWebhook(Box<PutWebhook>),
    /// Forget a webhook → `Reply::Done`.
    RemoveWebhook(Box<str>),
    /// What a webhook's receiver did not take → `DeadLetters`.
    DeadLetters {
        /// The webhook.
        name: Box<str>,
        /// Continue after this event.
        after: MessageId,
        /// At most so many.
        limit: u16,
    },
    /// Try a dead letter once more, now → `Replayed`.
    ReplayDead {
        /// The webhook.
        name: Box<str>,
        /// The event.
        event: MessageId,
    },
    /// Tell everything after a place once more → `Reply::Done`.
    ReplaySince {
        /// The webhook.
        name: Box<str>,
        /// The place.
        since: MessageId,
    },

    // — keys and the record —
    /// All API keys → `Keys`.
    Keys,
    /// Make an API key → `NewKey`.
    MakeKey {
        /// What people call it.
        name: Box<str>,
        /// What it may do.
        scopes: Vec<Scope>,
        /// When it ends.
        expires: Option<Millis>,
    },
    /// Revoke an API key, at once → `Reply::Done`.
    RevokeKey(u64),
    /// Who changed what, newest first → `Audit`.
    Audit {
        /// Continue below this entry.
        before: Option<SyncToken>,
        /// At most so many.
        limit: u16,
    },
}

/// The answer to one [`AdminAct`].
#[derive(Clone, Debug, PartialEq)]
pub enum AdminReply {
    /// Part of the list of users.
    Users {
        /// By name.
        users: Vec<AdminUser>,
        /// Whether another page follows.
        more: bool,
    },
    /// A user.
    User(AdminUser),
    /// Part of the list of groups.
    Groups {
        /// By name.
        groups: Vec<AdminGroup>,
        /// Whether another page follows.
        more: bool,
    },
    /// What became of a notice.
    Noticed(Noticed),
    /// Numbers.
    Statistics(Statistics),
    /// Part of all that is kept.
    Exported {
        /// A record each.
        lines: Vec<Box<str>>,
        /// Behind which the next part begins; `None` at the end.
        next: Option<Box<str>>,
    },
    /// What became of each line.
    Imported(Vec<Landed>),
    /// All webhooks, by name.
    Webhooks(Vec<Webhook>),
    /// A webhook; its secret when it was just made.
    Webhook(Webhook, Option<Secret>),
    /// What was not taken, oldest first.
    DeadLetters {
        /// By event.
        letters: Vec<DeadLetter>,
        /// Whether another page follows.
        more: bool,
    },
    /// Whether the receiver took it this time; if not, why.
    Replayed(Option<Box<str>>),
    /// All API keys, oldest first.
    Keys(Vec<ApiKey>),
    /// A key that was just made, and the one chance to see it.
    NewKey(ApiKey, Secret),
    /// Part of the record.
    Audit {
        /// Newest first.
        entries: Vec<AuditEntry>,
        /// Whether another page follows.
        more: bool,
    },
}

/// What became of a line that was to be taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Landed {
    /// It is there now.
    New,
    /// It was there before.
    There,
    /// It is not taken, and why.
    Refused(Box<str>),
    /// The first line of an export, which names its format.
    Begun,
    /// The last line of an export, which says how many lines stand before it.
    Ended(u64),
}

/// A user in an administrator's eyes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminUser {
    /// The name that addresses them.
    pub name: UserName,
    /// The name that people read.
    pub display_name: Box<str>,
    /// Their standing.
    pub role: Role,
    /// Whether they are shut out.
    pub disabled: bool,
    /// Why and until when, if they were shut out with a reason.
    pub ban: Option<Ban>,
}

/// Why someone is shut out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ban {
    /// Why.
    pub reason: Box<str>,
    /// Until when; `None`: until they are let in.
    pub until: Option<Millis>,
    /// Since when.
    pub at: Millis,
}

/// A group in an administrator's eyes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminGroup {
    /// The name that addresses it.
    pub name: GroupName,
    /// The name that people read.
    pub title: Box<str>,
    /// Whose it is.
    pub owner: Option<UserName>,
    /// How many members it has.
    pub members: u64,
    /// When it was made.
    pub created: Millis,
}

/// Numbers about the whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Users there are.
    pub users: u64,
    /// Of those, shut out.
    pub disabled: u64,
    /// Users with a link now.
    pub online: u64,
    /// Groups there are.
    pub groups: u64,
    /// Conversations there are.
    pub conversations: u64,
    /// Log entries of the last 24 hours.
    pub entries_today: u64,
    /// Bytes the store takes.
    pub bytes: u64,
}

/// A webhook to be made or changed; what is `None` stays as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutWebhook {
    /// What it is known by.
    pub name: Box<str>,
    /// Where its receiver listens.
    pub url: Box<str>,
    /// What signatures are made with; a new webhook without gets one.
    pub secrets: Option<Vec<Secret>>,
    /// Which events, by name, `*` at the end standing for any rest; none: all.
    pub kinds: Vec<Box<str>>,
    /// Whether it is told.
    pub enabled: bool,
}

/// A webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// What it is known by.
    pub name: Box<str>,
    /// Where its receiver listens.
    pub url: Box<str>,
    /// Which events.
    pub kinds: Vec<Box<str>>,
    /// Whether it is told.
    pub enabled: bool,
    /// Everything up to here was told, or is a dead letter.
    pub place: MessageId,
    /// How many dead letters it has.
    pub dead: u64,
}

/// An event that a receiver did not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// The event.
    pub event: MessageId,
    /// Its kind's name.
    pub kind: Box<str>,
    /// How often it was tried.
    pub attempts: u32,
    /// Why it was given up.
    pub reason: Box<str>,
    /// When it was given up.
    pub at: Millis,
}

/// An API key, without what it proves itself with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Which.
    pub id: u64,
    /// What people call it.
    pub name: Box<str>,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// When it was made.
    pub created: Millis,
    /// When it ends.
    pub expires: Option<Millis>,
}

/// A change that an administrator or an API key made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Which; ascending.
    pub id: SyncToken,
    /// When.
    pub at: Millis,
    /// Who: `user:NAME` or `key:ID`.
    pub who: Box<str>,
    /// What, by name.
    pub what: Box<str>,
    /// Whom or what it was done to.
    pub whom: Box<str>,
    /// Where it came from.
    pub address: Option<IpAddr>,
}

macro_rules! scopes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $number:literal;)*) => {
        /// What an API key may do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Scope { $($(#[$doc])* $name,)* }

        impl Scope {
            /// Every scope with its name, and the number that stands for it in stores and frames.
            pub const TABLE: &[(Self, &'static str, u32)] = &[$((Self::$name, $text, $number)),*];
        }
    };
}

// 7 and 13 were `push:send` and `import`, which opened nothing. Their numbers are not given again.
scopes! {
    /// See users and their sessions.
    UsersRead = "users:read", 1;
    /// Make, change and shut out users, and end their sessions.
    UsersWrite = "users:write", 2;
    /// See groups.
    GroupsRead = "groups:read", 3;
    /// Change groups.
    GroupsWrite = "groups:write", 4;
    /// Read everyone's history.
    MessagesRead = "messages:read", 5;
    /// Send in a user's name.
    MessagesSendAs = "messages:send-as", 6;
    /// See and change webhooks, read and replay what was not taken.
    Webhooks = "webhooks", 8;
    /// See numbers.
    StatsRead = "stats:read", 9;
    /// Make and revoke keys.
    Keys = "keys", 10;
    /// Read the record of changes.
    AuditRead = "audit:read", 11;
    /// Write to everyone.
    Notices = "notices", 12;
    /// Read everything that is kept, credentials included.
    Export = "export", 14;
    /// Take in users and what they wrote.
    Import = "import", 15;
}

impl Scope {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::TABLE.iter().find(|row| row.0 == self).map_or("", |row| row.1)
    }

    /// Its number.
    #[must_use]
    pub fn number(self) -> u32 {
        Self::TABLE.iter().find(|row| row.0 == self).map_or(0, |row| row.2)
    }

    /// The scope of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::TABLE.iter().find(|row| row.1 == name).map(|row| row.0)
    }

    /// The scope of this number.
    #[must_use]
    pub fn from_number(number: u32) -> Option<Self> {
        Self::TABLE.iter().find(|row| row.2 == number).map(|row| row.0)
    }
}
