//! Plays a transcript: one session on a clock that stands still.
//!
//! ```text
//! # a comment; `[MQTT-3.1.0-1]` in it names a statement that is shown here
//! limit max_in_flight=2      before the first line: other limits than the default ones
//! untrusted                  before the first line: the path may not carry a password
//! online 5.0 expiry=10       a client connects, and its session is new (words of CONNECT)
//! > PUBLISH a hi qos1 #7     the client sends a packet (`>hex c000`: these bytes), or several
//!                            with ` & ` between them at once
//! < PUBACK #7 00             the client has been sent this packet, and nothing else
//! ?p Publish(Publication …   the session has asked this (`p` names the question)
//! !p published               the SM answers it
//! ! deliver a hi qos1        something else happens
//! @ +10s                     time passes; a deadline that has come is reported
//! = credit 3                 the session's or the driver's state (`= closed`, `= fault …`)
//! ```

use std::{collections::HashMap, sync::Arc, time::Duration};

use anser_domain::*;
use anser_mqtt::{Answer, Ask, Grant, Input, Limits, Session, Turn, Version, codec};

use crate::{script, statements::unhex};

/// How the client's bytes come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Feeding {
    /// Packet by packet.
    Whole,
    /// One byte at a time, the driver keeping what was not consumed.
    ByteByByte,
    /// Before every packet each of its beginnings, of which nothing may come.
    EveryBeginning,
}

/// One link under test.
pub(crate) struct Runner {
    session: Session,
    limits: Limits,
    trusted: bool,
    opened: bool,
    feeding: Feeding,
    version: Version,
    clock: ManualClock,
    wish: Wish,
    out: Outbox,
    asks: Vec<(Tag, Ask)>,
    names: HashMap<String, Tag>,
    tail: Vec<u8>,
    fault: Option<Fault>,
}

/// 2026-09-21T14:13:20Z.
const WALL: Millis = Millis(1_790_000_000_000);

