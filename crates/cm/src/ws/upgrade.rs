//! From an HTTP request to a link.

use std::sync::Arc;

use anser_domain::Transport;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;

use super::{Ws, handshake::WebSockets};
use crate::{Arrival, Cm, Io, Tls, cm::Opening};

impl Cm {
    /// Answers a WebSocket handshake and, once hyper has written the answer, begins the link.
    /// The connection must be served over `TokioIo<Io>`, with upgrades.
    pub fn websocket<B>(
        self: &Arc<Self>,
        mut request: Request<B>,
        mut arrival: Arrival,
        sockets: &WebSockets,
    ) -> Response<String> {
        if self.is_stopping() {
            return refuse(StatusCode::SERVICE_UNAVAILABLE, "the server is shutting down");
        }
        let accepted = match sockets.accept(request.method(), request.headers()) {
            Ok(accepted) => accepted,
            Err((status, why)) => {
                self.stats.refused.up();
                return refuse(status, why);
            }
        };
        arrival.proxied |= is_forwarded(request.headers());
        let info = Self::link_info(arrival, Transport::WebSocket);
        let protocol = accepted.protocol.clone();
        let upgrade = hyper::upgrade::on(&mut request);
        let login_by = self.clock.now() + self.limits.login_within;
        let cm = self.clone();
        tokio::spawn(async move {
            let upgraded = match tokio::time::timeout(cm.limits.login_within, upgrade).await {
                Ok(Ok(upgraded)) => upgraded,
                Ok(Err(_)) | Err(_) => return,
            };
            let Ok(parts) = upgraded.downcast::<TokioIo<Io>>() else {
                tracing::error!("a WebSocket came over a stream that is not ours");
                return;
            };
            let session = (protocol.sessions)(&info);
            cm.begin(Opening {
                io: parts.io.into_inner(),
                info,
                session,
                tls: Tls::none(),
                login_by,
                ws: Some(Box::new(Ws::new(protocol.kind, cm.limits.frame))),
                leftover: parts.read_buf.to_vec(),
            });
        });
        let mut response = Response::new(String::new());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        if let Ok(accept) = HeaderValue::try_from(accepted.accept) {
            headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
        }
        if accepted.named {
            let name = HeaderValue::from_static(accepted.protocol.name);
            headers.insert(header::SEC_WEBSOCKET_PROTOCOL, name);
        }
        response
    }
}

/// Whether someone in between says that the peer is really elsewhere.
fn is_forwarded(headers: &HeaderMap) -> bool {
    ["forwarded", "x-forwarded-for", "x-real-ip", "via"].iter().any(|it| headers.contains_key(*it))
}

fn refuse(status: StatusCode, why: &str) -> Response<String> {
    let mut response = Response::new(format!("{why}\n"));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    if status == StatusCode::UPGRADE_REQUIRED {
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    }
    response
}
