//! The link map in Redis passes the suite of the live port on one server and on a Cluster, and
//! bears what happens to servers: they are emptied, fail over, hang, and come back.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use anser_domain::{Clock as _, DeviceId, Epoch, LinkId, LinkRef, PeerId, SystemClock, UserId};
use anser_store::{
    Registered, Registration, Route, RouteTable, Routes, backend::redis::RedisRoutes,
    conformance::RoutesRig,
};
use anser_testkit::redis::{Cluster, Server, Watched, until};
use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::{sync::OnceCell, time::timeout};

/// The maps that a test has opened.
#[derive(Default)]
struct Opened(Mutex<Vec<Weak<dyn Routes>>>);

impl Opened {
    async fn open(&self, url: &str) -> Arc<dyn Routes> {
        let map: Arc<dyn Routes> = Arc::new(RedisRoutes::open(url).await.unwrap());
        self.0.lock().push(Arc::downgrade(&map));
        map
    }

    fn all(&self) -> Vec<Arc<dyn Routes>> {
        self.0.lock().iter().filter_map(Weak::upgrade).collect()
    }

    /// Whether every map notices within a second that `lose` lost everything.
    async fn notice<F: Future<Output = ()>>(&self, lose: impl FnOnce() -> F) {
        let before: Vec<_> = self.all().into_iter().map(|map| (map.generation(), map)).collect();
        lose().await;
        let lost = SystemClock.now();
        for (generation, map) in before {
            until("another generation", || async { map.generation() != generation }).await.unwrap();
        }
        // A second, and what a busy machine takes beside it.
        assert!(lost.elapsed() < Duration::from_secs(5), "{:?}", lost.elapsed());
    }
}

#[derive(Default)]
struct Alone(OnceCell<Server>, Opened);

impl Alone {
    async fn server(&self) -> &Server {
        self.0.get_or_init(|| async { Server::start(&[]).await.unwrap() }).await
    }
}

#[async_trait]
impl RoutesRig for Alone {
    async fn open(&self) -> Arc<dyn Routes> {
        self.1.open(&self.server().await.url()).await
    }

    async fn flush(&self) {
        let server = self.server().await;
        self.1.notice(|| async { server.flush().await.unwrap() }).await;
    }
}

mod alone {
    use super::Alone;
    anser_store::routes_suite!(Alone::default());
}

#[derive(Default)]
struct Spread(OnceCell<Cluster>, Opened);

#[async_trait]
impl RoutesRig for Spread {
    async fn open(&self) -> Arc<dyn Routes> {
        let cluster = self.0.get_or_init(|| async { Cluster::start(3).await.unwrap() }).await;
        self.1.open(&cluster.url()).await
    }

    async fn flush(&self) {
        let cluster = self.0.get().unwrap();
        self.1.notice(|| async { cluster.flush().await.unwrap() }).await;
    }
}

mod spread {
    use super::Spread;
    anser_store::routes_suite!(Spread::default());
}

fn link(user: u64, cm: u64, epoch: u64) -> Registration {
    let link = LinkRef { cm: PeerId(cm), link: LinkId(epoch * 100 + cm), epoch: Epoch(epoch) };
    Registration { user: UserId(user), route: Route { device: DeviceId(user + 1000), link } }
}

async fn register(map: &dyn Routes, it: Registration) -> Registered {
    map.register(vec![it]).await.unwrap().remove(0)
}

async fn look(map: &dyn Routes, users: impl IntoIterator<Item = u64>) -> RouteTable {
    let (tell, told) = tokio::sync::oneshot::channel();
    let users = users.into_iter().map(UserId).collect();
    map.lookup(users, Box::new(move |table| drop(tell.send(table))));
    told.await.unwrap()
}

