//! Every packet in every state: what may not come ends the link or waits, and nothing panics.

use std::sync::Arc;

use anser_domain::{Clock as _, LinkInfo, ManualClock, Millis, Outbox, Tag, Transport, Wish};
use anser_mqtt::{Ask, Input, Limits, Session, Turn, Version, codec};
use proptest::{
    strategy::{Strategy as _, ValueTree as _},
    test_runner::TestRunner,
};

use crate::{
    any::parts,
    life::{opened, welcome},
    script,
};

/// How far a link has come.
const STATES: [&str; 6] = ["new", "logging in", "opening", "online", "draining", "closed"];

struct Rig {
    session: Session,
    out: Outbox,
    asks: Vec<(Tag, Ask)>,
    wish: Wish,
    clock: ManualClock,
}

impl Rig {
    fn turn<T>(&mut self, act: impl FnOnce(&mut Session, &mut Turn<'_>) -> T) -> T {
        let mut turn = Turn {
            now: self.clock.now(),
            wall: Millis(0),
            out: &mut self.out,
            asks: &mut self.asks,
            wish: &mut self.wish,
        };
        act(&mut self.session, &mut turn)
    }

    fn in_state(state: &str, version: Version) -> Self {
        let mut rig = Self {
            session: Session::new(Arc::new(Limits::default()), 0),
            out: Outbox::default(),
            asks: Vec::new(),
            wish: Wish::default(),
            clock: ManualClock::new(Millis(0)),
        };
        let link = LinkInfo {
            remote: ([127, 0, 0, 1], 50_000).into(),
            transport: Transport::Stream,
            tls: None,
            trusted_path: true,
        };
        rig.turn(|session, turn| session.open(&link, turn));
        let upto = STATES.iter().position(|known| *known == state).unwrap();
        let mut said = version;
        let connect = format!("CONNECT {version} client=phone user=alice password=pw");
        let bytes = script::bytes(&connect, &mut said);
        if upto >= 1 {
            rig.turn(|session, turn| session.receive(&bytes, turn)).unwrap();
        }
        for (from, answer) in [(2, welcome()), (3, opened())] {
            if upto >= from {
                let (tag, _) = rig.asks.pop().unwrap();
                rig.turn(|session, turn| session.handle(Input::Answer(tag, &answer), turn))
                    .unwrap();
            }
        }
        if upto >= 4 {
            // With something to wait for, or without.
            if upto == 4 {
                let publish = script::bytes("PUBLISH a hi qos1 #1", &mut said);
                rig.turn(|session, turn| session.receive(&publish, turn)).unwrap();
            }
            let drain = Input::Drain { retry_after: std::time::Duration::ZERO };
            rig.turn(|session, turn| session.handle(drain, turn)).unwrap();
        }
        rig.asks.clear();
        rig.out.clear();
        rig
    }
}

#[test]
fn every_packet_comes_in_every_state() {
    let mut runner = TestRunner::deterministic();
    for _ in 0..200 {
        let parts = parts().new_tree(&mut runner).unwrap().current();
        let mut bytes = Vec::new();
        parts.packet(|packet| codec::write(packet, parts.version, &mut bytes));
        for state in STATES {
            let mut rig = Rig::in_state(state, parts.version);
            let taken = rig.turn(|session, turn| session.receive(&bytes, turn));
            let what = format!("{:?} when {state}", parts.packet_type);
            match state {
                "logging in" | "opening" | "draining" => assert_eq!(taken, Ok(0), "{what}: waits"),
                "closed" => assert_eq!(taken, Ok(bytes.len()), "{what}: is dropped"),
                _ => {}
            }
            if matches!(state, "closed" | "logging in" | "opening" | "draining") || taken.is_err() {
                assert!(rig.asks.is_empty(), "{what}: asks nothing");
            }
            if taken.is_err() {
                rig.out.clear();
                let after = rig.turn(|session, turn| session.receive(&bytes, turn));
                assert_eq!((after, rig.out.len()), (Ok(bytes.len()), 0), "{what}: is over");
            }
        }
    }
}
