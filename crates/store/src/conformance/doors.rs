//! Invitations and requests: who is to come in, and how they do.

use anser_domain::{
    Actor, Change, Clock as _, Content, GroupChange, GroupKind, GroupName, GroupRole, JoinPolicy,
    LogEvent, PolicyPatch, Refusal,
};

use super::{
    StoreRig,
    world::{World, at, group, user},
};
use crate::{Acl, Appended, Side, StoreError};

fn anybody(_: &Acl, _: &anser_domain::Member) -> Result<(), Refusal> {
    Ok(())
}

fn nobody(_: &Acl, _: &anser_domain::Member) -> Result<(), Refusal> {
    Err(Refusal::Forbidden)
}

fn refusal<T: std::fmt::Debug>(result: Result<T, StoreError>) -> Refusal {
    result.unwrap_err().into()
}

async fn invited(world: &World, user: Actor) -> Vec<GroupName> {
    let now = world.clock.wall();
    let (rows, more) = world.store.invitations(user.user, (None, 10), now).await.unwrap();
    assert!(!more);
    rows.into_iter().map(|it| it.group.name).collect()
}

async fn waiting(world: &World, viewer: Actor, side: Side) -> Vec<String> {
    let (now, name) = (world.clock.wall(), group("geese"));
    let page = world.store.waiting(viewer.user, &name, side, (None, 10), now, anybody);
    page.await.unwrap().0.into_iter().map(|it| it.user.to_string()).collect()
}

async fn terms(world: &mut World, owner: Actor, join: JoinPolicy, hidden: bool) {
    let patch = PolicyPatch { join: Some(join), hidden: Some(hidden), ..PolicyPatch::default() };
    world.govern(owner, "geese", GroupChange::Policy(patch)).await.unwrap();
}

fn joined(appended: &Appended) -> Vec<String> {
    let Content::Event(LogEvent::Joined { members }) = &appended.message.content else {
        panic!("{:?}", appended.message)
    };
    members.iter().map(|(name, _)| name.to_string()).collect()
}

pub async fn an_invitation_lets_its_invitee_in_once(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    world.found(alice, "geese", &[]).await.unwrap();
    let name = group("geese");
    let now = world.clock.wall();
    assert_eq!(world.join(bob, "geese").await.unwrap_err(), Refusal::NotMember, "it is hidden");
    assert_eq!(refusal(world.store.group(bob.user, &name, now).await), Refusal::NotMember);

    let both = [user("bob"), user("bob"), user("alice")];
    let new = world.store.invite(alice.user, &name, &both, anybody).await.unwrap();
    assert_eq!(new.iter().map(|it| it.0).collect::<Vec<_>>(), [bob.user], "once, no member");
    assert_eq!(world.store.personal(bob.user).await.unwrap(), new[0].1);
    let again = world.store.invite(alice.user, &name, &both, anybody).await.unwrap();
    assert_eq!(again, []);
    assert_eq!(invited(&world, bob).await, std::slice::from_ref(&name));
    let seen = world.store.group(bob.user, &name, now).await.unwrap();
    assert_eq!((seen.members, seen.role), (1, None));
    assert_eq!(waiting(&world, alice, Side::Invited).await, ["bob"]);

    world = world.reopen(rig).await;
    let wish = world.wish_of(bob, "geese", GroupChange::Join);
    let came = world.append(vec![wish.clone()]).await.remove(0).unwrap();
    assert_eq!(joined(&came), ["bob"]);
    assert!(came.acl.members.contains_key(&bob.user) && !came.quiet);
    let again = world.append(vec![wish]).await.remove(0).unwrap();
    assert!(again.sent.duplicate && again.sent.id == came.sent.id);
    assert_eq!(invited(&world, bob).await, []);
    assert_eq!(waiting(&world, alice, Side::Invited).await, [""; 0]);
    // What let them in is used up.
    world.expel(alice, "geese", &["bob"]).await.unwrap();
    assert_eq!(world.join(bob, "geese").await.unwrap_err(), Refusal::NotMember);
}

