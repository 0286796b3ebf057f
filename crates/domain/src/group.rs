//! Groups and channels: who is in them, what they say of themselves, and who may do what.

use crate::{
    address::Address,
    id::{ClientId, Millis, UserId},
    name::{GroupName, UserName},
};

/// A member's standing in a group. Later ones may do more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GroupRole {
    /// Reads and writes.
    Member,
    /// Adds and removes members too.
    Admin,
    /// Everything; exactly one per group.
    Owner,
}

/// One member of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Key.
    pub user: UserId,
    /// Name.
    pub name: UserName,
    /// Standing; both sides of a direct conversation are `Member`.
    pub role: GroupRole,
    /// May not write before this time; 0 when they may.
    pub muted: Millis,
}

/// What a named conversation is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum GroupKind {
    /// Many write, and see one another.
    #[default]
    Group,
    /// Few write and many read: subscribers are shown to admins only, and their coming and going
    /// is no entry of the log.
    Channel,
}

/// How someone becomes a member of their own accord.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum JoinPolicy {
    /// By saying so.
    Open,
    /// By asking; an admin decides.
    Approval,
    /// Not at all: somebody has to bring them in, or invite them.
    #[default]
    Invite,
}

/// Which members may do a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Who {
    /// All.
    Members,
    /// Admins and the owner.
    Admins,
}

/// Who may do what in a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Policy {
    /// How people come in.
    pub join: JoinPolicy,
    /// Who invites.
    pub invite: Who,
    /// Who writes; `Admins` mutes everybody else.
    pub post: Who,
    /// Who pins entries.
    pub pin: Who,
    /// Who changes title, description, avatar and announcement.
    pub edit: Who,
    /// Strangers are not told that it exists, and come in only if they are invited.
    pub hidden: bool,
}

impl Policy {
    /// What a new group or channel begins with.
    #[must_use]
    pub const fn new(kind: GroupKind) -> Self {
        let (join, post) = match kind {
            GroupKind::Group => (JoinPolicy::Invite, Who::Members),
            GroupKind::Channel => (JoinPolicy::Open, Who::Admins),
        };
        let hidden = matches!(kind, GroupKind::Group);
        Self { join, invite: Who::Admins, post, pin: Who::Admins, edit: Who::Admins, hidden }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self::new(GroupKind::Group)
    }
}

/// A change of a policy: what is absent stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PolicyPatch {
    /// How people come in.
    pub join: Option<JoinPolicy>,
    /// Who invites.
    pub invite: Option<Who>,
    /// Who writes.
    pub post: Option<Who>,
    /// Who pins.
    pub pin: Option<Who>,
    /// Who changes the profile.
    pub edit: Option<Who>,
    /// Whether strangers are told nothing.
    pub hidden: Option<bool>,
}

impl PolicyPatch {
    /// The policy with what is named here in its place.
    #[must_use]
    pub fn onto(self, policy: Policy) -> Policy {
        Policy {
            join: self.join.unwrap_or(policy.join),
            invite: self.invite.unwrap_or(policy.invite),
            post: self.post.unwrap_or(policy.post),
            pin: self.pin.unwrap_or(policy.pin),
            edit: self.edit.unwrap_or(policy.edit),
            hidden: self.hidden.unwrap_or(policy.hidden),
        }
    }
}

/// A change of what a group says of itself: what is absent stays, an empty text goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProfilePatch {
    /// The name that people read.
    pub title: Option<Box<str>>,
    /// What it is about.
    pub description: Option<Box<str>>,
    /// A picture: the id of a file, or a public http(s) address.
    pub avatar: Option<Box<str>>,
    /// What everybody should know now.
    pub announcement: Option<Box<str>>,
}

/// How a group changes, its members aside. Each is an entry of its log, but what a subscriber of
/// a channel does for themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupChange {
    /// What it says of itself.
    Profile(ProfilePatch),
    /// Who may do what.
    Policy(PolicyPatch),
    /// This member may not write before a time; a time past lets them write again.
    Mute {
        /// Who.
        user: UserName,
        /// Until when.
        until: Millis,
    },
    /// The group ends: nobody is a member any more, its name is never given again.
    Dissolve,
    /// The caller comes in of their own accord: where that is open, or they were invited.
    Join,
    /// Someone who asked to come in is let in.
    Approve {
        /// Who.
        user: UserName,
    },
    /// The caller leaves. The same as removing oneself, for who does not know their own name.
    Leave,
}

