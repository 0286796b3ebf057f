//! Everything that can be done to a cluster, by name.

use std::{ops::RangeInclusive, time::Duration};

use anyhow::{Context as _, Result, bail, ensure};
use rand::{
    SeedableRng as _,
    rngs::StdRng,
    seq::{IteratorRandom as _, SliceRandom as _},
};

use crate::{real::Role, relay::Weather};

/// One kind of harm.
#[derive(Debug)]
pub struct Fault {
    /// As it is named on the command line.
    pub name: &'static str,
    /// How long it lasts, in milliseconds.
    pub(super) holds: RangeInclusive<u64>,
    pub(super) harm: Harm,
}

/// What is done.
#[derive(Clone, Copy, Debug)]
pub(super) enum Harm {
    /// `kill -9`; what comes back is another life.
    Kill(Role),
    /// Stopped where it is, as under a debugger or a hypervisor that moves it.
    Stop(Role),
    /// Every process of every role is replaced, one after another.
    Roll,
    /// The links between two parts.
    Weather(Joint, Weather),
    Redis(RedisHarm),
    Store(StoreHarm),
}

/// Between whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Joint {
    /// Clients and a CM.
    Clients,
    /// CMs and Webs, and an SM.
    Sm,
    /// An SM and Redis.
    Redis,
    /// An SM and MariaDB.
    Store,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum RedisHarm {
    Flush,
    Restart,
    Stall,
    /// The master dies, and a Sentinel lets its replica take over.
    FailOver,
    /// A master of a Cluster without replicas dies, and comes back empty.
    NodeLoss,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum StoreHarm {
    Kill,
    Restart,
    Stall,
    ReadOnly,
    /// Somebody else locks heads, in an order that no SM uses.
    Deadlocks,
}

/// What holds the link map in a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Map {
    /// One server, reached over relays.
    #[default]
    One,
    /// A master, a replica and a Sentinel.
    Watched,
    /// Three masters.
    Cluster,
}

const fn fault(name: &'static str, holds: RangeInclusive<u64>, harm: Harm) -> Fault {
    Fault { name, holds, harm }
}

const fn links(name: &'static str, joint: Joint, weather: Weather) -> Fault {
    // Longer than the 5 s after which most waits give up, shorter than the 15 s after which an SM
    // counts as gone: both sides of what is decided by time.
    fault(name, 2_000..=12_000, Harm::Weather(joint, weather))
}

/// Slow enough to pile things up, quick enough that nothing gives up.
const SLOW: Weather = Weather::Slow(Duration::from_millis(300));

/// All of them.
pub static FAULTS: &[Fault] = &[
    fault("kill-cm", 500..=4_000, Harm::Kill(Role::Cm)),
    fault("kill-sm", 500..=4_000, Harm::Kill(Role::Sm)),
    fault("kill-web", 500..=4_000, Harm::Kill(Role::Web)),
    fault("stop-cm", 5_000..=5_000, Harm::Stop(Role::Cm)),
    fault("stop-sm", 5_000..=5_000, Harm::Stop(Role::Sm)),
    fault("stop-web", 5_000..=5_000, Harm::Stop(Role::Web)),
    fault("stop-cm-long", 30_000..=30_000, Harm::Stop(Role::Cm)),
    fault("stop-sm-long", 30_000..=30_000, Harm::Stop(Role::Sm)),
    fault("stop-web-long", 30_000..=30_000, Harm::Stop(Role::Web)),
    fault("roll", 0..=0, Harm::Roll),
    links("cut-clients", Joint::Clients, Weather::Cut),
    links("slow-clients", Joint::Clients, SLOW),
    links("deaf-clients", Joint::Clients, Weather::OnlyForth),
    links("mute-clients", Joint::Clients, Weather::OnlyBack),
    links("cut-sm", Joint::Sm, Weather::Cut),
    links("slow-sm", Joint::Sm, SLOW),
    links("deaf-sm", Joint::Sm, Weather::OnlyBack),
    links("mute-sm", Joint::Sm, Weather::OnlyForth),
    links("cut-redis", Joint::Redis, Weather::Cut),
    links("slow-redis", Joint::Redis, SLOW),
    links("mute-redis", Joint::Redis, Weather::OnlyForth),
    links("cut-store", Joint::Store, Weather::Cut),
    links("slow-store", Joint::Store, SLOW),
    links("deaf-store", Joint::Store, Weather::OnlyBack),
    links("mute-store", Joint::Store, Weather::OnlyForth),
    fault("redis-flush", 0..=500, Harm::Redis(RedisHarm::Flush)),
    fault("redis-restart", 500..=3_000, Harm::Redis(RedisHarm::Restart)),
    fault("redis-stall", 5_000..=5_000, Harm::Redis(RedisHarm::Stall)),
    fault("sentinel-failover", 0..=500, Harm::Redis(RedisHarm::FailOver)),
    fault("cluster-node-loss", 1_000..=4_000, Harm::Redis(RedisHarm::NodeLoss)),
    fault("mariadb-kill", 500..=3_000, Harm::Store(StoreHarm::Kill)),
    fault("mariadb-restart", 500..=2_000, Harm::Store(StoreHarm::Restart)),
    fault("mariadb-stall", 5_000..=5_000, Harm::Store(StoreHarm::Stall)),
    fault("mariadb-read-only", 2_000..=6_000, Harm::Store(StoreHarm::ReadOnly)),
    fault("mariadb-deadlocks", 4_000..=8_000, Harm::Store(StoreHarm::Deadlocks)),
];

