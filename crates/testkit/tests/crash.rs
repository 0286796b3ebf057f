//! The kill test, and the test of the test: every planted fault is found.

use anser_testkit::{
    crash::{FAULTS, Plan, run},
    real::{Build, binary},
};

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_was_answered_is_lost_when_the_server_is_killed() {
    let binary = binary(Build::Plain).unwrap();
    for seed in [1, 2] {
        let dir = tempfile::tempdir().unwrap();
        let report =
            run(&binary, dir.path(), &Plan { rounds: 4, seed, ..Plan::default() }).await.unwrap();
        assert!(report.violations.is_empty(), "seed {seed}: {:#?}", report.violations);
        assert!(report.acked > 200, "only {} of {} sends", report.acked, report.sends);
    }
}

/// Most runs in which a planted fault may stay hidden: each is some four kills, and whether one
/// falls into the moment that shows the fault is up to chance.
const TRIES: u64 = 10;

#[tokio::test(flavor = "multi_thread")]
async fn every_planted_fault_is_found() {
    let binary = binary(Build::Planted).unwrap();
    for fault in FAULTS {
        let expected = match fault {
            "ack-before-commit" => "was told that",
            "no-dedupe" => "stands 2 times",
            "seq-outside-tx" => "should be",
            "cursor-ahead" => "given",
            _ => "never got",
        };
        let mut words = Vec::new();
        for seed in 1..=TRIES {
            let dir = tempfile::tempdir().unwrap();
            let plan = Plan { rounds: 4, seed, plant: Some(fault), ..Plan::default() };
            let report = run(&binary, dir.path(), &plan).await.unwrap();
            words.extend(report.violations.iter().map(ToString::to_string));
            if words.iter().any(|it| it.contains(expected)) {
                break;
            }
        }
        assert!(words.iter().any(|it| it.contains(expected)), "{fault}: {words:#?}");
    }
}
