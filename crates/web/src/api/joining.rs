//! How people come into groups of their own accord: invitations, and requests.

use anser_domain::{Command, GroupChange, GroupCommand, GroupName, GroupReply, UserName};
use axum::{
    Json,
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    governing::changed,
    groups::Group,
    messages::{Place, Stored, keyed, place},
};
use crate::{
    App,
    answer::{Done, Joined},
    convert,
    extract::{Bearer, Body, Key, PageQuery, Query, Segment, page_size},
    problem::{self, Problem},
};

/// The calls of this resource.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(invited, invite))
        .routes(routes!(uninvite))
        .routes(routes!(invitations))
        .routes(routes!(accept))
        .routes(routes!(decline))
        .routes(routes!(join, withdraw))
        .routes(routes!(requests))
        .routes(routes!(approve))
        .routes(routes!(refuse))
}

/// Users to be invited.
#[derive(Deserialize, ToSchema)]
pub(crate) struct Invitees {
    /// Whom; all or nobody.
    pub(crate) users: Vec<String>,
}

/// Part of those who are invited, or ask to come in.
#[derive(Serialize, ToSchema)]
pub(crate) struct WaitingList {
    /// By name.
    pub(crate) users: Vec<Waiting>,
    /// Whether another page follows.
    pub(crate) more: bool,
    /// The next page's `cursor`; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
}

/// Someone who may become a member.
#[derive(Serialize, ToSchema)]
pub(crate) struct Waiting {
    /// Who.
    pub(crate) user: String,
    /// Who invited them; themselves when they ask.
    pub(crate) by: String,
    /// What they say who ask.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(required = false)]
    pub(crate) message: String,
    /// Since when, in milliseconds since 1970.
    pub(crate) since: i64,
    /// Until when it counts.
    pub(crate) until: i64,
}

/// Part of the caller's invitations.
#[derive(Serialize, ToSchema)]
pub(crate) struct Invitations {
    /// By group.
    pub(crate) invitations: Vec<Invitation>,
    /// Whether another page follows.
    pub(crate) more: bool,
    /// The next page's `cursor`; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
}

/// An invitation.
#[derive(Serialize, ToSchema)]
pub(crate) struct Invitation {
    /// To what.
    pub(crate) group: Group,
    /// Who invited the caller.
    pub(crate) by: String,
    /// When, in milliseconds since 1970.
    pub(crate) since: i64,
    /// Until when it counts.
    pub(crate) until: i64,
}

/// What someone says who asks to come in.
#[derive(Default, Deserialize, ToSchema)]
pub(crate) struct NewRequest {
    /// At most 512 bytes; for those who decide.
    #[serde(default)]
    pub(crate) message: String,
}

/// What came of a wish to come in.
#[derive(Serialize, ToSchema)]
pub(crate) struct JoinOutcome {
    /// `joined`, or `asked`: an admin will decide.
    pub(crate) status: &'static str,
    /// The log entry that says so; absent while an admin has not decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) entry: Option<Place>,
}

/// Whom a group has invited, by name. For those who may invite.
#[utoipa::path(
    get, path = "/v1/groups/{group}/invitations", tag = "groups", operation_id = "invited",
    security(("bearer" = [])),
    params(("group" = String, Path, description = "Its id", example = "geese"), PageQuery),
    responses((status = 200, description = "A page", body = WaitingList, example = json!(
        {"users": [{"user": "dave", "by": "alice", "since": 1_790_000_000_000_i64,
                    "until": 1_791_209_600_000_i64}], "more": false}))),
    extensions(("x-problems" = json!([problem::NOT_MEMBER.slug])))
)]
async fn invited(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(group): Segment<GroupName>,
    Query(page): Query<PageQuery>,
) -> Result<Json<WaitingList>, Problem> {
    let (after, limit) = (convert::groups::user_cursor(&page)?, page_size(page.limit)?);
    let command = GroupCommand::Invited { group, after, limit };
    let reply: GroupReply = app.calls.ask(caller, Command::Groups(Box::new(command))).await?;
    convert::groups::waiting(reply).map(Json)
}

