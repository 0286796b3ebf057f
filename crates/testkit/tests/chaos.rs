//! A short mix of the harness that tries to lose a message. `cargo xtask chaos` runs longer ones.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

use std::{path::Path, time::Duration};

use anser_testkit::{
    chaos::{CLUSTER_PLANTS, PLANTS, Plan, fault, run, trial},
    real::{Build, binary},
};
use tokio::task::JoinSet;

/// Each role goes once, each link breaks once, each engine goes once, some together; chance says
/// in which order, and how many of them fit into the time.
const MIX: &str = "kill-sm,kill-cm,kill-web,cut-sm,deaf-clients,cut-store+redis-flush,\
                   redis-restart+kill-cm,mariadb-kill,mariadb-read-only,mariadb-deadlocks";

#[tokio::test(flavor = "multi_thread")]
async fn no_fault_of_a_short_mix_breaks_a_promise() {
    let faults = fault::parse(MIX).unwrap();
    let lasts = Duration::from_secs(40);
    let plan = Plan::mix(20_261_124, lasts, faults);
    let binary = binary(Build::Plain).unwrap();
    let report = run(&binary, &plan, |line| eprintln!("{line}")).await.unwrap();
    assert!(report.violations.is_empty(), "{}\n{:?}", report.findings, report.kept);
    assert!(report.strikes > 2 && report.acked > 300, "{report:?}");
}

/// Chance decides whether a fault shows: seldom not the first time.
const TRIES: u64 = 10;
/// Rounds on a cluster with a planted fault, until it shows.
const CLUSTER_TRIES: u64 = 3;
/// Trials mostly wait, for chats and for links to be fenced; so many keep a small machine busy.
const AT_ONCE: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn every_planted_fault_is_found_and_nothing_without_one() {
    let binary = binary(Build::Planted).unwrap();
    assert_eq!(violations(&binary, None, 1).await, [""; 0]);
    for some in PLANTS.chunks(AT_ONCE) {
        let mut trials = JoinSet::new();
        for (plant, expected) in some {
            let binary = binary.clone();
            trials.spawn(async move {
                let mut words = Vec::new();
                for seed in 1..=TRIES {
                    words.extend(violations(&binary, Some(plant), seed).await);
                    if words.iter().any(|it| it.contains(expected)) {
                        return;
                    }
                }
                panic!("{plant}: {words:#?}");
            });
        }
        trials.join_all().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_planted_into_a_cluster_is_found() {
    let binary = binary(Build::Planted).unwrap();
    let mut rounds = JoinSet::new();
    for (plant, fault, expected) in CLUSTER_PLANTS {
        let binary = binary.clone();
        rounds.spawn(async move {
            let mut words = Vec::new();
            for seed in 1..=CLUSTER_TRIES {
                let mut plan = Plan::once(seed, fault::parse(fault).unwrap().remove(0));
                plan.plant = Some(plant.into());
                let report = run(&binary, &plan, |_| {}).await.unwrap();
                words.extend(report.violations.iter().map(ToString::to_string));
                if words.iter().any(|it| it.contains(expected)) {
                    return;
                }
            }
            panic!("{plant}: {words:#?}");
        });
    }
    rounds.join_all().await;
}

async fn violations(binary: &Path, plant: Option<&str>, seed: u64) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let found = trial(binary, dir.path(), plant, seed).await.unwrap();
    found.iter().map(ToString::to_string).collect()
}

#[test]
fn faults_are_named_alone_and_together() {
    let faults = fault::parse("kill-sm,cut-store+redis-flush").unwrap();
    assert_eq!(faults.iter().map(Vec::len).collect::<Vec<_>>(), [1, 2]);
    assert!(fault::parse("kill-everything").is_err());
    let apart = fault::parse("sentinel-failover,cluster-node-loss").unwrap();
    assert!(fault::map(&apart).is_err(), "there is no Redis for both");
    assert_eq!(fault::map(&fault::singly()).unwrap(), fault::Map::One);
}
