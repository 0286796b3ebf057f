//! The harness that tries to lose a message: `testkit` starts a cluster, hurts it and compares;
//! this builds both and starts it.

use std::process::Command;

use anyhow::Result;

use crate::shell;

/// What a run is, as the harness takes it; what is absent it chooses.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Repeat what was done in the run that had this seed
    #[arg(long)]
    seed: Option<u64>,
    /// How long faults are done
    #[arg(long, default_value_t = 2.0)]
    minutes: f64,
    /// Which: names with commas between them, joined by + where they are done together
    #[arg(long, value_name = "LIST")]
    fault: Option<String>,
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
    chaos.arg("--minutes").arg(options.minutes.to_string());
    if let Some(seed) = options.seed {
        chaos.arg("--seed").arg(seed.to_string());
    }
    if let Some(faults) = &options.fault {
        chaos.arg("--fault").arg(faults);
    }
    shell::run(&mut chaos)
}
