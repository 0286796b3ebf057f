//! Groups and their members.

use anser_domain::{
    Act, Address, Change, Command, Group as DomainGroup, GroupName, GroupRole as Role,
    MemberChange, MemberPage, Profile, Sent, UserName,
};
use axum::{Json, extract::State, response::Response};
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    messages::{Place, Stored, keyed, place},
    users::location,
};
use crate::{
    App, convert,
    extract::{Bearer, Body, Key, PageQuery, Query, Segment, page_size},
    problem::{self, Problem},
};

/// The calls of this resource.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create))
        .routes(routes!(group))
        .routes(routes!(members, add))
        .routes(routes!(remove))
        .routes(routes!(set_role))
        .routes(routes!(leave))
}

/// A group to be made.
#[derive(Deserialize, ToSchema)]
pub(crate) struct NewGroup {
    /// The name that will address it, `g:{id}`, under the rules for users' names.
    pub(crate) id: String,
    /// The name that people read.
    #[serde(default)]
    pub(crate) title: String,
    /// First members beside the caller, who becomes the owner.
    #[serde(default)]
    pub(crate) members: Vec<String>,
}

/// A group that was made.
#[derive(Serialize, ToSchema)]
pub(crate) struct NewGroupMade {
    /// The name that addresses it.
    pub(crate) id: String,
    /// Its address as a conversation: `g:{id}`.
    pub(crate) conv: String,
    /// The first entry of its log, which says so.
    pub(crate) entry: Place,
}

/// A group as its members see it.
#[derive(Serialize, ToSchema)]
pub(crate) struct Group {
    /// The name that addresses it.
    pub(crate) id: String,
    /// Its address as a conversation: `g:{id}`.
    pub(crate) conv: String,
    /// The name that people read; may be empty.
    pub(crate) title: String,
    /// How many members it has.
    pub(crate) members: u32,
    /// When it was made, in milliseconds since 1970.
    pub(crate) created: i64,
    /// The caller's own standing.
    pub(crate) role: GroupRole,
}

/// A standing in a group; each may do more than the one before.
#[derive(Clone, Copy, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum GroupRole {
    /// Reads and writes.
    #[default]
    Member,
    /// Adds and removes members too.
    Admin,
    /// Everything; exactly one per group.
    Owner,
}

/// A page of a group's members.
#[derive(Serialize, ToSchema)]
pub(crate) struct Members {
    /// By name.
    pub(crate) members: Vec<Member>,
    /// Whether another page follows.
    pub(crate) more: bool,
    /// The next page's `cursor`; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
}

/// A member of a group.
#[derive(Serialize, ToSchema)]
pub(crate) struct Member {
    /// Their name.
    pub(crate) user: String,
    /// Their standing.
    pub(crate) role: GroupRole,
}

/// Makes a group, with the caller as its owner.
#[utoipa::path(
    post, path = "/v1/groups", tag = "groups", operation_id = "createGroup",
    security(("bearer" = [])),
    params(Key),
    request_body(content = NewGroup, example = json!(
        {"id": "geese", "title": "The wild geese", "members": ["bob", "carol"]})),
    responses(
        (status = 201, description = "Made", body = NewGroupMade,
            headers(("Location" = String, description = "The group's own path")),
            example = json!(made())),
        (status = 200, description = "Made before, under the same key", body = NewGroupMade,
            example = json!(made())),
    ),
    extensions(("x-problems" = json!([
        problem::NO_SUCH_USER.slug, problem::NAME_TAKEN.slug, problem::CONFLICT.slug,
        problem::STALE_KEY.slug])))
)]
async fn create(
    State(app): State<App>,
    Bearer(caller): Bearer,
    key: Key,
    Body(new): Body<NewGroup>,
) -> Result<Response, Problem> {
    let new = convert::new_group(key.id, new)?;
    let name = new.name.clone();
    let sent = app.calls.ask(caller, Command::CreateGroup(Box::new(new))).await;
    Ok(keyed(
        key,
        sent.map(|sent: Sent| {
            let status = if sent.duplicate { StatusCode::OK } else { StatusCode::CREATED };
            let at = [(header::LOCATION, location("/v1/groups/", name.as_str()))];
            (status, at, Json(convert::new_group_made(&name, &sent)))
        }),
    ))
}

/// What the caller may see of a group.
#[utoipa::path(
    get, path = "/v1/groups/{group}", tag = "groups", operation_id = "group",
    security(("bearer" = [])),
    params(("group" = String, Path, description = "Its id", example = "geese")),
    responses((status = 200, description = "The group", body = Group, example = json!(
        {"id": "geese", "conv": "g:geese", "title": "The wild geese", "members": 3,
         "created": 1_790_000_000_000_i64, "role": "owner"}))),
    extensions(("x-problems" = json!([problem::NOT_MEMBER.slug])))
)]
async fn group(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(name): Segment<GroupName>,
) -> Result<Json<Group>, Problem> {
    let group: DomainGroup = app.calls.ask(caller, Command::Group(name)).await?;
    Ok(Json(convert::group(group)))
}

