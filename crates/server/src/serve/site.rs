//! What the HTTP listeners serve: WebSockets by the CM, everything else by the REST tier; and on
//! the admin listener metrics and health.

use std::sync::Arc;

use anser_cm::{Arrival, Cm, MessageKind, SessionFactory, WebSocketProtocol, WebSockets};
use anser_web::{Proxies, Sender};
use axum::{Router, body::Body, response::IntoResponse as _};
use hyper::{Request, Response, StatusCode, body::Incoming};
use tower::ServiceExt as _;

use super::http::Answers;
use crate::config::Config;

/// Where the native protocol is spoken over WebSocket.
const WEBSOCKET_PATH: &str = "/ws";

/// The public listener: what the process's roles have to serve there.
pub(super) struct Site {
    rest: Router,
    links: Option<(Arc<Cm>, WebSockets)>,
    proxies: Proxies,
}

/// Which WebSockets are taken, under the same rules of who may call as REST.
pub(super) fn websockets(config: &Config, sessions: SessionFactory) -> WebSockets {
    let origin = |origin: &anser_web::Origin| origin.as_header().to_str().map(Into::into).ok();
    WebSockets {
        protocols: vec![WebSocketProtocol {
            name: anser_wire::SUBPROTOCOL,
            kind: MessageKind::Binary,
            sessions,
        }],
        origins: config.web.origins.iter().filter_map(origin).collect(),
        hosts: config.hosts().iter().map(|host| host.as_str().into()).collect(),
    }
}

impl Site {
    /// `rest`, and the links of a CM where there is one.
    pub(super) fn new(
        rest: Router,
        links: Option<(Arc<Cm>, WebSockets)>,
        proxies: Proxies,
    ) -> Self {
        Self { rest, links, proxies }
    }
}

impl Answers for Site {
    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let (WEBSOCKET_PATH, Some((cm, websockets))) = (request.uri().path(), &self.links) else {
            return route(&self.rest, request).await;
        };
        let extensions = request.extensions();
        let (Some(arrival), Some(connection)) = (extensions.get(), extensions.get()) else {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        let sender = self.proxies.sender(connection, request.headers());
        let arrival = behind(arrival, sender);
        cm.websocket(request, arrival, websockets).map(Body::from)
    }
}

/// The same arrival, as the headers of believed proxies tell it.
fn behind(arrival: &Arrival, sender: Sender) -> Arrival {
    let mut arrival = arrival.clone();
    if sender.address != arrival.remote.ip().to_canonical() {
        // Which port they came from is not told.
        arrival.remote = (sender.address, 0).into();
    }
    arrival.proxied = sender.proxied;
    arrival.vouched = sender.tls;
    arrival
}

/// The admin listener.
pub(super) struct Admin(pub(super) Router);

impl Answers for Admin {
    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        route(&self.0, request).await
    }
}

async fn route(router: &Router, request: Request<Incoming>) -> Response<Body> {
    match router.clone().oneshot(request.map(Body::new)).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}
