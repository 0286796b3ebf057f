//! Ways in which a promise can be broken.

use super::{Body, Conv, Cursor, Device, User};

/// A broken promise.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// Promise 1: an answer that said "stored" was not true.
    #[error("{device} was told that {body:?} stands at {conv}#{seq}, and it does not")]
    Lost {
        /// Who was told.
        device: Device,
        /// Where.
        conv: Conv,
        /// At which place.
        seq: u64,
        /// What.
        body: String,
    },
    /// Promise 2: one send stands more than once.
    #[error("{body:?} of {device} stands {times} times in {conv}")]
    Doubled {
        /// Whose.
        device: Device,
        /// Where.
        conv: Conv,
        /// What.
        body: String,
        /// How often.
        times: usize,
    },
    /// Promise 2: a retry got another answer than the first time.
    #[error("{device} was given several places for {body:?} in {conv}: {seqs:?}")]
    AnsweredTwice {
        /// Who.
        device: Device,
        /// Where.
        conv: Conv,
        /// What.
        body: String,
        /// The places.
        seqs: Vec<u64>,
    },
    /// Promise 1: what was refused for good stands all the same.
    #[error("{body:?} of {device} was refused and stands in {conv}")]
    Resurrected {
        /// Whose.
        device: Device,
        /// Where.
        conv: Conv,
        /// What.
        body: String,
    },
    /// An entry that nobody sent, or whose sender is another.
    #[error("{conv}#{seq} holds {body:?}, which its sender {sender} did not send")]
    Foreign {
        /// Where.
        conv: Conv,
        /// At which place.
        seq: u64,
        /// By whom, as the log says.
        sender: User,
        /// What.
        body: String,
    },
    /// Promise 3: places do not count 1, 2, 3 ….
    #[error("{conv} has #{found} where #{expected} should be")]
    Gap {
        /// Where.
        conv: Conv,
        /// The place that follows.
        expected: u64,
        /// What was found instead.
        found: u64,
    },
    /// Two entries have one id.
    #[error("the id {id} stands twice, the second time at {conv}#{seq}")]
    SameId {
        /// Where.
        conv: Conv,
        /// At which place.
        seq: u64,
        /// The id.
        id: u64,
    },
    /// Promise 3: a device's own sends stand in another order than it sent them.
    #[error("{device} sent {body:?} after something that stands later in {conv} (#{seq})")]
    Overtaken {
        /// Whose.
        device: Device,
        /// Where.
        conv: Conv,
        /// What.
        body: String,
        /// Where it stands.
        seq: u64,
    },
    /// Promise 4: a device was given an entry without one before it.
    #[error("{device} was given {conv}#{seq} before #{missing}")]
    Skipped {
        /// Who.
        device: Device,
        /// Where.
        conv: Conv,
        /// What it was given.
        seq: u64,
        /// What it did not have.
        missing: u64,
    },
    /// Promise 4: a device was given an entry after a later one.
    #[error("{device} was given {conv}#{seq} after #{after}")]
    Reordered {
        /// Who.
        device: Device,
        /// Where.
        conv: Conv,
        /// What it was given.
        seq: u64,
        /// The later one.
        after: u64,
    },
    /// Promise 4: a device applied an entry twice.
    #[error("{device} applied {conv}#{seq} twice")]
    AppliedTwice {
        /// Who.
        device: Device,
        /// Where.
        conv: Conv,
        /// What.
        seq: u64,
    },
    /// Promise 4: a device never got an entry, although it had the time.
    #[error("{device} never got {conv}#{seq}")]
    Missing {
        /// Who.
        device: Device,
        /// Where.
        conv: Conv,
        /// What.
        seq: u64,
    },
    /// A device was given something else than what stands in the log.
    #[error("{device} was given something else than what stands at {conv}#{seq}")]
    Differs {
        /// Who.
        device: Device,
        /// Where.
        conv: Conv,
        /// At which place.
        seq: u64,
    },
    /// A device was sent what is not the protocol.
    #[error("{device} was sent what is not the protocol: {why}")]
    NotTheProtocol {
        /// Who.
        device: Device,
        /// What was wrong.
        why: String,
    },
    /// Promise 6: a device was given an entry that its user was not a member for.
    #[error("{device} was given {conv}#{seq}, outside of its membership")]
    Leaked {
        /// Who.
        device: Device,
        /// Where.
        conv: Conv,
        /// What.
        seq: u64,
    },
    /// Promise 5: a cursor moved backward.
    #[error("{device} saw the cursor {cursor:?} in {conv} move from {from} back to {to}")]
    CursorBack {
        /// Who saw it.
        device: Device,
        /// Where.
        conv: Conv,
        /// Which.
        cursor: Cursor,
        /// From.
        from: u64,
        /// To.
        to: u64,
    },
    /// Promise 5: a cursor stands further than anybody moved it.
    #[error("{device} saw the cursor {cursor:?} in {conv} at {at}, above {allowed}")]
    CursorAhead {
        /// Who saw it.
        device: Device,
        /// Where.
        conv: Conv,
        /// Which.
        cursor: Cursor,
        /// Where it stands.
        at: u64,
        /// The highest it may be.
        allowed: u64,
    },
    /// Promise 5: a read cursor stands below what was answered.
    #[error("{user} read {conv} up to {asked}, and the cursor stands at {read}")]
    ReadLost {
        /// Whose.
        user: User,
        /// Where.
        conv: Conv,
        /// What was answered.
        asked: u64,
        /// What stands.
        read: u64,
    },
    /// Promise 5: an unread count that is not what the log and the cursor say.
    #[error("{user} has {unread} unread in {conv}, and the log says {expected}")]
    Unread {
        /// Whose.
        user: User,
        /// Where.
        conv: Conv,
        /// What was shown.
        unread: u64,
        /// What is right.
        expected: u64,
    },
    /// Promise 3: an answer stands before what it answers.
    #[error("{conv}#{seq} answers what stands after it")]
    QuotesAhead {
        /// Where.
        conv: Conv,
        /// Which.
        seq: u64,
    },
    /// Promise 6: what was begun after an acknowledged block was stored.
    #[error("{body:?} of {device} was stored in {conv}, after a block was acknowledged")]
    NotBarred {
        /// Whose.
        device: Device,
        /// Where.
        conv: Conv,
        /// What.
        body: String,
    },
    /// A refusal for good that nothing explains.
    #[error("{body:?} of {device} was refused for good in {conv}, and nothing barred it")]
    RefusedWithoutCause {
        /// Whose.
        device: Device,
        /// Where.
        conv: Conv,
        /// What.
        body: String,
    },
    /// An acknowledged recall or edit does not count, or does not any more.
    #[error("{conv}#{seq} shows {shows:?}, although {device} was told that it says {to:?}")]
    Undone {
        /// Who was told.
        device: Device,
        /// Where.
        conv: Conv,
        /// Of which entry.
        seq: u64,
        /// What it should say; `None`: nothing.
        to: Option<String>,
        /// What it says.
        shows: Option<Body>,
    },
    /// What nobody took back is gone.
    #[error("{conv}#{seq} is gone, and nobody took it back")]
    GoneUnasked {
        /// Where.
        conv: Conv,
        /// Which.
        seq: u64,
    },
    /// A device is shown as linked, or not, and it is the other way round.
    #[error("{device} is shown as online: {shown}, and it is the other way round")]
    Presence {
        /// Which.
        device: Device,
        /// What is shown.
        shown: bool,
    },
    /// Promise 9: an older link went on after a newer one had been welcomed.
    #[error("the older link of {device} lived on for more than {ms} ms")]
    NotFenced {
        /// Whose.
        device: Device,
        /// How long it may.
        ms: u64,
    },
    /// After the last fault, something took too long.
    #[error("{what} took more than {ms} ms after the last fault")]
    NotHealed {
        /// What.
        what: String,
        /// How long it may take.
        ms: u64,
    },
}
