//! Hints that are lost, and what the CM does about it.

use std::time::Duration;

use anser_domain::*;

use crate::{
    fake::FakeSm,
    rig::{Rig, until},
};

fn changes(rig: &Rig) -> usize {
    rig.sm.asked(|it| matches!(it, Command::Changes { .. }))
}

#[tokio::test]
async fn a_hint_lost_at_the_tail_is_found_within_twenty_seconds() {
    let rig = Rig::new();
    let mut client = rig.online("alice").await;
    rig.sm.publish(1, "first");
    client.expect("MSG 1 1 first").await;
    rig.sm.beat(1);
    // This one's hint never leaves the SM, and nothing follows it.
    rig.sm.append(1, "lost");
    rig.sm.step();
    rig.sm.beat(1);
    rig.advance(Duration::from_secs(12));
    client.expect("MSG 1 2 lost").await;
    client.expect("SYNCED 2").await;
    assert_eq!(rig.cm.stats().gaps.read(), 1);
    rig.sm.publish(1, "next");
    client.expect("MSG 1 3 next").await;
}

#[tokio::test]
async fn a_hole_in_a_conversation_pulls_at_once() {
    let rig = Rig::new();
    let mut client = rig.online("alice").await;
    rig.sm.publish(1, "one");
    client.expect("MSG 1 1 one").await;
    rig.sm.append(1, "two");
    rig.sm.publish(1, "three");
    client.expect("MSG 1 2 two").await;
    client.expect("MSG 1 3 three").await;
    assert_eq!(rig.sm.pulls(), 1);
}

#[tokio::test]
async fn batches_that_overtake_each_other_are_no_gap() {
    let rig = Rig::new();
    let mut client = rig.online("alice").await;
    let (first, second) = (rig.sm.append(1, "a"), rig.sm.append(2, "b"));
    let (at_first, at_second) = (rig.sm.step(), rig.sm.step());
    rig.sm.deliver(at_second, vec![FakeSm::hint(&second, rig.sm.links())]);
    rig.advance(Duration::from_millis(500));
    rig.sm.deliver(at_first, vec![FakeSm::hint(&first, rig.sm.links())]);
    rig.advance(Duration::from_secs(5));
    client.expect("MSG 2 1 b").await;
    client.expect("MSG 1 1 a").await;
    assert_eq!((rig.cm.stats().gaps.read(), changes(&rig)), (0, 0));
}

#[tokio::test]
async fn an_emptied_link_map_relinks_everyone_and_compares() {
    let rig = Rig::new();
    let mut clients = Vec::new();
    for n in 0..10 {
        clients.push(rig.online(&format!("u{n}")).await);
    }
    rig.sm.beat(1);
    rig.advance(Duration::from_secs(1));
    assert_eq!(changes(&rig), 0);
    // While the map was empty nobody could be hinted at, whatever the numbers say.
    rig.sm.append(4, "unheard");
    rig.sm.beat(2);
    rig.advance(Duration::from_secs(10));
    for client in &mut clients {
        client.expect("MSG 4 1 unheard").await;
    }
    assert_eq!(rig.sm.asked(|it| matches!(it, Command::Relink)), 10);
    assert_eq!(changes(&rig), 10);
}

#[tokio::test]
async fn another_life_of_the_sm_makes_links_compare() {
    let rig = Rig::new();
    let mut client = rig.online("alice").await;
    rig.sm.beat(1);
    rig.sm.append(1, "lost with the old one");
    let at = StreamPos { sm: PeerId(901), number: 1 };
    rig.sm.deliver(at, Vec::new());
    rig.advance(Duration::from_secs(9));
    client.expect("MSG 1 1 lost with the old one").await;
}

#[tokio::test]
async fn hints_for_links_that_are_gone_do_no_harm() {
    let rig = Rig::new();
    let client = rig.online("alice").await;
    let links = rig.sm.links();
    drop(client);
    until(|| rig.links() == 0).await;
    let message = rig.sm.append(1, "late");
    rig.sm.deliver(rig.sm.step(), vec![FakeSm::hint(&message, links)]);
}
