//! A short mix of the harness that tries to lose a message. `cargo xtask chaos` runs longer ones.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::time::Duration;

use anser_testkit::{
    chaos::{Plan, fault, run},
    real::{Build, binary},
};

/// Each role goes once, each link breaks once, each engine goes once, some together; chance says
/// in which order, and how many of them fit into the time.
const MIX: &str = "kill-sm,kill-cm,kill-web,cut-sm,deaf-clients,cut-store+redis-flush,\
                   redis-restart+kill-cm,mariadb-kill,mariadb-read-only,mariadb-deadlocks";

#[tokio::test(flavor = "multi_thread")]
async fn no_fault_of_a_short_mix_breaks_a_promise() {
    let faults = fault::parse(MIX).unwrap();
    let lasts = Duration::from_secs(40);
    let plan = Plan { seed: 20_261_124, lasts, faults, plant: None };
    let binary = binary(Build::Plain).unwrap();
    #[expect(clippy::print_stderr, reason = "what led to a failure")]
    let report = run(&binary, &plan, |line| eprintln!("{line}")).await.unwrap();
    assert!(report.violations.is_empty(), "{}\n{:?}", report.findings, report.kept);
    assert!(report.strikes > 2 && report.acked > 300, "{report:?}");
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
