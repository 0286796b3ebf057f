//! A client against a server that follows a script, over links in memory, on tokio's own clock.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anser_client::{
    Client, Connection, Dial, Event, Events, Failed, Options, Stop, TokenError, TokenSource,
    message,
};
use anser_domain::{Content, Secret, Seq};
use anser_wire::{
    ErrorCode, VERSION, codec,
    frame::{self, Frame},
};
use futures_util::future::BoxFuture;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    sync::mpsc,
    time::timeout,
};

/// The server's end of one link.
struct Peer {
    stream: DuplexStream,
    bytes: Vec<u8>,
}

impl Peer {
    async fn read(&mut self) -> Option<Frame> {
        loop {
            if let Some((used, frame)) = codec::read(&self.bytes, 1 << 20).unwrap() {
                self.bytes.drain(..used);
                return frame;
            }
            if self.stream.read_buf(&mut self.bytes).await.unwrap() == 0 {
                return None;
            }
        }
    }

    /// The next frame that is no acknowledgement and no credit.
    async fn next(&mut self) -> Frame {
        loop {
            match self.read().await.expect("the client hung up") {
                Frame::DeliverAck(_) | Frame::Credit(_) | Frame::Ping(_) => {}
                other => return other,
            }
        }
    }

    async fn say(&mut self, frame: impl Into<Frame>) {
        let mut bytes = Vec::new();
        codec::write(&frame.into(), &mut bytes);
        self.stream.write_all(&bytes).await.unwrap();
    }

    async fn welcome(&mut self, ticket: &str) -> Frame {
        let hello = self.next().await;
        self.say(welcome(ticket)).await;
        hello
    }

    /// The bodies of the next `n` sends, with their ids and client ids.
    async fn sends(&mut self, n: usize) -> Vec<frame::Send> {
        let mut all = Vec::new();
        while all.len() < n {
            match self.next().await {
                Frame::Send(send) => all.push(send),
                other => panic!("a SEND was expected, not {other:?}"),
            }
        }
        all
    }

    async fn ack(&mut self, id: u32, seq: u64) {
        let (conv, message_id) = (9, seq);
        self.say(frame::SendAck { id, conv, seq, message_id, ts: 1, duplicate: false }).await;
    }

    async fn refuse(&mut self, id: u32, code: ErrorCode, retry_after_ms: u32) {
        let code = code.number().into();
        self.say(frame::Error { code, reason: "no".into(), id, retry_after_ms, until_ms: 0 }).await;
    }
}

fn welcome(ticket: &str) -> frame::Welcome {
    frame::Welcome {
        version: VERSION,
        user: "alice".into(),
        device: "test".into(),
        ticket: ticket.into(),
        server_time: 0,
        expires: 1 << 40,
        heartbeat_ms: 60_000,
        max_frame: 1 << 18,
        max_in_flight: 256,
        personal: 77,
        capabilities: Vec::new(),
        changes: Some(frame::ChangeSet {
            conversations: vec![frame::Conversation {
                conv: 9,
                at: "u:bob".into(),
                member: true,
                head: 4,
                delivered: 4,
                ..Default::default()
            }],
            ..Default::default()
        }),
    }
}

fn entry(seq: u64, body: &str) -> frame::Deliver {
    frame::Deliver {
        conv: 9,
        at: "u:bob".into(),
        seq,
        ord: seq,
        message_id: seq,
        sender: "bob".into(),
        client_id: vec![7; 16],
        ts: 1,
        kind: 1,
        body: body.into(),
        ..Default::default()
    }
}

/// Hands one end of each link to the test; `None` refuses a dial.
struct Wires(mpsc::UnboundedSender<Peer>, AtomicUsize);

impl Dial for Wires {
    fn dial(&self) -> BoxFuture<'_, io::Result<Connection>> {
        let refuse = self.1.load(Ordering::Relaxed);
        Box::pin(async move {
            if refuse > 0 {
                self.1.fetch_sub(1, Ordering::Relaxed);
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            let (near, far) = tokio::io::duplex(1 << 16);
            self.0.send(Peer { stream: far, bytes: Vec::new() }).unwrap();
            Ok(Connection::stream(near))
        })
    }
}

#[derive(Clone, Default)]
struct Tokens(Arc<Mutex<Vec<String>>>);

impl TokenSource for Tokens {
    fn token(&self) -> BoxFuture<'_, Result<Secret, TokenError>> {
        let mut given = self.0.lock().unwrap();
        let token = format!("token-{}", given.len() + 1);
        given.push(token.clone());
        Box::pin(std::future::ready(Ok(Secret::new(token))))
    }
}

