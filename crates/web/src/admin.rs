//! The admin listener: metrics for Prometheus, liveness and readiness for whoever supervises.

use std::{borrow::Cow, sync::Arc};

use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{StatusCode, header};
use parking_lot::RwLock;
use prometheus_client::registry::Registry;

use crate::{
    guard::secure,
    problem::{self, Problem},
};

/// The media type of OpenMetrics text, as `prometheus-client` writes it.
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Whether the process wants traffic, shared between whoever knows and whoever asks. It starts
/// out not ready.
#[derive(Clone, Debug)]
pub struct Readiness(Arc<RwLock<Result<(), Cow<'static, str>>>>);

impl Default for Readiness {
    fn default() -> Self {
        Self(Arc::new(RwLock::new(Err(Cow::Borrowed("starting")))))
    }
}

impl Readiness {
    /// Traffic is welcome.
    pub fn ready(&self) {
        *self.0.write() = Ok(());
    }

    /// Traffic should go elsewhere, and why: `starting`, `draining`, `the store is down`. The
    /// reason is shown to whoever asks.
    pub fn not_ready(&self, reason: impl Into<Cow<'static, str>>) {
        *self.0.write() = Err(reason.into());
    }

    /// Whether traffic is welcome, or why not.
    ///
    /// # Errors
    /// The reason.
    pub fn check(&self) -> Result<(), Cow<'static, str>> {
        self.0.read().clone()
    }
}

#[derive(Clone)]
struct Admin {
    registry: Arc<Registry>,
    readiness: Readiness,
}

/// The routes of the admin listener: `/metrics`, `/livez` and `/readyz`.
pub fn admin_router(registry: Arc<Registry>, readiness: Readiness) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .fallback(|| async { Problem::new(&problem::NOT_FOUND, "try /metrics, /livez or /readyz") })
        .layer(axum::middleware::map_response(secure))
        .with_state(Admin { registry, readiness })
}

async fn metrics(State(admin): State<Admin>) -> Response {
    let mut text = String::new();
    match prometheus_client::encoding::text::encode(&mut text, &admin.registry) {
        Ok(()) => ([(header::CONTENT_TYPE, OPENMETRICS)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "metrics could not be written down");
            Problem::new(&problem::INTERNAL, "the metrics could not be written down")
                .into_response()
        }
    }
}

/// Alive: the process answers. A supervisor restarts what does not.
async fn livez() -> &'static str {
    "ok\n"
}

async fn readyz(State(admin): State<Admin>) -> Response {
    match admin.readiness.check() {
        Ok(()) => "ready\n".into_response(),
        Err(reason) => {
            (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {reason}\n")).into_response()
        }
    }
}
