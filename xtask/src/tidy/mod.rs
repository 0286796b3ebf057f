//! What the compiler does not check: that the crates keep to their floors, that every file says
//! what it is for and stays small, that no test is left out, and that the drawings in
//! ARCHITECTURE.md name functions that exist.

mod drawings;
mod ladder;
mod links;
mod sources;
mod workspace;

use std::fs;

use anyhow::{Context, Result, bail};

/// Checks the whole workspace and prints each finding.
pub(crate) fn run() -> Result<()> {
    let packages = workspace::packages()?;
    let sources = workspace::files(&["crates", "xtask", "fuzz"], "rs")?;
    let pages = workspace::files(&["."], "md")?;
    let architecture =
        fs::read_to_string("ARCHITECTURE.md").context("cannot read ARCHITECTURE.md")?;

    let mut findings = ladder::check(&packages);
    findings.extend(workspace::check_lints(&packages)?);
    findings.extend(sources.iter().flat_map(sources::check));
    findings.extend(drawings::check(&architecture, &sources));
    findings.extend(pages.iter().flat_map(links::check));
    for finding in &findings {
        println!("{finding}");
    }
    if findings.is_empty() {
        println!(
            "{} packages, {} source files, {} pages",
            packages.len(),
            sources.len(),
            pages.len()
        );
        return Ok(());
    }
    bail!("{} findings", findings.len())
}
