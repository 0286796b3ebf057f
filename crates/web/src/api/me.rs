//! The caller's own record.

use anser_domain::{Command, PeopleCommand, ProfileEdit};
use axum::{Json, extract::State};
use serde::Deserialize;
use serde_json::value::RawValue;
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
    /// The id of a file, or a public http(s) address; empty to have none. At most 1 KiB.
    pub(crate) avatar: Option<String>,
    /// What to say of oneself. At most 2 KiB.
    pub(crate) about: Option<String>,
    /// An object of the app's own in place of the one there is, at most 8 KiB; `{}` to have none.
    #[schema(value_type = Option<Object>)]
    pub(crate) fields: Option<Box<RawValue>>,
}

/// Changes the caller's own record.
#[utoipa::path(
    patch, path = "/v1/me", tag = "me", operation_id = "changeMe",
    security(("bearer" = [])),
    request_body(content = Patch, example = json!(
        {"display_name": "Alice Liddell", "about": "Flies south.", "fields": {"team": "geese"}})),
    responses((status = 200, description = "As it is now", body = User, example = json!(example())))
)]
async fn change_me(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Body(patch): Body<Patch>,
) -> Result<Json<User>, Problem> {
    let edit = ProfileEdit {
        display_name: patch.display_name.map(Into::into),
        avatar: patch.avatar.map(Into::into),
        about: patch.about.map(Into::into),
        fields: patch.fields.as_deref().map(convert::fields).transpose()?,
    };
    let command = match edit == ProfileEdit::default() {
        true => Command::Me,
        false => convert::people(PeopleCommand::EditProfile(edit)),
    };
    let profile = app.calls.ask(caller, command).await?;
    Ok(Json(convert::user(profile)))
}
