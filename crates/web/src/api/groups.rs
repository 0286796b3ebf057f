//! Groups and their members.

use anser_domain::{
    Act, Command, Group as DomainGroup, GroupChange, GroupCommand, GroupName, GroupReply,
    GroupRole as Role, MemberChange, MemberPage, Sent, UserName,
};
use axum::{Json, extract::State, response::Response};
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    governing::{self, PolicyParts},
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
        .routes(routes!(groups, create))
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
    /// What it is for.
    #[serde(default)]
    pub(crate) kind: KindName,
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

/// What a group is for.
#[derive(Clone, Copy, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = GroupKind)]
pub(crate) enum KindName {
    /// Many write, and see one another.
    #[default]
    Group,
    /// Few write and many read; who subscribes is shown to admins only.
    Channel,
}

/// What the caller may see of a group.
#[derive(Serialize, ToSchema)]
pub(crate) struct Group {
    /// The name that addresses it.
    pub(crate) id: String,
    /// Its address as a conversation: `g:{id}`.
    pub(crate) conv: String,
    /// What it is for.
    pub(crate) kind: KindName,
    /// The name that people read; may be empty.
    pub(crate) title: String,
    /// What it is about; may be empty.
    pub(crate) description: String,
    /// Its picture; may be empty.
    pub(crate) avatar: String,
    /// What everybody should know now; may be empty, and is for members only.
    pub(crate) announcement: String,
    /// How many members it has.
    pub(crate) members: u32,
    /// When it was made, in milliseconds since 1970.
    pub(crate) created: i64,
    /// Who may do what.
    pub(crate) policy: PolicyParts,
    /// The caller's own standing; absent if they are not in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) role: Option<GroupRole>,
    /// The caller may not write before this time, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) muted_until: Option<i64>,
}

/// A page of the caller's groups.
#[derive(Serialize, ToSchema)]
pub(crate) struct Groups {
    /// By name.
    pub(crate) groups: Vec<Group>,
    /// Whether another page follows.
    pub(crate) more: bool,
    /// The next page's `cursor`; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
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
    /// They may not write before this time, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) muted_until: Option<i64>,
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

/// The groups and channels that the caller is in, by name.
#[utoipa::path(
    get, path = "/v1/groups", tag = "groups", operation_id = "groups",
    security(("bearer" = [])),
    params(PageQuery),
    responses((status = 200, description = "A page", body = Groups, example = json!(
        {"groups": [card()], "more": false})))
)]
async fn groups(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Query(page): Query<PageQuery>,
) -> Result<Json<Groups>, Problem> {
    let (after, limit) = (convert::groups::group_cursor(&page)?, page_size(page.limit)?);
    let command = Command::Groups(Box::new(GroupCommand::Mine { after, limit }));
    let reply: GroupReply = app.calls.ask(caller, command).await?;
    convert::groups::groups(reply).map(Json)
}

/// What the caller may see of a group: members all of it, strangers what is not hidden.
#[utoipa::path(
    get, path = "/v1/groups/{group}", tag = "groups", operation_id = "group",
    security(("bearer" = [])),
    params(("group" = String, Path, description = "Its id", example = "geese")),
    responses((status = 200, description = "The group", body = Group, example = json!(card()))),
    extensions(("x-problems" = json!([problem::NOT_MEMBER.slug])))
)]
async fn group(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(name): Segment<GroupName>,
) -> Result<Json<Group>, Problem> {
    let group: DomainGroup = app.calls.ask(caller, Command::Group(name)).await?;
    Ok(Json(convert::groups::group(group)))
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
) -> Response {
    governing::changed(&app, caller, group, key, GroupChange::Leave).await
}

async fn changed(
    app: &App,
    caller: anser_domain::Caller,
    group: GroupName,
    key: Key,
    change: MemberChange,
) -> Response {
    governing::acted(app, caller, group, key, Act::Members(change)).await
}

/// A group as examples show it.
pub(super) fn card() -> Value {
    json!({"id": "geese", "conv": "g:geese", "kind": "group", "title": "The wild geese",
           "description": "For those who fly", "avatar": "https://example.org/geese.png",
           "announcement": "We leave at dawn.", "members": 3, "created": 1_790_000_000_000_i64,
           "policy": {"join": "approval", "invite": "admins", "post": "members", "pin": "admins",
                      "edit": "admins", "hidden": false},
           "role": "owner"})
}

fn made() -> Value {
    json!({"id": "geese", "conv": "g:geese", "entry": place()})
}
