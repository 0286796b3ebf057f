//! Where a gateway is, as people write it: `tcp://host:7700`, `tls://…`, `ws://host/ws`, `wss://…`.

use std::{fmt, str::FromStr};

/// The native listener's default port.
const NATIVE_PORT: u16 = 7700;
/// Where a gateway's HTTP listener serves the native protocol.
const WEB_PATH: &str = "/ws";

/// How the bytes travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Frames over TCP.
    Tcp,
    /// Frames over TLS, on the same port as plain TCP.
    Tls,
    /// Frames in WebSocket binary messages.
    Ws,
    /// The same under TLS.
    Wss,
}

impl Scheme {
    const TABLE: [(Self, &'static str, u16); 4] = [
        (Self::Tcp, "tcp", NATIVE_PORT),
        (Self::Tls, "tls", NATIVE_PORT),
        (Self::Ws, "ws", 80),
        (Self::Wss, "wss", 443),
    ];

    /// The name in front of `://`.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::TABLE.iter().find(|row| row.0 == self).map_or("", |row| row.1)
    }

    /// Whether TLS protects the bytes.
    #[must_use]
    pub fn is_secure(self) -> bool {
        matches!(self, Self::Tls | Self::Wss)
    }
}

/// A gateway's address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// How to speak.
    pub scheme: Scheme,
    /// A DNS name or an IP address, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The path of a WebSocket; `/ws` unless the address says otherwise.
    pub path: String,
}

/// Why a text is no gateway address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a server address looks like tcp://HOST:PORT, tls://HOST:PORT, ws://HOST:PORT/ws or wss://HOST/ws"
)]
pub struct EndpointError;

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let (scheme, rest) = text.split_once("://").ok_or(EndpointError)?;
        let row = Scheme::TABLE.iter().find(|row| row.1 == scheme).ok_or(EndpointError)?;
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        let (host, port) = split_port(authority)?;
        if host.is_empty() || host.contains(['@', ' ']) {
            return Err(EndpointError);
        }
        let path = match (row.0, path) {
            (Scheme::Ws | Scheme::Wss, "" | "/") => WEB_PATH.to_owned(),
            (Scheme::Ws | Scheme::Wss, path) => path.to_owned(),
            (_, "" | "/") => String::new(),
            _ => return Err(EndpointError),
        };
        Ok(Self { scheme: row.0, host: host.to_owned(), port: port.unwrap_or(row.2), path })
    }
}

/// Splits `host`, `host:port` or `[v6]:port`.
fn split_port(authority: &str) -> Result<(&str, Option<u16>), EndpointError> {
    let (host, port) = if let Some(rest) = authority.strip_prefix('[') {
        let (host, rest) = rest.split_once(']').ok_or(EndpointError)?;
        (host, rest.strip_prefix(':'))
    } else {
        match authority.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        }
    };
    let port = port.map(|port| port.parse().map_err(|_| EndpointError)).transpose()?;
    Ok((host, port))
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scheme, host, port, path } = self;
        if host.contains(':') {
            write!(f, "{}://[{host}]:{port}{path}", scheme.name())
        } else {
            write!(f, "{}://{host}:{port}{path}", scheme.name())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_with_their_defaults() {
        for (text, full) in [
            ("tcp://localhost", "tcp://localhost:7700"),
            ("tls://[::1]:9", "tls://[::1]:9"),
            ("ws://127.0.0.1:8080", "ws://127.0.0.1:8080/ws"),
            ("wss://im.example/gate", "wss://im.example:443/gate"),
        ] {
            assert_eq!(text.parse::<Endpoint>().unwrap().to_string(), full);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for bad in ["localhost:7700", "http://x", "tcp://", "tcp://x:99999", "tcp://x/path"] {
            assert_eq!(bad.parse::<Endpoint>(), Err(EndpointError), "{bad}");
        }
    }
}
