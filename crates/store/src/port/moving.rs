//! Moving in and out: all that is kept of users and what they wrote, as records in an order in
//! which each finds what it names.

use anser_domain::{ClientId, GroupName, GroupRole, ItemKey, Millis, Refusal, Role, Seq, UserName};
use async_trait::async_trait;

use super::{people::ScramKeys, store::StoreError};

/// One thing that moves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A user.
    User(UserRecord),
    /// A small value of a user.
    Item {
        /// Whose.
        user: UserName,
        /// Which.
        key: ItemKey,
        /// JSON.
        value: Box<str>,
    },
    /// Two are friends; what the first says of the second.
    Friend {
        /// The first.
        user: UserName,
        /// The second.
        friend: UserName,
        /// What only the first reads.
        remark: Box<str>,
        /// The lists in which the first has the second.
        lists: Vec<Box<str>>,
        /// Since when.
        since: Millis,
    },
    /// One has blocked another.
    Block {
        /// Who.
        user: UserName,
        /// Whom.
        blocked: UserName,
        /// Since when.
        since: Millis,
    },
    /// A group, with its owner; its other members follow.
    Group(GroupRecord),
    /// A member of a group.
    Member {
        /// The group.
        group: GroupName,
        /// Who.
        user: UserName,
        /// As what.
        role: GroupRole,
        /// The first entry that they see.
        from: Seq,
    },
    /// An entry of a log.
    Entry(Box<EntryRecord>),
}

/// A user, with what they prove themselves with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRecord {
    /// Name.
    pub name: UserName,
    /// The name that people read.
    pub display_name: Box<str>,
    /// Their standing.
    pub role: Role,
    /// Whether they are shut out.
    pub disabled: bool,
    /// Their credential.
    pub keys: ScramKeys,
}

/// A group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRecord {
    /// Name.
    pub name: GroupName,
    /// The name that people read.
    pub title: Box<str>,
    /// What it is about.
    pub description: Box<str>,
    /// Its picture.
    pub avatar: Box<str>,
    /// What its members are to know.
    pub announcement: Box<str>,
    /// Kind and policy as the store keeps them; `None`: those of a new group.
    pub policy: Option<u16>,
    /// Whose it is.
    pub owner: UserName,
    /// When it was made.
    pub created: Millis,
    /// The first entry that its owner sees.
    pub from: Seq,
}

/// The conversation of an entry, from nobody's side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A group's.
    Group(GroupName),
    /// The direct one of two.
    Direct(UserName, UserName),
}

/// An entry of a log, in the columns in which it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryRecord {
    /// Where.
    pub place: Place,
    /// Its place in the log; `None`: the next one.
    pub seq: Option<Seq>,
    /// Who wrote it.
    pub from: UserName,
    /// When.
    pub at: Millis,
    /// What it is known by, so that it comes once.
    pub client_id: ClientId,
    /// Its kind's number.
    pub kind: u8,
    /// What it says.
    pub body: Box<str>,
    /// The entry that it answers.
    pub reply_to: Option<Seq>,
    /// Whom it calls.
    pub mentions: Vec<UserName>,
    /// A protocol's number, and what that protocol has of it.
    pub payload: Option<(u8, Vec<u8>)>,
    /// What it has beside what it says, as JSON.
    pub extra: Option<Box<str>>,
    /// Who gave which reaction, by which entry.
    pub reactions: Vec<(Box<str>, UserName, Seq)>,
    /// The entry that pinned it.
    pub pinned: Option<Seq>,
}

/// How far an export has come: what of, and behind which two keys of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MovingPlace {
    /// What of.
    pub stage: u8,
    /// Behind these.
    pub after: [u64; 2],
}

/// What moves in and out.
#[async_trait]
pub trait Moving: Send + Sync {
    /// The next records behind a place, and the place behind them; `None` at the end. A part may
    /// be empty.
    async fn export(
        &self,
        from: MovingPlace,
        limit: u16,
    ) -> Result<(Vec<Record>, Option<MovingPlace>), StoreError>;

    /// Takes records in, in their order, in one transaction: each is there afterwards, was there
    /// before (`false`), or is refused without a trace. Entries keep their time, are told to no
    /// follower, and count as read by those who had read everything before them.
    async fn import(&self, records: Vec<Record>) -> Result<Vec<Result<bool, Refusal>>, StoreError>;
}
