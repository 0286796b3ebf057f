//! Any bytes at a native session, before its login and after: it never panics, asks nothing more
//! once it has faulted, and does the same however the bytes are cut.
#![no_main]

use std::{sync::Arc, time::Instant};

use anser_domain::{
    Actor, Changes, Clock as _, Command, DeviceId, DeviceName, Epoch, Fault, Input, LinkInfo,
    Millis, Outbox, Refusal, Reply, Secret, Session as _, SyncToken, SystemClock, Tag, Transport,
    Turn, UserId, UserName, Welcome, Wish,
};
use anser_wire::{
    Limits, Session, codec,
    frame::{Frame, Hello},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((&how, stream)) = bytes.split_first() else { return };
    let now = SystemClock.now();
    let online = how & 1 == 0;
    let step = usize::from(how >> 1) + 1;

    let whole = run(now, online, stream, stream.len().max(1));
    let cut = run(now, online, stream, step);
    assert_eq!(whole.asks, cut.asks, "questions depend on how the bytes are cut");
    assert_eq!(whole.fault, cut.fault, "the end depends on how the bytes are cut");
    assert_eq!(whole.written, cut.written, "answers depend on how the bytes are cut");
});

/// What a session did.
struct Outcome {
    asks: Vec<(Tag, Command)>,
    written: Vec<u8>,
    fault: Option<Fault>,
}

fn run(now: Instant, online: bool, stream: &[u8], step: usize) -> Outcome {
    let mut rig = Rig {
        session: Session::new(Arc::new(Limits::default())),
        now,
        out: Outbox::default(),
        asks: Vec::new(),
        wish: Wish::default(),
    };
    rig.turn(|session, turn| session.open(&link(), turn));
    if online {
        rig.log_in();
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
        // Whatever was asked, a refusal is an answer to it.
        for (tag, _) in &asks {
            let reply = Reply::Refused(Refusal::Unavailable);
            rig.turn(|session, turn| session.handle(Input::Reply(*tag, &reply), turn)).ok();
        }
    }
    let written: Vec<u8> = rig.out.segments().flatten().copied().collect();
    let mut rest = &written[..];
    while !rest.is_empty() {
        let (len, frame) = codec::read(rest, usize::MAX).unwrap().expect("whole frames");
        assert!(frame.is_some(), "frames of this version");
        rest = &rest[len..];
    }
    Outcome { asks, written, fault }
}

struct Rig {
    session: Session,
    now: Instant,
    out: Outbox,
    asks: Vec<(Tag, Command)>,
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

    fn log_in(&mut self) {
        let mut hello = Vec::new();
        let frame = Hello { token: "t".into(), min_version: 1, max_version: 1, ..Hello::default() };
        codec::write(&Frame::from(frame), &mut hello);
        self.turn(|session, turn| session.receive(&hello, turn)).unwrap();
        let (tag, _) = self.asks.pop().expect("a login");
        let welcome = Reply::Welcome(Box::new(Welcome {
            actor: Actor { user: UserId(1), device: DeviceId(1), epoch: Epoch(1) },
            user: UserName::trusted("alice"),
            device: DeviceName::trusted("phone"),
            ticket: Secret::new("ticket"),
            until: Millis(3_600_000),
            changes: Changes { conversations: Vec::new(), token: SyncToken(0), more: false },
            personal: SyncToken(0),
        }));
        self.turn(|session, turn| session.handle(Input::Reply(tag, &welcome), turn)).unwrap();
        self.out.clear();
    }
}

fn link() -> LinkInfo {
    LinkInfo {
        remote: ([127, 0, 0, 1], 1).into(),
        transport: Transport::Stream,
        tls: None,
        trusted_path: true,
    }
}
