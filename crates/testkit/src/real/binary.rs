//! Where the binary is.

use std::{collections::BTreeMap, env, path::PathBuf, process::Command};

use anyhow::{Context as _, Result, ensure};
use parking_lot::Mutex;

/// Which binary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Build {
    /// The one that users get.
    Plain,
    /// One in which `ANSER_PLANT` plants faults.
    Planted,
}

/// The path of the binary: `ANSER_BIN` if it is set and the plain one is wanted, else built now, once
/// for each process.
///
/// # Errors
/// It could not be built.
pub fn binary(build: Build) -> Result<PathBuf> {
    static BUILT: Mutex<BTreeMap<Build, PathBuf>> = Mutex::new(BTreeMap::new());
    if let (Build::Plain, Some(path)) = (build, env::var_os("ANSER_BIN")) {
        return Ok(path.into());
    }
    // Tests of one process ask at once.
    let mut built = BUILT.lock();
    if let Some(path) = built.get(&build) {
        return Ok(path.clone());
    }
    let path = keep(build)?;
    built.insert(build, path.clone());
    Ok(path)
}

/// Builds it. Both builds share their dependencies and so their target directory, where each
/// replaces the other's binary: so a copy is kept of either, and the plain one is left in its place.
fn keep(build: Build) -> Result<PathBuf> {
    let made = compile(build)?;
    let name = match build {
        Build::Plain => "anser-plain",
        Build::Planted => "anser-planted",
    };
    let kept = made.with_file_name(name);
    let fresh = made.with_file_name(format!("{name}-{}", std::process::id()));
    std::fs::copy(&made, &fresh).context("cannot copy the binary")?;
    std::fs::rename(&fresh, &kept).context("cannot keep the binary")?;
    if build == Build::Planted {
        compile(Build::Plain)?;
    }
    Ok(kept)
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