impl Runner {
    /// Plays `script`, panicking with the line at which it went wrong.
    pub(crate) fn play(script: &str, feeding: Feeding) {
        let mut runner = Self {
            session: Session::new(Arc::default(), 0),
            limits: Limits::default(),
            trusted: true,
            opened: false,
            feeding,
            version: Version::V5,
            clock: ManualClock::new(WALL),
            wish: Wish::default(),
            out: Outbox::default(),
            asks: Vec::new(),
            names: HashMap::new(),
            tail: Vec::new(),
            fault: None,
        };
        for (n, line) in script.lines().enumerate() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let at = format!("{feeding:?}, line {}: {line}", n + 1);
            runner.line(line, &at);
        }
        runner.nothing_left("the end");
    }

    fn line(&mut self, line: &str, at: &str) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word.split_at(1) {
            ("l", "imit") => return self.limit(rest),
            ("u", "ntrusted") => {
                self.trusted = false;
                return;
            }
            ("n", "ew") => return self.opened = false,
            ("o", "nline") => return self.online(rest, at),
            ("<", "") => return self.expect_packet(rest, at),
            ("?", name) => return self.expect_ask(name, rest, at),
            ("=", "") => return self.expect_state(rest, at),
            _ => {}
        }
        self.nothing_left(at);
        if !self.opened {
            self.open();
        }
        match word.split_at(1) {
            (">", "") => {
                let mut bytes = Vec::new();
                for packet in rest.split(" & ") {
                    bytes.extend(script::bytes(packet, &mut self.version));
                }
                self.feed(&bytes, at);
            }
            (">", "hex") => self.feed(&unhex(rest), at),
            ("!", "") => self.happens(rest),
            ("!", name) => {
                let tag = *self.names.get(name).unwrap_or_else(|| panic!("{at}: nothing asked"));
                let answer = answer(rest);
                self.turn(|session, turn| session.handle(Input::Answer(tag, &answer), turn));
                // What the driver kept while reading was paused.
                if !self.wish.read_paused && !self.tail.is_empty() {
                    self.receive(&[]);
                }
            }
            ("@", "") => {
                let seconds: f64 = rest.trim_matches(['+', 's']).parse().unwrap();
                self.clock.advance(Duration::from_secs_f64(seconds));
                if self.wish.wake_at.is_some_and(|deadline| deadline <= self.clock.now()) {
                    self.turn(|session, turn| session.handle(Input::Timeout, turn));
                }
            }
            _ => panic!("{at}: not understood"),
        }
    }

    fn open(&mut self) {
        self.opened = true;
        self.session = Session::new(Arc::new(self.limits.clone()), 0xa15e7);
        self.wish = Wish::default();
        self.tail.clear();
        let link = LinkInfo {
            remote: ([127, 0, 0, 1], 50_000).into(),
            transport: Transport::Stream,
            tls: None,
            trusted_path: self.trusted,
        };
        self.turn(|session, turn| {
            session.open(&link, turn);
            Ok(())
        });
    }

    fn online(&mut self, words: &str, at: &str) {
        let connect = format!("> CONNECT {words} client=phone user=alice password=pw");
        for line in [&*connect, "?login Login(", "!login welcome", "?open Open(", "!open opened"] {
            self.line(line, at);
        }
        self.line("< CONNACK 00…", at);
    }

    fn turn(&mut self, act: impl FnOnce(&mut Session, &mut Turn<'_>) -> Result<(), Fault>) {
        let mut turn = Turn {
            now: self.clock.now(),
            wall: self.clock.wall(),
            out: &mut self.out,
            asks: &mut self.asks,
            wish: &mut self.wish,
        };
        if let Err(fault) = act(&mut self.session, &mut turn) {
            self.fault = Some(fault);
        }
    }

    fn feed(&mut self, bytes: &[u8], at: &str) {
        match self.feeding {
            Feeding::Whole => self.receive(bytes),
            Feeding::ByteByByte => {
                for byte in bytes {
                    self.receive(&[*byte]);
                }
            }
            Feeding::EveryBeginning => {
                for cut in 0..bytes.len() {
                    let mut consumed = 0;
                    self.turn(|session, turn| {
                        session.receive(&bytes[..cut], turn).map(|n| consumed = n)
                    });
                    if self.fault.is_some() || self.wish.close.is_some() {
                        return; // Refused by its header alone.
                    }
                    if consumed > 0 {
                        // Several packets in one line: what was taken is not given again.
                        return self.receive(&bytes[consumed..]);
                    }
                    assert!(self.out.is_empty() && self.asks.is_empty(), "{at}: cut at {cut}");
                }
                self.receive(bytes);
            }
        }
    }

    /// As the driver does it: what is not consumed is kept.
    fn receive(&mut self, bytes: &[u8]) {
        if self.fault.is_some() {
            return;
        }
        let all = [&self.tail[..], bytes].concat();
        let mut consumed = 0;
        self.turn(|session, turn| session.receive(&all, turn).map(|n| consumed = n));
        self.tail = all[consumed..].to_vec();
    }

    fn happens(&mut self, what: &str) {
        let words: Vec<&str> = what.split(' ').collect();
        match words[..] {
            ["evict", name] => {
                let refusal = refusal(name);
                self.turn(|session, turn| session.handle(Input::Evict(&refusal), turn));
            }
            ["drain"] => {
                let retry_after = Duration::from_secs(3);
                self.turn(|session, turn| session.handle(Input::Drain { retry_after }, turn));
            }
            ["deliver", topic, payload, ref more @ ..] => {
                let value = |key: &str| more.iter().find_map(|word| word.strip_prefix(key));
                let left = value("expires=").map(|seconds| number(seconds) as i64 * 1000);
                let mut message = message(topic, payload, QoS::ExactlyOnce);
                message.expires = left.map(|left| WALL.plus(left));
                let message = Arc::new(message);
                let ids = value("ids=").map(|ids| ids.split(',').map(number));
                let grant = Grant {
                    qos: qos(more),
                    retain: more.contains(&"retain"),
                    ids: ids.into_iter().flatten().map(|id| id as u32).collect(),
                    place: value("place=").map(number),
                };
                self.turn(|session, turn| session.handle(Input::Deliver(&message, &grant), turn));
            }
            _ => panic!("{what}: not understood"),
        }
    }

    fn limit(&mut self, setting: &str) {
        let (name, value) = setting.split_once('=').unwrap();
        let value = number(value);
        match name {
            "max_in_flight" => self.limits.max_in_flight = value as u16,
            "max_packet" => self.limits.max_packet = value as usize,
            "max_connect" => self.limits.max_connect = value as usize,
            "max_waiting" => self.limits.max_waiting = value as usize,
            "max_filters" => self.limits.max_filters = value as u16,
            "receive_maximum" => self.limits.receive_maximum = value as u16,
            "expiry_max" => self.limits.expiry_max = value as u32,
            _ => panic!("{name}: no such limit"),
        }
    }

    fn expect_packet(&mut self, expected: &str, at: &str) {
        let bytes: Vec<u8> = self.out.segments().flatten().copied().collect();
        let raw = codec::split(&bytes, 1 << 24).unwrap();
        let raw = raw.unwrap_or_else(|| panic!("{at}: no packet was sent"));
        let packet = codec::read(raw, self.version).unwrap_or_else(|e| panic!("{at}: {e}"));
        says_no_more_than_it_may(&packet, at);
        let words = script::words(&packet);
        match expected.strip_suffix('…') {
            Some(start) => assert!(words.starts_with(start), "{at}: was {words}"),
            None => assert_eq!(words, expected, "{at}"),
        }
        let rest = bytes[raw.len..].to_vec();
        self.out.clear();
        self.out.put(&rest);
    }

    fn expect_ask(&mut self, name: &str, expected: &str, at: &str) {
        assert!(!self.asks.is_empty(), "{at}: nothing was asked");
        let (tag, asked) = self.asks.remove(0);
        let asked = match asked {
            Ask::Link(command) => format!("{command:?}"),
            Ask::Topics(command) => format!("{command:?}"),
        };
        match expected.split_once('…') {
            Some((start, end)) => {
                let fits = asked.starts_with(start) && asked.ends_with(end);
                assert!(fits, "{at}: asked {asked}");
            }
            None => assert!(asked.starts_with(expected), "{at}: asked {asked}"),
        }
        self.names.insert(name.to_owned(), tag);
    }

    fn expect_state(&mut self, expected: &str, at: &str) {
        let words: Vec<&str> = expected.split(' ').collect();
        match words[..] {
            ["credit", n] => assert_eq!(u64::from(self.session.credit()), number(n), "{at}"),
            ["paused"] => assert!(self.wish.read_paused, "{at}"),
            ["reading"] => assert!(!self.wish.read_paused, "{at}"),
            ["closed"] => {
                assert_eq!(self.wish.close.take(), Some(Close::Flush), "{at}");
                assert_eq!(self.wish.wake_at, None, "{at}");
                self.tail.clear();
            }
            ["open"] => assert_eq!((self.wish.close, &self.fault), (None, &None), "{at}"),
            ["fault", ..] => {
                let fault = self.fault.take().map(|fault| fault.to_string());
                assert_eq!(fault.as_deref(), expected.strip_prefix("fault "), "{at}");
                assert_eq!(self.wish.wake_at, None, "{at}");
                self.tail.clear();
            }
            _ => panic!("{at}: not understood"),
        }
    }

    fn nothing_left(&self, at: &str) {
        let bytes: Vec<u8> = self.out.segments().flatten().copied().collect();
        assert!(bytes.is_empty(), "before {at}: sent {bytes:02x?}");
        assert!(self.asks.is_empty(), "before {at}: asked {:?}", self.asks);
        assert_eq!(self.fault, None, "before {at}");
        assert_eq!(self.wish.close, None, "before {at}");
    }
}

