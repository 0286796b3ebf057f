//! The machine as its files tell it, below a root that tests replace.

use std::{fs, path::PathBuf};

/// Where /proc and /sys are read.
pub(super) struct Machine {
    root: PathBuf,
}

impl Machine {
    /// The machine whose files lie below `root`.
    pub(super) fn below(root: PathBuf) -> Self {
        Self { root }
    }

    /// A file, without space around it.
    pub(super) fn read(&self, path: &str) -> Option<String> {
        let text = fs::read_to_string(self.root.join(path.trim_start_matches('/'))).ok()?;
        Some(text.trim().to_owned())
    }

    /// The numbers of a file, such as those of a sysctl.
    pub(super) fn numbers(&self, path: &str) -> Option<Vec<u64>> {
        self.read(path)?.split_whitespace().map(|word| word.parse().ok()).collect()
    }

    /// The one number of a file.
    pub(super) fn number(&self, path: &str) -> Option<u64> {
        self.numbers(path)?.first().copied()
    }

    /// The names in a directory, sorted.
    pub(super) fn list(&self, path: &str) -> Vec<String> {
        let entries = fs::read_dir(self.root.join(path.trim_start_matches('/')));
        let entries = entries.into_iter().flatten().flatten();
        let mut names: Vec<_> =
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// Whether there is such a file or directory.
    pub(super) fn has(&self, path: &str) -> bool {
        self.root.join(path.trim_start_matches('/')).exists()
    }

    /// How many cores work.
    pub(super) fn cores(&self) -> usize {
        let online = self.read("/sys/devices/system/cpu/online").unwrap_or_default();
        set(&online).len().max(1)
    }

    /// Network interfaces with hardware, or a hypervisor's, behind them.
    pub(super) fn interfaces(&self) -> Vec<String> {
        let mut names = self.list("/sys/class/net");
        names.retain(|name| self.has(&format!("/sys/class/net/{name}/device")));
        names
    }

    /// A figure of /proc/meminfo, in KiB.
    pub(super) fn meminfo(&self, name: &str) -> Option<u64> {
        let text = self.read("/proc/meminfo")?;
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        line.split_whitespace().next()?.parse().ok()
    }
}

/// A list such as `0-3,8`, as the kernel writes cores.
pub(super) fn set(text: &str) -> Vec<usize> {
    let ranges = text.trim().split(',').filter_map(|range| {
        let (from, to) = range.split_once('-').unwrap_or((range, range));
        Some(from.trim().parse::<usize>().ok()?..=to.trim().parse().ok()?)
    });
    // No machine has more; a broken file must not make us count for long.
    ranges.flatten().take(65_536).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_cores_are_read() {
        assert_eq!(set("0"), [0]);
        assert_eq!(set("0-3,8\n"), [0, 1, 2, 3, 8]);
        assert!(set("").is_empty() && set("x-y").is_empty());
    }
}
