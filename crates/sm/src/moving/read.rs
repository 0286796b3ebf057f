//! Reading a line: every name and number in it is checked here.

use anser_domain::{
    ClientId, GroupName, GroupRole, ItemKey, Kind, Millis, ProfilePatch, Refusal, Role, Secret,
    Seq, UserName,
};
use anser_store::{EntryRecord, GroupRecord, Place, Record, ScramKeys, UserRecord};
use base64::{Engine, engine::general_purpose::STANDARD};

use super::line::{Line, Scram, VERSION, Written};
use crate::{account::display_name, rule};

/// The longest text of a message, in bytes, as when it is sent.
const MAX_TEXT: usize = 64 << 10;
/// PBKDF2's iterations that a credential may ask for: each sign-in costs them.
const MAX_ITERATIONS: u32 = 10_000_000;

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

/// As people would be refused it.
fn allowed(asked: Result<(), Refusal>) -> Result<(), Why> {
    asked.map_err(|refusal| refusal.to_string().into())
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

/// Reads a line.
pub(super) fn parse(text: &str) -> Result<Parsed, Why> {
    let line: Line = serde_json::from_str(text).map_err(|error| Why::from(error.to_string()))?;
    let mut secret = None;
    let record = match line {
        Line::Anser { version } if version <= VERSION => return Ok(Parsed::Begin),
        Line::Anser { .. } => return Err("a newer format than this server reads".into()),
        Line::End { lines } => return Ok(Parsed::End(lines)),
        Line::User { user: name, display_name: display, admin, disabled, scram, password } => {
            allowed(display_name(&display))?;
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
            let key = ItemKey::new(&key).map_err(|error| Why::from(error.to_string()))?;
            allowed(rule::acceptable_item(&key, &value))?;
            Record::Item { user: user(&whose)?, key, value: value.into() }
        }
        Line::Friend { user: one, friend, remark, lists, since } => {
            let (user, friend) = (user(&one)?, user(&friend)?);
            allowed(rule::acceptable_remark(&remark, &lists))?;
            Record::Friend { user, friend, remark: remark.into(), lists, since: Millis(since) }
        }
        Line::Block { user: one, blocked, since } => {
            let (user, blocked) = (user(&one)?, user(&blocked)?);
            Record::Block { user, blocked, since: Millis(since) }
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
        } => {
            let says = ProfilePatch {
                title: Some(title.clone()),
                description: Some(description.clone()),
                avatar: Some(avatar.clone()),
                announcement: Some(announcement.clone()),
            };
            allowed(rule::acceptable_profile(&says))?;
            Record::Group(GroupRecord {
                name: group(&name)?,
                title,
                description,
                avatar,
                announcement,
                policy,
                owner: user(&owner)?,
                created: Millis(created),
                from: seq(from_seq)?,
            })
        }
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
        allowed(rule::acceptable_reaction(reaction))?;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(line: serde_json::Value) -> bool {
        parse(&line.to_string()).is_err()
    }

    #[test]
    fn what_people_may_not_say_does_not_come_in_either() {
        use serde_json::json;

        let group = |key: &str, value: &str| {
            refused(json!({"type": "group", "group": "geese", "owner": "alice", key: value}))
        };
        assert!(!group("title", "The wild geese"));
        assert!(!group("description", "two\nlines"));
        assert!(!group("avatar", "https://example.org/geese.png"));
        assert!(group("title", "Ge\u{1b}[2Jese"));
        assert!(group("title", "two\nlines"));
        assert!(group("title", &"x".repeat(257)));
        assert!(group("description", "\u{7}"));
        assert!(group("announcement", "\u{0}"));
        assert!(group("avatar", "javascript:alert(1)"));

        let friend = |key: &str, value: serde_json::Value| {
            refused(json!({"type": "friend", "user": "alice", "friend": "bob", key: value}))
        };
        assert!(!friend("remark", json!("Bobby")));
        assert!(friend("remark", json!("\u{7}")));
        assert!(friend("lists", json!(["work", ""])));
        assert!(friend("lists", json!(["\u{1b}"])));

        let item = |key: &str, value: &str| {
            refused(json!({"type": "item", "user": "alice", "key": key, "value": value}))
        };
        assert!(!item("draft/u:bob", &format!("\"{}\"", "x".repeat(20_000))), "as they are kept");
        assert!(!item("profile/avatar", "\"https://example.org/a.png\""));
        assert!(item("profile/avatar", "\"javascript:alert(1)\""));
        assert!(item("draft/u:bob", "not JSON"));

        let reaction = |it: &str| {
            refused(json!({"type": "message", "group": "geese", "from": "bob", "at": 1, "id": "1",
                "text": "South?", "reactions": [[it, "bob", 2]]}))
        };
        assert!(!reaction("👍"));
        assert!(reaction("") && reaction("\u{7}"));
    }
}
