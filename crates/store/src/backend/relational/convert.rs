//! Between rows and the domain's words.

use std::borrow::Cow;

use super::engine::{Row, ValueRef};
use anser_domain::{
    ClientId, Content, ConvId, DeviceId, Gone, GroupRole, Kind, LogEvent, Message, MessageId,
    Millis, Ord64, Payload, Protocol, Role, Sender, Seq, UserId, UserName,
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{
    extra::Extra,
    policy::{PolicyRow, ProfileRow},
};
use crate::port::{ID_COUNTER_BITS, StoreError};

/// A number as the engine keeps it.
pub(super) const fn sql(number: u64) -> i64 {
    number.cast_signed()
}

/// A number as the engine kept it.
pub(super) fn num(row: &Row<'_>, column: usize) -> super::engine::Result<u64> {
    row.get::<_, i64>(column).map(i64::cast_unsigned)
}

/// A number that may be missing.
pub(super) fn opt(row: &Row<'_>, column: usize) -> super::engine::Result<Option<u64>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(i64::cast_unsigned))
}

/// The first id of a millisecond.
pub(super) fn id_at(time: Millis) -> u64 {
    time.0.max(0).cast_unsigned() << ID_COUNTER_BITS
}

/// When an id was made.
pub(super) fn time_of(id: u64) -> Millis {
    Millis((id >> ID_COUNTER_BITS).cast_signed())
}

pub(super) fn role_number(role: Role) -> i64 {
    match role {
        Role::User => 0,
        Role::Admin => 1,
    }
}

pub(super) fn role(number: i64) -> Role {
    if number == 1 { Role::Admin } else { Role::User }
}

pub(super) fn group_role_number(role: GroupRole) -> i64 {
    match role {
        GroupRole::Member => 1,
        GroupRole::Admin => 2,
        GroupRole::Owner => 3,
    }
}

pub(super) fn group_role(number: i64) -> GroupRole {
    match number {
        2 => GroupRole::Admin,
        3 => GroupRole::Owner,
        _ => GroupRole::Member,
    }
}

const PROTOCOLS: [(Protocol, i64); 4] =
    [(Protocol::Native, 1), (Protocol::Mqtt3, 2), (Protocol::Mqtt5, 3), (Protocol::Xmpp, 4)];

pub(super) fn protocol_number(protocol: Protocol) -> i64 {
    PROTOCOLS.iter().find(|row| row.0 == protocol).map_or(0, |row| row.1)
}

pub(super) fn protocol(number: i64) -> Option<Protocol> {
    PROTOCOLS.iter().find(|row| row.1 == number).map(|row| row.0)
}

/// A log event as it is kept: `{"joined":[["bob",1]]}`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum EventRow {
    Created(Vec<(String, i64)>),
    Joined(Vec<(String, i64)>),
    Removed(Vec<String>),
    Profile(ProfileRow),
    Policy(PolicyRow),
    Muted(String, i64),
    Dissolved,
    Recalled(u64),
    // What it says now stands with the message itself, once.
    Edited(u64),
    Reacted(u64, Box<str>, bool),
    Pinned(u64, bool),
}

fn role_rows(members: &[(UserName, GroupRole)]) -> Vec<(String, i64)> {
    members.iter().map(|(name, role)| (name.to_string(), group_role_number(*role))).collect()
}

fn roles(rows: Vec<(String, i64)>) -> Vec<(UserName, GroupRole)> {
    rows.into_iter().map(|(name, role)| (UserName::trusted(&name), group_role(role))).collect()
}

/// The body column.
pub(super) fn body_of(content: &Content) -> Result<Cow<'_, str>, StoreError> {
    let event = match content {
        Content::Event(event) => event,
        other => return Ok(Cow::Borrowed(other.body().unwrap_or_default())),
    };
    let row = match event {
        LogEvent::Created { members } => EventRow::Created(role_rows(members)),
        LogEvent::Joined { members } => EventRow::Joined(role_rows(members)),
        LogEvent::Removed { members } => {
            EventRow::Removed(members.iter().map(ToString::to_string).collect())
        }
        LogEvent::Profile(patch) => EventRow::Profile(patch.into()),
        LogEvent::Policy(patch) => EventRow::Policy(patch.into()),
        LogEvent::Muted { user, until } => EventRow::Muted(user.to_string(), until.0),
        LogEvent::Dissolved => EventRow::Dissolved,
        LogEvent::Recalled { seq } => EventRow::Recalled(seq.0),
        LogEvent::Edited { seq, .. } => EventRow::Edited(seq.0),
        LogEvent::Reacted { seq, reaction, on } => EventRow::Reacted(seq.0, reaction.clone(), *on),
        LogEvent::Pinned { seq, on } => EventRow::Pinned(seq.0, *on),
    };
    let json = serde_json::to_string(&row);
    json.map(Cow::Owned).map_err(|error| StoreError::Failed(error.to_string()))
}