/// A group's members, by name.
#[utoipa::path(
    get, path = "/v1/groups/{group}/members", tag = "groups", operation_id = "members",
    security(("bearer" = [])),
    params(("group" = String, Path, description = "Its id", example = "geese"), PageQuery),
    responses((status = 200, description = "A page", body = Members, example = json!(
        {"members": [{"user": "alice", "role": "owner"}, {"user": "bob", "role": "member"}],
         "more": true, "next": "bob"}))),
    extensions(("x-problems" = json!([problem::NOT_MEMBER.slug])))
)]
async fn members(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(group): Segment<GroupName>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Members>, Problem> {
    let command = Command::Members {
        group,
        after: page.cursor.as_deref().map(convert::name_cursor).transpose()?,
        limit: page_size(page.limit)?,
    };
    let page: MemberPage = app.calls.ask(caller, command).await?;
    Ok(Json(convert::members(page)))
}

/// Users to be taken in.
#[derive(Deserialize, ToSchema)]
pub(crate) struct NewMembers {
    /// Who; all of them or nobody.
    pub(crate) users: Vec<String>,
    /// As what; `member` unless said.
    #[serde(default)]
    pub(crate) role: GroupRole,
}

/// Takes users into a group. Those who are in it already get the standing that is named.
#[utoipa::path(
    post, path = "/v1/groups/{group}/members", tag = "groups", operation_id = "addMembers",
    security(("bearer" = [])),
    params(
        ("group" = String, Path, description = "Its id", example = "geese"),
        Key,
    ),
    request_body(content = NewMembers, example = json!(
        {"users": ["dave", "erin"], "role": "member"})),
    responses(Stored),
    extensions(("x-problems" = json!([
        problem::NOT_MEMBER.slug, problem::NO_SUCH_USER.slug, problem::CONFLICT.slug,
        problem::STALE_KEY.slug, problem::OUT_OF_ORDER.slug])))
)]
async fn add(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(group): Segment<GroupName>,
    key: Key,
    Body(new): Body<NewMembers>,
) -> Result<Response, Problem> {
    let users = convert::user_names("users", new.users)?;
    let change = MemberChange::Put { users, role: convert::group_role(new.role) };
    Ok(changed(&app, caller, group, key, change).await)
}

/// Takes a user out of a group. They see what was said while they were in it, and no more.
#[utoipa::path(
    delete, path = "/v1/groups/{group}/members/{user}", tag = "groups",
    operation_id = "removeMember",
    security(("bearer" = [])),
    params(
        ("group" = String, Path, description = "Its id", example = "geese"),
        ("user" = String, Path, description = "Who", example = "bob"),
        Key,
    ),
    responses(Stored),
    extensions(("x-problems" = json!([
        problem::NOT_MEMBER.slug, problem::NO_SUCH_USER.slug, problem::CONFLICT.slug,
        problem::STALE_KEY.slug, problem::OUT_OF_ORDER.slug])))
)]
async fn remove(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(group): Segment<GroupName>,
    Segment(user): Segment<UserName>,
    key: Key,
) -> Result<Response, Problem> {
    let change = MemberChange::Remove { users: vec![user] };
    Ok(changed(&app, caller, group, key, change).await)
}

/// A standing to be given.
#[derive(Deserialize, ToSchema)]
pub(crate) struct NewRole {
    /// Which; `owner` hands the group over.
    pub(crate) role: GroupRole,
}

/// Gives a user a standing in a group; who is not in it comes in.
#[utoipa::path(
    put, path = "/v1/groups/{group}/members/{user}/role", tag = "groups", operation_id = "setRole",
    security(("bearer" = [])),
    params(
        ("group" = String, Path, description = "Its id", example = "geese"),
        ("user" = String, Path, description = "Who", example = "bob"),
        Key,
    ),
    request_body(content = NewRole, example = json!({"role": "admin"})),
    responses(Stored),
    extensions(("x-problems" = json!([
        problem::NOT_MEMBER.slug, problem::NO_SUCH_USER.slug, problem::CONFLICT.slug,
        problem::STALE_KEY.slug, problem::OUT_OF_ORDER.slug])))
)]
async fn set_role(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(group): Segment<GroupName>,
    Segment(user): Segment<UserName>,
    key: Key,
    Body(new): Body<NewRole>,
) -> Result<Response, Problem> {
    let role: Role = convert::group_role(new.role);
    Ok(changed(&app, caller, group, key, MemberChange::Put { users: vec![user], role }).await)
}

/// Takes the caller out of a group.
#[utoipa::path(
    post, path = "/v1/groups/{group}/leave", tag = "groups", operation_id = "leave",
    security(("bearer" = [])),
    params(
        ("group" = String, Path, description = "Its id", example = "geese"),
        Key,
    ),
    responses(Stored),
    extensions(("x-problems" = json!([
        problem::NOT_MEMBER.slug, problem::CONFLICT.slug, problem::STALE_KEY.slug,
        problem::OUT_OF_ORDER.slug])))
)]
async fn leave(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(group): Segment<GroupName>,
    key: Key,
) -> Result<Response, Problem> {
    // Leaving is removing oneself, and only the SM knows whose token it is.
    let me: Profile = app.calls.ask(caller.clone(), Command::Me).await?;
    let change = MemberChange::Remove { users: vec![me.name] };
    Ok(changed(&app, caller, group, key, change).await)
}

async fn changed(
    app: &App,
    caller: anser_domain::Caller,
    group: GroupName,
    key: Key,
    change: MemberChange,
) -> Response {
    let (at, act) = (Address::Group(group), Act::Members(change));
    let change = Change { client_id: key.id, at, act };
    let sent = app.calls.ask(caller, Command::Change(Box::new(change))).await;
    keyed(key, sent.map(|sent: Sent| convert::stored(&sent)))
}

fn made() -> Value {
    json!({"id": "geese", "conv": "g:geese", "entry": place()})
}
