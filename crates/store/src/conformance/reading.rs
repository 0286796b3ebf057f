//! What a user may see, and in which pages.

use anser_domain::{GroupRole, HistoryRange, Refusal, Seq};

use super::{
    StoreRig,
    world::{World, at, bodies, seqs, to},
};

pub async fn pages_follow_one_another_without_a_gap(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    for number in 1..=25 {
        world.send(alice, &to("bob"), &number.to_string()).await.unwrap();
    }
    let conv = world.store.acl(bob.user, &to("alice")).await.unwrap().conv;
    let (mut after, mut seen) = (0, Vec::new());
    loop {
        let page = world.pull(bob, conv, Some(after), 10).await.unwrap();
        assert_eq!((page.conv, &page.at, page.head), (conv, &to("alice"), Seq(25)));
        assert_eq!(page.after, Seq(after));
        seen.extend(seqs(&page));
        after = page.messages.last().unwrap().seq.0;
        assert_eq!(page.more, after < 25);
        if !page.more {
            break;
        }
    }
    assert_eq!(seen, (1..=25).collect::<Vec<_>>());
    let end = world.pull(bob, conv, Some(25), 10).await.unwrap();
    assert!(end.messages.is_empty() && !end.more && end.after == Seq(25));
}

pub async fn who_was_removed_sees_up_to_the_removal(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    let conv = world.found(alice, "geese", &[]).await.unwrap().sent.conv;
    world.send(alice, &at("geese"), "before").await.unwrap();
    world.invite(alice, "geese", &["bob"], GroupRole::Member).await.unwrap();
    world.send(alice, &at("geese"), "inside").await.unwrap();
    world.expel(alice, "geese", &["bob"]).await.unwrap();
    world.send(alice, &at("geese"), "after").await.unwrap();
    for again in [false, true] {
        // From its joining entry (3) to its removing one (5), by every way of reading.
        for after in [None, Some(0), Some(2)] {
            let page = world.pull(bob, conv, after, 100).await.unwrap();
            assert_eq!((seqs(&page), page.head, page.more), (vec![3, 4, 5], Seq(5), false));
            assert_eq!(page.after, Seq(2));
        }
        let latest = HistoryRange::Latest { limit: 100 };
        let page = world.store.history(bob.user, &at("geese"), latest).await.unwrap();
        assert_eq!((seqs(&page), page.head), (vec![3, 4, 5], Seq(5)));
        assert!(world.pull(bob, conv, Some(5), 100).await.unwrap().messages.is_empty());
        assert!(world.pull(bob, conv, Some(500), 100).await.unwrap().messages.is_empty());
        if !again {
            world = world.reopen(rig).await;
        }
    }
}

pub async fn who_comes_back_sees_two_intervals(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    let conv = world.found(alice, "geese", &["bob"]).await.unwrap().sent.conv;
    world.send(alice, &at("geese"), "one").await.unwrap();
    world.store.delivered(vec![(bob, conv, Seq(2))]).await.unwrap();
    world.expel(alice, "geese", &["bob"]).await.unwrap();
    world.send(alice, &at("geese"), "secret").await.unwrap();
    world.invite(alice, "geese", &["bob"], GroupRole::Member).await.unwrap();
    world.send(alice, &at("geese"), "two").await.unwrap();

    let first = world.pull(bob, conv, Some(0), 100).await.unwrap();
    assert_eq!((seqs(&first), first.more, first.head), (vec![1, 2, 3], true, Seq(6)));
    let second = world.pull(bob, conv, Some(3), 100).await.unwrap();
    assert_eq!((seqs(&second), second.more), (vec![5, 6], false));
    assert_eq!(second.after, Seq(4), "clamped to where the second interval begins");
    // The device had 2; it is still owed the removal before it goes on.
    assert_eq!(seqs(&world.pull(bob, conv, None, 100).await.unwrap()), [3]);

    let latest = HistoryRange::Latest { limit: 100 };
    let page = world.store.history(bob.user, &at("geese"), latest).await.unwrap();
    assert_eq!((seqs(&page), page.more), (vec![5, 6], true));
    let before = HistoryRange::Before { seq: Seq(5), limit: 2 };
    let page = world.store.history(bob.user, &at("geese"), before).await.unwrap();
    assert_eq!((seqs(&page), page.more), (vec![2, 3], true));
    let inside_gap = HistoryRange::Before { seq: Seq(2), limit: 2 };
    let page = world.store.history(bob.user, &at("geese"), inside_gap).await.unwrap();
    assert_eq!((seqs(&page), page.more), (vec![1], false));
}

