//! Moving in and out: what comes in goes out the same, comes in once, and wakes nobody.

use anser_domain::{ClientId, GroupRole, HistoryRange, ItemKey, Kind, MessageId, Millis, Refusal};
use anser_domain::{Role, Search, Seq};

use super::{
    StoreRig,
    world::{World, at, bodies, group, keys, seqs, text, to, user},
};
use crate::{EntryRecord, GroupRecord, ListPage, MovingPlace, Place, Record, UserRecord};

/// A day before the tests begin.
const THEN: i64 = 1_800_000_000_000 - 86_400_000;

fn person(name: &str, disabled: bool) -> Record {
    Record::User(UserRecord {
        name: user(name),
        display_name: format!("{name}!").into(),
        role: Role::User,
        disabled,
        keys: keys(7),
    })
}

fn friend(name: &str, other: &str, remark: &str) -> Record {
    Record::Friend {
        user: user(name),
        friend: user(other),
        remark: remark.into(),
        lists: Vec::new(),
        since: Millis(THEN),
    }
}

fn entry(place: Place, seq: u64, from: &str, kind: Kind, body: &str) -> EntryRecord {
    EntryRecord {
        place,
        seq: Some(Seq(seq)),
        from: user(from),
        at: Millis(THEN + i64::try_from(seq).unwrap()),
        client_id: ClientId([u8::try_from(seq).unwrap(); 16]),
        kind: kind.number(),
        body: body.into(),
        reply_to: None,
        mentions: Vec::new(),
        payload: None,
        extra: None,
        reactions: Vec::new(),
        pinned: None,
    }
}

