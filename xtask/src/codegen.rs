//! Files that are generated and checked in, so that readers and other languages find them without
//! building anything.

use std::{fs, process::Command};

use anyhow::{Context, Result, bail};

use crate::shell;

/// One file and the program that prints it.
struct Generated {
    file: &'static str,
    /// In cargo's target directory.
    program: &'static str,
    args: &'static [&'static str],
}

const FILES: &[Generated] = &[Generated {
    file: "docs/src/default.toml",
    program: "debug/anser",
    args: &["config", "default"],
}];

/// Writes them, or with `check` fails when one is stale.
pub(crate) fn run(check: bool) -> Result<()> {
    shell::build()?;
    let programs = shell::target_dir()?;
    let mut stale = Vec::new();
    for generated in FILES {
        let text = shell::read(
            Command::new(programs.join(generated.program)).args(generated.args).env_clear(),
        )?;
        if fs::read_to_string(generated.file).is_ok_and(|there| there == text) {
            println!("{} is fresh", generated.file);
        } else if check {
            stale.push(generated.file);
        } else {
            fs::write(generated.file, text)
                .with_context(|| format!("cannot write {}", generated.file))?;
            println!("{} was written", generated.file);
        }
    }
    if stale.is_empty() {
        return Ok(());
    }
    bail!("stale: {}; run `cargo xtask codegen`", stale.join(", "))
}