/// Invites users to a group: all or nobody. Members, and those who are invited already, stay as
/// they are. An invitation counts for 14 days.
#[utoipa::path(
    post, path = "/v1/groups/{group}/invitations", tag = "groups", operation_id = "invite",
    security(("bearer" = [])),
    params(("group" = String, Path, description = "Its id", example = "geese")),
    request_body(content = Invitees, example = json!({"users": ["dave", "erin"]})),
    responses((status = 204, description = "Invited")),
    extensions(("x-problems" = json!([problem::NOT_MEMBER.slug, problem::NO_SUCH_USER.slug])))
)]
async fn invite(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(group): Segment<GroupName>,
    Body(new): Body<Invitees>,
) -> Result<StatusCode, Problem> {
    let users = convert::user_names("users", new.users)?;
    done(&app, caller, GroupCommand::Invite { group, users }).await
}

/// Takes an invitation back, whether or not there was one.
#[utoipa::path(
    delete, path = "/v1/groups/{group}/invitations/{user}", tag = "groups",
    operation_id = "uninvite",
    security(("bearer" = [])),
    params(
        ("group" = String, Path, description = "Its id", example = "geese"),
        ("user" = String, Path, description = "Whose", example = "dave"),
    ),
    responses((status = 204, description = "Taken back")),
    extensions(("x-problems" = json!([problem::NOT_MEMBER.slug, problem::NO_SUCH_USER.slug])))
)]
async fn uninvite(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(group): Segment<GroupName>,
    Segment(user): Segment<UserName>,
) -> Result<StatusCode, Problem> {
    done(&app, caller, GroupCommand::Uninvite { group, user }).await
}

/// The caller's invitations, by group.
#[utoipa::path(
    get, path = "/v1/invitations", tag = "groups", operation_id = "invitations",
    security(("bearer" = [])),
    params(PageQuery),
    responses((status = 200, description = "A page", body = Invitations, example = json!(
        {"invitations": [{"group": super::groups::card(), "by": "alice",
                          "since": 1_790_000_000_000_i64, "until": 1_791_209_600_000_i64}],
         "more": false})))
)]
async fn invitations(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Query(page): Query<PageQuery>,
) -> Result<Json<Invitations>, Problem> {
    let (after, limit) = (convert::groups::group_cursor(&page)?, page_size(page.limit)?);
    let command = GroupCommand::Invitations { after, limit };
    let reply: GroupReply = app.calls.ask(caller, Command::Groups(Box::new(command))).await?;
    convert::groups::invitations(reply).map(Json)
}

/// Takes up an invitation.
#[utoipa::path(
    post, path = "/v1/invitations/{group}/accept", tag = "groups",
    operation_id = "acceptInvitation",
    security(("bearer" = [])),
    params(("group" = String, Path, description = "The group's id", example = "geese"), Key),
    responses(Stored),
    extensions(("x-problems" = json!([
        problem::NOT_MEMBER.slug, problem::CONFLICT.slug, problem::STALE_KEY.slug,
        problem::OUT_OF_ORDER.slug])))
)]
async fn accept(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(group): Segment<GroupName>,
    key: Key,
) -> Response {
    changed(&app, caller, group, key, GroupChange::Join).await
}

/// Does not take up an invitation, whether or not there was one.
#[utoipa::path(
    post, path = "/v1/invitations/{group}/decline", tag = "groups",
    operation_id = "declineInvitation",
    security(("bearer" = [])),
    params(("group" = String, Path, description = "The group's id", example = "geese")),
    responses((status = 204, description = "Declined"))
)]
async fn decline(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(group): Segment<GroupName>,
) -> Result<StatusCode, Problem> {
    done(&app, caller, GroupCommand::Decline { group }).await
}

/// Comes into a group, or subscribes to a channel: at once where that is open or the caller is
/// invited; where an admin decides, the caller waits for up to 14 days.
#[utoipa::path(
    post, path = "/v1/groups/{group}/join", tag = "groups", operation_id = "join",
    security(("bearer" = [])),
    params(("group" = String, Path, description = "Its id", example = "geese"), Key),
    request_body(content = NewRequest, example = json!({"message": "I can fly."})),
    responses(
        (status = 201, description = "In it now", body = JoinOutcome,
            example = json!({"status": "joined", "entry": place()})),
        (status = 200, description = "In it since before, under the same key", body = JoinOutcome,
            example = json!({"status": "joined", "entry": place()})),
        (status = 202, description = "An admin will decide", body = JoinOutcome,
            example = json!({"status": "asked"})),
    ),
    extensions(("x-problems" = json!([
        problem::NOT_MEMBER.slug, problem::CONFLICT.slug, problem::STALE_KEY.slug,
        problem::OUT_OF_ORDER.slug])))
)]
async fn join(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(group): Segment<GroupName>,
    key: Key,
    Body(new): Body<NewRequest>,
) -> Response {
    let (client_id, message) = (key.id, new.message.into());
    let command = GroupCommand::Join { group, client_id, message };
    let outcome = app.calls.ask(caller, Command::Groups(Box::new(command))).await;
    keyed(
        key,
        outcome.map(|joined: Joined| match joined {
            Joined::In(sent) => {
                let status = if sent.duplicate { StatusCode::OK } else { StatusCode::CREATED };
                let entry = Some(convert::place(&sent));
                (status, Json(JoinOutcome { status: "joined", entry })).into_response()
            }
            Joined::Asked => {
                let asked = JoinOutcome { status: "asked", entry: None };
                (StatusCode::ACCEPTED, Json(asked)).into_response()
            }
        }),
    )
}

