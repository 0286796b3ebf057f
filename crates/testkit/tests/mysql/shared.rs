//! Several processes on one database: each store here is one, with connections and memory of its
//! own.

use std::{
    collections::BTreeSet,
    sync::{Arc, OnceLock},
    time::Duration,
};

use anser_domain::{
    Actor, Address, ClientId, Clock as _, ManualClock, MessageId, Millis, Refusal, SyncToken,
};
use anser_store::{
    AdminChange, Happened, ListPage, Note, Store,
    conformance::{StoreRig, World, world},
};

use anser_testkit::mariadb::MariaDb;

use super::Rig;

/// A world whose entries go to two processes.
struct Two {
    rig: Rig,
    world: World,
    stores: [Arc<dyn Store>; 2],
}

impl Two {
    async fn new() -> Self {
        Self::on(Rig::default()).await
    }

    async fn on(rig: Rig) -> Self {
        let world = World::new(&rig).await;
        let other = rig.open(world.clock.clone()).await;
        other.bind(world.gate.clone());
        let stores = [world.store.clone(), other];
        Self { rig, world, stores }
    }

    async fn send(
        &mut self,
        through: usize,
        actor: Actor,
        to: &str,
        client_id: ClientId,
    ) -> Result<anser_store::Appended, Refusal> {
        self.send_to(through, actor, &world::at(to), client_id).await
    }

    async fn send_to(
        &mut self,
        through: usize,
        actor: Actor,
        to: &Address,
        client_id: ClientId,
    ) -> Result<anser_store::Appended, Refusal> {
        let entry = world::text(to, client_id, "hello");
        let wish = self.world.wish(actor, entry);
        self.stores[through].append(vec![wish]);
        self.world.outcomes().await.remove(0).result
    }

    /// Ends every connection to the database.
    fn cut(&self) {
        let (server, url) = self.rig.database();
        let name = url.rsplit('/').next().unwrap();
        let all = server
            .ask(&format!("SELECT id FROM information_schema.processlist WHERE db = '{name}'"))
            .unwrap();
        for id in all.lines() {
            // One that has ended by itself meanwhile is as well.
            server.try_to(&format!("KILL {id}"));
        }
    }
}

fn run(test: impl Future<Output = ()>) {
    anser_store::conformance::runtime().block_on(test);
}

#[test]
fn two_processes_make_the_tables_at_once() {
    run(async {
        let rig = Rig::default();
        let clock = || Arc::new(anser_domain::ManualClock::new(anser_domain::Millis(1)));
        let (one, other) = tokio::join!(rig.open(clock()), rig.open(clock()));
        assert!(one.watermark().await.is_ok() && other.watermark().await.is_ok());
    });
}

#[test]
fn two_processes_write_one_log_and_recognise_each_others_retries() {
    run(async {
        const EACH: usize = 60;
        let mut two = Two::new().await;
        let actor = two.world.actor("alice").await;
        two.world.found(actor, "geese", &[]).await.unwrap();
        let mut ids = Vec::new();
        for number in 0..EACH {
            let id = two.world.client_id();
            ids.push(id);
            // Both are told to store it; half of the time at the very same moment.
            for store in &two.stores {
                let entry = world::text(&world::at("geese"), id, &number.to_string());
                store.append(vec![two.world.wish(actor, entry)]);
            }
        }
        let (mut stored, mut again, mut left) = (BTreeSet::new(), 0, EACH * 2);
        while left > 0 {
            for outcome in two.world.outcomes().await {
                left -= 1;
                let sent = outcome.result.unwrap().sent;
                if sent.duplicate {
                    again += 1;
                } else {
                    assert!(stored.insert((sent.seq, sent.id)), "{sent:?} is stored once");
                }
            }
        }
        assert_eq!((stored.len(), again), (EACH, EACH));
        let seqs: Vec<u64> = stored.iter().map(|it| it.0.0).collect();
        assert_eq!(seqs, (2..).take(EACH).collect::<Vec<u64>>(), "no gap");
        let ids: Vec<MessageId> = stored.iter().map(|it| it.1).collect();
        assert!(ids.is_sorted(), "ids ascend in a conversation");
        assert_eq!(two.world.log(actor, &world::at("geese")).await.len(), EACH + 1);
    });
}

