//! The rule by which a live log entry passes, waits or is dropped: a function of values.

use anser_domain::Seq;

/// What a feed knows of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Nothing.
    Unknown,
    /// That it has moved; where the device stands is being asked.
    Loading,
    /// That everything up to here has been handed over.
    At(Seq),
}

/// What becomes of an entry, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Hand it over now: it is the next one.
    Deliver,
    /// Forget it: it has been handed over, or its sender has its answer.
    Drop,
    /// Forget it, remember that the log has grown this far, and read it from the log.
    Pull(Why),
}

/// Why an entry has to be read from the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// Something before it has not come.
    Gap,
    /// Where the device stands in the conversation is not known.
    NoPlace,
    /// The peer takes nothing more now.
    NoRoom,
}

/// Judges the live entry `seq` of a conversation. `open` says whether the peer takes entries.
pub(crate) fn judge(place: Place, seq: Seq, open: bool) -> Verdict {
    let next = match place {
        // The first entry of a log is the next one for everyone who has nothing of it.
        Place::Unknown => Seq::ZERO.next(),
        Place::Loading => return Verdict::Pull(Why::NoPlace),
        Place::At(at) => at.next(),
    };
    match (seq.cmp(&next), place, open) {
        (std::cmp::Ordering::Less, ..) => Verdict::Drop,
        (std::cmp::Ordering::Equal, _, true) => Verdict::Deliver,
        (std::cmp::Ordering::Equal, _, false) => Verdict::Pull(Why::NoRoom),
        (std::cmp::Ordering::Greater, Place::At(_), _) => Verdict::Pull(Why::Gap),
        (std::cmp::Ordering::Greater, ..) => Verdict::Pull(Why::NoPlace),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table() {
        use Place::{At, Loading, Unknown};
        use Verdict::{Deliver, Drop, Pull};
        use Why::{Gap, NoPlace, NoRoom};
        let table = [
            // place, seq, open → verdict
            (Unknown, 1, true, Deliver),
            (Unknown, 1, false, Pull(NoRoom)),
            (Unknown, 2, true, Pull(NoPlace)),
            (Unknown, 2, false, Pull(NoPlace)),
            (Loading, 1, true, Pull(NoPlace)),
            (Loading, 9, true, Pull(NoPlace)),
            (At(Seq(5)), 4, true, Drop),
            (At(Seq(5)), 5, true, Drop),
            (At(Seq(5)), 5, false, Drop),
            (At(Seq(5)), 6, true, Deliver),
            (At(Seq(5)), 6, false, Pull(NoRoom)),
            (At(Seq(5)), 7, true, Pull(Gap)),
            (At(Seq(5)), 7, false, Pull(Gap)),
            (At(Seq::ZERO), 1, true, Deliver),
        ];
        for (place, seq, open, verdict) in table {
            assert_eq!(judge(place, Seq(seq), open), verdict, "{place:?} {seq} {open}");
        }
    }
}
