//! Values of the log: what is appended, under whose authority, and what came of it.

use std::sync::Arc;

use anser_domain::{
    Actor, Address, Change, ClientId, ConvId, GroupKind, GroupName, Member, Message, Millis,
    NewGroup, Outgoing, Policy, Pull, Refusal, ReplyTo, Sent, Seq, SyncToken, UserId, UserName,
};

use super::{members::Members, ruling::Ruling};

/// One wish to write to a log.
#[derive(Clone, Debug)]
pub struct Append {
    /// Where the answer goes; handed back untouched.
    pub from: ReplyTo,
    /// Whose wish.
    pub actor: Actor,
    /// Ascending in the order in which wishes were submitted; handed back untouched.
    pub order: u64,
    /// What is to be written.
    pub entry: Entry,
    /// What was decided about it before it came here; `None` for nearly all.
    pub ruling: Option<Box<Ruling>>,
}

/// What can be written to a log. Everything that changes a conversation is an entry of it, so
/// that one path gives it a seq, an idempotent answer and a delivery.
#[derive(Clone, Debug)]
pub enum Entry {
    /// A message. To `u:…` it makes the direct conversation if it is the first.
    Message(Box<Outgoing>),
    /// A new group; its first entry is `LogEvent::Created`.
    NewGroup(Box<NewGroup>),
    /// A change that is no message; its entry says what happened, and its effect is part of the
    /// same transaction. One of membership, role or permission raises `acl_version`.
    Change(Box<Change>),
}

impl Entry {
    /// The id that the client chose.
    #[must_use]
    pub fn client_id(&self) -> ClientId {
        match self {
            Self::Message(it) => it.client_id,
            Self::NewGroup(it) => it.client_id,
            Self::Change(it) => it.client_id,
        }
    }

    /// The conversation, from the writer's side.
    #[must_use]
    pub fn address(&self) -> Address {
        match self {
            Self::Message(it) => it.to.clone(),
            Self::NewGroup(it) => Address::Group(it.name.clone()),
            Self::Change(it) => it.at.clone(),
        }
    }
}

/// What came of an [`Append`]. Handed over only once it is durable, or certain not to be.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// As in the append.
    pub from: ReplyTo,
    /// As in the append.
    pub actor: Actor,
    /// As in the append.
    pub order: u64,
    /// The conversation as the writer named it.
    pub at: Address,
    /// The client's id.
    pub client_id: ClientId,
    /// Where it stands, or why it does not.
    pub result: Result<Appended, Refusal>,
}

/// An entry that stands.
#[derive(Clone, Debug)]
pub struct Appended {
    /// The answer.
    pub sent: Sent,
    /// The entry. For a retry (`sent.duplicate`) the one that was stored first; nobody is told
    /// of it again.
    pub message: Arc<Message>,
    /// The members of exactly the version under which the entry was admitted and, for a change
    /// of members, of the version that it made.
    pub acl: Arc<Acl>,
    /// Those whom this very entry took out: they still receive it, and nothing after.
    pub removed: Vec<Member>,
    /// Nothing was written to the log: someone subscribed to a channel, or left it. `message`
    /// says so to whoever asked; nobody else is told.
    pub quiet: bool,
}

/// Who is in a conversation, at one version.
#[derive(Clone, Debug)]
pub struct Acl {
    /// The conversation.
    pub conv: ConvId,
    /// The head's `acl_version` that this is a copy of.
    pub version: u64,
    /// Direct or group.
    pub kind: ConversationKind,
    /// Group or channel; for a direct conversation it says nothing.
    pub group: GroupKind,
    /// Who may do what in a group; for a direct conversation it says nothing.
    pub policy: Policy,
    /// Members.
    pub members: Members,
    /// What is between the two of a direct conversation.
    pub bond: Bond,
}

/// What is between the two of a direct conversation, at one version of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bond {
    /// They are friends.
    pub friends: bool,
    /// Those of the two who block the other.
    pub blockers: Vec<UserId>,
}

/// What a conversation is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConversationKind {
    /// Two users (or one, writing to themselves).
    Direct,
    /// A named group.
    Group(GroupName),
}

impl Acl {
    /// The conversation from `viewer`'s side.
    #[must_use]
    pub fn address_for(&self, viewer: UserId) -> Option<Address> {
        match &self.kind {
            ConversationKind::Group(name) => Some(Address::Group(name.clone())),
            ConversationKind::Direct => self
                .members
                .values()
                .find(|member| member.user != viewer)
                .or_else(|| self.members.get(&viewer))
                .map(|peer| Address::User(peer.name.clone())),
        }
    }
}

/// The rule that decides whether an entry may stand, and the ear for what was committed. The SM
/// implements it; the store calls it.
pub trait Gate: Send + Sync + 'static {
    /// Whether `append` may stand above `head`, the conversation's last seq so far. Called
    /// inside the transaction, with the head locked and `acl` being of the head's own version,
    /// after the dedupe check has said that this is no retry. Must be quick and must not call
    /// the store.
    ///
    /// For [`Entry::NewGroup`] the acl is the one that the group would begin with; for the
    /// first message of a direct conversation the one it would have.
    ///
    /// # Errors
    /// The refusal that the writer gets.
    fn admit(&self, acl: &Acl, head: Seq, append: &Append) -> Result<(), Refusal>;

    /// Whether a change of an entry that stands, `target`, may stand too. Called after
    /// [`admit`](Self::admit) and under the same conditions, once the entry has been found.
    ///
    /// # Errors
    /// The refusal that the writer gets.
    fn admit_on(
        &self,
        acl: &Acl,
        target: &Message,
        now: Millis,
        append: &Append,
    ) -> Result<(), Refusal>;

    /// A batch has been committed (or refused): once per transaction, in commit order, after
    /// the commit is durable. Runs on the store's writer; must not block.
    fn committed(&self, batch: Vec<Outcome>);
}

/// A link's wish to read on.
#[derive(Clone, Copy, Debug)]
pub struct PullFor {
    /// Whose link.
    pub actor: Actor,
    /// Which part.
    pub pull: Pull,
}

/// Which part of a user's conversations to list.
#[derive(Clone, Copy, Debug)]
pub enum ListPage {
    /// Those that changed after the token, oldest change first, up to the stable watermark.
    Since(SyncToken),
    /// Those that changed before the token (`None`: all), newest change first.
    Before(Option<SyncToken>),
}

/// A user's read cursor after [`Store::read`](super::Store::read).
#[derive(Clone, Debug)]
pub struct ReadMoved {
    /// Where it stands now, never above the head.
    pub seq: Seq,
    /// Whether it moved.
    pub moved: bool,
    /// Who is in the conversation.
    pub acl: Arc<Acl>,
}

/// A user's delivered cursor that moved: the highest over their devices.
#[derive(Clone, Debug)]
pub struct ReceiptMoved {
    /// Whose.
    pub user: UserId,
    /// Their name.
    pub name: UserName,
    /// Where it stands now.
    pub seq: Seq,
    /// Who is in the conversation.
    pub acl: Arc<Acl>,
}
