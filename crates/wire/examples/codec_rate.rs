//! How long the codec and the session take for the frames that every message passes through:
//!
//! ```text
//! cargo run --release -p anser-wire --example codec_rate
//! ```

use std::{error::Error, hint::black_box, sync::Arc};

use anser_domain::{
    Actor, Address, Changes, ClientId, Clock, Content, ConvId, Delivery, DeviceId, DeviceName,
    Encoded, Epoch, Event, Input, LinkInfo, Message, MessageId, Millis, Ord64, Outbox, Reply,
    Secret, Sender, Sent, Seq, Session as _, SyncToken, SystemClock, Transport, Turn, UserId,
    UserName, Welcome, Wish,
};
use anser_wire::{
    Limits, Session,
    codec::{self, SendRef},
    frame::{Frame, Hello, Send, SendAck},
};

const ROUNDS: u32 = 2_000_000;

#[expect(clippy::print_stdout, reason = "the figures are the program's output")]
fn measure(what: &str, mut work: impl FnMut()) {
    let clock = SystemClock;
    let start = clock.now();
    for _ in 0..ROUNDS {
        work();
    }
    let each = clock.now().duration_since(start).as_nanos() / u128::from(ROUNDS);
    println!("{what:<44} {each:>6} ns");
}

fn main() -> Result<(), Box<dyn Error>> {
    let at: Address = "u:alice".parse()?;
    let message = Arc::new(Message {
        conv: ConvId(123_456),
        seq: Seq(4321),
        ord: Ord64(4300),
        id: MessageId(0x0198_c0de_0000_0001),
        sender: Sender { user: UserId(2), name: UserName::new("bob")?, device: DeviceId(5) },
        client_id: ClientId([7; 16]),
        ts: Millis(1_790_000_000_000),
        content: Content::Text("x".repeat(128).into()),
        reply_to: None,
        mentions: Vec::new(),
        payload: None,
        marks: None,
    });
    let send = Send {
        id: 4321,
        to: "u:bob".into(),
        client_id: vec![7; 16],
        kind: 1,
        body: "x".repeat(128),
        ..Send::default()
    };
    let mut body = Vec::new();
    Frame::from(send.clone()).put_body(&mut body);
    let mut whole = Vec::new();
    codec::write(&send.into(), &mut whole);
    let sent = Sent {
        conv: message.conv,
        seq: message.seq,
        id: message.id,
        ts: message.ts,
        duplicate: false,
        prev: SyncToken::NEVER,
    };
    let ack = Frame::from(SendAck {
        id: 4321,
        conv: sent.conv.0,
        seq: sent.seq.0,
        message_id: sent.id.0,
        ts: sent.ts.0,
        duplicate: false,
    });
    let mut out = Vec::with_capacity(64 << 10);

    measure("SEND, 128 B: read in place", || {
        black_box(SendRef::decode(black_box(&body)).ok());
    });
    measure("SEND, 128 B: read by prost", || {
        black_box(codec::decode(anser_wire::frame::FrameType::Send, black_box(&body)).ok());
    });
    measure("SENDACK: written in place", || {
        out.clear();
        codec::put_send_ack(&mut out, 4321, black_box(&sent));
    });
    measure("SENDACK: written by prost", || {
        out.clear();
        codec::write(black_box(&ack), &mut out);
    });
    measure("DELIVER, 128 B: written in place", || {
        out.clear();
        codec::put_delivery(&mut out, &at, black_box(&message));
    });
    session(&whole, &at, &message, sent)
}

/// The same through a session: frame, command, outbox.
fn session(
    send: &[u8],
    at: &Address,
    message: &Arc<Message>,
    sent: Sent,
) -> Result<(), Box<dyn Error>> {
    let mut session = Session::new(Arc::new(Limits::default()));
    let (mut out, mut asks, mut wish) = (Outbox::default(), Vec::new(), Wish::default());
    let (now, wall) = (SystemClock.now(), SystemClock.wall());
    let link = LinkInfo {
        remote: ([127, 0, 0, 1], 7700).into(),
        transport: Transport::Stream,
        tls: None,
        trusted_path: true,
    };
    let mut hello = Vec::new();
    let opening = Hello { token: "t".into(), max_version: 1, ..Hello::default() };
    codec::write(&opening.into(), &mut hello);
    let mut turn = Turn { now, wall, out: &mut out, asks: &mut asks, wish: &mut wish };
    session.open(&link, &mut turn);
    session.receive(&hello, &mut turn)?;
    let Some((tag, _)) = turn.asks.pop() else { return Err("no login was asked".into()) };
    let welcome = Reply::Welcome(Box::new(Welcome {
        actor: Actor { user: UserId(1), device: DeviceId(1), epoch: Epoch(1) },
        user: UserName::new("alice")?,
        device: DeviceName::new("phone")?,
        ticket: Secret::new("ticket"),
        until: wall.plus(3_600_000),
        changes: Changes { conversations: Vec::new(), token: SyncToken(1), more: false },
        personal: SyncToken(1),
    }));
    session.handle(Input::Reply(tag, &welcome), &mut turn)?;
    turn.out.clear();

    let reply = Reply::Sent(sent);
    measure("SEND → Command::Send, Reply::Sent → SENDACK", || {
        turn.out.clear();
        let _ = session.receive(black_box(send), &mut turn);
        for (tag, command) in turn.asks.drain(..).collect::<Vec<_>>() {
            black_box(command);
            let _ = session.handle(Input::Reply(tag, &reply), &mut turn);
        }
    });
    let delivery = |links| {
        let (at, message) = (at.clone(), Arc::clone(message));
        Event::Message(Arc::new(Delivery {
            at,
            message,
            prev: SyncToken::NEVER,
            links,
            encoded: Encoded::default(),
        }))
    };
    for (what, event) in
        [("Event::Message, one link", delivery(1)), ("Event::Message, 1,000 links", delivery(1000))]
    {
        measure(what, || {
            turn.out.clear();
            let _ = session.handle(Input::Event(black_box(&event)), &mut turn);
        });
    }
    Ok(())
}
