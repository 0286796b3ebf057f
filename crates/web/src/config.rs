//! What the operator decides about the REST tier.

use std::{fmt, net::SocketAddr, str::FromStr};

use anser_blobs::Blobs;
use http::{HeaderValue, Uri};
use ipnet::IpNet;

use crate::{gateways::Gateways, metrics::HttpMetrics, pace::Rates};

/// What [`router`](crate::router) is built from. The default is the safe one: loopback and IP
/// address hosts only, same origin only, no registration, no proxy trusted.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Names, without port, that the `Host` header may have beside `localhost`, its subdomains
    /// and IP addresses.
    pub allowed_hosts: Vec<String>,
    /// Origins of other sites whose pages may call, beside the server's own. Each gets CORS
    /// headers; there are none at all while this is empty.
    pub allowed_origins: Vec<Origin>,
    /// Whether people may make their own accounts. The SM has the last word.
    pub registration: Registration,
    /// Where a signed-in device may link. Told at login.
    pub gateways: Gateways,
    /// Proxies that speak HTTP on the server's behalf: what they say in `Forwarded` or
    /// `X-Forwarded-For` and `-Proto` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Where the bytes of files are. In memory unless said otherwise.
    pub blobs: Blobs,
    /// How fast one address may call.
    pub rates: Rates,
    /// Where requests are counted.
    pub metrics: HttpMetrics,
}

/// Who may make accounts with `POST /v1/users`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Registration {
    /// Administrators.
    #[default]
    Closed,
    /// Everyone.
    Open,
}

/// The connection a request came by. The accept loop puts it into the request's extensions;
/// without it a request counts as one from afar without TLS, and no password is taken from it.
#[derive(Clone, Copy, Debug)]
pub struct Connection {
    /// The far end, after the PROXY protocol if there was one.
    pub remote: SocketAddr,
    /// Whether it is under TLS, here or up to whoever sent the PROXY header.
    pub tls: bool,
    /// Whether a PROXY protocol header came first.
    pub proxied: bool,
}

/// A web origin: `https://app.example` or `http://127.0.0.1:3000`.
#[derive(Clone, PartialEq, Eq)]
pub struct Origin(HeaderValue);

/// Why a text is no origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OriginError;

impl fmt::Display for OriginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "an origin is http://HOST or https://HOST, with :PORT where it is not the usual one, \
             and no path",
        )
    }
}

impl std::error::Error for OriginError {}

impl Origin {
    /// As browsers send it.
    #[must_use]
    pub fn as_header(&self) -> &HeaderValue {
        &self.0
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        // Browsers serialise origins in lower case (RFC 6454 §6.2).
        let text = text.to_ascii_lowercase();
        let uri: Uri = text.parse().map_err(|_| OriginError)?;
        let scheme = uri.scheme_str().filter(|s| ["http", "https"].contains(s));
        let authority = uri.authority().filter(|a| !a.as_str().contains('@'));
        let (Some(scheme), Some(authority)) = (scheme, authority) else { return Err(OriginError) };
        if text != format!("{scheme}://{authority}") {
            return Err(OriginError);
        }
        HeaderValue::from_str(&text).map(Self).map_err(|_| OriginError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_have_a_scheme_and_a_host_and_nothing_else() {
        for good in ["https://app.example", "http://127.0.0.1:3000", "http://[::1]:80"] {
            assert_eq!(good.parse::<Origin>().unwrap().as_header(), good);
        }
        assert_eq!(
            "HTTPS://App.Example".parse::<Origin>().unwrap().as_header(),
            "https://app.example"
        );
        for bad in
            ["*", "null", "", "app.example", "ftp://a", "https://a/", "https://a/b", "https://u@a"]
        {
            assert!(bad.parse::<Origin>().is_err(), "{bad}");
        }
    }
}
