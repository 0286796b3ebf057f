//! Where a link stands in the conversations it knows.

use anser_domain::{ConvId, Seq};

use super::judge::Place;
use crate::limits::{POSITIONS_BUSY, POSITIONS_IDLE};

/// How long a position that nobody needs is kept: longer than cursors take to become durable,
/// since a forgotten place is found again from the durable one.
const KEEP_SECONDS: u32 = 30;

/// One conversation.
#[derive(Debug)]
pub(crate) struct Position {
    pub(crate) conv: ConvId,
    /// Everything up to here was handed over; `None` while that is being asked.
    pub(crate) at: Option<Seq>,
    /// The log is known to reach up to here. Above `at`: the link is behind.
    pub(crate) target: Seq,
    /// A page of it has been asked for: it is needed until that is there.
    pub(crate) asked: bool,
    /// Own sends above `at` that were answered: bit 0 is `at + 2`, since `at + 1` moves `at`.
    own: u64,
    /// How far the device said that it has everything.
    acked: Seq,
    /// When it last moved, in seconds.
    touched: u32,
}

impl Position {
    fn new(conv: ConvId, at: Option<Seq>, second: u32) -> Self {
        let acked = at.unwrap_or_default();
        Self { conv, at, target: Seq::ZERO, asked: false, own: 0, acked, touched: second }
    }

    pub(crate) fn is_behind(&self) -> bool {
        self.asked || self.at.is_none_or(|at| self.target > at)
    }

    pub(crate) fn place(&self) -> Place {
        self.at.map_or(Place::Loading, Place::At)
    }

    pub(crate) fn reaches(&mut self, head: Seq) {
        self.target = self.target.max(head);
    }

    /// Moves to `seq`, and over own sends that follow it.
    pub(crate) fn advance(&mut self, seq: Seq, second: u32) {
        self.touched = second;
        let from = match self.at {
            Some(at) if at >= seq => return,
            Some(at) => at,
            None => {
                self.at = Some(seq);
                return;
            }
        };
        let mut at = seq;
        // Bit 0 stands for `from + 2` and shall stand for `at + 2`.
        let mut own = shift(self.own, at.0 - from.0 - 1);
        // Now bit 0 is `at + 1`.
        while own & 1 == 1 {
            at = at.next();
            own >>= 1;
        }
        self.at = Some(at);
        self.own = own >> 1;
    }

    /// Own send `seq` was answered: it will not be handed over.
    pub(crate) fn sent(&mut self, seq: Seq, second: u32) {
        let Some(at) = self.at else { return };
        if seq == at.next() {
            self.advance(seq, second);
        } else if let Some(bit) = seq.0.checked_sub(at.0 + 2)
            && bit < u64::from(u64::BITS)
        {
            self.touched = second;
            self.own |= 1 << bit;
        }
        // Further ahead than the bitmap reaches: it comes as others' entries do, and the client
        // knows it by its seq.
    }

    /// The device says that it has everything up to `seq`. Answers whether all of that was
    /// handed over or was its own; if not, nothing changes.
    pub(crate) fn acked(&mut self, seq: Seq) -> bool {
        let holds = self.at.is_some_and(|at| seq <= at);
        if holds {
            self.acked = self.acked.max(seq);
        }
        holds
    }

    /// Whether it could be found again from the device's durable cursor.
    fn is_idle(&self, second: u32) -> bool {
        !self.is_behind()
            && self.at.is_some_and(|at| self.acked >= at)
            && second.saturating_sub(self.touched) >= KEEP_SECONDS
    }
}

fn shift(bits: u64, by: u64) -> u64 {
    u32::try_from(by).ok().and_then(|by| bits.checked_shr(by)).unwrap_or(0)
}

/// All positions of a link, by conversation.
#[derive(Debug, Default)]
pub(crate) struct Positions {
    sorted: Vec<Position>,
}

impl Positions {
    pub(crate) fn find(&mut self, conv: ConvId) -> Option<&mut Position> {
        let index = self.sorted.binary_search_by_key(&conv, |it| it.conv).ok()?;
        self.sorted.get_mut(index)
    }

    /// The position of `conv`, made if there is room for it.
    pub(crate) fn entry(
        &mut self,
        conv: ConvId,
        at: Option<Seq>,
        second: u32,
    ) -> Option<&mut Position> {
        let index = match self.sorted.binary_search_by_key(&conv, |it| it.conv) {
            Ok(index) => index,
            Err(index) if self.sorted.len() < POSITIONS_BUSY => {
                // Exactly as much as is used: most links know one or two conversations.
                if self.sorted.len() < POSITIONS_IDLE / 2 {
                    self.sorted.reserve_exact(1);
                }
                self.sorted.insert(index, Position::new(conv, at, second));
                index
            }
            Err(_) => {
                self.evict_one()?;
                return self.entry(conv, at, second);
            }
        };
        self.sorted.get_mut(index)
    }

    /// Makes room: the longest unmoved of those that are not behind.
    fn evict_one(&mut self) -> Option<()> {
        let (index, _) = self
            .sorted
            .iter()
            .enumerate()
            .filter(|(_, it)| !it.is_behind())
            .min_by_key(|(_, it)| (it.at > Some(it.acked), it.touched))?;
        self.sorted.remove(index);
        Some(())
    }