#[test]
fn whoever_follows_sees_everything_of_both_once_and_in_order() {
    run(async {
        const EACH: usize = 150;
        let mut two = Two::new().await;
        let actors = [two.world.actor("alice").await, two.world.actor("bob").await];
        two.world.found(actors[0], "geese", &[]).await.unwrap();
        two.world.found(actors[1], "ducks", &[]).await.unwrap();
        let begin = two.stores[0].watermark().await.unwrap();
        let mut left = EACH * 2;
        for number in 0..EACH {
            for (at, (store, group)) in two.stores.iter().zip(["geese", "ducks"]).enumerate() {
                let entry =
                    world::text(&world::at(group), two.world.client_id(), &number.to_string());
                store.append(vec![two.world.wish(actors[at], entry)]);
            }
        }
        let (mut after, mut seen) = (MessageId(begin.0), Vec::new());
        let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
        while seen.len() < EACH * 2 {
            assert!(tokio::time::Instant::now() < deadline, "{} of {}", seen.len(), EACH * 2);
            let part = two.stores[1].tail(after, 50).await.unwrap();
            after = part.up_to;
            seen.extend(part.items.iter().filter_map(|item| match item {
                Happened::Entry { message, .. } if message.id.0 > begin.0 => {
                    message.content.body().map(|_| message.id)
                }
                _ => None,
            }));
            tokio::task::yield_now().await;
        }
        while left > 0 {
            left -= two.world.outcomes().await.len();
        }
        assert!(seen.is_sorted() && seen.iter().collect::<BTreeSet<_>>().len() == EACH * 2);
    });
}

#[test]
fn what_one_process_takes_away_the_other_refuses() {
    run(async {
        let mut two = Two::new().await;
        let (alice, bob) = (two.world.actor("alice").await, two.world.actor("bob").await);
        two.world.found(alice, "geese", &["bob"]).await.unwrap();
        for through in [0, 1] {
            let id = two.world.client_id();
            two.send(through, bob, "geese", id).await.unwrap();
        }
        two.world.expel(alice, "geese", &["bob"]).await.unwrap();
        let id = two.world.client_id();
        assert_eq!(two.send(1, bob, "geese", id).await.err(), Some(Refusal::NotMember));
    });
}

#[test]
fn a_name_that_one_process_takes_away_the_other_forgets() {
    run(async {
        let mut two = Two::new().await;
        let (alice, bob) = (two.world.actor("alice").await, two.world.actor("bob").await);
        two.stores[0].befriend(alice.user, bob.user).await.unwrap();
        for through in [0, 1] {
            let id = two.world.client_id();
            two.send_to(through, bob, &world::to("alice"), id).await.unwrap();
        }
        let other = two.stores[1].clone();
        let names = async || {
            let list = ListPage::Before(None);
            let list = other.conversations(alice, list, 9).await.unwrap().conversations;
            let friends = other.watchers(alice.user, 9).await.unwrap().1;
            let sender = list[0].last.as_ref().unwrap().sender.name.to_string();
            (sender, friends.first().map(|it| it.name.to_string()))
        };
        assert_eq!(names().await, ("bob".to_owned(), Some("bob".to_owned())));
        let (who, what) = ("root".into(), "user.anonymise");
        let note = Note { who, what, whom: "bob".into(), address: None };
        two.stores[0].administer(note, AdminChange::Anonymise(bob.user, false)).await.unwrap();
        // It looks when it writes, whatever it writes.
        two.stores[1].left(alice.device, two.world.clock.wall()).await.unwrap();
        let (sender, friend) = names().await;
        assert!(sender.starts_with("gone-") && friend.is_none(), "{sender} {friend:?}");
        let id = two.world.client_id();
        assert_eq!(
            two.send_to(1, alice, &world::to("bob"), id).await.err(),
            Some(Refusal::NoSuchUser)
        );
    });
}

#[test]
fn cut_connections_lose_nothing_and_store_nothing_twice() {
    run(async {
        const SENDS: usize = 40;
        let mut two = Two::new().await;
        let actor = two.world.actor("alice").await;
        two.world.found(actor, "geese", &[]).await.unwrap();
        for number in 0..SENDS {
            if number % 4 == 0 {
                two.cut();
            }
            let id = two.world.client_id();
            let mut sent = two.send(number % 2, actor, "geese", id).await;
            // What is refused for now is sent again, as every client does.
            while sent.is_err() {
                assert_eq!(sent.err(), Some(Refusal::Unavailable));
                sent = two.send(number % 2, actor, "geese", id).await;
            }
            assert_eq!(sent.unwrap().sent.seq.0, number as u64 + 2);
        }
        assert_eq!(two.world.log(actor, &world::at("geese")).await.len(), SENDS + 1);
    });
}

