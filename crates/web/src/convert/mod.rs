//! Between JSON's shapes and the domain's: the only place that knows both.

mod admin;
mod files;
pub(crate) mod groups;
mod messages;
mod people;
pub(crate) mod push;

use std::{fmt::Display, str::FromStr};

use anser_domain::{
    Address, Changes, ClientId, Content, ConversationState, DeviceName, DeviceRecord, GroupName,
    HistoryRange, Kind, MemberPage, NewUser, Outgoing, Page, Profile, Role, Secret, Sent, Seq,
    SignIn, Source, SyncToken, Tokens, UserName,
};
use serde_json::{Value, value::RawValue};

use crate::{
    api::{
        auth::{Login, Session},
        conversations::{Conversation, Conversations},
        devices::Device,
        groups::{GroupRole, Member, Members, NewGroup, NewGroupMade},
        messages::{
            EventMember, KindName, LogEvent, Message, Messages, NewMessage, Place, Range, Stored,
        },
        users::{FoundUsers, RoleName, User},
    },
    extract::page_size,
    limits::MAX_NESTING,
    problem::{self, Problem},
};

pub(crate) use self::admin::{
    admin_group, admin_user, api_key, audit_entry, dead_letter, group_cursor, put_webhook, scopes,
    webhook,
};
pub(crate) use self::files::{file, files, hex, new_file};
pub(crate) use self::messages::{
    conv, edit, found, id_cursor, keep_change, pins, reactor_cursor, reactors, receipts, search,
};
pub(crate) use self::people::{
    blocked, blocks, fields, friend, friends, item, item_value, items, listing, people, presence,
    request, requests, user_name,
};

// — in: JSON → domain —

/// A value the caller sent that is not one that can be taken.
pub(crate) fn invalid(what: &str, why: impl Display) -> Problem {
    Problem::new(&problem::INVALID, format!("{what}: {why}"))
}

pub(crate) fn parse<T: FromStr<Err: Display>>(what: &str, text: &str) -> Result<T, Problem> {
    text.parse().map_err(|error| invalid(what, error))
}

/// A file's id.
pub(crate) fn file_id(what: &str, text: &str) -> Result<anser_domain::FileId, Problem> {
    parse(what, text)
}

/// A password or a token. An empty one is a client's slip, not a guess.
pub(crate) fn secret(text: String) -> Result<Secret, Problem> {
    if text.is_empty() {
        return Err(Problem::new(&problem::INVALID, "a password or token is not empty"));
    }
    Ok(Secret::new(text))
}

pub(crate) fn sign_in(login: Login) -> Result<SignIn, Problem> {
    Ok(SignIn {
        // A name that nobody can have is a wrong name: login tells nothing else about names.
        user: UserName::new(&login.user)
            .map_err(|_| Problem::from(anser_domain::Refusal::BadCredentials))?,
        password: secret(login.password)?,
        device: parse::<DeviceName>("device", &login.device)?,
    })
}

pub(crate) fn new_user(
    user: String,
    password: String,
    display_name: String,
    role: Role,
) -> Result<NewUser, Problem> {
    Ok(NewUser {
        name: parse("user", &user)?,
        password: secret(password)?,
        display_name: display_name.into(),
        role,
    })
}

pub(crate) fn role(role: RoleName) -> Role {
    match role {
        RoleName::User => Role::User,
        RoleName::Admin => Role::Admin,
    }
}

pub(crate) fn group_role(role: GroupRole) -> anser_domain::GroupRole {
    match role {
        GroupRole::Member => anser_domain::GroupRole::Member,
        GroupRole::Admin => anser_domain::GroupRole::Admin,
        GroupRole::Owner => anser_domain::GroupRole::Owner,
    }
}

pub(crate) fn user_names(what: &str, names: Vec<String>) -> Result<Vec<UserName>, Problem> {
    names.iter().map(|name| parse(what, name)).collect()
}

