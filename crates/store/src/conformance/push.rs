//! Notifications: who is to get one, and what is remembered of it.

use anser_domain::{
    Actor, Clock, DeviceName, GroupRole, Handed, KeepChange, PushTarget, Refusal, Seq,
};

use super::{
    StoreRig,
    world::{World, at, to, user},
};
use crate::{NewPush, PushOwed, PushPage, PushSettled, StoreError, UserChange};

fn phone() -> DeviceName {
    DeviceName::new("phone").unwrap()
}

fn token(text: &str) -> NewPush {
    NewPush { target: PushTarget::Fcm { token: text.into() }, locale: "de".into() }
}

async fn registered(world: &World, name: &str) -> Actor {
    let actor = world.actor(name).await;
    world.store.register_push(actor.user, &phone(), token(name)).await.unwrap();
    actor
}

/// `name:unread` of everyone who is to be notified.
fn names(page: &PushPage) -> Vec<String> {
    page.devices.iter().map(|it| format!("{}:{}", it.name, it.unread)).collect()
}

pub async fn those_who_are_registered_and_have_not_read_are_found(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let alice = registered(&world, "alice").await;
    let bob = registered(&world, "bob").await;
    world.actor("carol").await;
    let sent = world.send(alice, &to("bob"), "1").await.unwrap();
    let conv = sent.sent.conv;
    let page = world.store.to_push(conv, None, None, 10).await.unwrap();
    assert_eq!(names(&page), ["bob:1"], "not the sender");
    assert_eq!(page.newest.as_ref().unwrap().content.body(), Some("1"));
    assert_eq!((&*page.sender_name, &*page.title), ("alice!", ""));
    let device = &page.devices[0];
    assert_eq!((&device.at, &*device.locale), (&to("alice"), "de"));
    assert_eq!(device.target, PushTarget::Fcm { token: "bob".into() });

    world.send(alice, &to("bob"), "2").await.unwrap();
    let group = world.found(alice, "geese", &["bob", "carol"]).await.unwrap().sent.conv;
    let page = world.store.to_push(group, None, None, 10).await.unwrap();
    assert!(page.newest.is_none() && page.devices.is_empty(), "an event is no message");
    world.send(alice, &at("geese"), "3").await.unwrap();
    let page = world.store.to_push(group, None, None, 10).await.unwrap();
    assert_eq!((names(&page), &*page.title), (vec!["bob:1".to_owned()], "geese!"));
    let badges = world.store.badges(vec![bob.user, alice.user]).await.unwrap();
    assert_eq!(badges, [3, 0], "over all conversations");

    world.store.read(bob.user, &to("alice"), Seq(1)).await.unwrap();
    assert_eq!(names(&world.store.to_push(conv, None, None, 10).await.unwrap()), ["bob:1"]);
    world.store.read(bob.user, &to("alice"), Seq(2)).await.unwrap();
    assert!(world.store.to_push(conv, None, None, 10).await.unwrap().devices.is_empty());
    assert_eq!(world.store.badges(vec![bob.user]).await.unwrap(), [1]);
}

pub async fn the_removed_and_the_disabled_are_not(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let alice = world.actor("alice").await;
    let bob = registered(&world, "bob").await;
    registered(&world, "carol").await;
    let conv = world.found(alice, "geese", &["bob", "carol"]).await.unwrap().sent.conv;
    world.send(alice, &at("geese"), "1").await.unwrap();
    world.expel(alice, "geese", &["carol"]).await.unwrap();
    assert_eq!(names(&world.store.to_push(conv, None, None, 10).await.unwrap()), ["bob:1"]);
    // Who comes in later is not told of what was said before.
    world.invite(alice, "geese", &["carol"], GroupRole::Member).await.unwrap();
    assert_eq!(names(&world.store.to_push(conv, None, None, 10).await.unwrap()), ["bob:1"]);
    world.store.change_user(bob.user, UserChange::Disabled(true)).await.unwrap();
    assert!(world.store.to_push(conv, None, None, 10).await.unwrap().devices.is_empty());
}

