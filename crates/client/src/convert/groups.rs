//! Groups and who is to come in.

use anser_domain::{GroupKind, GroupName, JoinPolicy, Millis, Policy, PolicyPatch, Waiting, Who};
use anser_wire::frame;

use super::{Odd, Result, role, user};
use crate::model::{Group, Invitation};

const JOINS: [(u32, JoinPolicy); 3] =
    [(1, JoinPolicy::Open), (2, JoinPolicy::Approval), (3, JoinPolicy::Invite)];
const WHO_NUMBERS: [(u32, Who); 2] = [(1, Who::Members), (2, Who::Admins)];

pub(super) fn join(number: u32) -> Option<JoinPolicy> {
    JOINS.iter().find(|row| row.0 == number).map(|row| row.1)
}

pub(super) fn who(number: u32) -> Option<Who> {
    WHO_NUMBERS.iter().find(|row| row.0 == number).map(|row| row.1)
}

fn who_number(who: Option<Who>) -> u32 {
    WHO_NUMBERS.iter().find(|row| Some(row.1) == who).map_or(0, |row| row.0)
}

/// A kind's number in frames.
pub(crate) fn kind_number(kind: GroupKind) -> u32 {
    match kind {
        GroupKind::Group => 1,
        GroupKind::Channel => 2,
    }
}

/// A change of a policy; what is absent is 0.
pub(crate) fn policy_patch(patch: PolicyPatch) -> frame::Policy {
    frame::Policy {
        join: JOINS.iter().find(|row| Some(row.1) == patch.join).map_or(0, |row| row.0),
        invite: who_number(patch.invite),
        post: who_number(patch.post),
        pin: who_number(patch.pin),
        edit: who_number(patch.edit),
        hidden: patch.hidden,
    }
}

pub(crate) fn group(group: frame::Group) -> Result<Group> {
    let kind = if group.kind == 2 { GroupKind::Channel } else { GroupKind::Group };
    // What this version does not know is taken for what a new group begins with.
    let (told, begun) = (group.policy.unwrap_or_default(), Policy::new(kind));
    let patch = PolicyPatch {
        join: join(told.join),
        invite: who(told.invite),
        post: who(told.post),
        pin: who(told.pin),
        edit: who(told.edit),
        hidden: told.hidden,
    };
    Ok(Group {
        name: name(&group.name)?,
        kind,
        title: group.title,
        description: group.description,
        avatar: group.avatar,
        announcement: group.announcement,
        members: group.members,
        created: Millis(group.created),
        policy: patch.onto(begun),
        role: role(group.role),
        muted: Millis(group.muted),
    })
}

fn name(text: &str) -> Result<GroupName> {
    GroupName::new(text).map_err(|_| Odd("a bad group name"))
}

pub(crate) fn waiting(row: frame::Waiting) -> Result<Waiting> {
    Ok(Waiting {
        user: user(&row.user)?,
        by: user(&row.by)?,
        message: row.message.into(),
        since: Millis(row.since),
        until: Millis(row.until),
    })
}

pub(crate) fn invitation(row: frame::Invitation) -> Result<Invitation> {
    Ok(Invitation {
        group: group(row.group.ok_or(Odd("an invitation to nothing"))?)?,
        by: user(&row.by)?,
        since: Millis(row.since),
        until: Millis(row.until),
    })
}
