//! The caller's devices.

use anser_domain::{Command, DeviceName, DeviceRecord};
use axum::{Json, extract::State};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    answer::Done,
    convert,
    extract::{Bearer, Segment},
    problem::Problem,
};

/// The calls of this resource.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(devices)).routes(routes!(remove))
}

/// The caller's devices.
#[derive(Serialize, ToSchema)]
pub(crate) struct Devices {
    /// One row each.
    pub(crate) devices: Vec<Device>,
}

/// A device that has signed in.
#[derive(Serialize, ToSchema)]
pub(crate) struct Device {
    /// The name its client chose.
    pub(crate) device: String,
    /// When it first signed in, in milliseconds since 1970.
    pub(crate) created: i64,
    /// When it last signed in or linked, in milliseconds since 1970.
    pub(crate) seen: i64,
    /// Whether it has a link now.
    pub(crate) online: bool,
}

/// Where the caller is signed in.
#[utoipa::path(
    get, path = "/v1/devices", tag = "devices", operation_id = "devices",
    security(("bearer" = [])),
    responses((status = 200, description = "The caller's devices", body = Devices, example = json!(
        {"devices": [{"device": "laptop", "created": 1_790_000_000_000_i64,
                      "seen": 1_790_000_360_000_i64, "online": true}]})))
)]
async fn devices(State(app): State<App>, Bearer(caller): Bearer) -> Result<Json<Devices>, Problem> {
    let devices: Vec<DeviceRecord> = app.calls.ask(caller, Command::Devices).await?;
    Ok(Json(Devices { devices: devices.into_iter().map(convert::device).collect() }))
}

/// Signs a device out; its link closes within 5 seconds.
#[utoipa::path(
    delete, path = "/v1/devices/{device}", tag = "devices", operation_id = "removeDevice",
    security(("bearer" = [])),
    params(("device" = String, Path, description = "Its name", example = "laptop")),
    responses((status = 204, description = "Signed out"))
)]
async fn remove(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(device): Segment<DeviceName>,
) -> Result<StatusCode, Problem> {
    let Done = app.calls.ask(caller, Command::RemoveDevice(device)).await?;
    Ok(StatusCode::NO_CONTENT)
}
