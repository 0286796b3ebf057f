//! Peers that do not keep up: bounded memory, ephemeral first, and nothing of the log lost.

use std::sync::Arc;

use anser_cm::Limits;
use anser_domain::*;
use tokio::io::AsyncWriteExt;

use crate::rig::{Rig, soon, until};

fn typing() -> Event {
    Event::Typing(Arc::new(Typing {
        at: crate::fake::address(ConvId(1)),
        user: UserName::trusted("bob"),
        active: true,
    }))
}

fn receipt() -> Event {
    Event::Receipt(Arc::new(Receipt {
        conv: ConvId(1),
        at: crate::fake::address(ConvId(1)),
        user: UserName::trusted("bob"),
        read: true,
        seq: Seq(1),
    }))
}

#[tokio::test]
async fn a_stalled_reader_costs_a_mailbox_and_gets_the_log_later() {
    let rig = Rig::new();
    let mut client = rig.pipe(1000);
    client.line().await;
    client.say("LOGIN alice").await;
    client.expect("WELCOME alice").await;
    client.expect("SYNCED 0").await;
    let body = "x".repeat(1000);
    for _ in 0..1000 {
        rig.sm.publish(1, &body);
    }
    let limits = Limits::default();
    // All that is waiting is bounded: what was not taken is in the log and nowhere else.
    assert_eq!(rig.sm.pulls(), 0);
    rig.sm.tell(typing());
    rig.sm.tell(receipt());
    assert_eq!(rig.cm.stats().shed.read(), 2, "above the mailbox, states go too");
    for seq in 1..=1000 {
        let line = loop {
            let line = client.line().await;
            if line != "WRITABLE" {
                break line;
            }
        };
        assert_eq!(line.len(), format!("MSG 1 {seq} ").len() + 1000);
        assert!(line.starts_with(&format!("MSG 1 {seq} ")), "{seq}: {}", &line[..20]);
    }
    let most = limits.mailbox / 1000 + 1;
    assert!(rig.sm.pulls() >= (1000 - most) / usize::from(limits.page));
    // And then live again.
    let pulls = rig.sm.pulls();
    rig.sm.publish(1, "again");
    while client.line().await != "MSG 1 1001 again" {}
    assert_eq!(rig.sm.pulls(), pulls);
}

#[tokio::test]
async fn typing_is_shed_before_states() {
    let rig = Rig::new();
    let mut client = rig.pipe(1000);
    client.line().await;
    client.say("LOGIN alice").await;
    client.expect("WELCOME alice").await;
    client.expect("SYNCED 0").await;
    rig.sm.publish(1, &"x".repeat(Limits::default().shed_above));
    rig.sm.tell(typing());
    rig.sm.tell(receipt());
    assert_eq!(rig.cm.stats().shed.read(), 1);
    client.line().await;
    while client.line().await != "RECEIPT" {}
}

#[tokio::test]
async fn nothing_more_is_read_from_a_peer_that_does_not_take_its_answers() {
    let rig = Rig::new();
    let mut client = rig.pipe(4096);
    client.line().await;
    let (mut read, mut write) = tokio::io::split(client.io.into_inner());
    let flood = tokio::spawn(async move {
        let line = format!("ECHO {}\n", "y".repeat(1000));
        for _ in 0..5000 {
            write.write_all(line.as_bytes()).await.unwrap();
        }
        write
    });
    // It comes to a stop: one mailbox, one read and the pipes are all there is.
    let most = (Limits::default().mailbox + 64 * 1024 + 3 * 4096) as u64;
    let mut before = 0;
    loop {
        for _ in 0..1000 {
            tokio::task::yield_now().await;
        }
        let now = rig.cm.stats().bytes_in.read();
        if now == before && now > 100_000 {
            break;
        }
        before = now;
    }
    assert!(before <= most, "{before} bytes read");
    assert!(!flood.is_finished());
    let mut sink = tokio::io::sink();
    let copy = async { tokio::io::copy(&mut read, &mut sink).await.unwrap() };
    tokio::select! {
        _ = soon(copy) => panic!("the link is not to close"),
        write = flood => drop(write.unwrap()),
    }
    assert!(rig.cm.stats().bytes_in.read() >= 4_000_000);
}

#[tokio::test]
async fn nothing_more_is_read_while_too_many_questions_are_open() {
    let rig = Rig::with(Limits { unanswered: 10, ..Limits::default() });
    let mut client = rig.online("alice").await;
    rig.sm.hold();
    for n in 0..20 {
        client.say(&format!("SEND 1 {n}")).await;
        if n < 10 {
            until(|| rig.sm.sends().len() == n + 1).await;
        }
    }
    assert_eq!(rig.sm.sends().len(), 10);
    rig.sm.release();
    until(|| rig.sm.sends().len() == 20).await;
}
