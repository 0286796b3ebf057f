//! Webhooks: who is told what, what was not taken, and telling it again. Scope `webhooks`.

use anser_domain::{AdminAct, AdminReply, MessageId};
use axum::{Json, extract::State};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::admin::{act, unexpected};
use crate::{
    App,
    answer::Done,
    convert,
    extract::{Bearer, Body, EventId, PageQuery, Query, Remote, Segment, WebhookName, page_size},
    problem::{self, Problem},
};

/// The calls of this resource.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(webhooks))
        .routes(routes!(put, remove))
        .routes(routes!(dead))
        .routes(routes!(replay_dead))
        .routes(routes!(replay))
}

/// All webhooks.
#[derive(Serialize, ToSchema)]
pub(crate) struct Webhooks {
    /// By name.
    webhooks: Vec<Webhook>,
}

/// A webhook.
#[derive(Serialize, ToSchema)]
pub(crate) struct Webhook {
    /// What it is known by.
    pub(crate) name: String,
    /// Where its receiver listens.
    pub(crate) url: String,
    /// Which events it is told of, `*` standing for any rest; empty: all.
    pub(crate) kinds: Vec<String>,
    /// Whether it is told.
    pub(crate) enabled: bool,
    /// Every event up to this one was taken, or is a dead letter.
    pub(crate) place: String,
    /// How many dead letters it has.
    pub(crate) dead: u64,
    /// What it signs with: only in the answer that made it, when none was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) secret: Option<String>,
}

fn example() -> Value {
    json!({"name": "app", "url": "https://app.example/anser", "kinds": ["message.*"],
           "enabled": true, "place": "7193520847613952", "dead": 0})
}

/// All webhooks, by name.
#[utoipa::path(
    get, path = "/v1/admin/webhooks", tag = "admin", operation_id = "webhooks",
    security(("bearer" = [])),
    responses((status = 200, description = "All of them", body = Webhooks,
        example = json!({"webhooks": [example()]})))
)]
async fn webhooks(
    State(app): State<App>,
    Bearer(caller): Bearer,
    remote: Remote,
) -> Result<Json<Webhooks>, Problem> {
    let reply = app.calls.ask(caller, act(remote, AdminAct::Webhooks)).await?;
    let AdminReply::Webhooks(all) = reply else { return Err(unexpected()) };
    let webhooks = all.into_iter().map(|it| convert::webhook(it, None)).collect();
    Ok(Json(Webhooks { webhooks }))
}

/// A webhook to be made or changed.
#[derive(Deserialize, ToSchema)]
pub(crate) struct PutWebhook {
    /// Where its receiver listens.
    pub(crate) url: String,
    /// What it signs with: one, or two while they are exchanged. Absent: those it has; a new
    /// webhook gets one.
    pub(crate) secrets: Option<Vec<String>>,
    /// Which events it is told of, `*` standing for any rest; absent: all.
    #[serde(default)]
    pub(crate) kinds: Vec<String>,
    /// Whether it is told; `true` unless said.
    pub(crate) enabled: Option<bool>,
}

/// Makes a webhook, or changes it. A new one is told what happens from now on.
#[utoipa::path(
    put, path = "/v1/admin/webhooks/{webhook}", tag = "admin", operation_id = "putWebhook",
    security(("bearer" = [])),
    params(("webhook" = String, Path, description = "What it is known by", example = "app")),
    request_body(content = PutWebhook, example = json!(
        {"url": "https://app.example/anser", "kinds": ["message.*", "user.created"]})),
    responses((status = 200, description = "As it is now", body = Webhook, example = json!(
        {"name": "app", "url": "https://app.example/anser", "kinds": ["message.*"],
         "enabled": true, "place": "7193520847613952", "dead": 0,
         "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"})))
)]
async fn put(
    State(app): State<App>,
    Bearer(caller): Bearer,
    remote: Remote,
    Segment(WebhookName(name)): Segment<WebhookName>,
    Body(wish): Body<PutWebhook>,
) -> Result<Json<Webhook>, Problem> {
    let put = AdminAct::PutWebhook(Box::new(convert::put_webhook(name, wish)));
    let reply = app.calls.ask(caller, act(remote, put)).await?;
    let AdminReply::Webhook(webhook, secret) = reply else { return Err(unexpected()) };
    Ok(Json(convert::webhook(webhook, secret)))
}

