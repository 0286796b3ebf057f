//! The project's task runner: `cargo xtask test`, `cargo xtask ci`, and the parts they are made of.
//!
//! It needs nothing but Rust and a C compiler to start; what else a task needs is installed by
//! [`debian`] and [`tools`], or named exactly when that is not possible.

#![expect(clippy::print_stdout, reason = "what a task has to say goes to the terminal")]

mod chaos;
mod ci;
mod codegen;
mod crash;
mod debian;
mod fuzz;
mod recovery;
mod report;
mod schemathesis;
mod shell;
mod suite;
mod tidy;
mod tools;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::report::Report;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Anser's tasks", disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run every test: unit, integration and doc tests, crash rounds, and a few seconds of fuzzing
    Test {
        /// Rounds of kill and restart
        #[arg(long, default_value_t = suite::CRASH_ROUNDS)]
        crash_rounds: u32,
        /// Seconds for each fuzz target
        #[arg(long, default_value_t = suite::FUZZ_SECONDS)]
        fuzz_seconds: u32,
    },
    /// Run everything a change must pass: `test` plus format, lints, tidiness, licences, docs
    Ci,
    /// Check what the compiler does not: the crate ladder, file headers, sizes, names
    Tidy,
    /// Fuzz each target for a while, starting from the corpus in fuzz/corpus
    Fuzz {
        /// Seconds for each target
        #[arg(long, default_value_t = 60)]
        seconds: u32,
        /// Only this target
        #[arg(long)]
        target: Option<String>,
    },
    /// Kill a loaded server at random moments and compare what every device then has
    Crash {
        /// Rounds of kill and restart
        #[arg(long, default_value_t = 50)]
        rounds: u32,
        /// Repeat the run that had this seed
        #[arg(long)]
        seed: Option<u64>,
    },
    /// Hurt a cluster of real processes while devices chat, and look for a promise that was broken
    Chaos(chaos::Options),
    /// Kill parts of a cluster, one after another, and time until it is itself again
    Recovery(recovery::Options),
    /// Hold the REST API of a real server against its OpenAPI document, with made-up requests
    Schemathesis {
        /// Requests made up for each call
        #[arg(long, default_value_t = schemathesis::EXAMPLES)]
        examples: u32,
    },
    /// Write generated files anew
    Codegen {
        /// Fail when one is stale instead of writing it
        #[arg(long)]
        check: bool,
    },
    /// Compare dependencies with the RustSec advisory database, which is fetched from its home
    Advisories,
    /// Build the book into docs/book
    Docs,
}

fn main() -> ExitCode {
    match run(Cli::parse().task) {
        Ok(code) => code,
        Err(error) => {
            println!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<ExitCode> {
    shell::enter_root()?;
    let mut report = Report::default();
    match task {
        Task::Test { crash_rounds, fuzz_seconds } => {
            suite::run(&mut report, crash_rounds, fuzz_seconds);
        }
        Task::Ci => ci::run(&mut report),
        Task::Tidy => report.step("tidy", tidy::run),
        Task::Fuzz { seconds, target } => {
            report.step("fuzz", || fuzz::run(seconds, target.as_deref()));
        }
        Task::Crash { rounds, seed } => report.step("crash", || crash::run(rounds, seed)),
        Task::Chaos(options) => report.step("chaos", || chaos::run(&options)),
        Task::Recovery(options) => report.step("recovery", || recovery::run(&options)),
        Task::Schemathesis { examples } => {
            report.step("schemathesis", || schemathesis::run(examples));
        }
        Task::Codegen { check } => report.step("codegen", || codegen::run(check)),
        Task::Advisories => report.step("advisories", ci::advisories),
        Task::Docs => report.step("book", ci::book),
    }
    Ok(report.close())
}
