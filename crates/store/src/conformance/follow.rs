//! Following everything that happens: nothing missed, one order, one process at a time.

use std::time::Duration;

use anser_domain::{Clock, ItemKey, MessageId};

use super::{
    StoreRig,
    world::{World, at, to, user},
};
use crate::{FactKind, Happened, Lease, NewFact, NewItem, UserChange};

const LASTS: Duration = Duration::from_secs(30);

fn lease(owner: u64) -> Lease {
    Lease { owner, lasts: LASTS }
}

/// Everything after a place, read `limit` at a time: what it was, and where it ended.
async fn all(world: &World, after: MessageId, limit: u16) -> (Vec<String>, MessageId) {
    let (mut place, mut seen) = (after, Vec::new());
    loop {
        let tail = world.store.tail(place, limit).await.unwrap();
        assert!(tail.items.len() <= usize::from(limit));
        assert!(tail.items.is_sorted_by_key(Happened::id) && tail.up_to >= place);
        for item in &tail.items {
            assert!(item.id() > place && item.id() <= tail.up_to);
            seen.push(match item {
                Happened::Entry { message, acl } => {
                    assert_eq!(message.conv, acl.conv);
                    message.content.body().unwrap_or("*").to_owned()
                }
                Happened::Fact(fact) => format!("{} {}", fact.kind.name(), fact.user),
            });
        }
        place = tail.up_to;
        if !tail.more {
            return (seen, place);
        }
    }
}

fn fact(kind: FactKind, name: &str) -> NewFact {
    NewFact { kind, user: user(name), data: "{}".into() }
}

pub async fn the_tail_is_one_order_over_all_conversations(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    let start = world.store.follower("f", lease(1), world.clock.wall()).await.unwrap().unwrap();
    world.send(alice, &to("bob"), "1").await.unwrap();
    world.store.tell(vec![fact(FactKind::DeviceLinked, "bob")]).await.unwrap();
    world.found(bob, "geese", &["alice"]).await.unwrap();
    world.send(alice, &at("geese"), "2").await.unwrap();
    world.store.tell(vec![fact(FactKind::DeviceUnlinked, "bob")]).await.unwrap();
    world.store.tell(vec![fact(FactKind::FriendMade, "alice")]).await.unwrap();
    world.send(bob, &to("alice"), "3").await.unwrap();
    let told = ["1", "user.linked bob", "*", "2", "user.unlinked bob", "friend.made alice", "3"];
    for limit in 1..9 {
        let (seen, end) = all(&world, start, limit).await;
        assert_eq!(seen, told, "{limit} at a time");
        assert_eq!(end.0, world.store.watermark().await.unwrap().0);
        assert_eq!(all(&world, end, limit).await, (vec![], end), "nothing is told twice");
    }
    let world = world.reopen(rig).await;
    assert_eq!(all(&world, start, 3).await.0, told);
}

pub async fn facts_are_written_with_what_they_tell_and_only_for_followers(rig: &dyn StoreRig) {
    let world = World::new(rig).await;
    let alice = world.actor("alice").await;
    world.store.tell(vec![fact(FactKind::DeviceLinked, "alice")]).await.unwrap();
    assert_eq!(all(&world, MessageId(0), 10).await.0, [""; 0], "nobody listens");
    world.store.follower("f", lease(1), world.clock.wall()).await.unwrap().unwrap();
    world.actor("bob").await;
    world.store.change_user(alice.user, UserChange::Disabled(true)).await.unwrap();
    world.store.change_user(alice.user, UserChange::Disabled(true)).await.unwrap();
    world.store.change_user(alice.user, UserChange::Disabled(false)).await.unwrap();
    world.store.change_user(alice.user, UserChange::DisplayName("A".into())).await.unwrap();
    let told =
        ["user.created bob", "user.disabled alice", "user.enabled alice", "user.changed alice"];
    assert_eq!(all(&world, MessageId(0), 10).await.0, told);
    world.store.unfollow("f").await.unwrap();
    world.actor("carol").await;
    assert_eq!(all(&world, MessageId(0), 10).await.0, told);
}

pub async fn one_process_follows_at_a_time(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let alice = world.actor("alice").await;
    world.send(alice, &to("alice"), "before").await.unwrap();
    let now = world.clock.wall();
    let place = world.store.follower("f", lease(1), now).await.unwrap().expect("nobody holds it");
    assert_eq!(place.0, world.store.watermark().await.unwrap().0, "a new name starts now");
    assert_eq!(world.store.follower("f", lease(2), now).await.unwrap(), None);
    assert_eq!(world.store.follower("f", lease(1), now).await.unwrap(), Some(place), "renewed");
    assert!(world.store.follower("g", lease(2), now).await.unwrap().is_some(), "another name");

    let next = world.send(alice, &to("alice"), "x").await.unwrap().sent.id;
    assert!(!world.store.advance("f", 2, next).await.unwrap(), "not the holder");
    assert!(world.store.advance("f", 1, next).await.unwrap());
    assert!(world.store.advance("f", 1, place).await.unwrap());
    let late = now.plus(i64::try_from(LASTS.as_millis()).unwrap());
    let taken = world.store.follower("f", lease(2), late).await.unwrap();
    assert_eq!(taken, Some(next), "never backward, and the next one goes on from there");
    assert!(!world.store.advance("f", 1, MessageId(next.0 + 1)).await.unwrap(), "fenced");

    let world = world.reopen(rig).await;
    assert_eq!(world.store.follower("f", lease(3), late).await.unwrap(), None, "it lasts");
    assert_eq!(world.store.follower("f", lease(2), late).await.unwrap(), Some(next));
}

