//! The opening handshake (RFC 6455 §4.2) and who may open at all.

use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderMap, Method, StatusCode, header};

use super::frame::Opcode;
use crate::SessionFactory;

/// RFC 6455 §1.3
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// What a protocol's messages are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageKind {
    /// UTF-8 text.
    Text,
    /// Bytes.
    Binary,
}

impl MessageKind {
    pub(super) fn opcode(self) -> Opcode {
        match self {
            Self::Text => Opcode::Text,
            Self::Binary => Opcode::Binary,
        }
    }
}

/// A protocol spoken over WebSocket.
#[derive(Clone)]
pub struct WebSocketProtocol {
    /// Its subprotocol name (RFC 6455 §1.9).
    pub name: &'static str,
    /// What its messages are.
    pub kind: MessageKind,
    /// Makes its sessions.
    pub sessions: SessionFactory,
}

/// Which protocols a path speaks, and to whom.
#[derive(Clone)]
pub struct WebSockets {
    /// The protocols. A client that offers none gets the first one.
    pub protocols: Vec<WebSocketProtocol>,
    /// Origins whose pages may connect beside those of the same host, such as
    /// `https://chat.example.org`; `*` is any.
    pub origins: Vec<Box<str>>,
    /// Names by which this server may be called, so that a page cannot reach it under a name
    /// of its own that resolves here; empty is any. `localhost` and addresses always may.
    pub hosts: Vec<Box<str>>,
}

/// A handshake that was accepted.
pub(super) struct Accepted<'a> {
    /// `Sec-WebSocket-Accept`.
    pub(super) accept: String,
    pub(super) protocol: &'a WebSocketProtocol,
    /// Whether to say which one.
    pub(super) named: bool,
}

/// Why a handshake was not accepted.
pub(super) type Rejected = (StatusCode, &'static str);

impl WebSockets {
    pub(super) fn accept(
        &self,
        method: &Method,
        headers: &HeaderMap,
    ) -> Result<Accepted<'_>, Rejected> {
        if method != Method::GET {
            return Err((StatusCode::METHOD_NOT_ALLOWED, "a WebSocket begins with GET"));
        }
        if !lists(headers, header::CONNECTION, "upgrade")
            || !lists(headers, header::UPGRADE, "websocket")
        {
            return Err((StatusCode::UPGRADE_REQUIRED, "this path speaks WebSocket"));
        }
        if text(headers, header::SEC_WEBSOCKET_VERSION) != Some("13") {
            // RFC 6455 §4.4
            return Err((StatusCode::UPGRADE_REQUIRED, "WebSocket version 13 is spoken here"));
        }
        let key = text(headers, header::SEC_WEBSOCKET_KEY).unwrap_or_default();
        if BASE64_STANDARD.decode(key).is_ok_and(|nonce| nonce.len() == 16) {
            self.check_caller(headers)?;
        } else {
            return Err((StatusCode::BAD_REQUEST, "Sec-WebSocket-Key is not 16 bytes in base64"));
        }
        let (protocol, named) = self.negotiate(headers)?;
        let mut sha1 = sha1_smol::Sha1::from(key);
        sha1.update(GUID);
        let accept = BASE64_STANDARD.encode(sha1.digest().bytes());
        Ok(Accepted { accept, protocol, named })
    }

    /// The client's first choice that is spoken here.
    fn negotiate(&self, headers: &HeaderMap) -> Result<(&WebSocketProtocol, bool), Rejected> {
        const NONE: Rejected = (StatusCode::BAD_REQUEST, "none of these subprotocols is spoken");
        if !headers.contains_key(header::SEC_WEBSOCKET_PROTOCOL) {
            return Ok((self.protocols.first().ok_or(NONE)?, false));
        }
        words(headers, header::SEC_WEBSOCKET_PROTOCOL)
            .find_map(|name| self.protocols.iter().find(|it| it.name == name))
            .map(|protocol| (protocol, true))
            .ok_or(NONE)
    }

    /// Browsers let any page connect anywhere; it is for the server to look where from (§10.2).
    fn check_caller(&self, headers: &HeaderMap) -> Result<(), Rejected> {
        let host = text(headers, header::HOST)
            .ok_or((StatusCode::BAD_REQUEST, "a request names its host"))?;
        if !self.is_our_name(host) {
            return Err((StatusCode::FORBIDDEN, "this server does not go by that name"));
        }
        // Only browsers send an origin, and they always do.
        let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
        let origin = origin.to_str().unwrap_or_default();
        let same = ["http", "https"].iter().any(|scheme| {
            origin.split_once("://").is_some_and(|(its, authority)| {
                its.eq_ignore_ascii_case(scheme)
                    && with_port(authority, scheme) == with_port(host, scheme)
            })
        });
        let listed = self.origins.iter().any(|it| **it == *"*" || it.eq_ignore_ascii_case(origin));
        if same || listed {
            Ok(())
        } else {
            Err((StatusCode::FORBIDDEN, "pages of this origin may not connect"))
        }
    }

    fn is_our_name(&self, host: &str) -> bool {
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
            _ => host,
        };
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        self.hosts.is_empty()
            || bare.parse::<std::net::IpAddr>().is_ok()
            || name.eq_ignore_ascii_case("localhost")
            || self.hosts.iter().any(|it| it.eq_ignore_ascii_case(name))
    }
}

