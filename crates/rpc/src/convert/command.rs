//! Commands.

use anser_domain::{
    Act, Change, ClientId, Command, ConvId, DeviceName, EntryChange, FileCommand, GroupChange,
    GroupCommand, GroupKind, GroupName, GroupRole, HistoryRange, Login, MemberChange,
    MessagesCommand, NewGroup, NewUser, Outgoing, Payload, PeopleCommand, Pull, PushCommand, Role,
    Secret, Seq, SignIn, Source, SyncToken, UserName,
};

use super::{Form, account::address, forms, limit, read_all, required};
use crate::{malformed::Malformed, proto};

impl Form for Command {
    type Proto = proto::Command;

    fn form(&self) -> proto::Command {
        use proto::command::Command as It;
        let unit = proto::Unit {};
        proto::Command {
            command: Some(match self {
                Self::Login(login) => It::Login(login.form()),
                Self::Unlink => It::Unlink(unit),
                Self::Relink => It::Relink(unit),
                Self::Pull(pull) => It::Pull(pull.form()),
                Self::Changes { since } => It::ChangesSince(since.0),
                Self::Delivered { conv, seq } => {
                    It::Delivered(proto::ConvSeq { conv: conv.0, seq: seq.0 })
                }
                Self::Send(outgoing) => It::Send(outgoing.form()),
                Self::History { at, range } => {
                    It::History(proto::History { at: Some(at.form()), range: Some(range.form()) })
                }
                Self::Conversations { before, limit } => {
                    It::Conversations(proto::ListConversations {
                        before: before.map(|token| token.0),
                        limit: (*limit).into(),
                    })
                }
                Self::Read { at, seq } => {
                    It::Read(proto::ReadTo { at: Some(at.form()), seq: seq.0 })
                }
                Self::Typing { at, active } => {
                    It::Typing(proto::SetTyping { at: Some(at.form()), active: *active })
                }
                Self::CreateGroup(group) => It::CreateGroup(group.form()),
                Self::Change(change) => It::Change(change.form()),
                Self::Messages(command) => It::Messages(command.form()),
                Self::Group(name) => It::Group(name.form()),
                Self::Members { group, after, limit } => It::Members(proto::ListMembers {
                    group: group.form(),
                    after: after.as_ref().map(UserName::form),
                    limit: (*limit).into(),
                }),
                Self::Files(it) => It::Files(it.form()),
                Self::Groups(it) => It::Groups(it.form()),
                Self::SignIn(it) => It::SignIn(it.form()),
                Self::Refresh(token) => It::Refresh(token.form()),
                Self::SignOut => It::SignOut(unit),
                Self::ChangePassword { old, new } => {
                    It::ChangePassword(proto::ChangePassword { old: old.form(), new: new.form() })
                }
                Self::Me => It::Me(unit),
                Self::SetDisplayName(name) => It::SetDisplayName(name.to_string()),
                Self::User(name) => It::User(name.form()),
                Self::Devices => It::Devices(unit),
                Self::RemoveDevice(name) => It::RemoveDevice(name.form()),
                Self::Push(command) => It::Push(command.form()),
                Self::People(it) => It::People(it.form()),
                Self::CreateUser(user) => It::CreateUser(user.form()),
                Self::Users { after, limit } => It::Users(proto::ListUsers {
                    after: after.as_ref().map(UserName::form),
                    limit: (*limit).into(),
                }),
                Self::SetPassword { user, password } => It::SetPassword(proto::SetPassword {
                    user: user.form(),
                    password: password.form(),
                }),
                Self::SetDisabled { user, disabled } => {
                    It::SetDisabled(proto::SetDisabled { user: user.form(), disabled: *disabled })
                }
                Self::Admin(it) => It::Admin(it.form()),
            }),
        }
    }

