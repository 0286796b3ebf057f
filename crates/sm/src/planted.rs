//! A fault planted on purpose, so that the tests can be tested. Never part of a release build.

use std::sync::OnceLock;

use anser_domain::{Event, Hint};

/// `hint-lost-at-tail`: every tenth log hint is lost, and so is its number, as if the last hint
/// of a stream had vanished and no beat told of it.
pub(crate) fn lose_hint(hints: &[Hint]) -> bool {
    static PLANTED: OnceLock<bool> = OnceLock::new();
    static COUNT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let planted = *PLANTED.get_or_init(|| {
        std::env::var("ANSER_PLANT").is_ok_and(|fault| fault == "hint-lost-at-tail")
    });
    planted
        && hints.iter().any(|hint| matches!(hint.event, Event::Message(_)))
        && COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed) % 10 == 9
}
