//! Messages into the log: exactly once, in one order, all or nothing.

use std::{collections::BTreeSet, time::Duration};

use anser_domain::{Actor, ClientId, Content, Outgoing, Payload, Protocol, Refusal, Seq};
use bytes::Bytes;

use super::{
    StoreRig,
    world::{World, at, text, to, user},
};
use crate::{Entry, Ruling, UserChange, Words};

pub async fn a_retry_gets_the_first_answer(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    let id = world.client_id();
    let first = world.put(alice, text(&to("bob"), id, "hi")).await.unwrap();
    world.send(bob, &to("alice"), "hello").await.unwrap();
    world.clock.advance(Duration::from_secs(60));
    for round in 0..2 {
        let again = world.put(alice, text(&to("bob"), id, "hi")).await.unwrap();
        assert!(again.sent.duplicate);
        assert_eq!(
            (again.sent.conv, again.sent.seq, again.sent.id, again.sent.ts),
            (first.sent.conv, first.sent.seq, first.sent.id, first.sent.ts)
        );
        assert_eq!(again.message, first.message);
        if round == 0 {
            world = world.reopen(rig).await;
        }
    }
    assert_eq!(world.log(bob, &to("alice")).await, ["hi", "hello"]);
}

pub async fn a_retry_in_the_same_batch_is_seen(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let alice = world.actor("alice").await;
    world.actor("bob").await;
    let id = world.client_id();
    let batch = (0..3).map(|_| world.wish(alice, text(&to("bob"), id, "hi"))).collect();
    let results = world.append(batch).await;
    let duplicate: Vec<bool> =
        results.iter().map(|result| result.as_ref().unwrap().sent.duplicate).collect();
    assert_eq!(duplicate, [false, true, true]);
    assert_eq!(world.log(alice, &to("bob")).await, ["hi"]);
}

pub async fn another_body_under_the_same_id_is_a_conflict(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let alice = world.actor("alice").await;
    world.actor("bob").await;
    let id = world.client_id();
    world.put(alice, text(&to("bob"), id, "hi")).await.unwrap();
    let other = world.put(alice, text(&to("bob"), id, "ho")).await;
    assert_eq!(other.unwrap_err(), Refusal::Conflict);
    let reply = Entry::Message(Box::new(Outgoing {
        to: to("bob"),
        client_id: id,
        content: Content::Text("hi".into()),
        reply_to: Some(Seq(1)),
        mentions: Vec::new(),
        payload: None,
        mentions_all: false,
        forward: None,
    }));
    assert_eq!(world.put(alice, reply).await.unwrap_err(), Refusal::Conflict);
    assert_eq!(world.log(alice, &to("bob")).await, ["hi"]);
}

pub async fn a_retry_is_known_by_what_was_sent_where_something_else_stands(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    let sent = |body: &str| Words::of(&Content::Text(body.into()), None);
    let reworded = |world: &World, id, was: &str, now: &str| {
        let mut wish = world.wish(alice, text(&to("bob"), id, now));
        wish.ruling = Some(Box::new(Ruling::Reworded(sent(was))));
        wish
    };
    // The first message of a conversation, and one that follows.
    for _ in 0..2 {
        let id = world.client_id();
        let wish = reworded(&world, id, "damn", "d***");
        let first = world.append(vec![wish]).await.remove(0).unwrap().sent;
        world = world.reopen(rig).await;
        let retries = [
            world.wish(alice, text(&to("bob"), id, "damn")),
            reworded(&world, id, "damn", "d***"),
            reworded(&world, id, "damn", "dear"),
            {
                let mut wish = world.wish(alice, text(&to("bob"), id, "damn"));
                wish.ruling = Some(Box::new(Ruling::Barred(Refusal::Unavailable)));
                wish
            },
        ];
        for again in world.append(retries.into()).await {
            let again = again.unwrap().sent;
            assert!(again.duplicate && (again.id, again.seq) == (first.id, first.seq));
        }
        let others = [
            world.wish(alice, text(&to("bob"), id, "d***")),
            world.wish(alice, text(&to("bob"), id, "dear")),
            reworded(&world, id, "dear", "d***"),
        ];
        for other in world.append(others.into()).await {
            assert_eq!(other.unwrap_err(), Refusal::Conflict);
        }
    }
    // What was stored as it was sent is known too when it would be changed now.
    let id = world.client_id();
    world.put(alice, text(&to("bob"), id, "damn")).await.unwrap();
    let wish = reworded(&world, id, "damn", "d***");
    assert!(world.append(vec![wish]).await.remove(0).unwrap().sent.duplicate);
    let wish = reworded(&world, id, "dear", "damn");
    assert_eq!(world.append(vec![wish]).await.remove(0).unwrap_err(), Refusal::Conflict);
    assert_eq!(world.log(bob, &to("alice")).await, ["d***", "d***", "damn"]);
}