pub(crate) fn new_group(
    client_id: ClientId,
    new: NewGroup,
) -> Result<anser_domain::NewGroup, Problem> {
    Ok(anser_domain::NewGroup {
        client_id,
        name: parse("id", &new.id)?,
        kind: groups::kind(new.kind),
        title: new.title.into(),
        members: user_names("members", new.members)?,
    })
}

pub(crate) fn outgoing(
    to: Address,
    client_id: ClientId,
    new: NewMessage,
) -> Result<Outgoing, Problem> {
    let forward = match new.forward {
        Some(_) if new.kind.is_some() || new.text.is_some() || new.data.is_some() => {
            return Err(invalid("forward", "not together with kind, text or data"));
        }
        Some(from) => Some(Source { at: parse("forward.conv", &from.conv)?, seq: Seq(from.seq) }),
        None => None,
    };
    let kind = new.kind.as_deref().or(forward.is_some().then_some("text"));
    Ok(Outgoing {
        to,
        client_id,
        content: body(kind, new.text, new.data, forward.is_some())?,
        reply_to: new.reply_to.map(Seq),
        mentions: user_names("mentions", new.mentions)?,
        payload: None,
        mentions_all: new.mentions_all,
        forward,
    })
}

/// What a message says when nothing but that is asked for.
pub(crate) fn content(new: NewMessage) -> Result<Content, Problem> {
    let plain = new.forward.is_none()
        && new.reply_to.is_none()
        && new.mentions.is_empty()
        && !new.mentions_all;
    if !plain {
        return Err(invalid("message", "only kind, text and data"));
    }
    body(new.kind.as_deref(), new.text, new.data, false)
}

/// What a message says; nothing yet when it is forwarded.
fn body(
    kind: Option<&str>,
    text: Option<String>,
    data: Option<Box<RawValue>>,
    forwarded: bool,
) -> Result<Content, Problem> {
    let kind = kind
        .and_then(Kind::from_name)
        .filter(|kind| !matches!(kind, Kind::Event | Kind::Gone))
        .ok_or_else(|| invalid("kind", "one of text, image, file, custom"))?;
    let body = match (kind, text, data) {
        // What it says is filled in where the source is.
        _ if forwarded => Box::default(),
        (Kind::Text, Some(text), None) => text.into_boxed_str(),
        (Kind::Text, ..) => return Err(invalid("text", "kind text has a text and no data")),
        (_, None, Some(data)) => checked_data(kind, &data)?,
        _ => return Err(invalid("data", "this kind has data and no text")),
    };
    Content::user_sent(kind, body).ok_or_else(|| invalid("kind", "not yours"))
}

/// JSON that every reader will be able to parse again, as it was written.
fn checked_data(kind: Kind, data: &RawValue) -> Result<Box<str>, Problem> {
    let text = data.get();
    if nesting(text) > MAX_NESTING {
        return Err(invalid("data", format_args!("nested more than {MAX_NESTING} deep")));
    }
    // Raw values are checked for shape, not for numbers and escapes that no reader can hold.
    let value: Value = serde_json::from_str(text).map_err(|error| invalid("data", error))?;
    if kind != Kind::Custom && !value.is_object() {
        return Err(invalid("data", "an object is needed for this kind"));
    }
    Ok(text.into())
}

/// How deep arrays and objects stand inside one another, in text known to be JSON.
fn nesting(json: &str) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

pub(crate) fn range(range: &Range) -> Result<HistoryRange, Problem> {
    let limit = page_size(range.limit)?;
    match (range.before, range.after) {
        (None, None) => Ok(HistoryRange::Latest { limit }),
        (Some(seq), None) => Ok(HistoryRange::Before { seq: Seq(seq), limit }),
        (None, Some(seq)) => Ok(HistoryRange::After { seq: Seq(seq), limit }),
        (Some(_), Some(_)) => Err(invalid("before", "not together with after")),
    }
}

pub(crate) fn sync_token(cursor: &str) -> Result<SyncToken, Problem> {
    cursor.parse().map(SyncToken).map_err(|_| invalid("cursor", "not one this list has given"))
}

