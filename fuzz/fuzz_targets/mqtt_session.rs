//! Any bytes at an MQTT session, before its CONNECT and after, in every version: it never panics,
//! asks nothing more once it has faulted, does the same however the bytes are cut, and writes
//! whole packets that its version may read.
#![no_main]

use std::{sync::Arc, time::Instant};

use anser_domain::{
    Actor, Changes, Clock as _, DeviceId, DeviceName, Epoch, Fault, LinkInfo, Millis, Outbox, QoS,
    Refusal, Reply, Secret, SyncToken, SystemClock, Tag, TopicFlight, TopicMessage, TopicReply,
    TopicsOpened, Transport, UserId, UserName, Welcome, Wish,
};
use anser_mqtt::{
    Answer, Ask, Grant, Input, Limits, Session, Turn, Version,
    codec::{self, Connect, Packet, Properties},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((&how, stream)) = bytes.split_first() else { return };
    let now = SystemClock.now();
    let version = match how & 0b11 {
        0 => None,
        1 => Some(Version::V31),
        2 => Some(Version::V311),
        _ => Some(Version::V5),
    };
    let step = usize::from(how >> 2) + 1;

    let whole = run(now, version, stream, stream.len().max(1));
    let cut = run(now, version, stream, step);
    assert_eq!(whole.asks, cut.asks, "questions depend on how the bytes are cut");
    assert_eq!(whole.fault, cut.fault, "the end depends on how the bytes are cut");
    assert_eq!(whole.written, cut.written, "answers depend on how the bytes are cut");
});

/// What a session did.
struct Outcome {
    asks: Vec<(Tag, Ask)>,
    written: Vec<u8>,
    fault: Option<Fault>,
}

fn run(now: Instant, version: Option<Version>, stream: &[u8], step: usize) -> Outcome {
    let mut rig = Rig {
        session: Session::new(Arc::new(Limits::default()), 7),
        now,
        out: Outbox::default(),
        asks: Vec::new(),
        wish: Wish::default(),
    };
    rig.turn(|session, turn| session.open(&link(), turn));
    if let Some(version) = version {
        rig.connect(version);
    }

    let mut fault = None;
    let mut held = Vec::new();
    for piece in stream.chunks(step) {
        held.extend_from_slice(piece);
        match rig.turn(|session, turn| session.receive(&held, turn)) {
            Ok(taken) => {
                assert!(taken <= held.len());
                held.drain(..taken);
            }
            Err(error) => {
                fault = Some(error);
                break;
            }
        }
        if rig.wish.close.is_some() {
            break;
        }
    }

    let asks = std::mem::take(&mut rig.asks);
    if fault.is_some() {
        rig.turn(|session, turn| session.receive(stream, turn)).ok();
        assert!(rig.asks.is_empty(), "a session that has faulted asks nothing");
    } else {
        rig.answer(&asks);
    }
    let written: Vec<u8> = rig.out.segments().flatten().copied().collect();
    // Before its CONNECT is read, a client's version is whichever it says.
    let mut rest = &written[..];
    while !rest.is_empty() {
        let raw = codec::split(rest, usize::MAX).unwrap().expect("whole packets");
        if let Some(version) = version {
            codec::read(raw, version).expect("packets of its version");
        }
        rest = &rest[raw.len..];
    }
    Outcome { asks, written, fault }
}

struct Rig {
    session: Session,
    now: Instant,
    out: Outbox,
    asks: Vec<(Tag, Ask)>,
    wish: Wish,
}

impl Rig {
    fn turn<T>(&mut self, act: impl FnOnce(&mut Session, &mut Turn<'_>) -> T) -> T {
        let mut turn = Turn {
            now: self.now,
            wall: Millis(0),
            out: &mut self.out,
            asks: &mut self.asks,
            wish: &mut self.wish,
        };
        act(&mut self.session, &mut turn)
    }

    fn hear(&mut self, tag: Tag, answer: &Answer) {
        self.turn(|session, turn| session.handle(Input::Answer(tag, answer), turn)).ok();
    }

    /// A session that goes on, with messages on their way in both directions.
    fn connect(&mut self, version: Version) {
        let connect = Packet::Connect(Connect {
            version,
            clean_start: false,
            keep_alive: 60,
            properties: Properties::NONE,
            client_id: "phone",
            will: None,
            user_name: Some("alice"),
            password: Some(b"pw"),
        });
        let mut bytes = Vec::new();
        codec::write(&connect, version, &mut bytes);
        self.turn(|session, turn| session.receive(&bytes, turn)).unwrap();
        let (tag, _) = self.asks.pop().expect("a login");
        self.hear(tag, &welcome());
        let (tag, _) = self.asks.pop().expect("topics to open");
        let flight = |place, received, qos| TopicFlight {
            place,
            received,
            message: message(),
            qos,
            retain: false,
            ids: vec![3],
        };
        let flights = vec![
            flight(1, true, QoS::ExactlyOnce),
            flight(2, false, QoS::ExactlyOnce),
            flight(3, false, QoS::AtLeastOnce),
        ];
        let opened = TopicsOpened { present: true, once: vec![1, 2], flights };
        self.hear(tag, &Answer::Topics(TopicReply::Opened(Box::new(opened))));
        for qos in [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce] {
            let grant = Grant { qos, ..Grant::default() };
            self.turn(|session, turn| session.handle(Input::Deliver(&message(), &grant), turn))
                .ok();
        }
        assert!(self.asks.is_empty() && self.wish.close.is_none(), "it is online");
        self.out.clear();
    }

    /// Whatever was asked, each of these is an answer to it.
    fn answer(&mut self, asks: &[(Tag, Ask)]) {
        let replies = [
            TopicReply::Done,
            TopicReply::Published { matched: true },
            TopicReply::Subscribed(vec![Ok(QoS::AtLeastOnce), Err(Refusal::Forbidden)]),
            TopicReply::Unsubscribed(vec![true, false]),
            TopicReply::Refused(Refusal::Unavailable),
        ];
        for ((tag, _), reply) in asks.iter().zip(replies.iter().cycle()) {
            self.hear(*tag, &Answer::Topics(reply.clone()));
        }
    }
}

fn message() -> Arc<TopicMessage> {
    Arc::new(TopicMessage {
        topic: "a/b".into(),
        payload: b"hi".as_slice().into(),
        qos: QoS::ExactlyOnce,
        retain: false,
        expires: Some(Millis(60_000)),
        properties: b"\x03\0\x01t".as_slice().into(),
    })
}

fn welcome() -> Answer {
    Answer::Link(Reply::Welcome(Box::new(Welcome {
        actor: Actor { user: UserId(1), device: DeviceId(1), epoch: Epoch(1) },
        user: UserName::trusted("alice"),
        device: DeviceName::trusted("phone"),
        ticket: Secret::new("ticket"),
        until: Millis(3_600_000),
        changes: Changes { conversations: Vec::new(), token: SyncToken(0), more: false },
        personal: SyncToken(0),
    })))
}

fn link() -> LinkInfo {
    LinkInfo {
        remote: ([127, 0, 0, 1], 1).into(),
        transport: Transport::Stream,
        tls: None,
        trusted_path: true,
    }
}