async fn holds(map: &dyn Routes, it: Registration) -> bool {
    look(map, [it.user.0]).await[0].to_vec() == [it.route]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_by_one_sm_is_seen_by_the_next_lookup_of_every_other() {
    let server = Server::start(&[]).await.unwrap();
    let one = RedisRoutes::open(&server.url()).await.unwrap();
    let other = RedisRoutes::open(&server.url()).await.unwrap();
    for epoch in 1..200 {
        let it = link(1, 5, epoch);
        register(&one, it).await;
        assert!(holds(&other, it).await, "epoch {epoch}");
        // From memory now, and as true.
        assert!(holds(&other, it).await);
        one.unregister(vec![it]).await.unwrap();
        assert!(look(&other, [1]).await[0].is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sm_counts_the_users_who_are_online() {
    let server = Server::start(&[]).await.unwrap();
    let one = RedisRoutes::open(&server.url()).await.unwrap();
    let other = RedisRoutes::open(&server.url()).await.unwrap();
    let count = async |wanted: u64| {
        until("the count", || async { (one.online(), other.online()) == (wanted, wanted) })
            .await
            .unwrap();
    };
    let mut tablet = link(1, 5, 1);
    tablet.route.device = DeviceId(7);
    one.register(vec![link(1, 5, 1), link(2, 5, 1), tablet]).await.unwrap();
    register(&one, link(1, 5, 2)).await;
    count(2).await;
    // A device that goes leaves its user's other one.
    one.unregister(vec![tablet, tablet, link(2, 5, 1)]).await.unwrap();
    count(1).await;
    server.flush().await.unwrap();
    count(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn known_links_are_not_read_again() {
    let server = Server::start(&[]).await.unwrap();
    let map = RedisRoutes::open(&server.url()).await.unwrap();
    let all: Vec<_> = (0..500).map(|user| link(user, 5, 1)).collect();
    map.register(all).await.unwrap();
    let calls = || async {
        let stats = server.ask(&["info", "commandstats"]).await.unwrap();
        let line = stats.lines().find_map(|it| it.strip_prefix("cmdstat_hgetall:calls="));
        line.and_then(|it| it.split(',').next()?.parse::<u64>().ok()).unwrap_or(0)
    };
    let before = calls().await;
    // Scripts count too, so only what lookups add says something.
    let began = SystemClock.now();
    for _ in 0..50 {
        assert!(look(&map, 0..500).await.iter().all(|it| it.len() == 1));
    }
    let halves = began.elapsed().as_millis() as u64 / 500 + 2;
    let read = calls().await - before;
    assert!(read <= 500 * halves, "{read} reads of 500 users in {halves} half seconds");
}

#[tokio::test(flavor = "multi_thread")]
async fn links_of_a_cm_that_nobody_speaks_for_are_gone_within_five_seconds() {
    let server = Server::start(&[]).await.unwrap();
    let map = RedisRoutes::open(&server.url()).await.unwrap();
    let (kept, left) = (link(1, 5, 1), link(2, 6, 1));
    register(&map, kept).await;
    register(&map, left).await;
    let began = SystemClock.now();
    let alone = || async {
        map.keep(vec![PeerId(5)]).await.unwrap();
        look(&map, [2]).await[0].is_empty()
    };
    assert!(!alone().await);
    until("the end of the lease", alone).await.unwrap();
    // Five, and what a busy machine takes beside it.
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    assert!(holds(&map, kept).await);
    // The one that came instead needs no eviction of it, and has come online.
    assert_eq!(register(&map, link(2, 5, 2)).await, Registered::Fresh { first: true });
    // When the CM is heard again, somebody may have missed something.
    let missed = map.missed();
    map.keep(vec![PeerId(6)]).await.unwrap();
    assert!(map.missed() > missed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cm_is_there_while_any_sm_speaks_for_it() {
    let server = Server::start(&[]).await.unwrap();
    let one = RedisRoutes::open(&server.url()).await.unwrap();
    let other = RedisRoutes::open(&server.url()).await.unwrap();
    let it = link(1, 5, 1);
    register(&one, it).await;
    other.keep(vec![PeerId(5)]).await.unwrap();
    one.forget_peer(PeerId(5)).await.unwrap();
    assert!(holds(&one, it).await);
    other.forget_peer(PeerId(5)).await.unwrap();
    assert!(look(&other, [1]).await[0].is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_into_a_map_that_was_emptied_unnoticed() {
    let server = Server::start(&[]).await.unwrap();
    let map = RedisRoutes::open(&server.url()).await.unwrap();
    for epoch in 1..20 {
        let before = map.generation();
        server.flush().await.unwrap();
        let it = link(1, 5, epoch);
        assert_eq!(register(&map, it).await, Registered::Fresh { first: true });
        assert_ne!(map.generation(), before, "known before anything is written");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_flush_an_old_link_never_outranks_a_new_one() {
    let server = Server::start(&[]).await.unwrap();
    let map = RedisRoutes::open(&server.url()).await.unwrap();
    let (old, new) = (link(1, 5, 4), link(1, 6, 5));
    register(&map, new).await;
    // Either comes back first, at the epochs of their logins.
    server.flush().await.unwrap();
    register(&map, old).await;
    assert_eq!(register(&map, new).await, Registered::Replaced(old.route.link));
    server.flush().await.unwrap();
    register(&map, new).await;
    assert_eq!(register(&map, old).await, Registered::Outranked);
    assert!(holds(&map, new).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_asked_twice_tells_twice_whom_it_replaced() {
    let server = Server::start(&[]).await.unwrap();
    let map = RedisRoutes::open(&server.url()).await.unwrap();
    let (old, new) = (link(1, 5, 4), link(1, 6, 5));
    register(&map, old).await;
    for _ in 0..2 {
        assert_eq!(register(&map, new).await, Registered::Replaced(old.route.link));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lookups_are_answered_while_the_server_hangs() {
    let server = Server::start(&[]).await.unwrap();
    let map = RedisRoutes::open(&server.url()).await.unwrap();
    let it = link(1, 5, 1);
    register(&map, it).await;
    assert!(holds(&map, it).await);
    server.pause().unwrap();
    // Nobody waits for a server that does not answer: otherwise this would never end.
    let looks = async {
        for _ in 0..20 {
            look(&map, [1, 2]).await;
        }
    };
    timeout(Duration::from_secs(60), looks).await.unwrap();
    assert!(map.missed() > 0, "and it is counted");
    assert!(map.register(vec![link(3, 5, 1)]).await.is_err());
    server.go_on().unwrap();
    until("the map again", || async {
        let _ = map.keep(vec![PeerId(5)]).await;
        holds(&map, it).await
    })
    .await
    .unwrap();
    register(&map, link(3, 5, 2)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_closed_meanwhile_is_taken_out_later() {
    let server = Server::start(&[]).await.unwrap();
    let map = RedisRoutes::open(&server.url()).await.unwrap();
    let it = link(1, 5, 1);
    register(&map, it).await;
    server.pause().unwrap();
    assert!(map.unregister(vec![it]).await.is_err());
    server.go_on().unwrap();
    until("its end", || async {
        // Somebody speaks for the CM, so only taking it out can end it.
        let _ = map.keep(vec![PeerId(5)]).await;
        server.ask(&["hlen", "anser:{b1}:u1"]).await.is_ok_and(|it| it == "0")
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_restarted_is_another_generation() {
    let mut server = Server::start(&[]).await.unwrap();
    let opened = Opened::default();
    let map = opened.open(&server.url()).await;
    register(&*map, link(1, 5, 1)).await;
    let before = map.generation();
    server.kill().unwrap();
    assert!(look(&*map, [1]).await.len() == 1, "answered all the same");
    server.restart().await.unwrap();
    until("another generation", || async { map.generation() != before }).await.unwrap();
    register(&*map, link(1, 5, 1)).await;
    assert!(holds(&*map, link(1, 5, 1)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failover_is_another_generation_and_the_map_goes_on() {
    let mut set = Watched::start().await.unwrap();
    let map = RedisRoutes::open(&set.url()).await.unwrap();
    let before = map.generation();
    let (phone, tablet) = (link(1, 5, 4), link(2, 5, 1));
    register(&map, phone).await;
    let replica = &set.servers[1];
    until("a level replica", || async {
        replica.ask(&["exists", "anser:{b1}:u1"]).await.is_ok_and(|it| it == "1")
    })
    .await
    .unwrap();
    set.fail_over().await.unwrap();
    until("another generation", || async { map.generation() != before }).await.unwrap();
    // What the replica had counts until everybody has registered again.
    until("the map again", || async {
        let _ = map.keep(vec![PeerId(5)]).await;
        holds(&map, phone).await
    })
    .await
    .unwrap();
    assert_eq!(register(&map, phone).await, Registered::Fresh { first: true });
    assert_eq!(register(&map, tablet).await, Registered::Fresh { first: true });
    assert_eq!(register(&map, link(1, 6, 3)).await, Registered::Outranked);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_lost_one_master_serves_the_users_of_the_others() {
    let mut cluster = Cluster::start(3).await.unwrap();
    for master in cluster.masters() {
        master.ask(&["config", "set", "cluster-require-full-coverage", "no"]).await.unwrap();
    }
    let map = RedisRoutes::open(&cluster.url()).await.unwrap();
    let all: Vec<_> = (0..256).map(|user| link(user, 5, 1)).collect();
    map.register(all.clone()).await.unwrap();
    let before = map.generation();
    let lost = &mut cluster.masters()[2];
    lost.kill().unwrap();
    // Answered all the same, as far as it goes.
    timeout(Duration::from_secs(60), look(&map, 0..256)).await.unwrap();
    until("the others' users", || async {
        let _ = map.keep(vec![PeerId(5)]).await;
        let found = look(&map, 0..256).await.iter().filter(|it| !it.is_empty()).count();
        found > 100
    })
    .await
    .unwrap();
    assert_eq!(map.generation(), before, "a master that is away has not lost anything yet");
    cluster.masters()[2].restart().await.unwrap();
    until("another generation", || async { map.generation() != before }).await.unwrap();
    until("the whole map", || async { map.register(all.clone()).await.is_ok() }).await.unwrap();
    assert!(look(&map, 0..256).await.iter().all(|it| it.len() == 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn slots_that_move_take_their_links_along() {
    let mut cluster = Cluster::start(3).await.unwrap();
    let map = RedisRoutes::open(&cluster.url()).await.unwrap();
    let all: Vec<_> = (0..256).map(|user| link(user, 5, 1)).collect();
    map.register(all.clone()).await.unwrap();
    let ports: Vec<String> = cluster.masters().iter().map(|it| it.port().to_string()).collect();
    let mut ids = Vec::new();
    for master in cluster.masters() {
        ids.push(master.ask(&["cluster", "myid"]).await.unwrap());
    }
    // The slot of the first bucket, whoever has it, goes to somebody else, key by key.
    let one = &cluster.masters()[0];
    let slot = one.ask(&["cluster", "keyslot", "anser:{b0}:u0"]).await.unwrap();
    let from = slot.parse::<usize>().unwrap() * 3 / 16_384;
    let to = (from + 1) % 3;
    let moving = |at: usize, state: &'static str, id: String| {
        (at, vec!["cluster".to_owned(), "setslot".into(), slot.clone(), state.into(), id])
    };
    let steps =
        [moving(to, "importing", ids[from].clone()), moving(from, "migrating", ids[to].clone())];
    for (at, step) in steps {
        let step: Vec<&str> = step.iter().map(String::as_str).collect();
        assert_eq!(cluster.masters()[at].ask(&step).await.unwrap(), "OK");
    }
    assert!(look(&map, 0..256).await.iter().all(|it| it.len() == 1), "in the middle of it");
    let source = &cluster.masters()[from];
    let keys = source.ask(&["cluster", "getkeysinslot", &slot, "1000"]).await.unwrap();
    for key in keys.lines() {
        let moved = source.ask(&["migrate", "127.0.0.1", &ports[to], key, "0", "5000"]).await;
        assert_eq!(moved.unwrap(), "OK");
    }
    assert!(look(&map, 0..256).await.iter().all(|it| it.len() == 1), "moved, not yet told");
    for at in 0..3 {
        let (_, step) = moving(at, "node", ids[to].clone());
        let step: Vec<&str> = step.iter().map(String::as_str).collect();
        cluster.masters()[at].ask(&step).await.unwrap();
    }
    until("the map where it is now", || async { map.register(all.clone()).await.is_ok() })
        .await
        .unwrap();
    assert!(look(&map, 0..256).await.iter().all(|it| it.len() == 1));
}

#[tokio::test]
async fn what_cannot_be_reached_is_told_in_one_line() {
    let server = Server::start(&["--requirepass", "geheim"]).await.unwrap();
    let told =
        |url: String| async move { RedisRoutes::open(&url).await.err().unwrap().to_string() };
    let without = told(server.url()).await;
    assert!(without.contains("cannot reach the link map"), "{without}");
    let wrong = told(format!("redis://:falsch@127.0.0.1:{}", server.port())).await;
    assert!(!wrong.contains("falsch"), "{wrong}");
    let right = format!("redis://:geheim@127.0.0.1:{}", server.port());
    assert!(RedisRoutes::open(&right).await.is_ok());
}
