//! What shows that the map was lost: each bucket has a generation, a random value that names the
//! run of the server it began on. A server that was emptied has none, one that was restarted or has
//! taken over from another holds one that names another run, and a new one begins.

use std::{
    hash::Hasher as _,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use parking_lot::RwLock;
use rustc_hash::FxHasher;

use super::keys::BUCKETS;

/// How long links of an earlier generation count: by then every CM has heard of the new one (a beat)
/// and put its links back in (a sweep), several times over.
const GRACE: Duration = Duration::from_secs(60);

/// All generations as they were last seen.
pub(super) struct Generations {
    all: RwLock<Vec<Generation>>,
    /// All of them in one number, which is the same in every SM.
    number: AtomicU64,
}

#[derive(Clone)]
struct Generation {
    value: String,
    tag: u32,
    since: Instant,
}

impl Generations {
    pub(super) fn new(now: Instant) -> Self {
        let none = Generation { value: String::new(), tag: 0, since: now };
        Self { all: RwLock::new(vec![none; BUCKETS]), number: AtomicU64::new(0) }
    }

    /// A value of a generation to begin on a server's run.
    pub(super) fn fresh(run: &str) -> String {
        format!("{:016x}:{run}", rand::random::<u64>())
    }

    /// Whether `value` is of a generation that began on `run`.
    pub(super) fn is_of(value: &str, run: &str) -> bool {
        value.split_once(':').is_some_and(|(_, it)| it == run)
    }

    /// Takes note of a bucket's generation.
    pub(super) fn note(&self, bucket: usize, value: &str, now: Instant) {
        if self.all.read().get(bucket).is_some_and(|it| it.value == value) {
            return;
        }
        let tag = value.get(..8).and_then(|it| u32::from_str_radix(it, 16).ok()).unwrap_or(0);
        if let Some(generation) = self.all.write().get_mut(bucket) {
            *generation = Generation { value: value.to_owned(), tag, since: now };
        }
    }

    /// Makes what was noted the map's generation, once every bucket has one. Answers whether it is
    /// another one than before.
    pub(super) fn publish(&self) -> bool {
        let mut hasher = FxHasher::default();
        for generation in self.all.read().iter() {
            if generation.value.is_empty() {
                return false;
            }
            hasher.write(generation.value.as_bytes());
        }
        let number = hasher.finish();
        let before = self.number.swap(number, Ordering::SeqCst);
        before != number && before != 0
    }

    pub(super) fn number(&self) -> u64 {
        self.number.load(Ordering::SeqCst)
    }

    /// The value that scripts compare, and the tag that routes carry.
    pub(super) fn of(&self, bucket: usize) -> (String, u32) {
        let all = self.all.read();
        all.get(bucket).map(|it| (it.value.clone(), it.tag)).unwrap_or_default()
    }

    /// Whether a route that was written in `tag` counts still.
    pub(super) fn counts(&self, bucket: usize, tag: u32, now: Instant) -> bool {
        self.all
            .read()
            .get(bucket)
            .is_some_and(|it| it.tag == tag || now.saturating_duration_since(it.since) < GRACE)
    }
}

#[cfg(test)]
mod tests {
    use anser_domain::{Clock as _, SystemClock};

    use super::*;

    #[test]
    fn a_change_in_any_bucket_is_another_number_for_all() {
        let now = SystemClock.now();
        let (ours, theirs) = (Generations::new(now), Generations::new(now));
        for bucket in 0..BUCKETS {
            let value = Generations::fresh("run");
            assert!(Generations::is_of(&value, "run") && !Generations::is_of(&value, "other"));
            ours.note(bucket, &value, now);
            theirs.note(bucket, &value, now);
            assert!(!ours.publish(), "the first is no change");
            theirs.publish();
        }
        let before = ours.number();
        assert_eq!(before, theirs.number());
        assert_ne!(before, 0);
        ours.note(7, &Generations::fresh("run"), now);
        assert!(ours.publish());
        assert_ne!(ours.number(), before);
    }

    #[test]
    fn routes_of_an_earlier_generation_count_for_a_while() {
        let now = SystemClock.now();
        let generations = Generations::new(now);
        generations.note(0, "00000001aaaaaaaa:x", now);
        generations.note(0, "00000002aaaaaaaa:x", now);
        assert!(generations.counts(0, 1, now) && generations.counts(0, 2, now + GRACE));
        assert!(!generations.counts(0, 1, now + GRACE));
    }
}
