//! Bytes in, asks out, answers back: the usual traffic.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use anser_cm::{Io, Limits, Tls};
use anser_domain::*;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};

use crate::{
    line::Line,
    rig::{Rig, until},
};

#[tokio::test]
async fn two_links_talk() {
    let rig = Rig::new();
    let mut alice = rig.online("alice").await;
    let mut bob = rig.online("bob").await;
    for n in 1..=100 {
        alice.say(&format!("SEND 7 hello {n}")).await;
        alice.expect(&format!("OK {n}")).await;
        bob.expect(&format!("MSG 7 {n} hello {n}")).await;
    }
    bob.say("SEND 7 back").await;
    bob.expect("OK 101").await;
    alice.expect("MSG 7 101 back").await;
    assert_eq!(rig.sm.pulls(), 0, "live entries in order need no pull");
}

#[tokio::test]
async fn what_was_missed_comes_before_synced_and_in_order() {
    let rig = Rig::new();
    for n in 1..=250 {
        rig.sm.append(n % 5, "old");
    }
    let mut client = rig.greeted().await;
    client.say("LOGIN alice").await;
    client.expect("WELCOME alice").await;
    let mut next = [1_u64; 5];
    next[0] = 1;
    for _ in 0..250 {
        let line = client.line().await;
        let mut words = line.split(' ').skip(1);
        let conv: usize = words.next().unwrap().parse().unwrap();
        let seq: u64 = words.next().unwrap().parse().unwrap();
        assert_eq!(seq, next[conv]);
        next[conv] += 1;
    }
    client.expect("SYNCED 250").await;
}

