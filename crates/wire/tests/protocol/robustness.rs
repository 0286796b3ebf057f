//! What a session does with bytes that are wrong: it names the mistake, or passes over it, and
//! never panics, whatever state it is in.

use std::sync::Arc;

use anser_domain::*;
use anser_wire::{
    ErrorCode, Limits, VERSION, codec,
    frame::{Direction, FRAMES, Frame, Hello},
};
use proptest::prelude::*;

use crate::{
    runner::WALL,
    table::unhex,
    vectors::{refused, samples},
};

/// A session with the driver's half of a link.
struct Link {
    session: anser_wire::Session,
    clock: ManualClock,
    out: Outbox,
    asks: Vec<(Tag, Command)>,
    wish: Wish,
}

impl Link {
    fn new(transport: Transport) -> Self {
        let mut link = Self {
            session: anser_wire::Session::new(Arc::new(Limits::default())),
            clock: ManualClock::new(WALL),
            out: Outbox::default(),
            asks: Vec::new(),
            wish: Wish::default(),
        };
        let remote = ([127, 0, 0, 1], 50_000).into();
        let info = LinkInfo { remote, transport, tls: None, trusted_path: true };
        link.turn(|session, turn| session.open(&info, turn));
        link
    }

    /// A link that has logged in and may compress.
    fn online(transport: Transport) -> Self {
        let mut link = Self::new(transport);
        let hello = Hello {
            token: "t".into(),
            max_version: VERSION,
            capabilities: vec![codec::compress::CAPABILITY.into()],
            ..Hello::default()
        };
        let mut bytes = Vec::new();
        codec::write(&hello.into(), &mut bytes);
        link.receive(&bytes).unwrap();
        let (tag, _) = link.asks.pop().unwrap();
        let welcome = Reply::Welcome(Box::new(Welcome {
            actor: Actor { user: UserId(1), device: DeviceId(1), epoch: Epoch(1) },
            user: UserName::new("alice").unwrap(),
            device: DeviceName::new("phone").unwrap(),
            ticket: Secret::new("ticket"),
            until: WALL.plus(3_600_000),
            changes: Changes { conversations: Vec::new(), token: SyncToken(1), more: false },
            personal: SyncToken(1),
        }));
        link.turn(|session, turn| session.handle(Input::Reply(tag, &welcome), turn)).unwrap();
        link.sent();
        link
    }

