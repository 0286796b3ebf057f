//! Following everything that happens: one order over all conversations and accounts, read by
//! whoever tells others of it.
//!
//! The log is its own outbox: no row is written per message. What is no log entry (a user made,
//! a device linked, a file uploaded) is a [`Fact`], whose id is of the same ascending sequence.

use std::{sync::Arc, time::Duration};

use anser_domain::{Message, MessageId, Millis, UserId, UserName};
use async_trait::async_trait;

use super::{log::Acl, store::StoreError};

/// An id holds the time of its making, in milliseconds, above this many bits that count within
/// the millisecond: 41 bits of time would end in 2039, 42 end in 2109.
pub const ID_COUNTER_BITS: u32 = 21;

/// Part of everything that happened, in the order of the commits.
#[derive(Clone, Debug)]
pub struct Tail {
    /// Oldest first.
    pub items: Vec<Happened>,
    /// Everything up to here is in this part or an earlier one: where the next one starts.
    pub up_to: MessageId,
    /// Whether more is there already.
    pub more: bool,
}

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Happened {
    /// An entry of a conversation's log.
    Entry {
        /// The entry.
        message: Arc<Message>,
        /// The members as of this reading, which may be later than the entry: whoever came in
        /// since is among them, whoever was taken out is not.
        acl: Arc<Acl>,
    },
    /// Something that is no log entry.
    Fact(Fact),
}

impl Happened {
    /// Its place in the order.
    #[must_use]
    pub fn id(&self) -> MessageId {
        match self {
            Self::Entry { message, .. } => message.id,
            Self::Fact(fact) => fact.id,
        }
    }
}

/// Something that happened outside the logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// Its place in the order; ids of messages and of facts are never equal.
    pub id: MessageId,
    /// When.
    pub at: Millis,
    /// What.
    pub kind: FactKind,
    /// Whom it is about.
    pub user: UserName,
    /// The rest, a JSON object.
    pub data: Box<str>,
}

macro_rules! fact_kinds {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $number:literal;)*) => {
        /// What a [`Fact`] tells. The table is the one place that knows names and numbers.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum FactKind { $($(#[$doc])* $name,)* }

        impl FactKind {
            /// Every kind, with the name that receivers see and the number that is kept.
            pub const TABLE: &[(Self, &'static str, i64)] = &[$((Self::$name, $text, $number)),*];
        }
    };
}

fact_kinds! {
    /// A user was made.
    UserCreated = "user.created", 1;
    /// A user's profile or standing changed.
    UserChanged = "user.changed", 2;
    /// A user was shut out.
    UserDisabled = "user.disabled", 3;
    /// A user was let in again.
    UserEnabled = "user.enabled", 4;
    /// A user's first link came.
    DeviceLinked = "user.linked", 5;
    /// A user's last link went.
    DeviceUnlinked = "user.unlinked", 6;
    /// A user's password was changed.
    PasswordChanged = "user.password_changed", 7;
    /// A file is complete.
    FileUploaded = "file.uploaded", 8;
    /// Two users are friends now.
    FriendMade = "friend.made", 9;
    /// Two users are friends no more.
    FriendRemoved = "friend.removed", 10;
    /// A file that was complete was deleted by its owner.
    FileDeleted = "file.deleted", 11;
    /// A file that was complete is past its time.
    FileExpired = "file.expired", 12;
    /// A user asks another to be friends.
    FriendRequested = "friend.requested", 13;
    /// Everything personal was taken off a user.
    UserAnonymised = "user.anonymised", 14;
}

impl FactKind {
    /// The name that receivers see.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::TABLE.iter().find(|row| row.0 == self).map_or("", |row| row.1)
    }

    /// The number that is kept.
    #[must_use]
    pub fn number(self) -> i64 {
        Self::TABLE.iter().find(|row| row.0 == self).map_or(0, |row| row.2)
    }

    /// The kind with this number.
    #[must_use]
    pub fn from_number(number: i64) -> Option<Self> {
        Self::TABLE.iter().find(|row| row.2 == number).map(|row| row.0)
    }
}

/// A fact to be told.
#[derive(Clone, Debug)]
pub struct NewFact {
    /// What.
    pub kind: FactKind,
    /// Whom it is about.
    pub user: UserName,
    /// The rest, a JSON object.
    pub data: Box<str>,
}

/// Who follows under a name, for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// One life of a process.
    pub owner: u64,
    /// Until when nobody else may follow, unless it is renewed by then.
    pub lasts: Duration,
}

/// Reading along, from durable places.
#[async_trait]
pub trait Follow: Send + Sync {
    /// What happened after a place: entries of all conversations and facts, in commit order,
    /// ending at the stable watermark. Nothing at or below `up_to` appears later.
    async fn tail(&self, after: MessageId, limit: u16) -> Result<Tail, StoreError>;

    /// Takes or renews the lease on a name: the place up to which everything was handled, or
    /// `None` while another owner holds it. A new name starts at the watermark of now.
    async fn follower(
        &self,
        name: &str,
        lease: Lease,
        now: Millis,
    ) -> Result<Option<MessageId>, StoreError>;

    /// Moves the place, never backward. Answers `false`, and moves nothing, when `owner` does
    /// not hold the name any more: someone else does, or it was rewound.
    async fn advance(&self, name: &str, owner: u64, to: MessageId) -> Result<bool, StoreError>;

    /// Sets the place back (or forward) and ends the lease, so that whoever follows begins
    /// there anew.
    async fn rewind(&self, name: &str, to: MessageId) -> Result<(), StoreError>;

    /// Forgets a name.
    async fn unfollow(&self, name: &str) -> Result<(), StoreError>;

    /// Writes facts that are no part of another transaction; nothing while nobody listens. Who
    /// came and who went take turns: a user who was told to be linked is not told so again, nor
    /// is one gone who was not.
    async fn tell(&self, facts: Vec<NewFact>) -> Result<(), StoreError>;

    /// A page of the users who were told to be linked and not yet to be gone, by name.
    async fn told_linked(
        &self,
        after: Option<&UserName>,
        limit: u16,
    ) -> Result<Vec<(UserId, UserName)>, StoreError>;
}
