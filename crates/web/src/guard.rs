//! Who may call at all: Host and Origin checks (DESIGN promise 10), and the headers that keep
//! browsers from making more of an answer than it is.

use std::net::{Ipv4Addr, Ipv6Addr};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Uri, header, request::Parts, uri::Authority,
};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::{
    config::{Config, Connection},
    extract::IDEMPOTENCY_KEY,
    files::{UPLOAD_COMPLETE, UPLOAD_LENGTH, UPLOAD_LIMIT, UPLOAD_OFFSET},
    forwarded::Proxies,
    limits::MAX_HEADERS,
    problem::{self, Problem},
};

/// The Host and Origin rules of a configuration. The accept loop asks it too, for what it does
/// not hand to the REST router, such as WebSockets.
#[derive(Clone, Debug)]
pub struct Guard {
    hosts: Vec<String>,
    origins: Vec<HeaderValue>,
    proxies: Proxies,
}

impl Guard {
    /// The rules of `config`.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self {
            hosts: config.allowed_hosts.iter().map(|host| host.to_ascii_lowercase()).collect(),
            origins: config.allowed_origins.iter().map(|o| o.as_header().clone()).collect(),
            proxies: Proxies::new(config.trusted_proxies.clone()),
        }
    }

    /// Whether a request may pass.
    ///
    /// # Errors
    /// The problem, as the answer to send instead.
    #[expect(clippy::result_large_err, reason = "the error is the answer that is sent")]
    pub fn admit(&self, head: &Parts) -> Result<(), Response> {
        self.check(&head.uri, &head.headers).map_err(IntoResponse::into_response)
    }

    fn check(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
        if headers.len() > MAX_HEADERS {
            let detail = format!("at most {MAX_HEADERS} headers are taken");
            return Err(Problem::new(&problem::HEADERS, detail));
        }
        let host = host(uri, headers)?;
        if !self.knows(&host) {
            return Err(Problem::new(
                &problem::MISDIRECTED,
                "the Host header names a host that is not among the server's allowed hosts",
            ));
        }
        let mut origins = headers.get_all(header::ORIGIN).iter();
        match (origins.next(), origins.next()) {
            (None, _) => Ok(()),
            (Some(origin), None) if self.trusts(origin, &host) => Ok(()),
            _ => Err(Problem::new(
                &problem::FOREIGN_ORIGIN,
                "the Origin header names a site that is neither the server's own nor allowed",
            )),
        }
    }

    /// Rebinding a name to someone else's address needs a name: IP addresses, and the names
    /// that RFC 6761 §6.3 ties to loopback, cannot be taken for another site's.
    fn knows(&self, host: &Authority) -> bool {
        let name = host.host().to_ascii_lowercase();
        let name = name.strip_suffix('.').unwrap_or(&name);
        name == "localhost"
            || name.ends_with(".localhost")
            || name.parse::<Ipv4Addr>().is_ok()
            || name
                .strip_prefix('[')
                .and_then(|rest| rest.strip_suffix(']'))
                .is_some_and(|inner| inner.parse::<Ipv6Addr>().is_ok())
            || self.hosts.iter().any(|known| known == name)
    }

    /// Same origin is decided by host and port: whether TLS ends here or at a proxy is not
    /// visible here, and a page of the same host and port is this server's either way.
    fn trusts(&self, origin: &HeaderValue, host: &Authority) -> bool {
        let own = || {
            let uri: Uri = origin.to_str().ok()?.parse().ok()?;
            let port = |authority: &Authority| {
                authority.port_u16().or_else(|| match uri.scheme_str() {
                    Some("https") => Some(443),
                    _ => Some(80),
                })
            };
            let from = uri.authority()?;
            Some(from.host().eq_ignore_ascii_case(host.host()) && port(from) == port(host))
        };
        self.origins.contains(origin) || own().unwrap_or(false)
    }

    /// The proxies that it believes.
    #[must_use]
    pub fn proxies(&self) -> &Proxies {
        &self.proxies
    }

    /// Whether a password may come this way: under TLS, or from this machine itself. A proxy's
    /// headers say that the sender is really elsewhere and end the exemption, unless it is a
    /// trusted proxy that vouches for TLS.
    pub(crate) fn takes_passwords(
        &self,
        connection: Option<&Connection>,
        headers: &HeaderMap,
    ) -> bool {
        connection.is_some_and(|it| self.proxies.sender(it, headers).is_private())
    }
}

/// RFC 9112 §3.2: an absolute target beats the `Host` header, and exactly one host is named.
fn host(uri: &Uri, headers: &HeaderMap) -> Result<Authority, Problem> {
    if let Some(authority) = uri.authority() {
        return Ok(authority.clone());
    }
    let mut hosts = headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => Authority::try_from(host.as_bytes())
            .ok()
            .filter(|authority| !authority.as_str().contains('@')),
        _ => None,
    }
    .ok_or_else(|| Problem::new(&problem::MALFORMED, "one Host header with one host is needed"))
}

/// The guard as middleware.
pub(crate) async fn guard(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    match guard.check(request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

/// What pages of allowed origins may do; `None` while there are none.
pub(crate) fn cors(config: &Config) -> Option<CorsLayer> {
    /// Browsers ask again after this long whether they may.
    const MAX_AGE: std::time::Duration = std::time::Duration::from_secs(3600);
    let origins: Vec<_> = config.allowed_origins.iter().map(|o| o.as_header().clone()).collect();
    (!origins.is_empty()).then(|| {
        CorsLayer::new()
            .allow_origin(AllowOrigin::list(origins))
            .allow_methods([
                Method::GET,
                Method::HEAD,
                Method::POST,
                Method::PUT,
                Method::PATCH,
                Method::DELETE,
            ])
            .allow_headers([
                header::AUTHORIZATION,
                header::CONTENT_TYPE,
                header::CONTENT_DISPOSITION,
                header::RANGE,
                header::IF_NONE_MATCH,
                IDEMPOTENCY_KEY,
                UPLOAD_OFFSET,
            ])
            .expose_headers([
                header::LOCATION,
                header::RETRY_AFTER,
                header::ETAG,
                header::CONTENT_RANGE,
                header::CONTENT_DISPOSITION,
                IDEMPOTENCY_KEY,
                UPLOAD_OFFSET,
                UPLOAD_LENGTH,
                UPLOAD_COMPLETE,
                UPLOAD_LIMIT,
            ])
            .max_age(MAX_AGE)
    })
}

/// Puts on every answer what keeps a browser from sniffing, framing, caching or leaking it.
/// What a handler has said itself stands.
pub(crate) async fn secure(mut response: Response) -> Response {
    const HEADERS: [(HeaderName, &str); 6] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        // Answers are one person's, and the newest is the only right one.
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}
