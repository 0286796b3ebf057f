//! Groups: between the domain's values and parts of frames.

use anser_domain::{
    Act, Address, Change, Command, Group, GroupChange, GroupCommand, GroupKind, GroupReply,
    JoinPolicy, LogEvent, Millis, Policy, PolicyPatch, ProfilePatch, Refusal, Who,
};

use super::{
    ask::{client_id, group, members, page_limit, title, user},
    role_number,
};
use crate::frame::{self, Answer, Call, Happening};

// — what frames ask —

/// Longest text of a profile that is looked at, in bytes; the server's own bounds are narrower.
const MAX_TEXT: usize = 8 << 10;

/// What a call about groups asks; what is none comes back.
pub(super) fn command(call: Call) -> Result<Result<Command, Call>, Refusal> {
    let change = |id: &[u8], name: &str, change| {
        let (client_id, at) = (client_id(id)?, Address::Group(group(name)?));
        Ok(Command::Change(Box::new(Change { client_id, at, act: Act::Group(change) })))
    };
    let groups = |command| Ok(Command::Groups(Box::new(command)));
    let command = match call {
        Call::ChangeProfile(call) => {
            let patch = call.patch.ok_or(Refusal::Invalid("patch: what changes"))?;
            change(&call.client_id, &call.group, GroupChange::Profile(profile(patch)?))
        }
        Call::ChangePolicy(call) => {
            let patch = call.policy.ok_or(Refusal::Invalid("policy: what changes"))?;
            change(&call.client_id, &call.group, GroupChange::Policy(policy(&patch)?))
        }
        Call::Mute(call) => {
            let mute = call.mute.ok_or(Refusal::Invalid("mute: who, and until when"))?;
            let (user, until) = (user(&mute.user)?, Millis(mute.until));
            change(&call.client_id, &call.group, GroupChange::Mute { user, until })
        }
        Call::Dissolve(call) => change(&call.client_id, &call.group, GroupChange::Dissolve),
        Call::Approve(call) => {
            let user = user(&call.user)?;
            change(&call.client_id, &call.group, GroupChange::Approve { user })
        }
        Call::Leave(call) => change(&call.client_id, &call.group, GroupChange::Leave),
        Call::Join(call) => {
            if call.message.len() > MAX_TEXT {
                return Err(Refusal::TooLarge("message: at most 512 bytes"));
            }
            groups(GroupCommand::Join {
                group: group(&call.group)?,
                client_id: client_id(&call.client_id)?,
                message: call.message.into(),
            })
        }
        Call::Groups(call) => groups(GroupCommand::Mine {
            after: after(&call.after, group)?,
            limit: page_limit(call.limit),
        }),
        Call::Invite(call) => groups(GroupCommand::Invite {
            group: group(&call.group)?,
            users: members(&call.users)?,
        }),
        Call::Uninvite(call) => {
            groups(GroupCommand::Uninvite { group: group(&call.group)?, user: user(&call.user)? })
        }
        Call::Invited(call) => groups(GroupCommand::Invited {
            group: group(&call.group)?,
            after: after(&call.after, user)?,
            limit: page_limit(call.limit),
        }),
        Call::Invitations(call) => groups(GroupCommand::Invitations {
            after: after(&call.after, group)?,
            limit: page_limit(call.limit),
        }),
        Call::Retract(call) => {
            let group = group(&call.group)?;
            groups(if call.request {
                GroupCommand::Withdraw { group }
            } else {
                GroupCommand::Decline { group }
            })
        }
        Call::Requests(call) => groups(GroupCommand::Requests {
            group: group(&call.group)?,
            after: after(&call.after, user)?,
            limit: page_limit(call.limit),
        }),
        Call::Refuse(call) => {
            groups(GroupCommand::Refuse { group: group(&call.group)?, user: user(&call.user)? })
        }
        other => return Ok(Err(other)),
    };
    command.map(Ok)
}

/// Where a page continues; empty: at the beginning.
fn after<T>(text: &str, read: fn(&str) -> Result<T, Refusal>) -> Result<Option<T>, Refusal> {
    if text.is_empty() { Ok(None) } else { read(text).map(Some) }
}

/// A kind of group; 0 is a group.
pub(super) fn kind(number: u32) -> Result<GroupKind, Refusal> {
    match number {
        0 | 1 => Ok(GroupKind::Group),
        2 => Ok(GroupKind::Channel),
        _ => Err(Refusal::Invalid("kind: there is no such kind of group")),
    }
}