pub async fn who_cleared_it_or_blocks_its_sender_is_not(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let alice = world.actor("alice").await;
    let bob = registered(&world, "bob").await;
    let carol = registered(&world, "carol").await;
    let conv = world.found(alice, "geese", &["bob", "carol"]).await.unwrap().sent.conv;
    let say = async |world: &mut World, text: &str| {
        world.send(alice, &at("geese"), text).await.unwrap().sent.seq
    };
    let told =
        async |world: &World| names(&world.store.to_push(conv, None, None, 10).await.unwrap());
    let first = say(&mut world, "1").await;
    assert_eq!(told(&world).await, ["bob:1", "carol:1"]);
    world.store.delete_for(bob.user, &at("geese"), first).await.unwrap();
    assert_eq!(told(&world).await, ["carol:1"], "bob has deleted it");
    let second = say(&mut world, "2").await;
    assert_eq!(told(&world).await, ["bob:2", "carol:2"], "and not this one");
    world.store.clear_for(bob.user, &at("geese"), second).await.unwrap();
    assert_eq!(told(&world).await, ["carol:2"]);
    let one = world.store.to_push(conv, None, Some(bob.device), 10).await.unwrap();
    assert!(one.devices.is_empty());

    world.store.block(carol.user, &user("alice"), true).await.unwrap();
    assert!(told(&world).await.is_empty(), "carol wants to hear nothing from alice");
    world.store.block(carol.user, &user("alice"), false).await.unwrap();
    assert_eq!(told(&world).await, ["carol:2"]);
    let direct = world.send(alice, &to("carol"), "3").await.unwrap().sent.conv;
    world.store.block(carol.user, &user("alice"), true).await.unwrap();
    let page = world.store.to_push(direct, None, None, 10).await.unwrap();
    assert!(page.devices.is_empty(), "what was sent before the block is not told after it");
}

pub async fn who_muted_the_conversation_says_until_when(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let alice = world.actor("alice").await;
    let bob = registered(&world, "bob").await;
    let conv = world.send(alice, &to("bob"), "1").await.unwrap().sent.conv;
    let until = world.clock.wall().plus(60_000);
    let change = KeepChange { muted_until: Some(until), ..KeepChange::default() };
    world.store.keep(bob.user, &to("alice"), change).await.unwrap();
    let page = world.store.to_push(conv, None, None, 10).await.unwrap();
    assert_eq!(page.devices[0].muted_until, until);
}

pub async fn a_large_group_is_read_in_pages_that_end_between_users(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let alice = world.actor("alice").await;
    let all: Vec<String> = (0..70).map(|n| format!("u{n:02}")).collect();
    for name in &all {
        world.actor(name).await;
    }
    let members: Vec<&str> = all.iter().map(String::as_str).collect();
    let conv = world.found(alice, "geese", &members).await.unwrap().sent.conv;
    world.send(alice, &at("geese"), "1").await.unwrap();
    let mut expected = Vec::new();
    for name in ["u03", "u17", "u42"] {
        for device in ["phone", "tablet"] {
            let it = world.device(name, device).await;
            let device = DeviceName::new(device).unwrap();
            let push = token(&format!("{name}{device}"));
            world.store.register_push(it.user, &device, push).await.unwrap();
            expected.push(it.device);
        }
    }
    expected.sort_unstable();
    for limit in 1..8 {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = world.store.to_push(conv, after, None, limit).await.unwrap();
            assert!(page.devices.len() <= usize::from(limit) + 1);
            found.extend(page.devices.iter().map(|it| it.device));
            let Some(more) = page.more else { break };
            after = Some(more);
        }
        found.sort_unstable();
        assert_eq!(found, expected, "{limit} at a time");
    }
    let one = world.store.to_push(conv, None, Some(expected[2]), 10).await.unwrap();
    assert_eq!(one.devices.iter().map(|it| it.device).collect::<Vec<_>>(), [expected[2]]);
}

