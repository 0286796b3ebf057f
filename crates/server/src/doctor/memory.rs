//! Memory that may not be there when it is needed.

use super::{Check, Finding, Patient};

pub(super) const CHECK: Check = Check {
    name: "memory",
    reads: "/proc/meminfo, /proc/sys/vm/overcommit_memory, /sys/kernel/mm/transparent_hugepage/enabled",
    look,
};

/// An idle link's share of the process, in KiB: what `anser bench links` measures, and TLS.
const LINK_KIB: u64 = 4;

fn look(patient: &Patient<'_>) -> Vec<Finding> {
    let machine = &patient.machine;
    let mut findings = vec![room(machine.meminfo("MemAvailable"), patient.links)];
    if machine.number("/proc/sys/vm/overcommit_memory") == Some(2) {
        findings.push(Finding::warn(
            "memory is never promised twice (vm.overcommit_memory=2): a start may fail for want \
             of address space",
            "sysctl -w vm.overcommit_memory=0",
        ));
    }
    let huge = machine.read("/sys/kernel/mm/transparent_hugepage/enabled").unwrap_or_default();
    if huge.contains("[always]") {
        findings.push(Finding::warn(
            "transparent huge pages are always on: small allocations of many links take more",
            "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled",
        ));
    }
    findings
}

fn room(available: Option<u64>, links: u64) -> Finding {
    let Some(available) = available else {
        return Finding::unknown("/proc/meminfo cannot be read");
    };
    let found = format!("{} MiB are free for use", available / 1024);
    match available / LINK_KIB >= links {
        true => Finding::ok(found),
        false => Finding::warn(
            format!("{found}: enough for about {} links of {links} allowed", available / LINK_KIB),
            format!("[limits] links = {}, or more memory", (available / LINK_KIB).max(1)),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn links_that_do_not_fit_are_told() {
        assert_eq!(room(Some(8 << 20), 1_000_000).verdict, Verdict::Ok);
        assert_eq!(room(Some(1 << 20), 1_000_000).verdict, Verdict::Warn);
        assert_eq!(room(None, 1).verdict, Verdict::Unknown);
    }
}
