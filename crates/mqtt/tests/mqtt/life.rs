//! A session's life over links that break at any byte: whatever happens, in both directions QoS 2
//! arrives once, QoS 1 at least once, and both in order.
//!
//! Three parties on no clock: a client that keeps to the standard, one session after another, and a
//! store that does what it is told, late. A break loses what is on its way between all of them.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Instant,
};

use anser_domain::*;
use anser_mqtt::{
    Answer, Ask, Grant, Input, Limits, Session, Turn, Version,
    codec::{self, Ack, Connect, Packet, Properties, PropertyBuf, Publish, Value},
};
use proptest::prelude::*;

/// What the store knows of the one session there is.
#[derive(Default)]
struct Store {
    there: bool,
    /// Place, text, QoS, and whether the client has it; what is over is gone.
    queue: VecDeque<(u64, String, QoS, bool)>,
    /// The last place that was handed to a link.
    handed: u64,
    once: BTreeSet<u16>,
    published: Vec<String>,
}

impl Store {
    /// Does what was asked, for good.
    fn answer(&mut self, ask: &Ask) -> Option<Answer> {
        let Ask::Topics(command) = ask else { return Some(welcome()) };
        let done = Some(Answer::Topics(TopicReply::Done));
        match command {
            TopicCommand::Open(open) => {
                assert!(!open.clean);
                let present = std::mem::replace(&mut self.there, true);
                let sent = self.queue.iter().filter(|(place, ..)| *place <= self.handed);
                let flights = sent.map(|(place, text, qos, received)| TopicFlight {
                    place: *place,
                    received: *received,
                    message: message(text, *qos),
                    qos: *qos,
                    retain: false,
                    ids: Vec::new(),
                });
                let (once, flights) = (self.once.iter().copied().collect(), flights.collect());
                let opened = TopicsOpened { present, once, flights };
                Some(Answer::Topics(TopicReply::Opened(Box::new(opened))))
            }
            TopicCommand::Publish(publication) => {
                let text = String::from_utf8(publication.message.payload.to_vec()).unwrap();
                if publication.once.is_none_or(|id| self.once.insert(id)) {
                    self.published.push(text);
                }
                Some(Answer::Topics(TopicReply::Published { matched: true }))
            }
            TopicCommand::Release(id) => {
                self.once.remove(id);
                done
            }
            TopicCommand::Received(place) => {
                let known = self.queue.iter_mut().find(|message| message.0 == *place);
                if let Some(message) = known {
                    message.3 = true;
                }
                done
            }
            TopicCommand::Over(place) => {
                self.queue.retain(|message| message.0 != *place);
                None
            }
            other => panic!("{other:?}"),
        }
    }
}

/// How far a message of the client's is.
#[derive(Clone, Copy, PartialEq)]
enum Step {
    Published,
    Released,
}

/// A client that keeps to the standard.
#[derive(Default)]
struct Client {
    sent: VecDeque<(u16, String, QoS, Step)>,
    /// Ids of messages of QoS 2 that it has, and whose PUBREL has not come.
    has: BTreeSet<u16>,
    heard: Vec<(String, QoS)>,
}

impl Client {
    fn publish(&mut self, text: String, qos: QoS) -> Vec<Packet<'_>> {
        let used: BTreeSet<u16> = self.sent.iter().map(|message| message.0).collect();
        // As soon again as it may.
        let id = (1..).find(|id| !used.contains(id)).unwrap();
        self.sent.push_back((id, text, qos, Step::Published));
        let (id, text, qos, _) = self.sent.back().unwrap();
        vec![publish(*id, text, *qos, false)]
    }

    /// What it sends when its session goes on.
    fn resume(&self) -> Vec<Packet<'_>> {
        let again = self.sent.iter().map(|(id, text, qos, step)| match step {
            Step::Published => publish(*id, text, *qos, true),
            Step::Released => Packet::PubRel(Ack::success(*id)),
        });
        again.collect()
    }

    fn hear(&mut self, packet: &Packet<'_>) -> Option<Packet<'static>> {
        match packet {
            Packet::Publish(publish) => {
                let text = String::from_utf8(publish.payload.to_vec()).unwrap();
                let twice = publish.qos == QoS::ExactlyOnce && !self.has.insert(publish.id);
                if !twice {
                    self.heard.push((text, publish.qos));
                }
                let ack = Ack::success(publish.id);
                match publish.qos {
                    QoS::AtMostOnce => None,
                    QoS::AtLeastOnce => Some(Packet::PubAck(ack)),
                    QoS::ExactlyOnce => Some(Packet::PubRec(ack)),
                }
            }
            Packet::PubRel(ack) => {
                self.has.remove(&ack.id);
                Some(Packet::PubComp(Ack::success(ack.id)))
            }
            Packet::PubAck(ack) | Packet::PubComp(ack) => {
                self.sent.retain(|message| message.0 != ack.id);
                None
            }
            Packet::PubRec(ack) => {
                assert!(!ack.reason.is_failure(), "{ack:?}");
                let known = self.sent.iter_mut().find(|message| message.0 == ack.id)?;
                known.3 = Step::Released;
                Some(Packet::PubRel(Ack::success(ack.id)))
            }
            other => panic!("{other:?}"),
        }
    }
}