pub async fn another_device_may_use_the_same_id(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let phone = world.actor("alice").await;
    let tablet = world.device("alice", "tablet").await;
    world.actor("bob").await;
    world.actor("carol").await;
    let id = world.client_id();
    assert_eq!(world.put(phone, text(&to("bob"), id, "1")).await.unwrap().sent.seq, Seq(1));
    assert_eq!(world.put(tablet, text(&to("bob"), id, "2")).await.unwrap().sent.seq, Seq(2));
    let elsewhere = world.put(phone, text(&to("carol"), id, "3")).await.unwrap();
    assert!(!elsewhere.sent.duplicate, "the key holds in one conversation");
}

pub async fn ids_outside_the_window_are_refused(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let alice = world.actor("alice").await;
    world.actor("bob").await;
    let day = 24 * 3_600_000;
    for (offset, fine) in [(-8 * day, false), (-6 * day, true), (60_000, true), (day, false)] {
        let id = world.client_id_at(offset);
        let result = world.put(alice, text(&to("bob"), id, "hi")).await;
        assert_eq!(result.err(), (!fine).then_some(Refusal::StaleClientId), "{offset}");
    }
    let timeless = ClientId::from_text("order-17");
    world.put(alice, text(&to("bob"), timeless, "hi")).await.unwrap();
}

pub async fn the_first_message_makes_the_conversation(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    assert_eq!(world.log(alice, &to("bob")).await, [Refusal::NotMember.to_string()]);
    let first = world.send(alice, &to("bob"), "hi").await.unwrap();
    assert_eq!(first.sent.seq, Seq(1));
    let answer = world.send(bob, &to("alice"), "ho").await.unwrap();
    assert_eq!((answer.sent.conv, answer.sent.seq), (first.sent.conv, Seq(2)));
    let acl = world.store.acl(alice.user, &to("bob")).await.unwrap();
    assert_eq!(acl.members.len(), 2);
    assert_eq!(acl.address_for(alice.user), Some(to("bob")));
    assert_eq!(acl.address_for(bob.user), Some(to("alice")));
    assert_eq!(acl.version, answer.acl.version);
}

pub async fn a_user_may_write_to_themself(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let alice = world.actor("alice").await;
    let note = world.send(alice, &to("alice"), "milk").await.unwrap();
    assert_eq!(note.acl.members.len(), 1);
    assert_eq!(note.acl.address_for(alice.user), Some(to("alice")));
    world.send(alice, &to("alice"), "eggs").await.unwrap();
    assert_eq!(world.log(alice, &to("alice")).await, ["milk", "eggs"]);
}

pub async fn unknown_and_disabled_users_cannot_be_written_to(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    let carol = world.actor("carol").await;
    assert_eq!(world.send(alice, &to("dora"), "hi").await.unwrap_err(), Refusal::NoSuchUser);
    let id = world.client_id();
    world.put(alice, text(&to("bob"), id, "hi")).await.unwrap();
    for gone in [bob, carol] {
        world.store.change_user(gone.user, UserChange::Disabled(true)).await.unwrap();
    }
    for name in ["bob", "carol"] {
        let refused = world.send(alice, &to(name), "still there?").await;
        assert_eq!(refused.unwrap_err(), Refusal::NoSuchUser, "{name}");
    }
    let retry = world.put(alice, text(&to("bob"), id, "hi")).await.unwrap();
    assert!(retry.sent.duplicate, "what was stored before is answered as before");
    world.store.change_user(bob.user, UserChange::Disabled(false)).await.unwrap();
    assert_eq!(world.send(alice, &to("bob"), "back?").await.unwrap().sent.seq, Seq(2));
}

pub async fn groups_of_others_cannot_be_written_to(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    world.found(alice, "geese", &[]).await.unwrap();
    assert_eq!(world.send(bob, &at("geese"), "hi").await.unwrap_err(), Refusal::NotMember);
    assert_eq!(world.send(bob, &at("ducks"), "hi").await.unwrap_err(), Refusal::NotMember);
    assert_eq!(world.log(alice, &at("geese")).await, ["*"]);
}

