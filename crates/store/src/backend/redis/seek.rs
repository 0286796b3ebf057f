//! Lookups. One task answers them: a batch is what came while the last one was under way.
//!
//! A batch asks every server it concerns once: for those links that are not known, or, where all are
//! known, for nothing at all. Behind that answer every invalidation has arrived that the server had
//! sent before it, so whatever is known *then* is as true as if it had been read. That is what lets
//! a message that was committed after a login find the new link on every SM, cache or not.

use std::{sync::Arc, time::Duration};

use anser_domain::{Clock as _, DeviceId, SystemClock, UserId};
use futures_util::future::join_all;
use parking_lot::Mutex;
use redis::{RedisResult, Value, from_redis_value};
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;
use tokio::sync::Notify;

use super::{
    cache::Links,
    keys::{self, BUCKETS},
    live::{Live, Stale},
};
use crate::port::{Route, RouteTable};

/// How long a lookup may take: a message whose readers are not found by then goes the slower way,
/// by the log.
const ANSWER_WITHIN: Duration = Duration::from_millis(300);

/// What is to be called with the links.
pub(super) type Then = Box<dyn FnOnce(RouteTable) + Send>;

/// Lookups that wait for the next batch.
#[derive(Default)]
pub(super) struct Seeker {
    waiting: Mutex<Vec<(Vec<UserId>, Then)>>,
    arrived: Notify,
}

impl Seeker {
    pub(super) fn push(&self, users: Vec<UserId>, then: Then) {
        self.waiting.lock().push((users, then));
        self.arrived.notify_one();
    }

    /// Answers lookups for ever.
    pub(super) async fn run(self: Arc<Self>, live: Arc<Live>) {
        loop {
            self.arrived.notified().await;
            let batch = std::mem::take(&mut *self.waiting.lock());
            if !batch.is_empty() {
                answer(&live, batch).await;
            }
        }
    }
}

async fn answer(live: &Live, batch: Vec<(Vec<UserId>, Then)>) {
    let users: FxHashSet<UserId> = batch.iter().flat_map(|(users, _)| users).copied().collect();
    let found = find(live, users).await;
    let found = present(live, found).await;
    for (users, then) in batch {
        then(users.iter().map(|user| found.get(user).cloned().unwrap_or_default()).collect());
    }
}

/// Users of one server, and whether their links are to be read.
#[derive(Default)]
struct Group {
    known: Vec<UserId>,
    unknown: Vec<UserId>,
}

/// What the map holds of these users.
async fn find(live: &Live, users: FxHashSet<UserId>) -> FxHashMap<UserId, Links> {
    live.cache.turn(SystemClock.now());
    let mut found = FxHashMap::default();
    let (known, unknown) = live.cache.part(users.into_iter());
    let changed = ask(live, known, unknown, &mut found).await;
    if !changed.is_empty() {
        // Known before, and changed since; what is read now is true now.
        let (_, unknown) = live.cache.part(changed.iter().copied());
        let again = if unknown.len() == changed.len() { unknown } else { changed };
        ask(live, Vec::new(), again, &mut found).await;
    }
    found
}

