//! The link map in Redis or Valkey: one server, one that Sentinels watch over, or a Cluster.
//!
//! A user's links are one hash. Scripts change it ([`scripts`]), so that the highest epoch wins
//! whoever comes when; lookups read it, and keep what they read for moments ([`seek`], [`cache`]).
//! Links of CMs that nobody speaks for count as gone ([`leases`]), and a map that was lost shows
//! ([`generations`]). The server may be emptied at any moment: CMs put their links back in.

mod cache;
mod directory;
mod generations;
mod keys;
mod leases;
mod live;
mod scripts;
mod seek;
mod servers;
mod topology;
mod url;

use std::{sync::Arc, time::Duration};

use anser_domain::{Clock as _, LinkRef, PeerId, SystemClock, UserId};
use async_trait::async_trait;
use redis::{RedisError, Value, from_redis_value};
use tokio::task::JoinHandle;

use self::{
    live::{Live, Stale},
    seek::Seeker,
    url::Target,
};
use crate::{
    OpenError,
    port::{Registered, Registration, RouteTable, Routes, RoutesError},
};

pub use directory::{Directory, LEASE, Part, Record};
pub(crate) use url::without_password;

/// How long a login waits for the map before it is refused, to be tried again.
const WRITE_WITHIN: Duration = Duration::from_secs(3);
/// How often a registration is tried while the map is being lost under it.
const TRIES: usize = 3;
/// How long a link that was replaced is told again to a registration whose answer was lost.
const REPLACED_FOR: Duration = Duration::from_secs(10);

/// The link map.
pub struct RedisRoutes {
    live: Arc<Live>,
    seeker: Arc<Seeker>,
    tasks: Vec<JoinHandle<()>>,
}

/// Whether `url` can name a map in Redis, without asking anybody.
pub(crate) fn check(url: &str) -> Result<(), OpenError> {
    Target::parse(url).map(|_| ())
}

impl RedisRoutes {
    /// Reaches the servers that `url` names, and begins a generation where there is none.
    ///
    /// # Errors
    /// [`OpenError`], fit to be shown as it is.
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        let live = Arc::new(Live::new(Target::parse(url)?));
        let unreachable = |error: RedisError| OpenError::RoutesUnreachable {
            url: without_password(url),
            reason: error.to_string(),
        };
        live.round().await.map_err(unreachable)?;
        let seeker = Arc::new(Seeker::default());
        let tasks = vec![
            tokio::spawn(live.clone().watch()),
            tokio::spawn(seeker.clone().run(live.clone())),
        ];
        Ok(Self { live, seeker, tasks })
    }

    /// Registers what is `open` still; answers what the map had lost its generation under.
    async fn register_once(
        &self,
        batch: &[Registration],
        open: Vec<usize>,
        done: &mut [Registered],
    ) -> Result<Vec<usize>, RoutesError> {
        let live = &self.live;
        let ask = |it: &Registration| {
            let (user, device) = (it.user, it.route.device);
            let bucket = keys::bucket(user);
            let (generation, tag) = live.generations.of(bucket);
            let of = [
                keys::generation(bucket),
                keys::links(user),
                keys::seen(user, device),
                keys::online(bucket),
            ];
            let mut cmd = scripts::REGISTER.call(&of);
            cmd.arg(generation).arg(device.0).arg(keys::pack(it.route.link, tag));
            cmd.arg(REPLACED_FOR.as_millis());
            (bucket, cmd)
        };
        let asks: Vec<_> = open.iter().filter_map(|at| batch.get(*at)).map(ask).collect();
        let answers = live.servers.ask(&asks).await;
        let mut lost = Vec::new();
        for (at, answer) in open.into_iter().zip(answers) {
            let mut answer = fields(answer.map_err(failed)?).into_iter();
            let (Some(it), Some(done)) = (batch.get(at), done.get_mut(at)) else { continue };
            live.cache.forget(it.user);
            match answer.next().as_deref() {
                Some(b"linked") => {
                    let replaced = answer.next().and_then(|it| keys::unpack(&it));
                    *done = self.linked(it, replaced.map(|(link, _)| link), answer);
                }
                Some(b"lost") => lost.push(at),
                _ => *done = Registered::Outranked,
            }
        }
        Ok(lost)
    }

    fn linked(
        &self,
        it: &Registration,
        replaced: Option<LinkRef>,
        all: impl Iterator<Item = Vec<u8>>,
    ) -> Registered {
        self.live.leases.with(|is_there| match replaced {
            // A link whose CM has gone needs no eviction.
            Some(old) if is_there(old.cm) => Registered::Replaced(old),
            _ => Registered::Fresh { first: !self.others(it, all, is_there) },
        })
    }

    /// Whether devices and packed routes as they alternate in `all` have another device's link.
    fn others(
        &self,
        it: &Registration,
        mut all: impl Iterator<Item = Vec<u8>>,
        is_there: &dyn Fn(PeerId) -> bool,
    ) -> bool {
        let now = SystemClock.now();
        let device = it.route.device.0.to_string();
        while let (Some(other), Some(packed)) = (all.next(), all.next()) {
            let Some((link, tag)) = keys::unpack(&packed) else { continue };
            if other != device.as_bytes()
                && is_there(link.cm)
                && self.live.generations.counts(keys::bucket(it.user), tag, now)
            {
                return true;
            }
        }
        false
    }

    /// Makes sure that CMs have leases before links of theirs are written.
    async fn vouch(&self, cms: &[PeerId]) -> Result<(), RoutesError> {
        if self.live.leases.heard(cms, SystemClock.now()) {
            self.live.renew().await.map_err(failed)?;
        }
        Ok(())
    }
}

