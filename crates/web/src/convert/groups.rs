//! Groups: between JSON's shapes and the domain's.

use anser_domain::{
    GroupKind, GroupName, GroupReply, JoinPolicy, Policy, PolicyPatch, ProfilePatch, UserName, Who,
};

use super::role_name;
use crate::{
    api::{
        governing::{GroupProfile, JoinName, PolicyParts, WhoName},
        groups::{Group, Groups, KindName},
        joining::{Invitation, Invitations, Waiting, WaitingList},
    },
    extract::PageQuery,
    problem::{self, Problem},
};

// — in —

pub(crate) fn kind(kind: KindName) -> GroupKind {
    match kind {
        KindName::Group => GroupKind::Group,
        KindName::Channel => GroupKind::Channel,
    }
}

pub(crate) fn profile(patch: GroupProfile) -> ProfilePatch {
    let GroupProfile { title, description, avatar, announcement } = patch;
    ProfilePatch {
        title: title.map(Into::into),
        description: description.map(Into::into),
        avatar: avatar.map(Into::into),
        announcement: announcement.map(Into::into),
    }
}

pub(crate) fn policy(patch: &PolicyParts) -> PolicyPatch {
    let who = |who: Option<WhoName>| {
        who.map(|who| match who {
            WhoName::Members => Who::Members,
            WhoName::Admins => Who::Admins,
        })
    };
    PolicyPatch {
        join: patch.join.map(|join| match join {
            JoinName::Open => JoinPolicy::Open,
            JoinName::Approval => JoinPolicy::Approval,
            JoinName::Invite => JoinPolicy::Invite,
        }),
        invite: who(patch.invite),
        post: who(patch.post),
        pin: who(patch.pin),
        edit: who(patch.edit),
        hidden: patch.hidden,
    }
}

pub(crate) fn user_cursor(page: &PageQuery) -> Result<Option<UserName>, Problem> {
    page.cursor.as_deref().map(super::name_cursor).transpose()
}

pub(crate) fn group_cursor(page: &PageQuery) -> Result<Option<GroupName>, Problem> {
    let read = |cursor: &String| {
        GroupName::new(cursor).map_err(|_| super::invalid("cursor", "not one this list has given"))
    };
    page.cursor.as_ref().map(read).transpose()
}

// — out —

fn join_name(join: JoinPolicy) -> JoinName {
    match join {
        JoinPolicy::Open => JoinName::Open,
        JoinPolicy::Approval => JoinName::Approval,
        JoinPolicy::Invite => JoinName::Invite,
    }
}

fn who_name(who: Who) -> WhoName {
    match who {
        Who::Members => WhoName::Members,
        Who::Admins => WhoName::Admins,
    }
}

pub(crate) fn group(group: anser_domain::Group) -> Group {
    let Policy { join, invite, post, pin, edit, hidden } = group.policy;
    Group {
        id: group.name.to_string(),
        conv: format!("g:{}", group.name),
        kind: match group.kind {
            GroupKind::Group => KindName::Group,
            GroupKind::Channel => KindName::Channel,
        },
        title: group.title.into(),
        description: group.description.into(),
        avatar: group.avatar.into(),
        announcement: group.announcement.into(),
        members: group.members,
        created: group.created.0,
        policy: PolicyParts {
            join: Some(join_name(join)),
            invite: Some(who_name(invite)),
            post: Some(who_name(post)),
            pin: Some(who_name(pin)),
            edit: Some(who_name(edit)),
            hidden: Some(hidden),
        },
        role: group.role.map(role_name),
        muted_until: (group.muted.0 != 0).then_some(group.muted.0),
    }
}

pub(super) fn profile_parts(patch: &ProfilePatch) -> GroupProfile {
    let text = |text: &Option<Box<str>>| text.as_ref().map(ToString::to_string);
    GroupProfile {
        title: text(&patch.title),
        description: text(&patch.description),
        avatar: text(&patch.avatar),
        announcement: text(&patch.announcement),
    }
}

pub(super) fn policy_parts(patch: &PolicyPatch) -> PolicyParts {
    PolicyParts {
        join: patch.join.map(join_name),
        invite: patch.invite.map(who_name),
        post: patch.post.map(who_name),
        pin: patch.pin.map(who_name),
        edit: patch.edit.map(who_name),
        hidden: patch.hidden,
    }
}

pub(crate) fn groups(reply: GroupReply) -> Result<Groups, Problem> {
    let GroupReply::Groups { groups, more } = reply else { return Err(odd()) };
    let next = groups.last().filter(|_| more).map(|last| last.name.to_string());
    Ok(Groups { groups: groups.into_iter().map(group).collect(), more, next })
}

pub(crate) fn waiting(reply: GroupReply) -> Result<WaitingList, Problem> {
    let GroupReply::Waiting { users, more } = reply else { return Err(odd()) };
    let next = users.last().filter(|_| more).map(|last| last.user.to_string());
    let row = |it: anser_domain::Waiting| Waiting {
        user: it.user.to_string(),
        by: it.by.to_string(),
        message: it.message.into(),
        since: it.since.0,
        until: it.until.0,
    };
    Ok(WaitingList { users: users.into_iter().map(row).collect(), more, next })
}

pub(crate) fn invitations(reply: GroupReply) -> Result<Invitations, Problem> {
    let GroupReply::Invitations { invitations, more } = reply else { return Err(odd()) };
    let next = invitations.last().filter(|_| more).map(|last| last.group.name.to_string());
    let row = |it: anser_domain::Invitation| Invitation {
        group: group(it.group),
        by: it.by.to_string(),
        since: it.since.0,
        until: it.until.0,
    };
    Ok(Invitations { invitations: invitations.into_iter().map(row).collect(), more, next })
}

/// The SM answered with another kind of page than was asked for.
fn odd() -> Problem {
    Problem::new(&problem::INTERNAL, "the answer was not of the expected kind")
}