/// Forgets a webhook, and its dead letters with it.
#[utoipa::path(
    delete, path = "/v1/admin/webhooks/{webhook}", tag = "admin", operation_id = "removeWebhook",
    security(("bearer" = [])),
    params(("webhook" = String, Path, description = "What it is known by", example = "app")),
    responses((status = 204, description = "Forgotten")),
    extensions(("x-problems" = json!([problem::NO_SUCH.slug])))
)]
async fn remove(
    State(app): State<App>,
    Bearer(caller): Bearer,
    remote: Remote,
    Segment(WebhookName(name)): Segment<WebhookName>,
) -> Result<StatusCode, Problem> {
    let Done = app.calls.ask(caller, act(remote, AdminAct::RemoveWebhook(name))).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A page of dead letters.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeadLetters {
    /// Oldest first.
    letters: Vec<DeadLetter>,
    /// Whether another page follows.
    more: bool,
    /// The next page's `cursor`; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// An event that was given up.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeadLetter {
    /// Its id.
    pub(crate) event: String,
    /// What it tells.
    pub(crate) kind: String,
    /// How often it was tried.
    pub(crate) attempts: u32,
    /// Why it was not taken, the last time.
    pub(crate) reason: String,
    /// When it was given up, in milliseconds since 1970.
    pub(crate) at: i64,
}

/// What a webhook's receiver did not take, oldest first.
#[utoipa::path(
    get, path = "/v1/admin/webhooks/{webhook}/dead", tag = "admin", operation_id = "deadLetters",
    security(("bearer" = [])),
    params(("webhook" = String, Path, description = "Whose", example = "app"), PageQuery),
    responses((status = 200, description = "A page", body = DeadLetters, example = json!(
        {"letters": [{"event": "7193520847613952", "kind": "message.created", "attempts": 8,
                      "reason": "status 500", "at": 1_790_000_000_000_i64}], "more": false}))),
    extensions(("x-problems" = json!([problem::NO_SUCH.slug])))
)]
async fn dead(
    State(app): State<App>,
    Bearer(caller): Bearer,
    remote: Remote,
    Segment(WebhookName(name)): Segment<WebhookName>,
    Query(page): Query<PageQuery>,
) -> Result<Json<DeadLetters>, Problem> {
    let limit = page_size(page.limit)?;
    let after = match page.cursor.as_deref() {
        Some(cursor) => MessageId(convert::sync_token(cursor)?.0),
        None => MessageId(0),
    };
    let wanted = AdminAct::DeadLetters { name, after, limit };
    let reply = app.calls.ask(caller, act(remote, wanted)).await?;
    let AdminReply::DeadLetters { letters, more } = reply else { return Err(unexpected()) };
    let next = letters.last().filter(|_| more).map(|last| last.event.to_string());
    let letters = letters.into_iter().map(convert::dead_letter).collect();
    Ok(Json(DeadLetters { letters, more, next }))
}

/// Whether a dead letter was taken this time.
#[derive(Serialize, ToSchema)]
pub(crate) struct Replayed {
    /// Whether it was; then it is no dead letter any more.
    taken: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// Posts a dead letter once more, now, under its first id.
#[utoipa::path(
    post, path = "/v1/admin/webhooks/{webhook}/dead/{event}/replay", tag = "admin",
    operation_id = "replayDeadLetter",
    security(("bearer" = [])),
    params(("webhook" = String, Path, description = "Whose", example = "app"),
           ("event" = u64, Path, description = "Which event", example = 7_193_520_847_613_952_u64)),
    responses((status = 200, description = "What came of it", body = Replayed,
        example = json!({"taken": true}))),
    extensions(("x-problems" = json!([problem::NO_SUCH.slug])))
)]
async fn replay_dead(
    State(app): State<App>,
    Bearer(caller): Bearer,
    remote: Remote,
    Segment(WebhookName(name)): Segment<WebhookName>,
    Segment(EventId(event)): Segment<EventId>,
) -> Result<Json<Replayed>, Problem> {
    let again = AdminAct::ReplayDead { name, event: MessageId(event) };
    let reply = app.calls.ask(caller, act(remote, again)).await?;
    let AdminReply::Replayed(failed) = reply else { return Err(unexpected()) };
    Ok(Json(Replayed { taken: failed.is_none(), reason: failed.map(Into::into) }))
}

/// Where a replay begins.
#[derive(Deserialize, ToSchema)]
pub(crate) struct ReplaySince {
    /// Everything after this event is told again; `"0"` is the beginning of time.
    since: String,
}

/// Tells everything after an event once more, under the first ids. What is no log entry is told
/// again as long as it is kept, a week.
#[utoipa::path(
    post, path = "/v1/admin/webhooks/{webhook}/replay", tag = "admin", operation_id = "replayWebhook",
    security(("bearer" = [])),
    params(("webhook" = String, Path, description = "Which", example = "app")),
    request_body(content = ReplaySince, example = json!({"since": "7193520847613952"})),
    responses((status = 204, description = "It begins there within seconds")),
    extensions(("x-problems" = json!([problem::NO_SUCH.slug])))
)]
async fn replay(
    State(app): State<App>,
    Bearer(caller): Bearer,
    remote: Remote,
    Segment(WebhookName(name)): Segment<WebhookName>,
    Body(wish): Body<ReplaySince>,
) -> Result<StatusCode, Problem> {
    let since = wish.since.parse().map_err(|_| convert::invalid("since", "not an event's id"))?;
    let again = AdminAct::ReplaySince { name, since: MessageId(since) };
    let Done = app.calls.ask(caller, act(remote, again)).await?;
    Ok(StatusCode::NO_CONTENT)
}
