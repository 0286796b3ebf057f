//! Whether the client is alive [MQTT-3.1.2-22].

use std::time::{Duration, Instant};

/// The one deadline of an open link.
///
/// Hearing something moves it without setting a timer: the timer that was set finds out when it
/// fires. So a busy link never touches it.
#[derive(Debug)]
pub(super) struct Pulse {
    heard: Instant,
    /// In seconds; 0 is no promise.
    keep_alive: u16,
}

impl Pulse {
    /// A pulse that was felt `now`.
    pub(super) fn new(now: Instant, keep_alive: u16) -> Self {
        Self { heard: now, keep_alive }
    }

    /// A packet came.
    pub(super) fn heard(&mut self, now: Instant) {
        self.heard = now;
    }

    /// When the client has been silent for too long: one and a half times its keep alive.
    pub(super) fn deadline(&self) -> Option<Instant> {
        if self.keep_alive == 0 {
            return None;
        }
        self.heard.checked_add(Duration::from_millis(u64::from(self.keep_alive) * 1500))
    }
}
