//! The lines of an export. `docs/src/moving.md` describes them; what is left out of a line has its
//! default, so that other systems need to say little.

use anser_domain::{
    ClientId, GroupName, GroupRole, ItemKey, Kind, Millis, Role, Secret, Seq, UserName,
};
use anser_store::{EntryRecord, GroupRecord, Place, Record, ScramKeys, UserRecord};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use crate::account::display_name;

/// The newest format that is read; the one that is written.
pub(super) const VERSION: u32 = 1;
/// The longest text of a message, in bytes, as when it is sent.
const MAX_TEXT: usize = 64 << 10;
/// The longest of the texts of groups and friends, in bytes.
const MAX_WORDS: usize = 8 << 10;
/// PBKDF2's iterations that a credential may ask for: each sign-in costs them.
const MAX_ITERATIONS: u32 = 10_000_000;

/// A line.
#[derive(Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(super) enum Line {
    Anser {
        version: u32,
    },
    User {
        user: String,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        display_name: String,
        #[serde(default, skip_serializing_if = "is_not")]
        admin: bool,
        #[serde(default, skip_serializing_if = "is_not")]
        disabled: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scram: Option<Scram>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        password: Option<String>,
    },
    Item {
        user: String,
        key: String,
        value: String,
    },
    Friend {
        user: String,
        friend: String,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        remark: String,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        lists: Vec<Box<str>>,
        #[serde(default)]
        since: i64,
    },
    Block {
        user: String,
        blocked: String,
        #[serde(default)]
        since: i64,
    },
    Group {
        group: String,
        owner: String,
        #[serde(default)]
        title: Box<str>,
        #[serde(default)]
        description: Box<str>,
        #[serde(default)]
        avatar: Box<str>,
        #[serde(default)]
        announcement: Box<str>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        policy: Option<u16>,
        #[serde(default)]
        created: i64,
        #[serde(default = "first")]
        from_seq: u64,
    },
    Member {
        group: String,
        user: String,
        #[serde(default, skip_serializing_if = "is_not")]
        admin: bool,
        #[serde(default = "first")]
        from_seq: u64,
    },
    Message(Box<Written>),
    End {
        lines: u64,
    },
}

/// A SCRAM-SHA-256 credential; binary as base64.
#[derive(Serialize, Deserialize)]
pub(super) struct Scram {
    iterations: u32,
    salt: String,
    stored_key: String,
    server_key: String,
}

