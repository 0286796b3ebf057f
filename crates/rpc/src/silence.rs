//! A peer that says nothing may have turned to another SM: what it asked waits until it speaks.

use anser_domain::{LinkId, Reply, Tag};

use crate::{
    FromSm, ToSm,
    skew::{ask, attached, next},
};

#[tokio::test(flavor = "multi_thread")]
async fn what_a_silent_peer_asked_waits_for_its_pong_and_then_goes_in_order() {
    let (to, mut inbound, served) = attached(true).await;
    to.send(ToSm::Asks(vec![ask(1), ask(2)]).form()).unwrap();
    to.send(ToSm::Asks(vec![ask(3)]).form()).unwrap();
    // One when the stream begins, one for the questions, and then again and again.
    let mut pings = Vec::new();
    while pings.len() < 4 {
        match next(&mut inbound).await {
            FromSm::Ping(ping) => pings.push(ping),
            other => panic!("it has not said that it waits: {other:?}"),
        }
    }
    assert!(pings.is_sorted(), "{pings:?}");
    assert_eq!(served.asked(), 3, "they have come, and wait");

    to.send(ToSm::Pong(pings[3]).form()).unwrap();
    let mut answers = Vec::new();
    while answers.len() < 3 {
        if let FromSm::Replies(some) = next(&mut inbound).await {
            answers.extend(some);
        }
    }
    let expected: Vec<_> = (1..=3).map(|n| (LinkId(n), Tag(n), Reply::Done)).collect();
    assert_eq!(answers, expected);
}
