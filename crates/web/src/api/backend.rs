//! What an app's own backend asks beside users and webhooks: sending in a user's name, numbers,
//! its keys, the record of changes.

use anser_domain::{AdminAct, AdminReply, Millis, Sent};
use axum::{Json, extract::State, response::Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    admin::{act, unexpected},
    messages::{NewMessage, Stored, keyed},
};
use crate::{
    App,
    answer::Done,
    convert,
    extract::{Bearer, Body, Key, KeyId, PageQuery, Query, Remote, Segment, page_size},
    problem::{self, Problem},
};

/// The calls of this resource.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(send_as))
        .routes(routes!(statistics))
        .routes(routes!(keys, make_key))
        .routes(routes!(revoke_key))
        .routes(routes!(audit))
}

/// A message to be sent in a user's name.
#[derive(Deserialize, ToSchema)]
pub(crate) struct MessageAs {
    /// In whose.
    from: String,
    /// Where to, from their side: `u:{user}` or `g:{group}`.
    to: String,
    /// What it says.
    message: NewMessage,
}

/// Sends in a user's name. The rules for their messages hold: who is no member cannot be made to
/// write. Scope `messages:send-as`.
#[utoipa::path(
    post, path = "/v1/admin/messages", tag = "admin", operation_id = "sendAs",
    security(("bearer" = [])),
    params(Key),
    request_body(content = MessageAs, example = json!(
        {"from": "support", "to": "u:bob", "message": {"kind": "text", "text": "Welcome!"}})),
    responses(Stored),
    extensions(("x-problems" = json!([problem::NOT_MEMBER.slug, problem::NO_SUCH_USER.slug,
        problem::CONFLICT.slug, problem::STALE_KEY.slug, problem::OUT_OF_ORDER.slug,
        problem::DENIED.slug])))
)]
async fn send_as(
    State(app): State<App>,
    Bearer(caller): Bearer,
    remote: Remote,
    key: Key,
    Body(wish): Body<MessageAs>,
) -> Result<Response, Problem> {
    let from = convert::parse("from", &wish.from)?;
    let to = convert::parse("to", &wish.to)?;
    let message = Box::new(convert::outgoing(to, key.id, wish.message)?);
    let command = act(remote, AdminAct::SendAs { from, message });
    let sent: Result<Sent, Problem> = app.calls.ask(caller, command).await;
    Ok(keyed(key, sent.map(|sent| convert::stored(&sent))))
}

/// Numbers about the whole.
#[derive(Serialize, ToSchema)]
pub(crate) struct Statistics {
    /// Users there are.
    users: u64,
    /// Of those, shut out.
    disabled: u64,
    /// Users with a link now.
    online: u64,
    /// Groups there are.
    groups: u64,
    /// Conversations there are.
    conversations: u64,
    /// Log entries of the last 24 hours.
    entries_today: u64,
    /// Bytes that the store takes.
    bytes: u64,
}

/// Numbers about the whole. Scope `stats:read`.
#[utoipa::path(
    get, path = "/v1/admin/statistics", tag = "admin", operation_id = "statistics",
    security(("bearer" = [])),
    responses((status = 200, description = "Now", body = Statistics, example = json!(
        {"users": 1200, "disabled": 3, "online": 240, "groups": 80, "conversations": 5000,
         "entries_today": 34_000, "bytes": 73_400_320})))
)]
async fn statistics(
    State(app): State<App>,
    Bearer(caller): Bearer,
    remote: Remote,
) -> Result<Json<Statistics>, Problem> {
    let reply = app.calls.ask(caller, act(remote, AdminAct::Statistics)).await?;
    let AdminReply::Statistics(numbers) = reply else { return Err(unexpected()) };
    let anser_domain::Statistics {
        users,
        disabled,
        online,
        groups,
        conversations,
        entries_today,
        bytes,
    } = numbers;
    Ok(Json(Statistics { users, disabled, online, groups, conversations, entries_today, bytes }))
}

/// All API keys.
#[derive(Serialize, ToSchema)]
#[schema(as = ApiKeys)]
pub(crate) struct Keys {
    /// Oldest first.
    keys: Vec<ApiKey>,
}

/// An API key.
#[derive(Serialize, ToSchema)]
pub(crate) struct ApiKey {
    /// Which.
    pub(crate) id: String,
    /// What people call it.
    pub(crate) name: String,
    /// What it may do.
    pub(crate) scopes: Vec<&'static str>,
    /// When it was made, in milliseconds since 1970.
    pub(crate) created: i64,
    /// When it ends, in milliseconds since 1970; absent: when it is revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expires: Option<i64>,
    /// The key itself: only in the answer that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
}

fn example() -> Value {
    json!({"id": "1", "name": "backend", "scopes": ["users:read", "messages:send-as"],
           "created": 1_790_000_000_000_i64})
}

