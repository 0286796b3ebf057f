//! `anser doctor`: is this machine, set up as it is, fit to hold many links? It reads and measures;
//! it changes nothing. A check is a file and a row.

mod backlog;
mod certificate;
mod clock;
mod conntrack;
mod database;
mod descriptors;
mod disk;
mod listeners;
mod machine;
mod memory;
mod nic;
mod port_range;
mod steering;
mod tcp_memory;

use std::path::PathBuf;

use anser_domain::{Clock as _, SystemClock};
use serde::Serialize;

use self::machine::Machine;
use crate::{cli::Place, config::Config, say};

/// `anser doctor`
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    place: Place,
    /// Print one JSON object for programs
    #[arg(long)]
    json: bool,
    /// Read the whole database too, and say whether it is in order; takes a while
    #[arg(long)]
    deep: bool,
    /// Read /proc and /sys below this directory
    #[arg(long, hide = true, default_value = "/")]
    root: PathBuf,
}

/// One check.
struct Check {
    /// What it is about.
    name: &'static str,
    /// Where it looks.
    reads: &'static str,
    /// Looks.
    look: fn(&Patient<'_>) -> Vec<Finding>,
}

/// Everything that is checked, in the order of the report.
const CHECKS: &[Check] = &[
    nic::CHECK,
    steering::CHECK,
    descriptors::CHECK,
    backlog::CHECK,
    port_range::CHECK,
    tcp_memory::CHECK,
    conntrack::CHECK,
    memory::CHECK,
    clock::CHECK,
    disk::CHECK,
    database::CHECK,
    certificate::CHECK,
    listeners::CHECK,
];

/// Who is looked at.
struct Patient<'a> {
    machine: Machine,
    config: &'a Config,
    deep: bool,
    /// Seconds since 1970.
    now: i64,
    /// Links that the settings allow for.
    links: u64,
}

/// How good a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    /// As it should be.
    Ok,
    /// It could not be found out.
    Unknown,
    /// It will hold fewer links, or hold them worse, than it could.
    Warn,
    /// Something will fail.
    Bad,
}

/// What one look found.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Finding {
    verdict: Verdict,
    /// In words, with numbers.
    found: String,
    /// What mends it: a command, or what to set.
    #[serde(skip_serializing_if = "Option::is_none")]
    mend: Option<String>,
}

impl Finding {
    fn ok(found: impl Into<String>) -> Self {
        Self { verdict: Verdict::Ok, found: found.into(), mend: None }
    }

    fn unknown(found: impl Into<String>) -> Self {
        Self { verdict: Verdict::Unknown, found: found.into(), mend: None }
    }

    fn warn(found: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { verdict: Verdict::Warn, found: found.into(), mend: Some(mend.into()) }
    }

    fn bad(found: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { verdict: Verdict::Bad, found: found.into(), mend: Some(mend.into()) }
    }
}

/// The findings of one check.
#[derive(Serialize)]
struct Looked {
    name: &'static str,
    reads: &'static str,
    findings: Vec<Finding>,
}

/// The report, as `--json` prints it.
#[derive(Serialize)]
struct Report {
    verdict: Verdict,
    checks: Vec<Looked>,
}

/// Looks, reports, and fails when something is bad.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let config = args.place.load(Vec::new())?;
    let patient = Patient {
        machine: Machine::below(args.root.clone()),
        config: &config,
        deep: args.deep,
        now: SystemClock.wall().0 / 1000,
        links: config.limits.links.into(),
    };
    let report = examine(&patient);
    let text = match args.json {
        true => serde_json::to_string(&report)? + "\n",
        false => in_words(&report),
    };
    say(&text)?;
    anyhow::ensure!(report.verdict != Verdict::Bad, "this will not do; see what is bad above");
    Ok(())
}

fn examine(patient: &Patient<'_>) -> Report {
    let checks: Vec<_> = CHECKS
        .iter()
        .map(|check| Looked {
            name: check.name,
            reads: check.reads,
            findings: (check.look)(patient),
        })
        .collect();
    let all = checks.iter().flat_map(|check| &check.findings);
    let verdict = all.map(|it| it.verdict).max().unwrap_or(Verdict::Ok);
    Report { verdict, checks }
}

fn in_words(report: &Report) -> String {
    let mut text = String::new();
    for check in &report.checks {
        for finding in &check.findings {
            let mark = match finding.verdict {
                Verdict::Ok => "ok     ",
                Verdict::Unknown => "unknown",
                Verdict::Warn => "warn   ",
                Verdict::Bad => "BAD    ",
            };
            text.push_str(&format!("{mark} {}: {}\n", check.name, finding.found));
            if let Some(mend) = &finding.mend {
                text.push_str(&format!("          mend: {mend}\n"));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests;
