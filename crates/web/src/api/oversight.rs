//! What administrators do that weighs more than the rest: taking everything personal off a user,
//! ending a group, reading what others wrote.

use anser_domain::{
    Act, Address, AdminAct, Change, GroupChange, GroupName, HistoryRange, Page, Sent, UserName,
};
use axum::{Json, extract::State, response::Response};
use http::StatusCode;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    admin::act,
    messages::{Messages, Range, Stored, example, keyed},
};
use crate::{
    App,
    answer::Done,
    convert,
    extract::{Bearer, Key, Query, Remote, Segment},
    problem::{self, Problem},
};

/// The calls of this resource.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(anonymise))
        .routes(routes!(dissolve))
        .routes(routes!(read_as))
}

/// What becomes of what a user wrote.
#[derive(Clone, Copy, Default, Deserialize, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Written {
    /// It stays, under a name that says nothing.
    #[default]
    Keep,
    /// It is taken out, as if recalled, and their files with it.
    Scrub,
}

/// How far a user is taken out.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Extent {
    /// What becomes of what they wrote.
    #[serde(default)]
    #[param(inline)]
    messages: Written,
}

/// Takes everything personal off a user, for good: password, profile, devices, items, friends,
/// blocks, notifications. Their links close. What they wrote stays under a name that says nothing,
/// or is scrubbed; their own name is never given again. Scope `users:write`; keys do so to no
/// administrator.
#[utoipa::path(
    post, path = "/v1/admin/users/{user}/anonymise", tag = "admin", operation_id = "adminAnonymise",
    security(("bearer" = [])),
    params(("user" = String, Path, description = "Whom", example = "bob"), Extent),
    responses((status = 204, description = "Done; scrubbing goes on for as long as it takes")),
    extensions(("x-problems" = json!([problem::NO_SUCH_USER.slug])))
)]
async fn anonymise(
    State(app): State<App>,
    Bearer(caller): Bearer,
    remote: Remote,
    Segment(user): Segment<UserName>,
    Query(extent): Query<Extent>,
) -> Result<StatusCode, Problem> {
    let scrub = extent.messages == Written::Scrub;
    let Done = app.calls.ask(caller, act(remote, AdminAct::Anonymise { user, scrub })).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Dissolves a group, in its owner's name. Its history stays for those who were in it. Scope
/// `groups:write`.
#[utoipa::path(
    delete, path = "/v1/admin/groups/{group}", tag = "admin", operation_id = "adminDissolve",
    security(("bearer" = [])),
    params(("group" = String, Path, description = "Its id", example = "geese"), Key),
    responses(Stored),
    extensions(("x-problems" = json!([problem::NOT_MEMBER.slug, problem::CONFLICT.slug,
        problem::STALE_KEY.slug, problem::OUT_OF_ORDER.slug])))
)]
async fn dissolve(
    State(app): State<App>,
    Bearer(caller): Bearer,
    remote: Remote,
    Segment(group): Segment<GroupName>,
    key: Key,
) -> Result<Response, Problem> {
    let (client_id, at) = (key.id, Address::Group(group));
    let change = Change { client_id, at, act: Act::Group(GroupChange::Dissolve) };
    let command = act(remote, AdminAct::ChangeGroup(Box::new(change)));
    let sent: Result<Sent, Problem> = app.calls.ask(caller, command).await;
    Ok(keyed(key, sent.map(|sent| convert::stored(&sent))))
}

/// Reads a conversation's log as one of its users sees it. Every page leaves a line in the record,
/// before it is read. Scope `messages:read`; keys read as no administrator.
#[utoipa::path(
    get, path = "/v1/admin/users/{user}/conversations/{conv}/messages", tag = "admin",
    operation_id = "adminHistory",
    security(("bearer" = [])),
    params(("user" = String, Path, description = "As whom", example = "alice"),
           ("conv" = String, Path, description = "From their side: `u:{user}` or `g:{group}`",
            example = "u:bob"), Range),
    responses((status = 200, description = "A page", body = Messages, example = json!(
        {"messages": [example(2), example(3)], "more": true, "head": 3}))),
    extensions(("x-problems" = json!([problem::NOT_MEMBER.slug, problem::NO_SUCH_USER.slug])))
)]
async fn read_as(
    State(app): State<App>,
    Bearer(caller): Bearer,
    remote: Remote,
    Segment(user): Segment<UserName>,
    Segment(at): Segment<Address>,
    Query(range): Query<Range>,
) -> Result<Json<Messages>, Problem> {
    let range: HistoryRange = convert::range(&range)?;
    let read = AdminAct::ReadAs { user, at, range };
    let page: Page = app.calls.ask(caller, act(remote, read)).await?;
    Ok(Json(convert::page(&page)))
}