impl Drop for RedisRoutes {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

#[async_trait]
impl Routes for RedisRoutes {
    async fn register(&self, batch: Vec<Registration>) -> Result<Vec<Registered>, RoutesError> {
        within(async {
            let mut cms: Vec<PeerId> = batch.iter().map(|it| it.route.link.cm).collect();
            cms.sort_unstable();
            cms.dedup();
            self.vouch(&cms).await?;
            let mut done = vec![Registered::Outranked; batch.len()];
            let mut open: Vec<usize> = (0..batch.len()).collect();
            for _ in 0..TRIES {
                open = self.register_once(&batch, open, &mut done).await?;
                if open.is_empty() {
                    return Ok(done);
                }
                // A write never lands in a map that nobody knows to be another one.
                self.live.look_again().await;
            }
            Err(RoutesError("it keeps losing what it holds".into()))
        })
        .await
    }

    async fn unregister(&self, batch: Vec<Registration>) -> Result<Vec<bool>, RoutesError> {
        let stale = |it: &Registration| Stale {
            user: it.user,
            device: it.route.device,
            packed: keys::pack(it.route.link, 0).chars().take(keys::LINK).collect(),
        };
        let links: Vec<Stale> = batch.iter().map(stale).collect();
        let asks: Vec<_> =
            links.iter().map(|it| live::unregister(it.user, it.device, &it.packed)).collect();
        let answers = within(async {
            let answers = self.live.servers.ask(&asks).await;
            answers.into_iter().collect::<Result<Vec<Value>, _>>().map_err(failed)
        })
        .await;
        let Ok(answers) = answers else {
            // A closed link never comes back, so it can be taken out at any later time.
            self.live.leave(links);
            return answers.map(|_| Vec::new());
        };
        let last = |(it, answer): (&Registration, Value)| {
            self.live.cache.forget(it.user);
            let mut answer = fields(answer).into_iter();
            answer.next().as_deref() == Some(b"gone")
                && !self.live.leases.with(|is_there| self.others(it, answer, is_there))
        };
        Ok(batch.iter().zip(answers).map(last).collect())
    }

    async fn keep(&self, cms: Vec<PeerId>) -> Result<(), RoutesError> {
        within(self.vouch(&cms)).await
    }

    async fn forget_peer(&self, cm: PeerId) -> Result<(), RoutesError> {
        within(async {
            let release = (keys::LEASES_BUCKET, self.live.leases.release(cm));
            self.live
                .servers
                .ask(&[release])
                .await
                .into_iter()
                .try_for_each(|it| it.map(|_| ()).map_err(failed))?;
            self.live.renew().await.map_err(failed)
        })
        .await
    }

    fn lookup(&self, users: Vec<UserId>, then: Box<dyn FnOnce(RouteTable) + Send>) {
        if users.is_empty() {
            return then(Vec::new());
        }
        self.seeker.push(users, then);
    }

    fn online(&self) -> u64 {
        self.live.online()
    }

    fn generation(&self) -> u64 {
        self.live.generations.number()
    }

    fn missed(&self) -> u64 {
        self.live.count_missed()
    }
}

/// The fields of a script's answer.
fn fields(answer: Value) -> Vec<Vec<u8>> {
    from_redis_value(answer).unwrap_or_default()
}

fn failed(error: RedisError) -> RoutesError {
    RoutesError(error.to_string())
}

async fn within<T>(
    work: impl Future<Output = Result<T, RoutesError>> + Send,
) -> Result<T, RoutesError> {
    tokio::time::timeout(WRITE_WITHIN, work)
        .await
        .unwrap_or_else(|_| Err(RoutesError("it does not answer in time".into())))
}
