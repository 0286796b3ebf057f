//! Items, friends, requests, blocks, and who is found.

use std::time::Duration;

use anser_domain::{
    Actor, ItemKey, Listing, Refusal, RequestState, Seq, Subject, SyncToken, UserName,
};

use super::{
    StoreRig,
    world::{World, to, user},
};
use crate::{ListPage, NewItem, StoreError, UserChange};

const ALL: Listing = Listing { after: SyncToken(0), gone: false, limit: 100 };

fn since(after: SyncToken) -> Listing {
    Listing { after, gone: true, limit: 100 }
}

fn put(key: &str, value: Option<&str>, expected: Option<u64>) -> Vec<NewItem> {
    let (key, value) = (ItemKey::new(key).unwrap(), value.map(Into::into));
    vec![NewItem { key, value, expected: expected.map(SyncToken) }]
}

fn refused<T: std::fmt::Debug>(result: Result<T, StoreError>) -> Refusal {
    result.unwrap_err().into()
}

pub async fn items_are_versioned_and_compared(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    let store = &world.store;
    assert_eq!(store.personal(alice.user).await.unwrap(), SyncToken(0));
    let first = store.put_items(alice.user, put("draft/u:bob", Some("\"hi\""), Some(0))).await;
    let first = first.unwrap().remove(0);
    assert_eq!(store.personal(alice.user).await.unwrap(), first.version);
    let stale = store.put_items(alice.user, put("draft/u:bob", Some("1"), Some(0))).await;
    assert_eq!(refused(stale), Refusal::VersionMismatch);
    let same = Some(first.version.0);
    let next = store.put_items(alice.user, put("draft/u:bob", Some("2"), same)).await.unwrap();
    assert!(next[0].version > first.version);
    // All or none.
    let mut both = put("a", Some("1"), None);
    both.extend(put("draft/u:bob", Some("3"), same));
    assert_eq!(refused(store.put_items(alice.user, both).await), Refusal::VersionMismatch);
    store.put_items(alice.user, put("settings/x", Some("true"), None)).await.unwrap();
    let keys = |page: anser_domain::ItemPage| {
        page.items.iter().map(|item| item.key.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(
        keys(store.items(alice.user, "", ALL).await.unwrap()),
        ["draft/u:bob", "settings/x"]
    );
    assert_eq!(keys(store.items(alice.user, "draft/", ALL).await.unwrap()), ["draft/u:bob"]);
    assert_eq!(keys(store.items(alice.user, "draft_", ALL).await.unwrap()), [""; 0]);
    assert_eq!(keys(store.items(bob.user, "", ALL).await.unwrap()), [""; 0]);
    let page = store.items(alice.user, "", Listing { limit: 1, ..ALL }).await.unwrap();
    assert_eq!((page.more, page.token), (true, page.items[0].version));
    world = world.reopen(rig).await;
    let key = ItemKey::new("draft/u:bob").unwrap();
    let kept = world.store.item(alice.user, &key).await.unwrap().unwrap();
    assert_eq!(kept, next[0]);
    assert_eq!(world.store.item(bob.user, &key).await.unwrap(), None);
}

pub async fn removed_items_are_told_to_who_was_away(rig: &dyn StoreRig) {
    let world = World::new(rig).await;
    let alice = world.actor("alice").await;
    let made = world.store.put_items(alice.user, put("k", Some("1"), None)).await.unwrap();
    let gone = world.store.put_items(alice.user, put("k", None, None)).await.unwrap();
    assert!(world.store.items(alice.user, "", ALL).await.unwrap().items.is_empty());
    let page = world.store.items(alice.user, "", since(made[0].version)).await.unwrap();
    assert_eq!((&page.items, page.token), (&gone, gone[0].version));
    // What is gone is not there, whatever its row says.
    world.store.put_items(alice.user, put("k", Some("2"), Some(0))).await.unwrap();
}

pub async fn items_are_bounded(rig: &dyn StoreRig) {
    let world = World::new(rig).await;
    let alice = world.actor("alice").await;
    let large = format!("\"{}\"", "x".repeat(64 * 1024 - 2));
    let mut full = None;
    for n in 0..80 {
        let key = format!("k/{n}");
        if let Err(error) = world.store.put_items(alice.user, put(&key, Some(&large), None)).await {
            full = Some((n, Refusal::from(error)));
            break;
        }
    }
    let (n, why) = full.expect("4 MiB are full some time");
    assert!(matches!(why, Refusal::TooLarge(_)), "{why}");
    assert!((60..64).contains(&n), "{n}");
    world.store.put_items(alice.user, put("k/0", None, None)).await.unwrap();
    world.store.put_items(alice.user, put("k/new", Some("1"), None)).await.unwrap();
}

async fn friends_of(world: &World, actor: Actor) -> Vec<String> {
    let page = world.store.friends(actor.user, ALL).await.unwrap();
    page.rows.iter().map(|row| row.friend.user.to_string()).collect()
}

pub async fn requests_make_friends_and_both_are_told(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    let store = &world.store;
    assert_eq!(
        refused(store.request(alice.user, &user("alice"), "".into()).await),
        Refusal::Invalid("nobody can be their own friend")
    );
    assert_eq!(
        refused(store.request(alice.user, &user("zoe"), "".into()).await),
        Refusal::NoSuchUser
    );
    let asked = store.request(alice.user, &user("bob"), "it is me".into()).await.unwrap();
    assert_eq!(asked.request.state, RequestState::Pending);
    let told: Vec<_> = asked.told.iter().map(|told| (told.user, told.subject)).collect();
    assert_eq!(told, [(alice.user, Subject::Requests), (bob.user, Subject::Requests)]);
    for who in [alice, bob] {
        let page = store.requests(who.user, ALL).await.unwrap();
        assert_eq!(page.requests, std::slice::from_ref(&asked.request));
        assert_eq!(store.personal(who.user).await.unwrap(), asked.request.version);
    }
    let again = store.request(alice.user, &user("bob"), "please".into()).await.unwrap();
    assert_eq!((again.request.id, again.told.len()), (asked.request.id, 0));
    let own = store.answer(alice.user, asked.request.id, true).await;
    assert!(matches!(refused(own), Refusal::NoSuch(_)), "nobody answers their own");
    let done = store.answer(bob.user, asked.request.id, true).await.unwrap();
    assert_eq!((done.request.state, done.other), (RequestState::Accepted, alice.user));
    assert_eq!(done.told.len(), 4, "{:?}", done.told);
    let twice = store.answer(bob.user, asked.request.id, false).await;
    assert!(matches!(refused(twice), Refusal::NoSuch(_)));
    assert!(store.requests(bob.user, ALL).await.unwrap().requests.is_empty());
    let news = store.requests(alice.user, since(asked.request.version)).await.unwrap();
    assert_eq!(news.requests, [done.request]);
    let more = store.request(bob.user, &user("alice"), "".into()).await;
    assert_eq!(refused(more), Refusal::Invalid("you are friends already"));
    world = world.reopen(rig).await;
    assert_eq!(friends_of(&world, alice).await, ["bob"]);
    assert_eq!(friends_of(&world, bob).await, ["alice"]);
    let (shows, watchers) = world.store.watchers(alice.user, 10).await.unwrap();
    assert_eq!((shows, watchers[0].id, watchers[0].shows), (true, bob.user, true));
    let nobody = put("privacy/presence", Some("\"nobody\""), None);
    world.store.put_items(bob.user, nobody).await.unwrap();
    assert!(!world.store.watchers(alice.user, 10).await.unwrap().1[0].shows);
    assert!(!world.store.watchers(bob.user, 10).await.unwrap().0);
}

pub async fn requests_that_cross_make_friends(rig: &dyn StoreRig) {
    let world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    let one = world.store.request(alice.user, &user("bob"), "".into()).await.unwrap();
    let other = world.store.request(bob.user, &user("alice"), "".into()).await.unwrap();
    assert_eq!((other.request.id, other.request.state), (one.request.id, RequestState::Accepted));
    assert_eq!(friends_of(&world, bob).await, ["alice"]);
}

pub async fn requests_end_by_themselves(rig: &dyn StoreRig) {
    let world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    let asked = world.store.request(alice.user, &user("bob"), "".into()).await.unwrap();
    let back = world.store.withdraw(bob.user, asked.request.id).await;
    assert!(matches!(refused(back), Refusal::NoSuch(_)), "it is not bob's to take back");
    world.store.withdraw(alice.user, asked.request.id).await.unwrap();
    let asked = world.store.request(alice.user, &user("bob"), "".into()).await.unwrap();
    world.clock.advance(Duration::from_secs(31 * 24 * 3600));
    let late = world.store.answer(bob.user, asked.request.id, true).await;
    assert!(matches!(refused(late), Refusal::NoSuch(_)));
    world.store.prune(anser_domain::Clock::wall(&*world.clock)).await.unwrap();
    let news = world.store.requests(bob.user, since(asked.request.version)).await.unwrap();
    assert_eq!(news.requests[0].state, RequestState::Expired);
}

pub async fn friends_are_edited_and_parted(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    world.send(alice, &to("bob"), "1").await.unwrap();
    world.store.befriend(alice.user, bob.user).await.unwrap();
    assert!(world.store.befriend(alice.user, bob.user).await.unwrap().is_empty());
    let friends = world.send(alice, &to("bob"), "2").await.unwrap();
    assert!(friends.acl.bond.friends);
    let lists = Some(vec!["work".into(), "鸿".into()]);
    let bobby = user("bob");
    let edit = world.store.edit_friend(alice.user, &bobby, Some("Bobby".into()), lists);
    let (row, told) = edit.await.unwrap();
    assert_eq!((&*row.friend.remark, row.friend.lists.len(), told.len()), ("Bobby", 2, 1));
    let kept = world.store.edit_friend(alice.user, &user("bob"), None, None).await.unwrap().0;
    assert_eq!((&*kept.friend.remark, kept.friend.lists.len()), ("Bobby", 2));
    let theirs = world.store.friends(bob.user, ALL).await.unwrap();
    assert_eq!(&*theirs.rows[0].friend.remark, "", "what alice says is hers");
    world.store.unfriend(bob.user, &user("alice")).await.unwrap();
    let none = world.store.unfriend(bob.user, &user("alice")).await;
    assert!(matches!(refused(none), Refusal::NoSuch(_)));
    assert_eq!(friends_of(&world, alice).await, [""; 0]);
    let news = world.store.friends(alice.user, since(kept.friend.version)).await.unwrap();
    assert!(news.rows[0].friend.gone && news.rows[0].friend.remark.is_empty());
    let parted = world.send(alice, &to("bob"), "3").await.unwrap();
    assert!(!parted.acl.bond.friends && parted.acl.version > friends.acl.version);
}

pub async fn a_block_bars_both_ways_at_once(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    world.store.befriend(alice.user, bob.user).await.unwrap();
    let before = world.send(bob, &to("alice"), "1").await.unwrap();
    assert!(before.acl.bond.blockers.is_empty());
    let (other, told) = world.store.block(alice.user, &user("bob"), true).await.unwrap();
    assert_eq!((other, told.len()), (bob.user, 3), "a block and two lists of friends");
    assert!(world.store.block(alice.user, &user("bob"), true).await.unwrap().1.is_empty());
    assert_eq!(friends_of(&world, bob).await, [""; 0]);
    let after = world.send(bob, &to("alice"), "2").await.unwrap();
    assert!(after.acl.version > before.acl.version);
    assert_eq!(after.acl.bond.blockers, [alice.user], "the gate is told, and may refuse");
    let read = world.store.acl(bob.user, &to("alice")).await.unwrap();
    assert_eq!(read.bond, after.acl.bond);
    for (who, whom) in [(alice, "bob"), (bob, "alice")] {
        let asked = world.store.request(who.user, &user(whom), "".into()).await;
        assert_eq!(refused(asked), Refusal::Forbidden);
    }
    let blocks = world.store.blocks(alice.user, ALL).await.unwrap();
    assert_eq!(blocks.blocks[0].user.as_str(), "bob");
    let relation = world.store.relation(bob.user, alice.user).await.unwrap();
    assert!(relation.blocked && !relation.blocks && !relation.friends);
    world = world.reopen(rig).await;
    let still = world.send(bob, &to("alice"), "3").await.unwrap();
    assert_eq!(still.acl.bond.blockers, [alice.user]);
    world.store.block(alice.user, &user("bob"), false).await.unwrap();
    let free = world.send(bob, &to("alice"), "4").await.unwrap();
    assert!(free.acl.bond.blockers.is_empty() && free.acl.version > still.acl.version);
    let news = world.store.blocks(alice.user, since(blocks.token)).await.unwrap();
    assert!(news.blocks[0].gone);
}

pub async fn a_block_counts_before_the_first_message(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    let asked = world.store.request(bob.user, &user("alice"), "".into()).await.unwrap();
    world.store.block(alice.user, &user("bob"), true).await.unwrap();
    let late = world.store.answer(alice.user, asked.request.id, true).await;
    assert!(matches!(refused(late), Refusal::NoSuch(_)), "the request went with the block");
    world.gate.rule(
        |acl, _, _| {
            if acl.bond.blockers.is_empty() { Ok(()) } else { Err(Refusal::Forbidden) }
        },
    );
    assert_eq!(world.send(bob, &to("alice"), "1").await.unwrap_err(), Refusal::Forbidden);
    let none = world.store.conversations(bob, ListPage::Before(None), 10).await.unwrap();
    assert!(none.conversations.is_empty(), "no trace");
    world.store.block(alice.user, &user("bob"), false).await.unwrap();
    world.send(bob, &to("alice"), "1").await.unwrap();
}

pub async fn a_block_hides_receipts(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    world.send(alice, &to("bob"), "1").await.unwrap();
    world.store.read(bob.user, &to("alice"), Seq(1)).await.unwrap();
    let seen = async |world: &World, actor| {
        let list = world.store.conversations(actor, ListPage::Before(None), 10).await.unwrap();
        list.conversations[0].peer_read
    };
    assert_eq!(seen(&world, alice).await, Seq(1));
    world.store.block(alice.user, &user("bob"), true).await.unwrap();
    assert_eq!(seen(&world, alice).await, Seq(0));
    assert_eq!(seen(&world, bob).await, Seq(0));
}

pub async fn users_are_found_by_words(rig: &dyn StoreRig) {
    let world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    let goose = world.actor("goose-1").await;
    let name = UserChange::DisplayName("Wild 鸿雁来 Goose".into());
    world.store.change_user(goose.user, name).await.unwrap();
    let find = async |question: &str| {
        let words = anser_domain::asked_words(question);
        let found = world.store.users_by_words(alice.user, words, None, 10).await.unwrap();
        found.into_iter().map(|row| row.name).collect::<Vec<UserName>>()
    };
    for hit in ["goose", "Wild", "goo wild", "鸿雁", "雁", "来", "goose-1"] {
        assert_eq!(find(hit).await, [user("goose-1")], "{hit}");
    }
    for miss in ["oose", "wild alice", "鸿来", "", "%", "\""] {
        assert_eq!(find(miss).await, [], "{miss}");
    }
    assert_eq!(find("bob").await, [user("bob")]);
    let rename = UserChange::DisplayName("Tame".into());
    world.store.change_user(goose.user, rename).await.unwrap();
    assert_eq!(find("wild").await, []);
    assert_eq!(find("goose").await, [user("goose-1")], "by name still");
    world.store.block(bob.user, &user("alice"), true).await.unwrap();
    assert_eq!(find("bob").await, [], "not by those whom they block");
    let hide = put("privacy/search", Some("\"nobody\""), None);
    world.store.put_items(goose.user, hide).await.unwrap();
    assert_eq!(find("goose").await, []);
    world.store.put_items(goose.user, put("privacy/search", None, None)).await.unwrap();
    world.store.change_user(goose.user, UserChange::Disabled(true)).await.unwrap();
    assert_eq!(find("goose").await, []);
}

fn about(text: &str) -> Vec<NewItem> {
    put("profile/about", Some(&format!("\"{text}\"")), None)
}

pub async fn friends_find_a_changed_profile_since_their_last_token(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    let (carol, dora) = (world.actor("carol").await, world.actor("dora").await);
    for friend in [bob, carol, dora] {
        world.store.befriend(alice.user, friend.user).await.unwrap();
    }
    world.store.befriend(bob.user, carol.user).await.unwrap();
    world.store.unfriend(alice.user, &user("dora")).await.unwrap();
    world.store.block(dora.user, &user("alice"), true).await.unwrap();
    let mut before = Vec::new();
    for who in [bob, carol, dora] {
        before.push(world.store.friends(who.user, since(SyncToken(0))).await.unwrap().token);
    }
    let quiet = world.store.personal(dora.user).await.unwrap();

    let changed = world.store.edit_profile(alice.user, Some("Alice".into()), about("Flies")).await;
    let changed = changed.unwrap();
    let mut told = changed.friends;
    told.sort_unstable();
    assert_eq!(told, [bob.user, carol.user]);
    world = world.reopen(rig).await;
    for (who, token) in [(bob, before[0]), (carol, before[1])] {
        let news = world.store.friends(who.user, since(token)).await.unwrap();
        let seen = |row: &crate::FriendRow| {
            (row.friend.user.to_string(), row.friend.display_name.to_string())
        };
        let rows: Vec<_> = news.rows.iter().map(seen).collect();
        assert_eq!(rows, [("alice".to_owned(), "Alice".to_owned())], "and of nobody else");
        assert_eq!((news.token, news.rows[0].friend.version), (changed.at, changed.at));
        assert_eq!(world.store.personal(who.user).await.unwrap(), changed.at);
    }
    assert_eq!(world.store.personal(alice.user).await.unwrap(), changed.at);
    assert!(world.store.friends(dora.user, since(before[2])).await.unwrap().rows.is_empty());
    assert_eq!(world.store.personal(dora.user).await.unwrap(), quiet);

    // An administrator who renames someone is no exception.
    let rename = UserChange::DisplayName("Anna".into());
    world.store.change_user(alice.user, rename).await.unwrap();
    let news = world.store.friends(bob.user, since(changed.at)).await.unwrap();
    assert_eq!(&*news.rows[0].friend.display_name, "Anna");
}

pub async fn a_profile_changes_as_a_whole_or_not_at_all(rig: &dyn StoreRig) {
    let world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    world.store.befriend(alice.user, bob.user).await.unwrap();
    let before = world.store.personal(bob.user).await.unwrap();
    let stale = put("profile/about", Some("1"), Some(7));
    let refusal = world.store.edit_profile(alice.user, Some("Alice".into()), stale).await;
    assert_eq!(refused(refusal), Refusal::VersionMismatch);
    let row = world.store.user(&user("alice")).await.unwrap().unwrap();
    assert_ne!(&*row.display_name, "Alice");
    assert_eq!(world.store.personal(bob.user).await.unwrap(), before);
    let nothing = world.store.edit_profile(alice.user, None, Vec::new()).await.unwrap();
    assert!(nothing.friends.is_empty(), "nobody is told of nothing");
    assert_eq!(world.store.personal(bob.user).await.unwrap(), before);
    let nobody = world.store.edit_profile(anser_domain::UserId(99), None, Vec::new()).await;
    assert_eq!(refused(nobody), Refusal::NoSuchUser);
}

pub async fn who_is_anonymised_has_no_name_left_anywhere(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    world.store.befriend(alice.user, bob.user).await.unwrap();
    world.send(bob, &to("alice"), "1").await.unwrap();
    // Everything that remembers names has seen this one.
    let token = world.store.friends(alice.user, since(SyncToken(0))).await.unwrap().token;
    assert_eq!(world.store.watchers(alice.user, 9).await.unwrap().1[0].name, user("bob"));
    let note = crate::Note {
        who: "root".into(),
        what: "user.anonymise",
        whom: "bob".into(),
        address: None,
    };
    let gone = crate::AdminChange::Anonymise(bob.user, false);
    world.store.administer(note, gone).await.unwrap();

    let news = world.store.friends(alice.user, since(token)).await.unwrap();
    let row = &news.rows[0].friend;
    assert!(row.gone && row.user.as_str().starts_with("gone-"), "{row:?}");
    assert_eq!(world.store.personal(alice.user).await.unwrap(), row.version);
    let list = world.store.conversations(alice, ListPage::Before(None), 9).await.unwrap();
    let last = list.conversations[0].last.as_ref().unwrap();
    assert_eq!(last.sender.name, row.user);
    assert!(world.store.user(&user("bob")).await.unwrap().is_none());
    assert_eq!(world.send(alice, &to("bob"), "2").await.unwrap_err(), Refusal::NoSuchUser);
}