/// One link after another.
struct World {
    version: Version,
    store: Store,
    client: Client,
    session: Session,
    now: Instant,
    wish: Wish,
    to_server: Vec<u8>,
    to_client: Vec<u8>,
    asked: VecDeque<(Tag, Ask)>,
    /// Whether CONNACK has come over this link.
    online: bool,
    said: u32,
}

impl World {
    fn new(version: Version) -> Self {
        let mut world = Self {
            version,
            // The ids come round soon.
            store: Store { handed: 65_530, ..Store::default() },
            client: Client::default(),
            session: Session::new(Arc::default(), 0),
            now: ManualClock::new(Millis(0)).now(),
            wish: Wish::default(),
            to_server: Vec::new(),
            to_client: Vec::new(),
            asked: VecDeque::new(),
            online: false,
            said: 0,
        };
        world.connect();
        world
    }

    fn connect(&mut self) {
        self.session = Session::new(Arc::new(Limits::default()), 0);
        self.wish = Wish::default();
        self.online = false;
        let mut properties = PropertyBuf::default();
        if self.version == Version::V5 {
            properties.put(anser_mqtt::Property::SessionExpiry, Value::Four(3600));
            properties.put(anser_mqtt::Property::ReceiveMaximum, Value::Two(2));
        }
        let connect = Packet::Connect(Connect {
            version: self.version,
            clean_start: false,
            keep_alive: 60,
            properties: properties.as_properties(),
            client_id: "phone",
            will: None,
            user_name: Some("alice"),
            password: Some(b"pw"),
        });
        codec::write(&connect, self.version, &mut self.to_server);
        let link = LinkInfo {
            remote: ([127, 0, 0, 1], 50_000).into(),
            transport: Transport::Stream,
            tls: None,
            trusted_path: true,
        };
        self.turn(|session, turn| {
            session.open(&link, turn);
            Ok(0)
        });
    }

    fn turn(
        &mut self,
        act: impl FnOnce(&mut Session, &mut Turn<'_>) -> Result<usize, Fault>,
    ) -> usize {
        let (mut out, mut asks) = (Outbox::default(), Vec::new());
        let mut turn = Turn {
            now: self.now,
            wall: Millis(0),
            out: &mut out,
            asks: &mut asks,
            wish: &mut self.wish,
        };
        let consumed = act(&mut self.session, &mut turn).expect("nobody misbehaves");
        assert_eq!(self.wish.close, None);
        self.to_client.extend(out.segments().flatten());
        self.asked.extend(asks);
        consumed
    }

    fn step(&mut self, what: u8, many: usize) {
        match what {
            0 if self.online && self.client.sent.len() < 3 => {
                self.said += 1;
                let qos = if many.is_multiple_of(2) { QoS::AtLeastOnce } else { QoS::ExactlyOnce };
                let packets = self.client.publish(format!("c{}", self.said), qos);
                for packet in packets {
                    codec::write(&packet, self.version, &mut self.to_server);
                }
            }
            1 => {
                self.said += 1;
                let qos = if many.is_multiple_of(2) { QoS::AtLeastOnce } else { QoS::ExactlyOnce };
                let last = self.store.queue.back().map_or(0, |message| message.0);
                let place = last.max(self.store.handed) + 1;
                self.store.queue.push_back((place, format!("s{}", self.said), qos, false));
            }
            2 => {
                let many = many.min(self.to_server.len());
                let bytes = self.to_server[..many].to_vec();
                let consumed = self.turn(|session, turn| session.receive(&bytes, turn));
                self.to_server.drain(..consumed);
            }
            3 => self.client_reads(),
            4 => {
                if let Some((tag, ask)) = self.asked.pop_front()
                    && let Some(answer) = self.store.answer(&ask)
                {
                    self.turn(|session, turn| {
                        session.handle(Input::Answer(tag, &answer), turn).map(|()| 0)
                    });
                }
            }
            5 => self.hand_over(),
            6 => self.break_down(many),
            _ => {}
        }
    }

    /// The next message of the queue, if the session takes one.
    fn hand_over(&mut self) {
        let next = self.store.queue.iter().find(|message| message.0 > self.store.handed);
        let Some((place, text, qos, _)) = next else { return };
        if self.session.credit() == 0 {
            return;
        }
        let message = message(text, *qos);
        let grant = Grant { qos: *qos, place: Some(*place), ..Grant::default() };
        self.store.handed = *place;
        self.turn(|session, turn| {
            session.handle(Input::Deliver(&message, &grant), turn).map(|()| 0)
        });
    }

    /// The client reads one packet, if one is there.
    fn client_reads(&mut self) {
        let bytes = std::mem::take(&mut self.to_client);
        let Some(raw) = codec::split(&bytes, usize::MAX).unwrap() else { return };
        let packet = codec::read(raw, self.version).unwrap();
        let answers = if let Packet::ConnAck(ack) = packet {
            assert!(!ack.reason.is_failure());
            self.online = true;
            self.client.resume()
        } else {
            self.client.hear(&packet).into_iter().collect()
        };
        for answer in answers {
            codec::write(&answer, self.version, &mut self.to_server);
        }
        self.to_client = bytes[raw.len..].to_vec();
    }

    /// The link is gone, with all that was on its way. The store may still have done some of what
    /// it was asked.
    fn break_down(&mut self, many: usize) {
        let asked = std::mem::take(&mut self.asked);
        for (_, ask) in asked.iter().take(many % 4) {
            self.store.answer(ask);
        }
        self.to_server.clear();
        self.to_client.clear();
        self.connect();
    }

    /// Everything goes its way, and nothing breaks any more.
    fn settle(&mut self) {
        for _ in 0..2000 {
            for what in [2, 4, 3, 5] {
                self.step(what, usize::MAX);
            }
            let quiet = self.to_server.is_empty() && self.to_client.is_empty();
            if self.online && quiet && self.asked.is_empty() && self.store.queue.is_empty() {
                break;
            }
        }
        assert!(self.client.sent.is_empty(), "all is acknowledged");
        assert!(self.store.queue.is_empty(), "all is acknowledged");
        assert!(self.store.once.is_empty() && self.client.has.is_empty(), "all ids are free");
    }
}

fn publish(id: u16, text: &str, qos: QoS, dup: bool) -> Packet<'_> {
    Packet::Publish(Publish {
        dup,
        qos,
        retain: false,
        topic: "a",
        id,
        properties: Properties::NONE,
        payload: text.as_bytes(),
    })
}

