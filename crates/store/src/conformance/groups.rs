//! Groups: the entry and its effect on the membership are one.

use anser_domain::{
    Act, Clock as _, Content, GroupChange, GroupRole, LogEvent, MemberChange, ProfilePatch,
    Refusal, Seq,
};

use super::{
    StoreRig,
    world::{World, at, bodies, group, seqs, to, user},
};
use crate::{Appended, Entry, UserChange};

fn event(appended: &Appended) -> LogEvent {
    match &appended.message.content {
        Content::Event(event) => event.clone(),
        other => panic!("{other:?} is no event"),
    }
}

pub async fn a_group_begins_with_everyone_named(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    let made = world.found(alice, "geese", &["bob", "bob", "alice"]).await.unwrap();
    let listed = vec![(user("alice"), GroupRole::Owner), (user("bob"), GroupRole::Member)];
    assert_eq!(event(&made), LogEvent::Created { members: listed });
    assert_eq!((made.sent.seq, made.message.ord.0, made.acl.members.len()), (Seq(1), 0, 2));
    let seen = world.store.group(bob.user, &group("geese"), world.clock.wall()).await.unwrap();
    assert_eq!((&*seen.title, seen.members, seen.role), ("geese!", 2, Some(GroupRole::Member)));
    assert_eq!(world.send(bob, &at("geese"), "hi").await.unwrap().sent.seq, Seq(2));
    assert_eq!(world.log(alice, &at("geese")).await, ["*", "hi"]);
}

pub async fn a_group_name_is_never_used_twice(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    world.found(alice, "geese", &[]).await.unwrap();
    for actor in [alice, bob] {
        let again = world.found(actor, "geese", &[]).await;
        assert_eq!(again.unwrap_err(), Refusal::NameTaken);
    }
    // Users and groups do not share names.
    world.found(alice, "bob", &[]).await.unwrap();
}

pub async fn a_retry_makes_no_second_group(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let alice = world.actor("alice").await;
    world.actor("bob").await;
    let wish = world.new_group("geese", &["bob"]);
    let first = world.put(alice, wish.clone()).await.unwrap();
    let again = world.put(alice, wish.clone()).await.unwrap();
    assert!(again.sent.duplicate && again.removed.is_empty());
    assert_eq!((again.sent.id, again.sent.seq), (first.sent.id, Seq(1)));
    let Entry::NewGroup(mut other) = wish else { unreachable!() };
    other.title = "ducks".into();
    let conflict = world.put(alice, Entry::NewGroup(other)).await;
    assert_eq!(conflict.unwrap_err(), Refusal::Conflict);
    assert_eq!(world.log(alice, &at("geese")).await.len(), 1);
}

pub async fn a_retry_of_a_beginning_is_known_whatever_the_group_is_called_now(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let alice = world.actor("alice").await;
    let wish = world.new_group("geese", &[]);
    let first = world.put(alice, wish.clone()).await.unwrap();
    let patch = ProfilePatch { title: Some("Wild".into()), ..ProfilePatch::default() };
    world.govern(alice, "geese", GroupChange::Profile(patch)).await.unwrap();
    let mut world = world.reopen(rig).await;
    let again = world.put(alice, wish.clone()).await.unwrap();
    assert!(again.sent.duplicate);
    assert_eq!((again.sent.id, again.sent.seq), (first.sent.id, Seq(1)));
    let Entry::NewGroup(mut other) = wish else { unreachable!() };
    other.title = "Wild".into();
    let other = world.put(alice, Entry::NewGroup(other)).await;
    assert_eq!(other.unwrap_err(), Refusal::Conflict, "it did not begin as that");
}

pub async fn a_group_with_an_unknown_member_is_not_made(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    let refused = world.found(alice, "geese", &["bob", "dora"]).await;
    assert_eq!(refused.unwrap_err(), Refusal::NoSuchUser);
    world.store.change_user(bob.user, UserChange::Disabled(true)).await.unwrap();
    let refused = world.found(alice, "geese", &["bob"]).await;
    assert_eq!(refused.unwrap_err(), Refusal::NoSuchUser);
    world.found(alice, "geese", &[]).await.unwrap();
}

pub async fn members_come_and_go(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    let made = world.found(alice, "geese", &[]).await.unwrap();
    let came = world.invite(alice, "geese", &["bob"], GroupRole::Member).await.unwrap();
    assert_eq!(event(&came), LogEvent::Joined { members: vec![(user("bob"), GroupRole::Member)] });
    assert!(came.acl.version > made.acl.version);
    assert!(came.acl.members.contains_key(&bob.user), "the members of the version it made");
    world.send(bob, &at("geese"), "hi").await.unwrap();
    let up = world.invite(alice, "geese", &["bob"], GroupRole::Admin).await.unwrap();
    assert_eq!(up.acl.members[&bob.user].role, GroupRole::Admin);
    let gone = world.expel(alice, "geese", &["bob"]).await.unwrap();
    assert_eq!(event(&gone), LogEvent::Removed { members: vec![user("bob")] });
    assert_eq!(gone.removed.iter().map(|it| it.user).collect::<Vec<_>>(), [bob.user]);
    assert!(!gone.acl.members.contains_key(&bob.user));
    assert_eq!(world.send(bob, &at("geese"), "hey").await.unwrap_err(), Refusal::NotMember);
    assert_eq!(world.send(alice, &at("geese"), "calm").await.unwrap().message.ord.0, 2);
    world = world.reopen(rig).await;
    let acl = world.store.acl(alice.user, &at("geese")).await.unwrap();
    assert_eq!((acl.members.len(), acl.version), (1, gone.acl.version));
    assert!(world.store.acl(bob.user, &at("geese")).await.is_err());
}

