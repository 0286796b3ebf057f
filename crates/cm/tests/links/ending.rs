//! How links end, and that each end is told to the SM once.

use std::time::Duration;

use anser_cm::{Limits, Tls};
use anser_domain::*;
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::rig::{Client, Rig, soon, until};

#[tokio::test]
async fn every_way_to_end_unlinks_once() {
    let rig = Rig::new();
    let mut quits = rig.online("a").await;
    quits.say("QUIT").await;
    assert_eq!(quits.rest().await, "BYE\n");
    drop(quits);
    until(|| rig.sm.unlinks() == 1).await;

    drop(rig.online("b").await);
    until(|| rig.sm.unlinks() == 2).await;

    let mut bad = rig.online("c").await;
    bad.say("NONSENSE").await;
    bad.rest().await;
    drop(bad);
    until(|| rig.sm.unlinks() == 3).await;

    drop(rig.greeted().await);
    until(|| rig.links() == 0).await;
    assert_eq!(rig.sm.unlinks(), 3, "who never logged in has no route");
    assert!(rig.sm.links().is_empty());
}

#[tokio::test]
async fn a_welcome_that_comes_too_late_is_taken_back() {
    let rig = Rig::new();
    rig.sm.hold();
    let mut client = rig.greeted().await;
    client.say("LOGIN alice").await;
    until(|| !rig.sm.links().is_empty()).await;
    drop(client);
    until(|| rig.links() == 0).await;
    assert_eq!(rig.sm.unlinks(), 0);
    rig.sm.release();
    assert_eq!(rig.sm.unlinks(), 1);
    assert!(rig.sm.links().is_empty());
}

#[tokio::test]
async fn an_evicted_link_is_told_why() {
    let rig = Rig::new();
    let mut client = rig.online("alice").await;
    rig.sm.evict(Refusal::TakenOver);
    assert_eq!(client.rest().await, "EVICTED the device logged in elsewhere\n");
    until(|| rig.sm.unlinks() == 1).await;
}

#[tokio::test]
async fn an_evicted_link_that_is_stalled_is_gone_within_two_seconds() {
    let rig = Rig::new();
    let mut client = rig.pipe(100);
    client.line().await;
    client.say("LOGIN alice").await;
    client.expect("WELCOME alice").await;
    client.expect("SYNCED 0").await;
    rig.sm.publish(1, &"x".repeat(1000));
    rig.sm.evict(Refusal::Revoked);
    assert_eq!(rig.sm.unlinks(), 0, "its last words are still waiting");
    rig.advance(Duration::from_millis(2250));
    until(|| rig.sm.unlinks() == 1 && rig.links() == 0).await;
}

#[tokio::test]
async fn a_peer_that_does_not_take_its_last_bytes_is_cut_off() {
    let rig = Rig::new();
    let mut client = rig.pipe(100);
    client.line().await;
    client.say("BIG 1000\nQUIT").await;
    rig.advance(Duration::from_secs(4));
    assert_eq!(rig.links(), 1);
    until(|| rig.cm.stats().bytes_in.read() > 0).await;
    rig.advance(Duration::from_secs(6));
    until(|| rig.links() == 0).await;
}

#[tokio::test]
async fn who_does_not_log_in_in_time_is_cut_off() {
    let rig = Rig::new();
    let mut idle = rig.greeted().await;
    let mut online = rig.online("alice").await;
    let mut slow = rig.greeted().await;
    for _ in 0..9 {
        slow.io.write_all(b"L").await.unwrap();
        rig.advance(Duration::from_secs(1));
    }
    assert_eq!(rig.links(), 3);
    rig.advance(Duration::from_secs(2));
    assert_eq!(idle.rest().await, "");
    assert_eq!(slow.rest().await, "");
    online.say("ECHO still here").await;
    online.expect("still here").await;
}

#[tokio::test]
async fn deflate_is_not_offered_and_says_so_by_closing() {
    let rig = Rig::new();
    let mut client = rig.greeted().await;
    client.say("DEFLATE").await;
    assert_eq!(client.rest().await, "");
}

#[tokio::test]
async fn draining_spreads_those_who_come_back_and_ends_those_who_stay() {
    let rig = Rig::new();
    let mut clients = Vec::new();
    for n in 0..20 {
        clients.push(rig.online(&format!("u{n}")).await);
    }
    let mut stalled = rig.pipe(8);
    let drain = rig.cm.drain(Duration::from_secs(100), Duration::from_millis(300));
    let listening = async {
        let mut waits = Vec::new();
        for client in &mut clients {
            let rest = client.rest().await;
            waits.push(rest.trim().strip_prefix("DRAIN ").unwrap().parse::<u64>().unwrap());
        }
        clients.clear();
        waits.sort_unstable();
        waits
    };
    let ((), waits) = soon(async { tokio::join!(drain, listening) }).await;
    assert!(waits[0] < 30_000 && waits[19] > 70_000 && waits[19] <= 100_000, "{waits:?}");
    assert_eq!((rig.sm.unlinks(), rig.links()), (20, 0));
    let (ours, _theirs) = tokio::io::duplex(8);
    let info = LinkInfo {
        remote: ([127, 0, 0, 1], 1).into(),
        transport: Transport::Stream,
        tls: None,
        trusted_path: true,
    };
    let session = Box::new(crate::line::Line::default());
    let io = anser_cm::Io::Other(Box::new(ours));
    assert!(rig.cm.open(io, info, session, Tls::none()).is_none());
    stalled.rest().await;
}

#[tokio::test]
async fn beyond_max_links_newcomers_are_told_to_come_back() {
    let rig = Rig::with(Limits { max_links: 2, ..Limits::default() });
    let addr = rig.listen(Tls::none());
    let mut first = Client::new(TcpStream::connect(addr).await.unwrap());
    first.line().await;
    let mut second = Client::new(TcpStream::connect(addr).await.unwrap());
    second.line().await;
    let mut third = Client::new(TcpStream::connect(addr).await.unwrap());
    assert!(third.line().await.starts_with("HI"));
    assert!(third.line().await.starts_with("DRAIN "));
    assert_eq!(third.line().await, "");
    assert_eq!(rig.cm.stats().refused.read(), 1);
    first.say("ECHO mine").await;
    first.expect("mine").await;
}

#[tokio::test]
async fn last_words_reach_a_peer_that_is_still_talking() {
    let rig = Rig::new();
    let addr = rig.listen(Tls::none());
    let mut client = Client::new(TcpStream::connect(addr).await.unwrap());
    client.line().await;
    // Unread input at closing would reset the connection and take these last words back.
    client.say(&format!("QUIT\n{}", "ECHO unread\n".repeat(20_000))).await;
    client.expect("BYE").await;
    client.expect("").await;
}