/// All API keys that were not revoked. Scope `keys`.
#[utoipa::path(
    get, path = "/v1/admin/keys", tag = "admin", operation_id = "keys",
    security(("bearer" = [])),
    responses((status = 200, description = "All of them", body = Keys,
        example = json!({"keys": [example()]})))
)]
async fn keys(
    State(app): State<App>,
    Bearer(caller): Bearer,
    remote: Remote,
) -> Result<Json<Keys>, Problem> {
    let reply = app.calls.ask(caller, act(remote, AdminAct::Keys)).await?;
    let AdminReply::Keys(keys) = reply else { return Err(unexpected()) };
    Ok(Json(Keys { keys: keys.into_iter().map(|key| convert::api_key(key, None)).collect() }))
}

/// An API key to be made.
#[derive(Deserialize, ToSchema)]
pub(crate) struct NewKey {
    /// What people call it.
    name: String,
    /// What it may do: `users:read`, `users:write`, `groups:read`, `groups:write`,
    /// `messages:read`, `messages:send-as`, `webhooks`, `stats:read`, `keys`, `audit:read`,
    /// `notices`, `export`, `import`.
    scopes: Vec<String>,
    /// When it ends, in milliseconds since 1970; absent: when it is revoked.
    expires: Option<i64>,
}

/// Makes an API key. The key is shown here and never again. Scope `keys`; a key gives no more
/// than it has.
#[utoipa::path(
    post, path = "/v1/admin/keys", tag = "admin", operation_id = "makeKey",
    security(("bearer" = [])),
    request_body(content = NewKey, example = json!(
        {"name": "backend", "scopes": ["users:read", "messages:send-as"]})),
    responses((status = 201, description = "Made", body = ApiKey, example = json!(
        {"id": "1", "name": "backend", "scopes": ["users:read", "messages:send-as"],
         "created": 1_790_000_000_000_i64,
         "key": "ak_V9oTnLrZ0s2VYkIX0jT2Zx0GkKkJdPpJ0i3k8W0uXqA"})))
)]
async fn make_key(
    State(app): State<App>,
    Bearer(caller): Bearer,
    remote: Remote,
    Body(new): Body<NewKey>,
) -> Result<(StatusCode, Json<ApiKey>), Problem> {
    let scopes = convert::scopes(&new.scopes)?;
    let expires = new.expires.map(Millis);
    let make = AdminAct::MakeKey { name: new.name.into(), scopes, expires };
    let reply = app.calls.ask(caller, act(remote, make)).await?;
    let AdminReply::NewKey(key, secret) = reply else { return Err(unexpected()) };
    Ok((StatusCode::CREATED, Json(convert::api_key(key, Some(secret)))))
}

/// Revokes an API key, at once. Scope `keys`.
#[utoipa::path(
    delete, path = "/v1/admin/keys/{key}", tag = "admin", operation_id = "revokeKey",
    security(("bearer" = [])),
    params(("key" = u64, Path, description = "Which", example = 1)),
    responses((status = 204, description = "Revoked")),
    extensions(("x-problems" = json!([problem::NO_SUCH.slug])))
)]
async fn revoke_key(
    State(app): State<App>,
    Bearer(caller): Bearer,
    remote: Remote,
    Segment(KeyId(key)): Segment<KeyId>,
) -> Result<StatusCode, Problem> {
    let Done = app.calls.ask(caller, act(remote, AdminAct::RevokeKey(key))).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A page of the record of changes.
#[derive(Serialize, ToSchema)]
pub(crate) struct Audit {
    /// Newest first.
    entries: Vec<AuditEntry>,
    /// Whether another page follows.
    more: bool,
    /// The next page's `cursor`; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A change that an administrator or an API key made.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuditEntry {
    /// When, in milliseconds since 1970.
    pub(crate) at: i64,
    /// Who: `user:NAME`, `key:ID`, or `server`.
    pub(crate) who: String,
    /// What, such as `user.ban`.
    pub(crate) what: String,
    /// Whom or what it was done to.
    pub(crate) whom: String,
    /// Where it came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) address: Option<String>,
}

/// Who changed what, newest first. Kept for a year. Scope `audit:read`.
#[utoipa::path(
    get, path = "/v1/admin/audit", tag = "admin", operation_id = "audit",
    security(("bearer" = [])),
    params(PageQuery),
    responses((status = 200, description = "A page", body = Audit, example = json!(
        {"entries": [{"at": 1_790_000_000_000_i64, "who": "user:root", "what": "user.ban",
                      "whom": "bob", "address": "192.0.2.7"}], "more": false})))
)]
async fn audit(
    State(app): State<App>,
    Bearer(caller): Bearer,
    remote: Remote,
    Query(page): Query<PageQuery>,
) -> Result<Json<Audit>, Problem> {
    let limit = page_size(page.limit)?;
    let before = page.cursor.as_deref().map(convert::sync_token).transpose()?;
    let reply = app.calls.ask(caller, act(remote, AdminAct::Audit { before, limit })).await?;
    let AdminReply::Audit { entries, more } = reply else { return Err(unexpected()) };
    let next = entries.last().filter(|_| more).map(|last| last.id.to_string());
    let entries = entries.into_iter().map(convert::audit_entry).collect();
    Ok(Json(Audit { entries, more, next }))
}