pub async fn a_follower_can_be_set_back(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let alice = world.actor("alice").await;
    let now = world.clock.wall();
    let begin = world.store.follower("f", lease(1), now).await.unwrap().unwrap();
    let first = world.send(alice, &to("alice"), "x").await.unwrap().sent.id;
    assert!(world.store.advance("f", 1, first).await.unwrap());
    world.store.rewind("f", begin).await.unwrap();
    assert!(!world.store.advance("f", 1, first).await.unwrap(), "whoever followed starts anew");
    assert_eq!(world.store.follower("f", lease(1), now).await.unwrap(), Some(begin));
    assert_eq!(all(&world, begin, 5).await.0, ["x"]);
}

pub async fn old_facts_are_forgotten(rig: &dyn StoreRig) {
    let world = World::new(rig).await;
    world.store.follower("f", lease(1), world.clock.wall()).await.unwrap().unwrap();
    world.actor("alice").await;
    world.clock.advance(Duration::from_secs(8 * 24 * 3600));
    world.actor("bob").await;
    while world.store.prune(world.clock.wall()).await.unwrap() {}
    assert_eq!(all(&world, MessageId(0), 10).await.0, ["user.created bob"]);
}

pub async fn who_came_and_who_went_take_turns(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    world.actor("alice").await;
    let bob = world.actor("bob").await;
    let (came, went) = (FactKind::DeviceLinked, FactKind::DeviceUnlinked);
    world.store.tell(vec![fact(came, "alice")]).await.unwrap();
    world.store.follower("f", lease(1), world.clock.wall()).await.unwrap().unwrap();
    world.store.tell(vec![fact(went, "alice"), fact(came, "bob")]).await.unwrap();
    world.store.tell(vec![fact(came, "bob"), fact(came, "alice")]).await.unwrap();
    let told = ["user.linked bob", "user.linked alice"];
    assert_eq!(all(&world, MessageId(0), 9).await.0, told, "nobody goes who was not there");

    world = world.reopen(rig).await;
    let page = world.store.told_linked(None, 1).await.unwrap();
    assert_eq!(page[0].1, user("alice"));
    let page = world.store.told_linked(Some(&user("alice")), 9).await.unwrap();
    assert_eq!(page, [(bob.user, user("bob"))]);
    world.store.tell(vec![fact(went, "bob"), fact(went, "bob")]).await.unwrap();
    assert_eq!(all(&world, MessageId(0), 9).await.0[2..], ["user.unlinked bob"]);
    assert_eq!(world.store.told_linked(Some(&user("alice")), 9).await.unwrap(), []);
}

pub async fn what_friends_and_profiles_do_is_told_with_it(rig: &dyn StoreRig) {
    let world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    let store = &world.store;
    store.follower("f", lease(1), world.clock.wall()).await.unwrap().unwrap();
    let asked = store.request(alice.user, &user("bob"), "hello".into()).await.unwrap();
    assert!(store.answer(alice.user, asked.request.id, true).await.is_err());
    store.answer(bob.user, asked.request.id, true).await.unwrap();
    store.unfriend(bob.user, &user("alice")).await.unwrap();
    store.befriend(alice.user, bob.user).await.unwrap();
    store.block(alice.user, &user("bob"), true).await.unwrap();
    let item = |key| {
        let (key, value) = (ItemKey::new(key).unwrap(), Some("1".into()));
        vec![NewItem { key, value, expected: None }]
    };
    store.put_items(alice.user, item("draft/u:bob")).await.unwrap();
    store.edit_profile(alice.user, Some("A".into()), item("profile/about")).await.unwrap();
    let told = [
        r#"friend.requested alice {"to":"bob"}"#,
        r#"friend.made alice {"friend":"bob"}"#,
        r#"friend.removed bob {"friend":"alice"}"#,
        r#"friend.made alice {"friend":"bob"}"#,
        r#"friend.removed alice {"friend":"bob"}"#,
        "user.changed alice {}",
    ];
    assert_eq!(world.facts().await, told);
}

impl World {
    /// Every fact there is: its kind, whom it is about, and the rest.
    pub async fn facts(&self) -> Vec<String> {
        let tail = self.store.tail(MessageId(0), 1_000).await.unwrap();
        let facts = tail.items.iter().filter_map(|item| match item {
            Happened::Fact(it) => Some(format!("{} {} {}", it.kind.name(), it.user, it.data)),
            Happened::Entry { .. } => None,
        });
        facts.collect()
    }
}
