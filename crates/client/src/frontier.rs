//! How far the client has each conversation's log, and so which entries it may accept.
//!
//! A device's own sends are not delivered back to it: their answers stand for them. They can
//! come before the entries below them, so seqs above the frontier are remembered until it
//! arrives there. What has arrived is acknowledged once the app has taken it.

use std::collections::{BTreeSet, HashMap};

use anser_domain::{ConvId, Seq};

/// What to do with an entry that arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The log's next: show it.
    Next,
    /// Already here: drop it.
    Duplicate,
    /// Something below it is missing: ask for everything above this place.
    Gap(Seq),
}

/// Every log's frontier.
#[derive(Debug, Default)]
pub(crate) struct Frontier {
    logs: HashMap<ConvId, Log>,
    /// Logs of which more could be acknowledged.
    unacked: Vec<ConvId>,
    /// Entries that arrived and were not taken, over all logs.
    waiting: u32,
}

#[derive(Debug, Default)]
struct Log {
    /// Everything up to here is here.
    have: Seq,
    /// What the server has been told of `have`.
    acked: Seq,
    /// The last entry that the app has taken.
    taken: Seq,
    /// Entries that arrived and were not taken.
    waiting: u32,
    /// Own sends above `have`.
    own: BTreeSet<Seq>,
    /// Whether `have` is known: an entry of an unknown log sets it.
    known: bool,
    /// Whether this log is in `unacked`.
    listed: bool,
}

impl Log {
    fn arrive(&mut self, seq: Seq) {
        self.have = seq;
        while self.own.remove(&self.have.next()) {
            self.have = self.have.next();
        }
        // Own sends below a place that was jumped over are history now.
        if self.own.first().is_some_and(|own| *own <= self.have) {
            self.own = self.own.split_off(&self.have.next());
        }
    }
}

impl Frontier {
    /// The server says how far this device has a log. It never takes back what has arrived.
    pub(crate) fn known(&mut self, conv: ConvId, delivered: Seq) {
        let log = self.logs.entry(conv).or_default();
        if !log.known || delivered >= log.have {
            log.known = true;
            log.acked = delivered;
            log.arrive(delivered.max(log.have));
        } else {
            // An acknowledgement was lost with its link.
            log.acked = delivered;
            self.list(conv);
        }
    }

    /// How far a log has arrived.
    pub(crate) fn have(&self, conv: ConvId) -> Seq {
        self.logs.get(&conv).map_or(Seq::ZERO, |log| log.have)
    }

    /// An entry that was delivered live, and so in order.
    pub(crate) fn delivered(&mut self, conv: ConvId, seq: Seq) -> Verdict {
        let log = self.logs.entry(conv).or_default();
        // Of a log that nobody has spoken of, the server's first entry is the place to begin.
        if !log.known {
            log.known = true;
        } else if seq <= log.have {
            // The server would not have sent it again, had it heard of it.
            log.acked = log.acked.min(Seq(seq.0.saturating_sub(1)));
            self.list(conv);
            return Verdict::Duplicate;
        } else if seq != log.have.next() {
            return Verdict::Gap(log.have);
        }
        log.arrive(seq);
        log.waiting += 1;
        self.waiting += 1;
        Verdict::Next
    }

    /// An entry of a page that was asked for. Pages hold all that the viewer may see, so what
    /// they leave out is not missing.
    pub(crate) fn paged(&mut self, conv: ConvId, seq: Seq) -> Verdict {
        let log = self.logs.entry(conv).or_default();
        if log.known && seq <= log.have {
            return Verdict::Duplicate;
        }
        log.known = true;
        log.arrive(seq);
        log.waiting += 1;
        self.waiting += 1;
        Verdict::Next
    }

    /// An entry that passed has reached its reader.
    pub(crate) fn taken(&mut self, conv: ConvId, seq: Seq) {
        let Some(log) = self.logs.get_mut(&conv) else { return };
        log.taken = log.taken.max(seq);
        log.waiting = log.waiting.saturating_sub(1);
        self.waiting = self.waiting.saturating_sub(1);
        self.list(conv);
    }

    /// How many entries have passed and not been taken.
    pub(crate) fn waiting(&self) -> u32 {
        self.waiting
    }

    /// An own send was stored.
    pub(crate) fn sent(&mut self, conv: ConvId, seq: Seq) {
        let log = self.logs.entry(conv).or_default();
        if !log.known && seq == Seq(1) {
            log.known = true;
        }
        if log.known && seq == log.have.next() {
            log.arrive(seq);
            self.list(conv);
        } else if seq > log.have {
            log.own.insert(seq);
        }
    }

