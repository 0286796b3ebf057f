//! Failures of a key, each of which makes the next try wait longer.

use std::{
    fmt,
    hash::Hash,
    sync::Arc,
    time::{Duration, Instant},
};

use anser_domain::Clock;
use parking_lot::Mutex;
use rustc_hash::FxHashMap;

/// Keys remembered at most: some MiB.
const MOST: usize = 65_536;

/// How failures are borne.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// So many in a row cost nothing: people mistype.
    pub free: u32,
    /// The wait after the next one; it doubles with each.
    pub first: Duration,
    /// No wait is longer, and this long after the last try everything is forgiven twice over: a
    /// stranger's tries delay the owner, and never shut them out.
    pub most: Duration,
}

/// Counts failures by key.
pub struct Backoff<K> {
    clock: Arc<dyn Clock>,
    patience: Patience,
    failing: Mutex<FxHashMap<K, Failing>>,
}

#[derive(Clone, Copy)]
struct Failing {
    tries: u32,
    last: Instant,
}

impl<K: Hash + Eq> Backoff<K> {
    /// Nobody has failed yet.
    #[must_use]
    pub fn new(patience: Patience, clock: Arc<dyn Clock>) -> Self {
        Self { clock, patience, failing: Mutex::default() }
    }

    /// Begins a try, which counts as a failure until [`succeeded`](Self::succeeded) or
    /// [`undecided`](Self::undecided) says otherwise: many tries at once get no more than one
    /// after another.
    ///
    /// # Errors
    /// How long to wait before the next one.
    pub fn begin(&self, key: K) -> Result<(), Duration> {
        let now = self.clock.now();
        let mut failing = self.failing.lock();
        if failing.len() >= MOST && !failing.contains_key(&key) {
            self.make_room(&mut failing, now);
        }
        let it = failing.entry(key).or_insert(Failing { tries: 0, last: now });
        if self.is_forgiven(*it, now) {
            it.tries = 0;
        }
        let ready = it.last + self.wait_after(it.tries);
        if ready > now {
            return Err(ready - now);
        }
        *it = Failing { tries: it.tries.saturating_add(1), last: now };
        Ok(())
    }

    /// The try was a good one: all is forgiven.
    pub fn succeeded(&self, key: &K) {
        self.failing.lock().remove(key);
    }

    /// The try was neither good nor bad: it does not count.
    pub fn undecided(&self, key: &K) {
        let mut failing = self.failing.lock();
        if let Some(it) = failing.get_mut(key) {
            it.tries = it.tries.saturating_sub(1);
            if it.tries == 0 {
                failing.remove(key);
            }
        }
    }

    fn wait_after(&self, tries: u32) -> Duration {
        let Patience { free, first, most } = self.patience;
        match tries.checked_sub(free) {
            None | Some(0) => Duration::ZERO,
            Some(over) => first.saturating_mul(1 << (over - 1).min(20)).min(most),
        }
    }

    fn is_forgiven(&self, it: Failing, now: Instant) -> bool {
        now.saturating_duration_since(it.last) >= self.patience.most * 2
    }

    fn make_room(&self, failing: &mut FxHashMap<K, Failing>, now: Instant) {
        failing.retain(|_, it| !self.is_forgiven(*it, now));
        if failing.len() >= MOST {
            failing.retain(|_, it| it.tries > self.patience.free);
        }
        if failing.len() >= MOST {
            failing.clear();
        }
    }
}

impl<K> fmt::Debug for Backoff<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backoff").field("patience", &self.patience).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use anser_domain::{ManualClock, Millis};

    use super::*;

    const S: Duration = Duration::from_secs(1);

    fn backoff() -> (Backoff<u32>, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::new(Millis(0)));
        let patience = Patience { free: 3, first: S, most: 8 * S };
        (Backoff::new(patience, clock.clone()), clock)
    }

    #[test]
    fn waits_double_up_to_the_longest_one() {
        let (backoff, clock) = backoff();
        assert!((0..4).all(|_| backoff.begin(1).is_ok()), "three are free, and one more is seen");
        for wait in [1, 2, 4, 8, 8, 8] {
            assert_eq!(backoff.begin(1), Err(wait * S));
            assert_eq!(backoff.begin(1), Err(wait * S), "asking too early costs nothing");
            clock.advance(wait * S);
            assert_eq!(backoff.begin(1), Ok(()));
        }
        assert_eq!(backoff.begin(2), Ok(()), "others are not concerned");
    }

    #[test]
    fn success_and_time_forgive_and_what_is_undecided_does_not_count() {
        let (backoff, clock) = backoff();
        (0..4).for_each(|_| backoff.begin(1).unwrap());
        assert!(backoff.begin(1).is_err());
        backoff.undecided(&1);
        assert_eq!(backoff.begin(1), Ok(()));
        assert!(backoff.begin(1).is_err());
        clock.advance(16 * S);
        assert!((0..4).all(|_| backoff.begin(1).is_ok()), "long ago");
        backoff.succeeded(&1);
        assert!((0..4).all(|_| backoff.begin(1).is_ok()), "forgiven");
    }

    #[test]
    fn memory_is_bounded_and_those_who_wait_are_the_last_to_be_forgotten() {
        let (backoff, _) = backoff();
        (0..4).for_each(|_| backoff.begin(0).unwrap());
        for key in 1..200_000 {
            backoff.begin(key).unwrap();
        }
        assert!(backoff.failing.lock().len() <= MOST);
        assert!(backoff.begin(0).is_err());
    }
}
