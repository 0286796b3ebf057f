//! The caller's own record.

use anser_domain::Command;
use axum::{Json, extract::State};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::users::{User, example};
use crate::{
    App, convert,
    extract::{Bearer, Body},
    problem::Problem,
};

/// The calls of this resource.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(me, change_me))
}

/// Who the caller is.
#[utoipa::path(
    get, path = "/v1/me", tag = "me", operation_id = "me",
    security(("bearer" = [])),
    responses((status = 200, description = "The caller", body = User, example = json!(example())))
)]
async fn me(State(app): State<App>, Bearer(caller): Bearer) -> Result<Json<User>, Problem> {
    let profile = app.calls.ask(caller, Command::Me).await?;
    Ok(Json(convert::user(profile)))
}

/// What the caller wants changed about themselves; what is absent stays.
#[derive(Deserialize, ToSchema)]
pub(crate) struct Patch {
    /// The name that people read; empty to have none.
    pub(crate) display_name: Option<String>,
}

/// Changes the caller's own record.
#[utoipa::path(
    patch, path = "/v1/me", tag = "me", operation_id = "changeMe",
    security(("bearer" = [])),
    request_body(content = Patch, example = json!({"display_name": "Alice Liddell"})),
    responses((status = 200, description = "As it is now", body = User, example = json!(example())))
)]
async fn change_me(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Body(patch): Body<Patch>,
) -> Result<Json<User>, Problem> {
    let command = match patch.display_name {
        Some(name) => Command::SetDisplayName(name.into()),
        None => Command::Me,
    };
    let profile = app.calls.ask(caller, command).await?;
    Ok(Json(convert::user(profile)))
}