/// Packets that have no room for explanations have none, whatever happens.
fn says_no_more_than_it_may(packet: &codec::Packet<'_>, at: &str) {
    use codec::Packet::{ConnAck, Disconnect, PubAck, PubComp, PubRec, PubRel, SubAck, UnsubAck};
    let properties = match packet {
        PubRel(ack) | PubComp(ack) => {
            assert!(ack.properties.is_empty(), "{at}");
            return;
        }
        SubAck(ack) => return assert!(ack.properties.is_empty(), "{at}"),
        UnsubAck(ack) => return assert!(ack.properties.is_empty(), "{at}"),
        ConnAck(ack) => ack.properties,
        PubAck(ack) | PubRec(ack) => ack.properties,
        Disconnect(disconnect) => disconnect.properties,
        _ => return,
    };
    assert_eq!(properties.find(anser_mqtt::Property::User), None, "{at}");
}

fn number(text: &str) -> u64 {
    text.parse().unwrap_or_else(|_| panic!("{text}: not a number"))
}

fn qos(words: &[&str]) -> QoS {
    match () {
        () if words.contains(&"qos2") => QoS::ExactlyOnce,
        () if words.contains(&"qos1") => QoS::AtLeastOnce,
        () => QoS::AtMostOnce,
    }
}

fn message(topic: &str, payload: &str, qos: QoS) -> TopicMessage {
    let payload = match payload.strip_prefix("honk*") {
        Some(times) => "honk ".repeat(number(times) as usize),
        None => payload.to_owned(),
    };
    let (topic, payload) = (topic.into(), payload.into());
    let properties = bytes::Bytes::from_static(b"\x03\0\x01t\x26\0\x01a\0\x01b");
    TopicMessage { topic, payload, qos, retain: false, expires: None, properties }
}