    fn turn<T>(&mut self, act: impl FnOnce(&mut anser_wire::Session, &mut Turn<'_>) -> T) -> T {
        let mut turn = Turn {
            now: self.clock.now(),
            wall: self.clock.wall(),
            out: &mut self.out,
            asks: &mut self.asks,
            wish: &mut self.wish,
        };
        act(&mut self.session, &mut turn)
    }

    fn receive(&mut self, bytes: &[u8]) -> Result<usize, Fault> {
        self.turn(|session, turn| session.receive(bytes, turn))
    }

    /// The frames that were sent, each readable by a client.
    fn sent(&mut self) -> Vec<Frame> {
        let bytes: Vec<u8> = self.out.segments().flatten().copied().collect();
        self.out.clear();
        let (mut rest, mut frames) = (&bytes[..], Vec::new());
        while let Some((taken, frame)) = codec::read(rest, 1 << 20).unwrap() {
            frames.extend(frame);
            rest = &rest[taken..];
        }
        assert!(rest.is_empty());
        frames
    }

    /// The code of the only ERROR that was sent.
    fn refused_with(&mut self) -> ErrorCode {
        match &self.sent()[..] {
            [Frame::Error(error)] => ErrorCode::from_number(error.code).unwrap(),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn refused_vectors_are_refused_with_their_codes() {
    for (name, _, bytes, code) in refused() {
        let mut link = Link::new(Transport::Stream);
        assert!(link.receive(&bytes).is_err(), "{name}");
        assert_eq!(link.refused_with(), code, "{name}");
    }
}

#[test]
fn a_long_body_is_refused_by_its_header() {
    let limits = Limits::default();
    for (mut link, max) in [
        (Link::new(Transport::Stream), limits.max_login_frame),
        (Link::online(Transport::Stream), limits.max_frame),
    ] {
        let mut header = Vec::new();
        codec::put_header(&mut header, 0x81, max);
        assert_eq!(link.receive(&header), Ok(0), "the longest body is waited for");
        header.clear();
        codec::put_header(&mut header, 0x81, max + 1);
        assert!(link.receive(&header).is_err());
        assert_eq!(link.refused_with(), ErrorCode::FrameTooLarge);
    }
}

#[test]
fn frames_that_only_servers_send_end_the_link() {
    for row in FRAMES.iter().filter(|row| row.direction == Direction::ToClient) {
        let mut link = Link::online(Transport::Stream);
        assert!(link.receive(&[row.number, 0]).is_err(), "{}", row.name);
        assert_eq!(link.refused_with(), ErrorCode::UnexpectedFrame, "{}", row.name);
    }
}

#[test]
fn every_client_frame_with_a_cut_body_is_answered_passed_over_or_ends_the_link() {
    for (name, _, frame) in samples() {
        if frame.frame_type().direction() == Direction::ToClient {
            continue;
        }
        let mut body = Vec::new();
        frame.put_body(&mut body);
        for cut in 0..body.len() {
            let mut link = Link::online(Transport::WebSocket);
            let mut bytes = Vec::new();
            codec::put_header(&mut bytes, codec::first_byte(frame.frame_type()), cut);
            bytes.extend(&body[..cut]);
            match link.receive(&bytes) {
                Ok(taken) => assert_eq!(taken, bytes.len(), "{name} cut at {cut}"),
                Err(_) => {
                    link.refused_with();
                }
            }
        }
    }
}

#[test]
fn bodies_above_their_bounds_are_refused_alone() {
    let cases = [
        (
            "body",
            serde_json::json!({"id": 1, "to": "u:bob", "client_id": "00".repeat(16), "body": "x".repeat((64 << 10) + 1)}),
        ),
        (
            "payload",
            serde_json::json!({"id": 1, "to": "u:bob", "client_id": "00".repeat(16), "payload": "00".repeat((64 << 10) + 1)}),
        ),
        (
            "mentions",
            serde_json::json!({"id": 1, "to": "u:bob", "client_id": "00".repeat(16), "mentions": vec!["bob"; 257]}),
        ),
    ];
    for (name, fields) in cases {
        let mut link = Link::online(Transport::Stream);
        let bytes = crate::table::frame_from_json("SEND", &fields);
        assert_eq!(link.receive(&bytes), Ok(bytes.len()), "{name}");
        assert_eq!(link.refused_with(), ErrorCode::TooLarge, "{name}");
        assert!(link.asks.is_empty());
    }
    let members = serde_json::json!({"id": 1, "create_group": {
        "client_id": "00".repeat(16), "name": "g", "members": vec!["bob"; 1001]}});
    let title = serde_json::json!({"id": 1, "set_display_name": {"display_name": "x".repeat(257)}});
    for fields in [members, title] {
        let mut link = Link::online(Transport::Stream);
        link.receive(&crate::table::frame_from_json("REQUEST", &fields)).unwrap();
        assert_eq!(link.refused_with(), ErrorCode::TooLarge);
    }
}

#[test]
fn a_bomb_ends_the_link_before_it_is_opened() {
    let bomb = zstd::bulk::compress(&vec![0; 64 << 20], 19).unwrap();
    let mut bytes = Vec::new();
    codec::put_header(&mut bytes, 0xc4, bomb.len());
    bytes.extend(bomb);
    let mut link = Link::online(Transport::Stream);
    assert!(link.receive(&bytes).is_err());
    assert_eq!(link.refused_with(), ErrorCode::FrameTooLarge);
}

#[test]
fn a_login_with_fields_that_are_too_long_is_refused() {
    let long =
        |field: &str, len: usize| serde_json::json!({"max_version": 1, field: "x".repeat(len)});
    let many = serde_json::json!({"max_version": 1, "capabilities": vec!["x"; 33]});
    for fields in [long("token", 4097), long("client", 129), many] {
        let mut link = Link::new(Transport::Stream);
        assert!(link.receive(&crate::table::frame_from_json("HELLO", &fields)).is_err());
        assert_eq!(link.refused_with(), ErrorCode::TooLarge);
    }
}

#[test]
fn an_idle_session_keeps_no_bytes() {
    // The driver owns every buffer: half a frame is not consumed, and nothing is kept of it.
    let mut link = Link::online(Transport::Stream);
    assert_eq!(link.receive(&unhex("8404 0801")), Ok(0));
    assert!(size_of_val(&link.session) <= 100);
}

proptest! {
    #[test]
    fn no_bytes_make_a_session_panic(
        online in any::<bool>(),
        messages in any::<bool>(),
        pieces in prop::collection::vec(
            prop_oneof![
                prop::collection::vec(any::<u8>(), 0..40),
                (0..64_u8, any::<[bool; 2]>(), prop::collection::vec(any::<u8>(), 0..60)).prop_map(
                    |(number, [critical, packed], body)| {
                        let flags = u8::from(critical) << 7 | u8::from(packed) << 6;
                        let mut bytes = vec![number | flags, body.len() as u8];
                        bytes.extend(body);
                        bytes
                    }
                ),
                (0..samples().len(), 0..200_usize, any::<u8>()).prop_map(|(n, at, flip)| {
                    let mut bytes = Vec::new();
                    codec::write(&samples()[n].2, &mut bytes);
                    let at = at % bytes.len();
                    bytes[at] ^= flip;
                    bytes
                }),
            ],
            1..8,
        ),
    ) {
        let transport = if messages { Transport::WebSocket } else { Transport::Stream };
        let mut link = if online { Link::online(transport) } else { Link::new(transport) };
        for bytes in pieces {
            let Ok(taken) = link.receive(&bytes) else { break };
            prop_assert!(taken <= bytes.len());
            for (tag, _) in std::mem::take(&mut link.asks) {
                let reply = Reply::Refused(Refusal::Unavailable);
                let _ = link.turn(|session, turn| session.handle(Input::Reply(tag, &reply), turn));
            }
            link.clock.advance(std::time::Duration::from_secs(20));
            let _ = link.turn(|session, turn| session.handle(Input::Timeout, turn));
        }
        link.sent();
    }
}
