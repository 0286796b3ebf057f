//! What changed since: pages across conversations that miss nothing.

use std::collections::BTreeMap;

use anser_domain::{Actor, GroupRole, Seq, SyncToken};

use super::{
    StoreRig,
    cursors::row,
    world::{World, at, to},
};
use crate::ListPage;

/// All pages since a token, as (address, head), and the last token.
async fn since(world: &World, actor: Actor, token: u64, limit: u16) -> (Vec<(String, u64)>, u64) {
    let (mut token, mut rows) = (SyncToken(token), Vec::new());
    loop {
        let page = world.store.conversations(actor, ListPage::Since(token), limit).await.unwrap();
        let mut last = token;
        for row in &page.conversations {
            assert!(row.changed > last && row.changed <= page.token, "oldest change first");
            last = row.changed;
            rows.push((row.at.to_string(), row.head.0));
        }
        assert!(page.token >= token);
        token = page.token;
        if !page.more {
            return (rows, token.0);
        }
        assert_eq!(page.conversations.len(), usize::from(limit));
    }
}

pub async fn changes_are_paged_oldest_first(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let alice = world.actor("alice").await;
    for number in 0..7 {
        world.actor(&format!("user{number}")).await;
    }
    for number in [3, 1, 4, 0, 5, 6, 2, 1] {
        world.send(alice, &to(&format!("user{number}")), "x").await.unwrap();
    }
    let row = |number: u64, head| (format!("u:user{number}"), head);
    let all = vec![row(3, 1), row(4, 1), row(0, 1), row(5, 1), row(6, 1), row(2, 1), row(1, 2)];
    let (rows, token) = since(&world, alice, 0, 3).await;
    assert_eq!(rows, all);
    assert_eq!(token, world.store.watermark().await.unwrap().0);
    assert_eq!(since(&world, alice, token, 3).await, (vec![], token));
    world.send(alice, &to("user4"), "y").await.unwrap();
    assert_eq!(since(&world, alice, token, 3).await.0, [row(4, 2)]);
    let ahead = since(&world, alice, u64::MAX, 3).await;
    assert_eq!(ahead, (vec![], u64::MAX), "a token never goes back");
}

pub async fn the_list_is_paged_newest_first(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let alice = world.actor("alice").await;
    for number in 0..5 {
        world.actor(&format!("user{number}")).await;
        world.send(alice, &to(&format!("user{number}")), "x").await.unwrap();
    }
    world.send(alice, &to("user0"), "again").await.unwrap();
    let (mut before, mut seen) = (None, Vec::new());
    loop {
        let page = world.store.conversations(alice, ListPage::Before(before), 2).await.unwrap();
        seen.extend(page.conversations.iter().map(|row| row.at.to_string()));
        before = Some(page.token);
        if !page.more {
            break;
        }
    }
    assert_eq!(seen, ["u:user0", "u:user4", "u:user3", "u:user2", "u:user1"]);
}

pub async fn nothing_is_missed_while_writes_go_on(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    let mut names = Vec::new();
    for number in 0..20 {
        let name = format!("group{number}");
        world.found(alice, &name, &["bob"]).await.unwrap();
        names.push(name);
    }
    let batches: Vec<Vec<_>> = (0..300)
        .map(|round| {
            let name = &names[round * 7 % names.len()];
            let entry = super::world::text(&at(name), world.client_id(), "x");
            vec![world.wish(alice, entry)]
        })
        .collect();
    let store = std::sync::Arc::clone(&world.store);
    let writer = tokio::spawn(async move {
        for batch in batches {
            store.append(batch);
            tokio::task::yield_now().await;
        }
    });
    let (mut token, mut heads, mut written) = (0, BTreeMap::new(), 0);
    while written < 300 {
        let (rows, next) = since(&world, bob, token, 3).await;
        token = next;
        for (place, head) in rows {
            assert!(heads.insert(place, head).is_none_or(|before| before <= head));
        }
        written += world.outcomes().await.len();
    }
    writer.await.unwrap();
    heads.extend(since(&world, bob, token, 3).await.0);
    for name in &names {
        let head = world.log(bob, &at(name)).await.len() as u64;
        assert_eq!(heads.get(&format!("g:{name}")), Some(&head), "{name}");
    }
}

