//! The logs themselves: places count 1, 2, 3 …, ids are unique, answers stand
//! after what they answer (promise 3).

use std::collections::BTreeSet;

use super::{History, Violation};

pub(super) fn check(history: &History, found: &mut Vec<Violation>) {
    let mut ids = BTreeSet::new();
    for (conv, log) in &history.logs {
        let mut expected = 1;
        for entry in log {
            if entry.seq != expected {
                found.push(Violation::Gap { conv: conv.clone(), expected, found: entry.seq });
            }
            expected = entry.seq + 1;
            if entry.quotes.is_some_and(|quoted| quoted >= entry.seq) {
                found.push(Violation::QuotesAhead { conv: conv.clone(), seq: entry.seq });
            }
            if !ids.insert(entry.id) {
                found.push(Violation::SameId { conv: conv.clone(), seq: entry.seq, id: entry.id });
            }
        }
    }
}
