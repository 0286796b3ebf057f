//! The harness by hand: `chaos --seed 7 --minutes 3 --fault kill-sm,cut-store+redis-flush`.
//!
//! The server is `ANSER_BIN`, or the `anser` beside this binary.

use std::{
    env,
    path::PathBuf,
    process::ExitCode,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anser_testkit::chaos::{Plan, fault, run};
use anyhow::{Context as _, Result, bail};

const USAGE: &str = "usage: chaos [--seed N] [--minutes M] [--fault NAME[+NAME][,…]] [--list]";

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let Some(plan) = plan()? else { return Ok(ExitCode::SUCCESS) };
    say(&format!("seed {}", plan.seed));
    let report = run(&binary()?, &plan, say).await?;
    say(&format!(
        "seed {}: {} strikes, {} sends, {} acked, {} entries on devices, whole {} ms after the last \
         fault, longest silence {} ms, {} findings",
        plan.seed,
        report.strikes,
        report.sends,
        report.acked,
        report.learned,
        report.healed_in.as_millis(),
        report.longest_silence.as_millis(),
        report.violations.len()
    ));
    say(&report.findings);
    for place in &report.kept {
        say(&format!("kept: {}", place.display()));
    }
    Ok(if report.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn plan() -> Result<Option<Plan>> {
    let (mut seed, mut minutes, mut faults) = (None, 2.0_f64, fault::singly());
    let mut arguments = env::args().skip(1);
    while let Some(name) = arguments.next() {
        if name == "--list" {
            fault::FAULTS.iter().for_each(|it| say(it.name));
            return Ok(None);
        }
        let value = arguments.next().context(USAGE)?;
        match name.as_str() {
            "--seed" => seed = Some(value.parse()?),
            "--minutes" => minutes = value.parse()?,
            "--fault" => faults = fault::parse(&value)?,
            _ => bail!(USAGE),
        }
    }
    let lasts = Duration::try_from_secs_f64(minutes * 60.0)?;
    let seed = seed.unwrap_or_else(by_chance);
    Ok(Some(Plan { seed, lasts, faults, plant: env::var("ANSER_PLANT").ok() }))
}

#[expect(clippy::disallowed_methods, reason = "any number will do, and this one differs each time")]
fn by_chance() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_secs())
}

fn binary() -> Result<PathBuf> {
    if let Some(path) = env::var_os("ANSER_BIN") {
        return Ok(path.into());
    }
    let beside = env::current_exe()?.with_file_name("anser");
    if !beside.exists() {
        bail!("{} is not there: build it, or say where it is in ANSER_BIN", beside.display());
    }
    Ok(beside)
}

#[expect(clippy::print_stdout, reason = "this is a command line")]
fn say(line: &str) {
    println!("{line}");
}