    pub(crate) fn forget(&mut self, conv: ConvId) {
        if let Ok(index) = self.sorted.binary_search_by_key(&conv, |it| it.conv) {
            self.sorted.remove(index);
        }
    }

    /// The first behind one after `conv` in the order of keys, going round.
    pub(crate) fn behind_after(&self, conv: ConvId) -> Option<&Position> {
        let from = self.sorted.partition_point(|it| it.conv <= conv);
        let (before, after) = self.sorted.split_at_checked(from)?;
        after.iter().chain(before).find(|it| it.is_behind())
    }

    /// Whether another position takes the place of one that is forgotten.
    pub(crate) fn is_full(&self) -> bool {
        self.sorted.len() >= POSITIONS_BUSY
    }

    pub(crate) fn len(&self) -> usize {
        self.sorted.len()
    }

    /// Forgets what an idle link need not know. Answers whether there is more to forget later.
    pub(crate) fn trim(&mut self, second: u32) -> bool {
        let mut surplus = self.sorted.len().saturating_sub(POSITIONS_IDLE);
        if surplus > 0 {
            self.sorted.retain(|it| {
                let goes = surplus > 0 && it.is_idle(second);
                surplus -= usize::from(goes);
                !goes
            });
            self.sorted.shrink_to_fit();
        }
        self.sorted.len() > POSITIONS_IDLE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_sends_ahead_of_the_position_are_stepped_over() {
        let mut it = Position::new(ConvId(1), Some(Seq(10)), 0);
        it.sent(Seq(12), 0);
        it.sent(Seq(13), 0);
        it.sent(Seq(15), 0);
        assert_eq!(it.at, Some(Seq(10)));
        it.advance(Seq(11), 0);
        assert_eq!(it.at, Some(Seq(13)));
        it.advance(Seq(14), 0);
        assert_eq!(it.at, Some(Seq(15)));
        it.sent(Seq(16), 0);
        assert_eq!(it.at, Some(Seq(16)));
        it.sent(Seq(18), 0);
        it.advance(Seq(40), 0);
        it.advance(Seq(41), 0);
        assert_eq!(it.at, Some(Seq(41)), "bits below the position are gone");
        it.sent(Seq(41 + 2 + 63), 0);
        it.sent(Seq(41 + 2 + 64), 0);
        it.advance(Seq(41 + 1 + 63), 0);
        assert_eq!(it.at, Some(Seq(41 + 2 + 63)), "the bitmap reaches 64 ahead");
    }

    #[test]
    fn nothing_is_acknowledged_ahead_of_the_position() {
        let mut it = Position::new(ConvId(1), Some(Seq(10)), 0);
        assert!(!it.acked(Seq(11)));
        it.sent(Seq(12), 0);
        assert!(!it.acked(Seq(12)), "11 is missing");
        assert_eq!(it.acked, Seq(10));
        it.advance(Seq(11), 0);
        assert!(it.acked(Seq(12)), "its own counts as handed over");
        assert_eq!(it.acked, Seq(12));
        assert!(!Position::new(ConvId(1), None, 0).acked(Seq(1)), "not known yet");
    }

    #[test]
    fn idle_links_remember_sixteen_and_never_forget_what_is_unacknowledged() {
        let mut all = Positions::default();
        for n in 0..40 {
            let it = all.entry(ConvId(n), Some(Seq(5)), 0).unwrap();
            it.advance(Seq(6), 0);
            if n != 3 {
                assert!(it.acked(Seq(6)));
            }
        }
        assert!(all.trim(KEEP_SECONDS - 1), "too early");
        assert_eq!(all.len(), 40);
        assert!(!all.trim(KEEP_SECONDS));
        assert_eq!(all.len(), POSITIONS_IDLE);
        assert!(all.find(ConvId(3)).is_some());
    }

    #[test]
    fn a_full_table_gives_up_what_is_not_behind() {
        let mut all = Positions::default();
        for n in 0..POSITIONS_BUSY as u64 {
            all.entry(ConvId(n), Some(Seq(1)), 0).unwrap().reaches(Seq(2));
        }
        assert!(all.entry(ConvId(1 << 20), None, 0).is_none(), "all are needed");
        all.find(ConvId(7)).unwrap().advance(Seq(2), 0);
        assert!(all.entry(ConvId(1 << 20), None, 0).is_some());
        assert!(all.find(ConvId(7)).is_none());
    }

    #[test]
    fn behind_ones_take_turns() {
        let mut all = Positions::default();
        for n in [1, 2, 3] {
            all.entry(ConvId(n), Some(Seq(1)), 0).unwrap();
        }
        all.find(ConvId(1)).unwrap().reaches(Seq(2));
        all.find(ConvId(3)).unwrap().reaches(Seq(2));
        assert_eq!(all.behind_after(ConvId(1)).unwrap().conv, ConvId(3));
        assert_eq!(all.behind_after(ConvId(3)).unwrap().conv, ConvId(1));
    }
}
