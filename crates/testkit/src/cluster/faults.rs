//! What happens to hints on their way.

use std::{ops::Range, time::Duration};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

/// A plan: chances in percent, per batch of hints.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// Batches that never arrive.
    pub drop: u32,
    /// Batches that arrive twice.
    pub duplicate: u32,
    /// Batches that the next one overtakes.
    pub reorder: u32,
    /// Batches that arrive later by some time in `delays`.
    pub delay: u32,
    /// How much later.
    pub delays: Range<u64>,
    /// Everything but answers is lost, signs of life too: the stream is broken.
    pub broken: bool,
}

impl Faults {
    /// No faults.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }
}

/// The plan at work on what goes to one CM.
pub(super) struct Line<T> {
    plan: Faults,
    rng: StdRng,
    /// What the next one overtakes.
    overtaken: Option<T>,
    /// What arrives at a later time.
    late: Vec<(Duration, T)>,
}

impl<T: Clone> Line<T> {
    pub(super) fn new(seed: u64) -> Self {
        let rng = StdRng::seed_from_u64(seed);
        Self { plan: Faults::none(), rng, overtaken: None, late: Vec::new() }
    }

    pub(super) fn set(&mut self, plan: Faults) {
        self.plan = plan;
    }

    pub(super) fn is_broken(&self) -> bool {
        self.plan.broken
    }

    /// What arrives now that this is sent.
    pub(super) fn pass(&mut self, it: T, now: Duration) -> Vec<T> {
        let plan = &self.plan;
        let mut hits = |percent: u32| self.rng.random_range(0..100) < percent;
        if plan.broken || hits(plan.drop) {
            return Vec::new();
        }
        if hits(plan.delay) && !plan.delays.is_empty() {
            let by = Duration::from_millis(self.rng.random_range(plan.delays.clone()));
            self.late.push((now + by, it));
            return Vec::new();
        }
        if self.overtaken.is_none() && hits(plan.reorder) {
            self.overtaken = Some(it);
            return Vec::new();
        }
        let twice = hits(plan.duplicate).then(|| it.clone());
        [it].into_iter().chain(twice).chain(self.overtaken.take()).collect()
    }

    /// What arrives because it is that late.
    pub(super) fn due(&mut self, now: Duration) -> Vec<T> {
        let (due, late): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.late).into_iter().partition(|(at, _)| *at <= now);
        self.late = late;
        due.into_iter().map(|(_, it)| it).chain(self.overtaken.take()).collect()
    }
}
