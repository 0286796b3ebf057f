//! A conversation's log: reading it, and adding to it.

use anser_domain::{Address, Command, HistoryRange, Outgoing, Page};
use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json, value::RawValue};
use utoipa::{IntoParams, IntoResponses, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App, convert,
    extract::{Bearer, Body, IDEMPOTENCY_KEY, Key, Query, Segment},
    problem::{self, Problem},
};

/// The calls of this resource.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(history, send))
}

/// A page of a conversation's log.
#[derive(Serialize, ToSchema)]
pub(crate) struct Messages {
    /// Entries, ascending by seq and without a gap, whichever way is read.
    pub(crate) messages: Vec<Message>,
    /// Whether more follows in the direction of reading.
    pub(crate) more: bool,
    /// The highest seq that the caller may see now.
    pub(crate) head: u64,
}

/// An entry of a conversation's log.
#[derive(Serialize, ToSchema)]
pub(crate) struct Message {
    /// Its global id, a 64-bit number as text.
    pub(crate) id: String,
    /// Its place in the conversation: 1, 2, 3 …
    pub(crate) seq: u64,
    /// Who sent it, or caused the event.
    pub(crate) sender: String,
    /// When it was stored, in milliseconds since 1970.
    pub(crate) ts: i64,
    /// What it is.
    pub(crate) kind: KindName,
    /// The text, of kind `text`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
    /// The JSON, of kinds `image`, `file` and `custom`, as it was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    pub(crate) data: Option<Box<RawValue>>,
    /// What happened, of kind `event`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) event: Option<LogEvent>,
    /// The seq of the entry it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reply_to: Option<u64>,
    /// Members it calls by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub(crate) mentions: Vec<String>,
    /// It calls everybody in the group.
    #[serde(skip_serializing_if = "is_not")]
    #[schema(required = false)]
    pub(crate) mentions_all: bool,
    /// Why there is nothing to see, of kind `gone`: `recalled` for everybody, or `deleted` for
    /// the caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) gone: Option<&'static str>,
    /// When it was last edited, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) edited: Option<i64>,
    /// Reactions that stand, in the order in which each first came.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub(crate) reactions: Vec<Reaction>,
    /// It is pinned.
    #[serde(skip_serializing_if = "is_not")]
    #[schema(required = false)]
    pub(crate) pinned: bool,
    /// Where it was first said, if it was forwarded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) forwarded: Option<Origin>,
    /// The id its sender chose for it.
    pub(crate) client_id: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_not(flag: &bool) -> bool {
    !flag
}

/// One reaction, and how many gave it.
#[derive(Serialize, ToSchema)]
pub(crate) struct Reaction {
    /// What.
    pub(crate) reaction: String,
    /// By how many.
    pub(crate) count: u32,
    /// Whether the caller is one of them.
    pub(crate) mine: bool,
}

/// Who first said what was forwarded.
#[derive(Serialize, ToSchema)]
pub(crate) struct Origin {
    /// Who.
    pub(crate) sender: String,
    /// When, in milliseconds since 1970.
    pub(crate) ts: i64,
}

/// What an entry is.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = Kind)]
pub(crate) enum KindName {
    /// Plain text.
    Text,
    /// A picture: an object such as `{"url":…}`.
    Image,
    /// A file: an object such as `{"url":…}`.
    File,
    /// Whatever the app means by it.
    Custom,
    /// Something that happened in the conversation.
    Event,
    /// Nothing that the caller may see any more.
    Gone,
}

/// Something that happened in a conversation.
#[derive(Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum LogEvent {
    /// The group was made, with these first members, the owner first.
    Created {
        /// Who, and as what.
        members: Vec<EventMember>,
    },
    /// These came in, or changed their standing.
    Joined {
        /// Who, and as what.
        members: Vec<EventMember>,
    },
    /// These were taken out, or left when the only one is the sender.
    Removed {
        /// Who.
        members: Vec<EventMember>,
    },
    /// The group says something else of itself: what changed.
    Profile(super::governing::GroupProfile),
    /// Others may do other things: what changed.
    Policy(super::governing::PolicyParts),
    /// Someone may not write for a time, or may again.
    Muted {
        /// Who.
        user: String,
        /// Until when, in milliseconds since 1970; a time past: they may write.
        until: i64,
    },
    /// The group has ended. Its last entry.
    Dissolved,
    /// A message was taken back.
    Recalled {
        /// Which.
        seq: u64,
    },
    /// A message says something else now.
    Edited {
        /// Which.
        seq: u64,
        /// What it says now, which may be by a later edit; absent when that can no longer be
        /// seen.
        #[serde(skip_serializing_if = "Option::is_none")]
        now: Option<EditedContent>,
    },
    /// A reaction was given, or taken back.
    Reacted {
        /// To which message.
        seq: u64,
        /// What.
        reaction: String,
        /// Whether it stands.
        on: bool,
    },
    /// A message was pinned, or its pin was taken off.
    Pinned {
        /// Which.
        seq: u64,
        /// Whether it is pinned.
        on: bool,
    },
}