/// `3:received`, or `4:qos1:a/b:hello`.
fn flight(text: &str) -> TopicFlight {
    let parts: Vec<&str> = text.split(':').collect();
    let (place, received) = (number(parts[0]), parts[1] == "received");
    let (topic, payload) = if received { ("a", "") } else { (parts[2], parts[3]) };
    let qos = if received { QoS::ExactlyOnce } else { qos(&parts[1..2]) };
    let message = Arc::new(message(topic, payload, qos));
    TopicFlight { place, received, message, qos, retain: false, ids: Vec::new() }
}

fn answer(text: &str) -> Answer {
    let words: Vec<&str> = text.split(' ').collect();
    Answer::Topics(match words[..] {
        ["welcome", ref more @ ..] => {
            return Answer::Link(Reply::Welcome(Box::new(Welcome {
                actor: Actor { user: UserId(1), device: DeviceId(4), epoch: Epoch(3) },
                user: UserName::new("alice").unwrap(),
                device: DeviceName::new(more.first().unwrap_or(&"phone")).unwrap(),
                ticket: Secret::new("ticket"),
                until: WALL.plus(3_600_000),
                changes: Changes { conversations: Vec::new(), token: SyncToken(9), more: false },
                personal: SyncToken(0),
            })));
        }
        ["not", "welcome", name] => return Answer::Link(Reply::Refused(refusal(name))),
        ["opened", ref more @ ..] => TopicReply::Opened(Box::new(TopicsOpened {
            present: more.contains(&"present"),
            once: more
                .iter()
                .filter_map(|word| word.strip_prefix("once="))
                .map(|id| number(id) as u16)
                .collect(),
            flights: more
                .iter()
                .filter_map(|word| word.strip_prefix("flight="))
                .map(flight)
                .collect(),
        })),
        ["done"] => TopicReply::Done,
        ["published"] => TopicReply::Published { matched: true },
        ["published", "nobody"] => TopicReply::Published { matched: false },
        ["subscribed", ref granted @ ..] => TopicReply::Subscribed(
            granted
                .iter()
                .map(|granted| match *granted {
                    "0" => Ok(QoS::AtMostOnce),
                    "1" => Ok(QoS::AtLeastOnce),
                    "2" => Ok(QoS::ExactlyOnce),
                    name => Err(refusal(name)),
                })
                .collect(),
        ),
        ["unsubscribed", ref were @ ..] => {
            TopicReply::Unsubscribed(were.iter().map(|was| *was == "yes").collect())
        }
        ["refused", name] => TopicReply::Refused(refusal(name)),
        _ => panic!("{text}: not understood"),
    })
}

fn refusal(name: &str) -> Refusal {
    match name {
        "BadCredentials" => Refusal::BadCredentials,
        "Disabled" => Refusal::Disabled,
        "Forbidden" => Refusal::Forbidden,
        "Invalid" => Refusal::Invalid("not a filter"),
        "TakenOver" => Refusal::TakenOver,
        "Revoked" => Refusal::Revoked,
        "Busy" => Refusal::Busy(Duration::from_millis(500)),
        "Unavailable" => Refusal::Unavailable,
        _ => panic!("{name}: not understood"),
    }
}
