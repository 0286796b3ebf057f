//! The caller's conversations, and how far they have read.

use anser_domain::{Address, Command, MessagesCommand, Seq};
use axum::{Json, extract::State};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::messages::{self, Message};
use crate::{
    App,
    answer::Done,
    convert,
    extract::{Bearer, Body, PageQuery, Query, Segment, page_size},
    problem::{self, Problem},
};

/// The calls of this resource.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(conversations))
        .routes(routes!(keep))
        .routes(routes!(read))
        .routes(routes!(clear))
}

/// A page of the conversation list.
#[derive(Serialize, ToSchema)]
pub(crate) struct Conversations {
    /// The most recently changed one first.
    pub(crate) conversations: Vec<Conversation>,
    /// Whether another page follows.
    pub(crate) more: bool,
    /// The next page's `cursor`; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
}

/// A conversation as the caller sees it.
#[derive(Serialize, ToSchema)]
pub(crate) struct Conversation {
    /// Its address: `u:{user}` or `g:{group}`.
    pub(crate) conv: String,
    /// The name that people read; may be empty.
    pub(crate) title: String,
    /// The highest seq that the caller may see.
    pub(crate) head: u64,
    /// The newest message, events aside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last: Option<Message>,
    /// How many messages the caller has not read.
    pub(crate) unread: u64,
    /// How many of them call the caller, by name or with everybody.
    pub(crate) mentions: u64,
    /// How the caller keeps it.
    #[serde(flatten)]
    pub(crate) kept: Kept,
    /// How far the caller has read.
    pub(crate) read: u64,
    /// How far the calling device has everything.
    pub(crate) delivered: u64,
    /// How far the other side of a direct conversation has read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) peer_read: Option<u64>,
    /// How far the other side of a direct conversation has it on some device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) peer_delivered: Option<u64>,
    /// Whether the caller is a member now; those who have left still see what they were there
    /// for.
    pub(crate) member: bool,
}

/// How the caller keeps a conversation. Nobody else sees it.
#[derive(Serialize, ToSchema)]
pub(crate) struct Kept {
    /// Until when nothing rings, in milliseconds since 1970; absent: it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) muted_until: Option<i64>,
    /// Whether it stands at the top of the list.
    pub(crate) pinned: bool,
    /// Whether it is left out of the list. The next message brings it back.
    pub(crate) hidden: bool,
    /// Nothing up to this seq is shown any more.
    pub(crate) cleared: u64,
}

/// The caller's conversations, most recently changed first.
#[utoipa::path(
    get, path = "/v1/conversations", tag = "conversations", operation_id = "conversations",
    security(("bearer" = [])),
    params(PageQuery),
    responses((status = 200, description = "A page", body = Conversations, example = json!({
        "conversations": [{
            "conv": "u:bob", "title": "Bob", "head": 3, "last": messages::example(3),
            "unread": 1, "mentions": 0, "pinned": false, "hidden": false, "cleared": 0, "read": 2, "delivered": 3, "peer_read": 2, "peer_delivered": 3,
            "member": true}],
        "more": true,
        "next": "184467"})))
)]
async fn conversations(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Query(page): Query<PageQuery>,
) -> Result<Json<Conversations>, Problem> {
    let command = Command::Conversations {
        before: page.cursor.as_deref().map(convert::sync_token).transpose()?,
        limit: page_size(page.limit)?,
    };
    let list = app.calls.ask(caller, command).await?;
    Ok(Json(convert::conversations(list)))
}

/// A change of how the caller keeps a conversation. What is absent stays.
#[derive(Deserialize, ToSchema)]
pub(crate) struct NewKeep {
    /// `true`: nothing rings until somebody says otherwise; `false`: it does.
    pub(crate) muted: Option<bool>,
    /// Until when nothing rings, in milliseconds since 1970; not together with `muted`.
    pub(crate) muted_until: Option<i64>,
    /// Whether it stands at the top of the list.
    pub(crate) pinned: Option<bool>,
    /// Whether it is left out of the list until the next message.
    pub(crate) hidden: Option<bool>,
}

/// Changes how the caller keeps a conversation, on all their devices.
#[utoipa::path(
    patch, path = "/v1/conversations/{conv}", tag = "conversations", operation_id = "keep",
    security(("bearer" = [])),
    params(("conv" = String, Path, description = "`u:{user}` or `g:{group}`", example = "u:bob")),
    request_body(content = NewKeep, example = json!({"muted": true, "pinned": true})),
    responses((status = 204, description = "Changed")),
    extensions(("x-problems" = json!([problem::NOT_MEMBER.slug])))
)]
async fn keep(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(at): Segment<Address>,
    Body(new): Body<NewKeep>,
) -> Result<StatusCode, Problem> {
    let change = convert::keep_change(new)?;
    let command = Command::Messages(MessagesCommand::Keep { at, change });
    let Done = app.calls.ask(caller, command).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes everything up to a seq out of the caller's own sight, on all their devices, and counts
/// it as read. Others keep it.
#[utoipa::path(
    post, path = "/v1/conversations/{conv}/clear", tag = "conversations", operation_id = "clear",
    security(("bearer" = [])),
    params(("conv" = String, Path, description = "`u:{user}` or `g:{group}`", example = "u:bob")),
    request_body(content = Read, example = json!({"seq": 3})),
    responses((status = 204, description = "Cleared")),
    extensions(("x-problems" = json!([problem::NOT_MEMBER.slug])))
)]
async fn clear(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(at): Segment<Address>,
    Body(upto): Body<Read>,
) -> Result<StatusCode, Problem> {
    let command = Command::Messages(MessagesCommand::Clear { at, seq: Seq(upto.seq) });
    let Done = app.calls.ask(caller, command).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How far someone has read.
#[derive(Deserialize, ToSchema)]
pub(crate) struct Read {
    /// Everything up to and including this seq.
    pub(crate) seq: u64,
}

/// Moves the caller's read cursor. It only moves forward: a lower seq changes nothing.
#[utoipa::path(
    put, path = "/v1/conversations/{conv}/read", tag = "conversations", operation_id = "read",
    security(("bearer" = [])),
    params(("conv" = String, Path, description = "`u:{user}` or `g:{group}`", example = "u:bob")),
    request_body(content = Read, example = json!({"seq": 3})),
    responses((status = 204, description = "Read")),
    extensions(("x-problems" = json!([problem::NOT_MEMBER.slug])))
)]
async fn read(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(at): Segment<Address>,
    Body(read): Body<Read>,
) -> Result<StatusCode, Problem> {
    let Done = app.calls.ask(caller, Command::Read { at, seq: Seq(read.seq) }).await?;
    Ok(StatusCode::NO_CONTENT)
}
