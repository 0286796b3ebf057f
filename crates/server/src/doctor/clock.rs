//! The clock: client ids and tokens carry times, and a server that is minutes off refuses them.

use super::{Check, Finding, Patient};

pub(super) const CHECK: Check = Check {
    name: "clock",
    reads: "/run/systemd/timesync/synchronized, /run/chrony, /run/ntpd.pid, /sys/devices/system/clocksource/clocksource0/current_clocksource",
    look,
};

/// 2025-01-01: earlier, it was never set.
const LATELY: i64 = 1_735_689_600;

fn look(patient: &Patient<'_>) -> Vec<Finding> {
    let machine = &patient.machine;
    let kept = ["/run/systemd/timesync/synchronized", "/run/chrony", "/run/ntpd.pid"];
    let kept = kept.into_iter().find(|path| machine.has(path));
    let source = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
    let mut findings = vec![verdict(patient.now, kept)];
    findings.extend(machine.read(source).as_deref().map(cost));
    findings
}

fn verdict(now: i64, kept: Option<&str>) -> Finding {
    if now < LATELY {
        return Finding::bad("the clock was never set", "timedatectl set-ntp true");
    }
    match kept {
        Some(path) => Finding::ok(format!("it is kept ({path})")),
        None => Finding::warn(
            "nothing here keeps it; in a container its host may",
            "timedatectl set-ntp true, or apt-get install chrony",
        ),
    }
}

/// What reading it costs.
fn cost(source: &str) -> Finding {
    match source {
        "hpet" | "acpi_pm" | "jiffies" | "refined-jiffies" => Finding::warn(
            format!("the clock source is {source}: each look at the time is a slow system call"),
            "echo tsc > /sys/devices/system/clocksource/clocksource0/current_clocksource",
        ),
        source => Finding::ok(format!("the clock source is {source}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn a_clock_that_nobody_keeps_is_told() {
        assert_eq!(verdict(0, Some("x")).verdict, Verdict::Bad);
        assert_eq!(verdict(LATELY, None).verdict, Verdict::Warn);
        assert_eq!(verdict(LATELY, Some("x")).verdict, Verdict::Ok);
        assert_eq!((cost("tsc").verdict, cost("hpet").verdict), (Verdict::Ok, Verdict::Warn));
    }
}
