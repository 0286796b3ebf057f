//! The caller's friends, and who asks to be one.

use anser_domain::{
    Friend as DomainFriend, FriendPage, FriendRequest, PeopleCommand, RequestId, RequestPage,
    UserName,
};
use axum::{Json, extract::State, response::IntoResponse};
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::users::{Presence, location};
use crate::{
    App,
    answer::Done,
    convert,
    extract::{Bearer, Body, Query, Segment},
    problem::{self, Problem},
};

/// The calls of this resource.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(friends))
        .routes(routes!(requests, ask))
        .routes(routes!(withdraw))
        .routes(routes!(accept))
        .routes(routes!(decline))
        .routes(routes!(edit, remove))
}

/// Which part of a list of one's own.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Since {
    /// The `token` of an earlier list: only what changed since, with what has gone.
    pub(crate) since: Option<String>,
    /// The `next` of the page before; absent for the first page.
    pub(crate) cursor: Option<String>,
    /// At most so many; 50 unless said, and never more than 200.
    #[param(minimum = 1, default = 50)]
    pub(crate) limit: Option<u64>,
}

/// A page of the caller's friends, by their rows' last change.
#[derive(Serialize, ToSchema)]
pub(crate) struct Friends {
    /// The friends.
    pub(crate) friends: Vec<Friend>,
    /// Everything up to here is in this page or an earlier one: the `since` of a later list.
    pub(crate) token: String,
    /// Whether another page follows.
    pub(crate) more: bool,
    /// The next page's `cursor`; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
}

/// Someone in the caller's list of friends.
#[derive(Serialize, ToSchema)]
pub(crate) struct Friend {
    /// Their name.
    pub(crate) user: String,
    /// The name that people read; may be empty.
    pub(crate) display_name: String,
    /// What the caller calls them; nobody else sees it.
    pub(crate) remark: String,
    /// Lists that the caller keeps them in; nobody else sees them.
    pub(crate) lists: Vec<String>,
    /// Since when, in milliseconds since 1970.
    pub(crate) since: i64,
    /// Whether they are there; absent when they do not let it be seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) presence: Option<Presence>,
    /// They are a friend no more; only in lists since a token.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) gone: bool,
    /// The last change of this row.
    pub(crate) version: String,
}

/// What the caller wants changed about a friend; what is absent stays.
#[derive(Deserialize, ToSchema)]
pub(crate) struct FriendPatch {
    /// What to call them: at most 256 bytes.
    pub(crate) remark: Option<String>,
    /// Lists to keep them in: at most 16 names of at most 64 bytes.
    pub(crate) lists: Option<Vec<String>>,
}

/// A page of requests, by their last change.
#[derive(Serialize, ToSchema)]
pub(crate) struct Requests {
    /// The requests, from the caller and to them.
    pub(crate) requests: Vec<Request>,
    /// Everything up to here is in this page or an earlier one: the `since` of a later list.
    pub(crate) token: String,
    /// Whether another page follows.
    pub(crate) more: bool,
    /// The next page's `cursor`; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
}

/// Someone's wish to be someone's friend.
#[derive(Serialize, ToSchema)]
#[schema(as = FriendRequest)]
pub(crate) struct Request {
    /// Its key.
    pub(crate) id: String,
    /// Who asks.
    pub(crate) from: String,
    /// Whom.
    pub(crate) to: String,
    /// What they say.
    pub(crate) message: String,
    /// What came of it.
    pub(crate) state: RequestState,
    /// When it was made, in milliseconds since 1970.
    pub(crate) created: i64,
    /// Its last change.
    pub(crate) version: String,
}

/// What came of a friend request.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = FriendRequestState)]
pub(crate) enum RequestState {
    /// It waits for its answer, 30 days at most.
    Pending,
    /// The two are friends by it.
    Accepted,
    /// It was turned down.
    Declined,
    /// Whoever made it took it back, or one of the two blocks the other.
    Withdrawn,
    /// Nobody answered it in time.
    Expired,
}

/// A wish.
#[derive(Deserialize, ToSchema)]
pub(crate) struct NewFriendRequest {
    /// Whom to ask.
    pub(crate) user: String,
    /// What to say: at most 512 bytes.
    #[serde(default)]
    pub(crate) message: String,
}

/// The caller's friends. A device that keeps a copy passes the last `token` as `since`.
#[utoipa::path(
    get, path = "/v1/friends", tag = "friends", operation_id = "friends",
    security(("bearer" = [])),
    params(Since),
    responses((status = 200, description = "A page", body = Friends, example = json!({
        "friends": [example()], "token": "184467", "more": false})))
)]
async fn friends(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Query(part): Query<Since>,
) -> Result<Json<Friends>, Problem> {
    let listing = convert::listing(part.since.as_deref(), part.cursor.as_deref(), part.limit)?;
    let page: FriendPage =
        app.calls.ask(caller, convert::people(PeopleCommand::Friends(listing))).await?;
    Ok(Json(convert::friends(page)))
}

/// Friend requests from and to the caller that wait for an answer.
///
/// Since a token also what came of the others.
#[utoipa::path(
    get, path = "/v1/friends/requests", tag = "friends", operation_id = "friendRequests",
    security(("bearer" = [])),
    params(Since),
    responses((status = 200, description = "A page", body = Requests, example = json!({
        "requests": [request_example()], "token": "184467", "more": false})))
)]
async fn requests(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Query(part): Query<Since>,
) -> Result<Json<Requests>, Problem> {
    let listing = convert::listing(part.since.as_deref(), part.cursor.as_deref(), part.limit)?;
    let page: RequestPage =
        app.calls.ask(caller, convert::people(PeopleCommand::Requests(listing))).await?;
    Ok(Json(convert::requests(page)))
}

