//! Everything a change must pass, cheapest first.

use anyhow::Result;

use crate::{codegen, debian, report::Report, schemathesis, shell, suite, tidy, tools};

/// Runs all of it.
pub(crate) fn run(report: &mut Report) {
    report.step("system packages", || debian::ensure(&debian::TESTS));
    report.step("format", || shell::run(&mut shell::cargo(["fmt", "--all", "--check"])));
    report.step("tidy", tidy::run);
    report.step("spelling", spelling);
    report.step("licences, bans, sources", deny);
    report.step("unused dependencies", machete);
    report.step("book", book);
    report.step("lints", clippy);
    report.step("api documentation", rustdoc);
    report.step("generated files", || codegen::run(true));
    report.step("schemathesis", || schemathesis::run(schemathesis::EXAMPLES));
    suite::run(report, suite::CRASH_ROUNDS, suite::FUZZ_SECONDS);
}

fn spelling() -> Result<()> {
    shell::run(tools::TYPOS.command()?.args(["--config", "typos.toml", "."]))
}

/// Advisories are not among these: their database is in no package registry, so that a machine
/// which reaches only registries could not run the check. See `advisories`.
fn deny() -> Result<()> {
    shell::run(tools::DENY.command()?.args([
        "--locked",
        "check",
        "--hide-inclusion-graph",
        "licenses",
        "bans",
        "sources",
    ]))
}

/// Compares dependencies with the RustSec advisory database.
pub(crate) fn advisories() -> Result<()> {
    debian::ensure(&[debian::GIT])?;
    shell::run(tools::DENY.command()?.args(["--locked", "check", "advisories"]))
}

fn machete() -> Result<()> {
    shell::run(&mut tools::MACHETE.command()?)
}

/// Builds the book.
pub(crate) fn book() -> Result<()> {
    shell::run(tools::MDBOOK.command()?.args(["build", "docs"]))
}

fn clippy() -> Result<()> {
    shell::run(&mut shell::cargo([
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--",
        "-D",
        "warnings",
    ]))
}

/// Programs aside: nobody reads theirs, and the server's settings are documented in TOML's words.
fn rustdoc() -> Result<()> {
    let mut doc = shell::cargo(["doc", "--workspace", "--lib", "--no-deps", "--locked"]);
    // Private items are documented too, so links to them lead somewhere.
    let strict = "-D warnings -A rustdoc::private_intra_doc_links";
    shell::run(doc.arg("--document-private-items").env("RUSTDOCFLAGS", strict))
}