struct Rig {
    client: Client,
    events: Events,
    peers: mpsc::UnboundedReceiver<Peer>,
    peer: Peer,
    tokens: Tokens,
}

async fn rig(change: impl FnOnce(&mut Options)) -> Rig {
    let (give, mut peers) = mpsc::unbounded_channel();
    let tokens = Tokens::default();
    let mut options = Options::new(Wires(give, AtomicUsize::new(0)), tokens.clone());
    change(&mut options);
    let connecting = tokio::spawn(Client::connect(options));
    let mut peer: Peer = peers.recv().await.unwrap();
    let hello = peer.welcome("ticket-1").await;
    assert!(matches!(hello, Frame::Hello(it) if it.token == "token-1"));
    let (client, mut events) = connecting.await.unwrap().unwrap();
    assert!(matches!(events.next().await, Some(Event::Linked(_))));
    assert!(matches!(events.next().await, Some(Event::Personal(_))));
    assert!(matches!(events.next().await, Some(Event::Conversation(_))));
    Rig { client, events, peers, peer, tokens }
}

fn text(body: &str) -> anser_domain::Outgoing {
    message("u:bob".parse().unwrap(), Content::Text(body.into()))
}

fn bodies(sends: &[frame::Send]) -> Vec<&str> {
    sends.iter().map(|it| it.body.as_str()).collect()
}

