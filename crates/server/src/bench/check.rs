//! Whether a stream of counters arrives whole, once and in order.

use std::collections::BTreeSet;

/// One stream as one receiver sees it.
#[derive(Debug, Default)]
pub(super) struct Check {
    /// The counter that should come next.
    next: u64,
    /// Counters below `next` that have not come.
    missing: BTreeSet<u64>,
}

/// What to say of one arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// New, and nothing after it had come before.
    InOrder,
    /// New, but later ones had come before.
    Late,
    /// Not new.
    Again,
}

impl Check {
    /// A counter has arrived.
    pub(super) fn arrive(&mut self, counter: u64) -> Arrival {
        if counter >= self.next {
            self.missing.extend(self.next..counter);
            self.next = counter + 1;
            Arrival::InOrder
        } else if self.missing.remove(&counter) {
            Arrival::Late
        } else {
            Arrival::Again
        }
    }

    /// How many different counters have arrived.
    pub(super) fn distinct(&self) -> u64 {
        self.next - self.missing.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_fault_is_told_from_the_others() {
        let mut check = Check::default();
        let seen: Vec<_> = [0, 1, 1, 4, 2, 2, 5].map(|counter| check.arrive(counter)).into();
        use Arrival::{Again, InOrder, Late};
        assert_eq!(seen, [InOrder, InOrder, Again, InOrder, Late, Again, InOrder]);
        assert_eq!(check.distinct(), 5, "3 never came");
    }
}
