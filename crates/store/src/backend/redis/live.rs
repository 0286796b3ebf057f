//! The state that lookups, registrations and the watch share, and the watch itself: twice a second,
//! and whenever something seems wrong, it looks whether the servers are there, still hold what they
//! held, and who is spoken for.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anser_domain::{Clock as _, DeviceId, SystemClock, UserId};
use futures_util::future::join_all;
use parking_lot::Mutex;
use redis::{PushInfo, PushKind, RedisResult, Value, from_redis_value};
use tokio::sync::{Notify, watch};

use super::{
    cache::Cache,
    generations::Generations,
    keys::{self, LEASES_BUCKET},
    leases::Leases,
    scripts,
    servers::{OnPush, Server, Servers},
    url::Target,
};

/// How often the watch looks.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long it waits for a server: one that is silent for longer is replaced or reached anew.
const LOOK_WITHIN: Duration = Duration::from_secs(1);
/// How long after a failure the servers are searched for again, growing up to the second value.
const SEARCH_AGAIN: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
/// So many links that are to be taken out are kept until that can be done. Beyond, they wait until
/// their devices come again or the map begins another generation.
const MOST_STALE: usize = 65_536;
/// So many are taken out at a time.
const STALE_AT_A_TIME: usize = 1000;
/// How long the epoch of a device without a link is remembered: longer than any old link's
/// registration can be on its way. Epochs also stand in the devices' rows.
pub(super) const SEEN_FOR: Duration = Duration::from_secs(3600);

/// A link that is in the map and should not be.
pub(super) struct Stale {
    pub(super) user: UserId,
    pub(super) device: DeviceId,
    /// The packed route, or as much of it as is known.
    pub(super) packed: String,
}

/// What is shared.
pub(super) struct Live {
    pub(super) servers: Servers,
    pub(super) cache: Arc<Cache>,
    pub(super) leases: Leases,
    pub(super) generations: Generations,
    stale: Mutex<Vec<Stale>>,
    missed: AtomicU64,
    /// Users who have a link, by bucket, as last seen.
    online: Mutex<Vec<u64>>,
    look: Arc<Notify>,
    /// Counts the watch's rounds.
    rounds: watch::Sender<u64>,
}

impl Live {
    pub(super) fn new(target: Target) -> Self {
        let cache = Arc::new(Cache::new(SystemClock.now()));
        let look = Arc::new(Notify::new());
        let on_push = on_push(cache.clone(), look.clone());
        Self {
            servers: Servers::new(target, on_push),
            cache,
            leases: Leases::new(),
            generations: Generations::new(SystemClock.now()),
            stale: Mutex::default(),
            missed: AtomicU64::new(0),
            online: Mutex::new(vec![0; keys::BUCKETS]),
            look,
            rounds: watch::Sender::new(0),
        }
    }

    /// Watches for ever.
    pub(super) async fn watch(self: Arc<Self>) {
        let mut pause = SEARCH_AGAIN.0;
        loop {
            // Woken or not, there is something to look after.
            let _ = tokio::time::timeout(LOOK_EVERY, self.look.notified()).await;
            match self.round().await {
                Ok(()) => pause = SEARCH_AGAIN.0,
                Err(error) => {
                    tracing::warn!(%error, "the link map cannot be reached; trying again");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(SEARCH_AGAIN.1);
                }
            }
            self.rounds.send_modify(|round| *round += 1);
        }
    }

    /// One look at everything.
    pub(super) async fn round(&self) -> RedisResult<()> {
        self.cache.turn(SystemClock.now());
        let mended = self.servers.mend().await;
        let map = self.servers.map();
        let looks = map.servers().into_iter().map(|(server, buckets)| async move {
            let looked = tokio::time::timeout(LOOK_WITHIN, self.look_at(&server, &buckets)).await;
            if !matches!(looked, Ok(Ok(true))) {
                server.give_up();
                self.servers.doubt();
            }
        });
        join_all(looks).await;
        if self.generations.publish() {
            tracing::warn!("the link map has lost what it held; links register again");
            self.cache.clear();
        }
        self.leases.next_round();
        let renewed = self.renew().await;
        self.take_out_stale().await;
        mended.and(renewed)
    }