    fn read(form: proto::Command) -> Result<Self, Malformed> {
        use proto::command::Command as It;
        Ok(match form.command.ok_or(Malformed::Missing("command"))? {
            It::Login(it) => Self::Login(Box::new(Login::read(it)?)),
            It::Unlink(_) => Self::Unlink,
            It::Relink(_) => Self::Relink,
            It::Pull(it) => Self::Pull(Pull::read(it)?),
            It::ChangesSince(since) => Self::Changes { since: SyncToken(since) },
            It::Delivered(it) => Self::Delivered { conv: ConvId(it.conv), seq: Seq(it.seq) },
            It::Send(it) => Self::Send(Box::new(Outgoing::read(it)?)),
            It::History(it) => {
                Self::History { at: address(it.at)?, range: required(it.range, "range")? }
            }
            It::Conversations(it) => {
                Self::Conversations { before: it.before.map(SyncToken), limit: limit(it.limit)? }
            }
            It::Read(it) => Self::Read { at: address(it.at)?, seq: Seq(it.seq) },
            It::Typing(it) => Self::Typing { at: address(it.at)?, active: it.active },
            It::CreateGroup(it) => Self::CreateGroup(Box::new(NewGroup::read(it)?)),
            It::Change(it) => Self::Change(Box::new(Change::read(it)?)),
            It::Messages(it) => Self::Messages(MessagesCommand::read(it)?),
            It::Group(name) => Self::Group(GroupName::read(name)?),
            It::Members(it) => Self::Members {
                group: GroupName::read(it.group)?,
                after: it.after.map(UserName::read).transpose()?,
                limit: limit(it.limit)?,
            },
            It::Files(it) => Self::Files(FileCommand::read(it)?),
            It::Groups(it) => Self::Groups(Box::new(GroupCommand::read(it)?)),
            It::SignIn(it) => Self::SignIn(Box::new(SignIn::read(it)?)),
            It::Refresh(token) => Self::Refresh(Secret::read(token)?),
            It::SignOut(_) => Self::SignOut,
            It::ChangePassword(it) => {
                Self::ChangePassword { old: Secret::read(it.old)?, new: Secret::read(it.new)? }
            }
            It::Me(_) => Self::Me,
            It::SetDisplayName(name) => Self::SetDisplayName(name.into()),
            It::User(name) => Self::User(UserName::read(name)?),
            It::Devices(_) => Self::Devices,
            It::RemoveDevice(name) => Self::RemoveDevice(DeviceName::read(name)?),
            It::Push(it) => Self::Push(Box::new(PushCommand::read(it)?)),
            It::People(it) => Self::People(Box::new(PeopleCommand::read(it)?)),
            It::CreateUser(it) => Self::CreateUser(Box::new(NewUser::read(it)?)),
            It::Users(it) => Self::Users {
                after: it.after.map(UserName::read).transpose()?,
                limit: limit(it.limit)?,
            },
            It::SetPassword(it) => Self::SetPassword {
                user: UserName::read(it.user)?,
                password: Secret::read(it.password)?,
            },
            It::Admin(it) => Self::Admin(Box::new(anser_domain::AdminCommand::read(it)?)),
            It::SetDisabled(it) => {
                Self::SetDisabled { user: UserName::read(it.user)?, disabled: it.disabled }
            }
        })
    }
}

impl Form for Login {
    type Proto = proto::Login;

    fn form(&self) -> proto::Login {
        let Self { credential, since } = self;
        proto::Login { credential: Some(credential.form()), since: since.map(|token| token.0) }
    }

    fn read(form: proto::Login) -> Result<Self, Malformed> {
        let proto::Login { credential, since } = form;
        Ok(Self { credential: required(credential, "credential")?, since: since.map(SyncToken) })
    }
}

impl Form for Pull {
    type Proto = proto::Pull;

    fn form(&self) -> proto::Pull {
        let Self { conv, after, limit } = self;
        proto::Pull { conv: conv.0, after: after.map(|seq| seq.0), limit: (*limit).into() }
    }

    fn read(form: proto::Pull) -> Result<Self, Malformed> {
        Ok(Self { conv: ConvId(form.conv), after: form.after.map(Seq), limit: limit(form.limit)? })
    }
}

impl Form for Outgoing {
    type Proto = proto::Outgoing;

    fn form(&self) -> proto::Outgoing {
        let Self { to, client_id, content, reply_to, mentions, payload, mentions_all, forward } =
            self;
        proto::Outgoing {
            to: Some(to.form()),
            client_id: client_id.form(),
            content: Some(content.form()),
            reply_to: reply_to.map(|seq| seq.0),
            mentions: forms(mentions),
            payload: payload.as_ref().map(Payload::form),
            mentions_all: *mentions_all,
            forward: forward.as_ref().map(Source::form),
        }
    }

    fn read(form: proto::Outgoing) -> Result<Self, Malformed> {
        let proto::Outgoing {
            to,
            client_id,
            content,
            reply_to,
            mentions,
            payload,
            mentions_all,
            forward,
        } = form;
        Ok(Self {
            to: address(to)?,
            client_id: ClientId::read(client_id)?,
            content: required(content, "content")?,
            reply_to: reply_to.map(Seq),
            mentions: read_all(mentions)?,
            payload: payload.map(Payload::read).transpose()?,
            mentions_all,
            forward: forward.map(Source::read).transpose()?,
        })
    }
}

