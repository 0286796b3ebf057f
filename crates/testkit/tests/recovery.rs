//! After the loss of any part nothing is missing, nothing is there twice, and everybody is
//! answered. How soon, `cargo xtask recovery` tells, where the machine does nothing else.

use std::time::Duration;

use anser_testkit::{
    real::{Build, binary},
    recovery::{Plan, run},
};

#[tokio::test(flavor = "multi_thread")]
async fn whatever_goes_everybody_is_answered_and_has_everything() {
    let plan = Plan { pairs: 4, links: 60, looks: Duration::from_secs(1) };
    let all = Box::pin(run(&binary(Build::Plain).unwrap(), &plan, |_| {})).await.unwrap();
    assert!(all.iter().all(|it| it.count > 0), "{all:?}");
    assert_eq!(all.iter().filter(|it| it.bound.is_some()).count(), 6);
}