impl Fault {
    /// Whether it is a longer story, in the course of which others can happen.
    pub(super) fn takes_its_time(&self) -> bool {
        matches!(self.harm, Harm::Roll)
    }

    /// Whether both can be done at once: what happens to one engine does not happen together.
    fn goes_with(&self, other: &Self) -> bool {
        let engine = |it: &Self| match it.harm {
            Harm::Redis(_) => Some(Joint::Redis),
            Harm::Store(_) => Some(Joint::Store),
            _ => None,
        };
        let apart = engine(self).is_none() || engine(self) != engine(other);
        self.name != other.name
            && apart
            && self.map().and(other.map()).is_none_or(|_| self.map() == other.map())
    }

    /// The link map that it takes; `None`: it goes with any.
    fn map(&self) -> Option<Map> {
        match self.harm {
            Harm::Redis(RedisHarm::FailOver) => Some(Map::Watched),
            Harm::Redis(RedisHarm::NodeLoss) => Some(Map::Cluster),
            Harm::Redis(_) | Harm::Weather(Joint::Redis, _) => Some(Map::One),
            _ => None,
        }
    }
}

/// Faults that are done together.
pub type Together = Vec<&'static Fault>;

/// Reads `kill-sm,cut-store+redis-flush`: which are done, alone or together, in any order.
///
/// # Errors
/// No such fault.
pub fn parse(list: &str) -> Result<Vec<Together>> {
    let named = |name: &str| {
        FAULTS.iter().find(|it| it.name == name).with_context(|| format!("no fault {name:?}"))
    };
    list.split(',').map(|pair| pair.split('+').map(named).collect()).collect()
}

/// All that go with one Redis server, each alone.
#[must_use]
pub fn singly() -> Vec<Together> {
    let fit = FAULTS.iter().filter(|it| it.map().is_none_or(|map| map == Map::One));
    fit.map(|it| vec![it]).collect()
}

/// All of them in pairs, dealt anew by each seed: every fault is in at least one pair of a seed, and
/// many seeds come to all pairs that there are.
#[must_use]
pub fn pairs(faults: &[&'static Fault], seed: u64) -> Vec<Together> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut left = faults.to_vec();
    left.shuffle(&mut rng);
    let mut pairs = Vec::new();
    while let Some(one) = left.pop() {
        let free = left.iter().position(|other| one.goes_with(other));
        let other = free.map(|at| left.swap_remove(at));
        // Of those that are left none may go with it: then it is one that has a pair already.
        let other = other.or_else(|| {
            faults.iter().copied().filter(|other| one.goes_with(other)).choose(&mut rng)
        });
        pairs.extend(other.map(|other| vec![one, other]));
    }
    pairs
}

/// As [`parse`] reads it.
#[must_use]
pub fn name(together: &Together) -> String {
    together.iter().map(|it| it.name).collect::<Vec<_>>().join("+")
}

/// The link map on which all of them can be done.
///
/// # Errors
/// There is none.
pub fn map(faults: &[Together]) -> Result<Map> {
    let mut maps = faults.iter().flatten().filter_map(|it| it.map());
    let Some(map) = maps.next() else { return Ok(Map::One) };
    ensure!(maps.all(|it| it == map), "these faults take different kinds of Redis: run them apart");
    for together in faults {
        for pair in together.windows(2) {
            if let [one, other] = pair
                && one.name == other.name
            {
                bail!("{} together with itself", one.name);
            }
        }
    }
    Ok(map)
}
