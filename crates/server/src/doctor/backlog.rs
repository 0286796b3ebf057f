//! Connections that wait to be accepted, when everyone comes back at once.

use super::{Check, Finding, Patient};

pub(super) const CHECK: Check = Check {
    name: "accept queues",
    reads: "/proc/sys/net/core/somaxconn, /proc/sys/net/ipv4/tcp_max_syn_backlog, tcp_syncookies",
    look,
};

/// What the listeners ask for.
const BACKLOG: u64 = 4096;

fn look(patient: &Patient<'_>) -> Vec<Finding> {
    let rows = [
        ("net.core.somaxconn", "/proc/sys/net/core/somaxconn"),
        ("net.ipv4.tcp_max_syn_backlog", "/proc/sys/net/ipv4/tcp_max_syn_backlog"),
    ];
    let mut findings: Vec<_> =
        rows.iter().map(|(name, path)| verdict(name, patient.machine.number(path))).collect();
    if patient.machine.number("/proc/sys/net/ipv4/tcp_syncookies") == Some(0) {
        findings.push(Finding::warn(
            "without SYN cookies a flood of half-open connections keeps everyone out",
            "sysctl -w net.ipv4.tcp_syncookies=1",
        ));
    }
    findings
}

fn verdict(name: &str, value: Option<u64>) -> Finding {
    match value {
        None => Finding::unknown(format!("{name} cannot be read")),
        Some(value) if value >= BACKLOG => Finding::ok(format!("{name} is {value}")),
        Some(value) => Finding::warn(
            format!("{name} is {value}: of more that come at once some are dropped"),
            format!("sysctl -w {name}={BACKLOG}"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn short_queues_are_told() {
        assert_eq!(verdict("x", Some(4096)).verdict, Verdict::Ok);
        assert_eq!(verdict("x", Some(128)).verdict, Verdict::Warn);
        assert_eq!(verdict("x", None).verdict, Verdict::Unknown);
    }
}
