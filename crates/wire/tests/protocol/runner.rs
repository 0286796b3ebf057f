//! Plays a transcript: one session on a clock that stands still.
//!
//! ```text
//! # a comment
//! limit max_in_flight=2      before the first line: other limits than the default ones
//! transport websocket
//! > PING {"nonce":7}         the client sends a frame (`>hex 9000`: these bytes), or several
//!                            with ` & ` between them at once
//! < PONG {"nonce":7}         the client has been sent this frame, and nothing else
//! ?a Send(Outgoing { to: …   the session has asked this (`a` names the question)
//! !a sent 300 7              the SM answers it
//! ! event message 300 7 hi   something else happens
//! @ +10s                     time passes; a deadline that has come is reported
//! = credit 3                 the session's or the driver's state (`= closed`, `= fault …`)
//! ```

use std::{collections::HashMap, sync::Arc, time::Duration};

use anser_domain::*;
use anser_wire::{Limits, codec, frame::FRAMES};
use serde_json::Value;

use crate::table::{body_to_json, frame_from_json, hex, unhex};

/// How the client's bytes come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Feeding {
    /// Frame by frame.
    Whole,
    /// One byte at a time, the driver keeping what was not consumed.
    ByteByByte,
    /// Before every frame each of its beginnings, of which nothing may come.
    EveryBeginning,
}

/// One link under test.
pub(crate) struct Runner {
    session: anser_wire::Session,
    limits: Limits,
    transport: Transport,
    opened: bool,
    feeding: Feeding,
    clock: ManualClock,
    wish: Wish,
    out: Outbox,
    asks: Vec<(Tag, Command)>,
    names: HashMap<String, Tag>,
    tail: Vec<u8>,
    fault: Option<Fault>,
    /// Deliveries that were said to go to several links, by their text.
    shared: HashMap<String, Arc<Delivery>>,
}

/// 2026-09-21T14:13:20Z.
pub(crate) const WALL: Millis = Millis(1_790_000_000_000);

