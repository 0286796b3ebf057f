//! RPS and RFS: spreading the work of few queues over all cores by software.

use super::{Check, Finding, Patient};

pub(super) const CHECK: Check = Check {
    name: "packet steering",
    reads: "/sys/class/net/*/queues/rx-*/rps_cpus, /proc/sys/net/core/rps_sock_flow_entries",
    look,
};

fn look(patient: &Patient<'_>) -> Vec<Finding> {
    let machine = &patient.machine;
    let cores = machine.cores();
    let flows = machine.number("/proc/sys/net/core/rps_sock_flow_entries").unwrap_or(0);
    let judge = |name: String| {
        let queues = machine.list(&format!("/sys/class/net/{name}/queues"));
        let masks: Vec<_> = queues
            .iter()
            .filter(|queue| queue.starts_with("rx-"))
            .filter_map(|queue| {
                machine.read(&format!("/sys/class/net/{name}/queues/{queue}/rps_cpus"))
            })
            .collect();
        verdict(&name, cores, &masks, flows)
    };
    machine.interfaces().into_iter().filter_map(judge).collect()
}

/// Nothing to say where each core has a queue of its own.
fn verdict(name: &str, cores: usize, masks: &[String], flows: u64) -> Option<Finding> {
    if masks.is_empty() || cores <= masks.len() {
        return None;
    }
    let steered = masks.iter().any(|mask| mask.bytes().any(|b| b.is_ascii_hexdigit() && b != b'0'));
    let queues = masks.len();
    Some(match (steered, flows) {
        (false, _) => Finding::warn(
            format!("{name} has {queues} queues for {cores} cores, and RPS is off"),
            format!(
                "for q in /sys/class/net/{name}/queues/rx-*; do echo {} > $q/rps_cpus; done",
                mask_of(cores)
            ),
        ),
        (true, 0) => Finding::warn(
            format!("RPS spreads {name}, but not to where a link's task runs (RFS is off)"),
            format!(
                "sysctl -w net.core.rps_sock_flow_entries=32768; for q in \
                 /sys/class/net/{name}/queues/rx-*; do echo {} > $q/rps_flow_cnt; done",
                32768 / queues
            ),
        ),
        (true, flows) => Finding::ok(format!("{name}: RPS and RFS are on, {flows} flows")),
    })
}

/// All cores, as the kernel takes a mask: words of 32 bits with commas between.
fn mask_of(cores: usize) -> String {
    let mut words = vec!["ffffffff".to_owned(); cores / 32];
    if !cores.is_multiple_of(32) {
        words.insert(0, format!("{:x}", (1_u64 << (cores % 32)) - 1));
    }
    words.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn steering_matters_where_queues_are_fewer_than_cores() {
        let masks = |mask: &str, n| vec![mask.to_owned(); n];
        let told = |cores, masks: &[String], flows| {
            verdict("eth0", cores, masks, flows).map(|it| it.verdict)
        };
        assert_eq!(told(4, &masks("0", 1), 0), Some(Verdict::Warn));
        assert_eq!(told(4, &masks("00000000,00000000", 1), 0), Some(Verdict::Warn));
        assert_eq!(told(4, &masks("f", 1), 0), Some(Verdict::Warn));
        assert_eq!(told(4, &masks("f", 1), 32768), Some(Verdict::Ok));
        assert_eq!(told(16, &masks("0", 16), 0), None);
        assert_eq!(
            (mask_of(4), mask_of(32), mask_of(40)),
            ("f".into(), "ffffffff".into(), "ff,ffffffff".into())
        );
    }
}
