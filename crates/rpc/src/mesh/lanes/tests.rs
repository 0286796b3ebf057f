//! A device's order through the lanes, whoever owns what it asks.

use anser_domain::{
    Actor, ClientId, Content, DeviceId, Epoch, Outgoing, PeerId, Refusal, ReplyTo, UserId, Via,
};

use super::*;

fn ask(link: u64, tag: u64, command: Command) -> Ask {
    let from = ReplyTo { peer: PeerId(1), link: LinkId(link), tag: Tag(tag), via: Via::default() };
    let actor = Actor { user: UserId(link), device: DeviceId(link), epoch: Epoch(1) };
    Ask { from, caller: Caller::Link(actor), command }
}

fn send(link: u64, tag: u64, to: &str) -> Ask {
    let out = Outgoing {
        to: to.parse().unwrap(),
        client_id: ClientId([tag as u8; 16]),
        content: Content::Text("x".into()),
        reply_to: None,
        mentions: Vec::new(),
        payload: None,
        mentions_all: false,
        forward: None,
    };
    ask(link, tag, Command::Send(Box::new(out)))
}

fn tags(step: &Step) -> Vec<(&str, Vec<u64>)> {
    let tags = |asks: &Vec<Arc<Ask>>| asks.iter().map(|ask| ask.from.tag.0).collect();
    step.asks.iter().map(|(way, asks)| (&*way.sm, tags(asks))).collect()
}

const DONE: Reply = Reply::Done;

#[test]
fn a_lane_has_one_owner_and_lanes_are_spread() {
    let mut lanes = Lanes::default();
    lanes.came("a:1");
    lanes.came("b:1");
    let asks = (0..200).map(|n| send(1, n, &format!("g:{}", n % 100))).collect();
    let batches = lanes.ask(asks).asks;
    assert_eq!(batches.len(), 2, "both have work");
    for (way, asks) in &batches {
        assert!(asks.len() > 50, "{}: {}", way.sm, asks.len());
        for ask in asks {
            let twin = (ask.from.tag.0 + 100) % 200;
            assert!(asks.iter().any(|it| it.from.tag.0 == twin), "a group is with one");
        }
    }
}

#[test]
fn what_a_lost_sm_left_is_asked_again_in_order_and_what_was_held_comes_after() {
    let mut lanes = Lanes::default();
    let (a, _) = lanes.came("a:1");
    lanes.ask(vec![send(1, 1, "g:x"), send(1, 2, "g:x")]);
    // Whoever owns the lane now, the next waits until `a` has answered.
    let (b, _) = lanes.came("b:1");
    lanes.reshuffle(
        (0..)
            .find(|salt| {
                let mut probe = Lanes { salt: *salt, ..Lanes::default() };
                probe.came("a:1");
                probe.came("b:1");
                tags(&probe.ask(vec![send(1, 9, "g:x")]))[0].0 == "b:1"
            })
            .unwrap(),
    );
    assert!(lanes.ask(vec![send(1, 3, "g:x")]).asks.is_empty(), "held");
    let next = lanes.answered(&a, LinkId(1), Tag(1), &DONE).unwrap();
    assert!(next.asks.is_empty(), "one is still open");
    let lost = lanes.went(&a);
    assert_eq!(tags(&lost), [("b:1", vec![2, 3])]);
    assert!(lanes.answered(&a, LinkId(1), Tag(2), &DONE).is_none(), "from the dead");
    assert!(lanes.answered(&b, LinkId(1), Tag(2), &DONE).is_some());
    assert!(lanes.answered(&b, LinkId(1), Tag(2), &DONE).is_none(), "once");
    assert!(lanes.answered(&b, LinkId(1), Tag(3), &DONE).is_some());
    assert_eq!((lanes.open(), lanes.lanes.len()), (0, 0), "nothing is left behind");
}

/// Lanes with two SMs, and which of them owns `g:x`.
fn two() -> (Lanes, Way, Way) {
    let mut lanes = Lanes::default();
    let (a, _) = lanes.came("a:1");
    let (b, _) = lanes.came("b:1");
    let owner = tags(&lanes.ask(vec![send(9, 1, "g:x")]))[0].0.to_owned();
    let (owner, other) = if owner == "a:1" { (a, b) } else { (b, a) };
    assert!(lanes.answered(&owner, LinkId(9), Tag(1), &DONE).is_some());
    (lanes, owner, other)
}

const BUSY: Reply = Reply::Refused(Refusal::Unavailable);

