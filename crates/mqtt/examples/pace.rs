//! What a message costs two sessions, without IO and without a store: one client publishes, the
//! other is sent it, and both acknowledge as the QoS says; and what it costs to send one message to
//! a thousand.
//!
//! `cargo run -p anser-mqtt --example pace --config profile.dev.opt-level=3`

#![expect(clippy::print_stdout, reason = "it is a program")]
#![expect(clippy::disallowed_methods, reason = "it measures")]
#![expect(clippy::expect_used, reason = "it stops where it cannot go on")]

use std::{sync::Arc, time::Instant};

use anser_domain::{
    Actor, Changes, DeviceId, DeviceName, Epoch, LinkInfo, Millis, Outbox, QoS, Reply, Secret,
    SyncToken, Tag, TopicCommand, TopicReply, Transport, UserId, UserName, Welcome, Wish,
};
use anser_mqtt::{
    Answer, Ask, Grant, Input, Limits, Session, Turn, Version,
    codec::{self, Ack, Connect, Packet, Properties, Publish},
};

/// As in the measurements of whole servers: messages in one read, and their size.
const WINDOW: u16 = 16;
const PAYLOAD: [u8; 128] = [b'x'; 128];
const ROUNDS: u32 = 20_000;

fn main() {
    for version in [Version::V311, Version::V5] {
        for qos in [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce] {
            let each = one_to_one(version, qos);
            println!("MQTT {version}, QoS {}, one to one: {each} ns a message", qos as u8);
        }
    }
    for qos in [QoS::AtMostOnce, QoS::AtLeastOnce] {
        println!("QoS {}, one to 1,000: {} ns a delivery", qos as u8, fan_out(qos));
    }
}

fn one_to_one(version: Version, qos: QoS) -> u128 {
    let (mut from, mut to) = (Link::online(version), Link::online(version));
    let mut bytes = Vec::new();
    let start = Instant::now();
    for _ in 0..ROUNDS {
        bytes.clear();
        for n in 1..=WINDOW {
            let id = if qos == QoS::AtMostOnce { 0 } else { n };
            write(&publish(id, qos), version, &mut bytes);
        }
        from.read(&bytes);
        for (tag, ask) in std::mem::take(&mut from.asks) {
            let Ask::Topics(TopicCommand::Publish(publication)) = ask else { continue };
            let published = Answer::Topics(TopicReply::Published { matched: true });
            if qos != QoS::AtMostOnce {
                from.hear(Input::Answer(tag, &published));
            }
            to.hear(Input::Deliver(&publication.message, &Grant { qos, ..Grant::default() }));
        }
        to.acknowledge(&mut bytes);
        if qos == QoS::ExactlyOnce {
            bytes.clear();
            for n in 1..=WINDOW {
                write(&Packet::PubRel(Ack::success(n)), version, &mut bytes);
            }
            from.read(&bytes);
        }
        from.out.clear();
    }
    start.elapsed().as_nanos() / u128::from(ROUNDS * u32::from(WINDOW))
}

fn fan_out(qos: QoS) -> u128 {
    const LINKS: u32 = 1000;
    const TIMES: u32 = 200;
    let mut links: Vec<Link> = (0..LINKS).map(|_| Link::online(Version::V5)).collect();
    let mut bytes = Vec::new();
    let start = Instant::now();
    for _ in 0..TIMES {
        let message = anser_domain::TopicMessage {
            topic: "a/topic".into(),
            payload: PAYLOAD.as_slice().into(),
            qos,
            retain: false,
            expires: None,
            properties: bytes::Bytes::new(),
        };
        let message = Arc::new(message);
        for link in &mut links {
            link.hear(Input::Deliver(&message, &Grant { qos, ..Grant::default() }));
            link.acknowledge(&mut bytes);
        }
    }
    start.elapsed().as_nanos() / u128::from(LINKS * TIMES)
}

fn publish(id: u16, qos: QoS) -> Packet<'static> {
    Packet::Publish(Publish {
        dup: false,
        qos,
        retain: false,
        topic: "a/topic",
        id,
        properties: Properties::NONE,
        payload: &PAYLOAD,
    })
}

fn write(packet: &Packet<'_>, version: Version, out: &mut Vec<u8>) {
    codec::write(packet, version, out);
}

/// One end, and what its driver has.
struct Link {
    session: Session,
    version: Version,
    now: Instant,
    out: Outbox,
    asks: Vec<(Tag, Ask)>,
    wish: Wish,
}

impl Link {
    fn online(version: Version) -> Self {
        let mut link = Self {
            session: Session::new(Arc::new(Limits::default()), 7),
            version,
            now: Instant::now(),
            out: Outbox::default(),
            asks: Vec::new(),
            wish: Wish::default(),
        };
        let info = LinkInfo {
            remote: ([127, 0, 0, 1], 1).into(),
            transport: Transport::Stream,
            tls: None,
            trusted_path: true,
        };
        link.turn(|session, turn| session.open(&info, turn));
        let connect = Packet::Connect(Connect {
            version,
            clean_start: true,
            keep_alive: 60,
            properties: Properties::NONE,
            client_id: "phone",
            will: None,
            user_name: Some("alice"),
            password: Some(b"pw"),
        });
        let mut bytes = Vec::new();
        write(&connect, version, &mut bytes);
        link.read(&bytes);
        let opened = Answer::Topics(TopicReply::Opened(Box::default()));
        for answer in [welcome(), opened] {
            let (tag, _) = link.asks.pop().expect("a question");
            link.hear(Input::Answer(tag, &answer));
        }
        link.out.clear();
        link
    }

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

    fn read(&mut self, bytes: &[u8]) {
        self.turn(|session, turn| session.receive(bytes, turn)).expect("packets");
    }

    fn hear(&mut self, input: Input<'_>) {
        self.turn(|session, turn| session.handle(input, turn)).expect("nothing wrong");
    }

    /// What the client says to everything that was sent to it, until that is all.
    fn acknowledge(&mut self, bytes: &mut Vec<u8>) {
        loop {
            let sent = self.out.segments().collect::<Vec<_>>().concat();
            self.out.clear();
            bytes.clear();
            let mut rest = &sent[..];
            while let Ok(Some(raw)) = codec::split(rest, usize::MAX) {
                rest = rest.get(raw.len..).unwrap_or_default();
                match codec::read(raw, self.version) {
                    Ok(Packet::Publish(publish)) if publish.qos == QoS::AtLeastOnce => {
                        write(&Packet::PubAck(Ack::success(publish.id)), self.version, bytes);
                    }
                    Ok(Packet::Publish(publish)) if publish.qos == QoS::ExactlyOnce => {
                        write(&Packet::PubRec(Ack::success(publish.id)), self.version, bytes);
                    }
                    Ok(Packet::PubRel(ack)) => {
                        write(&Packet::PubComp(Ack::success(ack.id)), self.version, bytes);
                    }
                    _ => {}
                }
            }
            if bytes.is_empty() {
                return;
            }
            let said = std::mem::take(bytes);
            self.read(&said);
            *bytes = said;
        }
    }
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
