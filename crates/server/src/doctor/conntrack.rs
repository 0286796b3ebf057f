//! The firewall's table of connections: full, it drops new ones without a word.

use super::{Check, Finding, Patient};

pub(super) const CHECK: Check = Check {
    name: "connection tracking",
    reads: "/proc/sys/net/netfilter/nf_conntrack_max, nf_conntrack_count",
    look,
};

fn look(patient: &Patient<'_>) -> Vec<Finding> {
    let value = |name: &str| patient.machine.number(&format!("/proc/sys/net/netfilter/{name}"));
    vec![verdict(value("nf_conntrack_count"), value("nf_conntrack_max"), patient.links)]
}

fn verdict(count: Option<u64>, most: Option<u64>, links: u64) -> Finding {
    let (Some(count), Some(most)) = (count, most) else {
        return Finding::ok("connections are not tracked");
    };
    let mend = format!("sysctl -w net.netfilter.nf_conntrack_max={}", links.max(most) * 2);
    let found = format!("{count} of {most} connections are tracked");
    if count * 10 >= most * 9 {
        Finding::bad(format!("{found}: new ones are about to be dropped"), mend)
    } else if most < links {
        Finding::warn(format!("{found}, and the settings allow for {links} links"), mend)
    } else {
        Finding::ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn a_table_that_fills_up_is_told() {
        assert_eq!(verdict(Some(10), Some(262_144), 100_000).verdict, Verdict::Ok);
        assert_eq!(verdict(Some(10), Some(65_536), 100_000).verdict, Verdict::Warn);
        assert_eq!(verdict(Some(60_000), Some(65_536), 1).verdict, Verdict::Bad);
        assert_eq!(verdict(None, None, 1).verdict, Verdict::Ok);
    }
}
