//! Every packet reads back as it was written, and nothing that arrives makes a process panic.

#![expect(clippy::unwrap_used, reason = "a test")]

#[expect(unreachable_pub, reason = "a module of a test")]
mod any;

use std::{collections::BTreeSet, fmt::Debug};

use anser_domain::{
    Ask, Beat, Event, Hint, LinkId, PeerId, Refusal, Reply, ReplyTo, StreamPos, SyncToken, Tag, Via,
};
use anser_rpc::{FromSm, Malformed, ToSm};
use any::*;
use bytes::Bytes;
use proptest::{
    collection::vec,
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, TestRunner},
};

fn ask() -> impl Strategy<Value = Ask> {
    (any::<(u64, u64, u64)>(), caller(), command()).prop_map(
        |((peer, link, tag), caller, command)| Ask {
            from: ReplyTo {
                peer: PeerId(peer),
                link: LinkId(link),
                tag: Tag(tag),
                via: Via::default(),
            },
            caller,
            command,
        },
    )
}

fn to_sm() -> impl Strategy<Value = ToSm> {
    prop_oneof![
        any::<(u64, bool, bool)>().prop_map(|(peer, links, pongs)| ToSm::Attach {
            peer: PeerId(peer),
            links,
            pongs
        }),
        any::<u64>().prop_map(|peer| ToSm::Detach(PeerId(peer))),
        vec(ask(), 0..4).prop_map(ToSm::Asks),
        any::<u64>().prop_map(ToSm::Pong),
    ]
    .boxed()
}

fn stream_pos() -> impl Strategy<Value = StreamPos> {
    any::<(u64, u64)>().prop_map(|(sm, number)| StreamPos { sm: PeerId(sm), number })
}

fn hint() -> impl Strategy<Value = Hint> {
    (event(), vec(any::<u64>().prop_map(LinkId), 0..5))
        .prop_map(|(event, links)| Hint { event, links })
}

fn from_sm() -> impl Strategy<Value = FromSm> {
    let answer = (any::<u64>(), any::<u64>(), reply())
        .prop_map(|(link, tag, reply)| (LinkId(link), Tag(tag), reply));
    let eviction = (any::<u64>(), refusal()).prop_map(|(link, why)| (LinkId(link), why));
    prop_oneof![
        vec(answer, 0..4).prop_map(FromSm::Replies),
        (stream_pos(), vec(hint(), 0..4)).prop_map(|(at, hints)| FromSm::Hints(at, hints)),
        vec(eviction, 0..4).prop_map(FromSm::Evict),
        (stream_pos(), any::<(u64, u64)>()).prop_map(|(at, (watermark, routes_generation))| {
            FromSm::Beat(Beat { at, watermark: SyncToken(watermark), routes_generation })
        }),
        any::<u64>().prop_map(FromSm::Ping),
    ]
    .boxed()
}

fn same_to_sm(left: &ToSm, right: &ToSm) -> bool {
    match (left, right) {
        (
            ToSm::Attach { peer, links, pongs },
            ToSm::Attach { peer: p, links: l, pongs: answers },
        ) => (peer, links, pongs) == (p, l, answers),
        (ToSm::Detach(left), ToSm::Detach(right)) => left == right,
        (ToSm::Pong(left), ToSm::Pong(right)) => left == right,
        (ToSm::Asks(left), ToSm::Asks(right)) => {
            let parts = |asks: &[Ask]| -> Vec<_> {
                asks.iter().map(|it| (it.from, it.caller.clone(), it.command.clone())).collect()
            };
            parts(left) == parts(right)
        }
        (ToSm::Attach { .. } | ToSm::Detach(_) | ToSm::Asks(_) | ToSm::Pong(_), _) => false,
    }
}

fn same_from_sm(left: &FromSm, right: &FromSm) -> bool {
    match (left, right) {
        (FromSm::Replies(left), FromSm::Replies(right)) => left == right,
        (FromSm::Hints(left_at, left), FromSm::Hints(right_at, right)) => {
            left_at == right_at
                && left.len() == right.len()
                && left
                    .iter()
                    .zip(right)
                    .all(|(l, r)| l.links == r.links && same_event(&l.event, &r.event))
        }
        (FromSm::Evict(left), FromSm::Evict(right)) => left == right,
        (FromSm::Beat(left), FromSm::Beat(right)) => left == right,
        (FromSm::Ping(left), FromSm::Ping(right)) => left == right,
        (FromSm::Replies(_), _)
        | (FromSm::Hints(..), _)
        | (FromSm::Evict(_), _)
        | (FromSm::Beat(_) | FromSm::Ping(_), _) => false,
    }
}