pub async fn a_registration_ends_with_its_session_and_moves_with_its_token(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let alice = world.actor("alice").await;
    let bob = registered(&world, "bob").await;
    let conv = world.send(alice, &to("bob"), "1").await.unwrap().sent.conv;
    let record = world.store.push_record(bob.user, &phone()).await.unwrap().unwrap();
    assert_eq!((&*record.provider, &*record.locale, record.last), ("fcm", "de", None));

    world.store.end_device(bob.user, &phone()).await.unwrap();
    assert!(world.store.to_push(conv, None, None, 10).await.unwrap().devices.is_empty());
    let gone = world.store.push_record(bob.user, &phone()).await.unwrap_err();
    assert!(matches!(gone, StoreError::Refused(Refusal::NoSuchUser)));
    let gone = world.store.register_push(bob.user, &phone(), token("x")).await.unwrap_err();
    assert!(matches!(gone, StoreError::Refused(Refusal::NoSuchUser)));

    // The next session begins without one.
    world.device("bob", "phone").await;
    assert_eq!(world.store.push_record(bob.user, &phone()).await.unwrap(), None);
    world.store.register_push(bob.user, &phone(), token("bob")).await.unwrap();
    assert_eq!(names(&world.store.to_push(conv, None, None, 10).await.unwrap()), ["bob:1"]);

    // Someone else signs in on the same phone: what is for bob must not reach them.
    world.store.register_push(alice.user, &phone(), token("bob")).await.unwrap();
    assert_eq!(world.store.push_record(bob.user, &phone()).await.unwrap(), None);
    assert!(world.store.push_record(alice.user, &phone()).await.unwrap().is_some());
    world.store.forget_push(alice.user, &phone()).await.unwrap();
    assert_eq!(world.store.push_record(alice.user, &phone()).await.unwrap(), None);
}

pub async fn outcomes_are_recorded_and_failures_owed(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let alice = world.actor("alice").await;
    let bob = registered(&world, "bob").await;
    let conv = world.send(alice, &to("bob"), "1").await.unwrap().sent.conv;
    let now = world.clock.wall();
    let owed = PushOwed {
        device: bob.device,
        conv,
        due: now.plus(1000),
        attempts: 1,
        until: now.plus(60_000),
    };
    let later = Handed::Later { after: None, reason: "status 503".into() };
    let settled = |handed, again| PushSettled { device: bob.device, conv, handed, again };
    world.store.settle_pushes(vec![settled(Some(later), Some(owed))]).await.unwrap();
    let record = world.store.push_record(bob.user, &phone()).await.unwrap().unwrap();
    let last = record.last.unwrap();
    assert_eq!((record.taken, record.failed, last.taken), (0, 1, false));
    assert_eq!((&*last.reason, last.at), ("status 503", now));

    let world = world.reopen(rig).await;
    assert_eq!(world.store.owed_pushes(now, 10).await.unwrap(), []);
    assert_eq!(world.store.owed_pushes(owed.due, 10).await.unwrap(), [owed]);
    world.store.settle_pushes(vec![settled(Some(Handed::Taken), None)]).await.unwrap();
    assert_eq!(world.store.owed_pushes(owed.due, 10).await.unwrap(), []);
    let record = world.store.push_record(bob.user, &phone()).await.unwrap().unwrap();
    assert_eq!((record.taken, record.failed), (1, 1));
    assert!(record.last.unwrap().taken);

    // What is of no use any more is forgotten, as is what is owed to nobody.
    world.store.settle_pushes(vec![settled(Some(Handed::Taken), Some(owed))]).await.unwrap();
    assert_eq!(world.store.owed_pushes(owed.until, 10).await.unwrap(), []);
    assert_eq!(world.store.owed_pushes(owed.due, 10).await.unwrap(), []);
    world.store.settle_pushes(vec![settled(None, None)]).await.unwrap();

    let gone = Handed::Gone { reason: "unregistered".into() };
    world.store.settle_pushes(vec![settled(Some(gone), None)]).await.unwrap();
    assert_eq!(world.store.push_record(bob.user, &phone()).await.unwrap(), None);
}
