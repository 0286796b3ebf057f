//! What happens to messages that stand: recall, edits, reactions, pins; and who has read them.

use anser_domain::{
    Act, Address, Caller, Change, Command, EntryChange, MessagesCommand, MessagesReply, Sent, Seq,
};
use axum::{Json, extract::State, response::Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::messages::{self, Message, NewMessage, Stored, keyed};
use crate::{
    App,
    answer::Done,
    convert,
    extract::{Bearer, Body, Key, PageQuery, Query, Segment, page_size},
    problem::{self, Problem},
};

/// The calls of this resource.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(recall))
        .routes(routes!(edit))
        .routes(routes!(react, reactors))
        .routes(routes!(pins))
        .routes(routes!(pin, unpin))
        .routes(routes!(receipts))
        .routes(routes!(delete))
}

async fn change(app: &App, caller: Caller, at: Address, key: Key, change: EntryChange) -> Response {
    let act = Act::Entry(change);
    let command = Command::Change(Box::new(Change { client_id: key.id, at, act }));
    let sent: Result<Sent, Problem> = app.calls.ask(caller, command).await;
    keyed(key, sent.map(|sent| convert::stored(&sent)))
}

/// Takes a message back: its words are gone for everybody, its place stays. Its sender may for
/// some minutes, those who stand higher in a group at any time.
#[utoipa::path(
    post, path = "/v1/conversations/{conv}/messages/{seq}/recall", tag = "messages",
    operation_id = "recall", security(("bearer" = [])),
    params(
        ("conv" = String, Path, description = "`u:{user}` or `g:{group}`", example = "u:bob"),
        ("seq" = u64, Path, description = "Which message", example = 3),
        Key,
    ),
    responses(Stored),
    extensions(("x-problems" = json!([
        problem::NOT_MEMBER.slug, problem::NO_SUCH.slug, problem::CONFLICT.slug,
        problem::STALE_KEY.slug])))
)]
async fn recall(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(at): Segment<Address>,
    Segment(seq): Segment<Seq>,
    key: Key,
) -> Response {
    change(&app, caller, at, key, EntryChange::Recall { seq }).await
}

/// Puts other words into a message of the caller's own, of kind `text` or `custom`. Readers see
/// what it says now, and when it was edited.
#[utoipa::path(
    post, path = "/v1/conversations/{conv}/messages/{seq}/edit", tag = "messages",
    operation_id = "edit", security(("bearer" = [])),
    params(
        ("conv" = String, Path, description = "`u:{user}` or `g:{group}`", example = "u:bob"),
        ("seq" = u64, Path, description = "Which message", example = 3),
        Key,
    ),
    request_body(content = NewMessage, example = json!({"kind": "text", "text": "Hello, Bob!"})),
    responses(Stored),
    extensions(("x-problems" = json!([
        problem::NOT_MEMBER.slug, problem::NO_SUCH.slug, problem::CONFLICT.slug,
        problem::STALE_KEY.slug])))
)]
async fn edit(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(at): Segment<Address>,
    Segment(seq): Segment<Seq>,
    key: Key,
    Body(message): Body<NewMessage>,
) -> Result<Response, Problem> {
    let edited = convert::edit(at.clone(), key.id, seq, message)?;
    Ok(change(&app, caller, at, key, edited).await)
}

/// A reaction to be given or taken back.
#[derive(Deserialize, ToSchema)]
pub(crate) struct NewReaction {
    /// An emoji, or whatever the app means by it: at most 64 bytes.
    pub(crate) reaction: String,
    /// Whether it is to stand; `true` unless said.
    #[serde(default = "yes")]
    #[schema(default = true)]
    pub(crate) on: bool,
}

fn yes() -> bool {
    true
}

