//! Administration: every call needs an administrator's token.

use anser_domain::{Command, Profile, UserName};
use axum::{Json, extract::State, response::IntoResponse};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::users::{RoleName, User, created, example};
use crate::{
    App,
    answer::Done,
    convert,
    extract::{Bearer, Body, PageQuery, PasswordsTaken, Query, Segment, page_size},
    problem::{self, Problem},
};

/// The calls of this resource.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(users, create))
        .routes(routes!(set_password))
        .routes(routes!(set_disabled))
}

/// A page of all users.
#[derive(Serialize, ToSchema)]
pub(crate) struct Users {
    /// By name.
    pub(crate) users: Vec<User>,
    /// Whether another page follows.
    pub(crate) more: bool,
    /// The next page's `cursor`; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
}

/// All users, by name.
#[utoipa::path(
    get, path = "/v1/admin/users", tag = "admin", operation_id = "adminUsers",
    security(("bearer" = [])),
    params(PageQuery),
    responses((status = 200, description = "A page", body = Users, example = json!(
        {"users": [example()], "more": true, "next": "alice"})))
)]
async fn users(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Query(page): Query<PageQuery>,
) -> Result<Json<Users>, Problem> {
    let limit = page_size(page.limit)?;
    let after = page.cursor.as_deref().map(convert::name_cursor).transpose()?;
    let users: Vec<Profile> = app.calls.ask(caller, Command::Users { after, limit }).await?;
    Ok(Json(convert::users(users, limit)))
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

/// Makes a user, or an administrator.
#[utoipa::path(
    post, path = "/v1/admin/users", tag = "admin", operation_id = "adminCreateUser",
    security(("bearer" = [])),
    request_body(content = AdminNewUser, example = json!(
        {"user": "alice", "password": "correct horse battery staple", "display_name": "Alice",
         "role": "user"})),
    responses((status = 201, description = "Made", body = User,
        headers(("Location" = String, description = "The user's own path")),
        example = json!(example()))),
    extensions(("x-problems" = json!([problem::NAME_TAKEN.slug, problem::INSECURE.slug])))
)]
async fn create(
    State(app): State<App>,
    Bearer(caller): Bearer,
    _: PasswordsTaken,
    Body(new): Body<AdminNewUser>,
) -> Result<impl IntoResponse, Problem> {
    let role = convert::role(new.role);
    let new = convert::new_user(new.user, new.password, new.display_name, role)?;
    let profile = app.calls.ask(caller, Command::CreateUser(Box::new(new))).await?;
    Ok(created(convert::user(profile)))
}

/// A password to be set.
#[derive(Deserialize, ToSchema)]
pub(crate) struct NewPassword {
    /// The next one.
    #[schema(format = Password)]
    pub(crate) password: String,
}

/// Sets a user's password. All their sessions end.
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
    Segment(user): Segment<UserName>,
    Body(new): Body<NewPassword>,
) -> Result<StatusCode, Problem> {
    let command = Command::SetPassword { user, password: convert::secret(new.password)? };
    let Done = app.calls.ask(caller, command).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whether a user is shut out.
#[derive(Deserialize, ToSchema)]
pub(crate) struct SetDisabled {
    /// `true` ends all their sessions.
    pub(crate) disabled: bool,
}

/// Shuts a user out, or lets them in again.
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
    Segment(user): Segment<UserName>,
    Body(SetDisabled { disabled }): Body<SetDisabled>,
) -> Result<StatusCode, Problem> {
    let Done = app.calls.ask(caller, Command::SetDisabled { user, disabled }).await?;
    Ok(StatusCode::NO_CONTENT)
}
