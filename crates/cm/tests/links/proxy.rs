//! The PROXY protocol: demanded from configured peers, bounded in time, and a rate that counts
//! by the address it names.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use anser_cm::{Door, Limits, Tls};
use anser_pace::{Pace, Rate};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::rig::{Client, Rig, soon, until};

fn behind_a_proxy(rig: &Rig) -> Door {
    let proxies = Arc::new(["127.0.0.0/8".parse().unwrap()]);
    Door { proxies, ..Door::plain(Tls::none(), rig.clock.clone()) }
}

async fn came(addr: std::net::SocketAddr, header: &[u8]) -> Client<TcpStream> {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream.write_all(header).await.unwrap();
    Client::new(stream)
}

#[tokio::test]
async fn a_proxied_link_is_trusted_only_as_far_as_the_proxy_vouches() {
    let rig = Rig::new();
    let addr = rig.listen_at(behind_a_proxy(&rig));
    let mut one = came(addr, b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\nECHO a\n").await;
    one.expect("HI tls=false trusted=false").await;
    one.expect("a").await;

    let mut two = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x14".to_vec();
    two.extend([192, 0, 2, 1, 127, 0, 0, 1, 0, 1, 0, 2]);
    let mut plain = two.clone();
    plain.extend([0x04, 0, 5, 1, 0, 0, 0, 0]);
    came(addr, &plain).await.expect("HI tls=false trusted=false").await;
    two.extend([0x20, 0, 5, 1, 0, 0, 0, 0]);
    came(addr, &two).await.expect("HI tls=false trusted=true").await;
}

#[tokio::test]
async fn a_configured_peer_without_a_header_is_turned_away_and_one_that_waits_is_not_waited_for() {
    let limits = Limits { login_within: Duration::from_millis(300), ..Limits::default() };
    let rig = Rig::with(limits);
    let addr = rig.listen_at(behind_a_proxy(&rig));
    assert_eq!(came(addr, b"ECHO without a header\n").await.rest().await, "");
    until(|| rig.cm.stats().refused.read() == 1).await;
    let mut slow = came(addr, b"PROXY TCP4 192.0.2.1 ").await;
    assert_eq!(soon(slow.io.read(&mut [0])).await.unwrap_or(0), 0);
    until(|| rig.cm.stats().refused.read() == 2).await;
    assert_eq!(rig.links(), 0);
}

#[tokio::test]
async fn from_everyone_else_a_header_is_not_believed() {
    let rig = Rig::new();
    let addr = rig.listen(Tls::none());
    let mut other = came(addr, b"PROXY TCP4 192.0.2.1 127.0.0.1 1 2\r\n").await;
    other.expect("HI tls=false trusted=true").await;
    let said = other.line().await;
    assert!(!said.is_empty() && said != "PROXY", "a mistake in the listener's protocol: {said}");
}

#[tokio::test]
async fn a_place_that_comes_too_often_waits_and_others_do_not() {
    let rig = Rig::new();
    let rate = Rate::per_second(NonZeroU32::MIN);
    let pace = Arc::new(Pace::new(Some(rate), rig.clock.clone()));
    let addr = rig.listen_at(Door { pace, ..behind_a_proxy(&rig) });
    let header = |last: u8| format!("PROXY TCP4 192.0.2.{last} 127.0.0.1 1 2\r\n");
    let hello = "HI tls=false trusted=false";
    for _ in 0..rate.burst().get() {
        came(addr, header(1).as_bytes()).await.expect(hello).await;
    }
    assert_eq!(came(addr, header(1).as_bytes()).await.rest().await, "");
    came(addr, header(2).as_bytes()).await.expect(hello).await;
    rig.clock.advance(Duration::from_secs(1));
    came(addr, header(1).as_bytes()).await.expect(hello).await;
}
