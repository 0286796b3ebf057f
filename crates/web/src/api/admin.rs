//! Administration of users, their sessions and groups: for administrators, and for API keys with
//! the scopes for it.

use anser_domain::{
    Act, Address, AdminAct, AdminCommand, AdminReply, Change, DeviceName, GroupName, GroupRole,
    MemberChange, MemberPage, Millis, Sent, UserName,
};
use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    devices::{Device, Devices},
    groups::Members,
    messages::{Stored, keyed},
    users::{RoleName, location},
};
use crate::{
    App,
    answer::Done,
    convert,
    extract::{Bearer, Body, Key, PageQuery, PasswordsTaken, Query, Remote, Segment, page_size},
    problem::{self, Problem},
};

/// The calls of this resource.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(users, create))
        .routes(routes!(user, change))
        .routes(routes!(set_password))
        .routes(routes!(set_disabled))
        .routes(routes!(ban, unban))
        .routes(routes!(sessions, end_sessions))
        .routes(routes!(end_session))
        .routes(routes!(groups))
        .routes(routes!(members, add_members))
        .routes(routes!(remove_member))
}

/// A command of administration.
pub(crate) fn act(Remote(address): Remote, act: AdminAct) -> anser_domain::Command {
    anser_domain::Command::Admin(Box::new(AdminCommand { address, act }))
}

/// An answer of another kind than was asked for.
pub(crate) fn unexpected() -> Problem {
    Problem::new(&problem::INTERNAL, "the answer was not of the expected kind")
}

/// A page of all users.
#[derive(Serialize, ToSchema)]
pub(crate) struct Users {
    /// By name.
    pub(crate) users: Vec<AdminUser>,
    /// Whether another page follows.
    pub(crate) more: bool,
    /// The next page's `cursor`; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
}

/// A user in an administrator's eyes.
#[derive(Serialize, ToSchema)]
pub(crate) struct AdminUser {
    /// The name that addresses them.
    pub(crate) user: String,
    /// The name that people read.
    pub(crate) display_name: String,
    /// Their standing.
    pub(crate) role: RoleName,
    /// Whether they are shut out.
    pub(crate) disabled: bool,
    /// Why, if a reason was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ban: Option<Ban>,
}

/// Why someone is shut out.
#[derive(Serialize, ToSchema)]
pub(crate) struct Ban {
    /// Why.
    pub(crate) reason: String,
    /// Until when, in milliseconds since 1970; absent: until they are let in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) until: Option<i64>,
    /// Since when, in milliseconds since 1970.
    pub(crate) at: i64,
}

fn example() -> Value {
    json!({"user": "alice", "display_name": "Alice", "role": "user", "disabled": true,
           "ban": {"reason": "spam", "at": 1_790_000_000_000_i64}})
}

/// Which users are wanted.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Find {
    /// How the name begins.
    #[serde(default)]
    query: String,
    /// The `next` of the page before; absent for the first page.
    cursor: Option<String>,
    /// At most so many; 50 unless said, and never more than 200.
    #[param(minimum = 1, default = 50)]
    limit: Option<u64>,
}

/// All users, by name, or those whose names begin so. Scope `users:read`.
#[utoipa::path(
    get, path = "/v1/admin/users", tag = "admin", operation_id = "adminUsers",
    security(("bearer" = [])),
    params(Find),
    responses((status = 200, description = "A page", body = Users, example = json!(
        {"users": [example()], "more": true, "next": "alice"})))
)]
async fn users(
    State(app): State<App>,
    Bearer(caller): Bearer,
    remote: Remote,
    Query(find): Query<Find>,
) -> Result<Json<Users>, Problem> {
    let limit = page_size(find.limit)?;
    let after = find.cursor.as_deref().map(convert::name_cursor).transpose()?;
    let wanted = AdminAct::Users { prefix: find.query.into(), after, limit };
    let AdminReply::Users { users, more } = app.calls.ask(caller, act(remote, wanted)).await?
    else {
        return Err(unexpected());
    };
    let next = users.last().filter(|_| more).map(|last| last.name.to_string());
    let users = users.into_iter().map(convert::admin_user).collect();
    Ok(Json(Users { users, more, next }))
}

