//! What may stand as a picture: a file here, or an address out there.
//!
//! The server never visits one; whoever sees it does, from where they are. So it must not lead a
//! client to run something, to show whom it belongs to, or to knock at its own network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use anser_domain::{FileId, Refusal};
use url::{Host, Url};

/// What files are fetched under.
const FILES: &str = "/v1/files/";

/// Whether this may be shown as a picture; empty is none.
///
/// # Errors
/// Says what is wrong with it.
pub(super) fn acceptable(avatar: &str) -> Result<(), Refusal> {
    if avatar.is_empty() || is_file(avatar) {
        return Ok(());
    }
    // Parsers pass over some of these, each over others.
    if avatar.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
        return Err(Refusal::Invalid("an avatar has no spaces and no control characters"));
    }
    let url = Url::parse(avatar).ok().filter(|it| matches!(it.scheme(), "http" | "https"));
    let Some(url) = url else {
        return Err(Refusal::Invalid("an avatar is the id of a file, https://… or http://…"));
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Refusal::Invalid("an avatar's address names no user and no password"));
    }
    // As browsers read it, numbers of any base among them.
    let public = match url.host() {
        Some(Host::Domain(name)) => !is_localhost(name),
        Some(Host::Ipv4(ip)) => is_public_v4(ip),
        Some(Host::Ipv6(ip)) => is_public_v6(ip),
        None => false,
    };
    let inside = Refusal::Invalid("an avatar's address is not one of a private network");
    if public { Ok(()) } else { Err(inside) }
}

/// The id of a file, or where it or its thumbnail is fetched.
fn is_file(text: &str) -> bool {
    let id = text.strip_prefix(FILES).unwrap_or(text);
    let id = if id.len() < text.len() { id.strip_suffix("/thumbnail").unwrap_or(id) } else { id };
    id.parse::<FileId>().is_ok()
}

/// RFC 6761 §6.3. What other names lead to is known only to who asks for them.
fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name == "localhost" || name.ends_with(".localhost")
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    match ip.octets() {
        // This host, private, loopback.
        [0 | 10 | 127, ..] | [172, 16..=31, ..] | [192, 168, ..] => false,
        // Link-local and shared by carriers; clouds keep metadata in both.
        [169, 254, ..] | [100, 64..=127, ..] => false,
        // Multicast and beyond.
        [224..=255, ..] => false,
        _ => true,
    }
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => match ip.segments() {
            // 6to4 and Teredo, which hide an IPv4 address.
            [0x2002, ..] | [0x2001, 0, ..] => false,
            // Of IPv6 only global unicast is public (RFC 4291 §2.4).
            [0x2000..=0x3fff, ..] => true,
            _ => false,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_public_addresses_are_taken() {
        for avatar in [
            "",
            "7193520847613952",
            "/v1/files/7193520847613952",
            "/v1/files/7193520847613952/thumbnail",
            "https://example.org/a.png",
            "http://example.org:8080/a?b=c@d#e",
            "https://xn--bcher-kva.example/",
            "https://bücher.example/鸿雁.png",
            "https://8.8.8.8/a.png",
            "https://[2606:4700:4700::1111]/a.png",
            "https://localhost.example.org/",
        ] {
            assert_eq!(acceptable(avatar), Ok(()), "{avatar}");
        }
    }

    #[test]
    fn what_runs_leads_inside_or_misleads_is_not() {
        for avatar in [
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "java\nscript:alert(1)",
            "data:text/html,<script>alert(1)</script>",
            "data:image/svg+xml;base64,PHN2Zy8+",
            "file:///etc/passwd",
            "ftp://example.org/a.png",
            "blob:https://example.org/1",
            "//example.org/a.png",
            "a.png",
            "../../etc/passwd",
            "/v1/files/",
            "/v1/files/../me",
            "/v1/files/1/../../me",
            "7193520847613952/thumbnail",
            "https://",
            "https:///",
            "https://alice@example.org/",
            "https://alice:secret@example.org/",
            "https://example.org%2f@127.0.0.1/",
            "https://exa mple.org/",
            "https:\\\\example.org\\a.png",
            "http://127.0.0.1/",
            "http://127.0.0.1:8080/v1/me",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f000001/",
            "http://0x7f.1/",
            "http://0177.0.0.1/",
            "http://１２７.０.０.１/",
            "http://0/",
            "http://10.1.2.3/",
            "http://172.16.0.1/",
            "http://192.168.0.1/",
            "http://169.254.169.254/latest/meta-data",
            "http://100.100.100.200/",
            "http://224.0.0.1/",
            "http://255.255.255.255/",
            "http://[::]/",
            "http://[::1]/",
            "http://[::127.0.0.1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:a9fe:a9fe]/",
            "http://[64:ff9b::7f00:1]/",
            "http://[2002:7f00:1::1]/",
            "http://[fe80::1]/",
            "http://[fd00:ec2::254]/",
            "http://localhost/",
            "http://LOCALHOST./",
            "http://a.localhost:80/",
        ] {
            assert!(matches!(acceptable(avatar), Err(Refusal::Invalid(_))), "{avatar}");
        }
    }
}