pub async fn a_change_is_all_or_nothing(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let alice = world.actor("alice").await;
    world.actor("bob").await;
    world.actor("carol").await;
    world.found(alice, "geese", &["carol"]).await.unwrap();
    let put = world.invite(alice, "geese", &["bob", "dora"], GroupRole::Member).await;
    assert_eq!(put.unwrap_err(), Refusal::NoSuchUser);
    let removed = world.expel(alice, "geese", &["carol", "bob"]).await;
    assert!(matches!(removed, Err(Refusal::Invalid(_))));
    let nobody = world.expel(alice, "geese", &[]).await;
    assert!(matches!(nobody, Err(Refusal::Invalid(_))));
    let acl = world.store.acl(alice.user, &at("geese")).await.unwrap();
    assert_eq!((acl.members.len(), acl.version), (2, 1));
    assert_eq!(world.send(alice, &at("geese"), "next").await.unwrap().sent.seq, Seq(2));
}

pub async fn the_owner_hands_over_and_cannot_be_removed(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    world.actor("carol").await;
    world.found(alice, "geese", &["bob", "carol"]).await.unwrap();
    let leaves = world.expel(alice, "geese", &["alice"]).await;
    assert!(matches!(leaves, Err(Refusal::Invalid(_))));
    let lowered = world.invite(alice, "geese", &["alice"], GroupRole::Member).await;
    assert!(matches!(lowered, Err(Refusal::Invalid(_))));
    let two = world.invite(alice, "geese", &["bob", "carol"], GroupRole::Owner).await;
    assert!(matches!(two, Err(Refusal::Invalid(_))));
    let over = world.invite(alice, "geese", &["bob"], GroupRole::Owner).await.unwrap();
    let members = vec![(user("bob"), GroupRole::Owner), (user("alice"), GroupRole::Admin)];
    assert_eq!(event(&over), LogEvent::Joined { members });
    assert_eq!(over.acl.members[&bob.user].role, GroupRole::Owner);
    assert_eq!(over.acl.members[&alice.user].role, GroupRole::Admin);
    world.expel(alice, "geese", &["alice"]).await.unwrap();
    let seen = world.store.group(bob.user, &group("geese"), world.clock.wall()).await.unwrap();
    assert_eq!((seen.role, seen.members), (Some(GroupRole::Owner), 2));
}

pub async fn leaving_can_be_retried(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    world.found(alice, "geese", &["bob"]).await.unwrap();
    let leave = world.change("geese", MemberChange::Remove { users: vec![user("bob")] });
    let first = world.put(bob, leave.clone()).await.unwrap();
    assert_eq!(first.removed.len(), 1);
    let again = world.put(bob, leave.clone()).await.unwrap();
    assert!(again.sent.duplicate && again.sent.id == first.sent.id && again.removed.is_empty());
    let Entry::Change(mut other) = leave else { unreachable!() };
    other.act = Act::Members(MemberChange::Remove { users: vec![user("alice")] });
    assert_eq!(world.put(bob, Entry::Change(other)).await.unwrap_err(), Refusal::Conflict);
    let anew = world.expel(bob, "geese", &["bob"]).await;
    assert_eq!(anew.unwrap_err(), Refusal::NotMember);
}

pub async fn changes_refused_by_the_gate_leave_no_trace(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let alice = world.actor("alice").await;
    world.actor("bob").await;
    world.found(alice, "geese", &[]).await.unwrap();
    world.gate.rule(|_, _, append| match append.entry {
        Entry::Message(_) => Ok(()),
        _ => Err(Refusal::Forbidden),
    });
    let refused = world.invite(alice, "geese", &["bob"], GroupRole::Member).await;
    assert_eq!(refused.unwrap_err(), Refusal::Forbidden);
    assert_eq!(world.found(alice, "ducks", &[]).await.unwrap_err(), Refusal::Forbidden);
    world.gate.rule(|_, _, _| Ok(()));
    assert_eq!(world.store.acl(alice.user, &at("geese")).await.unwrap().version, 1);
    assert_eq!(world.send(alice, &at("geese"), "hi").await.unwrap().sent.seq, Seq(2));
    let made = world.found(alice, "ducks", &[]).await.unwrap();
    let page = world.pull(alice, made.sent.conv, None, 10).await.unwrap();
    assert_eq!((seqs(&page), bodies(&page)), (vec![1], vec!["*".to_owned()]));
    let direct = world.send(alice, &to("bob"), "hi").await.unwrap();
    assert_ne!(direct.sent.conv, made.sent.conv);
}

pub async fn members_are_paged_by_name(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let alice = world.actor("alice").await;
    let stranger = world.actor("zoe").await;
    let names: Vec<String> = (0..25).map(|number| format!("user{number:02}")).collect();
    for name in &names {
        world.actor(name).await;
    }
    let members: Vec<&str> = names.iter().rev().map(String::as_str).collect();
    world.found(alice, "geese", &members).await.unwrap();
    let name = group("geese");
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = world.store.members(alice.user, &name, after.as_ref(), 10).await.unwrap();
        seen.extend(page.members.iter().map(|member| member.name.to_string()));
        after = page.members.last().map(|member| member.name.clone());
        if !page.more {
            break;
        }
        assert_eq!(page.members.len(), 10);
    }
    let mut want = names.clone();
    want.insert(0, "alice".into());
    assert_eq!(seen, want);
    assert!(world.store.members(stranger.user, &name, None, 10).await.is_err());
}