pub(crate) fn name_cursor(cursor: &str) -> Result<UserName, Problem> {
    UserName::new(cursor).map_err(|_| invalid("cursor", "not one this list has given"))
}

// — out: domain → JSON —

pub(crate) fn session(tokens: Tokens, gateways: Vec<String>) -> Session {
    Session {
        access_token: tokens.access.expose().to_owned(),
        refresh_token: tokens.refresh.expose().to_owned(),
        token_type: "Bearer",
        expires_in: tokens.expires_in,
        user: tokens.user.to_string(),
        device: tokens.device.to_string(),
        gateways,
    }
}

/// A full page may be the last one; the next is empty then.
pub(crate) fn found_users(users: Vec<Profile>, limit: u16) -> FoundUsers {
    let more = users.len() >= usize::from(limit);
    let next = users.last().filter(|_| more).map(|last| last.name.to_string());
    FoundUsers { users: users.into_iter().map(user).collect(), more, next }
}

pub(crate) fn user(profile: Profile) -> User {
    User {
        user: profile.name.to_string(),
        display_name: profile.display_name.into(),
        role: role_of(profile.role),
        disabled: profile.disabled,
        avatar: profile.details.avatar.into(),
        about: profile.details.about.into(),
        fields: (!profile.details.fields.is_empty()).then(|| raw(&profile.details.fields)),
        presence: profile.details.presence.map(presence),
    }
}

fn role_of(role: Role) -> RoleName {
    match role {
        Role::User => RoleName::User,
        Role::Admin => RoleName::Admin,
    }
}

pub(crate) fn device(device: DeviceRecord) -> Device {
    Device {
        device: device.name.to_string(),
        created: device.created.0,
        seen: device.seen.0,
        online: device.online,
    }
}

pub(crate) fn conversations(list: Changes) -> Conversations {
    Conversations {
        next: list.more.then(|| list.token.to_string()),
        more: list.more,
        conversations: list.conversations.iter().map(conversation).collect(),
    }
}

fn conversation(state: &ConversationState) -> Conversation {
    let direct = matches!(state.at, Address::User(_));
    Conversation {
        conv: state.at.to_string(),
        title: state.title.to_string(),
        head: state.head.0,
        last: state.last.as_deref().map(message),
        unread: state.unread,
        mentions: state.mentions,
        kept: messages::kept(&state.keep),
        read: state.read.0,
        delivered: state.delivered.0,
        peer_read: direct.then_some(state.peer_read.0),
        peer_delivered: direct.then_some(state.peer_delivered.0),
        member: state.member,
    }
}

pub(crate) fn page(page: &Page) -> Messages {
    Messages {
        messages: page.messages.iter().map(|entry| message(entry)).collect(),
        more: page.more,
        head: page.head.0,
    }
}

fn message(entry: &anser_domain::Message) -> Message {
    let (text, data, event) = match &entry.content {
        Content::Text(text) => (Some(text.to_string()), None, None),
        Content::Image(json) | Content::File(json) | Content::Custom(json) => {
            (None, Some(raw(json)), None)
        }
        Content::Event(event) => (None, None, Some(log_event(event))),
        Content::Gone(_) => (None, None, None),
    };
    let gone = match entry.content {
        Content::Gone(gone) => Some(gone.name()),
        _ => None,
    };
    let marks = entry.marks.as_deref();
    Message {
        id: entry.id.to_string(),
        seq: entry.seq.0,
        sender: entry.sender.name.to_string(),
        ts: entry.ts.0,
        kind: kind_name(entry.content.kind()),
        text,
        data,
        event,
        reply_to: entry.reply_to.map(|seq| seq.0),
        mentions: entry.mentions.iter().map(ToString::to_string).collect(),
        mentions_all: marks.is_some_and(|marks| marks.mentions_all),
        gone,
        edited: marks.and_then(|marks| marks.edited).map(|ts| ts.0),
        reactions: marks
            .map(|marks| marks.reactions.iter().map(messages::reaction).collect())
            .unwrap_or_default(),
        pinned: marks.is_some_and(|marks| marks.pinned),
        forwarded: marks.and_then(|marks| marks.origin.as_ref()).map(messages::origin),
        client_id: entry.client_id.to_string(),
    }
}

