//! What the server's process costs, read from `/proc`: processor time, which holds still when
//! the machine does not, and resident memory.

use std::time::Duration;

use anyhow::Context;

/// Linux reports times in these, whatever the kernel's own tick (`USER_HZ`).
const TICKS_PER_SECOND: u64 = 100;

/// A process that is watched.
#[derive(Clone, Copy, Debug)]
pub(super) struct Process(pub(super) u32);

/// What it has used so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Usage {
    /// User and system time of all its threads.
    pub(super) cpu: Duration,
    /// Resident set, in bytes.
    pub(super) rss: u64,
    /// The anonymous part of it: what it allocated, without mapped files.
    pub(super) anonymous: u64,
}

impl Process {
    /// Reads what the process has used.
    pub(super) fn usage(self) -> anyhow::Result<Usage> {
        let read = |file: &str| {
            let path = format!("/proc/{}/{file}", self.0);
            std::fs::read_to_string(&path)
                .with_context(|| format!("cannot read {path}; is {} the server's pid?", self.0))
        };
        let cpu = cpu_of(&read("stat")?).context("unexpected text in /proc/PID/stat")?;
        let status = read("status")?;
        let rss = kilobytes(&status, "VmRSS:").unwrap_or(0);
        // Kernels count VmRSS lazily, per thread; the roll-up is exact but not always allowed.
        let exact = read("smaps_rollup").ok();
        let exact = exact.as_deref();
        Ok(Usage {
            cpu,
            rss: exact.and_then(|text| kilobytes(text, "Rss:")).unwrap_or(rss),
            anonymous: exact
                .and_then(|text| kilobytes(text, "Anonymous:"))
                .or_else(|| kilobytes(&status, "RssAnon:"))
                .unwrap_or(rss),
        })
    }
}

/// Fields 14 and 15 of `/proc/PID/stat`; the second field, the name, may hold spaces.
fn cpu_of(stat: &str) -> Option<Duration> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(Duration::from_millis((user + system) * 1000 / TICKS_PER_SECOND))
}

/// The value of a `Key:   123 kB` line, in bytes.
fn kilobytes(text: &str, key: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    let value: u64 = line.split_ascii_whitespace().next()?.parse().ok()?;
    Some(value * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_read_behind_a_name_with_spaces_and_brackets() {
        let stat = "42 (an (odd) name) S 1 42 42 0 -1 4194304 100 0 0 0 250 51 0 0 20 0 9 0 99 1 1";
        assert_eq!(cpu_of(stat), Some(Duration::from_millis(3010)));
        assert_eq!(cpu_of("42"), None);
    }

    #[test]
    fn memory_is_read_from_its_line() {
        let text = "Rss:                1234 kB\nPss: 9 kB\nAnonymous:   10 kB\n";
        assert_eq!(kilobytes(text, "Anonymous:"), Some(10_240));
        assert_eq!(kilobytes(text, "Rss:"), Some(1234 * 1024));
        assert_eq!(kilobytes(text, "Swap:"), None);
    }

    #[test]
    fn this_process_can_be_watched() {
        let usage = Process(std::process::id()).usage().unwrap();
        assert!(usage.rss >= usage.anonymous && usage.anonymous > 0, "{usage:?}");
    }
}
