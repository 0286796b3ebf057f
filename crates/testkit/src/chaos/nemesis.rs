//! What does the harm, and takes it back.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result};
use rand::{RngExt as _, rngs::StdRng, seq::IndexedRandom as _};
use tokio::time::timeout;

use super::{
    fault::{Fault, Harm, Joint, RedisHarm, StoreHarm},
    site::{Redis, Site},
};
use crate::{
    real::Role,
    relay::{Relay, Weather},
};

/// How long a process that is asked to go may take, as a supervisor would give it: its drain, and
/// what a broken link adds to that.
const GOES_WITHIN: Duration = Duration::from_secs(15);
/// How long one that is started while something else is hurt may take before it is left for later.
const COMES_WITHIN: Duration = Duration::from_secs(10);

/// What has been done, to be taken back.
pub(super) enum Wound {
    None,
    Killed(Role, usize),
    /// Those that did not come back while something else was hurt.
    Rolled(Vec<(Role, usize)>),
    Stopped(Role, usize),
    Weather(Joint, usize),
    RedisDown(usize),
    RedisStalled,
    FailedOver,
    StoreDown,
    StoreStalled,
    ReadOnly,
    Locks(Arc<AtomicBool>, thread::JoinHandle<()>),
}

/// Does `fault`; what was hurt, and words for it.
pub(super) async fn strike(
    site: &mut Site,
    fault: &Fault,
    rng: &mut StdRng,
) -> Result<(Wound, String)> {
    let name = fault.name;
    let whole = |wound| Ok((wound, name.to_owned()));
    match fault.harm {
        Harm::Kill(role) | Harm::Stop(role) => {
            let nodes = site.nodes(role).iter_mut().enumerate();
            let mut whole: Vec<_> = nodes.filter(|(_, it)| !it.hurt).collect();
            let at = rng.random_range(0..whole.len().max(1));
            let Some((at, node)) = whole.get_mut(at) else { return missed(name) };
            node.hurt = true;
            let wound = if matches!(fault.harm, Harm::Kill(_)) {
                node.server.kill().await?;
                Wound::Killed(role, *at)
            } else {
                node.server.pause()?;
                Wound::Stopped(role, *at)
            };
            Ok((wound, format!("{name} {at}")))
        }
        Harm::Roll => {
            let down = roll(site).await?;
            let words = format!("{name}, {} are not back", down.len());
            Ok((Wound::Rolled(down), words))
        }
        Harm::Weather(joint, weather) => {
            let is_fair =
                |at: &usize| relay(site, joint, *at).map(Relay::weather) == Some(Weather::Fair);
            let fair: Vec<usize> = (0..2).filter(is_fair).collect();
            let Some(at) = fair.choose(rng).copied() else { return missed(name) };
            set(site, joint, at, weather);
            Ok((Wound::Weather(joint, at), format!("{name} {at}")))
        }
        Harm::Redis(harm) => redis(site, harm, rng).await.and_then(whole),
        Harm::Store(harm) => store(site, harm).and_then(whole),
    }
}

/// All that it could be done to is hurt already.
fn missed(name: &str) -> Result<(Wound, String)> {
    Ok((Wound::None, format!("{name} finds nothing whole")))
}

/// Replaces every process that is whole; which of them are not back. That is a matter of what else
/// is hurt: an SM does not start without its store, and a supervisor would try again.
async fn roll(site: &mut Site) -> Result<Vec<(Role, usize)>> {
    let mut down = Vec::new();
    for role in [Role::Sm, Role::Cm, Role::Web] {
        for (at, node) in site.nodes(role).iter_mut().enumerate().filter(|(_, it)| !it.hurt) {
            match timeout(GOES_WITHIN, node.server.stop()).await {
                Ok(ended) => ended.with_context(|| format!("{role:?} {at}"))?,
                Err(_) => node.server.kill().await?,
            }
            if !matches!(timeout(COMES_WITHIN, node.restart(role)).await, Ok(Ok(()))) {
                node.hurt = true;
                down.push((role, at));
            }
        }
    }
    Ok(down)
}

async fn redis(site: &mut Site, harm: RedisHarm, rng: &mut StdRng) -> Result<Wound> {
    match (&mut site.redis, harm) {
        (Redis::One(server), RedisHarm::Flush) => server.flush().await?,
        (Redis::One(server), RedisHarm::Stall) => {
            server.pause()?;
            return Ok(Wound::RedisStalled);
        }
        (Redis::One(server), RedisHarm::Restart) => {
            server.kill()?;
            return Ok(Wound::RedisDown(0));
        }
        (Redis::Watched(set), RedisHarm::FailOver) => {
            set.fail_over().await?;
            return Ok(Wound::FailedOver);
        }
        (Redis::Cluster(cluster), RedisHarm::NodeLoss) => {
            let at = rng.random_range(0..cluster.masters().len());
            if let Some(master) = cluster.masters().get_mut(at) {
                master.kill()?;
            }
            return Ok(Wound::RedisDown(at));
        }
        // `fault::map` sees to it that there is no such pair.
        _ => {}
    }
    Ok(Wound::None)
}