/// Content from its columns.
pub(super) fn content_of(kind: u8, body: &str) -> Result<Content, StoreError> {
    let damaged = || StoreError::Failed("a stored message cannot be read".into());
    let kind = Kind::from_number(kind).ok_or_else(damaged)?;
    if let Some(content) = Content::user_sent(kind, body.into()) {
        return Ok(content);
    }
    let row = serde_json::from_str(body).map_err(|_| damaged())?;
    Ok(Content::Event(match row {
        EventRow::Created(members) => LogEvent::Created { members: roles(members) },
        EventRow::Joined(members) => LogEvent::Joined { members: roles(members) },
        EventRow::Removed(members) => LogEvent::Removed {
            members: members.iter().map(|name| UserName::trusted(name)).collect(),
        },
        EventRow::Profile(row) => LogEvent::Profile(row.into()),
        EventRow::Policy(row) => LogEvent::Policy(row.into()),
        EventRow::Muted(user, until) => {
            LogEvent::Muted { user: UserName::trusted(&user), until: Millis(until) }
        }
        EventRow::Dissolved => LogEvent::Dissolved,
        EventRow::Recalled(seq) => LogEvent::Recalled { seq: Seq(seq) },
        EventRow::Edited(seq) => {
            LogEvent::Edited { seq: Seq(seq), content: None, mentions: Vec::new() }
        }
        EventRow::Reacted(seq, reaction, on) => LogEvent::Reacted { seq: Seq(seq), reaction, on },
        EventRow::Pinned(seq, on) => LogEvent::Pinned { seq: Seq(seq), on },
    }))
}

/// The mentions column. Names hold no spaces.
pub(super) fn mentions_of(names: &[UserName]) -> Option<String> {
    let (first, rest) = names.split_first()?;
    let mut joined = first.to_string();
    for name in rest {
        joined.push(' ');
        joined.push_str(name.as_str());
    }
    Some(joined)
}

/// The columns that [`entry_of`] reads, in its order.
pub(super) const MESSAGE_COLUMNS: &str = "id, conv, seq, ord, user, device, cid, kind, body, \
                                          reply_to, mentions, protocol, payload, extra";

/// An entry, once its sender's name has been found, and what it has beside what it says.
pub(super) fn entry_of(
    row: &Row<'_>,
    name_of: impl FnOnce(UserId) -> Result<UserName, StoreError>,
) -> Result<(Message, Option<Extra>), StoreError> {
    let mut message = plain(row, name_of)?;
    let ValueRef::Text(text) = row.get_ref(13)? else { return Ok((message, None)) };
    let extra = Extra::parse(&String::from_utf8_lossy(text))?;
    message.marks = extra.marks();
    if extra.recalled {
        message.content = Content::Gone(Gone::Recalled);
    }
    Ok((message, Some(extra)))
}

fn plain(
    row: &Row<'_>,
    name_of: impl FnOnce(UserId) -> Result<UserName, StoreError>,
) -> Result<Message, StoreError> {
    let id = num(row, 0)?;
    let user = UserId(num(row, 4)?);
    let mentions = match row.get_ref(10)? {
        ValueRef::Text(text) => {
            String::from_utf8_lossy(text).split(' ').map(UserName::trusted).collect()
        }
        _ => Vec::new(),
    };
    let payload = match row.get::<_, Option<i64>>(11)?.and_then(protocol) {
        Some(protocol) => {
            Some(Payload { protocol, bytes: Bytes::from(row.get::<_, Vec<u8>>(12)?) })
        }
        None => None,
    };
    let body = row.get_ref(8)?.as_str().map_err(|e| StoreError::Failed(e.to_string()))?;
    Ok(Message {
        conv: ConvId(num(row, 1)?),
        seq: Seq(num(row, 2)?),
        ord: Ord64(num(row, 3)?),
        id: MessageId(id),
        sender: Sender { user, name: name_of(user)?, device: DeviceId(num(row, 5)?) },
        client_id: ClientId(row.get(6)?),
        ts: time_of(id),
        content: content_of(row.get(7)?, body)?,
        reply_to: opt(row, 9)?.map(Seq),
        mentions,
        payload,
        marks: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_read_back_from_compact_json() {
        let name = |text| UserName::new(text).unwrap();
        let event = LogEvent::Joined { members: vec![(name("bob"), GroupRole::Admin)] };
        let body = body_of(&Content::Event(event.clone())).unwrap().into_owned();
        assert_eq!(body, r#"{"joined":[["bob",2]]}"#);
        assert_eq!(content_of(Kind::Event.number(), &body).unwrap(), Content::Event(event));
        assert!(content_of(Kind::Event.number(), "{").is_err());
        assert!(content_of(77, "x").is_err());
    }

    #[test]
    fn an_id_tells_when_it_was_made() {
        assert_eq!(time_of(id_at(Millis(1_795_000_000_123)) + 77), Millis(1_795_000_000_123));
        assert!(id_at(Millis(4_000_000_000_000)) < i64::MAX.cast_unsigned(), "fits in 2096");
    }
}
