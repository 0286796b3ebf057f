//! Ports for connections that this machine opens itself: to callbacks, or as a load generator.

use super::{Check, Finding, Patient};

pub(super) const CHECK: Check =
    Check { name: "local ports", reads: "/proc/sys/net/ipv4/ip_local_port_range", look };

/// A proxy on this machine opens one for each link that it passes on.
const ENOUGH: u64 = 28_000;

fn look(patient: &Patient<'_>) -> Vec<Finding> {
    vec![verdict(patient.machine.numbers("/proc/sys/net/ipv4/ip_local_port_range").as_deref())]
}

fn verdict(range: Option<&[u64]>) -> Finding {
    let Some(&[low, high]) = range else {
        return Finding::unknown("net.ipv4.ip_local_port_range cannot be read");
    };
    let ports = (high + 1).saturating_sub(low);
    if ports >= ENOUGH {
        return Finding::ok(format!("{ports} ports, {low} to {high}"));
    }
    Finding::warn(
        format!("only {ports} ports: a proxy here passes on no more links to one address"),
        "sysctl -w net.ipv4.ip_local_port_range=\"10240 65535\"",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn narrow_ranges_are_told() {
        assert_eq!(verdict(Some(&[32768, 60999])).verdict, Verdict::Ok);
        assert_eq!(verdict(Some(&[60000, 61000])).verdict, Verdict::Warn);
        assert_eq!(verdict(Some(&[1])).verdict, Verdict::Unknown);
    }
}