/// No longer asks to come in, whether or not the caller did.
#[utoipa::path(
    delete, path = "/v1/groups/{group}/join", tag = "groups", operation_id = "withdraw",
    security(("bearer" = [])),
    params(("group" = String, Path, description = "Its id", example = "geese")),
    responses((status = 204, description = "Withdrawn"))
)]
async fn withdraw(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(group): Segment<GroupName>,
) -> Result<StatusCode, Problem> {
    done(&app, caller, GroupCommand::Withdraw { group }).await
}

/// Who asks to come in, by name. For admins.
#[utoipa::path(
    get, path = "/v1/groups/{group}/requests", tag = "groups", operation_id = "requests",
    security(("bearer" = [])),
    params(("group" = String, Path, description = "Its id", example = "geese"), PageQuery),
    responses((status = 200, description = "A page", body = WaitingList, example = json!(
        {"users": [{"user": "dave", "by": "dave", "message": "I can fly.",
                    "since": 1_790_000_000_000_i64, "until": 1_791_209_600_000_i64}],
         "more": false}))),
    extensions(("x-problems" = json!([problem::NOT_MEMBER.slug])))
)]
async fn requests(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(group): Segment<GroupName>,
    Query(page): Query<PageQuery>,
) -> Result<Json<WaitingList>, Problem> {
    let (after, limit) = (convert::groups::user_cursor(&page)?, page_size(page.limit)?);
    let command = GroupCommand::Requests { group, after, limit };
    let reply: GroupReply = app.calls.ask(caller, Command::Groups(Box::new(command))).await?;
    convert::groups::waiting(reply).map(Json)
}

/// Lets in someone who asks to come in. For admins.
#[utoipa::path(
    post, path = "/v1/groups/{group}/requests/{user}/accept", tag = "groups",
    operation_id = "acceptJoin",
    security(("bearer" = [])),
    params(
        ("group" = String, Path, description = "Its id", example = "geese"),
        ("user" = String, Path, description = "Who", example = "dave"),
        Key,
    ),
    responses(Stored),
    extensions(("x-problems" = json!([
        problem::NOT_MEMBER.slug, problem::NO_SUCH_USER.slug, problem::CONFLICT.slug,
        problem::STALE_KEY.slug, problem::OUT_OF_ORDER.slug])))
)]
async fn approve(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(group): Segment<GroupName>,
    Segment(user): Segment<UserName>,
    key: Key,
) -> Response {
    changed(&app, caller, group, key, GroupChange::Approve { user }).await
}

/// Does not let in someone who asks, whether or not they do. For admins.
#[utoipa::path(
    post, path = "/v1/groups/{group}/requests/{user}/decline", tag = "groups",
    operation_id = "declineJoin",
    security(("bearer" = [])),
    params(
        ("group" = String, Path, description = "Its id", example = "geese"),
        ("user" = String, Path, description = "Who", example = "dave"),
    ),
    responses((status = 204, description = "Declined")),
    extensions(("x-problems" = json!([problem::NOT_MEMBER.slug, problem::NO_SUCH_USER.slug])))
)]
async fn refuse(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(group): Segment<GroupName>,
    Segment(user): Segment<UserName>,
) -> Result<StatusCode, Problem> {
    done(&app, caller, GroupCommand::Refuse { group, user }).await
}

async fn done(
    app: &App,
    caller: anser_domain::Caller,
    command: GroupCommand,
) -> Result<StatusCode, Problem> {
    let _: Done = app.calls.ask(caller, Command::Groups(Box::new(command))).await?;
    Ok(StatusCode::NO_CONTENT)
}
