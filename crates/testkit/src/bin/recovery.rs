//! The times by hand: `recovery --pairs 50 --links 15000 --seconds 8`. Fails when something is lost or
//! takes too long.
//!
//! The server is `ANSER_BIN`, or the `anser` beside this binary.

use std::{env, process::ExitCode, time::Duration};

use anser_testkit::{
    by_hand::{binary, say},
    recovery::{Measure, Plan, heading, run},
};
use anyhow::{Context as _, Result, bail};

const USAGE: &str = "usage: recovery [--pairs N] [--links N] [--seconds N]";

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let plan = plan()?;
    say(&heading());
    let all = Box::pin(run(&binary()?, &plan, |measure| say(&measure.to_string()))).await?;
    let late = all.iter().filter(|it| !Measure::holds(it)).count();
    say(&format!("nothing lost, {late} too long"));
    Ok(if late == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn plan() -> Result<Plan> {
    let mut plan = Plan { pairs: 50, links: 15_000, looks: Duration::from_secs(8) };
    let mut arguments = env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value: usize = arguments.next().context(USAGE)?.parse()?;
        match name.as_str() {
            "--pairs" => plan.pairs = value,
            "--links" => plan.links = value,
            "--seconds" => plan.looks = Duration::from_secs(u64::try_from(value)?),
            _ => bail!(USAGE),
        }
    }
    Ok(plan)
}
