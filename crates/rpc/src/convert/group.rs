//! Groups: what they are, how they change, and what is asked about them.

use anser_domain::{
    ClientId, Group, GroupChange, GroupCommand, GroupKind, GroupName, GroupReply, GroupRole,
    Invitation, JoinPolicy, Millis, Policy, PolicyPatch, ProfilePatch, UserName, Waiting, Who,
};

use super::{Form, forms, limit, read_all, required};
use crate::{malformed::Malformed, proto};

impl Form for Group {
    type Proto = proto::Group;

    fn form(&self) -> proto::Group {
        let Self {
            name,
            kind,
            title,
            description,
            avatar,
            announcement,
            members,
            created,
            policy,
            role,
            muted,
        } = self;
        proto::Group {
            name: name.form(),
            title: title.to_string(),
            members: *members,
            created: created.0,
            role: role.as_ref().map_or(proto::GroupRole::Unspecified.into(), Form::form),
            kind: kind.form(),
            description: description.to_string(),
            avatar: avatar.to_string(),
            announcement: announcement.to_string(),
            policy: Some(policy.form()),
            muted: muted.0,
        }
    }

    fn read(form: proto::Group) -> Result<Self, Malformed> {
        let proto::Group {
            name,
            title,
            members,
            created,
            role,
            kind,
            description,
            avatar,
            announcement,
            policy,
            muted,
        } = form;
        let stranger = role == i32::from(proto::GroupRole::Unspecified);
        Ok(Self {
            name: GroupName::read(name)?,
            kind: GroupKind::read(kind)?,
            title: title.into(),
            description: description.into(),
            avatar: avatar.into(),
            announcement: announcement.into(),
            members,
            created: Millis(created),
            policy: required(policy, "policy")?,
            role: if stranger { None } else { Some(GroupRole::read(role)?) },
            muted: Millis(muted),
        })
    }
}

impl Form for GroupKind {
    type Proto = i32;

    fn form(&self) -> i32 {
        match self {
            Self::Group => proto::GroupKind::Group,
            Self::Channel => proto::GroupKind::Channel,
        }
        .into()
    }

    fn read(form: i32) -> Result<Self, Malformed> {
        match proto::GroupKind::try_from(form) {
            Ok(proto::GroupKind::Group) => Ok(Self::Group),
            Ok(proto::GroupKind::Channel) => Ok(Self::Channel),
            Ok(proto::GroupKind::Unspecified) | Err(_) => Err(Malformed::Missing("group kind")),
        }
    }
}

impl Form for JoinPolicy {
    type Proto = i32;

    fn form(&self) -> i32 {
        match self {
            Self::Open => proto::JoinPolicy::Open,
            Self::Approval => proto::JoinPolicy::Approval,
            Self::Invite => proto::JoinPolicy::Invite,
        }
        .into()
    }

    fn read(form: i32) -> Result<Self, Malformed> {
        match proto::JoinPolicy::try_from(form) {
            Ok(proto::JoinPolicy::Open) => Ok(Self::Open),
            Ok(proto::JoinPolicy::Approval) => Ok(Self::Approval),
            Ok(proto::JoinPolicy::Invite) => Ok(Self::Invite),
            Ok(proto::JoinPolicy::Unspecified) | Err(_) => Err(Malformed::Missing("join policy")),
        }
    }
}

impl Form for Who {
    type Proto = i32;

    fn form(&self) -> i32 {
        match self {
            Self::Members => proto::Who::Members,
            Self::Admins => proto::Who::Admins,
        }
        .into()
    }

    fn read(form: i32) -> Result<Self, Malformed> {
        match proto::Who::try_from(form) {
            Ok(proto::Who::Members) => Ok(Self::Members),
            Ok(proto::Who::Admins) => Ok(Self::Admins),
            Ok(proto::Who::Unspecified) | Err(_) => Err(Malformed::Missing("who")),
        }
    }
}

impl Form for Policy {
    type Proto = proto::Policy;

    fn form(&self) -> proto::Policy {
        let Self { join, invite, post, pin, edit, hidden } = self;
        proto::Policy {
            join: join.form(),
            invite: invite.form(),
            post: post.form(),
            pin: pin.form(),
            edit: edit.form(),
            hidden: *hidden,
        }
    }

    fn read(form: proto::Policy) -> Result<Self, Malformed> {
        let proto::Policy { join, invite, post, pin, edit, hidden } = form;
        Ok(Self {
            join: JoinPolicy::read(join)?,
            invite: Who::read(invite)?,
            post: Who::read(post)?,
            pin: Who::read(pin)?,
            edit: Who::read(edit)?,
            hidden,
        })
    }
}

