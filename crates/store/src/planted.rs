//! Faults planted on purpose, so that the crash test can show that it finds them. The feature
//! `planted` is off in every build that anyone uses, and then all of this is `false`.

/// A fault, named in `ANSER_PLANT`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plant {
    /// `ack-before-commit`: senders are answered, then the commit takes its time.
    AckBeforeCommit,
    /// `no-dedupe`: a retry is stored once more.
    NoDedupe,
    /// `seq-outside-tx`: heads are stored ahead of the log, so that a restart leaves a hole.
    SeqOutsideTx,
    /// `cursor-ahead`: cursors are stored one further than they were acknowledged.
    CursorAhead,
}

/// How far `seq-outside-tx` reserves.
pub(crate) const RESERVED: u64 = 8;

/// Whether this fault is planted in this process.
#[cfg(not(feature = "planted"))]
pub(crate) const fn planted(_: Plant) -> bool {
    false
}

/// Whether this fault is planted in this process.
#[cfg(feature = "planted")]
pub(crate) fn planted(fault: Plant) -> bool {
    static NAMED: std::sync::OnceLock<Option<Plant>> = std::sync::OnceLock::new();
    let named = NAMED.get_or_init(|| {
        Some(match std::env::var("ANSER_PLANT").ok()?.as_str() {
            "ack-before-commit" => Plant::AckBeforeCommit,
            "no-dedupe" => Plant::NoDedupe,
            "seq-outside-tx" => Plant::SeqOutsideTx,
            "cursor-ahead" => Plant::CursorAhead,
            _ => return None,
        })
    });
    *named == Some(fault)
}

/// Holds a transaction open for as long as a `kill -9` needs to find it.
pub(crate) fn dawdle() {
    std::thread::sleep(std::time::Duration::from_millis(30));
}
