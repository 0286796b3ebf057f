//! Users, devices, sessions, keys, and forgetting.

use std::time::Duration;

use anser_domain::{Clock, DeviceId, DeviceName, Epoch, Millis, Refusal, Role};

use super::{
    StoreRig,
    world::{World, keys, text, to, user},
};
use crate::{NewDevice, NewUserRow, UserChange};

const DAY: Duration = Duration::from_secs(24 * 3600);

fn row(name: &str) -> NewUserRow {
    NewUserRow {
        name: user(name),
        display_name: "Someone".into(),
        role: Role::Admin,
        keys: keys(3),
    }
}

pub async fn users_are_made_once(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let made = world.store.create_users(vec![row("bob"), row("alice"), row("bob")]).await.unwrap();
    assert!(made[0].is_ok() && made[1].is_ok());
    assert_eq!(made[2], Err(Refusal::NameTaken));
    world = world.reopen(rig).await;
    let alice = world.store.user(&user("alice")).await.unwrap().unwrap();
    assert_eq!(Ok(alice.id), made[1]);
    assert_eq!((&*alice.display_name, alice.role, alice.disabled), ("Someone", Role::Admin, false));
    assert_eq!(alice.keys, keys(3));
    assert_eq!(world.store.user(&user("carol")).await.unwrap(), None);
    let first = world.store.users(None, 1).await.unwrap();
    assert_eq!(first, [alice]);
    let rest = world.store.users(Some(&user("alice")), 10).await.unwrap();
    assert_eq!(rest.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), ["bob"]);
    world.store.change_user(rest[0].id, UserChange::DisplayName("Bob".into())).await.unwrap();
    let bob = world.store.user(&user("bob")).await.unwrap().unwrap();
    assert_eq!((&*bob.display_name, bob.credential_version), ("Bob", rest[0].credential_version));
    let nobody = world.store.change_user(anser_domain::UserId(99), UserChange::Disabled(true));
    assert_eq!(Refusal::from(nobody.await.unwrap_err()), Refusal::NoSuchUser);
}

pub async fn a_new_credential_ends_other_sessions(rig: &dyn StoreRig) {
    let world = World::new(rig).await;
    let phone = world.actor("alice").await;
    let tablet = world.device("alice", "tablet").await;
    let before = world.store.user(&user("alice")).await.unwrap().unwrap();
    let change = UserChange::Keys { keys: keys(9), keep: Some(phone.device), checked: None };
    world.store.change_user(phone.user, change).await.unwrap();
    let after = world.store.user(&user("alice")).await.unwrap().unwrap();
    assert_eq!(after.keys, keys(9));
    assert!(after.credential_version > before.credential_version);
    assert_ne!(world.store.device(phone.device).await.unwrap().unwrap().device.session, 0);
    assert_eq!(world.store.device(tablet.device).await.unwrap().unwrap().device.session, 0);
    let ended = world.store.revocations(0).await.unwrap();
    assert_eq!(ended.len(), 1);
    assert_eq!((ended[0].user, ended[0].device), (phone.user, None));
    assert_eq!((ended[0].keep, ended[0].disabled), (Some(phone.device), false));
    assert!(world.store.revocations(ended[0].number).await.unwrap().is_empty());
}

pub async fn what_was_checked_before_a_change_counts_no_more(rig: &dyn StoreRig) {
    let world = World::new(rig).await;
    let alice = world.actor("alice").await;
    let before = world.store.user(&user("alice")).await.unwrap().unwrap().credential_version;
    let change = |checked| UserChange::Keys { keys: keys(9), keep: None, checked };
    world.store.change_user(alice.user, change(Some(before))).await.unwrap();
    let sign_in = |checked| NewDevice { checked, ..new_device(&world, alice.user, "laptop") };
    for stale in [
        world.store.sign_in(sign_in(Some(before))).await.map(drop),
        world.store.change_user(alice.user, change(Some(before))).await,
    ] {
        assert_eq!(Refusal::from(stale.unwrap_err()), Refusal::BadCredentials);
    }
    world.store.sign_in(sign_in(Some(before + 1))).await.unwrap();
    world.store.change_user(alice.user, UserChange::Disabled(true)).await.unwrap();
    let shut_out = world.store.sign_in(sign_in(None)).await.unwrap_err();
    assert_eq!(Refusal::from(shut_out), Refusal::Disabled);
}

pub async fn disabling_ends_all_sessions(rig: &dyn StoreRig) {
    let world = World::new(rig).await;
    let alice = world.actor("alice").await;
    let before = world.store.device(alice.device).await.unwrap().unwrap();
    assert_eq!((before.disabled, before.user_name.as_str()), (false, "alice"));
    for _ in 0..2 {
        world.store.change_user(alice.user, UserChange::Disabled(true)).await.unwrap();
    }
    let after = world.store.device(alice.device).await.unwrap().unwrap();
    assert!(after.disabled && after.device.session == 0);
    assert!(after.credential_version > before.credential_version);
    let ended = world.store.revocations(0).await.unwrap();
    assert_eq!(ended.len(), 1, "the second time changed nothing");
    assert_eq!((ended[0].device, ended[0].keep, ended[0].disabled), (None, None, true));
    world.store.change_user(alice.user, UserChange::Disabled(false)).await.unwrap();
    let back = world.store.device(alice.device).await.unwrap().unwrap();
    assert!(!back.disabled && back.device.session == 0, "the session stays ended");
}

