//! Users, as others see them.

use anser_domain::{Caller, Command, PeopleCommand, Role, UserName};
use axum::{Json, extract::State, response::IntoResponse};
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json, value::RawValue};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    config::Registration,
    convert,
    extract::{Bearer, Body, PasswordsTaken, Query, Segment, page_size},
    problem::{self, Problem},
};

/// The calls of this resource.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(user)).routes(routes!(search, register))
}

/// A user.
#[derive(Serialize, ToSchema)]
pub(crate) struct User {
    /// The name that addresses them: `u:{user}`.
    pub(crate) user: String,
    /// The name that people read; empty when none was set.
    pub(crate) display_name: String,
    /// Their standing.
    pub(crate) role: RoleName,
    /// Whether an administrator has shut them out.
    pub(crate) disabled: bool,
    /// A URL, or the id of a file; absent when there is none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) avatar: String,
    /// What they say of themselves; absent when they say nothing.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) about: String,
    /// Fields of the app's own; absent when there are none, or none that the caller may see.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub(crate) fields: Option<Box<RawValue>>,
    /// Whether they are there; absent when the caller may not know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) presence: Option<Presence>,
}

/// Whether someone is there.
#[derive(Serialize, ToSchema)]
pub(crate) struct Presence {
    /// Whether any of their devices has a link now.
    pub(crate) online: bool,
    /// When one last came or went, in milliseconds since 1970.
    pub(crate) last: i64,
}

/// Who is looked for.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Who {
    /// Words, or beginnings of words, that all have to be in the names.
    pub(crate) query: String,
    /// The `next` of the page before; absent for the first page.
    pub(crate) cursor: Option<String>,
    /// At most so many; 50 unless said, and never more than 200.
    #[param(minimum = 1, default = 50)]
    pub(crate) limit: Option<u64>,
}

/// A standing on the server.
#[derive(Clone, Copy, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = Role)]
pub(crate) enum RoleName {
    /// Chats.
    #[default]
    User,
    /// May call everything under `/v1/admin` too.
    Admin,
}

/// A user to be made.
#[derive(Deserialize, ToSchema)]
pub(crate) struct NewUser {
    /// Their name: letters and digits of any script and common punctuation, 1 to 64 bytes.
    pub(crate) user: String,
    /// Their first password.
    #[schema(format = Password)]
    pub(crate) password: String,
    /// The name that people read.
    #[serde(default)]
    pub(crate) display_name: String,
}

/// Someone's profile.
#[utoipa::path(
    get, path = "/v1/users/{user}", tag = "users", operation_id = "user",
    security(("bearer" = [])),
    params(("user" = String, Path, description = "Whose", example = "alice")),
    responses((status = 200, description = "The user", body = User, example = json!(example()))),
    extensions(("x-problems" = json!([problem::NO_SUCH_USER.slug])))
)]
async fn user(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(name): Segment<UserName>,
) -> Result<Json<User>, Problem> {
    let profile = app.calls.ask(caller, Command::User(name)).await?;
    Ok(Json(convert::user(profile)))
}

/// A page of users that were found.
#[derive(Serialize, ToSchema)]
pub(crate) struct FoundUsers {
    /// By name.
    pub(crate) users: Vec<User>,
    /// Whether another page follows.
    pub(crate) more: bool,
    /// The next page's `cursor`; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
}

/// Finds users by their names, in order of name. Who is disabled, blocks the caller or does not
/// want to be found is not.
#[utoipa::path(
    get, path = "/v1/users", tag = "users", operation_id = "searchUsers",
    security(("bearer" = [])),
    params(Who),
    responses((status = 200, description = "A page", body = FoundUsers, example = json!({
        "users": [example()], "more": false})))
)]
async fn search(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Query(who): Query<Who>,
) -> Result<Json<FoundUsers>, Problem> {
    let limit = page_size(who.limit)?;
    let after = who.cursor.as_deref().map(convert::name_cursor).transpose()?;
    let command = PeopleCommand::Search { query: who.query.into(), after, limit };
    let found = app.calls.ask(caller, convert::people(command)).await?;
    Ok(Json(convert::found_users(found, limit)))
}

/// Makes an account. Without a token where registration is open; by an administrator always.
#[utoipa::path(
    post, path = "/v1/users", tag = "users", operation_id = "register",
    security((), ("bearer" = [])),
    request_body(content = NewUser, example = json!(
        {"user": "alice", "password": "correct horse battery staple", "display_name": "Alice"})),
    responses((status = 201, description = "Made", body = User,
        headers(("Location" = String, description = "The user's own path")),
        example = json!(example()))),
    extensions(("x-problems" = json!([problem::NAME_TAKEN.slug, problem::INSECURE.slug])))
)]
async fn register(
    State(app): State<App>,
    bearer: Option<Bearer>,
    _: PasswordsTaken,
    Body(new): Body<NewUser>,
) -> Result<impl IntoResponse, Problem> {
    let caller = match (bearer, app.config.registration) {
        (Some(Bearer(caller)), _) => caller,
        (None, Registration::Open) => Caller::Nobody,
        (None, Registration::Closed) => {
            return Err(Problem::new(
                &problem::UNAUTHENTICATED,
                "registration is closed: only an administrator makes accounts",
            ));
        }
    };
    let new = convert::new_user(new.user, new.password, new.display_name, Role::User)?;
    let profile = app.calls.ask(caller, Command::CreateUser(Box::new(new))).await?;
    Ok(created(convert::user(profile)))
}

/// 201, and where the user is found.
pub(crate) fn created(user: User) -> impl IntoResponse {
    let location = location("/v1/users/", &user.user);
    (StatusCode::CREATED, [(header::LOCATION, location)], Json(user))
}

/// A path as a header, its last segment percent-encoded.
pub(crate) fn location(prefix: &str, name: &str) -> HeaderValue {
    let mut path = prefix.to_owned();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            path.push(char::from(byte));
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
    }
    // ASCII without control characters is a header value.
    HeaderValue::from_str(&path).unwrap_or(HeaderValue::from_static("/"))
}

pub(crate) fn example() -> Value {
    json!({"user": "alice", "display_name": "Alice", "role": "user", "disabled": false})
}