fn with_port(authority: &str, scheme: &str) -> String {
    let default = if scheme == "https" { ":443" } else { ":80" };
    let lower = authority.to_ascii_lowercase();
    lower.strip_suffix(default).unwrap_or(&lower).to_owned()
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

fn words(headers: &HeaderMap, name: header::HeaderName) -> impl Iterator<Item = &str> {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
}

fn lists(headers: &HeaderMap, name: header::HeaderName, wanted: &str) -> bool {
    words(headers, name).any(|word| word.eq_ignore_ascii_case(wanted))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn sockets() -> WebSockets {
        let row = |name, kind| WebSocketProtocol {
            name,
            kind,
            sessions: Arc::new(|_| unreachable!("no session is made in these tests")),
        };
        WebSockets {
            protocols: vec![row("anser", MessageKind::Binary), row("xmpp", MessageKind::Text)],
            origins: vec!["https://chat.example.org".into()],
            hosts: vec!["im.example.org".into()],
        }
    }

    /// RFC 6455 §1.3's own example, with `changes` over it; an empty value takes a header away.
    fn ask(changes: &[(&'static str, &str)]) -> Result<(String, &'static str, bool), u16> {
        let mut headers = HeaderMap::new();
        let usual = [
            ("host", "im.example.org"),
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        for (name, value) in usual.iter().chain(changes) {
            headers.insert(*name, value.parse().unwrap());
            if value.is_empty() {
                headers.remove(*name);
            }
        }
        sockets()
            .accept(&Method::GET, &headers)
            .map(|it| (it.accept, it.protocol.name, it.named))
            .map_err(|(status, _)| status.as_u16())
    }

    #[test]
    fn the_rfcs_example_is_accepted() {
        let accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=".to_owned();
        assert_eq!(ask(&[]), Ok((accept, "anser", false)));
        let sockets = sockets();
        let posted = sockets.accept(&Method::POST, &HeaderMap::new());
        assert_eq!(posted.err().unwrap().0, StatusCode::METHOD_NOT_ALLOWED);
    }

    #[test]
    fn what_is_missing_or_wrong_is_told_by_its_status() {
        for (name, value, status) in [
            ("connection", "", 426),
            ("upgrade", "h2c", 426),
            ("sec-websocket-version", "8", 426),
            ("sec-websocket-key", "", 400),
            ("sec-websocket-key", "c2hvcnQ=", 400),
            ("sec-websocket-protocol", "soap", 400),
            ("host", "", 400),
            ("host", "evil.example", 403),
            ("origin", "https://evil.example", 403),
            ("origin", "null", 403),
            ("origin", "https://im.example.org:8443", 403),
        ] {
            assert_eq!(ask(&[(name, value)]), Err(status), "{name}: {value}");
        }
    }

    #[test]
    fn same_host_listed_origins_and_programs_may_connect() {
        for changes in [
            &[("origin", "https://im.example.org")][..],
            &[("origin", "http://IM.example.org:80")],
            &[("origin", "https://chat.example.org")],
            &[("host", "localhost:8080"), ("origin", "http://localhost:8080")],
            &[("host", "127.0.0.1:8080")],
            &[("host", "[::1]:8080")],
        ] {
            assert!(ask(changes).is_ok(), "{changes:?}");
        }
    }

    #[test]
    fn the_clients_first_choice_counts() {
        let offer = |it| ask(&[("sec-websocket-protocol", it)]).map(|it| (it.1, it.2));
        assert_eq!(offer("soap, xmpp, anser"), Ok(("xmpp", true)));
        assert_eq!(offer("anser"), Ok(("anser", true)));
    }
}
