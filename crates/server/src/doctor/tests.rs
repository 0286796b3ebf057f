//! The whole report, on machines that are made of files.

use std::{fs, path::Path};

use super::*;

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// A small rented machine: four cores, a virtio card with one queue, everything else usual.
fn virtio(root: &Path) {
    write(root, "sys/devices/system/cpu/online", "0-3\n");
    write(root, "sys/class/net/eth0/device/vendor", "0x1af4\n");
    write(root, "sys/class/net/eth0/msi_irqs/25", "msix\n");
    write(root, "sys/class/net/eth0/queues/rx-0/rps_cpus", "0\n");
    write(root, "sys/class/net/lo/queues/rx-0/rps_cpus", "0\n");
    let interrupts = "           CPU0       CPU1       CPU2       CPU3\n \
        25:    9183021          0          0          0   PCI-MSI 49153-edge      virtio0-input.0\n";
    write(root, "proc/interrupts", interrupts);
    write(root, "proc/irq/25/smp_affinity_list", "0\n");
    write(root, "proc/sys/net/core/somaxconn", "128\n");
    write(root, "proc/sys/net/netfilter/nf_conntrack_count", "65000\n");
    write(root, "proc/sys/net/netfilter/nf_conntrack_max", "65536\n");
}

/// A large one: 16 cores, an mlx5 with 16 queues, spread.
fn mlx5(root: &Path) {
    write(root, "sys/devices/system/cpu/online", "0-15\n");
    write(root, "sys/class/net/eth0/device/vendor", "0x15b3\n");
    let mut interrupts =
        format!("      {}\n", (0..16).map(|n| format!("CPU{n} ")).collect::<String>());
    for queue in 0..16 {
        write(root, &format!("sys/class/net/eth0/queues/rx-{queue}/rps_cpus"), "0000\n");
        let irq = 100 + queue;
        write(root, &format!("sys/class/net/eth0/device/msi_irqs/{irq}"), "msix\n");
        write(root, &format!("proc/irq/{irq}/smp_affinity_list"), &format!("{queue}\n"));
        let counts: String =
            (0..16).map(|core| if core == queue { "500000 " } else { "0 " }).collect();
        interrupts += &format!("{irq}: {counts} IR-PCI-MSI mlx5_comp{queue}@pci:0000:3b:00.0\n");
    }
    write(root, "proc/interrupts", &interrupts);
    write(root, "proc/sys/net/core/somaxconn", "65535\n");
}

fn report(machine: fn(&Path), data_dir: &Path) -> Report {
    let root = tempfile::tempdir().unwrap();
    machine(root.path());
    let mut config = Config::defaults().unwrap();
    config.server.data_dir = data_dir.to_owned();
    let port = "127.0.0.1:0".parse().unwrap();
    (config.listen.http, config.listen.native, config.listen.admin) = (port, port, port);
    examine(&Patient {
        machine: Machine::below(root.path().to_owned()),
        config: &config,
        deep: true,
        now: 1_800_000_000,
        links: 10_000,
    })
}

fn of<'a>(report: &'a Report, name: &str) -> &'a [Finding] {
    &report.checks.iter().find(|check| check.name == name).unwrap().findings
}

#[test]
fn a_single_queue_and_a_full_table_are_told_with_what_mends_them() {
    let dir = tempfile::tempdir().unwrap();
    let report = report(virtio, dir.path());
    let card = &of(&report, "network card")[0];
    assert!(card.verdict == Verdict::Warn && card.found.contains("1 receive queue"), "{card:?}");
    let steering = &of(&report, "packet steering")[0];
    assert!(steering.mend.as_ref().unwrap().contains("echo f > $q/rps_cpus"), "{steering:?}");
    assert_eq!(of(&report, "accept queues")[0].verdict, Verdict::Warn);
    assert_eq!(of(&report, "connection tracking")[0].verdict, Verdict::Bad);
    assert_eq!(report.verdict, Verdict::Bad);
    let text = in_words(&report);
    assert!(text.contains("mend: sysctl -w net.core.somaxconn=4096"), "{text}");
}

#[test]
fn sixteen_queues_over_sixteen_cores_are_as_they_should_be() {
    let dir = tempfile::tempdir().unwrap();
    let report = report(mlx5, dir.path());
    assert_eq!(
        of(&report, "network card")[0],
        Finding::ok("eth0: 16 receive queues over 16 cores")
    );
    assert!(of(&report, "packet steering").is_empty());
    assert_eq!(of(&report, "accept queues")[0].verdict, Verdict::Ok);
    assert_eq!(of(&report, "database"), [Finding::ok("the first start makes it")]);
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["checks"][0]["findings"][0]["verdict"], "ok");
}

#[test]
fn a_machine_that_tells_nothing_is_unknown_and_no_failure() {
    let dir = tempfile::tempdir().unwrap();
    let report = report(|_| {}, dir.path());
    assert_eq!(of(&report, "network card")[0].verdict, Verdict::Unknown);
    assert_eq!(of(&report, "socket memory")[0].verdict, Verdict::Unknown);
}