proptest! {
    #![proptest_config(Config { cases: 512, failure_persistence: None, ..Config::default() })]

    #[test]
    fn what_goes_to_an_sm_arrives_as_it_was(packet in to_sm()) {
        let read = ToSm::decode(packet.encode()).unwrap();
        prop_assert!(same_to_sm(&packet, &read), "{packet:?}\n{read:?}");
    }

    #[test]
    fn what_comes_from_an_sm_arrives_as_it_was(packet in from_sm()) {
        let read = FromSm::decode(packet.encode()).unwrap();
        prop_assert!(same_from_sm(&packet, &read), "{packet:?}\n{read:?}");
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..200)) {
        let _ = ToSm::decode(bytes.clone().into());
        let _ = FromSm::decode(bytes.into());
    }

    #[test]
    fn flipped_bytes_are_read_or_refused(
        packet in to_sm(), answer in from_sm(), at in any::<prop::sample::Index>(), to in any::<u8>(),
    ) {
        let flip = |bytes: Bytes| {
            let mut bytes = bytes.to_vec();
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] = to;
            }
            Bytes::from(bytes)
        };
        let _ = ToSm::decode(flip(packet.encode()));
        let _ = FromSm::decode(flip(answer.encode()));
    }
}

proptest! {
    #![proptest_config(Config { cases: 64, failure_persistence: None, ..Config::default() })]

    #[test]
    fn a_packet_cut_anywhere_is_read_or_refused(packet in to_sm(), answer in from_sm()) {
        let bytes = packet.encode();
        for end in 0..bytes.len() {
            // A cut between two fields is a shorter packet of its own; anything else is refused.
            if let Ok(read) = ToSm::decode(bytes.slice(..end)) {
                prop_assert!(!same_to_sm(&packet, &read));
            }
        }
        let bytes = answer.encode();
        for end in 0..bytes.len() {
            if let Ok(read) = FromSm::decode(bytes.slice(..end)) {
                prop_assert!(!same_from_sm(&answer, &read));
            }
        }
    }
}

/// Samples a strategy until every kind has come up.
fn tries_every_kind<T: Debug>(
    values: impl Strategy<Value = T>,
    kinds: usize,
    kind: impl Fn(&T) -> usize,
) {
    let mut runner = TestRunner::deterministic();
    let seen: BTreeSet<usize> =
        (0..3000).map(|_| kind(&values.new_tree(&mut runner).unwrap().current())).collect();
    assert_eq!(seen, (0..kinds).collect());
}

#[test]
fn every_variant_is_tried() {
    tries_every_kind(command(), COMMAND_KINDS, command_kind);
    tries_every_kind(reply(), REPLY_KINDS, reply_kind);
    tries_every_kind(event(), EVENT_KINDS, event_kind);
    tries_every_kind(file_command(), FILE_COMMAND_KINDS, file_command_kind);
    tries_every_kind(file_reply(), FILE_REPLY_KINDS, file_reply_kind);
    tries_every_kind(refusal(), REFUSAL_KINDS, refusal_kind);
    tries_every_kind(people_command(), PEOPLE_COMMAND_KINDS, people_command_kind);
    tries_every_kind(people_reply(), PEOPLE_REPLY_KINDS, people_reply_kind);
}

#[test]
fn what_is_wrong_with_a_packet_is_said() {
    assert_eq!(ToSm::decode(Bytes::new()).unwrap_err(), Malformed::Missing("packet"));
    // An ask batch (field 3) with one empty ask.
    let empty_ask = Bytes::from_static(&[0x1a, 2, 0x0a, 0]);
    assert_eq!(ToSm::decode(empty_ask).unwrap_err(), Malformed::Missing("reply address"));
    // A field number that this version does not know, where the packet should be.
    let unknown = Bytes::from_static(&[0x7a, 0]);
    assert_eq!(FromSm::decode(unknown).unwrap_err(), Malformed::Missing("packet"));
    assert!(matches!(ToSm::decode(Bytes::from_static(&[0x1a])), Err(Malformed::Bytes(_))));

    let bad_name = FromSm::Hints(
        StreamPos { sm: PeerId(1), number: 1 },
        vec![Hint {
            event: Event::Presence(
                anser_domain::Presence {
                    user: anser_domain::UserName::trusted("not a name"),
                    online: true,
                }
                .into(),
            ),
            links: vec![],
        }],
    );
    assert!(matches!(FromSm::decode(bad_name.encode()), Err(Malformed::Name(_))));
}

#[test]
fn a_refusal_text_stays_the_same_text() {
    let packet = FromSm::Replies(vec![(
        LinkId(1),
        Tag(2),
        Reply::Refused(Refusal::TooLarge("a frame has at most 1 MiB")),
    )]);
    let read = FromSm::decode(packet.encode()).unwrap();
    assert!(same_from_sm(&packet, &read));
}
