//! The app that is asked, seen from here: what it said and how long it took, and whether asking it
//! is any use at the moment.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use parking_lot::Mutex;

/// The upper ends of the classes of [`BeforeSendStats::within`], in ms: around what an app in the
/// same building takes, and up to the longest that anyone should wait.
pub const BUCKETS_MS: [u64; 10] = [1, 2, 5, 10, 25, 50, 100, 250, 1_000, 5_000];

/// What came of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Allowed,
    Denied,
    Rewritten,
    /// Words that cannot be sent.
    Unfit,
    /// No verdict, or none in time.
    None,
}

/// What the app was asked and what it said, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BeforeSendStats {
    /// It let the message pass.
    pub allowed: u64,
    /// It did not.
    pub denied: u64,
    /// It put other words in its place.
    pub rewritten: u64,
    /// It put words in its place that cannot be sent.
    pub unfit: u64,
    /// It gave no verdict, or none in time.
    pub unanswered: u64,
    /// It was not asked, because it had given none for some time.
    pub skipped: u64,
    /// How many questions took up to so long: the class of each of [`BUCKETS_MS`], and one for
    /// all that took longer.
    pub within: [u64; BUCKETS_MS.len() + 1],
    /// How long all of them took together, in µs.
    pub micros: u64,
}

impl BeforeSendStats {
    fn note(&mut self, outcome: Outcome, took: Duration) {
        let count = match outcome {
            Outcome::Allowed => &mut self.allowed,
            Outcome::Denied => &mut self.denied,
            Outcome::Rewritten => &mut self.rewritten,
            Outcome::Unfit => &mut self.unfit,
            Outcome::None => &mut self.unanswered,
        };
        *count += 1;
        let class = BUCKETS_MS.iter().position(|end| took <= Duration::from_millis(*end));
        if let Some(class) = self.within.get_mut(class.unwrap_or(BUCKETS_MS.len())) {
            *class += 1;
        }
        self.micros += u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    }
}

/// Counts, and lets an app rest that does not answer.
#[derive(Debug, Default)]
pub(crate) struct Record {
    stats: Mutex<BeforeSendStats>,
    skipped: AtomicU64,
    breaker: Mutex<Breaker>,
}

impl Record {
    /// Whether to ask now. Where not, that is counted.
    pub(super) fn may_ask(&self, now: Instant, rest: Duration) -> bool {
        let may = self.breaker.lock().may_ask(now, rest);
        if !may {
            self.skipped.fetch_add(1, Ordering::Relaxed);
        }
        may
    }

    /// A question that was asked at `asked` has its outcome.
    pub(super) fn note(
        &self,
        outcome: Outcome,
        (asked, now): (Instant, Instant),
        (failures, rest): (u32, Duration),
    ) {
        self.stats.lock().note(outcome, now.saturating_duration_since(asked));
        let turned = self.breaker.lock().answered(outcome != Outcome::None, now, (failures, rest));
        match turned {
            Some(true) => tracing::info!("the app that is asked before a send answers again"),
            Some(false) => tracing::warn!(
                failures,
                "the app that is asked before a send does not answer; it is let rest"
            ),
            None => {}
        }
    }

    /// Everything so far.
    pub(crate) fn stats(&self) -> BeforeSendStats {
        let skipped = self.skipped.load(Ordering::Relaxed);
        BeforeSendStats { skipped, ..*self.stats.lock() }
    }
}

/// Whether questions are asked: not for a while after several in a row without a verdict. Then one
/// is asked, and what comes of it decides about the others.
#[derive(Debug, Default)]
struct Breaker {
    in_a_row: u32,
    /// Until then nothing is asked.
    rests_until: Option<Instant>,
}

impl Breaker {
    fn may_ask(&mut self, now: Instant, rest: Duration) -> bool {
        match self.rests_until {
            Some(until) if now < until => false,
            Some(_) => {
                // This one is the try. Others wait for it, or for the next one should it get lost.
                self.rests_until = Some(now + rest);
                true
            }
            None => true,
        }
    }

    /// `Some` when that changes whether questions are asked: `true`, they are again.
    fn answered(
        &mut self,
        verdict: bool,
        now: Instant,
        (failures, rest): (u32, Duration),
    ) -> Option<bool> {
        if verdict {
            self.in_a_row = 0;
            return self.rests_until.take().map(|_| true);
        }
        self.in_a_row = self.in_a_row.saturating_add(1);
        if failures == 0 || self.in_a_row < failures {
            return None;
        }
        let begins = self.rests_until.replace(now + rest).is_none();
        begins.then_some(false)
    }
}

#[cfg(test)]
mod tests {
    use anser_domain::{Clock as _, ManualClock, Millis};

    use super::*;

    const REST: Duration = Duration::from_secs(10);
    const RULE: (u32, Duration) = (3, REST);

    #[test]
    fn after_some_failures_in_a_row_it_rests_and_then_one_is_tried() {
        let clock = ManualClock::new(Millis(0));
        let mut breaker = Breaker::default();
        let now = clock.now();
        assert_eq!(breaker.answered(false, now, RULE), None);
        assert_eq!(breaker.answered(false, now, RULE), None);
        assert_eq!(breaker.answered(true, now, RULE), None, "in a row is what counts");
        assert_eq!(breaker.answered(false, now, RULE), None);
        assert_eq!(breaker.answered(false, now, RULE), None);
        assert!(breaker.may_ask(now, REST));
        assert_eq!(breaker.answered(false, now, RULE), Some(false));
        assert!(!breaker.may_ask(now, REST));
        // Those that were under way change nothing more than the end of the rest.
        assert_eq!(breaker.answered(false, now, RULE), None);
        clock.advance(REST);
        let now = clock.now();
        assert!(breaker.may_ask(now, REST), "one is tried");
        assert!(!breaker.may_ask(now, REST), "and no other");
        assert_eq!(breaker.answered(false, now, RULE), None);
        assert!(!breaker.may_ask(now, REST));
        clock.advance(REST);
        let now = clock.now();
        assert!(breaker.may_ask(now, REST));
        assert_eq!(breaker.answered(true, now, RULE), Some(true));
        assert!(breaker.may_ask(now, REST) && breaker.may_ask(now, REST));
    }

    #[test]
    fn none_is_let_rest_where_that_is_not_wished() {
        let now = ManualClock::new(Millis(0)).now();
        let mut breaker = Breaker::default();
        for _ in 0..100 {
            assert_eq!(breaker.answered(false, now, (0, REST)), None);
        }
        assert!(breaker.may_ask(now, REST));
    }

    #[test]
    fn outcomes_and_times_are_counted() {
        let record = Record::default();
        let clock = ManualClock::new(Millis(0));
        let begun = clock.now();
        record.note(Outcome::Allowed, (begun, begun), RULE);
        clock.advance(Duration::from_millis(30));
        record.note(Outcome::Denied, (begun, clock.now()), RULE);
        clock.advance(Duration::from_secs(60));
        record.note(Outcome::None, (begun, clock.now()), RULE);
        let stats = record.stats();
        assert_eq!((stats.allowed, stats.denied, stats.unanswered), (1, 1, 1));
        assert_eq!(stats.within, [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]);
        assert_eq!(stats.micros, 60_060_000);
    }
}
