//! Which links there are: a sharded slab, so that finding one takes a short read lock and a
//! number that is used again is never mistaken for the link that had it before.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use anser_domain::LinkId;
use parking_lot::RwLock;

use crate::link::Link;

/// How many shards: one is compared per tick after hints were lost.
pub(crate) const SHARDS: usize = 32;
const SHARD_BITS: u32 = SHARDS.trailing_zeros();
const INDEX_BITS: u32 = 32 - SHARD_BITS;

/// The links of one CM. A `LinkId` is generation (32 bits), index in the shard, shard.
pub(crate) struct Registry {
    shards: Box<[RwLock<Shard>]>,
    next: AtomicU64,
}

#[derive(Default)]
struct Shard {
    slots: Vec<Slot>,
    free: Vec<u32>,
}

#[derive(Default)]
struct Slot {
    generation: u32,
    link: Option<Arc<Link>>,
}

impl Registry {
    pub(crate) fn new() -> Self {
        Self { shards: (0..SHARDS).map(|_| RwLock::default()).collect(), next: AtomicU64::new(0) }
    }

    /// Puts in the link that `make` makes for its id.
    pub(crate) fn insert(&self, make: impl FnOnce(LinkId) -> Link) -> Option<Arc<Link>> {
        let number = self.next.fetch_add(1, Ordering::Relaxed) % SHARDS as u64;
        let mut shard = self.shards.get(usize::try_from(number).ok()?)?.write();
        let index = match shard.free.pop() {
            Some(index) => index,
            None => {
                let index = u32::try_from(shard.slots.len()).ok()?;
                if index >> INDEX_BITS != 0 {
                    return None;
                }
                if shard.slots.len() == shard.slots.capacity() {
                    // By an eighth rather than by as much again: there are many slots.
                    let more = shard.slots.len() / 8 + 32;
                    shard.slots.reserve_exact(more);
                }
                shard.slots.push(Slot::default());
                index
            }
        };
        let slot = shard.slots.get_mut(index as usize)?;
        slot.generation = slot.generation.wrapping_add(1);
        let id = u64::from(slot.generation) << 32 | u64::from(index) << SHARD_BITS | number;
        let link = Arc::new(make(LinkId(id)));
        slot.link = Some(link.clone());
        Some(link)
    }

    pub(crate) fn find(&self, id: LinkId) -> Option<Arc<Link>> {
        let (shard, index, generation) = parts(id);
        let shard = self.shards.get(shard)?.read();
        let slot = shard.slots.get(index)?;
        if slot.generation == generation { slot.link.clone() } else { None }
    }

    pub(crate) fn remove(&self, id: LinkId) -> bool {
        let (shard, index, generation) = parts(id);
        let Some(shard) = self.shards.get(shard) else { return false };
        let mut shard = shard.write();
        let Some(slot) = shard.slots.get_mut(index) else { return false };
        if slot.generation != generation || slot.link.take().is_none() {
            return false;
        }
        shard.free.extend(u32::try_from(index).ok());
        true
    }

    /// The links of one shard, by its number.
    pub(crate) fn shard(&self, number: usize) -> Vec<Arc<Link>> {
        self.shards.get(number).map_or_else(Vec::new, |shard| {
            shard.read().slots.iter().filter_map(|slot| slot.link.clone()).collect()
        })
    }
}

fn parts(id: LinkId) -> (usize, usize, u32) {
    let low = id.0 & u64::from(u32::MAX);
    let shard = low & (SHARDS as u64 - 1);
    // All three fit: `low` has 32 bits, and the generation is the upper half.
    (
        usize::try_from(shard).unwrap_or(usize::MAX),
        usize::try_from(low >> SHARD_BITS).unwrap_or(usize::MAX),
        u32::try_from(id.0 >> 32).unwrap_or(u32::MAX),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::tests::idle_link;

    #[test]
    fn a_number_used_again_is_another_link() {
        let registry = Registry::new();
        let ids: Vec<_> = (0..100).map(|_| registry.insert(idle_link).unwrap().id()).collect();
        for id in &ids {
            assert_eq!(registry.find(*id).unwrap().id(), *id);
            assert!(registry.remove(*id));
            assert!(!registry.remove(*id));
            assert!(registry.find(*id).is_none());
        }
        let again: Vec<_> = (0..100).map(|_| registry.insert(idle_link).unwrap().id()).collect();
        assert!(again.iter().all(|id| !ids.contains(id)));
        let all: usize = (0..SHARDS).map(|n| registry.shard(n).len()).sum();
        assert_eq!(all, 100);
    }
}
