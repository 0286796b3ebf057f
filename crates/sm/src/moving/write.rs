//! Writing a line: what is at its default is left out.

use anser_domain::{GroupRole, Kind, Role, Seq, UserName};
use anser_store::{EntryRecord, Place, Record};
use base64::{Engine, engine::general_purpose::STANDARD};

use super::line::{Line, Scram, Written};

impl Line {
    /// The line of a record.
    pub(super) fn of(record: Record) -> Self {
        match record {
            Record::User(it) => Self::User {
                user: it.name.to_string(),
                display_name: it.display_name.into(),
                admin: it.role == Role::Admin,
                disabled: it.disabled,
                scram: Some(Scram {
                    iterations: it.keys.iterations,
                    salt: STANDARD.encode(&it.keys.salt),
                    stored_key: STANDARD.encode(it.keys.stored_key),
                    server_key: STANDARD.encode(it.keys.server_key),
                }),
                password: None,
            },
            Record::Item { user, key, value } => Self::Item {
                user: user.to_string(),
                key: key.as_str().to_owned(),
                value: value.into(),
            },
            Record::Friend { user, friend, remark, lists, since } => Self::Friend {
                user: user.to_string(),
                friend: friend.to_string(),
                remark: remark.into(),
                lists,
                since: since.0,
            },
            Record::Block { user, blocked, since } => {
                Self::Block { user: user.to_string(), blocked: blocked.to_string(), since: since.0 }
            }
            Record::Group(it) => Self::Group {
                group: it.name.to_string(),
                owner: it.owner.to_string(),
                title: it.title,
                description: it.description,
                avatar: it.avatar,
                announcement: it.announcement,
                policy: it.policy,
                created: it.created.0,
                from_seq: it.from.0,
            },
            Record::Member { group, user, role, from } => Self::Member {
                group: group.to_string(),
                user: user.to_string(),
                admin: role == GroupRole::Admin,
                from_seq: from.0,
            },
            Record::Entry(it) => Self::Message(Box::new(written(*it))),
        }
    }

    /// As it is written.
    pub(super) fn text(&self) -> Box<str> {
        // Strings and numbers only: nothing of it can fail.
        serde_json::to_string(self).unwrap_or_default().into()
    }
}

fn written(it: EntryRecord) -> Written {
    let (group, with) = match it.place {
        Place::Group(name) => (Some(name.to_string()), None),
        Place::Direct(one, other) => (None, Some((one.to_string(), other.to_string()))),
    };
    let kind = Kind::TABLE.iter().find(|row| row.2 == it.kind).map_or("", |row| row.1);
    let reaction = |(what, who, by): (Box<str>, UserName, Seq)| (what, who.to_string(), by.0);
    Written {
        group,
        with,
        seq: it.seq.map(|seq| seq.0),
        from: it.from.to_string(),
        at: it.at.0,
        // A UUID without hyphens, which reads back as itself.
        id: format!("{:032x}", u128::from_be_bytes(it.client_id.0)),
        kind: kind.to_owned(),
        text: it.body,
        reply_to: it.reply_to.map(|seq| seq.0),
        mentions: it.mentions.iter().map(ToString::to_string).collect(),
        payload: it.payload.map(|(protocol, bytes)| (protocol, STANDARD.encode(bytes))),
        extra: it.extra,
        reactions: it.reactions.into_iter().map(reaction).collect(),
        pinned: it.pinned.map(|seq| seq.0),
    }
}
