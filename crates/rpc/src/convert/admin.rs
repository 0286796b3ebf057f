//! What administrators and API keys ask, and what they are told.

use std::net::IpAddr;

use anser_domain::{
    AdminAct, AdminCommand, AdminGroup, AdminReply, AdminUser, ApiKey, Audience, AuditEntry, Ban,
    Change, ClientId, DeadLetter, DeviceName, GroupName, Landed, MessageId, Millis, NewUser,
    Notice, Noticed, Outgoing, PutWebhook, Role, Scope, Secret, Statistics, SyncToken, UserName,
    Webhook,
};

use super::{Form, forms, limit, read_all, required};
use crate::{malformed::Malformed, proto};

fn texts(texts: &[Box<str>]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

fn read_texts(form: Vec<String>) -> Vec<Box<str>> {
    form.into_iter().map(Into::into).collect()
}

fn scopes(scopes: &[Scope]) -> Vec<u32> {
    scopes.iter().map(|scope| scope.number()).collect()
}

fn read_scopes(form: Vec<u32>) -> Result<Vec<Scope>, Malformed> {
    let read = |number| Scope::from_number(number).ok_or(Malformed::Range("scope"));
    form.into_iter().map(read).collect()
}

fn address(form: Option<String>) -> Result<Option<IpAddr>, Malformed> {
    form.map(|text| text.parse().map_err(|_| Malformed::Range("address"))).transpose()
}

impl Form for AdminCommand {
    type Proto = proto::AdminCommand;

    fn form(&self) -> proto::AdminCommand {
        let Self { address, act } = self;
        proto::AdminCommand {
            address: address.map(|address| address.to_string()),
            act: Some(act_form(act)),
        }
    }

    fn read(form: proto::AdminCommand) -> Result<Self, Malformed> {
        let proto::AdminCommand { address: from, act } = form;
        let act = read_act(act.ok_or(Malformed::Missing("act"))?)?;
        Ok(Self { address: address(from)?, act })
    }
}

fn act_form(act: &AdminAct) -> proto::admin_command::Act {
    use proto::admin_command::Act as It;
    let place = |name: &str, place: &MessageId, limit: u16| proto::WebhookPlace {
        name: name.to_owned(),
        place: place.0,
        limit: limit.into(),
    };
    match act {
        AdminAct::Users { prefix, after, limit } => It::Users(proto::AdminList {
            prefix: prefix.to_string(),
            after: after.as_ref().map(UserName::form),
            limit: (*limit).into(),
        }),
        AdminAct::User(name) => It::User(name.form()),
        AdminAct::CreateUser(new) => It::CreateUser(new.form()),
        AdminAct::SetDisplayName { user, name } => {
            It::SetDisplayName(proto::AdminPair { user: user.form(), text: name.to_string() })
        }
        AdminAct::SetPassword { user, password } => {
            It::SetPassword(proto::SetPassword { user: user.form(), password: password.form() })
        }
        AdminAct::SetRole { user, role } => {
            It::SetRole(proto::AdminRole { user: user.form(), role: role.form() })
        }
        AdminAct::Ban { user, reason, until } => It::Ban(proto::AdminBan {
            user: user.form(),
            reason: reason.to_string(),
            until: until.map(|it| it.0),
        }),
        AdminAct::Unban(user) => It::Unban(user.form()),
        AdminAct::Devices(user) => It::Devices(user.form()),
        AdminAct::EndSessions { user, device } => It::EndSessions(proto::AdminSession {
            user: user.form(),
            device: device.as_ref().map(DeviceName::form),
        }),
        AdminAct::Groups { after, limit } => It::Groups(proto::AdminList {
            prefix: String::new(),
            after: after.as_ref().map(GroupName::form),
            limit: (*limit).into(),
        }),
        AdminAct::Members { group, after, limit } => It::Members(proto::ListMembers {
            group: group.form(),
            after: after.as_ref().map(UserName::form),
            limit: (*limit).into(),
        }),
        AdminAct::ChangeGroup(change) => It::ChangeGroup(change.form()),
        AdminAct::SendAs { from, message } => {
            It::SendAs(proto::SendAs { from: from.form(), message: Some(message.form()) })
        }
        AdminAct::Anonymise { user, scrub } => {
            It::Anonymise(proto::AdminAnonymise { user: user.form(), scrub: *scrub })
        }
        AdminAct::Notice(notice) => It::Notice(notice.form()),
        AdminAct::ReadAs { user, at, range } => It::ReadAs(proto::ReadAs {
            user: user.form(),
            at: Some(at.form()),
            range: Some(range.form()),
        }),
        AdminAct::Statistics => It::Statistics(proto::Unit {}),
        AdminAct::Export { after, limit } => {
            It::Export(proto::ExportAfter { after: after.to_string(), limit: (*limit).into() })
        }
        AdminAct::Import(lines) => It::Import(proto::Lines { lines: texts(lines), next: None }),
        AdminAct::Webhooks => It::Webhooks(proto::Unit {}),
        AdminAct::PutWebhook(put) => It::PutWebhook(put.form()),
        AdminAct::RemoveWebhook(name) => It::RemoveWebhook(name.to_string()),
        AdminAct::DeadLetters { name, after, limit } => It::DeadLetters(place(name, after, *limit)),
        AdminAct::ReplayDead { name, event } => It::ReplayDead(place(name, event, 0)),
        AdminAct::ReplaySince { name, since } => It::ReplaySince(place(name, since, 0)),
        AdminAct::Keys => It::Keys(proto::Unit {}),
        AdminAct::MakeKey { name, scopes: all, expires } => It::MakeKey(proto::NewApiKey {
            name: name.to_string(),
            scopes: scopes(all),
            expires: expires.map(|it| it.0),
        }),
        AdminAct::RevokeKey(id) => It::RevokeKey(*id),
        AdminAct::Audit { before, limit } => {
            It::Audit(proto::AuditBefore { before: before.map(|it| it.0), limit: (*limit).into() })
        }
    }
}

fn read_act(form: proto::admin_command::Act) -> Result<AdminAct, Malformed> {
    use proto::admin_command::Act as It;
    Ok(match form {
        It::Users(proto::AdminList { prefix, after, limit: most }) => AdminAct::Users {
            prefix: prefix.into(),
            after: after.map(UserName::read).transpose()?,
            limit: limit(most)?,
        },
        It::User(name) => AdminAct::User(UserName::read(name)?),
        It::CreateUser(new) => AdminAct::CreateUser(Box::new(NewUser::read(new)?)),
        It::SetDisplayName(proto::AdminPair { user, text }) => {
            AdminAct::SetDisplayName { user: UserName::read(user)?, name: text.into() }
        }
        It::SetPassword(proto::SetPassword { user, password }) => {
            AdminAct::SetPassword { user: UserName::read(user)?, password: Secret::read(password)? }
        }
        It::SetRole(proto::AdminRole { user, role }) => {
            AdminAct::SetRole { user: UserName::read(user)?, role: Role::read(role)? }
        }
        It::Ban(proto::AdminBan { user, reason, until }) => AdminAct::Ban {
            user: UserName::read(user)?,
            reason: reason.into(),
            until: until.map(Millis),
        },
        It::Export(proto::ExportAfter { after, limit: most }) => {
            AdminAct::Export { after: after.into(), limit: limit(most)? }
        }
        It::Import(proto::Lines { lines, .. }) => AdminAct::Import(read_texts(lines)),
        It::Unban(user) => AdminAct::Unban(UserName::read(user)?),
        It::Devices(user) => AdminAct::Devices(UserName::read(user)?),
        It::EndSessions(proto::AdminSession { user, device }) => AdminAct::EndSessions {
            user: UserName::read(user)?,
            device: device.map(DeviceName::read).transpose()?,
        },
        It::Groups(proto::AdminList { prefix: _, after, limit: most }) => {
            AdminAct::Groups { after: after.map(GroupName::read).transpose()?, limit: limit(most)? }
        }
        It::Members(proto::ListMembers { group, after, limit: most }) => AdminAct::Members {
            group: GroupName::read(group)?,
            after: after.map(UserName::read).transpose()?,
            limit: limit(most)?,
        },
        It::ChangeGroup(change) => AdminAct::ChangeGroup(Box::new(Change::read(change)?)),
        It::SendAs(proto::SendAs { from, message }) => AdminAct::SendAs {
            from: UserName::read(from)?,
            message: Box::new(required::<Outgoing>(message, "message")?),
        },
        It::Anonymise(proto::AdminAnonymise { user, scrub }) => {
            AdminAct::Anonymise { user: UserName::read(user)?, scrub }
        }
        It::Notice(notice) => AdminAct::Notice(Box::new(Notice::read(notice)?)),
        It::ReadAs(proto::ReadAs { user, at, range }) => AdminAct::ReadAs {
            user: UserName::read(user)?,
            at: required(at, "at")?,
            range: required(range, "range")?,
        },
        It::Statistics(_) => AdminAct::Statistics,
        It::Webhooks(_) => AdminAct::Webhooks,
        It::PutWebhook(put) => AdminAct::PutWebhook(Box::new(PutWebhook::read(put)?)),
        It::RemoveWebhook(name) => AdminAct::RemoveWebhook(name.into()),
        It::DeadLetters(proto::WebhookPlace { name, place, limit: most }) => {
            AdminAct::DeadLetters {
                name: name.into(),
                after: MessageId(place),
                limit: limit(most)?,
            }
        }
        It::ReplayDead(proto::WebhookPlace { name, place, limit: _ }) => {
            AdminAct::ReplayDead { name: name.into(), event: MessageId(place) }
        }
        It::ReplaySince(proto::WebhookPlace { name, place, limit: _ }) => {
            AdminAct::ReplaySince { name: name.into(), since: MessageId(place) }
        }
        It::Keys(_) => AdminAct::Keys,
        It::MakeKey(proto::NewApiKey { name, scopes, expires }) => AdminAct::MakeKey {
            name: name.into(),
            scopes: read_scopes(scopes)?,
            expires: expires.map(Millis),
        },
        It::RevokeKey(id) => AdminAct::RevokeKey(id),
        It::Audit(proto::AuditBefore { before, limit: most }) => {
            AdminAct::Audit { before: before.map(SyncToken), limit: limit(most)? }
        }
    })
}

impl Form for Notice {
    type Proto = proto::Notice;

    fn form(&self) -> proto::Notice {
        use proto::notice::To;
        let Self { client_id, to, content } = self;
        proto::Notice {
            client_id: client_id.form(),
            to: Some(match to {
                Audience::Users(users) => To::Users(proto::Names { names: forms(users) }),
                Audience::Group(group) => To::Group(group.form()),
            }),
            content: Some(content.form()),
        }
    }

    fn read(form: proto::Notice) -> Result<Self, Malformed> {
        use proto::notice::To;
        let proto::Notice { client_id, to, content } = form;
        Ok(Self {
            client_id: ClientId::read(client_id)?,
            to: match to.ok_or(Malformed::Missing("to"))? {
                To::Users(users) => Audience::Users(read_all(users.names)?),
                To::Group(group) => Audience::Group(GroupName::read(group)?),
            },
            content: required(content, "content")?,
        })
    }
}

impl Form for Noticed {
    type Proto = proto::Noticed;

    fn form(&self) -> proto::Noticed {
        let Self { sent, refused } = self;
        let refused = refused.iter().map(|(user, refusal)| proto::NoticeRefused {
            user: user.form(),
            refusal: Some(refusal.form()),
        });
        proto::Noticed { sent: *sent, refused: refused.collect() }
    }

    fn read(form: proto::Noticed) -> Result<Self, Malformed> {
        let proto::Noticed { sent, refused } = form;
        let read = |it: proto::NoticeRefused| {
            Ok::<_, Malformed>((UserName::read(it.user)?, required(it.refusal, "refusal")?))
        };
        Ok(Self { sent, refused: refused.into_iter().map(read).collect::<Result<_, _>>()? })
    }
}

impl Form for PutWebhook {
    type Proto = proto::PutWebhook;

    fn form(&self) -> proto::PutWebhook {
        let Self { name, url, secrets, kinds, enabled } = self;
        proto::PutWebhook {
            name: name.to_string(),
            url: url.to_string(),
            secrets: secrets.as_ref().map(|all| proto::Secrets { secrets: forms(all) }),
            kinds: texts(kinds),
            enabled: *enabled,
        }
    }

    fn read(form: proto::PutWebhook) -> Result<Self, Malformed> {
        let proto::PutWebhook { name, url, secrets, kinds, enabled } = form;
        Ok(Self {
            name: name.into(),
            url: url.into(),
            secrets: secrets.map(|it| read_all(it.secrets)).transpose()?,
            kinds: read_texts(kinds),
            enabled,
        })
    }
}

impl Form for AdminReply {
    type Proto = proto::AdminReply;

    fn form(&self) -> proto::AdminReply {
        use proto::admin_reply::Reply as It;
        proto::AdminReply {
            reply: Some(match self {
                Self::Users { users, more } => {
                    It::Users(proto::AdminUsers { users: forms(users), more: *more })
                }
                Self::User(user) => It::User(user.form()),
                Self::Groups { groups, more } => {
                    It::Groups(proto::AdminGroups { groups: forms(groups), more: *more })
                }
                Self::Noticed(noticed) => It::Noticed(noticed.form()),
                Self::Statistics(numbers) => It::Statistics(numbers.form()),
                Self::Exported { lines, next } => It::Exported(proto::Lines {
                    lines: texts(lines),
                    next: next.as_ref().map(ToString::to_string),
                }),
                Self::Imported(landed) => It::Imported(proto::LandedLines { lines: forms(landed) }),
                Self::Webhooks(all) => It::Webhooks(proto::Webhooks { webhooks: forms(all) }),
                Self::Webhook(webhook, secret) => It::Webhook(proto::WebhookMade {
                    webhook: Some(webhook.form()),
                    secret: secret.as_ref().map(Secret::form),
                }),
                Self::DeadLetters { letters, more } => {
                    It::DeadLetters(proto::DeadLetters { letters: forms(letters), more: *more })
                }
                Self::Replayed(failed) => It::Replayed(proto::Replayed {
                    failed: failed.as_ref().map(ToString::to_string),
                }),
                Self::Keys(keys) => It::Keys(proto::ApiKeys { keys: forms(keys) }),
                Self::NewKey(key, secret) => {
                    It::NewKey(proto::ApiKeyMade { key: Some(key.form()), secret: secret.form() })
                }
                Self::Audit { entries, more } => {
                    It::Audit(proto::AuditPage { entries: forms(entries), more: *more })
                }
            }),
        }
    }

    fn read(form: proto::AdminReply) -> Result<Self, Malformed> {
        use proto::admin_reply::Reply as It;
        Ok(match form.reply.ok_or(Malformed::Missing("reply"))? {
            It::Users(proto::AdminUsers { users, more }) => {
                Self::Users { users: read_all(users)?, more }
            }
            It::User(user) => Self::User(AdminUser::read(user)?),
            It::Groups(proto::AdminGroups { groups, more }) => {
                Self::Groups { groups: read_all(groups)?, more }
            }
            It::Noticed(noticed) => Self::Noticed(Noticed::read(noticed)?),
            It::Statistics(numbers) => Self::Statistics(Statistics::read(numbers)?),
            It::Exported(proto::Lines { lines, next }) => {
                Self::Exported { lines: read_texts(lines), next: next.map(Into::into) }
            }
            It::Imported(proto::LandedLines { lines }) => Self::Imported(read_all(lines)?),
            It::Webhooks(proto::Webhooks { webhooks }) => Self::Webhooks(read_all(webhooks)?),
            It::Webhook(proto::WebhookMade { webhook, secret }) => {
                Self::Webhook(required(webhook, "webhook")?, secret.map(Secret::read).transpose()?)
            }
            It::DeadLetters(proto::DeadLetters { letters, more }) => {
                Self::DeadLetters { letters: read_all(letters)?, more }
            }
            It::Replayed(proto::Replayed { failed }) => Self::Replayed(failed.map(Into::into)),
            It::Keys(proto::ApiKeys { keys }) => Self::Keys(read_all(keys)?),
            It::NewKey(proto::ApiKeyMade { key, secret }) => {
                Self::NewKey(required(key, "key")?, Secret::read(secret)?)
            }
            It::Audit(proto::AuditPage { entries, more }) => {
                Self::Audit { entries: read_all(entries)?, more }
            }
        })
    }
}

impl Form for AdminUser {
    type Proto = proto::AdminUser;

    fn form(&self) -> proto::AdminUser {
        let Self { name, display_name, role, disabled, ban } = self;
        proto::AdminUser {
            name: name.form(),
            display_name: display_name.to_string(),
            role: role.form(),
            disabled: *disabled,
            ban: ban.as_ref().map(Ban::form),
        }
    }

    fn read(form: proto::AdminUser) -> Result<Self, Malformed> {
        let proto::AdminUser { name, display_name, role, disabled, ban } = form;
        Ok(Self {
            name: UserName::read(name)?,
            display_name: display_name.into(),
            role: Role::read(role)?,
            disabled,
            ban: ban.map(Ban::read).transpose()?,
        })
    }
}

impl Form for Ban {
    type Proto = proto::Ban;

    fn form(&self) -> proto::Ban {
        let Self { reason, until, at } = self;
        proto::Ban { reason: reason.to_string(), until: until.map(|it| it.0), at: at.0 }
    }

    fn read(form: proto::Ban) -> Result<Self, Malformed> {
        let proto::Ban { reason, until, at } = form;
        Ok(Self { reason: reason.into(), until: until.map(Millis), at: Millis(at) })
    }
}

impl Form for AdminGroup {
    type Proto = proto::AdminGroup;

    fn form(&self) -> proto::AdminGroup {
        let Self { name, title, owner, members, created } = self;
        proto::AdminGroup {
            name: name.form(),
            title: title.to_string(),
            owner: owner.as_ref().map(UserName::form),
            members: *members,
            created: created.0,
        }
    }

    fn read(form: proto::AdminGroup) -> Result<Self, Malformed> {
        let proto::AdminGroup { name, title, owner, members, created } = form;
        Ok(Self {
            name: GroupName::read(name)?,
            title: title.into(),
            owner: owner.map(UserName::read).transpose()?,
            members,
            created: Millis(created),
        })
    }
}

impl Form for Statistics {
    type Proto = proto::Statistics;

    fn form(&self) -> proto::Statistics {
        let Self { users, disabled, online, groups, conversations, entries_today, bytes } = *self;
        proto::Statistics { users, disabled, online, groups, conversations, entries_today, bytes }
    }

    fn read(form: proto::Statistics) -> Result<Self, Malformed> {
        let proto::Statistics {
            users,
            disabled,
            online,
            groups,
            conversations,
            entries_today,
            bytes,
        } = form;
        Ok(Self { users, disabled, online, groups, conversations, entries_today, bytes })
    }
}

impl Form for Webhook {
    type Proto = proto::Webhook;

    fn form(&self) -> proto::Webhook {
        let Self { name, url, kinds, enabled, place, dead } = self;
        proto::Webhook {
            name: name.to_string(),
            url: url.to_string(),
            kinds: texts(kinds),
            enabled: *enabled,
            place: place.0,
            dead: *dead,
        }
    }

    fn read(form: proto::Webhook) -> Result<Self, Malformed> {
        let proto::Webhook { name, url, kinds, enabled, place, dead } = form;
        Ok(Self {
            name: name.into(),
            url: url.into(),
            kinds: read_texts(kinds),
            enabled,
            place: MessageId(place),
            dead,
        })
    }
}

impl Form for DeadLetter {
    type Proto = proto::DeadLetter;

    fn form(&self) -> proto::DeadLetter {
        let Self { event, kind, attempts, reason, at } = self;
        proto::DeadLetter {
            event: event.0,
            kind: kind.to_string(),
            attempts: *attempts,
            reason: reason.to_string(),
            at: at.0,
        }
    }

    fn read(form: proto::DeadLetter) -> Result<Self, Malformed> {
        let proto::DeadLetter { event, kind, attempts, reason, at } = form;
        let (kind, reason) = (kind.into(), reason.into());
        Ok(Self { event: MessageId(event), kind, attempts, reason, at: Millis(at) })
    }
}

impl Form for ApiKey {
    type Proto = proto::ApiKey;

    fn form(&self) -> proto::ApiKey {
        let Self { id, name, scopes: all, created, expires } = self;
        proto::ApiKey {
            id: *id,
            name: name.to_string(),
            scopes: scopes(all),
            created: created.0,
            expires: expires.map(|it| it.0),
        }
    }

    fn read(form: proto::ApiKey) -> Result<Self, Malformed> {
        let proto::ApiKey { id, name, scopes, created, expires } = form;
        Ok(Self {
            id,
            name: name.into(),
            scopes: read_scopes(scopes)?,
            created: Millis(created),
            expires: expires.map(Millis),
        })
    }
}

impl Form for AuditEntry {
    type Proto = proto::AuditEntry;

    fn form(&self) -> proto::AuditEntry {
        let Self { id, at, who, what, whom, address } = self;
        proto::AuditEntry {
            id: id.0,
            at: at.0,
            who: who.to_string(),
            what: what.to_string(),
            whom: whom.to_string(),
            address: address.map(|it| it.to_string()),
        }
    }

    fn read(form: proto::AuditEntry) -> Result<Self, Malformed> {
        let proto::AuditEntry { id, at, who, what, whom, address: from } = form;
        Ok(Self {
            id: SyncToken(id),
            at: Millis(at),
            who: who.into(),
            what: what.into(),
            whom: whom.into(),
            address: address(from)?,
        })
    }
}

impl Form for Landed {
    type Proto = proto::LandedLine;

    fn form(&self) -> proto::LandedLine {
        use proto::landed_line::How as It;
        let how = match self {
            Self::New => It::New(proto::Unit {}),
            Self::There => It::There(proto::Unit {}),
            Self::Refused(why) => It::Refused(why.to_string()),
            Self::Begun => It::Begun(proto::Unit {}),
            Self::Ended(lines) => It::Ended(*lines),
        };
        proto::LandedLine { how: Some(how) }
    }

    fn read(form: proto::LandedLine) -> Result<Self, Malformed> {
        use proto::landed_line::How as It;
        Ok(match form.how.ok_or(Malformed::Missing("how"))? {
            It::New(_) => Self::New,
            It::There(_) => Self::There,
            It::Refused(why) => Self::Refused(why.into()),
            It::Begun(_) => Self::Begun,
            It::Ended(lines) => Self::Ended(lines),
        })
    }
}
