//! The REST tier: JSON over HTTP in, commands to the SM, replies back as JSON.
//!
//! ```text
//!  request ─► guard ─► router ─► api/<resource> ─► convert ─► Calls::ask ─► SessionManager
//!  answer  ◄─ secure headers ◄── JSON or Problem ◄─ convert ◄─ oneshot ◄─── Replies
//! ```
//!
//! A resource is a file in [`api`]: its shapes, its handlers, its routes. The OpenAPI document is
//! made from the same annotations as the router, so the two cannot differ.

mod admin;
mod answer;
mod api;
mod call;
mod config;
mod convert;
mod extract;
mod files;
mod forwarded;
mod gateways;
mod guard;
pub mod limits;
mod metrics;
mod openapi;
mod pace;
mod pages;
mod problem;
mod telemetry;

use std::sync::Arc;

use anser_domain::{Clock, SessionManager};
use axum::{Router, middleware};

pub use admin::{Readiness, admin_router};
pub use config::{Config, Connection, Origin, OriginError, Registration};
pub use files::sweep_files;
pub use forwarded::{Proxies, Sender};
pub use gateways::Gateways;
pub use guard::Guard;
pub use metrics::HttpMetrics;
pub use openapi::document;
pub use pace::{Rates, too_fast};
pub use problem::{KINDS, Kind};

use call::Calls;
use problem::Problem;

/// What every handler may reach.
#[derive(Clone)]
struct App {
    calls: Arc<Calls>,
    clock: Arc<dyn Clock>,
    guard: Arc<Guard>,
    config: Arc<Config>,
    files: files::Files,
}

/// The REST tier's end at the SM: one peer, which requests and chores share, until its last clone
/// is dropped.
#[derive(Clone)]
pub struct Asker(Arc<Calls>);

impl Asker {
    /// A new peer of `sm`.
    #[must_use]
    pub fn new(sm: Arc<dyn SessionManager>) -> Self {
        Self(Arc::new(Calls::new(sm)))
    }
}

/// The REST tier as a service: `/v1`, `/openapi.json`, `/docs` and `/problems`.
///
/// Whoever accepts connections puts a [`Connection`] into each request's extensions, and hands
/// [`limits::MAX_HEAD`] and [`limits::MAX_HEADERS`] to its HTTP parser.
pub fn router(config: Config, asker: &Asker, clock: Arc<dyn Clock>) -> Router {
    let guard = Guard::new(&config);
    let proxies = guard.proxies().clone();
    let cors = guard::cors(&config);
    let metrics = config.metrics.clone();
    let paces = pace::Paces::new(config.rates, &clock);
    let app = App {
        calls: asker.0.clone(),
        clock: clock.clone(),
        guard: Arc::new(guard.clone()),
        files: files::Files::new(config.blobs.clone(), metrics.files()),
        config: Arc::new(config),
    };
    let (api, _) = api::router().split_for_parts();
    let router = api
        .with_state(app)
        .merge(pages::router())
        .fallback(|| async {
            Problem::new(&problem::NOT_FOUND, "nothing has this path; see /docs")
        })
        .method_not_allowed_fallback(|| async {
            Problem::new(&problem::METHOD, "the header Allow lists what can be done here")
        });
    let router = match cors {
        Some(cors) => router.layer(cors),
        None => router,
    };
    router
        .layer(middleware::from_fn_with_state(paces, pace::keep))
        .layer(middleware::from_fn_with_state(guard, guard::guard))
        .layer(middleware::map_response(guard::secure))
        .layer(middleware::from_fn_with_state((metrics, clock, proxies), telemetry::observe))
}