pub async fn reads_and_memberships_are_changes(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    world.found(alice, "geese", &["bob"]).await.unwrap();
    world.send(alice, &at("geese"), "x").await.unwrap();
    world.send(alice, &to("bob"), "x").await.unwrap();
    let token = world.store.watermark().await.unwrap().0;

    world.store.read(bob.user, &at("geese"), Seq(2)).await.unwrap();
    let (rows, token_bob) = since(&world, bob, token, 9).await;
    assert_eq!(rows, [("g:geese".into(), 2)], "bob's other devices learn of it");
    assert_eq!(since(&world, alice, token, 9).await.0, [], "others in a group do not");

    world.store.read(bob.user, &to("alice"), Seq(1)).await.unwrap();
    assert_eq!(since(&world, bob, token_bob, 9).await.0, [("u:alice".into(), 1)]);
    let (rows, token) = since(&world, alice, token, 9).await;
    assert_eq!(rows, [("u:bob".into(), 1)], "the other side sees it in its list");
    assert_eq!(row(&world, alice, &to("bob")).await.peer_read, Seq(1));

    world.expel(alice, "geese", &["bob"]).await.unwrap();
    let (rows, token_out) = since(&world, bob, token, 9).await;
    assert_eq!(rows, [("g:geese".into(), 3)]);
    let out = row(&world, bob, &at("geese")).await;
    assert!(!out.member);
    world.send(alice, &at("geese"), "secret").await.unwrap();
    assert_eq!(since(&world, bob, token_out, 9).await.0, [], "nothing after the removal");
    assert_eq!(row(&world, bob, &at("geese")).await, out);

    world.invite(alice, "geese", &["bob"], GroupRole::Member).await.unwrap();
    assert_eq!(since(&world, bob, token_out, 9).await.0, [("g:geese".into(), 5)]);
    let back = row(&world, bob, &at("geese")).await;
    assert!(back.member);
    assert_eq!(back.unread, 0, "what was said in between is not unread");
    assert_eq!(back.last, None, "nor shown");
}

pub async fn a_row_shows_the_newest_message_and_the_other_side(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    let sent = world.send(alice, &to("bob"), "hi").await.unwrap();
    world.store.delivered(vec![(bob, sent.sent.conv, Seq(1))]).await.unwrap();
    let seen = row(&world, alice, &to("bob")).await;
    assert_eq!((&*seen.title, seen.member, seen.conv), ("bob!", true, sent.sent.conv));
    assert_eq!(seen.last.as_deref(), Some(&*sent.message));
    assert_eq!((seen.peer_delivered, seen.peer_read, seen.read), (Seq(1), Seq(0), Seq(1)));

    world.found(alice, "geese", &["bob"]).await.unwrap();
    let empty = row(&world, bob, &at("geese")).await;
    assert_eq!((&*empty.title, empty.last, empty.head), ("geese!", None, Seq(1)));
    let said = world.send(alice, &at("geese"), "honk").await.unwrap();
    world.expel(bob, "geese", &["bob"]).await.unwrap();
    world.send(alice, &at("geese"), "secret").await.unwrap();
    let left = row(&world, bob, &at("geese")).await;
    assert_eq!(left.last.as_deref(), Some(&*said.message), "events are not shown");
    assert_eq!((left.head, left.member), (Seq(3), false));

    let note = world.send(alice, &to("alice"), "milk").await.unwrap();
    let own = row(&world, alice, &to("alice")).await;
    assert_eq!((own.peer_read, own.last.as_deref()), (Seq(0), Some(&*note.message)));
}
