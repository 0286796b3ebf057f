//! Rates that hold whatever the protocol, and keep a device's order where they refuse.

use std::{num::NonZeroU32, time::Duration};

use anser_domain::{Caller, Command, Refusal, Reply};
use anser_pace::Rate;
use anser_sm::{Config, Rates};

use crate::support::{text_to, world_as};

fn config(rates: Rates) -> Config {
    Config { scram_iterations: 2, rates, ..Config::default() }
}

/// Three a minute.
fn three() -> Option<Rate> {
    let [count, seconds] = [3, 60].map(|n| NonZeroU32::new(n).unwrap());
    Some(Rate { count, seconds })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_sends_too_fast_waits_and_keeps_the_order_of_what_was_refused() {
    let w = world_as(&["alice", "bob"], config(Rates { sends: three(), ..Rates::default() })).await;
    let alice = w.link("alice", "phone", 1).await;
    let first = text_to("u:bob", "1");
    assert!(matches!(alice.ask(first.clone()).await, Reply::Sent(_)));
    for text in ["2", "3"] {
        alice.send("u:bob", text).await;
    }
    let (fourth, fifth) = (text_to("u:bob", "4"), text_to("u:bob", "5"));
    let Reply::Refused(refusal) = alice.ask(fourth.clone()).await else { panic!() };
    let wait = refusal.retry_after().unwrap();
    assert!(matches!(refusal, Refusal::RateLimited(_)) && wait <= Duration::from_secs(20));
    let Reply::Sent(again) = alice.ask(first).await else { panic!("a retry has its answer") };
    assert!(again.duplicate);

    // A whole burst later the fifth has still to wait for the fourth.
    w.clock.advance(Duration::from_secs(60));
    assert_eq!(alice.ask(fifth.clone()).await, Reply::Refused(Refusal::OutOfOrder));
    let Reply::Sent(sent) = alice.ask(fourth).await else { panic!() };
    assert_eq!(sent.seq.0, 4, "nothing was stored of what was refused");
    assert!(matches!(alice.ask(fifth).await, Reply::Sent(_)));
    let bob = w.link("bob", "phone", 2).await;
    bob.send("u:alice", "bob has his own rate").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_has_a_rate_of_its_own_over_all_who_are_in_it() {
    let rates = Rates { conversation: three(), ..Rates::default() };
    let w = world_as(&["alice", "bob", "carol"], config(rates)).await;
    let (alice, bob) = (w.link("alice", "phone", 1).await, w.link("bob", "phone", 2).await);
    alice.send("u:bob", "1").await;
    bob.send("u:alice", "2").await;
    alice.send("u:bob", "3").await;
    let said = bob.ask(text_to("u:alice", "4")).await;
    assert!(matches!(said, Reply::Refused(Refusal::RateLimited(_))), "{said:?}");
    bob.send("u:carol", "elsewhere").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_user_asks_has_a_rate_over_all_ways_of_asking() {
    let rates = Rates { calls: three(), ..Rates::default() };
    let w = world_as(&["alice", "bob"], config(rates)).await;
    let alice = w.link("alice", "phone", 1).await;
    let token = Caller::Bearer(w.sign_in("alice", "laptop").await.access);
    assert!(matches!(w.call(token.clone(), Command::Me).await, Reply::User(_)));
    assert!(matches!(alice.ask(Command::Devices).await, Reply::Devices(_)));
    assert!(matches!(alice.ask(Command::Me).await, Reply::User(_)));
    for said in [w.call(token, Command::Me).await, alice.ask(Command::Devices).await] {
        assert!(matches!(said, Reply::Refused(Refusal::RateLimited(_))), "{said:?}");
    }
    alice.send("u:bob", "sends are counted apart").await;
}