pub async fn a_refused_entry_leaves_no_trace(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    world.actor("carol").await;
    world.send(alice, &to("bob"), "1").await.unwrap();
    world.gate.rule(|_, _, append| match &append.entry {
        Entry::Message(out) if out.content.body() == Some("bad") => Err(Refusal::Forbidden),
        _ => Ok(()),
    });
    let id = world.client_id();
    let batch = [("bob", "2"), ("bob", "bad"), ("carol", "bad"), ("bob", "3")]
        .map(|(name, body)| {
            let id = if body == "bad" { id } else { world.client_id() };
            world.wish(alice, text(&to(name), id, body))
        })
        .to_vec();
    let results = world.append(batch).await;
    let seqs: Vec<_> = results.into_iter().map(|it| it.map(|it| it.sent.seq.0)).collect();
    assert_eq!(seqs, [Ok(2), Err(Refusal::Forbidden), Err(Refusal::Forbidden), Ok(3)]);
    assert_eq!(world.log(bob, &to("alice")).await, ["1", "2", "3"]);
    assert_eq!(world.log(alice, &to("carol")).await, [Refusal::NotMember.to_string()]);
    // The id is free: no key was left behind.
    let later = world.put(alice, text(&to("bob"), id, "good")).await.unwrap();
    assert!(!later.sent.duplicate);
    assert_eq!(later.sent.seq, Seq(4));
    let first = world.put(alice, text(&to("carol"), id, "good")).await.unwrap();
    assert_eq!((first.sent.seq, first.sent.duplicate), (Seq(1), false));
}

pub async fn the_gate_sees_the_head_and_its_members(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    let (seen, mut sees) = tokio::sync::mpsc::unbounded_channel();
    world.gate.rule(move |acl, head, append| {
        let _ = seen.send((acl.conv, acl.members.len(), head, append.actor.user));
        Ok(())
    });
    let conv = world.send(alice, &to("bob"), "1").await.unwrap().sent.conv;
    let id = world.client_id();
    for _ in 0..2 {
        world.put(bob, text(&to("alice"), id, "2")).await.unwrap();
    }
    assert_eq!(sees.recv().await, Some((conv, 2, Seq(0), alice.user)));
    assert_eq!(sees.recv().await, Some((conv, 2, Seq(1), bob.user)));
    assert!(sees.try_recv().is_err(), "a retry does not ask the gate");
}