async fn message_of(events: &mut Events) -> (Seq, String) {
    loop {
        match events.next().await {
            Some(Event::Message(it)) => {
                return (it.seq, it.content.body().unwrap_or_default().to_owned());
            }
            Some(_) => {}
            None => panic!("the client stopped"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_send_resolves_with_its_place_and_unanswered_ones_go_out_again_after_a_break() {
    let mut rig = rig(|_| {}).await;
    let sending: Vec<_> = ["a", "b", "c"].map(|body| rig.client.send(text(body))).into();
    let first = rig.peer.sends(3).await;
    assert_eq!(bodies(&first), ["a", "b", "c"]);
    rig.peer.ack(first[0].id, 5).await;
    let mut sending = sending.into_iter();
    let stored = sending.next().unwrap().await.unwrap();
    assert_eq!((stored.seq, stored.id.0), (Seq(5), 5));

    drop(rig.peer);
    assert!(matches!(rig.events.next().await, Some(Event::Unlinked { .. })));
    let mut peer = rig.peers.recv().await.unwrap();
    let resume = peer.welcome("ticket-2").await;
    assert!(matches!(resume, Frame::Resume(it) if it.ticket == "ticket-1"));
    let again = peer.sends(2).await;
    assert_eq!(bodies(&again), ["b", "c"]);
    assert_eq!(again[0].client_id, first[1].client_id, "the same message, not another one");
    for (seq, send) in (6..).zip(&again) {
        peer.ack(send.id, seq).await;
    }
    for seq in [6, 7] {
        assert_eq!(sending.next().unwrap().await.unwrap().seq, Seq(seq));
    }
    assert_eq!(rig.tokens.0.lock().unwrap().len(), 1, "the ticket was enough");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_for_now_is_obeyed_and_the_order_kept() {
    let mut rig = rig(|_| {}).await;
    let sending: Vec<_> = ["a", "b"].map(|body| rig.client.send(text(body))).into();
    let sends = rig.peer.sends(2).await;
    let begun = tokio::time::Instant::now();
    rig.peer.refuse(sends[0].id, ErrorCode::Busy, 700).await;
    rig.peer.refuse(sends[1].id, ErrorCode::OutOfOrder, 0).await;
    let again = rig.peer.sends(2).await;
    assert!(begun.elapsed() >= Duration::from_millis(700), "{:?}", begun.elapsed());
    assert_eq!(bodies(&again), ["a", "b"]);
    rig.peer.ack(again[0].id, 5).await;
    rig.peer.refuse(again[1].id, ErrorCode::Forbidden, 0).await;
    let results = futures_util::future::join_all(sending).await;
    assert_eq!(results[0].as_ref().unwrap().seq, Seq(5));
    let Err(Failed::Refused(refused)) = &results[1] else { panic!("{:?}", results[1]) };
    assert_eq!(refused.code(), Some(ErrorCode::Forbidden));
}

#[tokio::test(start_paused = true)]
async fn entries_pass_once_and_in_order_and_gaps_are_read_up() {
    let mut rig = rig(|_| {}).await;
    for (seq, body) in [(5, "five"), (5, "five"), (3, "three"), (8, "eight"), (9, "nine")] {
        rig.peer.say(entry(seq, body)).await;
    }
    assert_eq!(message_of(&mut rig.events).await, (Seq(5), "five".into()));
    let Frame::Sync(sync) = rig.peer.next().await else { panic!("a SYNC was expected") };
    assert_eq!((sync.conv, sync.after), (9, 5));
    let log = |from: u64, to: u64, partial| frame::Log {
        conv: 9,
        at: "u:bob".into(),
        entries: (from..=to).map(|seq| entry(seq, &seq.to_string())).collect(),
        after: 5,
        head: 9,
        more: false,
        partial,
    };
    rig.peer.say(frame::Page { id: sync.id, log: Some(log(6, 7, true)) }).await;
    rig.peer.say(frame::Page { id: sync.id, log: Some(log(8, 8, false)) }).await;
    // The page was made before 9 was stored, and 9 has been dropped: it is asked for again.
    let Frame::Sync(sync) = rig.peer.next().await else { panic!("another SYNC was expected") };
    assert_eq!(sync.after, 8);
    rig.peer.say(frame::Page { id: sync.id, log: Some(log(9, 9, false)) }).await;
    rig.peer.say(entry(10, "ten")).await;
    for seq in 6..=9 {
        assert_eq!(message_of(&mut rig.events).await, (Seq(seq), seq.to_string()));
    }
    assert_eq!(message_of(&mut rig.events).await, (Seq(10), "ten".into()));
}

#[tokio::test(start_paused = true)]
async fn many_gaps_are_read_up_a_few_at_a_time() {
    let mut rig = rig(|_| {}).await;
    for conv in 20..30 {
        for seq in [1, 3] {
            rig.peer.say(frame::Deliver { conv, ..entry(seq, "x") }).await;
        }
    }
    let mut asked = Vec::new();
    for _ in 0..4 {
        let Frame::Sync(sync) = rig.peer.next().await else { panic!("a SYNC was expected") };
        asked.push(sync);
    }
    let silence = timeout(Duration::from_secs(1), rig.peer.read()).await;
    assert!(silence.is_err(), "a fifth at once: {silence:?}");
    let mut read = 0;
    while let Some(sync) = asked.pop() {
        let entries =
            (2..=3).map(|seq| frame::Deliver { conv: sync.conv, ..entry(seq, "x") }).collect();
        let (at, after, head) = ("u:bob".into(), 1, 3);
        let conv = sync.conv;
        let log = frame::Log { conv, at, entries, after, head, more: false, partial: false };
        rig.peer.say(frame::Page { id: sync.id, log: Some(log) }).await;
        read += 1;
        if read + asked.len() < 10 {
            let Frame::Sync(sync) = rig.peer.next().await else { panic!("a SYNC was expected") };
            asked.push(sync);
        }
    }
    assert_eq!(read, 10);
}

#[tokio::test(start_paused = true)]
async fn acknowledgements_are_cumulative_and_only_for_what_the_app_has_taken() {
    let mut rig = rig(|_| {}).await;
    for seq in 5..=7 {
        rig.peer.say(entry(seq, "x")).await;
    }
    let silence = timeout(Duration::from_secs(5), rig.peer.read()).await;
    assert!(silence.is_err(), "nothing was taken: {silence:?}");
    for _ in 5..=7 {
        message_of(&mut rig.events).await;
    }
    // 7 is in the app's hands until it asks for more.
    let Some(Frame::DeliverAck(ack)) = rig.peer.read().await else { panic!("no DELIVERACK") };
    assert_eq!((ack.conv, ack.seq), (9, 6));
    assert!(rig.events.try_next().is_none());
    let Some(Frame::DeliverAck(ack)) = rig.peer.read().await else { panic!("no DELIVERACK") };
    assert_eq!(ack.seq, 7);
}

#[tokio::test(start_paused = true)]
async fn credit_is_given_as_the_app_takes_what_it_has() {
    let mut rig = rig(|options| options.credit = 4).await;
    for seq in 5..=8 {
        rig.peer.say(entry(seq, "x")).await;
    }
    let silence = timeout(Duration::from_secs(5), rig.peer.read()).await;
    assert!(silence.is_err(), "no credit while nothing is taken: {silence:?}");
    for _ in 5..=8 {
        message_of(&mut rig.events).await;
    }
    let mut added = 0;
    while added < 4 {
        if let Some(Frame::Credit(credit)) = rig.peer.read().await {
            added += credit.add;
        }
    }
    assert_eq!(added, 4);
}

#[tokio::test(start_paused = true)]
async fn a_ticket_that_is_refused_gives_way_to_a_fresh_token() {
    let mut rig = rig(|_| {}).await;
    rig.peer.say(frame::Synced { token: 77 }).await;
    while !matches!(rig.events.next().await, Some(Event::Synced(_))) {}
    drop(rig.peer);
    let mut peer = rig.peers.recv().await.unwrap();
    assert!(matches!(peer.next().await, Frame::Resume(it) if it.since == Some(77)));
    peer.refuse(0, ErrorCode::Expired, 0).await;
    let mut peer = rig.peers.recv().await.unwrap();
    let hello = peer.welcome("ticket-3").await;
    assert!(matches!(hello, Frame::Hello(it) if it.token == "token-2" && it.since == Some(77)));
    while !matches!(rig.events.next().await, Some(Event::Linked(_))) {}
}

#[tokio::test(start_paused = true)]
async fn a_server_that_drains_is_left_and_returned_to_no_sooner_than_it_asks() {
    let mut rig = rig(|_| {}).await;
    let begun = tokio::time::Instant::now();
    let code = ErrorCode::Draining.number().into();
    let reason = String::from("restarting");
    rig.peer.say(frame::GoAway { code, reason, retry_after_ms: 4000, may_reconnect: true }).await;
    let mut peer = rig.peers.recv().await.unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(4));
    peer.welcome("ticket-2").await;
    while !matches!(rig.events.next().await, Some(Event::Linked(_))) {}
    let code = ErrorCode::TakenOver.number().into();
    peer.say(frame::GoAway { code, may_reconnect: false, ..Default::default() }).await;
    let sending = rig.client.send(text("late"));
    let stop = loop {
        if let Some(Event::Stopped(stop)) = rig.events.next().await {
            break stop;
        }
    };
    assert!(matches!(stop, Stop::Refused(_)));
    assert!(rig.events.next().await.is_none());
    assert!(matches!(sending.await, Err(Failed::Stopped(_))));
}

#[tokio::test(start_paused = true)]
async fn an_own_send_whose_answer_was_lost_is_told_once() {
    let mut rig = rig(|_| {}).await;
    let sending = rig.client.send(text("once"));
    let first = rig.peer.sends(1).await;
    drop(rig.peer);
    let mut peer = rig.peers.recv().await.unwrap();
    peer.welcome("ticket-2").await;
    // It had been stored as 5: catching up brings it before the retry is answered.
    let mut own = entry(5, "once");
    own.sender = "alice".into();
    own.client_id.clone_from(&first[0].client_id);
    peer.say(own).await;
    let again = peer.sends(1).await;
    peer.ack(again[0].id, 5).await;
    assert_eq!(sending.await.unwrap().seq, Seq(5));
    peer.say(entry(6, "next")).await;
    assert_eq!(message_of(&mut rig.events).await, (Seq(6), "next".into()));
}

#[tokio::test(start_paused = true)]
async fn a_link_that_falls_silent_is_given_up() {
    let mut rig = rig(|_| {}).await;
    let begun = tokio::time::Instant::now();
    let Some(Event::Unlinked { .. }) = rig.events.next().await else { panic!("still linked") };
    assert!(begun.elapsed() > Duration::from_secs(60));
    let mut pinged = false;
    while let Some(frame) = rig.peer.read().await {
        pinged |= matches!(frame, Frame::Ping(_));
    }
    assert!(pinged, "it had asked first");
}

#[tokio::test(start_paused = true)]
async fn closing_waits_for_answers_and_hangs_up() {
    let mut rig = rig(|_| {}).await;
    let sending = rig.client.send(text("last"));
    let closing = tokio::spawn(rig.client.close());
    let sends = rig.peer.sends(1).await;
    assert!(!closing.is_finished());
    rig.peer.ack(sends[0].id, 5).await;
    closing.await.unwrap();
    assert_eq!(sending.await.unwrap().seq, Seq(5));
    while rig.peer.read().await.is_some() {}
    while let Some(event) = rig.events.next().await {
        assert_eq!(event, Event::Stopped(Stop::Closed));
    }
}

#[tokio::test(start_paused = true)]
async fn a_first_attempt_that_fails_is_told_at_once() {
    let (give, _peers) = mpsc::unbounded_channel();
    let options = Options::new(Wires(give, AtomicUsize::new(1)), Tokens::default());
    let error = Client::connect(options).await.unwrap_err();
    assert!(matches!(error, anser_client::ConnectError::Io(_)), "{error}");
}