impl Runner {
    /// Plays `script`, panicking with the line at which it went wrong.
    pub(crate) fn play(script: &str, feeding: Feeding) {
        let mut runner = Self {
            session: anser_wire::Session::new(Arc::default()),
            limits: Limits::default(),
            transport: Transport::Stream,
            opened: false,
            feeding,
            clock: ManualClock::new(WALL),
            wish: Wish::default(),
            out: Outbox::default(),
            asks: Vec::new(),
            names: HashMap::new(),
            tail: Vec::new(),
            fault: None,
            shared: HashMap::new(),
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
            ("t", "ransport") => return self.transport = Transport::WebSocket,
            ("<", "") => return self.expect_frame(rest, at),
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
                for frame in rest.split(" & ") {
                    let (name, json) = frame.split_once(' ').unwrap_or((frame, "{}"));
                    let json = serde_json::from_str(json).unwrap_or_else(|e| panic!("{at}: {e}"));
                    bytes.extend(frame_from_json(name, &json));
                }
                self.feed(&bytes, at);
            }
            (">", "hex") => self.feed(&unhex(rest), at),
            ("!", "") => self.happens(rest),
            ("!", name) => {
                let tag = *self.names.get(name).unwrap_or_else(|| panic!("{at}: nothing asked"));
                let reply = reply(rest);
                self.turn(|session, turn| session.handle(Input::Reply(tag, &reply), turn));
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
        self.session = anser_wire::Session::new(Arc::new(self.limits.clone()));
        let link = LinkInfo {
            remote: ([127, 0, 0, 1], 50_000).into(),
            transport: self.transport,
            tls: None,
            trusted_path: true,
        };
        self.turn(|session, turn| {
            session.open(&link, turn);
            Ok(())
        });
    }

    fn turn(
        &mut self,
        act: impl FnOnce(&mut anser_wire::Session, &mut Turn<'_>) -> Result<(), Fault>,
    ) {
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
        // A WebSocket message comes whole or not at all.
        let feeding =
            if self.transport == Transport::WebSocket { Feeding::Whole } else { self.feeding };
        match feeding {
            Feeding::Whole => self.receive(bytes),
            Feeding::ByteByByte => {
                for byte in bytes {
                    self.receive(&[*byte]);
                }
            }
            Feeding::EveryBeginning => {
                for cut in 0..bytes.len() {
                    let mut consumed = 0;
                    let fault = self.fault.take();
                    self.turn(|session, turn| {
                        session.receive(&bytes[..cut], turn).map(|n| consumed = n)
                    });
                    if self.fault.is_some() || self.wish.close.is_some() {
                        return; // Refused by its header alone.
                    }
                    self.fault = fault;
                    if consumed > 0 {
                        // Several frames in one line: what was taken is not given again.
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
        let seconds =
            |text: &str| Duration::from_secs_f64(text.trim_end_matches('s').parse().unwrap());
        match words[..] {
            ["evict", name] => {
                let refusal = refusal(name);
                self.turn(|session, turn| session.handle(Input::Evict(&refusal), turn));
            }
            ["drain", after] => {
                let retry_after = seconds(after);
                self.turn(|session, turn| session.handle(Input::Drain { retry_after }, turn));
            }
            ["synced", token] => {
                let token = SyncToken(token.parse().unwrap());
                self.turn(|session, turn| session.handle(Input::Synced(token), turn));
            }
            ["changes", ..] => {
                let reply = reply(what);
                self.turn(|session, turn| session.handle(Input::Reply(Tag::FEED, &reply), turn));
            }
            ["writable"] => self.turn(|session, turn| session.handle(Input::Writable, turn)),
            ["event", ref event @ ..] => {
                let event = self.event(event);
                self.turn(|session, turn| session.handle(Input::Event(&event), turn));
            }
            _ => panic!("{what}: not understood"),
        }
    }

    fn event(&mut self, words: &[&str]) -> Event {
        let at: Address = "g:geese".parse().unwrap();
        let user = UserName::new("bob").unwrap();
        match *words {
            ["message", conv, seq, body] => {
                let message = Arc::new(message(number(conv), number(seq), body));
                let encoded = Encoded::default();
                Event::Message(Arc::new(Delivery {
                    at,
                    message,
                    prev: SyncToken::NEVER,
                    links: 1,
                    encoded,
                }))
            }
            ["shared", conv, seq, body] => {
                let message = Arc::new(message(number(conv), number(seq), body));
                let delivery = self.shared.entry(words.join(" ")).or_insert_with(|| {
                    Arc::new(Delivery {
                        at,
                        message,
                        prev: SyncToken::NEVER,
                        links: 2,
                        encoded: Encoded::default(),
                    })
                });
                Event::Message(Arc::clone(delivery))
            }
            ["created", conv, seq] => {
                let members = vec![(user.clone(), GroupRole::Owner)];
                let content = Content::Event(LogEvent::Created { members });
                let message = Message { content, ..message(number(conv), number(seq), "") };
                let (message, encoded) = (Arc::new(message), Encoded::default());
                Event::Message(Arc::new(Delivery {
                    at,
                    message,
                    prev: SyncToken::NEVER,
                    links: 1,
                    encoded,
                }))
            }
            ["head", conv, head] => {
                Event::Head { conv: ConvId(number(conv)), head: Seq(number(head)) }
            }
            ["read", conv, seq] => Event::Receipt(Arc::new(Receipt {
                conv: ConvId(number(conv)),
                at,
                user,
                read: true,
                seq: Seq(number(seq)),
            })),
            ["typing"] => Event::Typing(Arc::new(Typing { at, user, active: true })),
            ["presence"] => Event::Presence(Arc::new(Presence { user, online: true })),
            ["changed", "friends", at] => Event::Changed(Arc::new(Changed {
                subject: Subject::Friends,
                at: SyncToken(number(at)),
            })),
            _ => panic!("{words:?}: not understood"),
        }
    }

    fn limit(&mut self, setting: &str) {
        let (name, value) = setting.split_once('=').unwrap();
        let value: usize = value.parse().unwrap();
        match name {
            "max_in_flight" => self.limits.max_in_flight = value as u32,
            "max_frame" => self.limits.max_frame = value,
            "compress_from" => self.limits.compress_from = value,
            _ => panic!("{name}: no such limit"),
        }
    }

    fn expect_frame(&mut self, expected: &str, at: &str) {
        let bytes: Vec<u8> = self.out.segments().flatten().copied().collect();
        let raw = codec::split(&bytes, 1 << 24).unwrap();
        let raw = raw.unwrap_or_else(|| panic!("{at}: no frame was sent"));
        let row = FRAMES.iter().find(|row| row.number == raw.first & codec::TYPE_MASK).unwrap();
        let (name, json) = expected.split_once(' ').unwrap_or((expected, "{}"));
        let (name, packed) = match name.strip_prefix("packed:") {
            Some(name) => (name, true),
            None => (name, false),
        };
        assert_eq!(raw.is_compressed(), packed, "{at}: compressed");
        let body = if packed {
            codec::compress::restore(raw.body, 1 << 24, <[u8]>::to_vec).unwrap()
        } else {
            raw.body.to_vec()
        };
        if json != "…" {
            let json: Value = serde_json::from_str(json).unwrap_or_else(|e| panic!("{at}: {e}"));
            let frame = frame_from_json(name, &json);
            let same = body == codec::split(&frame, 1 << 24).unwrap().unwrap().body;
            assert!(same, "{at}: was {} {}", row.name, body_to_json(row.body, &body));
        }
        assert_eq!(row.name, name, "{at}");
        let rest = bytes[raw.len..].to_vec();
        self.out.clear();
        self.out.put(&rest);
    }

    fn expect_ask(&mut self, name: &str, expected: &str, at: &str) {
        assert!(!self.asks.is_empty(), "{at}: nothing was asked");
        let (tag, command) = self.asks.remove(0);
        let asked = format!("{command:?}");
        assert!(asked.starts_with(expected), "{at}: asked {asked}");
        self.names.insert(name.to_owned(), tag);
    }

    fn expect_state(&mut self, expected: &str, at: &str) {
        let words: Vec<&str> = expected.split(' ').collect();
        match words[..] {
            ["credit", n] => assert_eq!(self.session.credit(), number(n) as u32, "{at}"),
            ["paused"] => assert!(self.wish.read_paused, "{at}"),
            ["reading"] => assert!(!self.wish.read_paused, "{at}"),
            ["closed"] => {
                assert_eq!(self.wish.close.take(), Some(Close::Flush), "{at}");
                assert_eq!(self.wish.wake_at, None, "{at}");
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
        assert!(bytes.is_empty(), "before {at}: sent {}", hex(&bytes));
        assert!(self.asks.is_empty(), "before {at}: asked {:?}", self.asks);
        assert_eq!(self.fault, None, "before {at}");
        assert_eq!(self.wish.close, None, "before {at}");
    }
}

fn number(text: &str) -> u64 {
    text.parse().unwrap_or_else(|_| panic!("{text}: not a number"))
}

fn message(conv: u64, seq: u64, body: &str) -> Message {
    let body = match body.strip_prefix("honk*") {
        Some(times) => "honk ".repeat(number(times) as usize),
        None => body.to_owned(),
    };
    Message {
        conv: ConvId(conv),
        seq: Seq(seq),
        ord: Ord64(seq),
        id: MessageId(77),
        sender: Sender {
            user: UserId(2),
            name: UserName::new("bob").unwrap(),
            device: DeviceId(5),
        },
        client_id: ClientId([1; 16]),
        ts: WALL,
        content: Content::Text(body.into()),
        reply_to: None,
        mentions: Vec::new(),
        payload: None,
        marks: None,
    }
}

fn changes(words: &[&str]) -> Changes {
    let row = |n: usize| ConversationState {
        conv: ConvId(300 + n as u64),
        at: "g:geese".parse().unwrap(),
        title: "Geese".into(),
        head: Seq(7),
        last: None,
        delivered: Seq(7),
        read: Seq(7),
        peer_delivered: Seq::ZERO,
        peer_read: Seq::ZERO,
        unread: 0,
        mentions: 0,
        keep: Keep::default(),
        member: true,
        changed: SyncToken(9),
    };
    let (rows, more, last) = match words {
        [] => (0, false, None),
        [rows] => (number(rows), false, None),
        [rows, "more"] => (number(rows), true, None),
        [rows, body] => (number(rows), false, Some(Arc::new(message(300, 7, body)))),
        _ => panic!("{words:?}"),
    };
    let conversations =
        (0..rows as usize).map(|n| ConversationState { last: last.clone(), ..row(n) }).collect();
    Changes { conversations, token: SyncToken(9), more }
}

fn reply(text: &str) -> Reply {
    let words: Vec<&str> = text.split(' ').collect();
    let name = |text: &str| UserName::new(text).unwrap();
    match words[..] {
        ["done"] => Reply::Done,
        ["refused", name] => Reply::Refused(refusal(name)),
        ["sent", conv, seq, ref again @ ..] => Reply::Sent(Sent {
            conv: ConvId(number(conv)),
            seq: Seq(number(seq)),
            id: MessageId(77),
            ts: WALL,
            duplicate: again == ["again"],
            prev: SyncToken::NEVER,
        }),
        // The device, for how many seconds the credential is good, and the changes.
        ["welcome", device, seconds, ref rest @ ..] => Reply::Welcome(Box::new(Welcome {
            actor: Actor { user: UserId(1), device: DeviceId(number(device)), epoch: Epoch(3) },
            user: name("alice"),
            device: DeviceName::new("phone").unwrap(),
            ticket: Secret::new("ticket"),
            until: WALL.plus(number(seconds) as i64 * 1000),
            changes: changes(rest),
            personal: SyncToken(0),
        })),
        ["changes", ref rest @ ..] => Reply::Changes(Box::new(changes(rest))),
        ["conversations", ref rest @ ..] => Reply::Conversations(Box::new(changes(rest))),
        ["page", count, body] => Reply::Page(Box::new(Page {
            conv: ConvId(300),
            at: "g:geese".parse().unwrap(),
            messages: (1..=number(count)).map(|seq| Arc::new(message(300, seq, body))).collect(),
            after: Seq::ZERO,
            head: Seq(9),
            more: true,
        })),
        ["group"] => Reply::Group(Box::new(Group {
            name: GroupName::new("geese").unwrap(),
            title: "Geese".into(),
            members: 2,
            created: WALL,
            role: Some(GroupRole::Admin),
            kind: GroupKind::Group,
            description: "".into(),
            avatar: "".into(),
            announcement: "".into(),
            policy: Policy::default(),
            muted: Millis(0),
        })),
        ["asked"] => Reply::Groups(Box::new(GroupReply::Asked)),
        ["members"] => Reply::Members(Box::new(MemberPage {
            members: vec![Member {
                user: UserId(2),
                name: name("bob"),
                role: GroupRole::Owner,
                muted: Millis(0),
            }],
            more: true,
        })),
        ["user"] => Reply::User(Box::new(Profile {
            name: name("bob"),
            display_name: "Bob".into(),
            role: Role::Admin,
            disabled: false,
            details: Details::default(),
        })),
        ["push"] => Reply::Push(anser_domain::PushReply::Record(None)),
        ["devices"] => Reply::Devices(vec![DeviceRecord {
            name: DeviceName::new("phone").unwrap(),
            created: WALL,
            seen: WALL,
            online: true,
        }]),
        _ => panic!("{text}: not understood"),
    }
}

fn refusal(name: &str) -> Refusal {
    match name {
        "BadCredentials" => Refusal::BadCredentials,
        "Expired" => Refusal::Expired,
        "TakenOver" => Refusal::TakenOver,
        "Revoked" => Refusal::Revoked,
        "NotMember" => Refusal::NotMember,
        "OutOfOrder" => Refusal::OutOfOrder,
        "Busy" => Refusal::Busy(Duration::from_millis(500)),
        "Unavailable" => Refusal::Unavailable,
        _ => panic!("{name}: not understood"),
    }
}