/// An entry.
#[derive(Serialize, Deserialize)]
pub(super) struct Written {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    with: Option<(String, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    from: String,
    at: i64,
    id: String,
    #[serde(default = "text_kind")]
    kind: String,
    text: Box<str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reply_to: Option<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    mentions: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    payload: Option<(u8, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    extra: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    reactions: Vec<(Box<str>, String, u64)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pinned: Option<u64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_not(flag: &bool) -> bool {
    !flag
}

fn first() -> u64 {
    1
}

fn text_kind() -> String {
    Kind::Text.name().to_owned()
}

/// What a line says.
pub(super) enum Parsed {
    Begin,
    End(u64),
    Record(Box<Record>, Option<Secret>),
}

/// Why a line is not taken.
type Why = Box<str>;

fn user(text: &str) -> Result<UserName, Why> {
    UserName::new(text).map_err(|error| error.to_string().into())
}

fn group(text: &str) -> Result<GroupName, Why> {
    GroupName::new(text).map_err(|error| error.to_string().into())
}

fn seq(number: u64) -> Result<Seq, Why> {
    match number {
        1..=0xFFFF_FFFF_FFFF => Ok(Seq(number)),
        _ => Err("a seq counts from 1".into()),
    }
}

fn bytes(text: &str) -> Result<Vec<u8>, Why> {
    STANDARD.decode(text).map_err(|_| "what should be base64 is not".into())
}

fn short(text: &str) -> Result<(), Why> {
    if text.len() > MAX_WORDS { Err("a text has at most 8 KiB".into()) } else { Ok(()) }
}

/// The credential of somebody who has none: nobody knows a password for it.
fn nobodys() -> ScramKeys {
    ScramKeys {
        salt: rand::random::<[u8; 16]>().to_vec(),
        iterations: 4_096,
        stored_key: rand::random(),
        server_key: rand::random(),
    }
}

fn keys(form: &Scram) -> Result<ScramKeys, Why> {
    let key = |text| bytes(text)?.try_into().map_err(|_| Why::from("a key has 32 bytes"));
    if !(1..=MAX_ITERATIONS).contains(&form.iterations) {
        return Err("iterations are 1 to 10,000,000".into());
    }
    let salt = bytes(&form.salt)?;
    if salt.is_empty() || salt.len() > 64 {
        return Err("a salt has 1 to 64 bytes".into());
    }
    let (stored_key, server_key) = (key(&form.stored_key)?, key(&form.server_key)?);
    Ok(ScramKeys { salt, iterations: form.iterations, stored_key, server_key })
}

/// Reads a line. Every name and number in it is checked here.
pub(super) fn parse(text: &str) -> Result<Parsed, Why> {
    let line: Line = serde_json::from_str(text).map_err(|error| Why::from(error.to_string()))?;
    let mut secret = None;
    let record = match line {
        Line::Anser { version } if version <= VERSION => return Ok(Parsed::Begin),
        Line::Anser { .. } => return Err("a newer format than this server reads".into()),
        Line::End { lines } => return Ok(Parsed::End(lines)),
        Line::User { user: name, display_name: display, admin, disabled, scram, password } => {
            display_name(&display).map_err(|refusal| Why::from(refusal.to_string()))?;
            secret = password.map(Secret::new);
            Record::User(UserRecord {
                name: user(&name)?,
                display_name: display.into(),
                role: if admin { Role::Admin } else { Role::User },
                disabled,
                keys: scram.as_ref().map_or_else(|| Ok(nobodys()), keys)?,
            })
        }
        Line::Item { user: whose, key, value } => {
            short(&value)?;
            serde_json::from_str::<serde::de::IgnoredAny>(&value)
                .map_err(|_| Why::from("an item's value is JSON in a string"))?;
            let key = ItemKey::new(&key).map_err(|error| Why::from(error.to_string()))?;
            Record::Item { user: user(&whose)?, key, value: value.into() }
        }
        Line::Friend { user: one, friend, remark, lists, since } => {
            short(&remark)?;
            short(&lists.concat())?;
            let (user, friend) = (user(&one)?, user(&friend)?);
            Record::Friend { user, friend, remark: remark.into(), lists, since: Millis(since) }
        }
        Line::Block { user: one, blocked, since } => {
            let (user, blocked) = (user(&one)?, user(&blocked)?);
            Record::Block { user, blocked, since: Millis(since) }
        }
        Line::Group { title, description, avatar, announcement, .. }
            if [&title, &description, &avatar, &announcement]
                .iter()
                .any(|text| text.len() > MAX_WORDS) =>
        {
            return Err("a text has at most 8 KiB".into());
        }
        Line::Group {
            group: name,
            owner,
            title,
            description,
            avatar,
            announcement,
            policy,
            created,
            from_seq,
        } => Record::Group(GroupRecord {
            name: group(&name)?,
            title,
            description,
            avatar,
            announcement,
            policy,
            owner: user(&owner)?,
            created: Millis(created),
            from: seq(from_seq)?,
        }),
        Line::Member { group: name, user: member, admin, from_seq } => Record::Member {
            group: group(&name)?,
            user: user(&member)?,
            role: if admin { GroupRole::Admin } else { GroupRole::Member },
            from: seq(from_seq)?,
        },
        Line::Message(written) => Record::Entry(Box::new(entry(*written)?)),
    };
    Ok(Parsed::Record(Box::new(record), secret))
}

fn entry(it: Written) -> Result<EntryRecord, Why> {
    let place = match (&it.group, &it.with) {
        (Some(name), None) => Place::Group(group(name)?),
        (None, Some((one, other))) => Place::Direct(user(one)?, user(other)?),
        _ => return Err("a message is in a group or with two users".into()),
    };
    if it.text.len() > MAX_TEXT {
        return Err("a message has at most 64 KiB".into());
    }
    if it.id.is_empty() {
        return Err("a message has an id, by which it is known".into());
    }
    let kind = Kind::TABLE.iter().find(|row| row.1 == it.kind).ok_or("no such kind")?.2;
    let payload = match &it.payload {
        Some((protocol, text)) => Some((*protocol, bytes(text)?)),
        None => None,
    };
    let reaction = |(reaction, who, by): &(Box<str>, String, u64)| {
        Ok::<_, Why>((reaction.clone(), user(who)?, seq(*by)?))
    };
    Ok(EntryRecord {
        place,
        seq: it.seq.map(seq).transpose()?,
        from: user(&it.from)?,
        at: Millis(it.at),
        client_id: ClientId::from_text(&it.id),
        kind,
        body: it.text,
        reply_to: it.reply_to.map(seq).transpose()?,
        mentions: it.mentions.iter().map(|name| user(name)).collect::<Result<_, _>>()?,
        payload,
        extra: it.extra,
        reactions: it.reactions.iter().map(reaction).collect::<Result<_, _>>()?,
        pinned: it.pinned.map(seq).transpose()?,
    })
}

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