pub async fn seqs_have_no_gap_under_concurrent_batches(rig: &dyn StoreRig) {
    const SENDERS: usize = 4;
    const EACH: usize = 50;
    let mut world = World::new(rig).await;
    let mut actors: Vec<Actor> = Vec::new();
    for sender in 0..SENDERS {
        actors.push(world.actor(&format!("user{sender}")).await);
    }
    let names: Vec<String> = (0..SENDERS).map(|sender| format!("user{sender}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    world.found(actors[0], "geese", &names).await.unwrap();
    let mut tasks = Vec::new();
    for actor in &actors {
        let batches: Vec<Vec<_>> = (0..EACH)
            .map(|number| {
                let one =
                    |to| world.wish(*actor, text(&to, world.client_id(), &number.to_string()));
                vec![one(at("geese")), one(to("user0"))]
            })
            .collect();
        let store = std::sync::Arc::clone(&world.store);
        tasks.push(tokio::spawn(async move {
            for batch in batches {
                store.append(batch);
                tokio::task::yield_now().await;
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let mut left = SENDERS * EACH * 2;
    let mut group = Vec::new();
    while left > 0 {
        for outcome in world.outcomes().await {
            left -= 1;
            let appended = outcome.result.unwrap();
            if outcome.at == at("geese") {
                let body = appended.message.content.body().unwrap().to_owned();
                group.push((appended.sent.seq.0, outcome.actor.user, body));
            }
        }
    }
    let want: Vec<u64> = (2..).take(SENDERS * EACH).collect();
    let got: Vec<u64> = group.iter().map(|entry| entry.0).collect();
    assert_eq!(got, want, "answers come in the order of the log, without a gap");
    for actor in &actors {
        let own: Vec<&str> =
            group.iter().filter(|it| it.1 == actor.user).map(|it| it.2.as_str()).collect();
        let want: Vec<String> = (0..EACH).map(|number| number.to_string()).collect();
        assert_eq!(own, want, "each sender's own order is kept");
    }
    assert_eq!(world.log(actors[1], &at("geese")).await.len(), SENDERS * EACH + 1);
}

pub async fn ids_ascend_in_commit_order(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let alice = world.actor("alice").await;
    world.actor("bob").await;
    let mut last = 0;
    for round in 0..3 {
        for name in ["bob", "alice", "bob"] {
            let sent = world.send(alice, &to(name), "x").await.unwrap().sent;
            assert!(sent.id.0 > last);
            last = sent.id.0;
            assert_eq!(world.store.watermark().await.unwrap().0, last);
        }
        if round == 1 {
            world.clock.advance(Duration::from_secs(1));
        }
        world = world.reopen(rig).await;
    }
}

pub async fn everything_is_there_after_reopening(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    world.found(alice, "geese", &["bob"]).await.unwrap();
    for number in 0..20 {
        world.send(alice, &at("geese"), &number.to_string()).await.unwrap();
        world.send(bob, &to("alice"), &number.to_string()).await.unwrap();
    }
    let before = (world.log(bob, &at("geese")).await, world.log(alice, &to("bob")).await);
    world = world.reopen(rig).await;
    assert_eq!(before, (world.log(bob, &at("geese")).await, world.log(alice, &to("bob")).await));
    assert_eq!(world.send(bob, &at("geese"), "next").await.unwrap().sent.seq, Seq(22));
    assert_eq!(world.send(bob, &to("alice"), "next").await.unwrap().sent.seq, Seq(21));
}

pub async fn content_comes_back_as_it_was_sent(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    world.send(alice, &to("bob"), "first").await.unwrap();
    let contents = [
        Content::Text("鸿雁\u{0}\n'\"".into()),
        Content::Image(r#"{"url":"x"}"#.into()),
        Content::File("{}".into()),
        Content::Custom("[1, 2]".into()),
        Content::Text("".into()),
    ];
    for content in contents {
        let bytes = Bytes::from_static(&[0, 255, 7]);
        let out = Outgoing {
            to: to("bob"),
            client_id: world.client_id(),
            content,
            reply_to: Some(Seq(1)),
            mentions: vec![user("bob"), user("alice")],
            payload: Some(Payload { protocol: Protocol::Xmpp, bytes }),
            mentions_all: false,
            forward: None,
        };
        let sent = world.put(alice, Entry::Message(Box::new(out))).await.unwrap();
        let page = world.pull(bob, sent.sent.conv, Some(sent.sent.seq.0 - 1), 1).await.unwrap();
        assert_eq!(page.messages, [sent.message]);
    }
    let mut out = match text(&to("bob"), world.client_id(), "x") {
        Entry::Message(out) => out,
        _ => unreachable!(),
    };
    out.reply_to = Some(Seq(7));
    let ahead = world.put(alice, Entry::Message(out)).await;
    assert!(matches!(ahead, Err(Refusal::Invalid(_))), "an answer to what is not yet said");
}

pub async fn too_much_waiting_is_refused_at_once(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let alice = world.actor("alice").await;
    // More than any bound: what does not fit comes back on this thread.
    let many = 200_000;
    let batch =
        (0..many).map(|_| world.wish(alice, text(&to("alice"), world.client_id(), "x"))).collect();
    world.store.append(batch);
    let (mut busy, mut stored) = (0, BTreeSet::new());
    while busy + stored.len() < many {
        for outcome in world.outcomes().await {
            match outcome.result {
                Ok(appended) => assert!(stored.insert(appended.sent.seq.0)),
                Err(Refusal::Busy(_)) => busy += 1,
                Err(other) => panic!("{other}"),
            }
        }
    }
    assert!(busy > 0);
    assert_eq!(stored.last().copied(), Some(stored.len() as u64));
}

pub async fn a_closed_store_refuses(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let alice = world.actor("alice").await;
    let batch = (0..500)
        .map(|_| world.wish(alice, text(&to("alice"), world.client_id(), "x")))
        .collect::<Vec<_>>();
    world.store.append(batch);
    world.store.close().await;
    let mut stored = 0;
    while stored < 500 {
        stored += world.outcomes().await.iter().filter(|it| it.result.is_ok()).count();
    }
    let late = world.send(alice, &to("alice"), "late").await;
    assert!(late.unwrap_err().is_retriable());
    assert!(world.store.user(&user("alice")).await.is_err());
    let world = world.reopen(rig).await;
    assert_eq!(world.log(alice, &to("alice")).await.len(), 500);
}