/// What an edited message says now.
#[derive(Serialize, ToSchema)]
pub(crate) struct EditedContent {
    /// What it is.
    pub(crate) kind: KindName,
    /// The text, of kind `text`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
    /// The JSON, of kind `custom`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    pub(crate) data: Option<Box<RawValue>>,
    /// Members it calls by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub(crate) mentions: Vec<String>,
}

/// Someone to whom something happened.
#[derive(Serialize, ToSchema)]
pub(crate) struct EventMember {
    /// Their name.
    pub(crate) user: String,
    /// Their standing after it; absent where they have none any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) role: Option<super::groups::GroupRole>,
}

/// Which part of a log is wanted: the newest, or what lies before or after a seq.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Range {
    /// The entries right below this seq; not together with `after`.
    pub(crate) before: Option<u64>,
    /// The entries right above this seq; not together with `before`.
    pub(crate) after: Option<u64>,
    /// At most so many; 50 unless said, and never more than 200.
    #[param(minimum = 1, default = 50)]
    pub(crate) limit: Option<u64>,
}

/// Reads a conversation's log: the newest entries, or those next to a seq.
#[utoipa::path(
    get, path = "/v1/conversations/{conv}/messages", tag = "messages", operation_id = "history",
    security(("bearer" = [])),
    params(
        ("conv" = String, Path, description = "`u:{user}` or `g:{group}`", example = "u:bob"),
        Range,
    ),
    responses((status = 200, description = "A page", body = Messages, example = json!(
        {"messages": [example(2), example(3)], "more": true, "head": 3}))),
    extensions(("x-problems" = json!([problem::NOT_MEMBER.slug])))
)]
async fn history(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(at): Segment<Address>,
    Query(range): Query<Range>,
) -> Result<Json<Messages>, Problem> {
    let range: HistoryRange = convert::range(&range)?;
    let page: Page = app.calls.ask(caller, Command::History { at, range }).await?;
    Ok(Json(convert::page(&page)))
}

/// A message to be sent.
#[derive(Deserialize, ToSchema)]
pub(crate) struct NewMessage {
    /// What it is: `text`, `image`, `file` or `custom`. Left out only when a message is
    /// forwarded.
    pub(crate) kind: Option<String>,
    /// The text, of kind `text`.
    pub(crate) text: Option<String>,
    /// The JSON of the other kinds: an object for `image` and `file`, anything for `custom`. It
    /// is kept as it is written, and may be nested 64 deep.
    #[schema(value_type = Option<Value>)]
    pub(crate) data: Option<Box<RawValue>>,
    /// The seq of the entry it answers.
    pub(crate) reply_to: Option<u64>,
    /// Members it calls by name; each has to be a member.
    #[serde(default)]
    pub(crate) mentions: Vec<String>,
    /// Whether it calls everybody in the group. In groups of more than 50 members only admins do.
    #[serde(default)]
    pub(crate) mentions_all: bool,
    /// The message whose content is sent on, instead of `kind`, `text` and `data`.
    pub(crate) forward: Option<Forward>,
}

