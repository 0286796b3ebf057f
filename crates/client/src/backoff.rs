//! How long to wait before the next attempt: exponential with full jitter, so that a thousand
//! clients that lost one gateway do not come back in step.

use std::time::Duration;

/// First ceiling: most interruptions are a gateway being replaced.
const FIRST: Duration = Duration::from_millis(250);
/// Last ceiling: a person who looks at the screen should not wait longer than this.
const MOST: Duration = Duration::from_secs(30);

/// Consecutive failures and the waits that follow from them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The wait after one more failure. `random` is uniform in `0..1`; `at_least` is what the
    /// server asked for, which the jitter never undercuts.
    pub(crate) fn next(&mut self, random: f64, at_least: Option<Duration>) -> Duration {
        let ceiling = FIRST.saturating_mul(1 << self.failures.min(16)).min(MOST);
        self.failures = self.failures.saturating_add(1);
        let jitter = ceiling.mul_f64(random.clamp(0.0, 1.0));
        at_least.unwrap_or_default().saturating_add(jitter)
    }

    /// Forgets the failures: the link is up.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ceilings_double_up_to_a_bound_and_start_anew() {
        let mut backoff = Backoff::default();
        let waits: Vec<_> = (0..9).map(|_| backoff.next(1.0, None).as_millis()).collect();
        assert_eq!(waits, [250, 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000]);
        backoff.reset();
        assert_eq!(backoff.next(1.0, None), FIRST);
    }

    #[test]
    fn jitter_is_full_but_never_undercuts_what_the_server_asked_for() {
        let mut backoff = Backoff::default();
        assert_eq!(backoff.next(0.0, None), Duration::ZERO);
        let asked = Duration::from_secs(7);
        assert!(backoff.next(0.0, Some(asked)) >= asked);
    }
}
