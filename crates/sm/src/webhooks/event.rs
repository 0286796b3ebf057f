//! What a webhook says of something that happened.

use anser_domain::{Content, GroupRole, LogEvent, Message, MessageId, Millis, UserName};
use anser_store::{Acl, ConversationKind, Fact, Happened};
use bytes::Bytes;
use serde_json::{Map, Value, json};

/// Events of one key are told in order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    /// A conversation's.
    Conv(u64),
    /// A user's.
    User(UserName),
}

/// An event as it is posted.
pub(super) struct Told {
    pub(super) key: Key,
    pub(super) kind: &'static str,
    pub(super) body: Bytes,
}

/// When an event happened: ids tell their time.
pub(super) fn time_of(id: MessageId) -> Millis {
    Millis((id.0 >> anser_store::ID_COUNTER_BITS).cast_signed())
}

/// The event; `None` for what cannot be said.
pub(super) fn event(happened: &Happened) -> Option<Told> {
    let (key, kind, at, rest) = match happened {
        Happened::Entry { message, acl } => {
            (Key::Conv(message.conv.0), kind(message), message.ts, entry(message, acl))
        }
        Happened::Fact(it) => (Key::User(it.user.clone()), it.kind.name(), it.at, fact(it)),
    };
    let mut body = Map::new();
    body.insert("id".into(), happened.id().to_string().into());
    body.insert("type".into(), kind.into());
    body.insert("at".into(), at.0.into());
    body.insert("data".into(), rest);
    let body = serde_json::to_vec(&Value::Object(body)).ok()?;
    Some(Told { key, kind, body: body.into() })
}

fn kind(message: &Message) -> &'static str {
    match &message.content {
        Content::Event(LogEvent::Created { .. }) => "group.created",
        Content::Event(LogEvent::Joined { .. }) => "group.joined",
        Content::Event(LogEvent::Removed { .. }) => "group.removed",
        Content::Event(LogEvent::Profile(_) | LogEvent::Policy(_)) => "group.changed",
        Content::Event(LogEvent::Muted { .. }) => "group.muted",
        Content::Event(LogEvent::Dissolved) => "group.dissolved",
        Content::Event(LogEvent::Recalled { .. }) => "message.recalled",
        Content::Event(LogEvent::Edited { .. }) => "message.edited",
        Content::Event(LogEvent::Reacted { .. }) => "message.reacted",
        Content::Event(LogEvent::Pinned { .. }) => "message.pinned",
        // A message that was taken back before it was told of still has its place.
        Content::Text(_)
        | Content::Image(_)
        | Content::File(_)
        | Content::Custom(_)
        | Content::Gone(_) => "message.created",
    }
}

fn entry(message: &Message, acl: &Acl) -> Value {
    let conversation = match &acl.kind {
        ConversationKind::Group(name) => json!({"group": name.as_str()}),
        ConversationKind::Direct => {
            let mut users: Vec<&str> = acl.members.values().map(|it| it.name.as_str()).collect();
            users.sort_unstable();
            json!({"users": users})
        }
    };
    let mut said = json!({
        "id": message.id.to_string(),
        "conversation": conversation,
        "seq": message.seq.0,
        "sender": message.sender.name.as_str(),
        "ts": message.ts.0,
        "kind": message.content.kind().name(),
        "client_id": message.client_id.to_string(),
    });
    let Some(fields) = said.as_object_mut() else { return said };
    match &message.content {
        Content::Text(text) => {
            fields.insert("text".into(), (**text).into());
        }
        Content::Image(data) | Content::File(data) | Content::Custom(data) => {
            fields.insert("data".into(), parsed(data));
        }
        Content::Event(LogEvent::Recalled { seq }) => {
            fields.insert("of".into(), seq.0.into());
        }
        Content::Event(LogEvent::Edited { seq, content, .. }) => {
            fields.insert("of".into(), seq.0.into());
            match content.as_deref() {
                Some(Content::Text(text)) => fields.insert("text".into(), (**text).into()),
                Some(now) => now.body().and_then(|it| fields.insert("data".into(), parsed(it))),
                None => None,
            };
        }
        Content::Event(LogEvent::Reacted { seq, reaction, on }) => {
            fields.insert("of".into(), seq.0.into());
            fields.insert("reaction".into(), (**reaction).into());
            fields.insert("on".into(), (*on).into());
        }
        Content::Event(LogEvent::Pinned { seq, on }) => {
            fields.insert("of".into(), seq.0.into());
            fields.insert("on".into(), (*on).into());
        }
        Content::Event(event) => {
            fields.insert("members".into(), members(event));
        }
        // Its body is gone; `gone` says that there was one.
        Content::Gone(_) => {
            fields.insert("gone".into(), true.into());
        }
    }
    if let Some(seq) = message.reply_to {
        fields.insert("reply_to".into(), seq.0.into());
    }
    if !message.mentions.is_empty() {
        let names = message.mentions.iter().map(|name| name.as_str().into()).collect();
        fields.insert("mentions".into(), Value::Array(names));
    }
    said
}

fn members(event: &LogEvent) -> Value {
    let with_role = |(name, role): &(UserName, GroupRole)| {
        let role = match role {
            GroupRole::Member => "member",
            GroupRole::Admin => "admin",
            GroupRole::Owner => "owner",
        };
        json!({"user": name.as_str(), "role": role})
    };
    match event {
        LogEvent::Created { members } | LogEvent::Joined { members } => {
            members.iter().map(with_role).collect()
        }
        LogEvent::Removed { members } => {
            members.iter().map(|name| json!({"user": name.as_str()})).collect()
        }
        LogEvent::Muted { user, until } => {
            json!([{"user": user.as_str(), "until": until.0}])
        }
        // What a group says of itself is asked for by who wants to know.
        LogEvent::Profile(_) | LogEvent::Policy(_) | LogEvent::Dissolved => json!([]),
        // Told of above, without members.
        LogEvent::Recalled { .. }
        | LogEvent::Edited { .. }
        | LogEvent::Reacted { .. }
        | LogEvent::Pinned { .. } => json!([]),
    }
}

fn fact(fact: &Fact) -> Value {
    let mut data = match parsed(&fact.data) {
        Value::Object(data) => data,
        _ => Map::new(),
    };
    data.insert("user".into(), fact.user.as_str().into());
    Value::Object(data)
}

/// JSON as it was sent; what is no JSON is shown as a string.
fn parsed(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_else(|_| json.into())
}
