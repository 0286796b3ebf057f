//! Finds out who sent a request, and counts and logs it: by route template, never by what was in
//! it.

use std::sync::Arc;

use anser_domain::Clock;
use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};
use http::Method;
use prometheus_client::metrics::gauge::Gauge;

use crate::{
    config::Connection,
    forwarded::Proxies,
    metrics::{HttpMetrics, RequestLabels, RouteLabels},
};

/// Middleware around everything else.
pub(crate) async fn observe(
    State((metrics, clock, proxies)): State<(HttpMetrics, Arc<dyn Clock>, Proxies)>,
    mut request: Request,
    next: Next,
) -> Response {
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "none".to_owned(), |path| path.as_str().to_owned());
    let method = method_label(request.method());
    let connection = request.extensions().get::<Connection>();
    let sender = connection.map(|it| proxies.sender(it, request.headers()));
    let remote = sender.map(|it| it.address);
    if let Some(sender) = sender {
        request.extensions_mut().insert(sender);
    }
    let _in_flight = InFlight::enter(&metrics.in_flight);
    let start = clock.now();
    let response = next.run(request).await;
    let took = clock.now() - start;
    let status = response.status().as_u16();
    metrics
        .seconds
        .get_or_create(&RouteLabels { route: route.clone() })
        .observe(took.as_secs_f64());
    tracing::debug!(method, route, status, ?remote, took_us = took.as_micros(), "request answered");
    metrics
        .requests
        .get_or_create(&RequestLabels { route, method: method.to_owned(), status })
        .inc();
    response
}

/// Methods are whatever a caller types; only the usual ones get a series of their own.
fn method_label(method: &Method) -> &'static str {
    const USUAL: [(&Method, &str); 7] = [
        (&Method::GET, "GET"),
        (&Method::HEAD, "HEAD"),
        (&Method::POST, "POST"),
        (&Method::PUT, "PUT"),
        (&Method::PATCH, "PATCH"),
        (&Method::DELETE, "DELETE"),
        (&Method::OPTIONS, "OPTIONS"),
    ];
    USUAL.iter().find(|(usual, _)| *usual == method).map_or("other", |(_, name)| name)
}

/// Counts a request down even when it is dropped half-way.
struct InFlight<'a>(&'a Gauge);

impl<'a> InFlight<'a> {
    fn enter(gauge: &'a Gauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}
