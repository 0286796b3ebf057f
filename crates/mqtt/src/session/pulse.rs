//! Whether the client is alive [MQTT-3.1.2-22], and whether its credential still is.

use std::time::{Duration, Instant};

use anser_domain::Millis;

/// Both deadlines of an open link.
///
/// Hearing something moves the first one without setting a timer: the timer that was set finds out
/// when it fires. So a busy link never touches it.
#[derive(Debug)]
pub(super) struct Pulse {
    heard: Instant,
    /// In seconds; 0 is no promise.
    keep_alive: u16,
    expires: Option<Instant>,
}

/// What a deadline that has passed means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Nothing: something was heard meanwhile.
    Nothing,
    /// The client has been silent for too long.
    Silent,
    /// The credential has ended. MQTT cannot show another one on an open link.
    Expired,
}

impl Pulse {
    /// A pulse that was felt `now`, of a client whose credential ends at `until`.
    pub(super) fn new(now: Instant, wall: Millis, keep_alive: u16, until: Millis) -> Self {
        let left = u64::try_from(until.0.saturating_sub(wall.0)).unwrap_or(0);
        // A time beyond what an Instant can say is never.
        let expires = now.checked_add(Duration::from_millis(left));
        Self { heard: now, keep_alive, expires }
    }

    /// A packet came.
    pub(super) fn heard(&mut self, now: Instant) {
        self.heard = now;
    }

    /// When to look again.
    pub(super) fn deadline(&self) -> Option<Instant> {
        [self.silent_at(), self.expires].into_iter().flatten().min()
    }

    /// What the time means.
    pub(super) fn check(&self, now: Instant) -> Due {
        if self.expires.is_some_and(|at| now >= at) {
            Due::Expired
        } else if self.silent_at().is_some_and(|at| now >= at) {
            Due::Silent
        } else {
            Due::Nothing
        }
    }

    /// One and a half times the keep alive after something was heard.
    fn silent_at(&self) -> Option<Instant> {
        if self.keep_alive == 0 {
            return None;
        }
        self.heard.checked_add(Duration::from_millis(u64::from(self.keep_alive) * 1500))
    }
}
