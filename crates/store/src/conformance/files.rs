//! Files: a row before the first byte and after the last, and who may see what an entry carries.

use anser_domain::{
    Actor, Address, Clock as _, Content, EntryChange, FileId, FileName, FileRecord, FileState,
    Found, GroupRole, MediaType, Millis, NewFile, Outgoing, Picture, Piece, Refusal, Thumbnail,
};

use super::{
    StoreRig,
    world::{World, at, to},
};
use crate::{Appended, Entry, FileBounds, FilesBefore, Lease, StoreError};

const BOUNDS: FileBounds = FileBounds { bytes: 1000, files: 4, unfinished: 2 };

fn new(size: u64) -> NewFile {
    NewFile {
        name: FileName::harmless("goose.png"),
        media: Some("image/png".parse().unwrap()),
        size,
        sha256: None,
        public: false,
    }
}

fn piece(at: u64, length: u32) -> Piece {
    Piece { at, length, nonce: u64::MAX - at }
}

fn found() -> Found {
    Found {
        sha256: [9; 32],
        media: MediaType::unknown(),
        picture: Some(Picture { width: 640, height: 480, thumbnail: Some(Thumbnail::Webp) }),
    }
}

fn refusal<T: std::fmt::Debug>(result: Result<T, StoreError>) -> Refusal {
    match result {
        Err(StoreError::Refused(refusal)) => refusal,
        other => panic!("{other:?} is no refusal"),
    }
}

impl World {
    async fn stored(&self, owner: Actor, file: NewFile) -> FileRecord {
        let size = file.size;
        let begun = self.store.begin_file(owner.user, file, BOUNDS).await.unwrap();
        let part = piece(0, u32::try_from(size).unwrap());
        self.store.wrote_file(owner.user, begun.id, part).await.unwrap();
        self.store.finish_file(owner.user, begun.id, found()).await.unwrap()
    }