impl Form for HistoryRange {
    type Proto = proto::HistoryRange;

    fn form(&self) -> proto::HistoryRange {
        use proto::history_range::From as It;
        let (from, limit) = match self {
            Self::Latest { limit } => (It::Latest(proto::Unit {}), limit),
            Self::Before { seq, limit } => (It::Before(seq.0), limit),
            Self::After { seq, limit } => (It::After(seq.0), limit),
        };
        proto::HistoryRange { from: Some(from), limit: (*limit).into() }
    }

    fn read(form: proto::HistoryRange) -> Result<Self, Malformed> {
        use proto::history_range::From as It;
        let limit = limit(form.limit)?;
        Ok(match form.from.ok_or(Malformed::Missing("range"))? {
            It::Latest(_) => Self::Latest { limit },
            It::Before(seq) => Self::Before { seq: Seq(seq), limit },
            It::After(seq) => Self::After { seq: Seq(seq), limit },
        })
    }
}

impl Form for NewGroup {
    type Proto = proto::NewGroup;

    fn form(&self) -> proto::NewGroup {
        let Self { client_id, name, kind, title, members } = self;
        proto::NewGroup {
            kind: kind.form(),
            client_id: client_id.form(),
            name: name.form(),
            title: title.to_string(),
            members: forms(members),
        }
    }

    fn read(form: proto::NewGroup) -> Result<Self, Malformed> {
        let proto::NewGroup { client_id, name, title, members, kind } = form;
        Ok(Self {
            kind: GroupKind::read(kind)?,
            client_id: ClientId::read(client_id)?,
            name: GroupName::read(name)?,
            title: title.into(),
            members: read_all(members)?,
        })
    }
}

impl Form for Change {
    type Proto = proto::Change;

    fn form(&self) -> proto::Change {
        use proto::change::Act as It;
        let Self { client_id, at, act } = self;
        proto::Change {
            client_id: client_id.form(),
            at: Some(at.form()),
            act: Some(match act {
                Act::Members(change) => It::Members(change.form()),
                Act::Group(change) => It::Group(change.form()),
                Act::Entry(change) => It::Entry(change.form()),
            }),
        }
    }

    fn read(form: proto::Change) -> Result<Self, Malformed> {
        use proto::change::Act as It;
        let proto::Change { client_id, at, act } = form;
        Ok(Self {
            client_id: ClientId::read(client_id)?,
            at: address(at)?,
            act: match act.ok_or(Malformed::Missing("act"))? {
                It::Members(it) => Act::Members(MemberChange::read(it)?),
                It::Group(it) => Act::Group(GroupChange::read(it)?),
                It::Entry(it) => Act::Entry(EntryChange::read(it)?),
            },
        })
    }
}

impl Form for MemberChange {
    type Proto = proto::MemberChange;

    fn form(&self) -> proto::MemberChange {
        use proto::member_change::Change as It;
        proto::MemberChange {
            change: Some(match self {
                Self::Put { users, role } => {
                    It::Put(proto::PutMembers { users: forms(users), role: role.form() })
                }
                Self::Remove { users } => It::Remove(proto::Names { names: forms(users) }),
            }),
        }
    }

    fn read(form: proto::MemberChange) -> Result<Self, Malformed> {
        use proto::member_change::Change as It;
        Ok(match form.change.ok_or(Malformed::Missing("change"))? {
            It::Put(it) => {
                Self::Put { users: read_all(it.users)?, role: GroupRole::read(it.role)? }
            }
            It::Remove(it) => Self::Remove { users: read_all(it.names)? },
        })
    }
}

impl Form for NewUser {
    type Proto = proto::NewUser;

    fn form(&self) -> proto::NewUser {
        let Self { name, password, display_name, role } = self;
        proto::NewUser {
            name: name.form(),
            password: password.form(),
            display_name: display_name.to_string(),
            role: role.form(),
        }
    }

    fn read(form: proto::NewUser) -> Result<Self, Malformed> {
        let proto::NewUser { name, password, display_name, role } = form;
        Ok(Self {
            name: UserName::read(name)?,
            password: Secret::read(password)?,
            display_name: display_name.into(),
            role: Role::read(role)?,
        })
    }
}
