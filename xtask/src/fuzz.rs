//! Fuzzing: every target in `fuzz/`, for a while, on the stable compiler.

use std::fs;

use anyhow::{Context, Result, bail};

use crate::{debian, shell, tools};

/// Fuzzes each target, or only `target`, for `seconds`. What a run finds to be of interest goes
/// to the target directory; `fuzz/corpus` holds the seeds and is only read.
pub(crate) fn run(seconds: u32, target: Option<&str>) -> Result<()> {
    debian::ensure(&[debian::C, debian::CPP])?;
    let listing = shell::read(tools::FUZZ.command()?.args(["fuzz", "list"]))?;
    let all: Vec<&str> = listing.lines().collect();
    let chosen: Vec<&str> = match target {
        None => all.clone(),
        Some(one) => all.iter().copied().filter(|name| *name == one).collect(),
    };
    if chosen.is_empty() {
        bail!("no such fuzz target; there are: {}", all.join(", "));
    }
    let found = shell::target_dir()?.join("fuzz-corpus");
    for name in chosen {
        let corpus = found.join(name);
        fs::create_dir_all(&corpus).with_context(|| format!("cannot make {}", corpus.display()))?;
        // Sanitizers need a nightly compiler; our own code has no unsafe.
        let plain = ["--sanitizer", "none", name];
        shell::run(tools::FUZZ.command()?.args(["fuzz", "build"]).args(plain))?;
        let mut fuzz = tools::FUZZ.command()?;
        fuzz.args(["fuzz", "run"]).args(plain).arg(&corpus).arg(format!("fuzz/corpus/{name}"));
        fuzz.args(["--", "-rss_limit_mb=1024", "-timeout=5", "-print_final_stats=1"]);
        fuzz.arg(format!("-max_total_time={seconds}"));
        shell::run_terse(&mut fuzz, |line| line.starts_with("stat::"))
            .with_context(|| format!("see fuzz/artifacts/{name} for what it fell over"))?;
    }
    Ok(())
}
