//! A bounded map that forgets what was not used lately.

use std::hash::Hash;

use rustc_hash::FxHashMap;

/// Two generations: what is used moves to the young one; when that has grown to the limit, it
/// becomes the old one and the old one is dropped. So at most twice the limit is held, and
/// neither a hit nor a miss keeps a list in order.
pub(super) struct Cache<K, V> {
    young: FxHashMap<K, V>,
    old: FxHashMap<K, V>,
    weight: usize,
    limit: usize,
}

impl<K: Eq + Hash + Clone, V> Cache<K, V> {
    /// A cache that holds at least `limit` of weight (one each, unless told otherwise).
    pub(super) fn new(limit: usize) -> Self {
        Self { young: FxHashMap::default(), old: FxHashMap::default(), weight: 0, limit }
    }

    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        if !self.young.contains_key(key) {
            let (key, value) = self.old.remove_entry(key)?;
            self.weight += 1;
            self.young.insert(key, value);
        }
        self.young.get_mut(key)
    }

    pub(super) fn get(&mut self, key: &K) -> Option<&V> {
        self.get_mut(key).map(|value| &*value)
    }

    pub(super) fn insert(&mut self, key: K, value: V) {
        self.insert_heavy(key, value, 1);
    }

    /// Inserts what counts as `weight` ones.
    pub(super) fn insert_heavy(&mut self, key: K, value: V, weight: usize) {
        self.old.remove(&key);
        self.weight += weight;
        self.young.insert(key, value);
    }

    pub(super) fn remove(&mut self, key: &K) {
        self.young.remove(key);
        self.old.remove(key);
    }

    pub(super) fn clear(&mut self) {
        self.young.clear();
        self.old.clear();
        self.weight = 0;
    }

    /// Forgets the old generation if the young one has grown to the limit. A call of its own, so
    /// that nothing vanishes in the middle of a transaction.
    pub(super) fn trim(&mut self) {
        if self.weight >= self.limit {
            self.old = std::mem::take(&mut self.young);
            self.weight = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_what_is_not_goes() {
        let mut cache = Cache::new(4);
        for round in 0..10 {
            for key in 0..4 {
                cache.insert(round * 10 + key, ());
                assert!(cache.get(&0).is_some(), "the hot key is still there");
            }
            cache.trim();
        }
        assert!(cache.get(&1).is_none(), "the cold one is not");
        assert!(cache.young.len() + cache.old.len() <= 10);
    }
}