/// One user. Scope `users:read`.
#[utoipa::path(
    get, path = "/v1/admin/users/{user}", tag = "admin", operation_id = "adminUser",
    security(("bearer" = [])),
    params(("user" = String, Path, description = "Whom", example = "alice")),
    responses((status = 200, description = "The user", body = AdminUser, example = json!(example()))),
    extensions(("x-problems" = json!([problem::NO_SUCH_USER.slug])))
)]
async fn user(
    State(app): State<App>,
    Bearer(caller): Bearer,
    remote: Remote,
    Segment(user): Segment<UserName>,
) -> Result<Json<AdminUser>, Problem> {
    let reply = app.calls.ask(caller, act(remote, AdminAct::User(user))).await?;
    let AdminReply::User(user) = reply else { return Err(unexpected()) };
    Ok(Json(convert::admin_user(user)))
}

/// A user to be made by an administrator.
#[derive(Deserialize, ToSchema)]
pub(crate) struct AdminNewUser {
    /// Their name: letters and digits of any script and common punctuation, 1 to 64 bytes.
    pub(crate) user: String,
    /// Their first password.
    #[schema(format = Password)]
    pub(crate) password: String,
    /// The name that people read.
    #[serde(default)]
    pub(crate) display_name: String,
    /// Their standing; `user` unless said.
    #[serde(default)]
    pub(crate) role: RoleName,
}

/// Makes a user, or an administrator. Scope `users:write`; keys make no administrators.
#[utoipa::path(
    post, path = "/v1/admin/users", tag = "admin", operation_id = "adminCreateUser",
    security(("bearer" = [])),
    request_body(content = AdminNewUser, example = json!(
        {"user": "alice", "password": "correct horse battery staple", "display_name": "Alice",
         "role": "user"})),
    responses((status = 201, description = "Made", body = AdminUser,
        headers(("Location" = String, description = "The user's own path")),
        example = json!({"user": "alice", "display_name": "Alice", "role": "user",
                         "disabled": false}))),
    extensions(("x-problems" = json!([problem::NAME_TAKEN.slug, problem::INSECURE.slug])))
)]
async fn create(
    State(app): State<App>,
    Bearer(caller): Bearer,
    _: PasswordsTaken,
    remote: Remote,
    Body(new): Body<AdminNewUser>,
) -> Result<Response, Problem> {
    let role = convert::role(new.role);
    let new = convert::new_user(new.user, new.password, new.display_name, role)?;
    let command = act(remote, AdminAct::CreateUser(Box::new(new)));
    let AdminReply::User(user) = app.calls.ask(caller, command).await? else {
        return Err(unexpected());
    };
    let place = [(http::header::LOCATION, location("/v1/users/", user.name.as_str()))];
    Ok((StatusCode::CREATED, place, Json(convert::admin_user(user))).into_response())
}

/// What of a user changes; what is absent stays.
#[derive(Deserialize, ToSchema)]
pub(crate) struct AdminUserChange {
    /// The name that people read.
    display_name: Option<String>,
    /// Their standing. Only administrators set it.
    role: Option<RoleName>,
}

