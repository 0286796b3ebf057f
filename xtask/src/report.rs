//! What a run says about itself: a header before each step, and at the end every step's time, what
//! failed, and how many tests passed.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::Result;

use crate::suite::Tally;

/// The steps so far.
#[derive(Default)]
pub(crate) struct Report {
    steps: Vec<Step>,
    tests: Option<Tally>,
}

struct Step {
    name: &'static str,
    took: Duration,
    failed: Option<String>,
}

impl Report {
    /// Does one step. A failure is noted and the run goes on, so that one run shows all of them.
    pub(crate) fn step(&mut self, name: &'static str, work: impl FnOnce() -> Result<()>) {
        println!("\n━━━ {name} ━━━");
        let start = now();
        let failed = work().err().map(|error| format!("{error:#}"));
        let took = start.elapsed();
        match &failed {
            None => println!("─── {name}: ok in {:.1} s", took.as_secs_f64()),
            Some(why) => println!("─── {name}: FAILED in {:.1} s: {why}", took.as_secs_f64()),
        }
        self.steps.push(Step { name, took, failed });
    }

    /// Adds what a test runner counted.
    pub(crate) fn count(&mut self, tally: Tally) {
        self.tests.get_or_insert_default().add(tally);
    }

    /// Whether any step has failed.
    pub(crate) fn has_failed(&self) -> bool {
        self.steps.iter().any(|step| step.failed.is_some())
    }

    /// Says how it went.
    pub(crate) fn close(self) -> ExitCode {
        if self.steps.len() > 1 {
            println!("\n━━━ summary ━━━");
            for step in &self.steps {
                let mark = if step.failed.is_some() { "FAILED" } else { "ok" };
                println!("{:>8.1} s  {mark:<6}  {}", step.took.as_secs_f64(), step.name);
            }
            let total: Duration = self.steps.iter().map(|step| step.took).sum();
            println!("{:>8.1} s  in all", total.as_secs_f64());
        }
        for step in &self.steps {
            if let Some(why) = &step.failed {
                println!("{} failed: {why}", step.name);
            }
        }
        // Last, and in this form, since it is what people and machines look for.
        if let Some(tests) = &self.tests {
            println!("{} passed, {} failed", tests.passed, tests.failed);
        }
        if self.has_failed() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }
}

#[expect(clippy::disallowed_methods, reason = "a task runner has no other clock")]
fn now() -> Instant {
    Instant::now()
}