fn profile(patch: frame::ProfilePatch) -> Result<ProfilePatch, Refusal> {
    let text = |text: Option<String>| match text {
        Some(text) if text.len() > MAX_TEXT => {
            Err(Refusal::TooLarge("a text of the profile is too long"))
        }
        text => Ok(text.map(Into::into)),
    };
    Ok(ProfilePatch {
        title: patch.title.map(title).transpose()?,
        description: text(patch.description)?,
        avatar: text(patch.avatar)?,
        announcement: text(patch.announcement)?,
    })
}

fn policy(patch: &frame::Policy) -> Result<PolicyPatch, Refusal> {
    let who = |number| match number {
        0 => Ok(None),
        1 => Ok(Some(Who::Members)),
        2 => Ok(Some(Who::Admins)),
        _ => Err(Refusal::Invalid("policy: 1 is members, 2 is admins")),
    };
    Ok(PolicyPatch {
        join: match patch.join {
            0 => None,
            1 => Some(JoinPolicy::Open),
            2 => Some(JoinPolicy::Approval),
            3 => Some(JoinPolicy::Invite),
            _ => return Err(Refusal::Invalid("join: 1 is open, 2 approval, 3 invite")),
        },
        invite: who(patch.invite)?,
        post: who(patch.post)?,
        pin: who(patch.pin)?,
        edit: who(patch.edit)?,
        hidden: patch.hidden,
    })
}

// — what the server knows —

fn join_number(join: JoinPolicy) -> u32 {
    match join {
        JoinPolicy::Open => 1,
        JoinPolicy::Approval => 2,
        JoinPolicy::Invite => 3,
    }
}

fn who_number(who: Who) -> u32 {
    match who {
        Who::Members => 1,
        Who::Admins => 2,
    }
}

/// A group as its viewer sees it.
pub(super) fn card(group: &Group) -> frame::Group {
    let Policy { join, invite, post, pin, edit, hidden } = group.policy;
    frame::Group {
        name: group.name.to_string(),
        title: group.title.to_string(),
        members: group.members,
        created: group.created.0,
        role: group.role.map_or(0, |role| role_number(role).into()),
        kind: match group.kind {
            GroupKind::Group => 1,
            GroupKind::Channel => 2,
        },
        description: group.description.to_string(),
        avatar: group.avatar.to_string(),
        announcement: group.announcement.to_string(),
        policy: Some(frame::Policy {
            join: join_number(join),
            invite: who_number(invite),
            post: who_number(post),
            pin: who_number(pin),
            edit: who_number(edit),
            hidden: Some(hidden),
        }),
        muted: group.muted.0,
    }
}

/// What happened to a group, its members aside.
pub(super) fn happening(event: &LogEvent) -> Option<Happening> {
    Some(match event {
        LogEvent::Profile(patch) => {
            let text = |text: &Option<Box<str>>| text.as_ref().map(ToString::to_string);
            Happening::Profile(frame::ProfilePatch {
                title: text(&patch.title),
                description: text(&patch.description),
                avatar: text(&patch.avatar),
                announcement: text(&patch.announcement),
            })
        }
        LogEvent::Policy(patch) => Happening::Policy(frame::Policy {
            join: patch.join.map_or(0, join_number),
            invite: patch.invite.map_or(0, who_number),
            post: patch.post.map_or(0, who_number),
            pin: patch.pin.map_or(0, who_number),
            edit: patch.edit.map_or(0, who_number),
            hidden: patch.hidden,
        }),
        LogEvent::Muted { user, until } => {
            Happening::Muted(frame::Mute { user: user.to_string(), until: until.0 })
        }
        LogEvent::Dissolved => Happening::Dissolved(frame::Dissolved {}),
        _ => return None,
    })
}

/// The answer to a question about groups.
pub(super) fn answer(reply: &GroupReply) -> Answer {
    match reply {
        GroupReply::Groups { groups, more } => {
            Answer::Groups(frame::Groups { groups: groups.iter().map(card).collect(), more: *more })
        }
        GroupReply::Waiting { users, more } => Answer::Waiting(frame::WaitingList {
            users: users
                .iter()
                .map(|it| frame::Waiting {
                    user: it.user.to_string(),
                    by: it.by.to_string(),
                    message: it.message.to_string(),
                    since: it.since.0,
                    until: it.until.0,
                })
                .collect(),
            more: *more,
        }),
        GroupReply::Invitations { invitations, more } => Answer::Invitations(frame::Invitations {
            invitations: invitations
                .iter()
                .map(|it| frame::Invitation {
                    group: Some(card(&it.group)),
                    by: it.by.to_string(),
                    since: it.since.0,
                    until: it.until.0,
                })
                .collect(),
            more: *more,
        }),
        GroupReply::Asked => Answer::Asked(frame::Asked {}),
    }
}
