//! Whether the peer is alive, and whether its credential still is.

use std::time::{Duration, Instant};

use anser_domain::Millis;

use crate::limits::Limits;

/// Both deadlines of an open link.
///
/// Hearing something moves the heartbeat's deadline without setting a timer: the timer that was
/// set finds out when it fires. So a busy link never touches it.
#[derive(Debug)]
pub(super) struct Pulse {
    heard: Instant,
    interval_ms: u32,
    expires: Option<Instant>,
    notified: bool,
}

/// What a deadline that has passed means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Nothing: something was heard meanwhile.
    Nothing,
    /// The peer has been silent for too long.
    Silent,
    /// The credential ends in so many milliseconds; said once.
    Expiring(u32),
    /// The credential has ended.
    Expired,
}

impl Pulse {
    /// A pulse that was felt `now`.
    pub(super) fn new(now: Instant, wish_ms: u32, limits: &Limits) -> Self {
        let mut pulse = Self { heard: now, interval_ms: 0, expires: None, notified: false };
        pulse.set_interval(wish_ms, limits);
        pulse
    }

    /// Something was heard.
    pub(super) fn heard(&mut self, now: Instant) {
        self.heard = now;
    }

    /// The interval, in milliseconds.
    pub(super) fn interval_ms(&self) -> u32 {
        self.interval_ms
    }

    /// Takes the peer's wish as far as the bounds allow; 0 is no wish.
    pub(super) fn set_interval(&mut self, wish_ms: u32, limits: &Limits) {
        let wish = match wish_ms {
            0 => limits.heartbeat,
            some => Duration::from_millis(some.into()),
        };
        let taken = wish.min(limits.heartbeat_max).max(limits.heartbeat_min);
        self.interval_ms = u32::try_from(taken.as_millis()).unwrap_or(u32::MAX);
    }

    /// A credential was shown that ends at `until`.
    pub(super) fn set_expiry(&mut self, now: Instant, wall: Millis, until: Millis) {
        let left = u64::try_from(until.0.saturating_sub(wall.0)).unwrap_or(0);
        // A time beyond what an Instant can say is never.
        self.expires = now.checked_add(Duration::from_millis(left));
        self.notified = false;
    }

    /// When to look again.
    pub(super) fn deadline(&self, limits: &Limits) -> Option<Instant> {
        let expiry = match self.expires {
            Some(expires) if !self.notified => {
                Some(expires.checked_sub(limits.expiry_notice).unwrap_or(self.heard))
            }
            expires => expires,
        };
        [self.silent_at(), expiry].into_iter().flatten().min()
    }

    /// What the time means.
    pub(super) fn check(&mut self, now: Instant, limits: &Limits) -> Due {
        if self.expires.is_some_and(|expires| now >= expires) {
            return Due::Expired;
        }
        if self.silent_at().is_some_and(|at| now >= at) {
            return Due::Silent;
        }
        match self.expires {
            Some(expires) if !self.notified && now + limits.expiry_notice >= expires => {
                self.notified = true;
                let left = expires.saturating_duration_since(now).as_millis();
                Due::Expiring(u32::try_from(left).unwrap_or(u32::MAX))
            }
            _ => Due::Nothing,
        }
    }

    /// One and a half intervals: a beat may be late by half of one.
    fn silent_at(&self) -> Option<Instant> {
        self.heard.checked_add(Duration::from_millis(u64::from(self.interval_ms) * 3 / 2))
    }
}