fn message(text: &str, qos: QoS) -> Arc<TopicMessage> {
    Arc::new(TopicMessage {
        topic: "a".into(),
        payload: text.to_owned().into(),
        qos,
        retain: false,
        expires: None,
        properties: bytes::Bytes::new(),
    })
}

pub(crate) fn opened() -> Answer {
    Answer::Topics(TopicReply::Opened(Box::default()))
}

pub(crate) fn welcome() -> Answer {
    Answer::Link(Reply::Welcome(Box::new(Welcome {
        actor: Actor { user: UserId(1), device: DeviceId(4), epoch: Epoch(3) },
        user: UserName::new("alice").unwrap(),
        device: DeviceName::new("phone").unwrap(),
        ticket: Secret::new("ticket"),
        until: Millis(3_600_000),
        changes: Changes { conversations: Vec::new(), token: SyncToken(9), more: false },
        personal: SyncToken(0),
    })))
}

/// Every text of `expect` is there, in this order when each counts where it came first; those of
/// QoS 2 are there once.
fn arrived(texts: &[String], expect: &[(String, QoS)]) {
    let mut count: BTreeMap<&str, u32> = BTreeMap::new();
    let mut order = Vec::new();
    for text in texts {
        let seen = count.entry(text).or_default();
        *seen += 1;
        if *seen == 1 {
            order.push(text);
        }
    }
    assert_eq!(order, expect.iter().map(|(text, _)| text).collect::<Vec<_>>());
    for (text, qos) in expect {
        if *qos == QoS::ExactlyOnce {
            assert_eq!(count[&**text], 1, "{text} arrived more than once");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn whatever_breaks_all_arrives_in_order_and_qos_2_once(
        v5 in any::<bool>(),
        steps in prop::collection::vec((0..=6_u8, 1..40_usize), 1..300),
    ) {
        let mut world = World::new(if v5 { Version::V5 } else { Version::V311 });
        let (mut from_client, mut to_client) = (Vec::new(), Vec::new());
        for (what, many) in steps {
            // A link that breaks at every seventh step never gets to say anything.
            if what == 6 && many > 8 {
                continue;
            }
            world.step(what, many);
            let news = |all: &mut Vec<(String, QoS)>, text: &str, qos| {
                if all.last().is_none_or(|(last, _)| last != text) {
                    all.push((text.to_owned(), qos));
                }
            };
            match what {
                0 => if let Some((_, text, qos, Step::Published)) = world.client.sent.back() {
                    news(&mut from_client, text, *qos);
                },
                1 => if let Some((_, text, qos, _)) = world.store.queue.back() {
                    news(&mut to_client, text, *qos);
                },
                _ => {}
            }
        }
        world.settle();
        arrived(&world.store.published, &from_client);
        let heard: Vec<String> = world.client.heard.iter().map(|(text, _)| text.clone()).collect();
        arrived(&heard, &to_client);
    }
}
