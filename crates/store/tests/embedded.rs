//! What is particular to the embedded store: its file, its disk, and other processes.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test says by panicking")]

use std::{fs, io::Write, path::PathBuf, sync::Arc};

use anser_domain::{Clock, HistoryRange, Refusal, Seq, SystemClock};
use anser_store::{
    OpenError, Store,
    backend::sqlite::Sqlite,
    conformance::{
        StoreRig,
        world::{World, at, text, to, user},
    },
};
use async_trait::async_trait;

struct Rig(tempfile::TempDir);

impl Rig {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("anser.db")
    }

    fn url(&self) -> String {
        format!("sqlite:{}", self.path().display())
    }

    async fn fails_to_open(&self) -> OpenError {
        anser_store::open(&self.url(), Arc::new(SystemClock)).await.err().expect("it cannot open")
    }

    /// What another program sees.
    fn sql<T: rusqlite::types::FromSql>(&self, text: &str) -> T {
        let conn = rusqlite::Connection::open(self.path()).unwrap();
        conn.query_row(text, [], |row| row.get(0)).unwrap()
    }
}

#[async_trait]
impl StoreRig for Rig {
    async fn open(&self, clock: Arc<dyn Clock>) -> Arc<dyn Store> {
        anser_store::open(&self.url(), clock).await.unwrap()
    }
}

/// A line that a person can act on: what, and how to mend it.
fn one_line(error: &OpenError, parts: &[&str]) {
    let line = error.to_string();
    assert!(!line.contains('\n'), "{line}");
    for part in parts {
        assert!(line.contains(part), "{line:?} says {part:?}");
    }
}

#[tokio::test]
async fn urls_of_no_backend_are_refused() {
    for url in ["", "sqlite:", "postgres://x", "/tmp/x.db"] {
        let error = anser_store::open(url, Arc::new(SystemClock)).await.err().unwrap();
        one_line(&error, &["sqlite:PATH"]);
    }
    one_line(&anser_store::open_routes("redis").await.err().unwrap(), &["memory"]);
    assert!(anser_store::open_routes("memory").await.is_ok());
}

#[tokio::test]
async fn a_new_database_has_the_settings_that_were_measured() {
    let rig = Rig::new();
    let store = anser_store::open(&rig.url(), Arc::new(SystemClock)).await.unwrap();
    assert_eq!(rig.sql::<i64>("PRAGMA page_size"), 4096);
    assert_eq!(rig.sql::<String>("PRAGMA journal_mode"), "wal");
    assert!(rig.sql::<i64>("PRAGMA user_version") >= 1);
    store.close().await;
    assert!(!rig.path().with_extension("db-wal").exists(), "the journal is folded and gone");
}

#[tokio::test]
async fn a_newer_database_is_refused_and_left_alone() {
    let rig = Rig::new();
    World::new(&rig).await.store.close().await;
    rusqlite::Connection::open(rig.path())
        .unwrap()
        .pragma_update(None, "user_version", 999)
        .unwrap();
    let before = fs::read(rig.path()).unwrap();
    let error = rig.fails_to_open().await;
    assert!(matches!(error, OpenError::Newer { found: 999, .. }), "{error:?}");
    one_line(&error, &["anser.db", "newer anser"]);
    assert_eq!(fs::read(rig.path()).unwrap(), before);
}

#[tokio::test]
async fn what_is_no_database_of_ours_is_refused_and_left_alone() {
    let rig = Rig::new();
    fs::write(rig.path(), "my diary, dear to me".repeat(500)).unwrap();
    let error = rig.fails_to_open().await;
    assert!(matches!(error, OpenError::Corrupt { .. }), "{error:?}");
    one_line(&error, &["anser.db", "damaged or not a database", "backup"]);
    assert!(fs::read_to_string(rig.path()).unwrap().starts_with("my diary"));

    fs::remove_file(rig.path()).unwrap();
    let other = rusqlite::Connection::open(rig.path()).unwrap();
    other.execute_batch("CREATE TABLE bookmarks (url TEXT)").unwrap();
    drop(other);
    let error = rig.fails_to_open().await;
    assert!(matches!(error, OpenError::Foreign { .. }), "{error:?}");
    one_line(&error, &["another program's database"]);
    assert_eq!(rig.sql::<i64>("SELECT count(*) FROM sqlite_schema"), 1);
}