/// Changes a user. Scope `users:write`.
#[utoipa::path(
    patch, path = "/v1/admin/users/{user}", tag = "admin", operation_id = "adminChangeUser",
    security(("bearer" = [])),
    params(("user" = String, Path, description = "Whom", example = "bob")),
    request_body(content = AdminUserChange, example = json!({"display_name": "Bob"})),
    responses((status = 204, description = "Changed")),
    extensions(("x-problems" = json!([problem::NO_SUCH_USER.slug])))
)]
async fn change(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Remote(from): Remote,
    Segment(user): Segment<UserName>,
    Body(wish): Body<AdminUserChange>,
) -> Result<StatusCode, Problem> {
    if wish.display_name.is_none() && wish.role.is_none() {
        // Nothing changes, and that is not told to everyone either.
        let seen: Result<AdminReply, Problem> =
            app.calls.ask(caller, act(Remote(from), AdminAct::User(user))).await;
        return seen.map(|_| StatusCode::NO_CONTENT);
    }
    if let Some(name) = wish.display_name {
        let named = AdminAct::SetDisplayName { user: user.clone(), name: name.into() };
        let Done = app.calls.ask(caller.clone(), act(Remote(from), named)).await?;
    }
    if let Some(role) = wish.role {
        let set = AdminAct::SetRole { user, role: convert::role(role) };
        let Done = app.calls.ask(caller, act(Remote(from), set)).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// A password to be set.
#[derive(Deserialize, ToSchema)]
pub(crate) struct NewPassword {
    /// The next one.
    #[schema(format = Password)]
    pub(crate) password: String,
}

/// Sets a user's password. All their sessions end. Scope `users:write`.
#[utoipa::path(
    put, path = "/v1/admin/users/{user}/password", tag = "admin", operation_id = "adminSetPassword",
    security(("bearer" = [])),
    params(("user" = String, Path, description = "Whose", example = "bob")),
    request_body(content = NewPassword, example = json!({"password": "wild geese fly south"})),
    responses((status = 204, description = "Set")),
    extensions(("x-problems" = json!([problem::NO_SUCH_USER.slug, problem::INSECURE.slug])))
)]
async fn set_password(
    State(app): State<App>,
    Bearer(caller): Bearer,
    _: PasswordsTaken,
    remote: Remote,
    Segment(user): Segment<UserName>,
    Body(new): Body<NewPassword>,
) -> Result<StatusCode, Problem> {
    let set = AdminAct::SetPassword { user, password: convert::secret(new.password)? };
    let Done = app.calls.ask(caller, act(remote, set)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whether a user is shut out.
#[derive(Deserialize, ToSchema)]
pub(crate) struct SetDisabled {
    /// `true` ends all their sessions.
    pub(crate) disabled: bool,
}

/// Shuts a user out, or lets them in again. Scope `users:write`.
#[utoipa::path(
    put, path = "/v1/admin/users/{user}/disabled", tag = "admin", operation_id = "adminSetDisabled",
    security(("bearer" = [])),
    params(("user" = String, Path, description = "Whom", example = "bob")),
    request_body(content = SetDisabled, example = json!({"disabled": true})),
    responses((status = 204, description = "Done")),
    extensions(("x-problems" = json!([problem::NO_SUCH_USER.slug])))
)]
async fn set_disabled(
    State(app): State<App>,
    Bearer(caller): Bearer,
    remote: Remote,
    Segment(user): Segment<UserName>,
    Body(SetDisabled { disabled }): Body<SetDisabled>,
) -> Result<StatusCode, Problem> {
    let set = match disabled {
        true => AdminAct::Ban { user, reason: "".into(), until: None },
        false => AdminAct::Unban(user),
    };
    let Done = app.calls.ask(caller, act(remote, set)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A ban.
#[derive(Deserialize, ToSchema)]
pub(crate) struct NewBan {
    /// Why, for administrators; at most 500 bytes.
    #[serde(default)]
    reason: String,
    /// Until when, in milliseconds since 1970; absent: until they are let in.
    until: Option<i64>,
}

/// Shuts a user out for a reason, for a time or for good. All their sessions end. Scope
/// `users:write`.
#[utoipa::path(
    put, path = "/v1/admin/users/{user}/ban", tag = "admin", operation_id = "adminBan",
    security(("bearer" = [])),
    params(("user" = String, Path, description = "Whom", example = "bob")),
    request_body(content = NewBan, example = json!({"reason": "spam", "until": 1_790_086_400_000_i64})),
    responses((status = 204, description = "Done")),
    extensions(("x-problems" = json!([problem::NO_SUCH_USER.slug])))
)]
async fn ban(
    State(app): State<App>,
    Bearer(caller): Bearer,
    remote: Remote,
    Segment(user): Segment<UserName>,
    Body(NewBan { reason, until }): Body<NewBan>,
) -> Result<StatusCode, Problem> {
    let ban = AdminAct::Ban { user, reason: reason.into(), until: until.map(Millis) };
    let Done = app.calls.ask(caller, act(remote, ban)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lets a user in again. Scope `users:write`.
#[utoipa::path(
    delete, path = "/v1/admin/users/{user}/ban", tag = "admin", operation_id = "adminUnban",
    security(("bearer" = [])),
    params(("user" = String, Path, description = "Whom", example = "bob")),
    responses((status = 204, description = "Done")),
    extensions(("x-problems" = json!([problem::NO_SUCH_USER.slug])))
)]
async fn unban(
    State(app): State<App>,
    Bearer(caller): Bearer,
    remote: Remote,
    Segment(user): Segment<UserName>,
) -> Result<StatusCode, Problem> {
    let Done = app.calls.ask(caller, act(remote, AdminAct::Unban(user))).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Where a user is signed in. Scope `users:read`.
#[utoipa::path(
    get, path = "/v1/admin/users/{user}/sessions", tag = "admin", operation_id = "adminSessions",
    security(("bearer" = [])),
    params(("user" = String, Path, description = "Whose", example = "bob")),
    responses((status = 200, description = "Their devices", body = Devices, example = json!(
        {"devices": [{"device": "laptop", "created": 1_790_000_000_000_i64,
                      "seen": 1_790_000_360_000_i64, "online": true}]}))),
    extensions(("x-problems" = json!([problem::NO_SUCH_USER.slug])))
)]
async fn sessions(
    State(app): State<App>,
    Bearer(caller): Bearer,
    remote: Remote,
    Segment(user): Segment<UserName>,
) -> Result<Json<Devices>, Problem> {
    let devices: Vec<anser_domain::DeviceRecord> =
        app.calls.ask(caller, act(remote, AdminAct::Devices(user))).await?;
    let devices: Vec<Device> = devices.into_iter().map(convert::device).collect();
    Ok(Json(Devices { devices }))
}

