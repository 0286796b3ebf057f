//! What groups are and who may do what in them; channels; and that large groups stay cheap.

use anser_domain::{
    Clock as _, Content, GroupChange, GroupKind, GroupRole, JoinPolicy, LogEvent, Millis,
    PolicyPatch, ProfilePatch, Refusal, Seq, Who,
};

use super::{
    StoreRig,
    world::{World, at, group, seqs, user},
};
use crate::{ListPage, Side};

pub async fn a_profile_changes_in_parts(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let alice = world.actor("alice").await;
    let made = world.found(alice, "geese", &[]).await.unwrap();
    let patch = ProfilePatch {
        title: Some("Wild".into()),
        announcement: Some("Dawn".into()),
        ..ProfilePatch::default()
    };
    let wish = world.wish_of(alice, "geese", GroupChange::Profile(patch.clone()));
    let said = world.append(vec![wish.clone()]).await.remove(0).unwrap();
    assert_eq!(said.message.content, Content::Event(LogEvent::Profile(patch)));
    assert_eq!(said.acl.version, made.acl.version, "nobody may do anything else");
    assert!(world.append(vec![wish]).await.remove(0).unwrap().sent.duplicate);
    let patch = ProfilePatch { description: Some("About".into()), ..ProfilePatch::default() };
    world.govern(alice, "geese", GroupChange::Profile(patch)).await.unwrap();
    world = world.reopen(rig).await;
    let seen = world.store.group(alice.user, &group("geese"), world.clock.wall()).await.unwrap();
    let texts = (&*seen.title, &*seen.description, &*seen.avatar, &*seen.announcement);
    assert_eq!(texts, ("Wild", "About", "", "Dawn"));
}

pub async fn who_has_gone_sees_the_title_of_then(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    world.found(alice, "geese", &["bob"]).await.unwrap();
    let title = |title: &str| {
        let title = Some(title.into());
        GroupChange::Profile(ProfilePatch { title, ..ProfilePatch::default() })
    };
    world.govern(alice, "geese", title("Wild")).await.unwrap();
    world.expel(alice, "geese", &["bob"]).await.unwrap();
    world.govern(alice, "geese", title("Tame")).await.unwrap();
    for (seen, back) in [("Wild", true), ("Tame", false)] {
        let page = ListPage::Before(None);
        let list = world.store.conversations(bob, page, 10).await.unwrap().conversations;
        assert_eq!(&*list[0].title, seen);
        if back {
            world.invite(alice, "geese", &["bob"], GroupRole::Member).await.unwrap();
        }
    }
}

pub async fn a_policy_counts_from_its_entry_on(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let alice = world.actor("alice").await;
    let stranger = world.actor("zoe").await;
    let made = world.found(alice, "geese", &[]).await.unwrap();
    let patch = PolicyPatch {
        post: Some(Who::Admins),
        join: Some(JoinPolicy::Open),
        hidden: Some(false),
        ..PolicyPatch::default()
    };
    let said = world.govern(alice, "geese", GroupChange::Policy(patch)).await.unwrap();
    assert_eq!(said.message.content, Content::Event(LogEvent::Policy(patch)));
    assert!(said.acl.version > made.acl.version);
    assert_eq!((said.acl.policy.post, said.acl.policy.pin), (Who::Admins, Who::Admins));
    // The gate sees it, in this life and the next.
    for _ in 0..2 {
        world.gate.rule(|acl, _, _| match acl.policy.post {
            Who::Admins => Err(Refusal::Forbidden),
            Who::Members => Ok(()),
        });
        assert_eq!(world.send(alice, &at("geese"), "hi").await.unwrap_err(), Refusal::Forbidden);
        world = world.reopen(rig).await;
    }
    let seen = world.store.group(stranger.user, &group("geese"), world.clock.wall()).await.unwrap();
    assert_eq!((seen.role, seen.policy.join), (None, JoinPolicy::Open));
}

pub async fn a_muted_member_stays_muted(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    world.found(alice, "geese", &["bob"]).await.unwrap();
    let until = Millis(5_000_000_000_000);
    let mute = |name: &str| GroupChange::Mute { user: user(name), until };
    let said = world.govern(alice, "geese", mute("bob")).await.unwrap();
    assert_eq!(said.acl.members[&bob.user].muted, until);
    let raised = world.invite(alice, "geese", &["bob"], GroupRole::Admin).await.unwrap();
    assert_eq!(raised.acl.members[&bob.user].muted, until, "another standing does not end it");
    world.expel(alice, "geese", &["bob"]).await.unwrap();
    let back = world.invite(alice, "geese", &["bob"], GroupRole::Member).await.unwrap();
    assert_eq!(back.acl.members[&bob.user].muted, until, "nor does coming back");
    world = world.reopen(rig).await;
    let acl = world.store.acl(bob.user, &at("geese")).await.unwrap();
    assert_eq!(acl.members[&bob.user].muted, until);
    let unknown = world.govern(alice, "geese", mute("dora")).await;
    assert!(matches!(unknown, Err(Refusal::Invalid(_))));
}

