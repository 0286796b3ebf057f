//! Where a device stands in one conversation.

use std::collections::BTreeSet;

/// What a device has of a conversation.
#[derive(Debug, Default)]
pub(super) struct Place {
    /// Every seq it has.
    pub(super) known: BTreeSet<u64>,
    /// The highest of them.
    pub(super) highest: u64,
    /// What was delivered on this link, to notice what comes twice on it.
    on_link: BTreeSet<u64>,
    /// Up to here deliveries have come, own sends filling the places between.
    whole: u64,
    acknowledged: u64,
}

impl Place {
    /// An entry was delivered; whether that is worth writing down: the first time, or a second
    /// time on the same link. A second time on another link is how lost acknowledgements are
    /// made good.
    pub(super) fn deliver(&mut self, seq: u64) -> bool {
        let again = !self.on_link.insert(seq);
        let first = self.known.insert(seq);
        self.reached(seq);
        first || again
    }

    /// A send of its own stands there; whether that is news.
    pub(super) fn own(&mut self, seq: u64) -> bool {
        let first = self.known.insert(seq);
        if seq == self.whole + 1 {
            self.reached(seq);
        }
        self.highest = self.highest.max(seq);
        first
    }

    fn reached(&mut self, seq: u64) {
        self.highest = self.highest.max(seq);
        self.whole = self.whole.max(seq);
        while self.known.contains(&(self.whole + 1)) {
            self.whole += 1;
        }
    }

    /// What to acknowledge, if there is anything new.
    pub(super) fn acknowledge(&mut self) -> Option<u64> {
        let news = self.whole > self.acknowledged;
        self.acknowledged = self.whole;
        news.then_some(self.whole)
    }

    /// Acknowledgements of the last link may have been lost.
    pub(super) fn new_link(&mut self) {
        self.acknowledged = 0;
        self.on_link.clear();
    }
}