/// Gives a reaction to a message, or takes it back.
#[utoipa::path(
    post, path = "/v1/conversations/{conv}/messages/{seq}/reactions", tag = "messages",
    operation_id = "react", security(("bearer" = [])),
    params(
        ("conv" = String, Path, description = "`u:{user}` or `g:{group}`", example = "u:bob"),
        ("seq" = u64, Path, description = "Which message", example = 3),
        Key,
    ),
    request_body(content = NewReaction, example = json!({"reaction": "👍"})),
    responses(Stored),
    extensions(("x-problems" = json!([
        problem::NOT_MEMBER.slug, problem::NO_SUCH.slug, problem::CONFLICT.slug,
        problem::STALE_KEY.slug])))
)]
async fn react(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(at): Segment<Address>,
    Segment(seq): Segment<Seq>,
    key: Key,
    Body(new): Body<NewReaction>,
) -> Response {
    let reaction = new.reaction.into_boxed_str();
    change(&app, caller, at, key, EntryChange::React { seq, reaction, on: new.on }).await
}

/// A page of who reacted.
#[derive(Serialize, ToSchema)]
pub(crate) struct Reactors {
    /// By reaction, then by name.
    pub(crate) reactors: Vec<Reactor>,
    /// Whether another page follows.
    pub(crate) more: bool,
    /// The next page's `cursor`; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
}

/// One reaction of one user.
#[derive(Serialize, ToSchema)]
pub(crate) struct Reactor {
    /// Who.
    pub(crate) user: String,
    /// What.
    pub(crate) reaction: String,
}

/// Who reacted to a message.
#[utoipa::path(
    get, path = "/v1/conversations/{conv}/messages/{seq}/reactions", tag = "messages",
    operation_id = "reactors", security(("bearer" = [])),
    params(
        ("conv" = String, Path, description = "`u:{user}` or `g:{group}`", example = "u:bob"),
        ("seq" = u64, Path, description = "Which message", example = 3),
        PageQuery,
    ),
    responses((status = 200, description = "A page", body = Reactors, example = json!(
        {"reactors": [{"user": "bob", "reaction": "👍"}], "more": false}))),
    extensions(("x-problems" = json!([problem::NOT_MEMBER.slug, problem::NO_SUCH.slug])))
)]
async fn reactors(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(at): Segment<Address>,
    Segment(seq): Segment<Seq>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Reactors>, Problem> {
    let after = page.cursor.as_deref().map(convert::reactor_cursor).transpose()?;
    let limit = page_size(page.limit)?;
    let command = MessagesCommand::Reactors { at, seq, after, limit };
    let reply: MessagesReply = app.calls.ask(caller, Command::Messages(command)).await?;
    convert::reactors(reply).map(Json)
}

/// What is pinned.
#[derive(Serialize, ToSchema)]
pub(crate) struct Pins {
    /// The latest pin first; 100 at most.
    pub(crate) messages: Vec<Message>,
}

/// A conversation's pinned messages.
#[utoipa::path(
    get, path = "/v1/conversations/{conv}/pins", tag = "messages", operation_id = "pins",
    security(("bearer" = [])),
    params(("conv" = String, Path, description = "`u:{user}` or `g:{group}`", example = "u:bob")),
    responses((status = 200, description = "All of them", body = Pins, example = json!(
        {"messages": [messages::example(3)]}))),
    extensions(("x-problems" = json!([problem::NOT_MEMBER.slug])))
)]
async fn pins(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(at): Segment<Address>,
) -> Result<Json<Pins>, Problem> {
    let command = Command::Messages(MessagesCommand::Pins { at });
    let reply: MessagesReply = app.calls.ask(caller, command).await?;
    convert::pins(&reply).map(Json)
}

