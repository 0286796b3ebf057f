//! The state of keys that were seen of late, in bounded memory.

use std::hash::{BuildHasher, Hash};

use governor::{nanos::Nanos, state::StateStore};
use parking_lot::Mutex;
use rustc_hash::{FxBuildHasher, FxHashMap};

/// Keys are spread over so many locks.
const SHARDS: usize = 16;
/// Keys of one shard, 65,536 in all: some MiB at most.
const MOST: usize = 4096;

/// When each key will have its whole burst again.
pub(crate) struct Recent<K>([Mutex<FxHashMap<K, Nanos>>; SHARDS]);

impl<K> Default for Recent<K> {
    fn default() -> Self {
        Self(Default::default())
    }
}

impl<K: Hash + Eq + Clone> StateStore for Recent<K> {
    type Key = K;

    fn measure_and_replace<T, F, E>(&self, key: &K, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        // The map uses the low bits and the high seven.
        let shard = (FxBuildHasher.hash_one(key) >> 32) as usize % SHARDS;
        let [first, ..] = &self.0;
        let mut keys = self.0.get(shard).unwrap_or(first).lock();
        if let Some(whole_at) = keys.get_mut(key) {
            let (answer, next) = decide(Some(*whole_at))?;
            *whole_at = next;
            return Ok(answer);
        }
        let (answer, next) = decide(None)?;
        if keys.len() >= MOST {
            // What a key that is new now becomes, no key that has its whole burst lies beyond.
            keys.retain(|_, whole_at| *whole_at > next);
        }
        if keys.len() >= MOST {
            // So many at once are no one's rate; each begins anew, with its burst.
            keys.clear();
        }
        keys.insert(key.clone(), next);
        Ok(answer)
    }
}

#[cfg(test)]
impl<K> Recent<K> {
    pub(crate) fn len(&self) -> usize {
        self.0.iter().map(|shard| shard.lock().len()).sum()
    }

    pub(crate) const BOUND: usize = SHARDS * MOST;
}
