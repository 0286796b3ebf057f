//! Administration: every change is recorded with it, keys end at once, letters stay until taken.

use anser_domain::{
    Clock, DeadLetter, DeviceName, Millis, PutWebhook, Refusal, Role, Scope, Secret, SyncToken,
    UserId,
};

use super::{
    StoreRig,
    world::{World, group, to, user},
};
use crate::{AdminChange, DeadRow, Happened, Lease, Note, StoreError};

fn note(what: &'static str, whom: &str) -> Note {
    let address = Some([192, 0, 2, 7].into());
    Note { who: "user:root".into(), what, whom: whom.into(), address }
}

async fn administer(
    world: &World,
    what: &'static str,
    change: AdminChange,
) -> Result<u64, Refusal> {
    world.store.administer(note(what, "it"), change).await.map_err(Refusal::from)
}

async fn record(world: &World) -> Vec<Box<str>> {
    world.store.audit(None, 100).await.unwrap().into_iter().map(|it| it.what).collect()
}

fn webhook(name: &str, secrets: Option<&[&str]>) -> AdminChange {
    AdminChange::PutWebhook(PutWebhook {
        name: name.into(),
        url: "https://app.example/in".into(),
        secrets: secrets.map(|all| all.iter().map(|it| Secret::new(*it)).collect()),
        kinds: vec!["message.*".into(), "user.created".into()],
        enabled: true,
    })
}

pub async fn a_change_and_its_record_are_one(rig: &dyn StoreRig) {
    let world = World::new(rig).await;
    let alice = world.actor("alice").await;
    administer(&world, "role", AdminChange::Role(alice.user, Role::Admin)).await.unwrap();
    assert_eq!(world.store.user(&user("alice")).await.unwrap().unwrap().role, Role::Admin);
    let nobody = AdminChange::Role(UserId(77), Role::Admin);
    assert_eq!(administer(&world, "role", nobody).await, Err(Refusal::NoSuchUser));
    let gone = AdminChange::EndDevice(alice.user, DeviceName::new("none").unwrap());
    assert!(administer(&world, "end", gone).await.is_err());
    world.clock.advance(std::time::Duration::from_secs(5));
    let phone = AdminChange::EndDevice(alice.user, DeviceName::new("phone").unwrap());
    administer(&world, "end", phone).await.unwrap();
    assert_eq!(world.store.revocations(0).await.unwrap().len(), 1);

    let all = world.store.audit(None, 100).await.unwrap();
    assert_eq!(record(&world).await, ["end".into(), "role".into()] as [Box<str>; 2]);
    assert_eq!((all[0].at, &*all[0].who), (world.clock.wall(), "user:root"));
    assert_eq!(all[0].address, Some([192, 0, 2, 7].into()));
    assert_eq!(world.store.audit(None, 1).await.unwrap(), all[..1]);
    assert_eq!(world.store.audit(Some(all[0].id), 9).await.unwrap(), all[1..]);
    assert_eq!(world.store.audit(Some(SyncToken(0)), 9).await.unwrap(), []);
    let world = world.reopen(rig).await;
    assert_eq!(world.store.audit(None, 100).await.unwrap(), all);
}

pub async fn bans_have_a_reason_and_an_end(rig: &dyn StoreRig) {
    let world = World::new(rig).await;
    let (alice, _) = (world.actor("alice").await, world.actor("alan").await);
    let until = world.clock.wall().plus(1000);
    let ban = AdminChange::Ban(alice.user, "spam".into(), Some(until));
    administer(&world, "ban", ban).await.unwrap();
    let found = world.store.find_users("al", None, 10).await.unwrap();
    assert_eq!(found.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["alan", "alice"]);
    let ban = found[1].ban.as_ref().unwrap();
    assert!(found[1].disabled && &*ban.reason == "spam" && ban.until == Some(until));
    assert!(found[0].ban.is_none());
    assert_eq!(world.store.find_users("al", Some(&user("alan")), 10).await.unwrap().len(), 1);
    assert_eq!(world.store.find_users("al%", None, 10).await.unwrap().len(), 0);

    assert_eq!(world.store.bans_over(until.plus(-1)).await.unwrap(), []);
    assert_eq!(world.store.bans_over(until).await.unwrap(), [alice.user]);
    administer(&world, "unban", AdminChange::Unban(alice.user)).await.unwrap();
    assert_eq!(world.store.bans_over(until).await.unwrap(), []);
    let found = world.store.find_users("alice", None, 10).await.unwrap();
    assert!(!found[0].disabled && found[0].ban.is_none());
}

