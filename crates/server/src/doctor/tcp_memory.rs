//! What the kernel may spend on sockets: an idle one is small, and many are not.

use super::{Check, Finding, Patient};

pub(super) const CHECK: Check = Check {
    name: "socket memory",
    reads: "/proc/sys/net/ipv4/tcp_mem, tcp_rmem, tcp_wmem, /proc/net/sockstat, /proc/meminfo",
    look,
};

const PAGE_KIB: u64 = 4;
/// An idle connection's share, in KiB: the kernel charges a page for what trickles through.
const IDLE_KIB: u64 = 4;

fn look(patient: &Patient<'_>) -> Vec<Finding> {
    let tcp = |name: &str| patient.machine.numbers(&format!("/proc/sys/net/ipv4/{name}"));
    let used = patient.machine.read("/proc/net/sockstat").and_then(|text| used_pages(&text));
    let memory = patient.machine.meminfo("MemTotal");
    let mut findings = vec![verdict(tcp("tcp_mem").as_deref(), used, memory, patient.links)];
    for name in ["tcp_rmem", "tcp_wmem"] {
        findings.extend(tcp(name).and_then(|it| buffers(name, &it)));
    }
    findings
}

/// The pages in the line `TCP: inuse 5 orphan 0 tw 0 alloc 7 mem 3`.
fn used_pages(sockstat: &str) -> Option<u64> {
    let line = sockstat.lines().find_map(|line| line.strip_prefix("TCP:"))?;
    let mut words = line.split_whitespace().skip_while(|word| *word != "mem");
    words.nth(1)?.parse().ok()
}

fn verdict(tcp_mem: Option<&[u64]>, used: Option<u64>, memory: Option<u64>, links: u64) -> Finding {
    let Some(&[_, pressure, most]) = tcp_mem else {
        return Finding::unknown("net.ipv4.tcp_mem cannot be read");
    };
    let used = used.unwrap_or(0);
    let mend = |pages: u64| {
        format!("sysctl -w net.ipv4.tcp_mem=\"{} {} {pages}\"", pages / 2, pages / 4 * 3)
    };
    if used >= pressure {
        return Finding::bad(
            format!("sockets use {used} of {most} pages: the kernel shrinks their windows"),
            mend(most * 2),
        );
    }
    // What the machine cannot hold at all is no matter of this limit.
    let wanted = (links * IDLE_KIB).min(memory.map_or(u64::MAX, |kib| kib / 2)) / PAGE_KIB;
    match pressure >= wanted {
        true => Finding::ok(format!("sockets may use {} MiB", most * PAGE_KIB / 1024)),
        false => Finding::warn(
            format!(
                "sockets may use {} MiB before they are squeezed; so many links want {} MiB",
                pressure * PAGE_KIB / 1024,
                wanted * PAGE_KIB / 1024
            ),
            mend(wanted / 3 * 4 + 1),
        ),
    }
}

/// The first buffer of each socket, where someone has raised it.
fn buffers(name: &str, value: &[u64]) -> Option<Finding> {
    const USUAL: u64 = 131_072;
    let first = *value.get(1)?;
    (first > USUAL).then(|| {
        Finding::warn(
            format!("net.ipv4.{name} begins each socket with {first} bytes"),
            format!(
                "sysctl -w net.ipv4.{name}=\"4096 {USUAL} {}\"",
                value.last().unwrap_or(&USUAL)
            ),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn the_kernels_figures_are_read_and_judged() {
        let text = "sockets: used 290\nTCP: inuse 27 orphan 0 tw 10 alloc 29 mem 4\nUDP: inuse 4";
        assert_eq!(used_pages(text), Some(4));
        assert_eq!(used_pages("TCP: mem"), None);
        let mem = Some(&[88_000, 118_000, 177_000][..]);
        let ram = Some(4_000_000);
        assert_eq!(verdict(mem, Some(4), ram, 10_000).verdict, Verdict::Ok);
        assert_eq!(verdict(mem, Some(120_000), ram, 10_000).verdict, Verdict::Bad);
        assert_eq!(verdict(mem, Some(4), ram, 1_000_000).verdict, Verdict::Warn);
        assert_eq!(verdict(None, None, None, 1).verdict, Verdict::Unknown);
        assert_eq!(buffers("tcp_rmem", &[4096, 131_072, 6_291_456]), None);
        assert!(buffers("tcp_rmem", &[4096, 1_048_576, 6_291_456]).is_some());
    }
}
