//! The kill test: `testkit` loads a server, kills it and compares; this builds both and starts it.

use std::process::Command;

use anyhow::Result;

use crate::shell;

/// Runs `rounds` of kill and restart, with the given seed or one of the test's own choosing.
pub(crate) fn run(rounds: u32, seed: Option<u64>) -> Result<()> {
    shell::build()?;
    let mut crash = Command::new(shell::target_dir()?.join("debug/crash"));
    crash.arg("--rounds").arg(rounds.to_string());
    if let Some(seed) = seed {
        crash.arg("--seed").arg(seed.to_string());
    }
    shell::run(&mut crash)
}
