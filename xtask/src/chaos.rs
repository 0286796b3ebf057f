//! The harness that tries to lose a message: `testkit` starts a cluster, hurts it and compares;
//! this builds both and starts it.

use std::{path::PathBuf, process::Command};

use anyhow::Result;

use crate::shell;

/// What a run is, as the harness takes it; what is absent it chooses.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Repeat what was done in the run that had this seed
    #[arg(long)]
    seed: Option<u64>,
    /// How long faults are done [default: 2]
    #[arg(long, conflicts_with = "seeds")]
    minutes: Option<f64>,
    /// Which: names with commas between them, joined by + where they are done together
    #[arg(long, value_name = "LIST")]
    fault: Option<String>,
    /// Instead of one long run, play a short round with each of so many seeds under each fault
    #[arg(long)]
    seeds: Option<u64>,
    /// In rounds, deal the faults into pairs, anew with each seed
    #[arg(long)]
    pairs: bool,
    /// Clusters at a time that rounds are played on
    #[arg(long)]
    beside: Option<usize>,
    /// Where rounds are written down [default: chaos.tsv beside the binaries]
    #[arg(long)]
    file: Option<PathBuf>,
    /// Leave out the rounds that are written down already, and found nothing
    #[arg(long)]
    resume: bool,
    /// Only print the names of all faults
    #[arg(long)]
    list: bool,
}

/// Runs it.
pub(crate) fn run(options: &Options) -> Result<()> {
    shell::build()?;
    let mut chaos = Command::new(shell::target_dir()?.join("debug/chaos"));
    if options.list {
        return shell::run(chaos.arg("--list"));
    }
    let texts = [
        ("--seed", options.seed.map(|it| it.to_string())),
        ("--minutes", options.minutes.map(|it| it.to_string())),
        ("--seeds", options.seeds.map(|it| it.to_string())),
        ("--beside", options.beside.map(|it| it.to_string())),
        ("--fault", options.fault.clone()),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            chaos.arg(name).arg(text);
        }
    }
    if let Some(file) = &options.file {
        chaos.arg("--file").arg(file);
    }
    for (name, is_set) in [("--pairs", options.pairs), ("--resume", options.resume)] {
        if is_set {
            chaos.arg(name);
        }
    }
    shell::run(&mut chaos)
}
