//! The link map in memory.

use std::sync::atomic::{AtomicU64, Ordering};

use anser_domain::{DeviceId, Epoch, PeerId, UserId};
use async_trait::async_trait;
use parking_lot::RwLock;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::port::{Members, Registered, Registration, Route, RouteTable, Routes, RoutesError};

/// So many locks share the users, so that logins do not stand in the way of fan-out.
const SHARDS: usize = 64;
/// So many epochs of devices that are not linked are remembered per shard. Epochs also stand in
/// the devices' rows; forgetting one here lets a link through that lost its race long ago.
const MAX_EPOCHS: usize = 65_536;

/// Routes of one process. Lookups answer at once, on the caller's thread.
pub struct MemoryRoutes {
    shards: Vec<RwLock<Shard>>,
    generation: AtomicU64,
}

#[derive(Default)]
struct Shard {
    links: FxHashMap<UserId, SmallVec<[Route; 1]>>,
    /// The highest epoch seen of devices whose link has gone.
    epochs: FxHashMap<DeviceId, Epoch>,
}

impl Default for MemoryRoutes {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryRoutes {
    /// An empty map.
    #[must_use]
    pub fn new() -> Self {
        let shards = (0..SHARDS).map(|_| RwLock::default()).collect();
        // A process that is started again begins with an empty map, and its CMs have to see that.
        Self { shards, generation: AtomicU64::new(rand::random()) }
    }

    /// Loses everything, as a restarted Redis would. For tests.
    pub fn flush(&self) {
        for shard in &self.shards {
            *shard.write() = Shard::default();
        }
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    fn shard(&self, user: UserId) -> Option<&RwLock<Shard>> {
        // Keys are handed out one after another, so their low bits spread evenly.
        self.shards.get(usize::try_from(user.0).unwrap_or(0) % SHARDS)
    }
}

impl Shard {
    fn register(&mut self, it: Registration) -> Registered {
        let links = self.links.entry(it.user).or_default();
        if let Some(held) = links.iter_mut().find(|held| held.device == it.route.device) {
            if held.link == it.route.link {
                return Registered::Fresh { first: links.len() == 1 };
            }
            if held.link.epoch >= it.route.link.epoch {
                return Registered::Outranked;
            }
            return Registered::Replaced(std::mem::replace(&mut held.link, it.route.link));
        }
        let seen = self.epochs.get(&it.route.device);
        if seen.is_some_and(|seen| *seen > it.route.link.epoch) {
            if links.is_empty() {
                self.links.remove(&it.user);
            }
            return Registered::Outranked;
        }
        self.epochs.remove(&it.route.device);
        links.push(it.route);
        Registered::Fresh { first: links.len() == 1 }
    }

    fn unregister(&mut self, it: Registration) -> bool {
        let Some(links) = self.links.get_mut(&it.user) else { return false };
        let Some(place) = links.iter().position(|held| *held == it.route) else { return false };
        links.swap_remove(place);
        let last = links.is_empty();
        if last {
            self.links.remove(&it.user);
        }
        self.remember(it.route);
        last
    }

    fn remember(&mut self, route: Route) {
        if self.epochs.len() >= MAX_EPOCHS {
            self.epochs.clear();
        }
        self.epochs.insert(route.device, route.link.epoch);
    }

    fn forget_peer(&mut self, cm: PeerId) {
        let mut gone = Vec::new();
        self.links.retain(|_, links| {
            links.retain(|route| {
                let stays = route.link.cm != cm;
                if !stays {
                    gone.push(*route);
                }
                stays
            });
            !links.is_empty()
        });
        for route in gone {
            self.remember(route);
        }
    }
}

#[async_trait]
impl Routes for MemoryRoutes {
    async fn register(&self, batch: Vec<Registration>) -> Result<Vec<Registered>, RoutesError> {
        let one = |it: Registration| {
            self.shard(it.user).map_or(Registered::Outranked, |shard| shard.write().register(it))
        };
        Ok(batch.into_iter().map(one).collect())
    }

    async fn unregister(&self, batch: Vec<Registration>) -> Result<Vec<bool>, RoutesError> {
        let one = |it: Registration| {
            self.shard(it.user).is_some_and(|shard| shard.write().unregister(it))
        };
        Ok(batch.into_iter().map(one).collect())
    }

    async fn forget_peer(&self, cm: PeerId) -> Result<(), RoutesError> {
        for shard in &self.shards {
            shard.write().forget_peer(cm);
        }
        Ok(())
    }

    fn lookup(&self, users: Vec<UserId>, then: Box<dyn FnOnce(RouteTable) + Send>) {
        let one = |user: UserId| {
            let shard = self.shard(user)?.read();
            shard.links.get(&user).cloned()
        };
        // No lock is held while `then` runs.
        then(users.into_iter().map(|user| one(user).unwrap_or_default()).collect());
    }

    fn linked_among(&self, members: &Members) -> Option<Vec<UserId>> {
        let linked: usize = self.shards.iter().map(|shard| shard.read().links.len()).sum();
        let is_linked =
            |user: &UserId| self.shard(*user).is_some_and(|it| it.read().links.contains_key(user));
        if members.len() <= linked {
            return Some(members.keys().filter(|user| is_linked(user)).copied().collect());
        }
        let mut found = Vec::new();
        for shard in &self.shards {
            let shard = shard.read();
            found.extend(shard.links.keys().filter(|user| members.contains_key(user)));
        }
        Some(found)
    }

    fn online(&self) -> u64 {
        self.shards.iter().map(|shard| shard.read().links.len() as u64).sum()
    }

    fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }
}
