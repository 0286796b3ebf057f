//! Cursors move forward only, and only as far as the log goes.

use anser_domain::{Actor, Address, Seq};

use super::{
    StoreRig,
    world::{World, at, to},
};
use crate::ListPage;

/// What the list says of one conversation.
pub(super) async fn row(
    world: &World,
    actor: Actor,
    at: &Address,
) -> anser_domain::ConversationState {
    let list = world.store.conversations(actor, ListPage::Before(None), 1000).await.unwrap();
    let found = list.conversations.into_iter().find(|row| row.at == *at);
    found.expect("the conversation is in the list")
}

pub async fn delivered_moves_forward_only(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    let mut conv = None;
    for _ in 0..5 {
        conv = Some(world.send(alice, &to("bob"), "x").await.unwrap().sent.conv);
    }
    let conv = conv.unwrap();
    for (told, stands, moved) in [(3, 3, 1), (2, 3, 0), (3, 3, 0), (99, 5, 1), (98, 5, 0)] {
        let receipts = world.store.delivered(vec![(bob, conv, Seq(told))]).await.unwrap();
        assert_eq!(receipts.len(), moved, "{told}");
        assert!(receipts.iter().all(|receipt| receipt.seq == Seq(stands)));
        assert_eq!(row(&world, bob, &to("alice")).await.delivered, Seq(stands));
    }
    world = world.reopen(rig).await;
    assert_eq!(row(&world, bob, &to("alice")).await.delivered, Seq(5));
    let page = world.pull(bob, conv, None, 9).await.unwrap();
    assert_eq!((page.after, page.messages.len()), (Seq(5), 0));
}

pub async fn delivered_tells_of_the_users_highest(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, phone) = (world.actor("alice").await, world.actor("bob").await);
    let tablet = world.device("bob", "tablet").await;
    let mut conv = None;
    for _ in 0..5 {
        conv = Some(world.send(alice, &to("bob"), "x").await.unwrap().sent.conv);
    }
    let conv = conv.unwrap();
    let first = world.store.delivered(vec![(phone, conv, Seq(4))]).await.unwrap();
    assert_eq!((first[0].user, first[0].name.as_str()), (phone.user, "bob"));
    assert_eq!(first[0].acl.members.len(), 2);
    assert!(world.store.delivered(vec![(tablet, conv, Seq(2))]).await.unwrap().is_empty());
    assert_eq!(row(&world, tablet, &to("alice")).await.delivered, Seq(2));
    assert_eq!(row(&world, alice, &to("bob")).await.peer_delivered, Seq(4));
    let both = vec![(tablet, conv, Seq(5)), (phone, conv, Seq(5))];
    assert_eq!(world.store.delivered(both).await.unwrap().len(), 1);
    assert_eq!(row(&world, alice, &to("bob")).await.peer_delivered, Seq(5));
}

pub async fn read_moves_forward_only_and_counts_unread(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    world.found(alice, "geese", &["bob"]).await.unwrap();
    for _ in 0..3 {
        world.send(alice, &at("geese"), "x").await.unwrap();
    }
    // An event takes a seq and is not counted.
    world.actor("carol").await;
    world.invite(alice, "geese", &["carol"], anser_domain::GroupRole::Member).await.unwrap();
    world.send(alice, &at("geese"), "x").await.unwrap();
    assert_eq!(row(&world, bob, &at("geese")).await.unread, 4);
    for (told, stands, moved, unread) in
        [(3, 3, true, 2), (2, 3, false, 2), (5, 5, true, 1), (99, 6, true, 0), (99, 6, false, 0)]
    {
        let read = world.store.read(bob.user, &at("geese"), Seq(told)).await.unwrap();
        assert_eq!((read.seq, read.moved, read.acl.members.len()), (Seq(stands), moved, 3));
        let row = row(&world, bob, &at("geese")).await;
        assert_eq!((row.read, row.unread), (Seq(stands), unread), "{told}");
    }
    let stranger = world.actor("eve").await;
    assert!(world.store.read(stranger.user, &at("geese"), Seq(1)).await.is_err());
    assert!(world.store.read(stranger.user, &to("nobody"), Seq(1)).await.is_err());
    assert_eq!(row(&world, alice, &at("geese")).await.unread, 0);
}

pub async fn a_send_reads_what_came_before(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    for _ in 0..3 {
        world.send(alice, &to("bob"), "x").await.unwrap();
    }
    assert_eq!(row(&world, bob, &to("alice")).await.unread, 3);
    assert_eq!(row(&world, alice, &to("bob")).await.unread, 0);
    world.send(bob, &to("alice"), "y").await.unwrap();
    let bobs = row(&world, bob, &to("alice")).await;
    assert_eq!((bobs.unread, bobs.read), (0, Seq(4)));
    let alices = row(&world, alice, &to("bob")).await;
    assert_eq!((alices.unread, alices.read, alices.peer_read), (1, Seq(3), Seq(4)));
}

pub async fn a_new_device_starts_at_the_heads(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    world.found(alice, "geese", &["bob"]).await.unwrap();
    world.send(alice, &to("bob"), "old").await.unwrap();
    world.expel(alice, "geese", &["bob"]).await.unwrap();
    world.send(alice, &at("geese"), "unseen").await.unwrap();
    let tablet = world.device("bob", "tablet").await;
    assert_eq!(row(&world, tablet, &at("geese")).await.delivered, Seq(2));
    assert_eq!(row(&world, tablet, &to("alice")).await.delivered, Seq(1));
    assert_eq!(row(&world, bob, &to("alice")).await.delivered, Seq(0));
    let peer = row(&world, alice, &to("bob")).await;
    assert_eq!(peer.peer_delivered, Seq(0), "nothing was delivered to it");
    world.send(alice, &to("bob"), "new").await.unwrap();
    assert_eq!(row(&world, tablet, &to("alice")).await.delivered, Seq(1));
    // Signing in again is not a new device.
    world.store.delivered(vec![(tablet, peer.conv, Seq(2))]).await.unwrap();
    world.send(alice, &to("bob"), "newer").await.unwrap();
    assert_eq!(world.device("bob", "tablet").await.device, tablet.device);
    assert_eq!(row(&world, tablet, &to("alice")).await.delivered, Seq(2));
}

pub async fn strangers_move_nothing(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, eve) = (world.actor("alice").await, world.actor("eve").await);
    let bob = world.actor("bob").await;
    let conv = world.found(alice, "geese", &["bob"]).await.unwrap().sent.conv;
    world.send(alice, &at("geese"), "x").await.unwrap();
    let batch = vec![
        (eve, conv, Seq(1)),
        (bob, conv, Seq(1)),
        (bob, anser_domain::ConvId(999), Seq(1)),
        (bob, conv, Seq(0)),
    ];
    let moved = world.store.delivered(batch).await.unwrap();
    assert_eq!(moved.iter().map(|it| it.user).collect::<Vec<_>>(), [bob.user]);
    // Who was removed may still say how far they had come.
    world.expel(alice, "geese", &["bob"]).await.unwrap();
    world.send(alice, &at("geese"), "y").await.unwrap();
    world.store.delivered(vec![(bob, conv, Seq(99))]).await.unwrap();
    assert_eq!(row(&world, bob, &at("geese")).await.delivered, Seq(3));
}
