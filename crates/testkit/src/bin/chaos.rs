//! The harness by hand: `chaos --seed 7 --minutes 3 --fault kill-sm,cut-store+redis-flush`, and
//! `chaos --seeds 20 --pairs` for many short rounds.
//!
//! The server is `ANSER_BIN`, or the `anser` beside this binary.

use std::{env, path::PathBuf, process::ExitCode, time::Duration};

use anser_testkit::{
    by_hand::{self, binary, say},
    chaos::{
        Plan, Sweep, Together,
        fault::{self, FAULTS},
        run, sweep,
    },
};
use anyhow::{Context as _, Result, bail};

const USAGE: &str = "usage: chaos [--seed N] [--minutes M] [--fault NAME[+NAME][,…]] [--list]\n       \
                     chaos --seeds N [--seed FIRST] [--pairs] [--fault …] [--beside CLUSTERS] \
                     [--file PATH] [--resume]";

/// Rounds mostly wait: so many clusters keep a small machine busy.
const BESIDE: usize = 2;

#[derive(Default)]
struct Options {
    seed: Option<u64>,
    minutes: Option<f64>,
    faults: Option<Vec<Together>>,
    seeds: Option<u64>,
    pairs: bool,
    beside: Option<usize>,
    file: Option<PathBuf>,
    resume: bool,
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let Some(options) = options()? else { return Ok(ExitCode::SUCCESS) };
    let clean = match options.seeds {
        Some(seeds) => many(options, seeds).await?,
        None => one(options).await?,
    };
    Ok(if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn options() -> Result<Option<Options>> {
    let mut options = Options::default();
    let mut arguments = env::args().skip(1);
    while let Some(name) = arguments.next() {
        let mut value = || arguments.next().context(USAGE);
        match name.as_str() {
            "--list" => {
                FAULTS.iter().for_each(|it| say(it.name));
                return Ok(None);
            }
            "--pairs" => options.pairs = true,
            "--resume" => options.resume = true,
            "--seed" => options.seed = Some(value()?.parse()?),
            "--minutes" => options.minutes = Some(value()?.parse()?),
            "--fault" => options.faults = Some(fault::parse(&value()?)?),
            "--seeds" => options.seeds = Some(value()?.parse()?),
            "--beside" => options.beside = Some(value()?.parse()?),
            "--file" => options.file = Some(value()?.into()),
            _ => bail!(USAGE),
        }
    }
    Ok(Some(options))
}

/// One long run.
async fn one(options: Options) -> Result<bool> {
    let lasts = Duration::try_from_secs_f64(options.minutes.unwrap_or(2.0) * 60.0)?;
    let seed = options.seed.unwrap_or_else(by_hand::seed);
    let mut plan = Plan::mix(seed, lasts, options.faults.unwrap_or_else(fault::singly));
    plan.plant = env::var("ANSER_PLANT").ok();
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
    Ok(report.violations.is_empty())
}

/// Many short ones.
async fn many(options: Options, seeds: u64) -> Result<bool> {
    let all = || FAULTS.iter().map(|it| vec![it]).collect();
    let faults: Vec<Together> = options.faults.unwrap_or_else(all);
    let flat: Vec<_> = faults.iter().flatten().copied().collect();
    let first = options.seed.unwrap_or(1);
    let mut rounds = Vec::new();
    for seed in first..first.saturating_add(seeds) {
        let of = if options.pairs { fault::pairs(&flat, seed) } else { faults.clone() };
        rounds.extend(of.into_iter().map(|together| (together, seed)));
    }
    let beside = options.beside.unwrap_or(BESIDE);
    let file = match options.file {
        Some(file) => file,
        None => binary()?.with_file_name("chaos.tsv"),
    };
    let plan = Sweep { rounds, beside, file, resume: options.resume };
    let (table, clean) = sweep(&binary()?, &plan, say).await?;
    say(&table);
    Ok(clean)
}
