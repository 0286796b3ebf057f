//! The link map: who is linked where, and who outranks whom.

use anser_domain::{
    DeviceId, Epoch, GroupRole, LinkId, LinkRef, Member, Millis, PeerId, UserId, UserName,
};

use super::RoutesRig;
use crate::{Members, Registered, Registration, Route, RouteTable, Routes};

fn link(user: u64, device: u64, cm: u64, link: u64, epoch: u64) -> Registration {
    let link = LinkRef { cm: PeerId(cm), link: LinkId(link), epoch: Epoch(epoch) };
    Registration { user: UserId(user), route: Route { device: DeviceId(device), link } }
}

async fn register(map: &dyn Routes, it: Registration) -> Registered {
    map.register(vec![it]).await.unwrap().remove(0)
}

async fn look(map: &dyn Routes, users: &[u64]) -> RouteTable {
    let (tell, told) = tokio::sync::oneshot::channel();
    let users = users.iter().map(|user| UserId(*user)).collect();
    map.lookup(users, Box::new(move |table| drop(tell.send(table))));
    told.await.unwrap()
}

pub async fn the_first_link_and_the_last_are_told_apart(rig: &dyn RoutesRig) {
    let map = rig.open().await;
    let (phone, tablet) = (link(1, 10, 1, 100, 1), link(1, 11, 1, 101, 1));
    let made = map.register(vec![phone, tablet]).await.unwrap();
    assert_eq!(made, [Registered::Fresh { first: true }, Registered::Fresh { first: false }]);
    assert_eq!(map.unregister(vec![phone, tablet]).await.unwrap(), [false, true]);
    assert_eq!(map.unregister(vec![tablet]).await.unwrap(), [false], "it was out already");
    assert!(look(&*map, &[1]).await[0].is_empty());
}

pub async fn the_highest_epoch_wins_whatever_the_order(rig: &dyn RoutesRig) {
    let map = rig.open().await;
    let (old, new) = (link(1, 10, 1, 100, 4), link(1, 10, 2, 200, 5));
    register(&*map, old).await;
    assert_eq!(register(&*map, new).await, Registered::Replaced(old.route.link));
    assert_eq!(register(&*map, old).await, Registered::Outranked);
    assert_eq!(look(&*map, &[1]).await[0].to_vec(), [new.route]);
}

pub async fn an_epoch_is_remembered_after_its_link_has_gone(rig: &dyn RoutesRig) {
    let map = rig.open().await;
    let (old, new) = (link(1, 10, 1, 100, 4), link(1, 10, 2, 200, 5));
    register(&*map, new).await;
    map.unregister(vec![new]).await.unwrap();
    assert_eq!(register(&*map, old).await, Registered::Outranked);
    assert!(look(&*map, &[1]).await[0].is_empty());
    assert_eq!(register(&*map, link(1, 10, 3, 300, 6)).await, Registered::Fresh { first: true });
}

pub async fn registering_again_changes_nothing(rig: &dyn RoutesRig) {
    let map = rig.open().await;
    let phone = link(1, 10, 1, 100, 4);
    register(&*map, phone).await;
    assert_eq!(register(&*map, phone).await, Registered::Fresh { first: true });
    register(&*map, link(1, 11, 1, 101, 1)).await;
    assert_eq!(register(&*map, phone).await, Registered::Fresh { first: false });
    assert_eq!(look(&*map, &[1]).await[0].len(), 2);
}

pub async fn only_the_link_itself_is_taken_out(rig: &dyn RoutesRig) {
    let map = rig.open().await;
    let (old, new) = (link(1, 10, 1, 100, 4), link(1, 10, 1, 200, 5));
    register(&*map, old).await;
    register(&*map, new).await;
    assert_eq!(map.unregister(vec![old]).await.unwrap(), [false]);
    assert_eq!(look(&*map, &[1]).await[0].to_vec(), [new.route]);
}

pub async fn lookups_answer_in_order(rig: &dyn RoutesRig) {
    let map = rig.open().await;
    for user in 1..200 {
        register(&*map, link(user, user + 1000, 1, user, 1)).await;
    }
    let users: Vec<u64> = (0..250).rev().collect();
    let table = look(&*map, &users).await;
    assert_eq!(table.len(), users.len());
    for (user, routes) in users.iter().zip(table) {
        let devices: Vec<u64> = routes.iter().map(|route| route.device.0).collect();
        let want: Vec<u64> = (1..200).contains(user).then_some(user + 1000).into_iter().collect();
        assert_eq!(devices, want, "{user}");
    }
}

pub async fn a_process_that_has_gone_takes_its_links_along(rig: &dyn RoutesRig) {
    let map = rig.open().await;
    let (here, there) = (link(1, 10, 1, 100, 1), link(1, 11, 2, 100, 1));
    map.register(vec![here, there, link(2, 20, 1, 101, 7)]).await.unwrap();
    map.forget_peer(PeerId(1)).await.unwrap();
    let table = look(&*map, &[1, 2]).await;
    assert_eq!((table[0].to_vec(), table[1].len()), (vec![there.route], 0));
    assert_eq!(register(&*map, link(2, 20, 3, 1, 6)).await, Registered::Outranked);
}

pub async fn a_flush_shows_in_the_generation(rig: &dyn RoutesRig) {
    let map = rig.open().await;
    let before = map.generation();
    register(&*map, link(1, 10, 1, 100, 4)).await;
    assert_eq!(map.generation(), before);
    rig.flush().await;
    assert_ne!(map.generation(), before);
    assert!(look(&*map, &[1]).await[0].is_empty());
    let again = register(&*map, link(1, 10, 1, 100, 4)).await;
    assert_eq!(again, Registered::Fresh { first: true });
}

pub async fn those_who_are_linked_are_found_among_many(rig: &dyn RoutesRig) {
    let map = rig.open().await;
    for user in [1, 2, 500, 7_000] {
        register(&*map, link(user, user * 10, 1, user, 1)).await;
    }
    let members = |from: u64, to: u64| -> Members {
        let member = |number| Member {
            user: UserId(number),
            name: UserName::trusted(&number.to_string()),
            role: GroupRole::Member,
            muted: Millis(0),
        };
        (from..to).map(member).collect()
    };
    // Fewer members than links, and more.
    for (from, to, want) in [(2, 4, vec![2]), (2, 1_000, vec![2, 500])] {
        let Some(mut found) = map.linked_among(&members(from, to)) else { return };
        found.sort_unstable();
        assert_eq!(found.into_iter().map(|user| user.0).collect::<Vec<_>>(), want);
    }
}