#[tokio::test]
async fn a_damaged_database_is_refused() {
    let rig = Rig::new();
    let mut world = World::new(&rig).await;
    let alice = world.actor("alice").await;
    for _ in 0..200 {
        world.send(alice, &to("alice"), &"x".repeat(200)).await.unwrap();
    }
    world.store.close().await;
    let mut file = fs::OpenOptions::new().write(true).open(rig.path()).unwrap();
    let whole = file.metadata().unwrap().len();
    std::io::Seek::seek(&mut file, std::io::SeekFrom::Start(4096)).unwrap();
    file.write_all(&vec![0xee; usize::try_from(whole).unwrap() - 4096]).unwrap();
    drop(file);
    let error = rig.fails_to_open().await;
    assert!(matches!(error, OpenError::Corrupt { .. }), "{error:?}");

    // Cut off in the middle.
    fs::OpenOptions::new().write(true).open(rig.path()).unwrap().set_len(5000).unwrap();
    let error = rig.fails_to_open().await;
    assert!(matches!(error, OpenError::Corrupt { .. }), "{error:?}");
}

#[tokio::test]
async fn a_place_that_cannot_be_written_is_named() {
    let rig = Rig::new();
    fs::create_dir(rig.path()).unwrap();
    let error = rig.fails_to_open().await;
    assert!(matches!(error, OpenError::NotWritable { .. }), "{error:?}");
    one_line(&error, &["anser.db", "check that its directory exists"]);
    let missing = format!("sqlite:{}", rig.0.path().join("no/such/place.db").display());
    let error = anser_store::open(&missing, Arc::new(SystemClock)).await.err().unwrap();
    assert!(matches!(error, OpenError::NotWritable { .. }), "{error:?}");
}

