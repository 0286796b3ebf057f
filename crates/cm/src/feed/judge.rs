//! The rule by which a live log entry passes, waits or is dropped: a function of values.

use anser_domain::{Seq, SyncToken};

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

/// What a live entry says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Live {
    /// Its place in the log.
    pub(crate) seq: Seq,
    /// When it was committed.
    pub(crate) id: SyncToken,
    /// The last change of the log before it.
    pub(crate) prev: SyncToken,
}

/// What a link has of the logs that it keeps no position of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Has {
    /// Everything that was committed up to here.
    pub(crate) all: SyncToken,
    /// Perhaps more, up to here.
    pub(crate) some: SyncToken,
}

impl Has {
    /// Whether an entry cannot have been handed over before its log's position was forgotten.
    fn is_older_than(self, live: Live) -> bool {
        live.id > self.all.max(self.some)
    }

    /// Whether a log has rested since the link had all of it, so that this entry is the next.
    fn has_all_before(self, live: Live) -> bool {
        live.prev <= self.all
    }
}

/// Judges a live entry of a conversation. `open` says whether the peer takes entries.
pub(crate) fn judge(place: Place, live: Live, has: Has, open: bool) -> Verdict {
    let seq = live.seq;
    let next = match place {
        Place::Unknown if !has.is_older_than(live) => return Verdict::Pull(Why::NoPlace),
        Place::Unknown if has.has_all_before(live) => seq,
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
        let has = Has { all: SyncToken(100), some: SyncToken(110) };
        for (place, seq, open, verdict) in table {
            let live = Live { seq: Seq(seq), id: SyncToken(120), prev: SyncToken(101) };
            assert_eq!(judge(place, live, has, open), verdict, "{place:?} {seq} {open}");
        }
        let rested = [
            (Unknown, 120, true, Deliver),
            (Unknown, 120, false, Pull(NoRoom)),
            // Perhaps it was handed over before its position was forgotten.
            (Unknown, 110, true, Pull(NoPlace)),
            (Unknown, 100, true, Pull(NoPlace)),
            (Loading, 120, true, Pull(NoPlace)),
            (At(Seq(5)), 120, true, Pull(Gap)),
            (At(Seq(7)), 120, true, Drop),
        ];
        for (place, id, open, verdict) in rested {
            let live = Live { seq: Seq(7), id: SyncToken(id), prev: SyncToken(100) };
            assert_eq!(judge(place, live, has, open), verdict, "{place:?} {id} {open}, rested");
        }
        let again = Live { seq: Seq(1), id: SyncToken(105), prev: SyncToken(0) };
        let verdict = judge(Unknown, again, has, true);
        assert_eq!(verdict, Pull(NoPlace), "a first entry that may have been handed over");
    }
}