impl Form for PolicyPatch {
    type Proto = proto::PolicyPatch;

    fn form(&self) -> proto::PolicyPatch {
        let Self { join, invite, post, pin, edit, hidden } = self;
        proto::PolicyPatch {
            join: join.as_ref().map(Form::form),
            invite: invite.as_ref().map(Form::form),
            post: post.as_ref().map(Form::form),
            pin: pin.as_ref().map(Form::form),
            edit: edit.as_ref().map(Form::form),
            hidden: *hidden,
        }
    }

    fn read(form: proto::PolicyPatch) -> Result<Self, Malformed> {
        let proto::PolicyPatch { join, invite, post, pin, edit, hidden } = form;
        Ok(Self {
            join: join.map(Form::read).transpose()?,
            invite: invite.map(Form::read).transpose()?,
            post: post.map(Form::read).transpose()?,
            pin: pin.map(Form::read).transpose()?,
            edit: edit.map(Form::read).transpose()?,
            hidden,
        })
    }
}

impl Form for ProfilePatch {
    type Proto = proto::ProfilePatch;

    fn form(&self) -> proto::ProfilePatch {
        let Self { title, description, avatar, announcement } = self;
        let text = |text: &Option<Box<str>>| text.as_ref().map(ToString::to_string);
        proto::ProfilePatch {
            title: text(title),
            description: text(description),
            avatar: text(avatar),
            announcement: text(announcement),
        }
    }

    fn read(form: proto::ProfilePatch) -> Result<Self, Malformed> {
        let proto::ProfilePatch { title, description, avatar, announcement } = form;
        Ok(Self {
            title: title.map(Into::into),
            description: description.map(Into::into),
            avatar: avatar.map(Into::into),
            announcement: announcement.map(Into::into),
        })
    }
}

impl Form for GroupChange {
    type Proto = proto::GroupChange;

    fn form(&self) -> proto::GroupChange {
        use proto::group_change::Change as It;
        let unit = proto::Unit {};
        proto::GroupChange {
            change: Some(match self {
                Self::Profile(patch) => It::Profile(patch.form()),
                Self::Policy(patch) => It::Policy(patch.form()),
                Self::Mute { user, until } => {
                    It::Mute(proto::Mute { user: user.form(), until: until.0 })
                }
                Self::Dissolve => It::Dissolve(unit),
                Self::Join => It::Join(unit),
                Self::Approve { user } => It::Approve(user.form()),
                Self::Leave => It::Leave(unit),
            }),
        }
    }

    fn read(form: proto::GroupChange) -> Result<Self, Malformed> {
        use proto::group_change::Change as It;
        Ok(match form.change.ok_or(Malformed::Missing("change"))? {
            It::Profile(it) => Self::Profile(Form::read(it)?),
            It::Policy(it) => Self::Policy(Form::read(it)?),
            It::Mute(it) => Self::Mute { user: UserName::read(it.user)?, until: Millis(it.until) },
            It::Dissolve(_) => Self::Dissolve,
            It::Join(_) => Self::Join,
            It::Approve(user) => Self::Approve { user: UserName::read(user)? },
            It::Leave(_) => Self::Leave,
        })
    }
}

impl Form for GroupCommand {
    type Proto = proto::GroupCommand;

    fn form(&self) -> proto::GroupCommand {
        use proto::group_command::Command as It;
        let groups = |after: &Option<GroupName>, limit: u16| proto::ListGroups {
            after: after.as_ref().map(Form::form),
            limit: limit.into(),
        };
        let users = |group: &GroupName, after: &Option<UserName>, limit: u16| proto::ListMembers {
            group: group.form(),
            after: after.as_ref().map(Form::form),
            limit: limit.into(),
        };
        let user = |group: &GroupName, user: &UserName| proto::GroupUser {
            group: group.form(),
            user: user.form(),
        };
        proto::GroupCommand {
            command: Some(match self {
                Self::Mine { after, limit } => It::Mine(groups(after, *limit)),
                Self::Invite { group, users } => {
                    It::Invite(proto::GroupUsers { group: group.form(), users: forms(users) })
                }
                Self::Uninvite { group, user: who } => It::Uninvite(user(group, who)),
                Self::Invited { group, after, limit } => It::Invited(users(group, after, *limit)),
                Self::Invitations { after, limit } => It::Invitations(groups(after, *limit)),
                Self::Decline { group } => It::Decline(group.form()),
                Self::Join { group, client_id, message } => It::Join(proto::JoinGroup {
                    group: group.form(),
                    client_id: client_id.form(),
                    message: message.to_string(),
                }),
                Self::Withdraw { group } => It::Withdraw(group.form()),
                Self::Requests { group, after, limit } => It::Requests(users(group, after, *limit)),
                Self::Refuse { group, user: who } => It::Refuse(user(group, who)),
            }),
        }
    }