pub async fn invitations_are_taken_back_declined_and_run_out(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    world.found(alice, "geese", &[]).await.unwrap();
    let name = group("geese");
    let bobs = [user("bob")];
    for round in 0..3 {
        world.store.invite(alice.user, &name, &bobs, anybody).await.unwrap();
        assert_eq!(invited(&world, bob).await.len(), 1);
        match round {
            0 => {
                let store = &world.store;
                let denied = store.dismiss(alice.user, &name, &bobs[0], Side::Invited, nobody);
                assert_eq!(refusal(denied.await), Refusal::Forbidden);
                let back = store.dismiss(alice.user, &name, &bobs[0], Side::Invited, anybody);
                assert_eq!(back.await.unwrap().unwrap().0, bob.user);
            }
            1 => {
                let declined = world.store.retract(bob.user, &name, Side::Invited).await.unwrap();
                assert_eq!(world.store.personal(bob.user).await.unwrap(), declined.unwrap());
            }
            _ => world.clock.advance(std::time::Duration::from_secs(15 * 24 * 3600)),
        }
        assert_eq!(invited(&world, bob).await, []);
        assert!(world.join(bob, "geese").await.is_err());
    }
    while world.store.prune(world.clock.wall()).await.unwrap() {}
    let stranger = world.store.invite(bob.user, &name, &bobs, anybody).await;
    assert_eq!(refusal(stranger), Refusal::NotMember);
    let unknown = world.store.invite(alice.user, &name, &[user("dora")], anybody).await;
    assert_eq!(refusal(unknown), Refusal::NoSuchUser);
    let denied = world.store.invite(alice.user, &name, &bobs, nobody).await;
    assert_eq!(refusal(denied), Refusal::Forbidden);
    let none = world.store.retract(bob.user, &group("ducks"), Side::Asking).await.unwrap();
    assert_eq!(none, None);
}

pub async fn who_asks_waits_for_an_answer(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    let carol = world.actor("carol").await;
    world.found(alice, "geese", &[]).await.unwrap();
    let name = group("geese");
    assert_eq!(refusal(world.store.ask(bob.user, &name, "hi").await), Refusal::NotMember);
    terms(&mut world, alice, JoinPolicy::Invite, false).await;
    assert_eq!(refusal(world.store.ask(bob.user, &name, "hi").await), Refusal::Forbidden);
    terms(&mut world, alice, JoinPolicy::Approval, false).await;
    world.store.ask(bob.user, &name, "hi").await.unwrap();
    world.store.ask(bob.user, &name, "please").await.unwrap();
    world.store.ask(carol.user, &name, "").await.unwrap();
    let now = world.clock.wall();
    let page = (None, 1);
    let (rows, more) =
        world.store.waiting(alice.user, &name, Side::Asking, page, now, anybody).await.unwrap();
    assert!(more, "carol too");
    assert_eq!((rows[0].user.as_str(), &*rows[0].message), ("bob", "please"));
    assert_eq!(world.join(bob, "geese").await.unwrap_err(), Refusal::Forbidden, "not yet");

    let other = user("carol");
    let refused = world.store.dismiss(alice.user, &name, &other, Side::Asking, anybody);
    refused.await.unwrap();
    let approve = |name: &str| GroupChange::Approve { user: user(name) };
    let nobody_asks = world.govern(alice, "geese", approve("carol")).await;
    assert!(matches!(nobody_asks, Err(Refusal::Invalid(_))));
    let came = world.govern(alice, "geese", approve("bob")).await.unwrap();
    assert_eq!(joined(&came), ["bob"]);
    assert_eq!(waiting(&world, alice, Side::Asking).await, [""; 0]);
    let member = refusal(world.store.ask(bob.user, &name, "again").await);
    assert!(matches!(member, Refusal::Invalid(_)));
    assert_eq!(world.log(bob, &at("geese")).await, ["*"], "from the entry that let them in");
}

pub async fn open_groups_are_joined_by_saying_so(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    world.found(alice, "geese", &[]).await.unwrap();
    terms(&mut world, alice, JoinPolicy::Open, true).await;
    assert_eq!(world.join(bob, "geese").await.unwrap_err(), Refusal::NotMember, "it is hidden");
    terms(&mut world, alice, JoinPolicy::Open, false).await;
    let came = world.join(bob, "geese").await.unwrap();
    let again = world.join(bob, "geese").await.unwrap();
    assert!(!came.quiet && again.quiet, "a second one changes nothing");
    assert_eq!(again.sent.seq, came.sent.seq);
    let name = group("geese");
    let (mine, more) = world.store.groups(bob.user, (None, 10)).await.unwrap();
    let row = (mine[0].name.clone(), mine[0].role, mine[0].members, mine[0].kind);
    assert_eq!((row, more), ((name, Some(GroupRole::Member), 2, GroupKind::Group), false));
    let wish = world.wish_of(bob, "geese", GroupChange::Leave);
    let left = world.append(vec![wish.clone()]).await.remove(0).unwrap();
    assert_eq!(left.removed.len(), 1);
    let again = world.append(vec![wish.clone()]).await.remove(0).unwrap();
    assert!(again.sent.duplicate);
    let mut other = wish;
    let crate::Entry::Change(change) = &mut other.entry else { unreachable!() };
    **change = Change { act: anser_domain::Act::Group(GroupChange::Join), ..(**change).clone() };
    assert_eq!(world.append(vec![other]).await.remove(0).unwrap_err(), Refusal::Conflict);
    assert_eq!(world.store.groups(bob.user, (None, 10)).await.unwrap().0, []);
    let owner = world.govern(alice, "geese", GroupChange::Leave).await;
    assert!(matches!(owner, Err(Refusal::Invalid(_))));
}
