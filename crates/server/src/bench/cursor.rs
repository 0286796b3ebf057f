//! How far a user has each conversation's log, so that acknowledgements are true: everything up
//! to there has come in, or was sent from here.

use std::collections::{BTreeSet, HashMap};

/// All of a user's logs.
#[derive(Debug, Default)]
pub(super) struct Cursors {
    logs: HashMap<u64, Log>,
    /// Logs of which more can be acknowledged.
    due: Vec<u64>,
}

#[derive(Debug, Default)]
struct Log {
    have: u64,
    acked: u64,
    /// Own sends above `have`: their answers came before the entries below them.
    ahead: BTreeSet<u64>,
    listed: bool,
}

impl Cursors {
    /// What WELCOME says of a log.
    pub(super) fn begin(&mut self, conv: u64, delivered: u64) {
        let log = self.logs.entry(conv).or_default();
        log.have = delivered;
        log.acked = delivered;
    }

    /// An entry was delivered; logs are delivered in order.
    pub(super) fn delivered(&mut self, conv: u64, seq: u64) {
        let log = self.logs.entry(conv).or_default();
        if seq > log.have {
            log.have = seq;
        }
        self.settle(conv);
    }

    /// An own send stands in a log.
    pub(super) fn sent(&mut self, conv: u64, seq: u64) {
        let log = self.logs.entry(conv).or_default();
        if seq > log.have {
            log.ahead.insert(seq);
            self.settle(conv);
        }
    }

    /// Takes what can be acknowledged.
    pub(super) fn take(&mut self, mut ack: impl FnMut(u64, u64)) {
        for conv in self.due.drain(..) {
            if let Some(log) = self.logs.get_mut(&conv) {
                log.listed = false;
                log.acked = log.have;
                ack(conv, log.have);
            }
        }
    }

    /// Whether there is anything to take.
    pub(super) fn is_due(&self) -> bool {
        !self.due.is_empty()
    }

    fn settle(&mut self, conv: u64) {
        let Some(log) = self.logs.get_mut(&conv) else { return };
        while let Some(first) = log.ahead.first().copied().filter(|first| *first <= log.have + 1) {
            log.ahead.remove(&first);
            log.have = log.have.max(first);
        }
        if log.have > log.acked && !log.listed {
            log.listed = true;
            self.due.push(conv);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_sends_are_acknowledged_once_what_lies_below_has_come() {
        let mut cursors = Cursors::default();
        let taken = |cursors: &mut Cursors| {
            let mut all = Vec::new();
            cursors.take(|conv, seq| all.push((conv, seq)));
            all
        };
        cursors.begin(7, 3);
        cursors.sent(7, 5);
        assert!(!cursors.is_due(), "4 has not come");
        cursors.delivered(7, 4);
        cursors.sent(7, 6);
        assert_eq!(taken(&mut cursors), [(7, 6)]);
        cursors.delivered(7, 6);
        assert!(!cursors.is_due(), "nothing new");
        cursors.sent(8, 1);
        assert_eq!(taken(&mut cursors), [(8, 1)], "the first of a new conversation");
    }
}
