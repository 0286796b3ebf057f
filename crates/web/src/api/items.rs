//! The caller's items: drafts, settings and other small values that all their devices share.

use anser_domain::{Item as DomainItem, ItemKey, ItemPage, PeopleCommand, SyncToken};
use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{json, value::RawValue};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App, convert,
    extract::{Bearer, Body, Query, Segment},
    problem::{self, Problem},
};

/// The calls of this resource.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(items)).routes(routes!(item, put, remove))
}

/// Which items.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// The beginning of the keys, such as `draft/`.
    pub(crate) prefix: Option<String>,
    /// The `token` of an earlier list: only what changed since, removed items too.
    pub(crate) since: Option<String>,
    /// The `next` of the page before; absent for the first page.
    pub(crate) cursor: Option<String>,
    /// At most so many; 50 unless said, and never more than 200.
    #[param(minimum = 1, default = 50)]
    pub(crate) limit: Option<u64>,
}

/// A page of items, by version.
#[derive(Serialize, ToSchema)]
pub(crate) struct Items {
    /// The items.
    pub(crate) items: Vec<Item>,
    /// Everything up to here is in this page or an earlier one: the `since` of a later list.
    pub(crate) token: String,
    /// Whether another page follows.
    pub(crate) more: bool,
    /// The next page's `cursor`; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
}

/// A small value of the caller's own.
#[derive(Serialize, ToSchema)]
pub(crate) struct Item {
    /// Its name.
    pub(crate) key: String,
    /// Any JSON; absent when it was removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    pub(crate) value: Option<Box<RawValue>>,
    /// Its last change; also the `ETag`.
    pub(crate) version: String,
}

/// A value to be kept.
#[derive(Deserialize, ToSchema)]
pub(crate) struct NewItem {
    /// Any JSON, at most 64 KiB.
    #[schema(value_type = Value)]
    pub(crate) value: Box<RawValue>,
}

/// The caller's items, by version. A device that keeps a copy passes the last `token` as `since`.
#[utoipa::path(
    get, path = "/v1/items", tag = "items", operation_id = "items",
    security(("bearer" = [])),
    params(Which),
    responses((status = 200, description = "A page", body = Items, example = json!({
        "items": [example()], "token": "184467", "more": false})))
)]
async fn items(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Query(which): Query<Which>,
) -> Result<Json<Items>, Problem> {
    let listing = convert::listing(which.since.as_deref(), which.cursor.as_deref(), which.limit)?;
    let prefix = which.prefix.unwrap_or_default().into();
    let page: ItemPage =
        app.calls.ask(caller, convert::people(PeopleCommand::Items { prefix, listing })).await?;
    Ok(Json(convert::items(page)))
}

/// One of the caller's items.
#[utoipa::path(
    get, path = "/v1/items/{*key}", tag = "items", operation_id = "item",
    security(("bearer" = [])),
    params(("key" = String, Path, description = "The key; it may hold slashes",
        example = "draft/u:bob")),
    responses((status = 200, description = "The item", body = Item,
        headers(("ETag" = String, description = "The version")), example = json!(example()))),
    extensions(("x-problems" = json!([problem::NO_SUCH.slug])))
)]
async fn item(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(key): Segment<ItemKey>,
) -> Result<Response, Problem> {
    let item = app.calls.ask(caller, convert::people(PeopleCommand::Item(key))).await?;
    Ok(tagged(item))
}

/// Sets one of the caller's items.
///
/// With `If-Match` only if it has that version still; with `If-None-Match: *` only if it is not
/// there.
#[utoipa::path(
    put, path = "/v1/items/{*key}", tag = "items", operation_id = "putItem",
    security(("bearer" = [])),
    params(("key" = String, Path, description = "The key; it may hold slashes",
            example = "draft/u:bob"),
        ("If-Match" = Option<String>, Header, description = "The version it must have"),
        ("If-None-Match" = Option<String>, Header, description = "`*`: it must not be there")),
    request_body(content = NewItem, example = json!({"value": {"text": "On my w"}})),
    responses((status = 200, description = "As it is now", body = Item,
        headers(("ETag" = String, description = "The version")), example = json!(example()))),
    extensions(("x-problems" = json!([problem::VERSION_MISMATCH.slug])))
)]
async fn put(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(key): Segment<ItemKey>,
    headers: HeaderMap,
    Body(new): Body<NewItem>,
) -> Result<Response, Problem> {
    let value = Some(convert::item_value(&new.value)?);
    let expected = expected(&headers)?;
    let command = PeopleCommand::PutItem { key, value, expected };
    let item = app.calls.ask(caller, convert::people(command)).await?;
    Ok(tagged(item))
}

/// Removes one of the caller's items; one that is not there stays so.
#[utoipa::path(
    delete, path = "/v1/items/{*key}", tag = "items", operation_id = "removeItem",
    security(("bearer" = [])),
    params(("key" = String, Path, description = "The key; it may hold slashes",
            example = "draft/u:bob"),
        ("If-Match" = Option<String>, Header, description = "The version it must have")),
    responses((status = 204, description = "Removed")),
    extensions(("x-problems" = json!([problem::VERSION_MISMATCH.slug])))
)]
async fn remove(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(key): Segment<ItemKey>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let expected = expected(&headers)?;
    let command = PeopleCommand::PutItem { key, value: None, expected };
    let _: DomainItem = app.calls.ask(caller, convert::people(command)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The item, with its version as its entity tag (RFC 9110 §8.8.3).
fn tagged(item: DomainItem) -> Response {
    let tag = HeaderValue::from_str(&format!("\"{}\"", item.version));
    let mut response = Json(convert::item(item)).into_response();
    if let Ok(tag) = tag {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// What `If-Match` and `If-None-Match` ask for (RFC 9110 §13.1).
fn expected(headers: &HeaderMap) -> Result<Option<SyncToken>, Problem> {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?").trim());
    match (text(header::IF_MATCH), text(header::IF_NONE_MATCH)) {
        (None, None) => Ok(None),
        (None, Some("*")) => Ok(Some(SyncToken(0))),
        (Some(tag), None) => tag
            .strip_prefix('"')
            .and_then(|tag| tag.strip_suffix('"'))
            .and_then(|tag| tag.parse().ok())
            .map(|version| Some(SyncToken(version)))
            .ok_or_else(|| Problem::new(&problem::INVALID, "If-Match: one ETag, as it was given")),
        _ => Err(Problem::new(&problem::INVALID, "If-Match: an ETag, or If-None-Match: *")),
    }
}

fn example() -> serde_json::Value {
    json!({"key": "draft/u:bob", "value": {"text": "On my w"}, "version": "184467"})
}
