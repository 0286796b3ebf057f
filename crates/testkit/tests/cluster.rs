//! Two CMs and two SMs, everything between them encoded, under each fault and under all at once:
//! in the end every device has everything, once and in order.

#![expect(clippy::unwrap_used, reason = "a test")]

use anser_testkit::cluster::{Faults, Plan, run};

async fn holds(name: &str, seeds: std::ops::Range<u64>, plan: Plan) {
    for seed in seeds {
        let outcome = run(&Plan { seed, ..plan.clone() }).await.unwrap();
        assert!(
            outcome.violations.is_empty(),
            "{name}, seed {seed}, healed in {}: {:#?}",
            outcome.healed_in,
            outcome.violations
        );
        assert!(outcome.is_presence_right, "{name}, seed {seed}: the link map lacks somebody");
        assert!(outcome.sends > 50 && outcome.learned > 10 * outcome.sends, "{outcome:?}");
    }
}

#[tokio::test]
async fn without_faults() {
    holds("no faults", 0..2, Plan::default()).await;
}

#[tokio::test]
async fn hints_that_are_lost() {
    let faults = Faults { drop: 30, ..Faults::none() };
    holds("dropped hints", 10..13, Plan { faults, ..Plan::default() }).await;
}

#[tokio::test]
async fn hints_that_come_twice_or_in_another_order_or_late() {
    let faults =
        Faults { duplicate: 20, reorder: 30, delay: 20, delays: 100..3000, ..Faults::none() };
    holds("shuffled hints", 20..23, Plan { faults, ..Plan::default() }).await;
}

#[tokio::test]
async fn a_link_map_that_is_emptied() {
    holds("flushed routes", 30..33, Plan { flush_routes: 20, ..Plan::default() }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_emptied() {
    let plan = Plan { on_redis: true, flush_routes: 20, ..Plan::default() };
    holds("flushed redis", 90..92, plan).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_emptied_while_sms_go_and_links_break() {
    let plan =
        Plan { on_redis: true, flush_routes: 20, crash_sm: 25, break_links: 4, ..Plan::default() };
    holds("flushed redis, and more", 92..93, plan).await;
}

#[tokio::test]
async fn an_sm_that_goes_and_comes_back() {
    holds("lost sm", 40..43, Plan { crash_sm: 25, ..Plan::default() }).await;
}

#[tokio::test]
async fn owners_that_change() {
    holds("changed owners", 50..53, Plan { change_owners: 3, ..Plan::default() }).await;
}

#[tokio::test]
async fn streams_that_break() {
    holds("broken streams", 60..63, Plan { break_streams: 30, ..Plan::default() }).await;
}

#[tokio::test]
async fn links_that_break() {
    holds("broken links", 70..73, Plan { break_links: 3, ..Plan::default() }).await;
}

#[tokio::test]
async fn everything_at_once() {
    let plan = Plan {
        faults: Faults {
            drop: 10,
            duplicate: 10,
            reorder: 10,
            delay: 10,
            delays: 100..3000,
            broken: false,
        },
        flush_routes: 33,
        crash_sm: 37,
        change_owners: 5,
        break_links: 4,
        ..Plan::default()
    };
    holds("everything", 80..86, plan).await;
}
