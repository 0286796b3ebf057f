//! Interrupts of network cards: one queue means that one core takes them all.

use std::collections::BTreeSet;

use super::{Check, Finding, Patient, machine::set};

pub(super) const CHECK: Check = Check {
    name: "network card",
    reads: "/sys/class/net/*/queues, /proc/interrupts, /proc/irq/*/smp_affinity_list",
    look,
};

fn look(patient: &Patient<'_>) -> Vec<Finding> {
    let machine = &patient.machine;
    let interrupts = machine.read("/proc/interrupts").unwrap_or_default();
    let interfaces = machine.interfaces();
    if interfaces.is_empty() {
        return vec![Finding::unknown("no network card is to be seen, as in a container")];
    }
    let cores = machine.cores();
    let judge = |name: &String| {
        let queues = machine.list(&format!("/sys/class/net/{name}/queues"));
        let queues = queues.iter().filter(|queue| queue.starts_with("rx-")).count();
        let irqs = irqs_of(patient, name, &interrupts);
        let allowed: BTreeSet<usize> = irqs
            .iter()
            .filter_map(|irq| machine.read(&format!("/proc/irq/{irq}/smp_affinity_list")))
            .flat_map(|list| set(&list))
            .collect();
        verdict(name, queues, cores, &allowed, &counts(&interrupts, &irqs))
    };
    interfaces.iter().map(judge).collect()
}

/// The interrupts of an interface: by its device where that says so, else by name.
fn irqs_of(patient: &Patient<'_>, name: &str, interrupts: &str) -> Vec<u32> {
    let device = format!("/sys/class/net/{name}/device");
    // A virtio card's interrupts are those of the PCI device around it.
    for folder in [format!("{device}/msi_irqs"), format!("{device}/../msi_irqs")] {
        let irqs = patient.machine.list(&folder);
        if !irqs.is_empty() {
            return irqs.iter().filter_map(|irq| irq.parse().ok()).collect();
        }
    }
    named(interrupts, name)
}

/// The interrupts whose action has `name` in it.
fn named(interrupts: &str, name: &str) -> Vec<u32> {
    let rows = interrupts.lines().filter_map(|line| line.split_once(':'));
    rows.filter(|(_, rest)| rest.split_whitespace().any(|word| word.starts_with(name)))
        .filter_map(|(irq, _)| irq.trim().parse().ok())
        .collect()
}

/// How often each core took one of these interrupts.
fn counts(interrupts: &str, irqs: &[u32]) -> Vec<u64> {
    let cores = interrupts.lines().next().map_or(0, |head| head.split_whitespace().count());
    let mut counts = vec![0; cores];
    for line in interrupts.lines().skip(1) {
        let Some((irq, rest)) = line.split_once(':') else { continue };
        if !irq.trim().parse().is_ok_and(|irq| irqs.contains(&irq)) {
            continue;
        }
        for (count, word) in counts.iter_mut().zip(rest.split_whitespace()) {
            *count += word.parse::<u64>().unwrap_or_default();
        }
    }
    counts
}

fn verdict(
    name: &str,
    queues: usize,
    cores: usize,
    allowed: &BTreeSet<usize>,
    counts: &[u64],
) -> Finding {
    /// A core that takes more than this part of all interrupts takes them all, in effect.
    const LOPSIDED: u64 = 90;
    /// Fewer say nothing about how they are spread.
    const TELLING: u64 = 10_000;
    if queues == 0 {
        return Finding::unknown(format!("{name} does not say how many queues it has"));
    }
    if cores == 1 {
        return Finding::ok(format!("{name}: {queues} receive queues, 1 core"));
    }
    if queues == 1 {
        return Finding::warn(
            format!("{name} has 1 receive queue: one of {cores} cores takes all its interrupts"),
            format!(
                "ethtool -L {name} combined {cores}; if the card has no more, let RPS spread the \
                 work (see below)"
            ),
        );
    }
    let (sum, most) = (counts.iter().sum::<u64>(), counts.iter().copied().max().unwrap_or(0));
    if sum >= TELLING && most * 100 > sum * LOPSIDED {
        let core = counts.iter().position(|count| *count == most).unwrap_or(0);
        return Finding::warn(
            format!(
                "{name} has {queues} queues, but core {core} took {}% of {sum} interrupts",
                most * 100 / sum
            ),
            "systemctl enable --now irqbalance",
        );
    }
    if allowed.len() == 1 {
        return Finding::warn(
            format!("{name} has {queues} queues, but all may interrupt one core only"),
            "systemctl enable --now irqbalance",
        );
    }
    Finding::ok(format!("{name}: {queues} receive queues over {cores} cores"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    const ONE_QUEUE: &str = "           CPU0       CPU1       CPU2       CPU3\n \
        24:          0          0          0          0   PCI-MSI 49152-edge      virtio0-config\n \
        25:    9183021          0          0          0   PCI-MSI 49153-edge      virtio0-input.0\n \
        26:         12          0          0          0   PCI-MSI 49154-edge      virtio0-output.0\n\
        NMI:          0          0          0          0   Non-maskable interrupts\n";

    #[test]
    fn interrupts_are_counted_by_core() {
        assert_eq!(named(ONE_QUEUE, "virtio0"), [24, 25, 26]);
        assert_eq!(counts(ONE_QUEUE, &[25, 26]), [9_183_033, 0, 0, 0]);
        assert!(counts("", &[1]).is_empty() && named("", "eth0").is_empty());
    }

    #[test]
    fn one_queue_and_one_core_for_many_queues_are_told() {
        let all: BTreeSet<usize> = (0..16).collect();
        let one = BTreeSet::from([0]);
        let even = [1_000_000; 16];
        let mut lopsided = [100; 16];
        lopsided[3] = 1_000_000;
        for (queues, cores, allowed, counts, wanted) in [
            (1, 4, &all, &even[..4], Verdict::Warn),
            (1, 1, &one, &even[..1], Verdict::Ok),
            (16, 16, &all, &even[..], Verdict::Ok),
            (16, 16, &all, &lopsided[..], Verdict::Warn),
            (16, 16, &one, &[][..], Verdict::Warn),
            (0, 4, &all, &[][..], Verdict::Unknown),
        ] {
            let found = verdict("eth0", queues, cores, allowed, counts);
            assert_eq!(found.verdict, wanted, "{found:?}");
        }
        let told = verdict("eth0", 16, 16, &all, &lopsided).found;
        assert!(told.contains("core 3 took 99% of 1001500"), "{told}");
    }
}
