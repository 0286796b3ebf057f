//! One coarse timer wheel for all links of a process.
//!
//! A link has one entry, at its earliest deadline so far. Moving the deadline later leaves the
//! entry alone: when it comes up, the link is asked again and put in at its real time. That is
//! what heartbeats do all the time, so they cost nothing.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use anser_domain::LinkId;
use parking_lot::Mutex;

use crate::limits::TICK;

/// Slots: deadlines further away than this many ticks come up early and are put in again.
const SLOTS: u32 = 1024;

/// A turn of the wheel, counted from 1.
pub(crate) type Tick = u32;

/// The wheel.
pub(crate) struct Wheel {
    start: Instant,
    slots: Box<[Mutex<Vec<LinkId>>]>,
    /// The last tick whose slot was emptied. Written under that slot's lock, so that nobody
    /// puts an entry into a slot that has just been passed.
    passed: AtomicU32,
}

impl Wheel {
    pub(crate) fn new(start: Instant) -> Self {
        Self {
            start,
            slots: (0..SLOTS).map(|_| Mutex::default()).collect(),
            passed: AtomicU32::new(0),
        }
    }

    /// Puts `link` in for `at`; the tick at which it will come up.
    pub(crate) fn arm(&self, link: LinkId, at: Instant) -> Tick {
        let mut tick = self.tick_of(at);
        loop {
            let passed = self.passed.load(Ordering::Acquire);
            tick = tick.clamp(passed + 1, passed + SLOTS - 1);
            let Some(slot) = self.slots.get((tick % SLOTS) as usize) else { return tick };
            let mut slot = slot.lock();
            if self.passed.load(Ordering::Acquire) < tick {
                slot.push(link);
                return tick;
            }
        }
    }

    /// The first tick at or after `at`.
    pub(crate) fn tick_of(&self, at: Instant) -> Tick {
        let since = at.saturating_duration_since(self.start);
        let ticks = since.as_millis().div_ceil(TICK.as_millis());
        Tick::try_from(ticks).unwrap_or(Tick::MAX - SLOTS)
    }

    /// Turns the wheel up to `now` and hands `fire` every entry that came up with its tick.
    pub(crate) fn turn(&self, now: Instant, mut fire: impl FnMut(Tick, Vec<LinkId>)) {
        let since = now.saturating_duration_since(self.start);
        let until =
            Tick::try_from(since.as_millis() / TICK.as_millis()).unwrap_or(Tick::MAX - SLOTS);
        while self.passed.load(Ordering::Acquire) < until {
            let tick = self.passed.load(Ordering::Acquire) + 1;
            let Some(slot) = self.slots.get((tick % SLOTS) as usize) else { return };
            let due = {
                let mut slot = slot.lock();
                self.passed.store(tick, Ordering::Release);
                std::mem::take(&mut *slot)
            };
            if !due.is_empty() {
                fire(tick, due);
            }
        }
    }

    /// Whole seconds since the start, for ages.
    pub(crate) fn seconds(&self, now: Instant) -> u32 {
        let since: Duration = now.saturating_duration_since(self.start);
        u32::try_from(since.as_secs()).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use anser_domain::{Clock, SystemClock};

    use super::*;

    #[test]
    fn entries_come_up_at_their_tick_and_never_before() {
        let start = SystemClock.now();
        let wheel = Wheel::new(start);
        for ms in [0_u64, 1, 250, 251, 10_000, 600_000] {
            wheel.arm(LinkId(ms), start + Duration::from_millis(ms));
        }
        let mut seen = Vec::new();
        for step in 1..=60 {
            let now = start + TICK * step;
            wheel.turn(now, |tick, due| {
                assert!(TICK * tick <= TICK * step);
                seen.extend(due.into_iter().map(|link| (link.0, step)));
            });
        }
        assert_eq!(seen, [(0, 1), (1, 1), (250, 1), (251, 2), (10_000, 40)]);
    }

    #[test]
    fn a_late_turn_passes_every_slot_in_between() {
        let start = SystemClock.now();
        let wheel = Wheel::new(start);
        let tick = wheel.arm(LinkId(1), start + Duration::from_secs(3));
        assert_eq!(tick, 12);
        let mut due = Vec::new();
        wheel.turn(start + Duration::from_secs(60), |_, links| due.extend(links));
        assert_eq!(due, [LinkId(1)]);
        // A deadline in the past comes up next, not in a revolution.
        assert_eq!(wheel.arm(LinkId(2), start), 241);
    }
}