    /// Asks a server for its generations and how many users are online, and begins new generations
    /// where it has none of its own. Answers whether it is a server to write to.
    async fn look_at(&self, server: &Server, buckets: &[usize]) -> RedisResult<bool> {
        let mut asks = vec![redis::cmd("INFO"), redis::cmd("INFO")];
        for (ask, section) in asks.iter_mut().zip(["server", "replication"]) {
            ask.arg(section);
        }
        asks.extend(buckets.iter().map(|bucket| {
            let mut cmd = redis::cmd("MGET");
            cmd.arg(keys::generation(*bucket)).arg(keys::online(*bucket));
            cmd
        }));
        let mut answers = server.pipe(asks.iter()).await?.into_iter();
        let mut info = || answers.next().unwrap_or_default().extract_error().map(text);
        let (about, replication) = (info()?, info()?);
        if field(&replication, "role") != Some("master") {
            return Ok(false);
        }
        let run: String = field(&about, "run_id").unwrap_or_default().chars().take(16).collect();
        let mut fresh = Vec::new();
        for (bucket, answer) in buckets.iter().zip(answers) {
            match answer.extract_error() {
                Ok(answer) => {
                    let (value, online) = looked(answer);
                    if let Some(held) = self.online.lock().get_mut(*bucket) {
                        *held = online;
                    }
                    if Generations::is_of(&value, &run) {
                        self.generations.note(*bucket, &value, SystemClock.now());
                    } else {
                        fresh.push(*bucket);
                    }
                }
                // On its way to another server: its scripts look after it until it has arrived.
                Err(error) if error.is_cluster_error() => self.servers.doubt(),
                Err(error) => return Err(error),
            }
        }
        let begin = |bucket: &usize| {
            let mut cmd = scripts::GENERATION.call(&[keys::generation(*bucket)]);
            cmd.arg(&run).arg(Generations::fresh(&run));
            (*bucket, cmd)
        };
        let begun: Vec<_> = fresh.iter().map(begin).collect();
        for (bucket, value) in fresh.iter().zip(self.servers.ask(&begun).await) {
            self.generations.note(*bucket, &text(value?), SystemClock.now());
        }
        Ok(true)
    }

    /// Renews our leases and learns of all.
    pub(super) async fn renew(&self) -> RedisResult<()> {
        let ask = (LEASES_BUCKET, self.leases.renewal(SystemClock.now()));
        let answer = self.servers.ask(&[ask]).await.pop().unwrap_or(Ok(Value::Nil))?;
        if self.leases.learn(answer) {
            self.missed();
        }
        Ok(())
    }

    /// Something that links should know was not told, or may not have been.
    pub(super) fn missed(&self) {
        self.missed.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_missed(&self) -> u64 {
        self.missed.load(Ordering::Relaxed)
    }

    /// How many users had a link when the watch last looked.
    pub(super) fn online(&self) -> u64 {
        self.online.lock().iter().sum()
    }

    /// The server of `bucket` does not answer in time.
    pub(super) fn suspect(&self, bucket: usize) {
        if let Some(server) = self.servers.map().server(bucket) {
            server.give_up();
        }
        self.servers.doubt();
        self.look.notify_one();
    }

    /// Has the watch look now, and waits until it has.
    pub(super) async fn look_again(&self) {
        let mut rounds = self.rounds.subscribe();
        // The round that is under way may have looked already.
        for _ in 0..2 {
            self.look.notify_one();
            if rounds.changed().await.is_err() {
                return;
            }
        }
    }

    /// Leaves links to be taken out when that can be done.
    pub(super) fn leave(&self, more: Vec<Stale>) {
        let mut stale = self.stale.lock();
        let room = MOST_STALE.saturating_sub(stale.len());
        stale.extend(more.into_iter().take(room));
    }

    async fn take_out_stale(&self) {
        let batch: Vec<Stale> = {
            let mut stale = self.stale.lock();
            let at = stale.len().saturating_sub(STALE_AT_A_TIME);
            stale.split_off(at)
        };
        if batch.is_empty() {
            return;
        }
        let asks: Vec<_> =
            batch.iter().map(|it| unregister(it.user, it.device, &it.packed)).collect();
        let answers = self.servers.ask(&asks).await;
        let failed = batch.into_iter().zip(answers).filter(|(_, answer)| answer.is_err());
        self.leave(failed.map(|(it, _)| it).collect());
    }
}

/// What takes a link out.
pub(super) fn unregister(user: UserId, device: DeviceId, packed: &str) -> (usize, redis::Cmd) {
    let bucket = keys::bucket(user);
    let of = [keys::links(user), keys::seen(user, device), keys::online(bucket)];
    let mut cmd = scripts::UNREGISTER.call(&of);
    cmd.arg(device.0).arg(packed).arg(SEEN_FOR.as_millis());
    (bucket, cmd)
}

/// What servers tell by themselves. Called between two answers of a connection, in their order.
fn on_push(cache: Arc<Cache>, look: Arc<Notify>) -> OnPush {
    Arc::new(move |push: PushInfo| match push.kind {
        PushKind::Invalidate => match push.data.into_iter().next() {
            Some(Value::Array(keys)) => {
                for key in keys {
                    let Value::BulkString(key) = key else { continue };
                    match keys::user_of(&key) {
                        Some(user) => cache.forget(user),
                        None if key.ends_with(b":generation") => look.notify_one(),
                        None => {}
                    }
                }
            }
            // Everything was flushed.
            _ => {
                cache.clear();
                look.notify_one();
            }
        },
        PushKind::Disconnection => {
            cache.clear();
            look.notify_one();
        }
        _ => {}
    })
}

/// A bucket's generation and how many of its users are online.
fn looked(answer: Value) -> (String, u64) {
    let (value, online): (Option<String>, Option<i64>) =
        from_redis_value(answer).unwrap_or_default();
    (value.unwrap_or_default(), online.and_then(|it| u64::try_from(it).ok()).unwrap_or(0))
}

fn text(value: Value) -> String {
    from_redis_value::<Option<String>>(value).ok().flatten().unwrap_or_default()
}

/// A line of `INFO`.
fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}