pub async fn a_disabled_user_cannot_send(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let alice = world.actor("alice").await;
    world.actor("bob").await;
    world.send(alice, &to("bob"), "1").await.unwrap();
    world.store.change_user(alice.user, UserChange::Disabled(true)).await.unwrap();
    assert_eq!(world.send(alice, &to("bob"), "2").await.unwrap_err(), Refusal::Disabled);
    assert_eq!(world.log(alice, &to("bob")).await, ["1"]);
}

fn new_device(world: &World, user: anser_domain::UserId, name: &str) -> NewDevice {
    let name = DeviceName::new(name).unwrap();
    let (refresh_hash, now) = (world.hash(), world.clock.wall());
    NewDevice { user, name, refresh_hash, checked: None, now }
}

pub async fn signing_in_again_ends_the_session_before(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let alice = world.actor("alice").await;
    let (first, second) =
        (new_device(&world, alice.user, "tv"), new_device(&world, alice.user, "tv"));
    let hashes = (first.refresh_hash, second.refresh_hash);
    let a = world.store.sign_in(first).await.unwrap();
    world.clock.advance(Duration::from_secs(1));
    let b = world.store.sign_in(second).await.unwrap();
    assert_eq!((a.id, a.user, a.created), (b.id, b.user, b.created));
    assert!(b.session > a.session && a.session > 0);
    let old: Refusal = world.store.refresh(hashes.0, world.hash()).await.unwrap_err().into();
    assert_eq!(old, Refusal::Revoked);
    world = world.reopen(rig).await;
    let went_on = world.store.refresh(hashes.1, world.hash()).await.unwrap();
    assert_eq!(went_on.device.session, b.session, "the old token did the new session no harm");
    let names: Vec<_> = world.store.devices(alice.user).await.unwrap();
    assert_eq!(names.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["phone", "tv"]);
}

pub async fn a_refresh_token_used_twice_ends_the_session(rig: &dyn StoreRig) {
    let world = World::new(rig).await;
    let alice = world.actor("alice").await;
    let new = new_device(&world, alice.user, "tv");
    let chain = [new.refresh_hash, world.hash(), world.hash(), world.hash()];
    let tv = world.store.sign_in(new).await.unwrap();
    for pair in chain.windows(2).take(2) {
        let session = world.store.refresh(pair[0], pair[1]).await.unwrap();
        assert_eq!((session.device.id, session.device.session), (tv.id, tv.session));
    }
    let unknown: Refusal = world.store.refresh(world.hash(), chain[3]).await.unwrap_err().into();
    assert_eq!(unknown, Refusal::BadCredentials);
    let reused: Refusal = world.store.refresh(chain[0], chain[3]).await.unwrap_err().into();
    assert_eq!(reused, Refusal::Revoked);
    assert_eq!(world.store.device(tv.id).await.unwrap().unwrap().device.session, 0);
    let ended = world.store.revocations(0).await.unwrap();
    assert_eq!(ended.iter().map(|it| it.device).collect::<Vec<_>>(), [Some(tv.id)]);
    let latest: Refusal = world.store.refresh(chain[2], chain[3]).await.unwrap_err().into();
    assert_eq!(latest, Refusal::Revoked, "the thief's token, or the owner's, ends too");
}

pub async fn ended_devices_are_revoked(rig: &dyn StoreRig) {
    let world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    let phone = DeviceName::new("phone").unwrap();
    assert_eq!(world.store.end_device(alice.user, &phone).await.unwrap(), alice.device);
    let session = |device| {
        let store = std::sync::Arc::clone(&world.store);
        async move { store.device(device).await.unwrap().unwrap().device.session }
    };
    assert_eq!(session(alice.device).await, 0);
    assert_ne!(session(bob.device).await, 0, "another user's phone is another device");
    let ended = world.store.revocations(0).await.unwrap();
    assert_eq!((ended[0].user, ended[0].device), (alice.user, Some(alice.device)));
    let none = world.store.end_device(alice.user, &DeviceName::new("fridge").unwrap()).await;
    assert_eq!(Refusal::from(none.unwrap_err()), Refusal::NoSuchUser);
    assert_eq!(world.store.device(DeviceId(999)).await.unwrap(), None);
    let again = world.device("alice", "phone").await;
    assert_eq!(again.device, alice.device);
    assert!(session(alice.device).await > 1, "a session's number is not used twice");
}