/// A message that is to be sent on.
#[derive(Deserialize, ToSchema)]
pub(crate) struct Forward {
    /// The conversation it stands in: `u:{user}` or `g:{group}`.
    pub(crate) conv: String,
    /// Its seq there.
    pub(crate) seq: u64,
}

/// Where an entry came to stand.
#[derive(Serialize, ToSchema)]
pub(crate) struct Place {
    /// Its global id, a 64-bit number as text.
    pub(crate) id: String,
    /// Its seq: its place in the conversation.
    pub(crate) seq: u64,
    /// When it was stored, in milliseconds since 1970.
    pub(crate) ts: i64,
}

/// The answer to whatever adds an entry to a log.
#[derive(IntoResponses)]
pub(crate) enum Stored {
    /// Stored for good.
    #[response(
        status = 201,
        headers(("Idempotency-Key" = String, description = "The key it is known by")),
        example = json!(place())
    )]
    New(Place),
    /// Stored before, under the same key.
    #[response(
        status = 200,
        headers(("Idempotency-Key" = String, description = "The key it is known by")),
        example = json!(place())
    )]
    Again(Place),
}

impl IntoResponse for Stored {
    fn into_response(self) -> Response {
        match self {
            Self::New(place) => (StatusCode::CREATED, Json(place)).into_response(),
            Self::Again(place) => (StatusCode::OK, Json(place)).into_response(),
        }
    }
}

/// Stores a message and delivers it. The answer means that it is stored for good.
///
/// Send an `Idempotency-Key`, best a UUIDv7, and after any doubt repeat the request with the
/// same key: the message is stored once, and the retry gets the first answer. Without the
/// header the server makes a key; the answer's `Idempotency-Key` says which.
#[utoipa::path(
    post, path = "/v1/conversations/{conv}/messages", tag = "messages", operation_id = "send",
    security(("bearer" = [])),
    params(
        ("conv" = String, Path, description = "`u:{user}` or `g:{group}`", example = "u:bob"),
        Key,
    ),
    request_body(content = NewMessage, example = json!({"kind": "text", "text": "Hello, Bob"})),
    responses(Stored),
    extensions(("x-problems" = json!([
        problem::NOT_MEMBER.slug, problem::NO_SUCH_USER.slug, problem::NO_SUCH.slug,
        problem::CONFLICT.slug, problem::STALE_KEY.slug, problem::OUT_OF_ORDER.slug])))
)]
async fn send(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(to): Segment<Address>,
    key: Key,
    Body(message): Body<NewMessage>,
) -> Result<Response, Problem> {
    let outgoing: Outgoing = convert::outgoing(to, key.id, message)?;
    let sent = app.calls.ask(caller, Command::Send(Box::new(outgoing))).await;
    Ok(keyed(key, sent.map(|sent| convert::stored(&sent))))
}

/// An answer that says its key, whether it is a good one or not: "no answer in time" above all
/// must leave the client able to ask again.
pub(crate) fn keyed(key: Key, answer: Result<impl IntoResponse, Problem>) -> Response {
    let mut response = answer.into_response();
    response.headers_mut().insert(IDEMPOTENCY_KEY, key.echo);
    response
}

pub(crate) fn place() -> Value {
    json!({"id": "7193520847613952", "seq": 3, "ts": 1_790_000_000_000_i64})
}

pub(crate) fn example(seq: u64) -> Value {
    json!({
        "id": (7_193_520_847_613_949 + seq).to_string(),
        "seq": seq,
        "sender": "alice",
        "ts": 1_790_000_000_000_i64,
        "kind": "text",
        "text": "Hello, Bob",
        "client_id": format!("0198c0de-0000-7000-8000-{seq:012}"),
    })
}
