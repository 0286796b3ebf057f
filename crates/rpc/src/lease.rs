//! How long an SM may store anything for a peer that it has not heard.
//!
//! A peer turns to another SM when one stands still. If that one then wakes, what it still has was
//! asked elsewhere meanwhile, and may have been refused there for good: to store it now would be a
//! lie. So it holds a lease of each stream: a time that began before the peer last spoke to it, and
//! that is shorter than the peer's patience ([`LEASE`] against [`PATIENCE`]). Both are measured by
//! clocks that go on while a process is stopped.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Duration,
};

use tokio::time::Instant;

use crate::limits::{PING_EVERY, PING_WITHIN};

/// How often a stream is asked for a pong.
pub(crate) const RENEW_EVERY: Duration = Duration::from_millis(500);
/// How long a pong is good for, counted from its ping: three more may be late.
pub(crate) const LEASE: Duration = Duration::from_secs(2);
/// How long a peer bears silence, at least, before it turns to another SM.
const PATIENCE: Duration = PING_EVERY.saturating_add(PING_WITHIN);
const _: () = assert!(LEASE.as_millis() * 2 < PATIENCE.as_millis());

/// One stream's.
#[derive(Debug)]
pub(crate) struct Lease {
    began: Instant,
    pongs: bool,
    /// In ms since it began.
    until: AtomicU64,
    ended: AtomicBool,
}

impl Lease {
    /// For a peer that sends pongs, and one of an earlier release that does not: that one is
    /// always waited for.
    pub(crate) fn new(pongs: bool) -> Self {
        let until = AtomicU64::new(if pongs { 0 } else { u64::MAX });
        Self { began: Instant::now(), pongs, until, ended: AtomicBool::new(false) }
    }

    /// What the next ping says, and its pong; none to a peer that sends no pongs.
    pub(crate) fn ping(&self) -> Option<u64> {
        self.pongs.then(|| self.now())
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// A pong has come.
    pub(crate) fn pong(&self, ping: u64) {
        // A peer cannot have heard what was not said yet.
        if ping <= self.now() {
            let lease = u64::try_from(LEASE.as_millis()).unwrap_or(u64::MAX);
            self.until.fetch_max(ping.saturating_add(lease), Ordering::AcqRel);
        }
    }

    /// Whether the peer still waits for this SM.
    pub(crate) fn holds(&self) -> bool {
        !self.ended.load(Ordering::Acquire) && self.now() < self.until.load(Ordering::Acquire)
    }

    /// The stream has ended, or another has taken its place.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_holds_for_a_while_after_the_ping_that_was_answered() {
        let lease = Lease::new(true);
        assert!(!lease.holds(), "not before the first pong");
        let ping = lease.ping().unwrap();
        advance(LEASE / 2).await;
        lease.pong(ping);
        assert!(lease.holds());
        advance(LEASE / 2).await;
        assert!(!lease.holds(), "counted from the ping");
        lease.pong(ping);
        assert!(!lease.holds(), "an old pong renews nothing");
        lease.pong(lease.now() + 1_000_000);
        assert!(!lease.holds(), "nor does one without a ping");
        lease.pong(lease.now());
        assert!(lease.holds());
        lease.end();
        lease.pong(lease.now());
        assert!(!lease.holds());
    }

    #[tokio::test(start_paused = true)]
    async fn one_of_a_peer_without_pongs_always_holds() {
        let lease = Lease::new(false);
        assert_eq!(lease.ping(), None, "it would not know what that is");
        advance(LEASE * 100).await;
        assert!(lease.holds());
    }
}