#[test]
fn a_process_that_was_taken_for_gone_begins_anew() {
    run(async {
        let mut two = Two::new().await;
        let actor = two.world.actor("alice").await;
        two.world.found(actor, "geese", &[]).await.unwrap();
        let (server, url) = two.rig.database().clone();
        let name = url.rsplit('/').next().unwrap();
        server
            .ask(&format!(
                "UPDATE {name}.meta SET last_id = (SELECT max(floor) FROM {name}.writers); \
             DELETE FROM {name}.writers"
            ))
            .unwrap();
        let before: SyncToken = two.stores[1].watermark().await.unwrap();
        let id = two.world.client_id();
        let sent = two.send(0, actor, "geese", id).await.unwrap().sent;
        assert!(sent.id.0 > before.0, "nothing comes below what was told to be stable");
        assert!(server.ask(&format!("SELECT count(*) FROM {name}.writers")).unwrap() != "0");
    });
}

/// Another's session with the database, which does what no process of ours would.
struct Intruder {
    server: Arc<MariaDb>,
    name: String,
    sessions: Vec<std::thread::JoinHandle<()>>,
}

impl Intruder {
    fn at(rig: &Rig) -> Self {
        let (server, url) = rig.database().clone();
        let name = url.rsplit('/').next().unwrap().to_owned();
        Self { server, name, sessions: Vec::new() }
    }

    /// Has these statements run meanwhile; waits until the session is at one like `at`, and gives
    /// its number.
    async fn run(&mut self, text: &str, at: &str) -> String {
        let (server, text) = (self.server.clone(), format!("USE {}; {text}", self.name));
        self.sessions.push(std::thread::spawn(move || server.try_to(&text)));
        self.found(&format!(
            "SELECT id FROM information_schema.processlist WHERE db = '{}' AND info LIKE '{at}'",
            self.name
        ))
        .await
    }