    fn read(form: proto::GroupCommand) -> Result<Self, Malformed> {
        use proto::group_command::Command as It;
        let group = GroupName::read;
        Ok(match form.command.ok_or(Malformed::Missing("group command"))? {
            It::Mine(it) => {
                Self::Mine { after: it.after.map(Form::read).transpose()?, limit: limit(it.limit)? }
            }
            It::Invite(it) => Self::Invite { group: group(it.group)?, users: read_all(it.users)? },
            It::Uninvite(it) => {
                Self::Uninvite { group: group(it.group)?, user: UserName::read(it.user)? }
            }
            It::Invited(it) => Self::Invited {
                group: group(it.group)?,
                after: it.after.map(Form::read).transpose()?,
                limit: limit(it.limit)?,
            },
            It::Invitations(it) => Self::Invitations {
                after: it.after.map(Form::read).transpose()?,
                limit: limit(it.limit)?,
            },
            It::Decline(it) => Self::Decline { group: group(it)? },
            It::Join(it) => Self::Join {
                group: group(it.group)?,
                client_id: ClientId::read(it.client_id)?,
                message: it.message.into(),
            },
            It::Withdraw(it) => Self::Withdraw { group: group(it)? },
            It::Requests(it) => Self::Requests {
                group: group(it.group)?,
                after: it.after.map(Form::read).transpose()?,
                limit: limit(it.limit)?,
            },
            It::Refuse(it) => {
                Self::Refuse { group: group(it.group)?, user: UserName::read(it.user)? }
            }
        })
    }
}

impl Form for GroupReply {
    type Proto = proto::GroupReply;

    fn form(&self) -> proto::GroupReply {
        use proto::group_reply::Reply as It;
        proto::GroupReply {
            reply: Some(match self {
                Self::Groups { groups, more } => {
                    It::Groups(proto::GroupPage { groups: forms(groups), more: *more })
                }
                Self::Waiting { users, more } => {
                    It::Waiting(proto::WaitingPage { users: forms(users), more: *more })
                }
                Self::Invitations { invitations, more } => It::Invitations(proto::InvitationPage {
                    invitations: forms(invitations),
                    more: *more,
                }),
                Self::Asked => It::Asked(proto::Unit {}),
            }),
        }
    }

    fn read(form: proto::GroupReply) -> Result<Self, Malformed> {
        use proto::group_reply::Reply as It;
        Ok(match form.reply.ok_or(Malformed::Missing("group reply"))? {
            It::Groups(it) => Self::Groups { groups: read_all(it.groups)?, more: it.more },
            It::Waiting(it) => Self::Waiting { users: read_all(it.users)?, more: it.more },
            It::Invitations(it) => {
                Self::Invitations { invitations: read_all(it.invitations)?, more: it.more }
            }
            It::Asked(_) => Self::Asked,
        })
    }
}

impl Form for Waiting {
    type Proto = proto::Waiting;

    fn form(&self) -> proto::Waiting {
        let Self { user, by, message, since, until } = self;
        proto::Waiting {
            user: user.form(),
            by: by.form(),
            message: message.to_string(),
            since: since.0,
            until: until.0,
        }
    }

    fn read(form: proto::Waiting) -> Result<Self, Malformed> {
        let proto::Waiting { user, by, message, since, until } = form;
        Ok(Self {
            user: UserName::read(user)?,
            by: UserName::read(by)?,
            message: message.into(),
            since: Millis(since),
            until: Millis(until),
        })
    }
}

impl Form for Invitation {
    type Proto = proto::Invitation;

    fn form(&self) -> proto::Invitation {
        let Self { group, by, since, until } = self;
        proto::Invitation {
            group: Some(group.form()),
            by: by.form(),
            since: since.0,
            until: until.0,
        }
    }

    fn read(form: proto::Invitation) -> Result<Self, Malformed> {
        let proto::Invitation { group, by, since, until } = form;
        Ok(Self {
            group: required(group, "group")?,
            by: UserName::read(by)?,
            since: Millis(since),
            until: Millis(until),
        })
    }
}
