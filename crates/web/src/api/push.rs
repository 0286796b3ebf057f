//! How the caller's devices are notified while they have no link.

use anser_domain::{Command, DeviceName, PushCommand, PushReply};
use axum::{Json, extract::State};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::admin::unexpected;
use crate::{
    App,
    answer::Done,
    convert,
    extract::{Bearer, Body, Segment},
    problem::{self, Problem},
};

/// The calls of this resource.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(push, register_push, forget_push))
        .routes(routes!(push_services))
}

/// The services that this server reaches devices by.
#[derive(Serialize, ToSchema)]
pub(crate) struct PushServices {
    /// Which can be registered with.
    providers: Vec<String>,
    /// What browsers subscribe with, as `applicationServerKey` (RFC 8292): base64url.
    #[serde(skip_serializing_if = "Option::is_none")]
    web_key: Option<String>,
}

/// Which services this server reaches devices by, and what browsers subscribe with.
#[utoipa::path(
    get, path = "/v1/push/services", tag = "devices", operation_id = "pushServices",
    security(("bearer" = [])),
    responses((status = 200, description = "Which", body = PushServices, example = json!(
        {"providers": ["web"], "web_key":
         "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"})))
)]
async fn push_services(
    State(app): State<App>,
    Bearer(caller): Bearer,
) -> Result<Json<PushServices>, Problem> {
    let asked = Command::Push(Box::new(PushCommand::Services));
    let PushReply::Services(it) = app.calls.ask(caller, asked).await? else {
        return Err(unexpected());
    };
    let providers = it.providers.into_iter().map(String::from).collect();
    Ok(Json(PushServices { providers, web_key: it.web_key.map(String::from) }))
}

/// A service that reaches devices.
#[derive(Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = PushProvider)]
pub(crate) enum Provider {
    /// Apple's.
    Apns,
    /// Google's.
    Fcm,
    /// A browser's (RFC 8030).
    Web,
    /// The app's own server.
    Webhook,
}

/// Where a device's notifications go.
#[derive(Deserialize, ToSchema)]
pub(crate) struct NewPush {
    /// The service.
    pub(crate) provider: Provider,
    /// What it knows the device by; of `apns`, `fcm` and `webhook`.
    pub(crate) token: Option<String>,
    /// The app's bundle id; of `apns`.
    pub(crate) app: Option<String>,
    /// Whether the token is of a development build; of `apns`.
    pub(crate) sandbox: Option<bool>,
    /// The subscription's endpoint; of `web`.
    pub(crate) endpoint: Option<String>,
    /// The subscription's keys; of `web`.
    pub(crate) keys: Option<Keys>,
    /// The language that the device wants, such as `de` or `zh-Hans`; apps get it with each
    /// notification.
    #[serde(default)]
    pub(crate) locale: String,
}

/// The keys of a browser's subscription, as `PushSubscription.toJSON()` has them.
#[derive(Deserialize, ToSchema)]
#[schema(as = PushKeys)]
pub(crate) struct Keys {
    /// The subscriber's public key, base64url.
    pub(crate) p256dh: String,
    /// The subscriber's secret, base64url.
    pub(crate) auth: String,
}

/// How a device is notified. Without its token, which nobody else is to have.
#[derive(Serialize, ToSchema)]
pub(crate) struct Push {
    /// The service.
    pub(crate) provider: String,
    /// The language; may be empty.
    pub(crate) locale: String,
    /// When it was registered, in milliseconds since 1970.
    pub(crate) registered: i64,
    /// Notifications that the service took.
    pub(crate) taken: u64,
    /// Attempts at which it did not.
    pub(crate) failed: u64,
    /// How the last one went; absent before the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last: Option<LastPush>,
}

/// How handing over a notification went.
#[derive(Serialize, ToSchema)]
pub(crate) struct LastPush {
    /// When, in milliseconds since 1970.
    pub(crate) at: i64,
    /// Whether the service took it.
    pub(crate) taken: bool,
    /// Why not; absent when it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
}

/// How a device is notified.
#[utoipa::path(
    get, path = "/v1/devices/{device}/push", tag = "devices", operation_id = "push",
    security(("bearer" = [])),
    params(("device" = String, Path, description = "Its name", example = "phone")),
    responses((status = 200, description = "Its registration", body = Push, example = json!(
        {"provider": "apns", "locale": "de", "registered": 1_790_000_000_000_i64, "taken": 17,
         "failed": 1, "last": {"at": 1_790_000_360_000_i64, "taken": true}}))),
    extensions(("x-problems" = json!([problem::NO_SUCH.slug, problem::NO_SUCH_USER.slug])))
)]
async fn push(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(device): Segment<DeviceName>,
) -> Result<Json<Push>, Problem> {
    let show = Command::Push(Box::new(PushCommand::Show(device)));
    let PushReply::Record(record) = app.calls.ask(caller, show).await? else {
        return Err(unexpected());
    };
    let record =
        record.ok_or_else(|| Problem::new(&problem::NO_SUCH, "the device has no registration"))?;
    Ok(Json(convert::push::push(*record)))
}

/// Has a device notified from now on, in this way only. Ends with the device's session; apps
/// register at every start, since services change their tokens.
#[utoipa::path(
    put, path = "/v1/devices/{device}/push", tag = "devices", operation_id = "registerPush",
    security(("bearer" = [])),
    params(("device" = String, Path, description = "Its name", example = "phone")),
    request_body(content = NewPush, example = json!(
        {"provider": "apns", "token": "9f86d081884c7d659a2feaa0c55ad015", "app": "org.example.chat",
         "locale": "de"})),
    responses((status = 204, description = "Registered")),
    extensions(("x-problems" = json!([problem::NO_SUCH_USER.slug])))
)]
async fn register_push(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(device): Segment<DeviceName>,
    Body(new): Body<NewPush>,
) -> Result<StatusCode, Problem> {
    let command = convert::push::register(device, new)?;
    let Done = app.calls.ask(caller, Command::Push(Box::new(command))).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Has a device notified no more.
#[utoipa::path(
    delete, path = "/v1/devices/{device}/push", tag = "devices", operation_id = "forgetPush",
    security(("bearer" = [])),
    params(("device" = String, Path, description = "Its name", example = "phone")),
    responses((status = 204, description = "Forgotten, if there was one")),
    extensions(("x-problems" = json!([problem::NO_SUCH_USER.slug])))
)]
async fn forget_push(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(device): Segment<DeviceName>,
) -> Result<StatusCode, Problem> {
    let forget = Command::Push(Box::new(PushCommand::Forget(device)));
    let Done = app.calls.ask(caller, forget).await?;
    Ok(StatusCode::NO_CONTENT)
}
