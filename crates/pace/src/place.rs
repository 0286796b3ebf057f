//! Where someone calls from, as limits count it.

use std::net::{IpAddr, Ipv6Addr};

/// An IPv4 address, or the network of 64 bits in which one IPv6 customer may take any address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place(IpAddr);

impl Place {
    /// The place of an address; `None` for this machine itself. Whoever runs programs here has
    /// better means than a flood, and a proxy that nobody configured would share one place with
    /// everyone behind it.
    #[must_use]
    pub fn of(address: IpAddr) -> Option<Self> {
        match address.to_canonical() {
            here if here.is_loopback() => None,
            IpAddr::V4(address) => Some(Self(address.into())),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Some(Self(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(address: &str) -> Option<Place> {
        Place::of(address.parse().unwrap())
    }

    #[test]
    fn neighbours_of_one_ipv6_network_are_one_place_and_this_machine_is_none() {
        assert_eq!(place("2001:db8:1:2::3"), place("2001:db8:1:2:ffff::4"));
        assert_ne!(place("2001:db8:1:2::3"), place("2001:db8:1:3::3"));
        assert_ne!(place("192.0.2.1"), place("192.0.2.2"));
        assert_eq!(place("::ffff:192.0.2.1"), place("192.0.2.1"));
        for here in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(place(here), None, "{here}");
        }
    }
}