pub async fn a_dissolved_group_is_left_by_all_and_read_by_all(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    let carol = world.actor("carol").await;
    world.found(alice, "geese", &["bob"]).await.unwrap();
    let name = group("geese");
    world.store.invite(alice.user, &name, &[user("carol")], |_, _| Ok(())).await.unwrap();
    world.send(bob, &at("geese"), "hi").await.unwrap();
    let end = world.govern(alice, "geese", GroupChange::Dissolve).await.unwrap();
    assert_eq!(end.message.content, Content::Event(LogEvent::Dissolved));
    assert_eq!((end.removed.len(), end.acl.members.len()), (2, 0), "all hear of it");
    for again in 0..2 {
        for actor in [alice, bob] {
            let sent = world.send(actor, &at("geese"), "hi?").await;
            assert_eq!(sent.unwrap_err(), Refusal::NotMember, "{again}");
            assert_eq!(world.log(actor, &at("geese")).await, ["*", "hi", "*"]);
        }
        assert_eq!(world.join(carol, "geese").await.unwrap_err(), Refusal::NotMember);
        assert_eq!(world.found(alice, "geese", &[]).await.unwrap_err(), Refusal::NameTaken);
        assert_eq!(world.store.groups(bob.user, (None, 10)).await.unwrap().0, []);
        world = world.reopen(rig).await;
    }
    let page = world.store.conversations(bob, ListPage::Before(None), 10).await.unwrap();
    assert!(!page.conversations[0].member && page.conversations[0].head == end.sent.seq);
    let kept = world.store.retract(carol.user, &name, Side::Invited).await;
    kept.unwrap();
}

pub async fn subscribers_of_a_channel_come_and_go_without_an_entry(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    let carol = world.actor("carol").await;
    let wish = world.new_channel("news", &[]);
    let made = world.put(alice, wish.clone()).await.unwrap();
    assert_eq!(made.acl.group, GroupKind::Channel);
    assert!(world.put(alice, wish).await.unwrap().sent.duplicate);
    let news = at("news");
    world.send(alice, &news, "one").await.unwrap();
    let watermark = world.store.watermark().await.unwrap();

    let came = world.join(bob, "news").await.unwrap();
    assert!(came.quiet && came.acl.version > made.acl.version);
    assert_eq!(came.sent.seq, Seq(2), "the place of the last entry");
    let (list, since) = (&world.store, ListPage::Since(watermark));
    assert_eq!(list.conversations(alice, since, 10).await.unwrap().conversations, []);
    let theirs = list.conversations(bob, since, 10).await.unwrap().conversations;
    assert_eq!((theirs.len(), theirs[0].member, theirs[0].unread), (1, true, 0));
    let two = world.send(alice, &news, "two").await.unwrap();
    assert_eq!(two.sent.seq, Seq(3), "no entry in between");
    assert!(two.acl.members.contains_key(&bob.user));
    assert_eq!(world.log(bob, &news).await, ["two"]);
    assert_eq!(seqs(&world.pull(bob, came.sent.conv, None, 10).await.unwrap()), [3]);

    let left = world.govern(bob, "news", GroupChange::Leave).await.unwrap();
    assert!(left.quiet && left.removed.len() == 1);
    let three = world.send(alice, &news, "three").await.unwrap();
    assert!(!three.acl.members.contains_key(&bob.user));
    assert_eq!(world.log(bob, &news).await, ["two"]);
    // Back, and away, and back, with nothing said in between.
    for _ in 0..3 {
        world.join(bob, "news").await.unwrap();
        world.govern(bob, "news", GroupChange::Leave).await.unwrap();
    }
    world.join(bob, "news").await.unwrap();
    world = world.reopen(rig).await;
    world.send(alice, &news, "four").await.unwrap();
    // Pages end where an interval does.
    assert_eq!(seqs(&world.pull(bob, came.sent.conv, Some(0), 10).await.unwrap()), [3]);
    assert_eq!(seqs(&world.pull(bob, came.sent.conv, Some(3), 10).await.unwrap()), [5]);
    let seen = world.store.group(carol.user, &group("news"), world.clock.wall()).await.unwrap();
    assert_eq!((seen.members, seen.role), (2, None));

    // Admins are in the log: they are who writes.
    let raised = world.invite(alice, "news", &["bob"], GroupRole::Admin).await.unwrap();
    assert!(!raised.quiet);
    let put = world.invite(alice, "news", &["carol"], GroupRole::Member).await.unwrap();
    assert!(put.quiet && put.acl.members.contains_key(&carol.user));
    assert!(world.expel(alice, "news", &["carol"]).await.unwrap().quiet);
}

pub async fn a_reader_never_sees_fewer_than_were_committed(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let alice = world.actor("alice").await;
    world.found(alice, "geese", &[]).await.unwrap();
    // Far above what is held as a list, each version read by the readers as well.
    for number in 0..60 {
        let name = format!("user{number:02}");
        let actor = world.actor(&name).await;
        let put = world.invite(alice, "geese", &[&name], GroupRole::Member).await.unwrap();
        let acl = world.store.acl(actor.user, &at("geese")).await.unwrap();
        assert!(acl.version >= put.acl.version && acl.members.contains_key(&actor.user));
        if number % 3 == 0 {
            world.expel(alice, "geese", &[&name]).await.unwrap();
            assert!(world.store.acl(actor.user, &at("geese")).await.is_err());
        }
    }
    let acl = world.store.acl(alice.user, &at("geese")).await.unwrap();
    assert_eq!((acl.members.len(), acl.members.owner().unwrap().user), (41, alice.user));
    world = world.reopen(rig).await;
    let again = world.store.acl(alice.user, &at("geese")).await.unwrap();
    let names = |acl: &crate::Acl| acl.members.page(None, 100).0;
    assert_eq!((names(&acl), acl.version), (names(&again), again.version));
}