pub async fn epochs_only_rise(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    let now = world.clock.wall().plus(5_000);
    let batch = vec![bob.device, alice.device, DeviceId(999), bob.device];
    let raised = world.store.raise_epochs(batch, now).await.unwrap();
    let got: Vec<_> = raised.iter().map(|it| (it.id, it.epoch)).collect();
    let want = [
        (bob.device, Epoch(1)),
        (alice.device, Epoch(1)),
        (DeviceId(999), Epoch(0)),
        (bob.device, Epoch(2)),
    ];
    assert_eq!(got, want);
    assert_eq!(raised[0].seen, now);
    assert_eq!((raised[2].session, raised[0].session), (0, 1));
    world = world.reopen(rig).await;
    // Neither an end nor a new session takes an epoch back.
    world.store.end_device(bob.user, &DeviceName::new("phone").unwrap()).await.unwrap();
    world.device("bob", "phone").await;
    let raised = world.store.raise_epochs(vec![bob.device], now).await.unwrap();
    assert_eq!(raised[0].epoch, Epoch(3));
}

pub async fn a_user_has_a_bounded_number_of_devices(rig: &dyn StoreRig) {
    let world = World::new(rig).await;
    let alice = world.actor("alice").await;
    let mut made = 1;
    let refusal: Refusal = loop {
        let new = new_device(&world, alice.user, &format!("device{made}"));
        match world.store.sign_in(new).await {
            Ok(_) => made += 1,
            Err(refused) => break refused.into(),
        }
        assert!(made < 10_000, "there is a bound");
    };
    assert!(matches!(refusal, Refusal::TooLarge(_)));
    world.device("alice", "phone").await;
    world.store.end_device(alice.user, &DeviceName::new("device1").unwrap()).await.unwrap();
    world.device("alice", "one more").await;
    assert_eq!(world.store.devices(alice.user).await.unwrap().len(), made);
}

pub async fn keys_are_made_rotated_and_forgotten(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (t0, never) = (world.clock.wall(), Millis(0));
    let first = world.store.signing_keys(t0, never, never).await.unwrap();
    assert_eq!(first.len(), 1);
    assert_ne!(first[0].secret, [0; 32]);
    world = world.reopen(rig).await;
    let same = world.store.signing_keys(t0.plus(10), never, never).await.unwrap();
    assert!(same == first, "a key lasts");
    let next = world.store.signing_keys(t0.plus(1000), t0.plus(500), never).await.unwrap();
    assert_eq!((next.len(), next[1].id), (2, first[0].id));
    assert!(next[0].id > next[1].id && next[0].secret != next[1].secret);
    assert_eq!(next[0].created, t0.plus(1000));
    let kept = world.store.signing_keys(t0.plus(1001), t0, t0.plus(900)).await.unwrap();
    assert_eq!(kept.iter().map(|key| key.id).collect::<Vec<_>>(), [next[0].id]);
    let newest = world.store.signing_keys(t0.plus(1002), t0, t0.plus(1002)).await.unwrap();
    assert_eq!(newest.len(), 1, "the newest stays, however old");
}

pub async fn pruning_never_readmits_a_retry(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let alice = world.actor("alice").await;
    // Ids whose clocks were right, ahead and behind, as far as is allowed.
    let ids: Vec<_> = [0, 290_000, -6 * 24 * 3_600_000]
        .iter()
        .map(|offset| world.client_id_at(*offset))
        .collect();
    for id in &ids {
        world.put(alice, text(&to("alice"), *id, "x")).await.unwrap();
    }
    // Step over the horizon finely, pruning at every step.
    world.clock.advance(7 * DAY - Duration::from_secs(600));
    for _ in 0..30 {
        world.clock.advance(Duration::from_secs(60));
        while world.store.prune(world.clock.wall()).await.unwrap() {}
        for id in &ids {
            match world.put(alice, text(&to("alice"), *id, "x")).await {
                Ok(again) => assert!(again.sent.duplicate, "told from a new message"),
                Err(refusal) => assert_eq!(refusal, Refusal::StaleClientId),
            }
        }
    }
    for id in &ids {
        let late = world.put(alice, text(&to("alice"), *id, "x")).await;
        assert_eq!(late.unwrap_err(), Refusal::StaleClientId);
    }
    assert_eq!(world.log(alice, &to("alice")).await.len(), 3);
}

pub async fn pruning_forgets_idle_devices(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let alice = world.actor("alice").await;
    let tablet = world.device("alice", "tablet").await;
    world.store.end_device(alice.user, &DeviceName::new("tablet").unwrap()).await.unwrap();
    for _ in 0..10 {
        world.clock.advance(10 * DAY);
        world.store.raise_epochs(vec![alice.device], world.clock.wall()).await.unwrap();
        while world.store.prune(world.clock.wall()).await.unwrap() {}
    }
    let names = world.store.devices(alice.user).await.unwrap();
    assert_eq!(names.iter().map(|it| it.id).collect::<Vec<_>>(), [alice.device]);
    assert!(world.store.revocations(0).await.unwrap().is_empty());
    world = world.reopen(rig).await;
    let anew = world.device("alice", "tablet").await;
    assert!(anew.device > tablet.device, "a key is never used twice");
}
