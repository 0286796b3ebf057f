//! The load, and how it fares: whether answers come, and for how long none did.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use tokio::time::{Instant, sleep};

use super::cast::Cast;

/// Between two looks.
const TICK: Duration = Duration::from_millis(25);
/// With so much unanswered nobody does anything more: a device's window is full long before.
const ENOUGH: usize = 300;

/// What the load notices, in milliseconds.
#[derive(Default)]
pub(super) struct Pulse {
    silence: AtomicU64,
    longest: AtomicU64,
}

impl Pulse {
    /// Begins to look for the longest silence anew.
    pub(super) fn forget_silence(&self) {
        self.silence.store(0, Ordering::Relaxed);
    }

    /// The longest since then.
    pub(super) fn silence(&self) -> Duration {
        Duration::from_millis(self.silence.load(Ordering::Relaxed))
    }

    /// The longest at all.
    pub(super) fn longest(&self) -> Duration {
        Duration::from_millis(self.longest.load(Ordering::Relaxed))
    }

    fn note(&self, silence: Duration) {
        let ms = u64::try_from(silence.as_millis()).unwrap_or(u64::MAX);
        self.silence.fetch_max(ms, Ordering::Relaxed);
        self.longest.fetch_max(ms, Ordering::Relaxed);
    }
}

/// Everybody does something, until it is aborted.
pub(super) async fn load(cast: Arc<Cast>, pulse: Arc<Pulse>, seed: u64) {
    let mut rng = StdRng::seed_from_u64(seed);
    let (mut answered, mut since) = (0, Instant::now());
    loop {
        let (done, waits) = cast.pulse();
        // What is answered only ever grows; changes of groups are not counted among what is done.
        let now = done.saturating_sub(waits);
        if now > answered || waits == 0 {
            (answered, since) = (now.max(answered), Instant::now());
        }
        pulse.note(since.elapsed());
        if waits < ENOUGH {
            for _ in 0..rng.random_range(0..3) {
                cast.act(&mut rng);
            }
        }
        sleep(TICK).await;
    }
}
