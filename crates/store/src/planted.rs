//! Faults planted on purpose, so that the tests that look for faults can show that they find them.
//! The feature `planted` is off in every build that anyone uses, and then all of this is `false`.

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
    /// `read-back`: a read cursor follows whoever moves it, backward too.
    ReadBack,
    /// `half-batch`: of every so many entries, the head moves and the entry is not written.
    HalfBatch,
    /// `recall-kept`: a recall is in the log, and the message says what it said.
    RecallKept,
    /// `history-past-removal`: who was taken out reads on.
    HistoryPastRemoval,
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
            "read-back" => Plant::ReadBack,
            "half-batch" => Plant::HalfBatch,
            "recall-kept" => Plant::RecallKept,
            "history-past-removal" => Plant::HistoryPastRemoval,
            _ => return None,
        })
    });
    *named == Some(fault)
}

/// Whether `half-batch` leaves out the entry at `seq`: a place that every busy log reaches.
pub(crate) fn left_out(seq: u64) -> bool {
    /// Not the first, which makes a conversation.
    const EVERY: u64 = 10;
    planted(Plant::HalfBatch) && seq.is_multiple_of(EVERY)
}

/// Holds a transaction open for as long as a `kill -9` needs to find it.
pub(crate) fn dawdle() {
    std::thread::sleep(std::time::Duration::from_millis(30));
}
