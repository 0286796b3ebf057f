//! Whom the caller blocks.

use anser_domain::{BlockPage, Listing, PeopleCommand, SyncToken, UserName};
use axum::{Json, extract::State};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::friends::Since;
use crate::{
    App,
    answer::Done,
    convert,
    extract::{Bearer, Query, Segment},
    limits::MAX_PAGE,
    problem::{self, Problem},
};

/// The calls of this resource.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(blocks)).routes(routes!(blocked, block, unblock))
}

/// A page of those whom the caller blocks, by their rows' last change.
#[derive(Serialize, ToSchema)]
pub(crate) struct Blocks {
    /// The blocks.
    pub(crate) blocks: Vec<Blocked>,
    /// Everything up to here is in this page or an earlier one: the `since` of a later list.
    pub(crate) token: String,
    /// Whether another page follows.
    pub(crate) more: bool,
    /// The next page's `cursor`; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
}

/// Someone whom the caller blocks.
#[derive(Serialize, ToSchema)]
pub(crate) struct Blocked {
    /// Their name.
    pub(crate) user: String,
    /// Since when, in milliseconds since 1970.
    pub(crate) since: i64,
    /// They are blocked no more; only in lists since a token.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) gone: bool,
    /// The last change of this row.
    pub(crate) version: String,
}

/// Whom the caller blocks. A device that keeps a copy passes the last `token` as `since`.
#[utoipa::path(
    get, path = "/v1/blocks", tag = "friends", operation_id = "blocks",
    security(("bearer" = [])),
    params(Since),
    responses((status = 200, description = "A page", body = Blocks, example = json!({
        "blocks": [{"user": "carol", "since": 1_790_000_000_000_i64, "version": "184467"}],
        "token": "184467", "more": false})))
)]
async fn blocks(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Query(part): Query<Since>,
) -> Result<Json<Blocks>, Problem> {
    let listing = convert::listing(part.since.as_deref(), part.cursor.as_deref(), part.limit)?;
    let page: BlockPage =
        app.calls.ask(caller, convert::people(PeopleCommand::Blocks(listing))).await?;
    Ok(Json(convert::blocks(page)))
}

/// Whether the caller blocks someone: 404 if not.
#[utoipa::path(
    get, path = "/v1/blocks/{user}", tag = "friends", operation_id = "blocked",
    security(("bearer" = [])),
    params(("user" = String, Path, description = "Whom", example = "carol")),
    responses((status = 200, description = "Blocked", body = Blocked, example = json!(
        {"user": "carol", "since": 1_790_000_000_000_i64, "version": "184467"}))),
    extensions(("x-problems" = json!([problem::NO_SUCH.slug])))
)]
async fn blocked(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(user): Segment<UserName>,
) -> Result<Json<Blocked>, Problem> {
    let mut after = SyncToken::default();
    // Nobody blocks more than 5,000, which is 25 pages, and hardly anybody more than one.
    loop {
        let listing = Listing { after, gone: false, limit: MAX_PAGE };
        let command = convert::people(PeopleCommand::Blocks(listing));
        let page: BlockPage = app.calls.ask(caller.clone(), command).await?;
        if let Some(row) = page.blocks.into_iter().find(|row| row.user == user) {
            return Ok(Json(convert::blocked(row)));
        }
        // A page that leads nowhere ends it too.
        if !page.more || page.token <= after {
            return Err(Problem::new(&problem::NO_SUCH, "no such block"));
        }
        after = page.token;
    }
}

/// Blocks someone.
///
/// Neither writes to the other from now on outside groups, a friendship and the requests between
/// the two end, and nothing of theirs reaches the caller.
#[utoipa::path(
    put, path = "/v1/blocks/{user}", tag = "friends", operation_id = "block",
    security(("bearer" = [])),
    params(("user" = String, Path, description = "Whom", example = "carol")),
    responses((status = 204, description = "Blocked")),
    extensions(("x-problems" = json!([problem::NO_SUCH_USER.slug, problem::TOO_LARGE.slug])))
)]
async fn block(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(user): Segment<UserName>,
) -> Result<StatusCode, Problem> {
    let command = PeopleCommand::Block { user, blocked: true };
    let Done = app.calls.ask(caller, convert::people(command)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lets someone be again. The friendship does not come back by itself.
#[utoipa::path(
    delete, path = "/v1/blocks/{user}", tag = "friends", operation_id = "unblock",
    security(("bearer" = [])),
    params(("user" = String, Path, description = "Whom", example = "carol")),
    responses((status = 204, description = "Not blocked")),
    extensions(("x-problems" = json!([problem::NO_SUCH_USER.slug])))
)]
async fn unblock(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(user): Segment<UserName>,
) -> Result<StatusCode, Problem> {
    let command = PeopleCommand::Block { user, blocked: false };
    let Done = app.calls.ask(caller, convert::people(command)).await?;
    Ok(StatusCode::NO_CONTENT)
}
