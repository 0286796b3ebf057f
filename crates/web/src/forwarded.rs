//! For whom a request was sent: by the connection, and by the headers of proxies that are
//! believed.

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, header};
use ipnet::IpNet;

use crate::config::Connection;

/// Headers by which proxies say for whom they speak.
const FORWARDED: [HeaderName; 5] = [
    header::FORWARDED,
    header::VIA,
    X_FORWARDED_FOR,
    X_FORWARDED_PROTO,
    HeaderName::from_static("x-real-ip"),
];
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Proxies whose headers are believed.
#[derive(Clone, Debug, Default)]
pub struct Proxies(Vec<IpNet>);

/// Who sent a request, as far as can be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sender {
    /// Where they are: the last address on the way that is no believed proxy's.
    pub address: IpAddr,
    /// Whether they may be elsewhere than the connection's far end.
    pub proxied: bool,
    /// Whether their request was under TLS.
    pub tls: bool,
}

impl Sender {
    /// Whether nobody on the way could read along.
    #[must_use]
    pub fn is_private(&self) -> bool {
        self.tls || (self.address.is_loopback() && !self.proxied)
    }
}

impl Proxies {
    /// These networks.
    #[must_use]
    pub fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    /// Who sent a request that came by `connection` with `headers`.
    #[must_use]
    pub fn sender(&self, connection: &Connection, headers: &HeaderMap) -> Sender {
        let address = connection.remote.ip().to_canonical();
        let Connection { tls, proxied, .. } = *connection;
        if !FORWARDED.iter().any(|name| headers.contains_key(name)) {
            return Sender { address, proxied, tls };
        }
        // A header that anybody may have written tells one thing: that it may not be them.
        if !self.believes(address) {
            return Sender { address, proxied: true, tls };
        }
        let hops = hops(headers);
        let mut sender = Sender { address, proxied: true, tls: tls || is_https(&hops, headers) };
        for hop in hops.iter().rev() {
            // What stands left of something unreadable was not written by a proxy of ours.
            let Some(address) = hop.address else { break };
            sender.address = address;
            if !self.believes(address) {
                break;
            }
        }
        sender
    }

    fn believes(&self, address: IpAddr) -> bool {
        self.0.iter().any(|net| net.contains(&address))
    }
}

/// One proxy's word on whom it got the request from.
#[derive(Default)]
struct Hop {
    address: Option<IpAddr>,
    https: Option<bool>,
}

/// The way of a request, nearest hop last. RFC 7239 wins over what came before it.
fn hops(headers: &HeaderMap) -> Vec<Hop> {
    if headers.contains_key(header::FORWARDED) {
        return elements(headers, &header::FORWARDED).map(forwarded).collect();
    }
    elements(headers, &X_FORWARDED_FOR)
        .map(|node| Hop { address: address(node), https: None })
        .collect()
}

fn elements<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    // A value that is no text is an element that cannot be read.
    let values = headers.get_all(name).iter().map(|value| value.to_str().unwrap_or_default());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

/// RFC 7239 §4. Nothing that is of use here holds a comma or semicolon in quotes.
fn forwarded(element: &str) -> Hop {
    let mut hop = Hop::default();
    for (name, value) in element.split(';').filter_map(|pair| pair.split_once('=')) {
        let value = value.trim().trim_matches('"');
        match name.trim() {
            name if name.eq_ignore_ascii_case("for") => hop.address = address(value),
            name if name.eq_ignore_ascii_case("proto") => {
                hop.https = Some(value.eq_ignore_ascii_case("https"));
            }
            _ => {}
        }
    }
    hop
}

/// An address with or without a port: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`.
fn address(node: &str) -> Option<IpAddr> {
    let bare = || node.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let with_port = || Some(node.parse::<std::net::SocketAddr>().ok()?.ip());
    node.parse().ok().or_else(bare).or_else(with_port).map(|ip: IpAddr| ip.to_canonical())
}

/// What the nearest proxy says its own side was.
fn is_https(hops: &[Hop], headers: &HeaderMap) -> bool {
    match hops.last().and_then(|hop| hop.https) {
        Some(https) => https,
        None => elements(headers, &X_FORWARDED_PROTO)
            .last()
            .is_some_and(|proto| proto.eq_ignore_ascii_case("https")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sender(peer: &str, headers: &[(&'static str, &str)]) -> (String, bool) {
        let proxies = Proxies::new(vec!["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()]);
        let remote = format!("{peer}:1").parse().unwrap();
        let connection = Connection { remote, tls: false, proxied: false };
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let sender = proxies.sender(&connection, &map);
        (sender.address.to_string(), sender.tls)
    }

    #[test]
    fn the_last_address_that_no_believed_proxy_has_is_the_senders() {
        for (peer, headers, address) in [
            ("192.0.2.9", &[("x-forwarded-for", "1.2.3.4")][..], "192.0.2.9"),
            ("10.0.0.1", &[("x-forwarded-for", "192.0.2.1")], "192.0.2.1"),
            ("10.0.0.1", &[("x-forwarded-for", "6.6.6.6, 192.0.2.1, 10.9.9.9")], "192.0.2.1"),
            (
                "10.0.0.1",
                &[("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "192.0.2.1")],
                "192.0.2.1",
            ),
            ("10.0.0.1", &[("x-forwarded-for", "10.0.0.2, 10.0.0.3")], "10.0.0.2"),
            ("10.0.0.1", &[("x-forwarded-for", "192.0.2.1, unknown, 10.0.0.3")], "10.0.0.3"),
            ("10.0.0.1", &[("x-forwarded-for", "not an address")], "10.0.0.1"),
            ("10.0.0.1", &[("forwarded", "for=192.0.2.1;proto=https;by=10.0.0.1")], "192.0.2.1"),
            ("10.0.0.1", &[("forwarded", "for=\"[2001:db8::1]:4711\"")], "2001:db8::1"),
            ("10.0.0.1", &[("forwarded", "for=6.6.6.6, For=192.0.2.7")], "192.0.2.7"),
            (
                "10.0.0.1",
                &[("forwarded", "for=192.0.2.7"), ("x-forwarded-for", "6.6.6.6")],
                "192.0.2.7",
            ),
            ("[::1]", &[("x-forwarded-for", "::ffff:192.0.2.1")], "192.0.2.1"),
            ("10.0.0.1", &[("x-forwarded-for", "192.0.2.1:5")], "192.0.2.1"),
        ] {
            assert_eq!(sender(peer, headers).0, address, "{peer} {headers:?}");
        }
    }

    #[test]
    fn only_the_nearest_proxy_is_heard_about_tls_and_only_if_it_is_believed() {
        for (peer, headers, tls) in [
            ("10.0.0.1", &[("x-forwarded-proto", "https")][..], true),
            ("10.0.0.1", &[("x-forwarded-proto", "https, http")], false),
            ("10.0.0.1", &[("forwarded", "for=1.1.1.1;proto=HTTPS")], true),
            (
                "10.0.0.1",
                &[("forwarded", "for=1.1.1.1;proto=https, for=10.0.0.3;proto=http")],
                false,
            ),
            ("192.0.2.9", &[("x-forwarded-proto", "https")], false),
            ("10.0.0.1", &[], false),
        ] {
            assert_eq!(sender(peer, headers).1, tls, "{peer} {headers:?}");
        }
    }
}