#[test]
fn what_was_refused_for_now_is_not_overtaken_at_the_next_owner() {
    let (mut lanes, owner, other) = two();
    lanes.ask(vec![send(1, 1, "g:x"), send(1, 2, "g:x")]);
    assert!(lanes.answered(&owner, LinkId(1), Tag(1), &BUSY).is_some());
    let lost = lanes.went(&owner);
    assert!(lost.asks.is_empty());
    assert_eq!(lost.refused, [(LinkId(1), Tag(2), Refusal::OutOfOrder)]);
    // Sent before the device has heard of it.
    let late = lanes.ask(vec![send(1, 3, "g:x")]);
    assert_eq!(late.refused, [(LinkId(1), Tag(3), Refusal::OutOfOrder)]);
    let again = lanes.ask(vec![send(1, 1, "g:x"), send(1, 2, "g:x"), send(1, 3, "g:x")]);
    assert_eq!(tags(&again), [(&*other.sm, vec![1, 2, 3])]);
}

#[test]
fn the_sm_that_refused_for_now_keeps_the_order_until_it_is_settled_or_gone() {
    let (mut lanes, owner, other) = two();
    lanes.ask(vec![send(1, 1, "g:x")]);
    lanes.answered(&owner, LinkId(1), Tag(1), &BUSY);
    let moved = |salt: &u64| {
        let mut probe = Lanes { salt: *salt, ..Lanes::default() };
        probe.came("a:1");
        probe.came("b:1");
        tags(&probe.ask(vec![send(1, 9, "g:x")]))[0].0 == &*other.sm
    };
    lanes.reshuffle((0..).find(moved).unwrap());
    assert_eq!(tags(&lanes.ask(vec![send(1, 1, "g:x")])), [(&*owner.sm, vec![1])]);
    lanes.answered(&owner, LinkId(1), Tag(1), &DONE);
    assert_eq!(tags(&lanes.ask(vec![send(1, 2, "g:x")])), [(&*other.sm, vec![2])]);
}

#[test]
fn nobody_asks_again_for_a_link_that_is_gone() {
    let (mut lanes, owner, other) = two();
    lanes.ask(vec![send(1, 1, "g:x"), send(2, 1, "g:x"), ask(1, 2, Command::Unlink)]);
    assert_eq!(tags(&lanes.went(&owner)), [(&*other.sm, vec![1])], "the other link's");
    for link in 100..100 + 3 * MIN_GONE as u64 {
        lanes.ask(vec![ask(link, 1, Command::Unlink)]);
    }
    assert!(lanes.gone.len() <= MIN_GONE + 1, "they are not remembered without end");
}

#[test]
fn without_an_sm_writes_wait_and_the_rest_is_given_up() {
    let mut lanes = Lanes::default();
    assert!(lanes.ask(vec![send(1, 1, "g:x"), ask(1, 2, Command::Me)]).asks.is_empty());
    assert_eq!(lanes.give_up(), [], "it has only just begun to wait");
    lanes.ask(vec![ask(1, 3, Command::Me)]);
    assert_eq!(lanes.give_up(), [(LinkId(1), Tag(2), Refusal::Unavailable)]);
    assert_eq!(lanes.give_up(), [(LinkId(1), Tag(3), Refusal::Unavailable)]);
    let (_, batches) = lanes.came("a:1");
    assert_eq!(tags(&batches), [("a:1", vec![1])]);
}

#[test]
fn a_login_is_not_asked_twice() {
    use anser_domain::{Credential, Login, Secret};
    let mut lanes = Lanes::default();
    let (a, _) = lanes.came("a:1");
    lanes.came("b:1");
    let credential = Credential::Token(Secret::new("t"));
    let login = Login { credential, since: None };
    let mut asks: Vec<Ask> =
        (0..20).map(|n| ask(n, 1, Command::Login(Box::new(login.clone())))).collect();
    asks.extend((0..20).map(|n| ask(n, 2, Command::Me)));
    lanes.ask(asks);
    let lost = lanes.went(&a);
    assert!(!lost.refused.is_empty() && lost.refused.iter().all(|(_, tag, _)| *tag == Tag(1)));
    assert_eq!(tags(&lost)[0].1.len(), lost.refused.len());
    let refused = Reply::Refused(Refusal::Draining);
    let (link, tag, _) = lost.refused[0];
    assert!(lanes.answered(&a, link, tag, &refused).is_none());
}
