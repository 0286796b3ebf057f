//! Where the binary is.

use std::{env, path::PathBuf, process::Command};

use anyhow::{Context as _, Result, ensure};

/// Which binary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Build {
    /// The one that users get.
    Plain,
    /// One in which `ANSER_PLANT` plants faults.
    Planted,
}

/// The path of the binary: `ANSER_BIN` if it is set and the plain one is wanted, else built now.
///
/// # Errors
/// It could not be built.
pub fn binary(build: Build) -> Result<PathBuf> {
    if build == Build::Plain {
        if let Some(path) = env::var_os("ANSER_BIN") {
            return Ok(path.into());
        }
        return compile(build);
    }
    // Both builds share their dependencies and so their target directory; each replaces the
    // other's binary there. Keep a copy of this one and leave the plain one in its place.
    let built = compile(build)?;
    let copy = built.with_file_name("anser-planted");
    let fresh = built.with_file_name(format!("anser-planted-{}", std::process::id()));
    std::fs::copy(&built, &fresh).context("cannot copy the planted binary")?;
    std::fs::rename(&fresh, &copy).context("cannot keep the planted binary")?;
    compile(Build::Plain)?;
    Ok(copy)
}

fn compile(build: Build) -> Result<PathBuf> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    command.args(["build", "--quiet", "--package", "anser-server", "--bin", "anser"]);
    if build == Build::Planted {
        command.args(["--features", "planted"]);
    }
    command.args(["--message-format", "json-render-diagnostics"]);
    let output = command.stderr(std::process::Stdio::inherit()).output()?;
    ensure!(output.status.success(), "anser-server does not build");
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter_map(|message| Some(message.get("executable")?.as_str()?.into()))
        .next_back()
        .context("cargo named no executable")
}
