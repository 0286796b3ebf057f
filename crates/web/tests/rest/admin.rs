//! The admin listener.

use std::sync::Arc;

use anser_web::{Readiness, admin_router};
use axum::http::StatusCode;
use prometheus_client::{metrics::counter::Counter, registry::Registry};

use crate::fake::{request, send};

fn get(path: &str) -> axum::http::Request<axum::body::Body> {
    request("GET", path).body(axum::body::Body::empty()).unwrap()
}

#[tokio::test]
async fn metrics_are_those_of_the_registry() {
    let mut registry = Registry::default();
    let counter: Counter = Counter::default();
    registry.register("anser_letters", "Letters carried", counter.clone());
    let router = admin_router(Arc::new(registry), Readiness::default());
    counter.inc_by(3);
    let said = send(&router, get("/metrics")).await;
    assert!(said.text.contains("anser_letters_total 3"), "{}", said.text);
    assert!(said.text.ends_with("# EOF\n"));
    assert!(said.header("content-type").starts_with("application/openmetrics-text"));
}

#[tokio::test]
async fn readiness_follows_its_handle_and_liveness_does_not() {
    let readiness = Readiness::default();
    let router = admin_router(Arc::default(), readiness.clone());
    let said = send(&router, get("/readyz")).await;
    assert_eq!(said.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(said.text, "not ready: starting\n");

    readiness.ready();
    assert_eq!(send(&router, get("/readyz")).await.status, StatusCode::OK);

    readiness.not_ready("draining");
    let said = send(&router, get("/readyz")).await;
    assert_eq!((said.status.as_u16(), said.text.as_str()), (503, "not ready: draining\n"));
    assert_eq!(readiness.check().unwrap_err(), "draining");
    assert_eq!(send(&router, get("/livez")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn there_is_nothing_else_there() {
    let router = admin_router(Arc::default(), Readiness::default());
    assert_eq!(send(&router, get("/v1/me")).await.problem(), "not-found");
}