/// Asks each server once. Answers who was known and is not any more.
async fn ask(
    live: &Live,
    known: Vec<UserId>,
    unknown: Vec<UserId>,
    found: &mut FxHashMap<UserId, Links>,
) -> Vec<UserId> {
    let map = live.servers.map();
    let mut homes: Vec<Option<usize>> = vec![None; BUCKETS];
    let servers = map.servers();
    for (home, (_, buckets)) in servers.iter().enumerate() {
        for bucket in buckets {
            if let Some(at) = homes.get_mut(*bucket) {
                *at = Some(home);
            }
        }
    }
    let mut groups: Vec<Group> = servers.iter().map(|_| Group::default()).collect();
    let mut lost = Group::default();
    for (users, is_known) in [(known, true), (unknown, false)] {
        for user in users {
            let home = homes.get(keys::bucket(user)).copied().flatten();
            let group = home.and_then(|home| groups.get_mut(home)).unwrap_or(&mut lost);
            if is_known { group.known.push(user) } else { group.unknown.push(user) }
        }
    }
    let groups = groups.into_iter().filter(|it| !it.known.is_empty() || !it.unknown.is_empty());
    let asked = join_all(groups.map(|group| async move {
        let answers = tokio::time::timeout(ANSWER_WITHIN, read(live, &group)).await;
        (group, answers.ok().flatten())
    }))
    .await;

    let mut changed = Vec::new();
    for (group, answers) in asked {
        match answers {
            Some(answers) => {
                live.cache.fill(&answers);
                found.extend(answers);
                changed.extend(live.cache.take(group.known, |user, links| {
                    found.insert(user, links);
                }));
            }
            None => {
                // Whatever holds it up: it is asked again once it is seen to answer.
                for user in group.known.iter().chain(&group.unknown).take(1) {
                    live.suspect(keys::bucket(*user));
                }
                lost.known.extend(group.known);
                lost.unknown.extend(group.unknown);
            }
        }
    }
    if !lost.known.is_empty() || !lost.unknown.is_empty() {
        live.missed();
        live.cache.take(lost.known, |user, links| {
            found.insert(user, links);
        });
    }
    changed
}

/// Reads what is unknown of one server; with nothing to read, lets it say something at least.
async fn read(live: &Live, group: &Group) -> Option<Vec<(UserId, Links)>> {
    let question = |user: &UserId| {
        let mut cmd = redis::cmd("HGETALL");
        cmd.arg(keys::links(*user));
        (keys::bucket(*user), cmd)
    };
    let mut asks: Vec<_> = group.unknown.iter().map(question).collect();
    if asks.is_empty() {
        asks.extend(group.known.first().map(|user| (keys::bucket(*user), redis::cmd("PING"))));
    }
    let answers = live.servers.ask(&asks).await;
    if group.unknown.is_empty() {
        return answers.into_iter().all(|it| it.is_ok()).then(Vec::new);
    }
    let links =
        |(user, answer): (&UserId, RedisResult<Value>)| answer.ok().map(|it| (*user, links(it)));
    group.unknown.iter().zip(answers).map(links).collect()
}

fn links(answer: Value) -> Links {
    let pairs: Vec<(u64, Vec<u8>)> = from_redis_value(answer).unwrap_or_default();
    let pair = |(device, packed): (u64, Vec<u8>)| {
        let (link, written_in) = keys::unpack(&packed)?;
        Some((DeviceId(device), link, written_in))
    };
    pairs.into_iter().filter_map(pair).collect()
}

/// Leaves out what is in the map but gone: links of CMs that nobody speaks for, and links that were
/// not put back after the map was lost.
async fn present(
    live: &Live,
    found: FxHashMap<UserId, Links>,
) -> FxHashMap<UserId, SmallVec<[Route; 1]>> {
    let cms: FxHashSet<_> = found.values().flatten().map(|(_, link, _)| link.cm).collect();
    let unknown = live.leases.unknown(cms.into_iter());
    if !unknown.is_empty() {
        // As good as known for now if nobody can tell.
        if let Ok(Ok(())) = tokio::time::timeout(ANSWER_WITHIN, live.renew()).await {
            live.leases.looked_for(&unknown);
        }
    }
    let now = SystemClock.now();
    let mut stale = Vec::new();
    let table = live.leases.with(|is_there| {
        let of = |(user, links): (UserId, Links)| {
            let counts = |(device, link, written_in): (DeviceId, _, u32)| {
                let route = Route { device, link };
                if !live.generations.counts(keys::bucket(user), written_in, now) {
                    stale.push(Stale { user, device, packed: keys::pack(link, written_in) });
                    return None;
                }
                is_there(link.cm).then_some(route)
            };
            (user, links.into_iter().filter_map(counts).collect())
        };
        found.into_iter().map(of).collect()
    });
    live.leave(stale);
    table
}
