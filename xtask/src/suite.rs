//! Everything that is run as a test.

use anyhow::{Result, bail};

use crate::{crash, debian, fuzz, report::Report, shell};

/// Rounds of kill and restart in every run of the suite; `cargo xtask crash` does more.
pub(crate) const CRASH_ROUNDS: u32 = 5;
/// Seconds for each fuzz target in every run of the suite; `cargo xtask fuzz` does more.
pub(crate) const FUZZ_SECONDS: u32 = 5;

/// What test runners counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Tests that passed.
    pub(crate) passed: u64,
    /// Tests that failed.
    pub(crate) failed: u64,
    /// Tests that were left out. There are none: `cargo xtask tidy` sees to that.
    pub(crate) ignored: u64,
}

impl Tally {
    /// Adds another count.
    pub(crate) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.ignored += other.ignored;
    }

    /// Reads one of cargo test's closing lines, such as
    /// `test result: ok. 5 passed; 0 failed; 0 ignored; …`.
    fn from_line(line: &str) -> Option<Self> {
        let counts = line.strip_prefix("test result: ")?.split_once(". ")?.1;
        let count = |word: &str| {
            let part = counts.split("; ").find_map(|part| part.strip_suffix(word));
            part.and_then(|number| number.trim().parse().ok())
        };
        Some(Self {
            passed: count("passed")?,
            failed: count("failed")?,
            ignored: count("ignored").unwrap_or_default(),
        })
    }
}

/// Runs all of it.
pub(crate) fn run(report: &mut Report, crash_rounds: u32, fuzz_seconds: u32) {
    report.step("system packages", || debian::ensure(&debian::TESTS));
    let mut tally = Tally::default();
    report.step("unit, integration and doc tests", || cargo_test(&mut tally));
    report.count(tally);
    report.step("crash rounds", || crash::run(crash_rounds, None));
    report.step("fuzz", || fuzz::run(fuzz_seconds, None));
}

fn cargo_test(tally: &mut Tally) -> Result<()> {
    if !debian::is_root() {
        println!("note: only root can mount the small disks on which a full disk is tested");
    }
    let ok = shell::watch(
        &mut shell::cargo(["test", "--workspace", "--locked", "--no-fail-fast"]),
        |line| tally.add(Tally::from_line(line).unwrap_or_default()),
    )?;
    if tally.passed == 0 {
        bail!("no test was run");
    }
    if tally.ignored > 0 {
        bail!("{} tests were ignored", tally.ignored);
    }
    if !ok {
        bail!("{} tests failed, or some did not build", tally.failed);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_tests_closing_line_is_read_and_nothing_else() {
        let line = "test result: FAILED. 12 passed; 3 failed; 1 ignored; 0 measured; \
                    4 filtered out; finished in 0.01s";
        assert_eq!(Tally::from_line(line), Some(Tally { passed: 12, failed: 3, ignored: 1 }));
        let ok = "test result: ok. 7 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out";
        assert_eq!(Tally::from_line(ok), Some(Tally { passed: 7, failed: 0, ignored: 0 }));
        assert_eq!(Tally::from_line("test a ... ok"), None);
        assert_eq!(Tally::from_line("7 passed; 0 failed"), None);
    }
}