/// Ends all of a user's sessions; their links close within 5 seconds. Scope `users:write`.
#[utoipa::path(
    delete, path = "/v1/admin/users/{user}/sessions", tag = "admin",
    operation_id = "adminEndSessions",
    security(("bearer" = [])),
    params(("user" = String, Path, description = "Whose", example = "bob")),
    responses((status = 204, description = "Ended")),
    extensions(("x-problems" = json!([problem::NO_SUCH_USER.slug])))
)]
async fn end_sessions(
    State(app): State<App>,
    Bearer(caller): Bearer,
    remote: Remote,
    Segment(user): Segment<UserName>,
) -> Result<StatusCode, Problem> {
    let end = AdminAct::EndSessions { user, device: None };
    let Done = app.calls.ask(caller, act(remote, end)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends one session of a user; its link closes within 5 seconds. Scope `users:write`.
#[utoipa::path(
    delete, path = "/v1/admin/users/{user}/sessions/{device}", tag = "admin",
    operation_id = "adminEndSession",
    security(("bearer" = [])),
    params(("user" = String, Path, description = "Whose", example = "bob"),
           ("device" = String, Path, description = "Which device", example = "laptop")),
    responses((status = 204, description = "Ended")),
    extensions(("x-problems" = json!([problem::NO_SUCH_USER.slug])))
)]
async fn end_session(
    State(app): State<App>,
    Bearer(caller): Bearer,
    remote: Remote,
    Segment(user): Segment<UserName>,
    Segment(device): Segment<DeviceName>,
) -> Result<StatusCode, Problem> {
    let end = AdminAct::EndSessions { user, device: Some(device) };
    let Done = app.calls.ask(caller, act(remote, end)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A page of all groups.
#[derive(Serialize, ToSchema)]
pub(crate) struct AdminGroups {
    /// By id.
    groups: Vec<AdminGroup>,
    /// Whether another page follows.
    more: bool,
    /// The next page's `cursor`; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A group in an administrator's eyes.
#[derive(Serialize, ToSchema)]
pub(crate) struct AdminGroup {
    /// The name that addresses it.
    pub(crate) id: String,
    /// The name that people read.
    pub(crate) title: String,
    /// Whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) owner: Option<String>,
    /// How many members it has.
    pub(crate) members: u64,
    /// When it was made, in milliseconds since 1970.
    pub(crate) created: i64,
}

/// All groups, by id. Scope `groups:read`.
#[utoipa::path(
    get, path = "/v1/admin/groups", tag = "admin", operation_id = "adminGroups",
    security(("bearer" = [])),
    params(PageQuery),
    responses((status = 200, description = "A page", body = AdminGroups, example = json!(
        {"groups": [{"id": "geese", "title": "Wild geese", "owner": "alice", "members": 3,
                     "created": 1_790_000_000_000_i64}], "more": false})))
)]
async fn groups(
    State(app): State<App>,
    Bearer(caller): Bearer,
    remote: Remote,
    Query(page): Query<PageQuery>,
) -> Result<Json<AdminGroups>, Problem> {
    let limit = page_size(page.limit)?;
    let after = page.cursor.as_deref().map(convert::group_cursor).transpose()?;
    let wanted = AdminAct::Groups { after, limit };
    let reply = app.calls.ask(caller, act(remote, wanted)).await?;
    let AdminReply::Groups { groups, more } = reply else { return Err(unexpected()) };
    let next = groups.last().filter(|_| more).map(|last| last.name.to_string());
    let groups = groups.into_iter().map(convert::admin_group).collect();
    Ok(Json(AdminGroups { groups, more, next }))
}

/// A group's members, by name. Scope `groups:read`.
#[utoipa::path(
    get, path = "/v1/admin/groups/{group}/members", tag = "admin", operation_id = "adminMembers",
    security(("bearer" = [])),
    params(("group" = String, Path, description = "Its id", example = "geese"), PageQuery),
    responses((status = 200, description = "A page", body = Members, example = json!(
        {"members": [{"user": "alice", "role": "owner"}], "more": false}))),
    extensions(("x-problems" = json!([problem::NOT_MEMBER.slug])))
)]
async fn members(
    State(app): State<App>,
    Bearer(caller): Bearer,
    remote: Remote,
    Segment(group): Segment<GroupName>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Members>, Problem> {
    let limit = page_size(page.limit)?;
    let after = page.cursor.as_deref().map(convert::name_cursor).transpose()?;
    let wanted = AdminAct::Members { group, after, limit };
    let page: MemberPage = app.calls.ask(caller, act(remote, wanted)).await?;
    Ok(Json(convert::members(page)))
}

/// Members to be let in, or whose standing is set.
#[derive(Deserialize, ToSchema)]
pub(crate) struct AdminMembers {
    /// Who.
    users: Vec<String>,
    /// As what; `owner` hands the group over to one user.
    #[serde(default)]
    role: super::groups::GroupRole,
}

/// Lets users into a group or sets their standing, in its owner's name. Scope `groups:write`.
#[utoipa::path(
    post, path = "/v1/admin/groups/{group}/members", tag = "admin",
    operation_id = "adminAddMembers",
    security(("bearer" = [])),
    params(("group" = String, Path, description = "Its id", example = "geese"), Key),
    request_body(content = AdminMembers, example = json!({"users": ["bob"], "role": "member"})),
    responses(Stored),
    extensions(("x-problems" = json!([problem::NOT_MEMBER.slug, problem::NO_SUCH_USER.slug,
        problem::CONFLICT.slug, problem::STALE_KEY.slug, problem::OUT_OF_ORDER.slug])))
)]
async fn add_members(
    State(app): State<App>,
    Bearer(caller): Bearer,
    remote: Remote,
    Segment(group): Segment<GroupName>,
    key: Key,
    Body(wish): Body<AdminMembers>,
) -> Result<Response, Problem> {
    let users = convert::user_names("users", wish.users)?;
    let role: GroupRole = convert::group_role(wish.role);
    let put = MemberChange::Put { users, role };
    change_group(&app, caller, remote, group, key, put).await
}