    /// The first row of an answer, once there is one.
    async fn found(&self, text: &str) -> String {
        loop {
            if let Some(row) = self.server.ask(text).unwrap().lines().next() {
                return row.to_owned();
            }
            // InnoDB's tables about itself stand still while they are asked more often than this.
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
    }

    fn kill(&self, session: &str) {
        // One that has ended by itself meanwhile is as well.
        self.server.try_to(&format!("KILL {session}"));
    }

    /// Waits until all sessions have ended.
    fn done(self) {
        for session in self.sessions {
            session.join().unwrap();
        }
    }
}

#[test]
fn a_write_that_is_no_entry_is_done_again_when_its_transaction_broke() {
    run(async {
        let two = Two::new().await;
        let store = two.stores[0].clone();
        store.rewind("geese", MessageId(1)).await.unwrap();
        let mut other = Intruder::at(&two.rig);
        let holds = "BEGIN; SELECT * FROM followers FOR UPDATE; DO SLEEP(600)";
        let holder = other.run(holds, "DO SLEEP%").await;
        let writes = tokio::spawn(async move { store.rewind("geese", MessageId(7)).await });
        let waits = format!(
            "SELECT id FROM information_schema.processlist WHERE db = '{}' \
             AND info LIKE '%INTO followers%' AND command = 'Execute'",
            other.name
        );
        let waits = other.found(&waits).await;
        other.kill(&waits);
        other.kill(&holder);
        writes.await.unwrap().unwrap();
        let place = other.server.ask(&format!("SELECT place FROM {}.followers", other.name));
        assert_eq!(place.unwrap(), "7");
        other.done();
    });
}

/// A deadlock takes back all that its victim had done, not only the statement that met it.
#[test]
fn writes_that_share_a_transaction_are_all_done_when_one_of_them_meets_a_deadlock() {
    run(async {
        let two = Two::new().await;
        let store = two.stores[0].clone();
        for name in ["first", "left", "right"] {
            store.rewind(name, MessageId(1)).await.unwrap();
        }
        let mut other = Intruder::at(&two.rig);
        let lock = |name: &str| format!("SELECT * FROM followers WHERE name = '{name}' FOR UPDATE");
        let holds = format!("BEGIN; {}; DO SLEEP(600)", lock("first"));
        let first = other.run(&holds, "DO SLEEP(600)").await;
        let gate = other.run("DO GET_LOCK('gate', 0); DO SLEEP(601)", "DO SLEEP(601)").await;
        // It has done more than the writer, and so is not the victim.
        let crosses = format!(
            "CREATE TABLE much (id INT PRIMARY KEY); BEGIN; \
             INSERT INTO much SELECT seq FROM seq_1_to_1000; {}; DO GET_LOCK('gate', 600); \
             {}; ROLLBACK",
            lock("right"),
            lock("left")
        );
        other.run(&crosses, "DO GET_LOCK%600%").await;
        let first_write = store.clone();
        let held_up = tokio::spawn(async move { first_write.rewind("first", MessageId(7)).await });
        let waiting = "SELECT trx_id FROM information_schema.innodb_trx t \
                       JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id \
                       WHERE t.trx_state = 'LOCK WAIT'";
        let waiting = format!("{waiting} AND p.db = '{}'", other.name);
        other.found(&waiting).await;
        let left_and_right = async {
            tokio::join!(store.rewind("left", MessageId(7)), store.rewind("right", MessageId(7)))
        };
        let mut both = std::pin::pin!(left_and_right);
        assert!(tokio::time::timeout(Duration::ZERO, both.as_mut()).await.is_err(), "in line");
        other.kill(&first);
        held_up.await.unwrap().unwrap();
        // The writer has moved one and waits for the other.
        let half_done = format!("{waiting} AND t.trx_rows_modified > 0");
        tokio::select! {
            biased;
            ended = both.as_mut() => panic!("they did not meet the lock: {ended:?}"),
            _ = other.found(&half_done) => {}
        }
        other.kill(&gate);
        let (left, right) = both.await;
        left.and(right).unwrap();
        let places = format!("SELECT place FROM {}.followers ORDER BY name", other.name);
        assert_eq!(other.server.ask(&places).unwrap(), "7\n7\n7");
        other.done();
    });
}

/// Tried until no try is left, on a server that takes whole transactions back: what a savepoint or a
/// commit does after that is nothing that anybody may be told of.
#[test]
fn nobody_is_told_of_what_a_transaction_had_done_that_was_taken_back_for_good() {
    run(async {
        let server = Arc::new(MariaDb::start(&["--innodb-rollback-on-timeout"]).unwrap());
        let url = server.database().unwrap();
        let two = Two::on(Rig(OnceLock::from((server, url)))).await;
        let store = two.stores[0].clone();
        for name in ["first", "left", "right"] {
            store.rewind(name, MessageId(1)).await.unwrap();
        }
        let mut other = Intruder::at(&two.rig);
        let lock = |name: &str| format!("SELECT * FROM followers WHERE name = '{name}' FOR UPDATE");
        let holds = format!("BEGIN; {}; DO SLEEP(600)", lock("first"));
        let first = other.run(&holds, "DO SLEEP(600)").await;
        let holds = format!("BEGIN; {}; DO SLEEP(601)", lock("right"));
        let right = other.run(&holds, "DO SLEEP(601)").await;
        // Both wait behind the first, and so share a transaction.
        let write = async |name| store.rewind(name, MessageId(7)).await;
        let mut held_up = std::pin::pin!(write("first"));
        let waits = format!(
            "SELECT id FROM information_schema.processlist WHERE db = '{}' \
             AND info LIKE '%INTO followers%' AND command = 'Execute'",
            other.name
        );
        tokio::select! {
            biased;
            ended = held_up.as_mut() => panic!("it did not meet the lock: {ended:?}"),
            _ = other.found(&waits) => {}
        }
        let mut both = std::pin::pin!(async { tokio::join!(write("left"), write("right")) });
        assert!(tokio::time::timeout(Duration::ZERO, both.as_mut()).await.is_err(), "in line");
        other.kill(&first);
        held_up.await.unwrap();
        let (left, refused) = both.await;
        assert!(refused.is_err(), "it never got the lock");
        let place = format!("SELECT place FROM {}.followers WHERE name = 'left'", other.name);
        let stored = other.server.ask(&place).unwrap() == "7";
        assert_eq!(left.is_ok(), stored, "{left:?}");
        other.kill(&right);
        other.done();
    });
}

#[test]
fn clocks_that_jump_change_neither_places_nor_the_order_of_ids() {
    run(async {
        const SENDS: usize = 30;
        let mut two = Two::new().await;
        let actor = two.world.actor("alice").await;
        two.world.found(actor, "geese", &[]).await.unwrap();
        let mut ids = Vec::new();
        for number in 0..SENDS {
            match number {
                // Both a day ahead,
                10 => two.world.clock.advance(Duration::from_secs(86_400)),
                // then one of them an hour behind where it began.
                20 => {
                    let wall = two.world.clock.wall().0 - 25 * 3_600_000;
                    let store = two.rig.open(Arc::new(ManualClock::new(Millis(wall)))).await;
                    store.bind(two.world.gate.clone());
                    two.stores[0] = store;
                }
                _ => {}
            }
            // It has no time: the servers' clocks say nothing of the devices'.
            let id = ClientId::from_text(&number.to_string());
            let sent = two.send(number % 2, actor, "geese", id).await.unwrap().sent;
            assert_eq!((sent.seq.0, sent.duplicate), (number as u64 + 2, false));
            let again = two.send((number + 1) % 2, actor, "geese", id).await.unwrap().sent;
            assert_eq!((again.seq, again.id, again.duplicate), (sent.seq, sent.id, true));
            ids.push(sent.id);
        }
        assert!(ids.is_sorted(), "ids ascend in a conversation: {ids:?}");
        assert_eq!(two.world.log(actor, &world::at("geese")).await.len(), SENDS + 1);
    });
}
