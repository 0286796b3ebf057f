//! Whether the store can store, as `/readyz` tells it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anser_domain::Clock;
use anser_store::{Store, StoreStats};
use anser_web::Readiness;
use tokio::sync::watch;

/// How often the store is looked at; load balancers ask about as often.
const EVERY: Duration = Duration::from_secs(1);
/// How long after a failure the store is trusted again without having shown that it works: with
/// no traffic coming, nothing would ever show it.
const FORGET_AFTER: Duration = Duration::from_secs(10);

/// Keeps `readiness` true until `stop` changes.
pub(super) async fn watch(
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    readiness: Readiness,
    mut stop: watch::Receiver<bool>,
) {
    let mut health = Health::new(store.stats());
    let mut interval = tokio::time::interval(EVERY);
    loop {
        // Both are cancel-safe: a tick that is missed comes again, a change stays seen.
        tokio::select! {
            _ = interval.tick() => {}
            _ = stop.changed() => return,
        }
        match health.look(store.stats(), clock.now()) {
            Some(Change::Failing) => {
                tracing::error!("the store cannot store; sends are refused until it can");
                readiness.not_ready("the store cannot store");
            }
            Some(Change::Mended) => {
                tracing::info!("the store can store again");
                readiness.ready();
            }
            None => {}
        }
    }
}

/// What has become of the store since the last look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Failing,
    Mended,
}

/// What the last look saw.
struct Health {
    seen: StoreStats,
    /// Of the last failure that no commit is known to have followed.
    failed_at: Option<Instant>,
}

impl Health {
    fn new(seen: StoreStats) -> Self {
        Self { seen, failed_at: None }
    }

    fn look(&mut self, now_seen: StoreStats, now: Instant) -> Option<Change> {
        let before = std::mem::replace(&mut self.seen, now_seen);
        let was_failing = self.failed_at.is_some();
        self.failed_at = if now_seen.failures > before.failures {
            // A commit between the same two looks may have come before it.
            Some(now)
        } else {
            let stored = now_seen.commits > before.commits;
            self.failed_at.filter(|at| !stored && now.duration_since(*at) < FORGET_AFTER)
        };
        match (was_failing, self.failed_at.is_some()) {
            (false, true) => Some(Change::Failing),
            (true, false) => Some(Change::Mended),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use anser_domain::{ManualClock, Millis};

    use super::*;

    #[test]
    fn a_store_that_only_fails_is_not_ready_until_it_stores_or_time_has_passed() {
        let clock = ManualClock::new(Millis(0));
        let seen = |commits, failures| StoreStats { commits, failures, ..StoreStats::default() };
        let mut health = Health::new(seen(5, 0));
        assert_eq!(health.look(seen(6, 0), clock.now()), None);
        assert_eq!(health.look(seen(6, 1), clock.now()), Some(Change::Failing));
        assert_eq!(health.look(seen(6, 1), clock.now()), None);
        assert_eq!(health.look(seen(7, 2), clock.now()), None, "who knows which came first");
        assert_eq!(health.look(seen(8, 2), clock.now()), Some(Change::Mended));

        assert_eq!(health.look(seen(8, 3), clock.now()), Some(Change::Failing));
        clock.advance(FORGET_AFTER);
        assert_eq!(health.look(seen(8, 3), clock.now()), Some(Change::Mended));
    }
}