fn store(site: &Site, harm: StoreHarm) -> Result<Wound> {
    Ok(match harm {
        StoreHarm::Kill | StoreHarm::Restart => {
            let gently = matches!(harm, StoreHarm::Restart);
            tokio::task::block_in_place(|| site.mariadb.stop(gently))?;
            Wound::StoreDown
        }
        StoreHarm::Stall => {
            site.mariadb.pause()?;
            Wound::StoreStalled
        }
        StoreHarm::ReadOnly => {
            site.mariadb.ask("SET GLOBAL read_only = 1")?;
            Wound::ReadOnly
        }
        StoreHarm::Deadlocks => {
            let done = Arc::new(AtomicBool::new(false));
            let (mariadb, database, stop) =
                (site.mariadb.clone(), site.database.clone(), done.clone());
            // Two heads that are in use, the higher key first, while SMs go up.
            let text = format!(
                "USE {database}; SET innodb_lock_wait_timeout = 1; \
                 SELECT MAX(conv), MIN(conv) INTO @high, @low FROM \
                 (SELECT conv FROM heads ORDER BY last_message DESC LIMIT 4) AS busy; BEGIN; \
                 SELECT conv FROM heads WHERE conv = @high FOR UPDATE; DO SLEEP(0.02); \
                 SELECT conv FROM heads WHERE conv = @low FOR UPDATE; \
                 DO SLEEP(0.02); ROLLBACK"
            );
            let locks = thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    mariadb.try_to(&text);
                    thread::sleep(Duration::from_millis(20));
                }
            });
            Wound::Locks(done, locks)
        }
    })
}

impl Wound {
    /// Whether it is a process of the cluster that is hurt. The world around is mended first:
    /// without it they do not start.
    pub(super) fn is_inside(&self) -> bool {
        matches!(self, Self::Killed(..) | Self::Rolled(_) | Self::Stopped(..))
    }
}

/// Takes it back.
pub(super) async fn heal(site: &mut Site, wound: Wound) -> Result<()> {
    match wound {
        Wound::None => {}
        Wound::Killed(role, at) => start(site, role, at).await?,
        Wound::Rolled(down) => {
            for (role, at) in down {
                start(site, role, at).await?;
            }
        }
        Wound::Stopped(role, at) => {
            if let Some(node) = site.nodes(role).get_mut(at) {
                node.server.go_on()?;
                node.hurt = false;
            }
        }
        Wound::Weather(joint, at) => set(site, joint, at, Weather::Fair),
        Wound::RedisDown(at) => match &mut site.redis {
            Redis::One(server) => server.restart().await?,
            Redis::Cluster(cluster) => {
                if let Some(master) = cluster.masters().get_mut(at) {
                    master.restart().await?;
                }
            }
            Redis::Watched(_) => {}
        },
        Wound::FailedOver => {
            if let Redis::Watched(set) = &mut site.redis {
                set.recover().await?;
            }
        }
        Wound::RedisStalled => {
            if let Redis::One(server) = &site.redis {
                server.go_on()?;
            }
        }
        Wound::StoreDown => tokio::task::block_in_place(|| site.mariadb.restart())?,
        Wound::StoreStalled => site.mariadb.go_on()?,
        Wound::ReadOnly => {
            site.mariadb.ask("SET GLOBAL read_only = 0")?;
        }
        Wound::Locks(done, locks) => {
            done.store(true, Ordering::Relaxed);
            // Whoever only held locks has nothing to tell.
            let _ = tokio::task::block_in_place(|| locks.join());
        }
    }
    Ok(())
}

async fn start(site: &mut Site, role: Role, at: usize) -> Result<()> {
    if let Some(node) = site.nodes(role).get_mut(at) {
        node.restart(role).await.with_context(|| format!("{role:?} {at} does not come back"))?;
        node.hurt = false;
    }
    Ok(())
}

fn relay(site: &Site, joint: Joint, at: usize) -> Option<&Relay> {
    match joint {
        Joint::Clients => site.cms.get(at).map(|it| &it.front),
        Joint::Sm => site.sms.get(at).map(|it| &it.front),
        Joint::Redis => site.to_redis.get(at),
        Joint::Store => site.to_store.get(at),
    }
}

fn set(site: &Site, joint: Joint, at: usize, weather: Weather) {
    if let Some(relay) = relay(site, joint, at) {
        relay.set(weather);
    }
}