/// What someone may see of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The name that addresses it.
    pub name: GroupName,
    /// Group or channel.
    pub kind: GroupKind,
    /// The name that people read; empty when none was set.
    pub title: Box<str>,
    /// What it is about; may be empty.
    pub description: Box<str>,
    /// Its picture; may be empty.
    pub avatar: Box<str>,
    /// What everybody should know now; empty for strangers.
    pub announcement: Box<str>,
    /// How many members it has now.
    pub members: u32,
    /// When it was made.
    pub created: Millis,
    /// Who may do what.
    pub policy: Policy,
    /// The viewer's own standing; `None` for who is not in it.
    pub role: Option<GroupRole>,
    /// The viewer may not write before this time; 0 when they may.
    pub muted: Millis,
}

/// What is asked about groups, beside what changes their logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupCommand {
    /// The caller's groups, by name → `Groups(Groups)`.
    Mine {
        /// Continue after this name.
        after: Option<GroupName>,
        /// At most so many.
        limit: u16,
    },
    /// Invite users → `Done`. Those who are members or invited already stay what they are.
    Invite {
        /// Where to.
        group: GroupName,
        /// Whom; all or nobody.
        users: Vec<UserName>,
    },
    /// Take an invitation back → `Done`, whether or not there was one.
    Uninvite {
        /// Where to.
        group: GroupName,
        /// Whose.
        user: UserName,
    },
    /// Whom a group has invited, by name → `Groups(Waiting)`.
    Invited {
        /// Which.
        group: GroupName,
        /// Continue after this name.
        after: Option<UserName>,
        /// At most so many.
        limit: u16,
    },
    /// The caller's invitations, by group → `Groups(Invitations)`.
    Invitations {
        /// Continue after this name.
        after: Option<GroupName>,
        /// At most so many.
        limit: u16,
    },
    /// The caller does not take up an invitation → `Done`.
    Decline {
        /// Where to.
        group: GroupName,
    },
    /// The caller wants to come in. Where that is open or they are invited they are in →
    /// `Sent`; where an admin decides they wait → `Groups(Asked)`.
    Join {
        /// Where.
        group: GroupName,
        /// The client's own id for this wish.
        client_id: ClientId,
        /// What the admins are told.
        message: Box<str>,
    },
    /// The caller no longer wants to come in → `Done`.
    Withdraw {
        /// Where.
        group: GroupName,
    },
    /// Who waits to be let in, by name → `Groups(Waiting)`.
    Requests {
        /// Which.
        group: GroupName,
        /// Continue after this name.
        after: Option<UserName>,
        /// At most so many.
        limit: u16,
    },
    /// Someone is not let in → `Done`.
    Refuse {
        /// Where.
        group: GroupName,
        /// Who.
        user: UserName,
    },
}

/// What is answered about groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupReply {
    /// Part of the caller's groups.
    Groups {
        /// By name.
        groups: Vec<Group>,
        /// Whether another page follows.
        more: bool,
    },
    /// Part of those who are invited, or wait to be let in.
    Waiting {
        /// By name.
        users: Vec<Waiting>,
        /// Whether another page follows.
        more: bool,
    },
    /// Part of the caller's invitations.
    Invitations {
        /// By group.
        invitations: Vec<Invitation>,
        /// Whether another page follows.
        more: bool,
    },
    /// An admin will decide.
    Asked,
}

/// Someone who may become a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Who.
    pub user: UserName,
    /// Who invited them; themselves when they ask.
    pub by: UserName,
    /// What they say; empty for invitations.
    pub message: Box<str>,
    /// Since when.
    pub since: Millis,
    /// Until when it counts.
    pub until: Millis,
}

/// An invitation as its invitee sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// What they are invited to: what strangers may see of it, were it not hidden.
    pub group: Group,
    /// Who invited them.
    pub by: UserName,
    /// When.
    pub since: Millis,
    /// Until when it counts.
    pub until: Millis,
}

impl GroupCommand {
    /// Whether it is answered by a page.
    #[must_use]
    pub fn lists(&self) -> bool {
        matches!(
            self,
            Self::Mine { .. }
                | Self::Invited { .. }
                | Self::Invitations { .. }
                | Self::Requests { .. }
        )
    }

    /// The conversation that a command is about, so that it goes where its log is written.
    #[must_use]
    pub fn address(&self) -> Option<Address> {
        match self {
            Self::Mine { .. } | Self::Invitations { .. } => None,
            Self::Invite { group, .. }
            | Self::Uninvite { group, .. }
            | Self::Invited { group, .. }
            | Self::Decline { group }
            | Self::Join { group, .. }
            | Self::Withdraw { group }
            | Self::Requests { group, .. }
            | Self::Refuse { group, .. } => Some(Address::Group(group.clone())),
        }
    }
}
