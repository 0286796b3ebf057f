//! A rate for each key: a bucket that refills steadily (GCRA, by `governor`).

use std::{
    fmt,
    hash::Hash,
    num::NonZeroU32,
    sync::Arc,
    time::{Duration, Instant},
};

use anser_domain::Clock;
use governor::{Quota, RateLimiter, clock};

use crate::recent::Recent;

/// After a quiet time, what this time would have allowed may come at once: people, and clients
/// that come back, do things in bursts.
const BURST: u64 = 10;

/// So many in such a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// So many.
    pub count: NonZeroU32,
    /// In this many seconds; not 0.
    pub seconds: NonZeroU32,
}

impl Rate {
    /// So many a second.
    #[must_use]
    pub const fn per_second(count: NonZeroU32) -> Self {
        Self { count, seconds: NonZeroU32::MIN }
    }

    /// How many may come at once: what ten seconds allow, and no less than `count`.
    #[must_use]
    pub fn burst(self) -> NonZeroU32 {
        let ten_seconds = u64::from(self.count.get()) * BURST / u64::from(self.seconds.get());
        let most = u32::try_from(ten_seconds).unwrap_or(u32::MAX);
        NonZeroU32::new(most).map_or(self.count, |most| most.max(self.count))
    }

    fn quota(self) -> Option<Quota> {
        let each = Duration::from_secs(self.seconds.get().into()) / self.count.get();
        Quota::with_period(each.max(Duration::from_nanos(1))).map(|it| it.allow_burst(self.burst()))
    }
}

/// Holds each key to a rate.
pub struct Pace<K: Hash + Eq + Clone>(Option<RateLimiter<K, Recent<K>, Time>>);

impl<K: Hash + Eq + Clone> Pace<K> {
    /// Holds each key to `rate`; to none at all where there is none.
    #[must_use]
    pub fn new(rate: Option<Rate>, clock: Arc<dyn Clock>) -> Self {
        let quota = rate.and_then(Rate::quota);
        Self(quota.map(|quota| RateLimiter::new(quota, Recent::default(), Time(clock))))
    }

    /// Counts one more of `key`, unless it comes too early.
    ///
    /// # Errors
    /// How long until it would not.
    pub fn check(&self, key: &K) -> Result<(), Duration> {
        let Some(limiter) = &self.0 else { return Ok(()) };
        limiter.check_key(key).map_err(|not_until| {
            not_until.wait_time_from(clock::Clock::now(limiter.clock())).max(LEAST_WAIT)
        })
    }
}

impl<K: Hash + Eq + Clone> fmt::Debug for Pace<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Pace" } else { "Pace(unlimited)" })
    }
}

/// Nobody is told to wait no time at all.
const LEAST_WAIT: Duration = Duration::from_millis(1);

/// Our clock, as governor asks it.
#[derive(Clone)]
struct Time(Arc<dyn Clock>);

impl clock::Clock for Time {
    type Instant = Instant;

    fn now(&self) -> Instant {
        self.0.now()
    }
}

#[cfg(test)]
mod tests {
    use anser_domain::{ManualClock, Millis};

    use super::*;

    fn pace(count: u32, seconds: u32) -> (Pace<u32>, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::new(Millis(0)));
        let [count, seconds] = [count, seconds].map(|n| NonZeroU32::new(n).unwrap());
        (Pace::new(Some(Rate { count, seconds }), clock.clone()), clock)
    }

    #[test]
    fn a_burst_passes_and_then_the_rate_counts() {
        let (pace, clock) = pace(2, 1);
        assert!((0..20).all(|_| pace.check(&1).is_ok()), "ten seconds' worth");
        let wait = pace.check(&1).unwrap_err();
        assert!(wait > Duration::ZERO && wait <= Duration::from_millis(500), "{wait:?}");
        assert_eq!(pace.check(&2), Ok(()), "another key has its own");
        clock.advance(wait + Duration::from_millis(1));
        assert_eq!(pace.check(&1), Ok(()), "after the time that it was told");
        assert!(pace.check(&1).is_err());
    }

    #[test]
    fn a_slow_rate_allows_its_count_at_once() {
        let (pace, clock) = pace(3, 60);
        assert!((0..3).all(|_| pace.check(&1).is_ok()));
        assert!(pace.check(&1).unwrap_err() > Duration::from_secs(15));
        clock.advance(Duration::from_secs(20));
        assert!(pace.check(&1).is_ok() && pace.check(&1).is_err());
    }

    #[test]
    fn memory_is_bounded_and_a_busy_key_outlives_those_that_came_once() {
        let (pace, clock) = pace(1, 1);
        (0..10).for_each(|_| pace.check(&0).unwrap());
        for key in 1..200_000 {
            pace.check(&key).unwrap();
            if key % 20_000 == 0 {
                clock.advance(Duration::from_millis(120));
            }
        }
        assert!(pace.check(&0).is_ok(), "a second has passed");
        assert!(pace.check(&0).is_err(), "and no more than one");
        let kept = pace.0.unwrap().into_state_store().len();
        assert!(kept <= Recent::<u32>::BOUND, "{kept}");
    }

    #[test]
    fn without_a_rate_everything_passes() {
        let clock = Arc::new(ManualClock::new(Millis(0)));
        let pace: Pace<u32> = Pace::new(None, clock);
        assert!((0..100_000).all(|_| pace.check(&1).is_ok()));
    }
}