#[tokio::test]
async fn a_full_disk_refuses_honestly_and_loses_nothing() {
    let rig = Rig::new();
    let mut world = World::new(&rig).await;
    world.store.close().await;
    let clock = Arc::clone(&world.clock);
    let small = Sqlite::open_with_pages(rig.path(), clock, 120).await.unwrap();
    world.use_store(Arc::new(small));
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    world.found(alice, "geese", &["bob"]).await.unwrap();
    let body = "x".repeat(1000);
    let (mut stored, mut refused) = (Vec::new(), Vec::new());
    while refused.len() < 30 {
        let wishes = (0..5)
            .map(|number| {
                let place = if number % 2 == 0 { at("geese") } else { to("bob") };
                (world.client_id(), place)
            })
            .collect::<Vec<_>>();
        let batch =
            wishes.iter().map(|(id, place)| world.wish(alice, text(place, *id, &body))).collect();
        let results = world.append(batch).await;
        for (wish, result) in wishes.into_iter().zip(results) {
            match result {
                Ok(appended) => stored.push((wish, appended.sent)),
                Err(refusal) => {
                    assert_eq!(refusal, Refusal::Unavailable);
                    refused.push(wish);
                }
            }
        }
        assert!(stored.len() < 10_000, "the disk is full some time");
    }
    assert!(stored.len() > 20);
    // Reading goes on; other writes are refused as honestly.
    let messages = |log: Vec<String>| log.iter().filter(|body| *body != "*").count();
    let count =
        messages(world.log(bob, &at("geese")).await) + messages(world.log(bob, &to("alice")).await);
    assert_eq!(count, stored.len());
    let keys = anser_store::conformance::world::keys(1);
    let many = (0..500)
        .map(|number| anser_store::NewUserRow {
            name: user(&format!("user{number}")),
            display_name: body.as_str().into(),
            role: anser_domain::Role::User,
            keys: keys.clone(),
        })
        .collect();
    let error = world.store.create_users(many).await.unwrap_err();
    assert_eq!(Refusal::from(error), Refusal::Unavailable);
    assert!(world.store.stats().failures > 0);

    // With room again, what was refused can be sent as it was, and takes the next places.
    let mut world = world.reopen(&rig).await;
    assert_eq!(world.store.user(&user("user0")).await.unwrap(), None);
    for ((id, place), sent) in &stored {
        let again = world.put(alice, text(place, *id, &body)).await.unwrap();
        assert!(again.sent.duplicate && again.sent.id == sent.id && again.sent.seq == sent.seq);
    }
    for (id, place) in &refused {
        assert!(!world.put(alice, text(place, *id, &body)).await.unwrap().sent.duplicate);
    }
    for place in [at("geese"), to("bob")] {
        let acl = world.store.acl(alice.user, &place).await.unwrap();
        let page = world.pull(alice, acl.conv, Some(0), 1000).await.unwrap();
        let seqs: Vec<u64> = page.messages.iter().map(|message| message.seq.0).collect();
        assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn two_processes_may_write_one_database() {
    let rig = Rig::new();
    let mut server = World::new(&rig).await;
    let alice = server.actor("alice").await;
    server.send(alice, &to("alice"), "1").await.unwrap();
    // A second store on the same file is another process as far as the first can tell.
    let mut tool = World::new(&rig).await;
    tool.send(alice, &to("alice"), "2").await.unwrap();
    let bob = tool.actor("bob").await;
    let third = server.send(alice, &to("alice"), "3").await.unwrap();
    assert_eq!(third.sent.seq.0, 3, "the head that was remembered is forgotten");
    server.send(alice, &to("bob"), "hi").await.unwrap();
    tool.found(bob, "geese", &["alice"]).await.unwrap();
    server.send(alice, &at("geese"), "in").await.unwrap();
    tool.expel(bob, "geese", &["alice"]).await.unwrap();
    let late = server.send(alice, &at("geese"), "late").await;
    assert_eq!(late.unwrap_err(), Refusal::NotMember);
    let change = anser_store::UserChange::Disabled(true);
    tool.store.change_user(alice.user, change).await.unwrap();
    let shut = server.send(alice, &to("alice"), "4").await;
    assert_eq!(shut.unwrap_err(), Refusal::Disabled);
    assert_eq!(server.log(alice, &to("alice")).await, ["1", "2", "3"]);
    let ids: i64 = rig.sql("SELECT count(*) FROM msgs a JOIN msgs b ON a.id = b.id + 0");
    assert_eq!(ids, rig.sql::<i64>("SELECT count(*) FROM msgs"));
    tool.store.close().await;
    server.store.close().await;
}

#[tokio::test]
async fn an_unclosed_store_keeps_what_it_answered() {
    let rig = Rig::new();
    let mut world = World::new(&rig).await;
    let alice = world.actor("alice").await;
    for number in 0..50 {
        world.send(alice, &to("alice"), &number.to_string()).await.unwrap();
    }
    // What a power failure would leave: the files as they are, journal and all.
    let other = Rig::new();
    for file in fs::read_dir(rig.0.path()).unwrap() {
        let file = file.unwrap();
        if file.file_name() != "anser.db-shm" {
            fs::copy(file.path(), other.0.path().join(file.file_name())).unwrap();
        }
    }
    let mut after = World::new(&other).await;
    assert_eq!(after.log(alice, &to("alice")).await.len(), 50);
    assert_eq!(after.send(alice, &to("alice"), "next").await.unwrap().sent.seq.0, 51);
}

#[tokio::test]
async fn the_journal_starts_anew_under_load() {
    let rig = Rig::new();
    let mut world = World::new(&rig).await;
    let alice = world.actor("alice").await;
    let names: Vec<String> = (0..50).map(|number| format!("user{number}")).collect();
    for name in &names {
        world.actor(name).await;
    }
    let body = "x".repeat(3000);
    for _ in 0..400 {
        let batch = names
            .iter()
            .map(|name| world.wish(alice, text(&to(name), world.client_id(), &body)))
            .collect();
        for result in world.append(batch).await {
            result.unwrap();
        }
    }
    let journal = fs::metadata(rig.path().with_extension("db-wal")).unwrap().len();
    // Left alone it would have some 26,000 pages by now.
    assert!(journal < 20_000 * 4120, "{} pages of journal", journal / 4120);
    let latest = HistoryRange::Before { seq: Seq(101), limit: 100 };
    let page = world.store.history(alice.user, &to("user0"), latest).await.unwrap();
    assert_eq!(page.messages.len(), 100);
}