#[tokio::test]
async fn frames_longer_than_the_read_buffer_arrive_in_dribbles() {
    let rig = Rig::new();
    let mut client = rig.greeted().await;
    let line = format!("SIZE {}\nECHO next\n", "x".repeat(200 * 1024));
    for chunk in line.as_bytes().chunks(777) {
        client.io.write_all(chunk).await.unwrap();
        tokio::task::yield_now().await;
    }
    client.expect("204800").await;
    client.expect("next").await;
    // And byte by byte.
    for byte in "SEND 1 slow\nECHO done\n".bytes() {
        client.io.write_all(&[byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    client.expect("OK 1").await;
    client.expect("done").await;
}

#[tokio::test]
async fn a_frame_that_never_ends_is_cut_off() {
    let rig = Rig::with(Limits { frame: 1000, ..Limits::default() });
    let mut client = rig.greeted().await;
    // The session would wait for 300 KiB; the driver has the last word.
    let _ = client.io.write_all(&vec![b'x'; 128 * 1024]).await;
    assert_eq!(client.rest().await, "");
    until(|| rig.links() == 0).await;
}

#[tokio::test]
async fn bad_bytes_get_an_answer_and_cost_others_nothing() {
    let rig = Rig::new();
    let mut good = rig.greeted().await;
    let mut bad = rig.greeted().await;
    bad.say("NONSENSE").await;
    assert_eq!(bad.rest().await, "ERROR\n");
    let mut refused = rig.greeted().await;
    refused.say("LOGIN nobody").await;
    assert_eq!(refused.rest().await, "NO\n");
    good.say("ECHO fine").await;
    good.expect("fine").await;
}

#[tokio::test]
async fn a_panic_ends_its_own_link_only() {
    let rig = Rig::new();
    let mut alice = rig.online("alice").await;
    let mut bob = rig.online("bob").await;
    bob.say("PANIC").await;
    assert_eq!(bob.rest().await, "");
    alice.say("SEND 1 still here").await;
    alice.expect("OK 1").await;
    until(|| rig.sm.unlinks() == 1).await;
    assert_eq!(rig.cm.stats().panics.read(), 1);
}

#[tokio::test]
async fn sends_keep_their_order_whichever_thread_asks() {
    let rig = Rig::new();
    let mut alice = rig.online("alice").await;
    let many: String = (0..2000).map(|n| format!("SEND 3 {n}\n")).collect();
    let writer = async { alice.io.get_mut().write_all(many.as_bytes()).await.unwrap() };
    tokio::join!(writer, until(|| rig.sm.sends().len() == 2000));
    let expected: Vec<_> = (0..2000).map(|n| n.to_string()).collect();
    assert_eq!(rig.sm.sends(), expected);
}

#[tokio::test]
async fn a_paused_session_gets_what_was_read_when_it_resumes() {
    let rig = Rig::new();
    let mut client = rig.online("alice").await;
    client.say("PAUSE\nECHO later").await;
    client.say("ECHO latest").await;
    // The pause is over at the timeout and not before.
    until(|| rig.cm.stats().bytes_in.read() >= 12 + 17).await;
    rig.advance(Duration::from_secs(10));
    client.expect("TIMEOUT").await;
    client.expect("later").await;
    client.expect("latest").await;
}

#[tokio::test]
async fn only_what_was_handed_over_is_acknowledged() {
    let rig = Rig::new();
    let mut client = rig.online("alice").await;
    rig.sm.publish(7, "one");
    client.expect("MSG 7 1 one").await;
    client.say("SEND 8 mine").await;
    client.expect("OK 1").await;
    // Ahead of what there was, in a conversation that nobody told it of, and honest ones.
    client.say("ACK 7 2\nACK 9 1\nACK 7 1\nACK 8 1\nECHO done").await;
    client.expect("done").await;
    let acks = |conv, seq| {
        let ack = Command::Delivered { conv: ConvId(conv), seq: Seq(seq) };
        rig.sm.asked(|it| *it == ack)
    };
    until(|| acks(8, 1) == 1).await;
    assert_eq!([acks(7, 2), acks(9, 1), acks(7, 1)], [0, 0, 1]);
}

#[tokio::test]
async fn deadlines_move_and_come_once() {
    let rig = Rig::new();
    let mut client = rig.online("alice").await;
    for _ in 0..10 {
        client.say("WAKE 30\nECHO set").await;
        client.expect("set").await;
        rig.advance(Duration::from_secs(20));
    }
    rig.advance(Duration::from_secs(11));
    client.expect("TIMEOUT").await;
    client.say("WAKE 600\nWAKE 5\nECHO set").await;
    client.expect("set").await;
    rig.advance(Duration::from_secs(6));
    client.expect("TIMEOUT").await;
    rig.advance(Duration::from_secs(700));
    client.say("ECHO quiet").await;
    client.expect("quiet").await;
}

/// Counts writes.
struct Counting(DuplexStream, Arc<AtomicUsize>);

impl AsyncRead for Counting {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Counting {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.1.fetch_add(1, Ordering::SeqCst);
        Pin::new(&mut self.0).poll_write(cx, buf)
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[tokio::test]
async fn a_batch_of_answers_is_one_wake_and_one_write() {
    let rig = Rig::new();
    let writes = Arc::new(AtomicUsize::new(0));
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let info = LinkInfo {
        remote: ([127, 0, 0, 1], 1).into(),
        transport: Transport::Stream,
        tls: None,
        trusted_path: true,
    };
    let io = Io::Other(Box::new(Counting(ours, writes.clone())));
    rig.cm.open(io, info, Box::new(Line::default()), Tls::none()).unwrap();
    let mut client = crate::rig::Client::new(theirs);
    client.line().await;
    client.say("LOGIN alice").await;
    client.expect("WELCOME alice").await;
    client.expect("SYNCED 0").await;
    rig.sm.hold();
    let sends: String = (0..50).map(|n| format!("SEND 1 {n}\n")).collect();
    client.say(sends.trim_end()).await;
    until(|| rig.sm.sends().len() == 50).await;
    let before = writes.load(Ordering::SeqCst);
    rig.sm.release();
    for n in 1..=50 {
        client.expect(&format!("OK {n}")).await;
    }
    assert_eq!(writes.load(Ordering::SeqCst) - before, 1);
}

#[tokio::test]
async fn large_payloads_go_out_whole_beside_small_ones() {
    let rig = Rig::new();
    let mut client = rig.pipe(1000);
    client.line().await;
    client.say("ECHO before\nBIG 100000\nECHO after").await;
    client.expect("before").await;
    assert_eq!(client.line().await.len(), 100_000);
    client.expect("after").await;
    client.expect("WRITABLE").await;
}

/// Whether `lines` holds every entry of log 1 in order, each as a message or as the answer to
/// this client's own send.
fn is_whole(lines: &[String], entries: u64) -> bool {
    let number = |text: &str| text.split(' ').next().and_then(|it| it.parse::<u64>().ok());
    let own: Vec<u64> =
        lines.iter().filter_map(|it| it.strip_prefix("OK ").and_then(number)).collect();
    let others: Vec<u64> =
        lines.iter().filter_map(|it| it.strip_prefix("MSG 1 ").and_then(number)).collect();
    let mut all: Vec<u64> = own.iter().chain(&others).copied().collect();
    all.sort_unstable();
    all.dedup();
    assert!(others.is_sorted_by(|one, next| one < next), "{others:?}");
    all.iter().copied().eq(1..=entries)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_threads_and_links_keep_one_order() {
    const LINKS: u64 = 16;
    const SENDS: u64 = 100;
    let rig = Rig::new();
    let mut clients = Vec::new();
    for n in 0..LINKS {
        clients.push((n, rig.online(&format!("u{n}")).await));
    }
    let mut tasks = Vec::new();
    for (n, mut client) in clients {
        tasks.push(tokio::spawn(async move {
            let sends: String = (0..SENDS).map(|k| format!("SEND 1 {n}-{k}\n")).collect();
            let mut lines = Vec::new();
            client.say(sends.trim_end()).await;
            // Hints overtake each other between threads; what a link misses it pulls.
            while !is_whole(&lines, LINKS * SENDS) {
                let missing = usize::try_from(LINKS * SENDS).unwrap().saturating_sub(lines.len());
                for _ in 0..missing.max(1) {
                    lines.push(client.line().await);
                }
            }
        }));
    }
    for task in tasks {
        crate::rig::soon(task).await.unwrap();
    }
}