/// Asks someone to be a friend.
///
/// When they have asked too, the two are friends at once. Asking again while a request waits
/// answers with that one.
#[utoipa::path(
    post, path = "/v1/friends/requests", tag = "friends", operation_id = "requestFriend",
    security(("bearer" = [])),
    request_body(content = NewFriendRequest, example = json!({"user": "bob", "message": "It is me"})),
    responses((status = 201, description = "Asked", body = Request,
        headers(("Location" = String, description = "The request's own path")),
        example = json!(request_example()))),
    extensions(("x-problems" = json!([problem::NO_SUCH_USER.slug, problem::TOO_LARGE.slug])))
)]
async fn ask(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Body(new): Body<NewFriendRequest>,
) -> Result<impl IntoResponse, Problem> {
    let user = convert::user_name(&new.user)?;
    let command = PeopleCommand::RequestFriend { user, message: new.message.into() };
    let request: FriendRequest = app.calls.ask(caller, convert::people(command)).await?;
    let at = location("/v1/friends/requests/", &request.id.to_string());
    Ok((StatusCode::CREATED, [(header::LOCATION, at)], Json(convert::request(request))))
}

/// Takes back a request of the caller's own.
#[utoipa::path(
    delete, path = "/v1/friends/requests/{id}", tag = "friends", operation_id = "withdrawFriendRequest",
    security(("bearer" = [])),
    params(("id" = String, Path, description = "Which", example = "184467")),
    responses((status = 204, description = "Taken back")),
    extensions(("x-problems" = json!([problem::NO_SUCH.slug])))
)]
async fn withdraw(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(id): Segment<RequestId>,
) -> Result<StatusCode, Problem> {
    let command = convert::people(PeopleCommand::WithdrawRequest(id));
    let _: FriendRequest = app.calls.ask(caller, command).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says yes to a request: the two are friends.
#[utoipa::path(
    post, path = "/v1/friends/requests/{id}/accept", tag = "friends",
    operation_id = "acceptFriendRequest",
    security(("bearer" = [])),
    params(("id" = String, Path, description = "Which", example = "184467")),
    responses((status = 200, description = "Friends", body = Request,
        example = json!(request_example()))),
    extensions(("x-problems" = json!([problem::NO_SUCH.slug, problem::TOO_LARGE.slug])))
)]
async fn accept(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(id): Segment<RequestId>,
) -> Result<Json<Request>, Problem> {
    let command = PeopleCommand::AnswerRequest { id, accept: true };
    let request: FriendRequest = app.calls.ask(caller, convert::people(command)).await?;
    Ok(Json(convert::request(request)))
}

/// Turns a request down.
#[utoipa::path(
    post, path = "/v1/friends/requests/{id}/decline", tag = "friends",
    operation_id = "declineFriendRequest",
    security(("bearer" = [])),
    params(("id" = String, Path, description = "Which", example = "184467")),
    responses((status = 200, description = "Turned down", body = Request,
        example = json!(request_example()))),
    extensions(("x-problems" = json!([problem::NO_SUCH.slug])))
)]
async fn decline(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(id): Segment<RequestId>,
) -> Result<Json<Request>, Problem> {
    let command = PeopleCommand::AnswerRequest { id, accept: false };
    let request: FriendRequest = app.calls.ask(caller, convert::people(command)).await?;
    Ok(Json(convert::request(request)))
}

/// Changes what the caller calls a friend and keeps them in.
#[utoipa::path(
    patch, path = "/v1/friends/{user}", tag = "friends", operation_id = "changeFriend",
    security(("bearer" = [])),
    params(("user" = String, Path, description = "Whom", example = "bob")),
    request_body(content = FriendPatch, example = json!({"remark": "Bobby", "lists": ["work"]})),
    responses((status = 200, description = "As it is now", body = Friend,
        example = json!(example()))),
    extensions(("x-problems" = json!([problem::NO_SUCH.slug, problem::NO_SUCH_USER.slug])))
)]
async fn edit(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(user): Segment<UserName>,
    Body(patch): Body<FriendPatch>,
) -> Result<Json<Friend>, Problem> {
    let command = PeopleCommand::EditFriend {
        user,
        remark: patch.remark.map(Into::into),
        lists: patch.lists.map(|lists| lists.into_iter().map(Into::into).collect()),
    };
    let friend: DomainFriend = app.calls.ask(caller, convert::people(command)).await?;
    Ok(Json(convert::friend(friend)))
}

/// Ends a friendship, for both.
#[utoipa::path(
    delete, path = "/v1/friends/{user}", tag = "friends", operation_id = "removeFriend",
    security(("bearer" = [])),
    params(("user" = String, Path, description = "Whom", example = "bob")),
    responses((status = 204, description = "Ended")),
    extensions(("x-problems" = json!([problem::NO_SUCH.slug, problem::NO_SUCH_USER.slug])))
)]
async fn remove(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(user): Segment<UserName>,
) -> Result<StatusCode, Problem> {
    let Done = app.calls.ask(caller, convert::people(PeopleCommand::RemoveFriend(user))).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn example() -> Value {
    json!({"user": "bob", "display_name": "Bob", "remark": "Bobby", "lists": ["work"],
        "since": 1_790_000_000_000_i64,
        "presence": {"online": true, "last": 1_790_000_000_000_i64}, "version": "184467"})
}

fn request_example() -> Value {
    json!({"id": "184467", "from": "alice", "to": "bob", "message": "It is me",
        "state": "pending", "created": 1_790_000_000_000_i64, "version": "184467"})
}
