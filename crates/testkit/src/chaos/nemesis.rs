//! What does the harm, and takes it back.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::Result;
use rand::{RngExt as _, rngs::StdRng};

use super::{
    fault::{Fault, Harm, Joint, RedisHarm, StoreHarm},
    site::{Redis, Site},
};
use crate::{real::Role, relay::Weather};

/// What has been done, to be taken back.
pub(super) enum Wound {
    None,
    Killed(Role, usize),
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
        Harm::Kill(role) => {
            let at = rng.random_range(0..site.nodes(role).len());
            if let Some(node) = site.nodes(role).get_mut(at) {
                node.server.kill().await?;
            }
            Ok((Wound::Killed(role, at), format!("{name} {at}")))
        }
        Harm::Stop(role) => {
            let at = rng.random_range(0..site.nodes(role).len());
            if let Some(node) = site.nodes(role).get_mut(at) {
                node.server.pause()?;
            }
            Ok((Wound::Stopped(role, at), format!("{name} {at}")))
        }
        Harm::Roll => {
            for role in [Role::Sm, Role::Cm, Role::Web] {
                for node in site.nodes(role) {
                    node.server.stop().await?;
                    node.restart(role).await?;
                }
            }
            whole(Wound::None)
        }
        Harm::Weather(joint, weather) => {
            let at = rng.random_range(0..2);
            set(site, joint, at, weather);
            Ok((Wound::Weather(joint, at), format!("{name} {at}")))
        }
        Harm::Redis(harm) => redis(site, harm, rng).await.and_then(whole),
        Harm::Store(harm) => store(site, harm).and_then(whole),
    }
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
            // Heads from the highest key to the lowest, while SMs go up.
            let text = format!(
                "USE {database}; SET innodb_lock_wait_timeout = 1; BEGIN; \
                 SELECT conv FROM heads ORDER BY conv DESC LIMIT 3 FOR UPDATE; DO SLEEP(0.02); \
                 SELECT conv FROM heads ORDER BY conv LIMIT 3 FOR UPDATE; \
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

/// Takes it back.
pub(super) async fn heal(site: &mut Site, wound: Wound) -> Result<()> {
    match wound {
        Wound::None => {}
        Wound::Killed(role, at) => {
            if let Some(node) = site.nodes(role).get_mut(at) {
                node.restart(role).await?;
            }
        }
        Wound::Stopped(role, at) => {
            if let Some(node) = site.nodes(role).get_mut(at) {
                node.server.go_on()?;
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

fn set(site: &Site, joint: Joint, at: usize, weather: Weather) {
    let relay = match joint {
        Joint::Clients => site.cms.get(at).map(|it| &it.front),
        Joint::Sm => site.sms.get(at).map(|it| &it.front),
        Joint::Redis => site.to_redis.get(at),
        Joint::Store => site.to_store.get(at),
    };
    if let Some(relay) = relay {
        relay.set(weather);
    }
}
