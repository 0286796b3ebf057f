//! What the harnesses share when somebody starts them from a command line.

use std::{
    env,
    path::PathBuf,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Result, bail};

/// The server: `ANSER_BIN`, or the `anser` beside this binary.
///
/// # Errors
/// There is neither.
pub fn binary() -> Result<PathBuf> {
    if let Some(path) = env::var_os("ANSER_BIN") {
        return Ok(path.into());
    }
    let beside = env::current_exe()?.with_file_name("anser");
    if !beside.exists() {
        bail!("{} is not there: build it, or say where it is in ANSER_BIN", beside.display());
    }
    Ok(beside)
}

/// A seed for whoever names none.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "any number will do, and this one differs each time")]
pub fn seed() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_secs())
}

/// Tells whoever started this.
#[expect(clippy::print_stdout, reason = "this is a command line")]
pub fn say(line: &str) {
    println!("{line}");
}
