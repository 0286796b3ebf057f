//! Administration's shapes.

use anser_domain::{GroupName, Scope, Secret};

use super::{invalid, role_of};
use crate::{
    api::{
        admin::{AdminGroup, AdminUser, Ban},
        backend::{ApiKey, AuditEntry},
        webhooks::{DeadLetter, PutWebhook, Webhook},
    },
    problem::Problem,
};

pub(crate) fn group_cursor(cursor: &str) -> Result<GroupName, Problem> {
    GroupName::new(cursor).map_err(|_| invalid("cursor", "not one this list has given"))
}

pub(crate) fn scopes(names: &[String]) -> Result<Vec<Scope>, Problem> {
    let read = |name: &String| {
        Scope::from_name(name).ok_or_else(|| invalid("scopes", format_args!("'{name}' is none")))
    };
    names.iter().map(read).collect()
}

pub(crate) fn put_webhook(name: Box<str>, wish: PutWebhook) -> anser_domain::PutWebhook {
    anser_domain::PutWebhook {
        name,
        url: wish.url.into(),
        secrets: wish.secrets.map(|all| all.into_iter().map(Secret::new).collect()),
        kinds: wish.kinds.into_iter().map(Into::into).collect(),
        enabled: wish.enabled.unwrap_or(true),
    }
}

pub(crate) fn admin_user(user: anser_domain::AdminUser) -> AdminUser {
    AdminUser {
        user: user.name.to_string(),
        display_name: user.display_name.into(),
        role: role_of(user.role),
        disabled: user.disabled,
        ban: user.ban.map(|ban| Ban {
            reason: ban.reason.into(),
            until: ban.until.map(|it| it.0),
            at: ban.at.0,
        }),
    }
}

pub(crate) fn admin_group(group: anser_domain::AdminGroup) -> AdminGroup {
    AdminGroup {
        id: group.name.to_string(),
        title: group.title.into(),
        owner: group.owner.map(|name| name.to_string()),
        members: group.members,
        created: group.created.0,
    }
}

pub(crate) fn webhook(webhook: anser_domain::Webhook, secret: Option<Secret>) -> Webhook {
    Webhook {
        name: webhook.name.into(),
        url: webhook.url.into(),
        kinds: webhook.kinds.into_iter().map(Into::into).collect(),
        enabled: webhook.enabled,
        place: webhook.place.to_string(),
        dead: webhook.dead,
        secret: secret.map(|it| it.expose().to_owned()),
    }
}

pub(crate) fn dead_letter(letter: anser_domain::DeadLetter) -> DeadLetter {
    DeadLetter {
        event: letter.event.to_string(),
        kind: letter.kind.into(),
        attempts: letter.attempts,
        reason: letter.reason.into(),
        at: letter.at.0,
    }
}

pub(crate) fn api_key(key: anser_domain::ApiKey, secret: Option<Secret>) -> ApiKey {
    ApiKey {
        id: key.id.to_string(),
        name: key.name.into(),
        scopes: key.scopes.iter().map(|scope| scope.name()).collect(),
        created: key.created.0,
        expires: key.expires.map(|it| it.0),
        key: secret.map(|it| it.expose().to_owned()),
    }
}

pub(crate) fn audit_entry(entry: anser_domain::AuditEntry) -> AuditEntry {
    AuditEntry {
        at: entry.at.0,
        who: entry.who.into(),
        what: entry.what.into(),
        whom: entry.whom.into(),
        address: entry.address.map(|it| it.to_string()),
    }
}
