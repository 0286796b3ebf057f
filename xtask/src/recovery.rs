//! How soon a cluster is itself again after a part of it has gone: `testkit` starts one, kills the
//! parts and takes the times; this builds both, as users have them, and starts it.

use std::process::Command;

use anyhow::Result;

use crate::{debian, shell};

/// How much there is of everything.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Pairs who chat
    #[arg(long, default_value_t = 50)]
    pairs: usize,
    /// Links that return at once
    #[arg(long, default_value_t = 15_000)]
    links: usize,
    /// How long is looked after each loss
    #[arg(long, default_value_t = 8)]
    seconds: u64,
    /// With the unoptimised build, whose times mean nothing
    #[arg(long)]
    debug: bool,
}

/// Runs it.
pub(crate) fn run(options: &Options) -> Result<()> {
    debian::ensure(&debian::TESTS)?;
    let profile = if options.debug { "debug" } else { "release" };
    if options.debug {
        shell::build()?;
    } else {
        let packages = ["--package", "anser-server", "--package", "anser-testkit"];
        shell::run(shell::cargo(["build", "--release", "--locked", "--bins"]).args(packages))?;
    }
    let mut recovery = Command::new(shell::target_dir()?.join(profile).join("recovery"));
    recovery.arg("--pairs").arg(options.pairs.to_string());
    recovery.arg("--links").arg(options.links.to_string());
    shell::run(recovery.arg("--seconds").arg(options.seconds.to_string()))
}