    /// Takes the acknowledgements that are due: cumulative, one a log.
    pub(crate) fn take_acks(&mut self, mut ack: impl FnMut(ConvId, Seq)) {
        for conv in self.unacked.drain(..) {
            if let Some(log) = self.logs.get_mut(&conv) {
                log.listed = false;
                let upto = if log.waiting == 0 { log.have } else { log.taken };
                if upto > log.acked {
                    log.acked = upto;
                    ack(conv, upto);
                }
            }
        }
    }

    /// Whether anything waits to be acknowledged.
    pub(crate) fn owes_acks(&self) -> bool {
        !self.unacked.is_empty()
    }

    fn list(&mut self, conv: ConvId) {
        if let Some(log) = self.logs.get_mut(&conv)
            && !log.listed
        {
            log.listed = true;
            self.unacked.push(conv);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const C: ConvId = ConvId(7);

    fn acks(frontier: &mut Frontier) -> Vec<(ConvId, Seq)> {
        let mut all = Vec::new();
        frontier.take_acks(|conv, seq| all.push((conv, seq)));
        all
    }

    #[test]
    fn only_the_next_entry_passes() {
        let mut frontier = Frontier::default();
        frontier.known(C, Seq(4));
        assert_eq!(frontier.delivered(C, Seq(4)), Verdict::Duplicate);
        assert_eq!(frontier.delivered(C, Seq(5)), Verdict::Next);
        assert_eq!(frontier.delivered(C, Seq(5)), Verdict::Duplicate);
        assert_eq!(frontier.delivered(C, Seq(7)), Verdict::Gap(Seq(5)));
        assert_eq!(frontier.have(C), Seq(5));
    }

    #[test]
    fn own_sends_fill_their_places_in_either_order() {
        let mut frontier = Frontier::default();
        frontier.known(C, Seq(1));
        frontier.sent(C, Seq(3));
        frontier.sent(C, Seq(4));
        assert_eq!(frontier.have(C), Seq(1), "2 has not arrived");
        assert_eq!(frontier.delivered(C, Seq(2)), Verdict::Next);
        assert_eq!(frontier.have(C), Seq(4));
        frontier.sent(C, Seq(5));
        assert_eq!(frontier.delivered(C, Seq(6)), Verdict::Next);
        frontier.sent(C, Seq(2));
        assert_eq!(frontier.have(C), Seq(6), "the answer to a retry moves nothing");
    }

    #[test]
    fn a_log_nobody_spoke_of_begins_where_the_server_begins() {
        let mut frontier = Frontier::default();
        assert_eq!(frontier.delivered(C, Seq(40)), Verdict::Next, "added to a group at 40");
        assert_eq!(frontier.delivered(C, Seq(42)), Verdict::Gap(Seq(40)));
    }

    #[test]
    fn a_page_may_jump_over_what_the_viewer_may_not_see() {
        let mut frontier = Frontier::default();
        frontier.known(C, Seq(10));
        assert_eq!(frontier.delivered(C, Seq(57)), Verdict::Gap(Seq(10)));
        assert_eq!(frontier.paged(C, Seq(57)), Verdict::Next);
        assert_eq!(frontier.delivered(C, Seq(57)), Verdict::Duplicate);
        assert_eq!(frontier.delivered(C, Seq(58)), Verdict::Next);
    }

    #[test]
    fn acknowledgements_are_cumulative_and_said_once() {
        let mut frontier = Frontier::default();
        frontier.known(C, Seq(0));
        for seq in 1..=3 {
            frontier.delivered(C, Seq(seq));
        }
        assert!(!frontier.owes_acks(), "nothing was taken");
        frontier.taken(C, Seq(1));
        assert_eq!(acks(&mut frontier), [(C, Seq(1))]);
        frontier.sent(C, Seq(4));
        frontier.taken(C, Seq(2));
        frontier.taken(C, Seq(3));
        assert!(frontier.owes_acks());
        assert_eq!(acks(&mut frontier), [(C, Seq(4))], "own sends count as taken");
        assert!(!frontier.owes_acks());
        assert_eq!(acks(&mut frontier), []);
        frontier.delivered(C, Seq(2));
        assert_eq!(acks(&mut frontier), [(C, Seq(4))], "the server has not heard of it");
        frontier.known(C, Seq(1));
        assert_eq!(acks(&mut frontier), [(C, Seq(4))], "the acknowledgement was lost");
    }
}