/// Pins a message for everybody. In a group admins do, or all where its policy says so.
#[utoipa::path(
    put, path = "/v1/conversations/{conv}/pins/{seq}", tag = "messages", operation_id = "pin",
    security(("bearer" = [])),
    params(
        ("conv" = String, Path, description = "`u:{user}` or `g:{group}`", example = "u:bob"),
        ("seq" = u64, Path, description = "Which message", example = 3),
        Key,
    ),
    responses(Stored),
    extensions(("x-problems" = json!([
        problem::NOT_MEMBER.slug, problem::NO_SUCH.slug, problem::CONFLICT.slug,
        problem::STALE_KEY.slug])))
)]
async fn pin(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(at): Segment<Address>,
    Segment(seq): Segment<Seq>,
    key: Key,
) -> Response {
    change(&app, caller, at, key, EntryChange::Pin { seq, on: true }).await
}

/// Takes a pin off.
#[utoipa::path(
    delete, path = "/v1/conversations/{conv}/pins/{seq}", tag = "messages",
    operation_id = "unpin", security(("bearer" = [])),
    params(
        ("conv" = String, Path, description = "`u:{user}` or `g:{group}`", example = "u:bob"),
        ("seq" = u64, Path, description = "Which message", example = 3),
        Key,
    ),
    responses(Stored),
    extensions(("x-problems" = json!([
        problem::NOT_MEMBER.slug, problem::NO_SUCH.slug, problem::CONFLICT.slug,
        problem::STALE_KEY.slug])))
)]
async fn unpin(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(at): Segment<Address>,
    Segment(seq): Segment<Seq>,
    key: Key,
) -> Response {
    change(&app, caller, at, key, EntryChange::Pin { seq, on: false }).await
}

/// Who of a message's other members has it.
#[derive(Serialize, ToSchema)]
pub(crate) struct Receipts {
    /// How many could: everyone who may see it but its sender.
    pub(crate) members: u32,
    /// How many have it on some device.
    pub(crate) delivered_count: usize,
    /// How many have read it.
    pub(crate) read_count: usize,
    /// Who has it, by name.
    pub(crate) delivered: Vec<String>,
    /// Who has read it, by name.
    pub(crate) read: Vec<String>,
}

/// Who has a message, and who has read it. Not in groups of more than 500 members.
#[utoipa::path(
    get, path = "/v1/conversations/{conv}/messages/{seq}/receipts", tag = "messages",
    operation_id = "receipts", security(("bearer" = [])),
    params(
        ("conv" = String, Path, description = "`u:{user}` or `g:{group}`", example = "u:bob"),
        ("seq" = u64, Path, description = "Which message", example = 3),
    ),
    responses((status = 200, description = "All of them", body = Receipts, example = json!({
        "members": 2, "delivered_count": 2, "read_count": 1,
        "delivered": ["bob", "carol"], "read": ["bob"]}))),
    extensions(("x-problems" = json!([
        problem::NOT_MEMBER.slug, problem::NO_SUCH.slug, problem::TOO_LARGE.slug])))
)]
async fn receipts(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(at): Segment<Address>,
    Segment(seq): Segment<Seq>,
) -> Result<Json<Receipts>, Problem> {
    let command = Command::Messages(MessagesCommand::Receipts { at, seq });
    let reply: MessagesReply = app.calls.ask(caller, command).await?;
    convert::receipts(reply).map(Json)
}

/// Takes a message out of the caller's own sight, on all their devices. Others keep it.
#[utoipa::path(
    delete, path = "/v1/conversations/{conv}/messages/{seq}", tag = "messages",
    operation_id = "delete_for_me", security(("bearer" = [])),
    params(
        ("conv" = String, Path, description = "`u:{user}` or `g:{group}`", example = "u:bob"),
        ("seq" = u64, Path, description = "Which message", example = 3),
    ),
    responses((status = 204, description = "Gone from the caller's sight")),
    extensions(("x-problems" = json!([problem::NOT_MEMBER.slug, problem::NO_SUCH.slug])))
)]
async fn delete(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(at): Segment<Address>,
    Segment(seq): Segment<Seq>,
) -> Result<StatusCode, Problem> {
    let command = Command::Messages(MessagesCommand::Delete { at, seq });
    let Done = app.calls.ask(caller, command).await?;
    Ok(StatusCode::NO_CONTENT)
}