fn kind_name(kind: Kind) -> KindName {
    match kind {
        Kind::Text => KindName::Text,
        Kind::Image => KindName::Image,
        Kind::File => KindName::File,
        Kind::Custom => KindName::Custom,
        Kind::Event => KindName::Event,
        Kind::Gone => KindName::Gone,
    }
}

/// A body as it was sent. What came by another protocol and is no JSON is shown as a string,
/// so that one odd entry does not spoil a page.
fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned())
        .or_else(|_| serde_json::value::to_raw_value(json))
        .unwrap_or_default()
}

fn log_event(event: &anser_domain::LogEvent) -> LogEvent {
    use anser_domain::LogEvent as Logged;
    let with_role = |(name, role): &(UserName, anser_domain::GroupRole)| EventMember {
        user: name.to_string(),
        role: Some(role_name(*role)),
    };
    if let Some(event) = messages::log_event(event) {
        return event;
    }
    match event {
        Logged::Created { members } => {
            LogEvent::Created { members: members.iter().map(with_role).collect() }
        }
        Logged::Joined { members } => {
            LogEvent::Joined { members: members.iter().map(with_role).collect() }
        }
        Logged::Removed { members } => LogEvent::Removed {
            members: members
                .iter()
                .map(|name| EventMember { user: name.to_string(), role: None })
                .collect(),
        },
        Logged::Profile(patch) => LogEvent::Profile(groups::profile_parts(patch)),
        Logged::Policy(patch) => LogEvent::Policy(groups::policy_parts(patch)),
        Logged::Muted { user, until } => LogEvent::Muted { user: user.to_string(), until: until.0 },
        Logged::Dissolved => LogEvent::Dissolved,
        // Taken above.
        Logged::Recalled { seq }
        | Logged::Edited { seq, .. }
        | Logged::Reacted { seq, .. }
        | Logged::Pinned { seq, .. } => LogEvent::Recalled { seq: seq.0 },
    }
}

pub(crate) fn stored(sent: &Sent) -> Stored {
    if sent.duplicate { Stored::Again(place(sent)) } else { Stored::New(place(sent)) }
}

pub(crate) fn place(sent: &Sent) -> Place {
    Place { id: sent.id.to_string(), seq: sent.seq.0, ts: sent.ts.0 }
}

pub(crate) fn new_group_made(name: &GroupName, sent: &Sent) -> NewGroupMade {
    NewGroupMade { id: name.to_string(), conv: format!("g:{name}"), entry: place(sent) }
}

pub(crate) fn members(page: MemberPage) -> Members {
    let next = page.members.last().filter(|_| page.more).map(|last| last.name.to_string());
    Members {
        members: page
            .members
            .iter()
            .map(|member| Member {
                user: member.name.to_string(),
                role: role_name(member.role),
                muted_until: (member.muted.0 != 0).then_some(member.muted.0),
            })
            .collect(),
        more: page.more,
        next,
    }
}

fn role_name(role: anser_domain::GroupRole) -> GroupRole {
    match role {
        anser_domain::GroupRole::Member => GroupRole::Member,
        anser_domain::GroupRole::Admin => GroupRole::Admin,
        anser_domain::GroupRole::Owner => GroupRole::Owner,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_in_strings_are_not_nesting() {
        assert_eq!(nesting(r#"{"a[[[[":"\"[[[","b":[1,[2]]}"#), 3);
        assert_eq!(nesting("7"), 0);
    }

    #[test]
    fn a_body_that_is_no_json_is_shown_as_a_string() {
        assert_eq!(raw(r#"{"a" : 1}"#).get(), r#"{"a" : 1}"#);
        assert_eq!(raw("not json").get(), r#""not json""#);
    }
}