pub async fn strangers_see_nothing(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, eve) = (world.actor("alice").await, world.actor("eve").await);
    world.actor("bob").await;
    let group = world.found(alice, "geese", &["bob"]).await.unwrap().sent.conv;
    let direct = world.send(alice, &to("bob"), "psst").await.unwrap().sent.conv;
    for conv in [group, direct] {
        let refused: Refusal = world.pull(eve, conv, Some(0), 10).await.unwrap_err().into();
        assert_eq!(refused, Refusal::NotMember);
    }
    for place in [at("geese"), to("bob"), to("eve"), at("nowhere"), to("nobody")] {
        assert_eq!(world.log(eve, &place).await, [Refusal::NotMember.to_string()], "{place}");
        let refused: Refusal = world.store.acl(eve.user, &place).await.unwrap_err().into();
        assert_eq!(refused, Refusal::NotMember, "{place}");
    }
}

pub async fn history_reads_back_and_forth(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let alice = world.actor("alice").await;
    for number in 1..=10 {
        world.send(alice, &to("alice"), &number.to_string()).await.unwrap();
    }
    let store = std::sync::Arc::clone(&world.store);
    let read = |range| {
        let store = std::sync::Arc::clone(&store);
        async move {
            let page = store.history(alice.user, &to("alice"), range).await.unwrap();
            (bodies(&page).join(" "), page.after.0, page.more)
        }
    };
    let page = |text: &str, after, more| (text.to_owned(), after, more);
    let before = |seq, limit| HistoryRange::Before { seq: Seq(seq), limit };
    let after = |seq, limit| HistoryRange::After { seq: Seq(seq), limit };
    assert_eq!(read(HistoryRange::Latest { limit: 3 }).await, page("8 9 10", 7, true));
    assert_eq!(read(before(8, 3)).await, page("5 6 7", 4, true));
    assert_eq!(read(before(3, 3)).await, page("1 2", 0, false));
    assert_eq!(read(before(1, 3)).await, page("", 0, false));
    assert_eq!(read(after(0, 3)).await, page("1 2 3", 0, true));
    assert_eq!(read(after(8, 3)).await, page("9 10", 8, false));
    assert_eq!(read(after(10, 3)).await, page("", 10, false));
}

pub async fn pages_of_long_messages_end_early(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let alice = world.actor("alice").await;
    let body = "x".repeat(300_000);
    let mut conv = None;
    for _ in 0..10 {
        conv = Some(world.send(alice, &to("alice"), &body).await.unwrap().sent.conv);
    }
    let page = world.pull(alice, conv.unwrap(), Some(0), 100).await.unwrap();
    assert!(!page.messages.is_empty() && page.messages.len() < 10, "{}", page.messages.len());
    assert!(page.more);
    assert_eq!(seqs(&page), (1..=page.messages.len() as u64).collect::<Vec<_>>());
    let latest = HistoryRange::Latest { limit: 100 };
    let page = world.store.history(alice.user, &to("alice"), latest).await.unwrap();
    assert!(page.more && page.messages.last().unwrap().seq == Seq(10));
}

pub async fn a_pull_starts_at_the_devices_cursor(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    for number in 1..=5 {
        world.send(alice, &to("bob"), &number.to_string()).await.unwrap();
    }
    let tablet = world.device("bob", "tablet").await;
    let conv = world.store.acl(bob.user, &to("alice")).await.unwrap().conv;
    assert_eq!(seqs(&world.pull(bob, conv, None, 9).await.unwrap()), [1, 2, 3, 4, 5]);
    world.store.delivered(vec![(bob, conv, Seq(3))]).await.unwrap();
    assert_eq!(seqs(&world.pull(bob, conv, None, 9).await.unwrap()), [4, 5]);
    let page = world.pull(tablet, conv, None, 9).await.unwrap();
    assert_eq!((seqs(&page), page.after), (vec![], Seq(5)), "a new device starts at the head");
    world.send(alice, &to("bob"), "6").await.unwrap();
    assert_eq!(seqs(&world.pull(tablet, conv, None, 9).await.unwrap()), [6]);
    let pulls = world.store.pull(Vec::new()).await;
    assert!(pulls.is_empty());
}