/// Everything of a small server, in the order in which it goes out.
fn everything() -> Vec<Record> {
    let geese = || Place::Group(group("geese"));
    let direct = || Place::Direct(user("alice"), user("bob"));
    let liked = EntryRecord {
        extra: Some(r#"{"reactions":[["+1",1]]}"#.into()),
        reactions: vec![("+1".into(), user("bob"), Seq(3))],
        ..entry(geese(), 2, "alice", Kind::Text, "the wild goose flies south")
    };
    let recalled = EntryRecord {
        extra: Some(r#"{"recalled":true}"#.into()),
        ..entry(direct(), 1, "bob", Kind::Text, "")
    };
    let entries = [
        entry(geese(), 1, "alice", Kind::Event, r#"{"created":[["alice",3],["bob",1]]}"#),
        liked,
        entry(geese(), 3, "bob", Kind::Event, r#"{"reacted":[2,"+1",true]}"#),
        recalled,
        EntryRecord {
            reply_to: Some(Seq(1)),
            ..entry(direct(), 2, "alice", Kind::Text, "never mind")
        },
    ];
    let mut all = vec![
        person("alice", false),
        person("bob", false),
        person("carol", true),
        Record::Item {
            user: user("alice"),
            key: ItemKey::new("draft/1").unwrap(),
            value: "{}".into(),
        },
        friend("alice", "bob", "Bobby"),
        friend("bob", "alice", ""),
        Record::Block { user: user("alice"), blocked: user("carol"), since: Millis(THEN) },
        Record::Group(GroupRecord {
            name: group("geese"),
            title: "Geese".into(),
            description: "who fly".into(),
            avatar: "".into(),
            announcement: "".into(),
            policy: Some(236),
            owner: user("alice"),
            created: Millis(THEN),
            from: Seq(1),
        }),
        Record::Member {
            group: group("geese"),
            user: user("bob"),
            role: GroupRole::Member,
            from: Seq(1),
        },
    ];
    all.extend(entries.map(|it| Record::Entry(Box::new(it))));
    all
}

impl World {
    /// Everything, in parts of `limit`.
    async fn exported(&self, limit: u16) -> Vec<Record> {
        let (mut all, mut from) = (Vec::new(), Some(MovingPlace::default()));
        while let Some(place) = from {
            let (part, next) = self.store.export(place, limit).await.unwrap();
            all.extend(part);
            from = next;
        }
        all
    }

    async fn moved(&self, records: Vec<Record>) -> Vec<Result<bool, Refusal>> {
        self.store.import(records).await.unwrap()
    }
}

pub async fn what_moves_in_moves_out_and_comes_once(rig: &dyn StoreRig) {
    let world = World::new(rig).await;
    let all = everything();
    for (record, done) in all.iter().zip(world.moved(all.clone()).await) {
        // That bob is alice's friend too is known once alice is his.
        let known = *record == friend("bob", "alice", "");
        assert_eq!(done, Ok(!known), "{record:?}");
    }
    assert_eq!(world.exported(500).await, all);
    assert_eq!(world.exported(1).await, all);
    assert!(world.moved(all.clone()).await.into_iter().all(|it| it == Ok(false)));
    assert_eq!(world.exported(500).await, all);
    let kept = world.store.user(&user("carol")).await.unwrap().unwrap();
    assert_eq!((kept.disabled, kept.keys), (true, keys(7)));
}

pub async fn what_moved_in_is_read_and_found_and_told_to_nobody(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    world.actor("dora").await;
    while world.store.index().await.unwrap() {}
    world.moved(everything()).await;
    while world.store.index().await.unwrap() {}
    let alice = world.device("alice", "phone").await;
    let latest = HistoryRange::Latest { limit: 10 };
    let page = world.store.history(alice.user, &at("geese"), latest).await.unwrap();
    assert_eq!((seqs(&page), page.head), (vec![1, 2, 3], Seq(3)));
    assert_eq!(page.messages[1].ts, Millis(THEN + 2), "it keeps its time");
    let page = world.store.history(alice.user, &to("bob"), latest).await.unwrap();
    assert_eq!(seqs(&page), [1, 2]);
    assert_eq!(bodies(&page).last().unwrap(), "never mind");
    let search = Search { query: "goose".into(), at: None, before: None, limit: 9 };
    assert_eq!(world.store.search(alice.user, &search).await.unwrap().hits.len(), 1);
    let list = world.store.conversations(alice, ListPage::Before(None), 10).await;
    assert!(list.unwrap().conversations.iter().all(|row| row.unread == 0), "nothing is unread");
    let tail = world.store.tail(MessageId(0), 1_000).await.unwrap();
    assert!(tail.items.is_empty(), "{:?}", tail.items);

    // The log goes on.
    let hello = text(&to("bob"), world.client_id(), "hello");
    assert_eq!(world.put(alice, hello).await.unwrap().sent.seq, Seq(3));
    assert_eq!(world.store.tail(MessageId(0), 1_000).await.unwrap().items.len(), 1);
}

pub async fn members_who_move_in_together_are_one_version(rig: &dyn StoreRig) {
    let world = World::new(rig).await;
    let names: Vec<String> = (0..100).map(|n| format!("goose{n}")).collect();
    let mut all = everything();
    all.truncate(8);
    all.extend(names.iter().map(|name| person(name, false)));
    world.moved(all).await;
    let alice = world.device("alice", "phone").await;
    let acl = async || world.store.acl(alice.user, &at("geese")).await.unwrap();
    let before = acl().await.version;
    let coming = |name: &str, role| Record::Member {
        group: group("geese"),
        user: user(name),
        role,
        from: Seq(1),
    };
    let mut run: Vec<_> = names.iter().map(|name| coming(name, GroupRole::Member)).collect();
    run.insert(7, coming("nobody", GroupRole::Member));
    run.insert(8, coming("alice", GroupRole::Member));
    run.insert(9, coming("bob", GroupRole::Owner));
    run.insert(10, coming("goose0", GroupRole::Member));
    let done = world.moved(run.clone()).await;
    assert!(done[7].is_err() && done[9].is_err(), "{done:?}");
    assert_eq!((&done[8], &done[10]), (&Ok(false), &Ok(false)));
    assert_eq!(done.iter().filter(|it| **it == Ok(true)).count(), 100);
    let after = acl().await;
    assert_eq!((after.version, after.members.len()), (before + 1, 101));
    // Once more: nobody comes, and nothing is another version.
    assert!(world.moved(run).await.iter().all(|it| *it != Ok(true)));
    assert_eq!(acl().await.version, before + 1);
}

pub async fn what_cannot_move_in_stops_nothing_else(rig: &dyn StoreRig) {
    let world = World::new(rig).await;
    world.moved(vec![person("alice", false), person("bob", false)]).await;
    let direct = || Place::Direct(user("alice"), user("bob"));
    let said = |seq, from: &str| entry(direct(), seq, from, Kind::Text, "hi");
    let bad = [
        entry(Place::Group(group("none")), 1, "alice", Kind::Text, "hi"),
        said(2, "alice"),
        said(1, "nobody"),
        EntryRecord { at: Millis(THEN + 2 * 86_400_000), ..said(1, "alice") },
        EntryRecord { at: Millis(-1), ..said(1, "alice") },
        EntryRecord { kind: 77, ..said(1, "alice") },
        EntryRecord { extra: Some("{".into()), ..said(1, "alice") },
        EntryRecord { reply_to: Some(Seq(1)), ..said(1, "alice") },
        entry(direct(), 1, "alice", Kind::Event, "{"),
        entry(Place::Direct(user("bob"), user("bob")), 1, "alice", Kind::Text, "hi"),
    ];
    let before = world.exported(500).await;
    let bad: Vec<_> = bad.into_iter().map(|it| Record::Entry(Box::new(it))).collect();
    assert!(world.moved(bad.clone()).await.iter().all(Result::is_err));
    assert_eq!(world.exported(500).await, before, "a refusal leaves no trace");

    let mut mixed = bad;
    mixed.insert(3, Record::Entry(Box::new(said(1, "alice"))));
    let done = world.moved(mixed).await;
    assert_eq!(done[3], Ok(true));
    assert_eq!(world.exported(500).await.len(), before.len() + 1);
}
