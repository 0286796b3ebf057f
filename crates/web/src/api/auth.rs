//! Signing in and out.

use anser_domain::{Caller, Command};
use axum::{Json, extract::State};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    answer::Done,
    convert,
    extract::{Bearer, Body, PasswordsTaken},
    problem::{self, Problem},
};

/// The calls of this resource.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(login))
        .routes(routes!(refresh))
        .routes(routes!(logout))
        .routes(routes!(password))
}

/// A sign-in.
#[derive(Deserialize, ToSchema)]
pub(crate) struct Login {
    /// Who.
    pub(crate) user: String,
    /// The proof.
    #[schema(format = Password)]
    pub(crate) password: String,
    /// The client's own name for this device, 1 to 128 bytes; the same at every sign-in.
    pub(crate) device: String,
}

/// What a signed-in device keeps.
#[derive(Serialize, ToSchema)]
pub(crate) struct Session {
    /// Shown with every call: `Authorization: Bearer …`.
    pub(crate) access_token: String,
    /// Exchanged once, at `/v1/auth/refresh`, for the next pair.
    pub(crate) refresh_token: String,
    /// Always `Bearer`.
    pub(crate) token_type: &'static str,
    /// Seconds until the access token ends.
    pub(crate) expires_in: u32,
    /// The user's name as the server writes it.
    pub(crate) user: String,
    /// The device's name.
    pub(crate) device: String,
    /// Where the device may link, best first: `tcp://`, `tls://`, `ws://` or `wss://` URLs.
    pub(crate) gateways: Vec<String>,
}

/// Signs in with a password; the device is made if it is new.
#[utoipa::path(
    post, path = "/v1/auth/login", tag = "auth", operation_id = "login",
    request_body(content = Login, example = json!(
        {"user": "alice", "password": "correct horse battery staple", "device": "laptop"})),
    responses((status = 200, description = "Signed in", body = Session,
        example = json!(session()))),
    extensions(("x-problems" = json!([
        problem::BAD_CREDENTIALS.slug, problem::DISABLED.slug, problem::INSECURE.slug])))
)]
async fn login(
    State(app): State<App>,
    _: PasswordsTaken,
    Body(login): Body<Login>,
) -> Result<Json<Session>, Problem> {
    let sign_in = convert::sign_in(login)?;
    let tokens = app.calls.ask(Caller::Nobody, Command::SignIn(Box::new(sign_in))).await?;
    Ok(Json(convert::session(tokens, app.config.gateways.told())))
}

/// A refresh token.
#[derive(Deserialize, ToSchema)]
pub(crate) struct Refresh {
    /// The one of the last sign-in or refresh.
    pub(crate) refresh_token: String,
}

/// Exchanges a refresh token for the next pair. Each can be exchanged once: a second time ends
/// the session, since one of the two who had the token is not its owner.
#[utoipa::path(
    post, path = "/v1/auth/refresh", tag = "auth", operation_id = "refresh",
    request_body(content = Refresh, example = json!({"refresh_token": "cnQtMQ"})),
    responses((status = 200, description = "The next pair", body = Session,
        example = json!(session()))),
    extensions(("x-problems" = json!([
        problem::BAD_CREDENTIALS.slug, problem::EXPIRED.slug, problem::REVOKED.slug,
        problem::DISABLED.slug])))
)]
async fn refresh(
    State(app): State<App>,
    Body(refresh): Body<Refresh>,
) -> Result<Json<Session>, Problem> {
    let command = Command::Refresh(convert::secret(refresh.refresh_token)?);
    let tokens = app.calls.ask(Caller::Nobody, command).await?;
    Ok(Json(convert::session(tokens, app.config.gateways.told())))
}

/// Ends this device's session; its tokens count no more and its link closes.
#[utoipa::path(
    post, path = "/v1/auth/logout", tag = "auth", operation_id = "logout",
    security(("bearer" = [])),
    responses((status = 204, description = "Signed out"))
)]
async fn logout(State(app): State<App>, Bearer(caller): Bearer) -> Result<StatusCode, Problem> {
    let Done = app.calls.ask(caller, Command::SignOut).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A change of password.
#[derive(Deserialize, ToSchema)]
pub(crate) struct PasswordChange {
    /// The one so far.
    #[schema(format = Password)]
    pub(crate) old_password: String,
    /// The next one.
    #[schema(format = Password)]
    pub(crate) new_password: String,
}

/// Replaces the caller's password. Every other session of theirs ends.
#[utoipa::path(
    post, path = "/v1/auth/password", tag = "auth", operation_id = "changePassword",
    security(("bearer" = [])),
    request_body(content = PasswordChange, example = json!(
        {"old_password": "correct horse battery staple", "new_password": "wild geese fly south"})),
    responses((status = 204, description = "Changed")),
    extensions(("x-problems" = json!([problem::INSECURE.slug])))
)]
async fn password(
    State(app): State<App>,
    Bearer(caller): Bearer,
    _: PasswordsTaken,
    Body(change): Body<PasswordChange>,
) -> Result<StatusCode, Problem> {
    let command = Command::ChangePassword {
        old: convert::secret(change.old_password)?,
        new: convert::secret(change.new_password)?,
    };
    let Done = app.calls.ask(caller, command).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn session() -> serde_json::Value {
    json!({
        "access_token": "eyJhbGciOiJIUzI1NiJ9.e30.c2ln",
        "refresh_token": "cnQtMg",
        "token_type": "Bearer",
        "expires_in": 900,
        "user": "alice",
        "device": "laptop",
        "gateways": ["tcp://127.0.0.1:7700", "ws://127.0.0.1:8080/ws"],
    })
}