pub async fn keys_are_found_by_their_hash_until_revoked(rig: &dyn StoreRig) {
    let world = World::new(rig).await;
    let key = |byte: u8| AdminChange::MakeKey {
        hash: [byte; 32],
        name: "backend".into(),
        scopes: vec![Scope::UsersRead, Scope::Webhooks],
        expires: Some(Millis(7)),
    };
    let first = administer(&world, "key", key(1)).await.unwrap();
    let second = administer(&world, "key", key(2)).await.unwrap();
    assert!(second > first);
    let world = world.reopen(rig).await;
    let found = world.store.api_key([1; 32]).await.unwrap().unwrap();
    assert_eq!((found.id, found.expires), (first, Some(Millis(7))));
    assert_eq!(found.scopes, [Scope::UsersRead, Scope::Webhooks]);
    administer(&world, "revoke", AdminChange::RevokeKey(second)).await.unwrap();
    assert_eq!(world.store.api_key([2; 32]).await.unwrap(), None);
    assert_eq!(world.store.api_keys().await.unwrap(), [found]);
    let again = administer(&world, "revoke", AdminChange::RevokeKey(second)).await;
    assert_eq!(again, Err(Refusal::NoSuch("key")));
    let third = administer(&world, "key", key(3)).await.unwrap();
    assert!(third > second, "an id in the record means one key for ever");
}

pub async fn webhooks_start_now_and_keep_their_secrets(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let alice = world.actor("alice").await;
    world.send(alice, &to("alice"), "before").await.unwrap();
    administer(&world, "put", webhook("app", Some(&["one", "two"]))).await.unwrap();
    let place = world.store.webhooks().await.unwrap()[0].place;
    world.actor("bob").await;
    administer(&world, "put", webhook("app", None)).await.unwrap();
    let world = world.reopen(rig).await;
    let rows = world.store.webhook_rows().await.unwrap();
    let secrets: Vec<_> = rows[0].secrets.iter().map(Secret::expose).collect();
    assert_eq!(secrets, ["one", "two"]);
    assert_eq!(rows[0].kinds, ["message.*".into(), "user.created".into()] as [Box<str>; 2]);
    let shown = world.store.webhooks().await.unwrap();
    assert_eq!(shown[0].place, place, "a change of it moves nothing");
    let lease = Lease { owner: 1, lasts: std::time::Duration::from_secs(1) };
    let held = world.store.follower("webhook:app", lease, world.clock.wall()).await.unwrap();
    assert_eq!(held, Some(place));
    let tail = world.store.tail(place, 10).await.unwrap();
    assert!(matches!(&tail.items[..], [Happened::Fact(_)]), "bob was made: {tail:?}");

    let back = AdminChange::ReplaySince("app".into(), anser_domain::MessageId(0));
    administer(&world, "replay", back).await.unwrap();
    assert_eq!(world.store.webhooks().await.unwrap()[0].place.0, 0);
    administer(&world, "drop", AdminChange::RemoveWebhook("app".into())).await.unwrap();
    assert!(world.store.webhook_rows().await.unwrap().is_empty());
    let gone = administer(&world, "drop", AdminChange::RemoveWebhook("app".into())).await;
    assert_eq!(gone, Err(Refusal::NoSuch("webhook")));
}

pub async fn dead_letters_stay_until_taken(rig: &dyn StoreRig) {
    let world = World::new(rig).await;
    administer(&world, "put", webhook("app", Some(&["one"]))).await.unwrap();
    let dead = |event| DeadRow {
        letter: DeadLetter {
            event: anser_domain::MessageId(event),
            kind: "message.created".into(),
            attempts: 3,
            reason: "status 500".into(),
            at: Millis(9),
        },
        body: "{}".into(),
    };
    for event in [3, 1, 2, 1] {
        world.store.bury("app", dead(event)).await.unwrap();
    }
    world.store.bury("other", dead(1)).await.unwrap();
    let world = world.reopen(rig).await;
    let all = |after| world.store.dead("app", anser_domain::MessageId(after), 10);
    assert_eq!(all(0).await.unwrap(), [dead(1), dead(2), dead(3)]);
    assert_eq!(world.store.webhooks().await.unwrap()[0].dead, 3);
    world.store.unbury("app", anser_domain::MessageId(2)).await.unwrap();
    assert_eq!(all(1).await.unwrap(), [dead(3)]);
    let other = world.store.dead("other", anser_domain::MessageId(0), 10).await;
    assert!(matches!(other, Err(StoreError::Refused(Refusal::NoSuch("webhook")))));
}

pub async fn everyones_groups_are_listed_with_their_owners(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    world.found(alice, "geese", &["bob"]).await.unwrap();
    world.found(bob, "swans", &[]).await.unwrap();
    world.expel(alice, "geese", &["bob"]).await.unwrap();
    let groups = world.store.all_groups(None, 10).await.unwrap();
    let said: Vec<_> = groups
        .iter()
        .map(|it| (it.name.as_str(), it.owner.as_ref().unwrap().as_str(), it.members))
        .collect();
    assert_eq!(said, [("geese", "alice", 1), ("swans", "bob", 1)]);
    assert_eq!(world.store.all_groups(Some(&group("geese")), 10).await.unwrap(), groups[1..]);
    assert_eq!(world.store.owner_of(&group("swans")).await.unwrap(), bob.user);
    assert!(world.store.owner_of(&group("none")).await.is_err());
    let numbers = world.store.statistics(world.clock.wall()).await.unwrap();
    assert_eq!((numbers.users, numbers.groups, numbers.entries_today), (2, 2, 3));
    assert!(numbers.bytes > 4096);
}