/// Takes a member out of a group, in its owner's name. Scope `groups:write`.
#[utoipa::path(
    delete, path = "/v1/admin/groups/{group}/members/{user}", tag = "admin",
    operation_id = "adminRemoveMember",
    security(("bearer" = [])),
    params(("group" = String, Path, description = "Its id", example = "geese"),
           ("user" = String, Path, description = "Whom", example = "bob"), Key),
    responses(Stored),
    extensions(("x-problems" = json!([problem::NOT_MEMBER.slug, problem::CONFLICT.slug,
        problem::STALE_KEY.slug, problem::OUT_OF_ORDER.slug])))
)]
async fn remove_member(
    State(app): State<App>,
    Bearer(caller): Bearer,
    remote: Remote,
    Segment(group): Segment<GroupName>,
    Segment(user): Segment<UserName>,
    key: Key,
) -> Result<Response, Problem> {
    let out = MemberChange::Remove { users: vec![user] };
    change_group(&app, caller, remote, group, key, out).await
}

async fn change_group(
    app: &App,
    caller: anser_domain::Caller,
    remote: Remote,
    group: GroupName,
    key: Key,
    change: MemberChange,
) -> Result<Response, Problem> {
    let (client_id, at) = (key.id, Address::Group(group));
    let change = Change { client_id, at, act: Act::Members(change) };
    let command = act(remote, AdminAct::ChangeGroup(Box::new(change)));
    let sent: Result<Sent, Problem> = app.calls.ask(caller, command).await;
    Ok(keyed(key, sent.map(|sent| convert::stored(&sent))))
}
