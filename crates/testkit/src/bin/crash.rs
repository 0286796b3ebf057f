//! The kill test by hand: `crash --rounds 50 --seed 7`.
//!
//! The server is `ANSER_BIN`, or the `anser` beside this binary.

use std::{env, process::ExitCode, time::Duration};

use anser_testkit::{
    by_hand::{self, binary, say},
    crash::{Plan, run},
};
use anyhow::{Context as _, Result, bail};

/// A run kills so often before it compares, so that a violation shows near its kill.
const KILLS_PER_RUN: u32 = 10;

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let (rounds, seed) = arguments()?;
    let binary = binary()?;
    let mut left = rounds;
    let mut run_seed = seed;
    while left > 0 {
        let rounds = left.min(KILLS_PER_RUN);
        let dir = tempfile::tempdir()?;
        let plan =
            Plan { rounds, seed: run_seed, round: Duration::from_secs(1), ..Plan::default() };
        let report = run(&binary, dir.path(), &plan).await?;
        say(&format!(
            "seed {run_seed}: {rounds} kills, {} sends, {} acked, {} entries on devices, {} violations",
            report.sends,
            report.acked,
            report.applied,
            report.violations.len()
        ));
        if !report.violations.is_empty() {
            for violation in report.violations.iter().take(100) {
                say(&format!("  {violation}"));
            }
            let kept = dir.keep();
            say(&format!("  the data directory is {}", kept.display()));
            return Ok(ExitCode::FAILURE);
        }
        left -= rounds;
        run_seed = run_seed.wrapping_add(1);
    }
    Ok(ExitCode::SUCCESS)
}

fn arguments() -> Result<(u32, u64)> {
    let mut rounds = 10;
    let mut seed = None;
    let mut arguments = env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().with_context(|| format!("{name} takes a number"))?;
        match name.as_str() {
            "--rounds" => rounds = value.parse()?,
            "--seed" => seed = Some(value.parse()?),
            _ => bail!("usage: crash [--rounds N] [--seed N]"),
        }
    }
    Ok((rounds, seed.unwrap_or_else(by_hand::seed)))
}
