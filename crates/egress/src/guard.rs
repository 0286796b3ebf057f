//! Which addresses may be reached: everybody's, and nobody's own network.
//!
//! An address that a user names is the user's wish, and the server stands where the user does
//! not: beside databases, metadata services and consoles that trust their network. So what is not
//! plainly public is refused, unless the operator has listed it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// IPv4 networks that are not the public Internet.
/// <https://www.iana.org/assignments/iana-ipv4-special-registry>
const REFUSED_V4: &[(Ipv4Net, &str)] = &[
    (v4(0, 0, 0, 0, 8), "this host (RFC 791)"),
    (v4(10, 0, 0, 0, 8), "private (RFC 1918)"),
    (v4(100, 64, 0, 0, 10), "shared by carriers (RFC 6598), and one cloud's metadata"),
    (v4(127, 0, 0, 0, 8), "loopback"),
    (v4(168, 63, 129, 16, 32), "one cloud's metadata"),
    (v4(169, 254, 0, 0, 16), "link-local (RFC 3927), and most clouds' metadata"),
    (v4(172, 16, 0, 0, 12), "private (RFC 1918)"),
    (v4(192, 0, 0, 0, 24), "protocol assignments (RFC 6890), and one cloud's metadata"),
    (v4(192, 0, 2, 0, 24), "documentation (RFC 5737)"),
    (v4(192, 88, 99, 0, 24), "6to4 relays (RFC 7526)"),
    (v4(192, 168, 0, 0, 16), "private (RFC 1918)"),
    (v4(198, 18, 0, 0, 15), "benchmarks (RFC 2544)"),
    (v4(198, 51, 100, 0, 24), "documentation (RFC 5737)"),
    (v4(203, 0, 113, 0, 24), "documentation (RFC 5737)"),
    (v4(224, 0, 0, 0, 4), "multicast"),
    (v4(240, 0, 0, 0, 4), "reserved, and broadcast"),
];

/// Of IPv6 only global unicast is public at all.
const PUBLIC_V6: Ipv6Net = v6([0x2000, 0, 0], 3);

/// What is not public even so.
/// <https://www.iana.org/assignments/iana-ipv6-special-registry>
const REFUSED_V6: &[(Ipv6Net, &str)] = &[
    (v6([0x2001, 0, 0], 23), "protocol assignments, Teredo among them (RFC 2928)"),
    (v6([0x2001, 0xdb8, 0], 32), "documentation (RFC 3849)"),
    (v6([0x2002, 0, 0], 16), "6to4, which hides an IPv4 address (RFC 3056)"),
    (v6([0x3fff, 0, 0], 20), "documentation (RFC 9637)"),
];

/// NAT64's own prefix: the last 32 bits are an IPv4 address (RFC 6052 §2.1).
const NAT64: Ipv6Net = v6([0x64, 0xff9b, 0], 96);

/// The rule.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    allow: Vec<IpNet>,
}

impl Guard {
    /// The rule with the operator's exceptions.
    #[must_use]
    pub fn new(allow: Vec<IpNet>) -> Self {
        Self { allow }
    }

    /// Whether the operator has listed the address: then even plain HTTP may go there.
    #[must_use]
    pub fn listed(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        self.allow.iter().any(|net| net.contains(&ip))
    }

    /// Whether the operator has listed any.
    #[must_use]
    pub fn lists_any(&self) -> bool {
        !self.allow.is_empty()
    }

    /// Why the address may not be reached; `None` when it may.
    #[must_use]
    pub fn objection(&self, ip: IpAddr) -> Option<&'static str> {
        if self.listed(ip) {
            return None;
        }
        // ::ffff:a.b.c.d is a.b.c.d.
        match ip.to_canonical() {
            IpAddr::V4(ip) => objection_v4(ip),
            IpAddr::V6(ip) => objection_v6(ip),
        }
    }
}

fn objection_v4(ip: Ipv4Addr) -> Option<&'static str> {
    REFUSED_V4.iter().find(|(net, _)| net.contains(&ip)).map(|(_, why)| *why)
}

fn objection_v6(ip: Ipv6Addr) -> Option<&'static str> {
    if NAT64.contains(&ip) {
        let [.., a, b, c, d] = ip.octets();
        return objection_v4(Ipv4Addr::new(a, b, c, d));
    }
    if !PUBLIC_V6.contains(&ip) {
        return Some("not global unicast (RFC 4291)");
    }
    REFUSED_V6.iter().find(|(net, _)| net.contains(&ip)).map(|(_, why)| *why)
}

const fn v4(a: u8, b: u8, c: u8, d: u8, bits: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), bits)
}

const fn v6(head: [u16; 3], bits: u8) -> Ipv6Net {
    let [a, b, c] = head;
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(guard: &Guard, ip: &str) -> bool {
        guard.objection(ip.parse().unwrap()).is_some()
    }

    #[test]
    fn what_is_not_public_is_refused_however_it_is_written() {
        let guard = Guard::default();
        for ip in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.255.255.254",
            "168.63.129.16",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.250",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::7f00:1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(refused(&guard, ip), "{ip}");
        }
    }

    #[test]
    fn the_public_internet_is_reached() {
        let guard = Guard::default();
        for ip in [
            "1.1.1.1",
            "8.8.8.8",
            "172.15.255.255",
            "172.32.0.1",
            "100.128.0.1",
            "192.167.255.255",
            "223.255.255.255",
            "2606:4700:4700::1111",
            "2001:4860:4860::8888",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
        ] {
            assert!(!refused(&guard, ip), "{ip}");
        }
    }

    #[test]
    fn the_operator_may_list_networks() {
        let guard = Guard::new(vec!["10.7.0.0/16".parse().unwrap(), "fd00::/8".parse().unwrap()]);
        assert!(!refused(&guard, "10.7.1.1"));
        assert!(!refused(&guard, "::ffff:10.7.1.1"));
        assert!(!refused(&guard, "fd12::1"));
        assert!(refused(&guard, "10.8.1.1"));
        assert!(refused(&guard, "127.0.0.1"));
        assert!(guard.listed("10.7.1.1".parse().unwrap()));
        assert!(!guard.listed("8.8.8.8".parse().unwrap()));
    }
}