    async fn post(
        &mut self,
        sender: Actor,
        to: &Address,
        file: FileId,
    ) -> Result<Appended, Refusal> {
        let entry = self.carrying(to, &format!(r#"{{"file":"{file}"}}"#));
        self.put(sender, entry).await
    }

    fn carrying(&self, to: &Address, data: &str) -> Entry {
        Entry::Message(Box::new(Outgoing {
            to: to.clone(),
            client_id: self.client_id(),
            content: Content::File(data.into()),
            reply_to: None,
            mentions: Vec::new(),
            payload: None,
            mentions_all: false,
            forward: None,
        }))
    }

    async fn sees(&self, viewer: Actor, file: FileId) -> bool {
        match self.store.file(viewer.user, file).await {
            Ok(_) => true,
            Err(StoreError::Refused(Refusal::NoSuchFile)) => false,
            Err(other) => panic!("{other:?}"),
        }
    }
}

pub async fn a_file_is_begun_written_and_finished(rig: &dyn StoreRig) {
    let world = World::new(rig).await;
    let alice = world.actor("alice").await;
    let begun = world.store.begin_file(alice.user, new(30), BOUNDS).await.unwrap();
    assert_eq!((begun.state, begun.received, begun.size), (FileState::Uploading, 0, 30));
    assert_eq!((begun.owner.as_str(), begun.name.as_str()), ("alice", "goose.png"));
    assert_eq!((begun.media.as_str(), begun.created), ("image/png", world.clock.wall()));

    let early = world.store.finish_file(alice.user, begun.id, found()).await;
    assert_eq!(refusal(early), Refusal::Conflict);
    let wrote = world.store.wrote_file(alice.user, begun.id, piece(0, 10)).await.unwrap();
    assert_eq!(wrote.received, 10);
    for (part, why) in [
        (piece(0, 10), Refusal::Conflict),
        (piece(11, 10), Refusal::Conflict),
        (piece(10, 21), Refusal::TooLarge("the file has more bytes than were announced")),
    ] {
        let wrong = world.store.wrote_file(alice.user, begun.id, part).await;
        assert_eq!(refusal(wrong), why, "{part:?}");
    }
    world.store.wrote_file(alice.user, begun.id, piece(10, 20)).await.unwrap();

    let world = world.reopen(rig).await;
    let ready = world.store.finish_file(alice.user, begun.id, found()).await.unwrap();
    assert_eq!(
        (ready.state, ready.sha256, ready.picture),
        (FileState::Ready, Some([9; 32]), found().picture)
    );
    assert_eq!(ready.media, MediaType::unknown());
    let open = world.store.file(alice.user, begun.id).await.unwrap();
    assert_eq!((open.record, open.pieces), (ready, vec![piece(0, 10), piece(10, 20)]));
    let late = world.store.wrote_file(alice.user, begun.id, piece(30, 1)).await;
    assert_eq!(refusal(late), Refusal::Conflict);
}

pub async fn a_file_of_another_content_than_announced_is_not_finished(rig: &dyn StoreRig) {
    let world = World::new(rig).await;
    let alice = world.actor("alice").await;
    let announced = NewFile { sha256: Some([8; 32]), ..new(1) };
    let begun = world.store.begin_file(alice.user, announced, BOUNDS).await.unwrap();
    world.store.wrote_file(alice.user, begun.id, piece(0, 1)).await.unwrap();
    let other = world.store.finish_file(alice.user, begun.id, found()).await;
    assert!(matches!(refusal(other), Refusal::Invalid(_)));
    let same = Found { sha256: [8; 32], ..found() };
    assert!(world.store.finish_file(alice.user, begun.id, same).await.is_ok());
}

pub async fn an_upload_is_its_owners_alone(rig: &dyn StoreRig) {
    let world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    let public = NewFile { public: true, ..new(1) };
    let begun = world.store.begin_file(alice.user, public, BOUNDS).await.unwrap().id;
    assert!(world.sees(alice, begun).await && !world.sees(bob, begun).await);
    let wrote = world.store.wrote_file(bob.user, begun, piece(0, 1)).await;
    assert_eq!(refusal(wrote), Refusal::NoSuchFile);
    world.store.wrote_file(alice.user, begun, piece(0, 1)).await.unwrap();
    let finished = world.store.finish_file(bob.user, begun, found()).await;
    assert_eq!(refusal(finished), Refusal::NoSuchFile);
    assert_eq!(refusal(world.store.delete_file(bob.user, begun).await), Refusal::NoSuchFile);
    world.store.finish_file(alice.user, begun, found()).await.unwrap();
    assert!(world.sees(bob, begun).await, "public, and ready");
    assert_eq!(refusal(world.store.delete_file(bob.user, begun).await), Refusal::NoSuchFile);
}

pub async fn a_user_has_a_quota(rig: &dyn StoreRig) {
    let world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    let full = |result| assert!(matches!(refusal(result), Refusal::Quota(_)));
    full(world.store.begin_file(alice.user, new(1001), BOUNDS).await);
    full(world.store.begin_file(alice.user, new(u64::MAX), BOUNDS).await);
    let first = world.stored(alice, new(600)).await.id;
    full(world.store.begin_file(alice.user, new(401), BOUNDS).await);
    world.stored(bob, new(1000)).await;

    // What is being uploaded counts in full, and only so many at a time.
    world.store.begin_file(alice.user, new(300), BOUNDS).await.unwrap();
    full(world.store.begin_file(alice.user, new(101), BOUNDS).await);
    world.store.begin_file(alice.user, new(1), BOUNDS).await.unwrap();
    full(world.store.begin_file(alice.user, new(1), BOUNDS).await);
    let page = world.store.files(alice.user, None, 10).await.unwrap();
    assert_eq!((page.used, page.files.len(), page.more), (901, 3, false));

    world.store.delete_file(alice.user, first).await.unwrap();
    let page = world.store.files(alice.user, None, 10).await.unwrap();
    assert_eq!((page.used, page.files.len()), (301, 2));
}

pub async fn ones_files_are_paged_newest_first(rig: &dyn StoreRig) {
    let world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(world.stored(alice, new(1)).await.id);
        world.stored(bob, new(1)).await;
    }
    let first = world.store.files(alice.user, None, 2).await.unwrap();
    let of =
        |page: &anser_domain::FilePage| page.files.iter().map(|file| file.id).collect::<Vec<_>>();
    assert_eq!((of(&first), first.more), (vec![ids[2], ids[1]], true));
    let next = world.store.files(alice.user, Some(ids[1]), 2).await.unwrap();
    assert_eq!((of(&next), next.more), (vec![ids[0]], false));
}

pub async fn members_see_what_was_posted_while_they_were_in(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    let carol = world.actor("carol").await;
    world.found(alice, "geese", &["bob"]).await.unwrap();
    let before = world.stored(alice, new(1)).await.id;
    assert!(!world.sees(bob, before).await, "not posted yet");
    world.post(alice, &at("geese"), before).await.unwrap();
    assert!(world.sees(bob, before).await && !world.sees(carol, before).await);

    world.expel(alice, "geese", &["bob"]).await.unwrap();
    let between = world.stored(alice, new(1)).await.id;
    world.post(alice, &at("geese"), between).await.unwrap();
    assert!(world.sees(bob, before).await && !world.sees(bob, between).await);

    world.invite(alice, "geese", &["bob", "carol"], GroupRole::Member).await.unwrap();
    let after = world.stored(alice, new(1)).await.id;
    world.post(alice, &at("geese"), after).await.unwrap();
    assert!(world.sees(bob, before).await, "of an earlier interval");
    assert!(!world.sees(bob, between).await && !world.sees(carol, between).await);
    assert!(world.sees(bob, after).await && world.sees(carol, after).await);
}

pub async fn a_file_is_passed_on_by_those_who_see_it(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    let carol = world.actor("carol").await;
    let file = world.stored(alice, new(1)).await.id;
    for to in [to("carol"), to("bob")] {
        let stolen = world.post(bob, &to, file).await;
        assert_eq!(stolen.unwrap_err(), Refusal::NoSuchFile);
    }
    assert_eq!(world.log(bob, &to("carol")).await, [Refusal::NotMember.to_string()]);
    let none = world.post(alice, &to("bob"), FileId(77)).await;
    assert_eq!(none.unwrap_err(), Refusal::NoSuchFile);

    // The first message makes the conversation; a later one does not.
    world.post(alice, &to("bob"), file).await.unwrap();
    world.post(alice, &to("bob"), file).await.unwrap();
    world.post(bob, &to("carol"), file).await.unwrap();
    assert!(world.sees(carol, file).await);
    let upload = world.store.begin_file(alice.user, new(1), BOUNDS).await.unwrap().id;
    assert_eq!(world.post(alice, &to("bob"), upload).await.unwrap_err(), Refusal::NoSuchFile);
}

pub async fn a_file_goes_out_of_sight_with_the_message_that_carries_it(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    let carol = world.actor("carol").await;
    world.found(alice, "geese", &["bob", "carol"]).await.unwrap();
    let geese = at("geese");
    let mut posted = Vec::new();
    for _ in 0..3 {
        let file = world.stored(alice, new(1)).await.id;
        let seq = world.post(alice, &geese, file).await.unwrap().sent.seq;
        assert!(world.sees(bob, file).await && world.sees(carol, file).await);
        posted.push((file, seq));
    }
    let [recalled, deleted, cleared] = posted[..] else { unreachable!() };

    // Recalled: for everybody but its owner.
    world.touch(alice, &geese, EntryChange::Recall { seq: recalled.1 }).await;
    assert!(!world.sees(bob, recalled.0).await && !world.sees(carol, recalled.0).await);
    assert!(world.sees(alice, recalled.0).await);
    // Deleted for bob: for nobody else.
    world.store.delete_for(bob.user, &geese, deleted.1).await.unwrap();
    assert!(!world.sees(bob, deleted.0).await && world.sees(carol, deleted.0).await);
    let passed_on = world.post(bob, &to("carol"), deleted.0).await;
    assert_eq!(passed_on.unwrap_err(), Refusal::NoSuchFile, "nor can they pass it on");
    // Cleared by carol: likewise.
    assert!(world.sees(carol, cleared.0).await);
    world.store.clear_for(carol.user, &geese, cleared.1).await.unwrap();
    for (file, _) in [deleted, cleared] {
        assert!(!world.sees(carol, file).await);
    }
    assert!(world.sees(bob, cleared.0).await);
}

pub async fn a_file_that_an_edit_brought_is_not_for_those_who_had_gone(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    let carol = world.actor("carol").await;
    world.found(alice, "geese", &["bob", "carol"]).await.unwrap();
    let (old, new_one) =
        (world.stored(alice, new(1)).await.id, world.stored(alice, new(1)).await.id);
    let seq = world.post(alice, &at("geese"), old).await.unwrap().sent.seq;
    world.expel(alice, "geese", &["bob"]).await.unwrap();
    assert!(world.sees(bob, old).await);
    let content = Content::File(format!(r#"{{"file":"{new_one}"}}"#).into());
    let edit = EntryChange::Edit { seq, content, mentions: Vec::new() };
    world.touch(alice, &at("geese"), edit).await;
    assert!(world.sees(carol, new_one).await && !world.sees(bob, new_one).await);
    assert!(!world.sees(bob, old).await, "and the message says the old one no more");
}

pub async fn a_refused_carrier_leaves_no_trace_and_can_be_sent_again(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    world.send(bob, &to("alice"), "hi").await.unwrap();
    let file = world.stored(alice, new(1)).await.id;
    let entry = world.carrying(&to("alice"), &format!(r#"{{"file":"{file}"}}"#));
    assert_eq!(world.put(bob, entry.clone()).await.unwrap_err(), Refusal::NoSuchFile);
    world.post(alice, &to("bob"), file).await.unwrap();
    // The same client id, now that there is a right to it.
    assert!(!world.put(bob, entry.clone()).await.unwrap().sent.duplicate);
    assert!(world.put(bob, entry).await.unwrap().sent.duplicate);

    world.gate.rule(|_, _, _| Err(Refusal::Forbidden));
    let carol = world.actor("carol").await;
    assert_eq!(world.post(alice, &to("carol"), file).await.unwrap_err(), Refusal::Forbidden);
    assert!(!world.sees(carol, file).await);

    world.gate.rule(|_, _, _| Ok(()));
    let many: Vec<String> = (0..21).map(|n| format!("\"{n}\"")).collect();
    let many = world.carrying(&to("bob"), &format!(r#"{{"files":[{}]}}"#, many.join(",")));
    assert!(matches!(world.put(alice, many).await.unwrap_err(), Refusal::TooLarge(_)));
}

pub async fn a_deleted_file_leaves_its_name_to_those_who_saw_it(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    let (posted, kept) =
        (world.stored(alice, new(1)).await.id, world.stored(alice, new(1)).await.id);
    world.post(alice, &to("bob"), posted).await.unwrap();
    for file in [posted, kept] {
        world.store.delete_file(alice.user, file).await.unwrap();
        assert_eq!(refusal(world.store.delete_file(alice.user, file).await), Refusal::NoSuchFile);
    }
    let before = FilesBefore { touched: Millis(0), ready: None };
    // Until the bytes are gone they are listed again, whatever happens in between.
    assert_eq!(world.store.doomed_files(before, 10).await.unwrap(), [posted, kept]);
    let world = world.reopen(rig).await;
    assert_eq!(world.store.doomed_files(before, 1).await.unwrap(), [posted]);
    world.store.forget_files(vec![posted, kept]).await.unwrap();
    world.store.forget_files(vec![posted, kept]).await.unwrap();
    assert_eq!(world.store.doomed_files(before, 10).await.unwrap(), []);

    let seen = world.store.file(bob.user, posted).await.unwrap();
    assert_eq!((seen.record.state, seen.pieces), (FileState::Gone, vec![]));
    assert!(!world.sees(alice, kept).await, "nobody names it");
}

pub async fn what_is_past_its_time_goes(rig: &dyn StoreRig) {
    let world = World::new(rig).await;
    let alice = world.actor("alice").await;
    let ready = world.stored(alice, new(1)).await.id;
    let public = world.stored(alice, NewFile { public: true, ..new(1) }).await.id;
    let idle = world.store.begin_file(alice.user, new(2), BOUNDS).await.unwrap().id;
    let busy = world.store.begin_file(alice.user, new(2), BOUNDS).await.unwrap().id;
    world.clock.advance(std::time::Duration::from_secs(10));
    world.store.wrote_file(alice.user, busy, piece(0, 1)).await.unwrap();

    let now = world.clock.wall();
    let touched = now.plus(-5_000);
    let kept = FilesBefore { touched, ready: None };
    assert_eq!(world.store.doomed_files(kept, 10).await.unwrap(), [idle]);
    let wrote = world.store.wrote_file(alice.user, idle, piece(0, 1)).await;
    assert_eq!(refusal(wrote), Refusal::NoSuchFile);
    let expired = FilesBefore { touched, ready: Some(touched) };
    assert_eq!(world.store.doomed_files(expired, 10).await.unwrap(), [ready, idle]);
    world.store.forget_files(vec![idle, ready, busy, public]).await.unwrap();
    assert!(world.sees(alice, busy).await && world.sees(alice, public).await);
    assert!(!world.sees(alice, idle).await && !world.sees(alice, ready).await);
}

pub async fn apps_are_told_what_becomes_of_files(rig: &dyn StoreRig) {
    let world = World::new(rig).await;
    let alice = world.actor("alice").await;
    let lease = Lease { owner: 1, lasts: std::time::Duration::from_secs(30) };
    world.store.follower("f", lease, world.clock.wall()).await.unwrap().unwrap();
    let unfinished = world.store.begin_file(alice.user, new(1), BOUNDS).await.unwrap().id;
    world.store.delete_file(alice.user, unfinished).await.unwrap();
    let (one, other) = (world.stored(alice, new(2)).await.id, world.stored(alice, new(3)).await.id);
    world.store.delete_file(alice.user, one).await.unwrap();
    let soon = Some(world.clock.wall().plus(1));
    let before = FilesBefore { touched: Millis(0), ready: soon };
    world.store.doomed_files(before, 9).await.unwrap();
    world.store.doomed_files(before, 9).await.unwrap();
    let said = |kind, file, size| {
        let media = MediaType::unknown();
        format!(
            r#"file.{kind} alice {{"file":"{file}","media":"{}","name":"goose.png","size":{size}}}"#,
            media.as_str()
        )
    };
    let told = [
        said("uploaded", one, 2),
        said("uploaded", other, 3),
        said("deleted", one, 2),
        said("expired", other, 3),
    ];
    assert_eq!(world.facts().await, told);
}
