//! What the link map costs: `cargo run --release -p anser-store --example routes_rate [URL]`, where
//! URL is a `[routes] url`; `memory` when left out.
//!
//! Registrations in batches, lookups one after another and many at a time, known and not, and the
//! lookup that a message to a group of 1,000 makes. Users are those of 1 to 100,000: give it a server
//! that nobody else uses.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement is a program of its own, and ends where it cannot go on"
)]

use std::{sync::Arc, time::Instant};

use anser_domain::{Clock as _, DeviceId, Epoch, LinkId, LinkRef, PeerId, SystemClock, UserId};
use anser_store::{Registration, Route, Routes};
use futures_util::future::join_all;
use tokio::sync::oneshot;

const USERS: u64 = 100_000;
const BATCH: usize = 100;
const UNDER_WAY: usize = 16;

fn registration(user: u64) -> Registration {
    let link = LinkRef { cm: PeerId(1), link: LinkId(user), epoch: Epoch(1) };
    Registration { user: UserId(user), route: Route { device: DeviceId(user), link } }
}

async fn look(map: &dyn Routes, users: Vec<UserId>) -> usize {
    let (tell, told) = oneshot::channel();
    map.lookup(users, Box::new(move |table| tell.send(table).unwrap()));
    told.await.unwrap().iter().filter(|it| !it.is_empty()).count()
}

struct Run {
    what: &'static str,
    began: Instant,
}

impl Run {
    fn begin(what: &'static str) -> Self {
        Self { what, began: SystemClock.now() }
    }

    fn end(self, count: u64) {
        let took = self.began.elapsed().as_secs_f64();
        let rate = count as f64 / took;
        println!("{:<52} {rate:>10.0} /s  {:>8.1} µs each", self.what, took * 1e6 / count as f64);
    }
}

#[tokio::main]
async fn main() {
    let url = std::env::args().nth(1).unwrap_or_else(|| "memory".into());
    let map: Arc<dyn Routes> = anser_store::open_routes(&url).await.unwrap();

    let run = Run::begin("registrations, batches of 100, 16 under way");
    let all: Vec<_> = (1..=USERS).map(registration).collect();
    for part in all.chunks(BATCH * UNDER_WAY) {
        let registered = join_all(part.chunks(BATCH).map(|it| map.register(it.to_vec()))).await;
        assert!(registered.iter().all(Result::is_ok));
    }
    run.end(USERS);

    let run = Run::begin("registrations, one at a time, 16 under way");
    for part in all.chunks(UNDER_WAY).take(1000) {
        join_all(part.iter().map(|it| map.register(vec![*it]))).await;
    }
    run.end(1000 * UNDER_WAY as u64);

    let run = Run::begin("lookups of one user, not known, one after another");
    for user in 1..=10_000 {
        assert_eq!(look(&*map, vec![UserId(user)]).await, 1);
    }
    run.end(10_000);

    let run = Run::begin("lookups of one user, known, one after another");
    for _ in 0..10_000 {
        assert_eq!(look(&*map, vec![UserId(7)]).await, 1);
    }
    run.end(10_000);

    for what in ["lookups of 100 users, not known, 16 under way", "the same again, partly known"] {
        let run = Run::begin(what);
        for part in (20_001..=USERS).collect::<Vec<_>>().chunks(BATCH * UNDER_WAY) {
            let users = |it: &[u64]| it.iter().copied().map(UserId).collect::<Vec<_>>();
            let found = join_all(part.chunks(BATCH).map(|it| look(&*map, users(it)))).await;
            assert_eq!(found.iter().sum::<usize>(), part.len());
        }
        run.end(USERS - 20_000);
    }

    let group: Vec<_> = (1..=1000).map(UserId).collect();
    look(&*map, group.clone()).await;
    let run = Run::begin("fan-out to 1,000 users, known (a group's messages)");
    for _ in 0..2000 {
        assert_eq!(look(&*map, group.clone()).await, group.len());
    }
    run.end(2000);

    let run = Run::begin("fan-out to 1,000 users, not known");
    for at in 0..USERS / 1000 {
        let group: Vec<_> = (at * 1000 + 1..=(at + 1) * 1000).map(UserId).collect();
        assert_eq!(look(&*map, group).await, 1000);
    }
    run.end(USERS / 1000);
}
