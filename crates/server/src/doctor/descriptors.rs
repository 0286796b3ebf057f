//! File descriptors: each link takes one.

use rustix::process::{Resource, getrlimit};

use super::{Check, Finding, Patient};

pub(super) const CHECK: Check = Check {
    name: "file descriptors",
    reads: "RLIMIT_NOFILE, /proc/sys/fs/nr_open, /proc/sys/fs/file-max",
    look,
};

/// Descriptors that are no links: the database, HTTP connections, listeners.
const BESIDE: u64 = 1_000;

fn look(patient: &Patient<'_>) -> Vec<Finding> {
    let hard = getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX);
    let most = |name: &str| patient.machine.number(&format!("/proc/sys/fs/{name}"));
    vec![process(hard, patient.links, most("nr_open")), machine(most("file-max"), patient.links)]
}

fn process(hard: u64, links: u64, nr_open: Option<u64>) -> Finding {
    if hard >= links + BESIDE {
        return Finding::ok(format!("a process may open {hard} files"));
    }
    let wanted = links + BESIDE;
    let raise = match nr_open.is_some_and(|most| most < wanted) {
        true => format!("sysctl -w fs.nr_open={wanted}; then "),
        false => String::new(),
    };
    let mend = format!("{raise}LimitNOFILE={wanted} in the service's unit, or ulimit -Hn {wanted}");
    let found =
        format!("a process may open {hard} files: at most {} links", hard.saturating_sub(BESIDE));
    // So few are what shells give, and too few for a small office.
    if hard < 4 * BESIDE { Finding::bad(found, mend) } else { Finding::warn(found, mend) }
}

fn machine(most: Option<u64>, links: u64) -> Finding {
    match most {
        None => Finding::unknown("fs.file-max cannot be read"),
        Some(most) if most >= links + BESIDE => {
            Finding::ok(format!("all processes may open {most} files"))
        }
        Some(most) => Finding::warn(
            format!("all processes together may open {most} files"),
            format!("sysctl -w fs.file-max={}", (links + BESIDE) * 2),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn links_need_descriptors() {
        assert_eq!(process(2_000_000, 1_000_000, None).verdict, Verdict::Ok);
        assert_eq!(process(20_000, 1_000_000, None).verdict, Verdict::Warn);
        assert_eq!(process(1024, 1_000_000, None).verdict, Verdict::Bad);
        let mend = process(20_000, 1_000_000, Some(524_288)).mend.unwrap();
        assert!(mend.starts_with("sysctl -w fs.nr_open=1001000"), "{mend}");
        assert_eq!(machine(Some(100_000), 1_000_000).verdict, Verdict::Warn);
        assert_eq!(machine(None, 1).verdict, Verdict::Unknown);
    }
}
