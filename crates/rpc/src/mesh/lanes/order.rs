//! Keeps a device's own order when what it asks changes owners (DESIGN promise 3).
//!
//! An SM remembers what it refused for now, and lets nothing of the same device and lane slip past
//! until that is asked again. The next owner knows nothing of it; so the peer remembers too, and
//! as long as the SM that refused can be reached, the lane stays with it for this link. A value:
//! no IO, no clock.

use std::collections::VecDeque;

use anser_domain::{ClientId, LinkId};
use rustc_hash::FxHashMap;

use super::Way;

/// Most refused questions remembered for a link; more than a session lets be in flight at once.
/// Beyond that a device asks on without repeating itself, and has no order to keep.
const MAX_REFUSED: usize = 1024;

/// What was refused for now and has not been settled since, of all links. Nearly always nothing.
#[derive(Debug, Default)]
pub(super) struct Order {
    by_link: FxHashMap<LinkId, VecDeque<Refused>>,
}

#[derive(Debug)]
struct Refused {
    lane: u64,
    at: Place,
    by: Option<Way>,
    /// Asked again, and not yet answered.
    passing: bool,
}

/// A question in its device's order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Ascending over all questions of the peer.
    pub(super) number: u64,
    /// What makes it the same question when it is asked again.
    pub(super) client_id: ClientId,
}

impl Order {
    /// Whether a question of a lane may be asked now. One that may not is remembered as refused.
    pub(super) fn admit(&mut self, link: LinkId, lane: u64, at: Place) -> bool {
        let Some(list) = self.by_link.get_mut(&link) else { return true };
        for it in list.iter_mut().filter(|it| it.lane == lane) {
            // Its turn: all before it are passing. It may be looked at twice, if it was held.
            if it.at.client_id == at.client_id {
                it.passing = true;
                return true;
            }
            if !it.passing {
                // Asked before the refused one, and only now its turn: nothing slips past.
                if at.number < it.at.number {
                    return true;
                }
                self.refused(link, lane, at, None);
                return false;
            }
        }
        true
    }

    /// The SM that keeps a link's order in a lane, if one does.
    pub(super) fn keeper(&self, link: LinkId, lane: u64) -> Option<&Way> {
        let list = self.by_link.get(&link)?;
        list.iter().find(|it| it.lane == lane).and_then(|it| it.by.as_ref())
    }

    /// A question was refused for now, by an SM or right here.
    pub(super) fn refused(&mut self, link: LinkId, lane: u64, at: Place, by: Option<Way>) {
        let list = self.by_link.entry(link).or_default();
        let known = list.iter_mut().find(|it| it.lane == lane && it.at.client_id == at.client_id);
        if let Some(known) = known {
            (known.passing, known.by) = (false, by.or(known.by.take()));
        } else if list.len() < MAX_REFUSED {
            let index = list.partition_point(|it| it.at.number < at.number);
            list.insert(index, Refused { lane, at, by, passing: false });
        }
    }

    /// A question has its answer for good.
    pub(super) fn settled(&mut self, link: LinkId, lane: u64, client_id: ClientId) {
        let Some(list) = self.by_link.get_mut(&link) else { return };
        list.retain(|it| it.lane != lane || it.at.client_id != client_id);
        if list.is_empty() {
            self.by_link.remove(&link);
        }
    }

    /// A question that was asked again has been lost with its SM, and is about to be asked once
    /// more.
    pub(super) fn lost(&mut self, link: LinkId, lane: u64, client_id: ClientId) {
        let list = self.by_link.get_mut(&link).into_iter().flatten();
        for it in list.filter(|it| it.lane == lane && it.at.client_id == client_id) {
            it.passing = false;
        }
    }

    /// A link is gone: its device begins anew on another, with all that has no answer.
    pub(super) fn forget(&mut self, link: LinkId) {
        self.by_link.remove(&link);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const ME: LinkId = LinkId(1);

    fn place(number: u64, id: u8) -> Place {
        Place { number, client_id: ClientId([id; 16]) }
    }

    fn a() -> Option<Way> {
        Some(Way { sm: Arc::from("a:1"), life: 1 })
    }

    #[test]
    fn what_comes_after_a_refused_one_waits_for_it_and_what_came_before_does_not() {
        let mut order = Order::default();
        assert!(order.admit(ME, 7, place(1, 1)));
        order.refused(ME, 7, place(2, 2), a());
        assert!(order.admit(ME, 7, place(1, 1)), "before");
        assert!(!order.admit(ME, 7, place(3, 3)));
        assert!(order.admit(ME, 8, place(4, 4)), "another lane");
        assert!(order.admit(LinkId(2), 7, place(5, 5)), "another link");
        assert_eq!(order.keeper(ME, 7), a().as_ref());

        assert!(order.admit(ME, 7, place(6, 2)), "the refused one again");
        assert!(order.admit(ME, 7, place(6, 2)), "and once more, if it was held meanwhile");
        assert!(order.admit(ME, 7, place(7, 3)), "and its turn");
        assert!(order.admit(ME, 7, place(8, 9)), "nothing waits any more");
        order.settled(ME, 7, ClientId([2; 16]));
        order.settled(ME, 7, ClientId([3; 16]));
        assert!(order.by_link.is_empty(), "nothing is left behind");
    }

    #[test]
    fn one_that_is_refused_or_lost_again_still_holds_the_others() {
        let mut order = Order::default();
        order.refused(ME, 7, place(1, 1), a());
        assert!(order.admit(ME, 7, place(2, 1)));
        order.refused(ME, 7, place(2, 1), None);
        assert_eq!(order.keeper(ME, 7), a().as_ref());
        assert!(!order.admit(ME, 7, place(3, 2)));
        assert!(order.admit(ME, 7, place(4, 1)));
        order.lost(ME, 7, ClientId([1; 16]));
        assert!(!order.admit(ME, 7, place(5, 3)));
        assert!(order.admit(ME, 7, place(4, 1)), "once more");
        order.forget(ME);
        assert!(order.admit(ME, 7, place(6, 4)));
    }

    #[test]
    fn a_device_that_asks_on_and_on_is_not_remembered_without_end() {
        let mut order = Order::default();
        order.refused(ME, 7, place(0, 1), a());
        for number in 1..2 * MAX_REFUSED as u64 {
            let client_id = ClientId(u128::from(number + 1000).to_be_bytes());
            assert!(!order.admit(ME, 7, Place { number, client_id }));
        }
        assert_eq!(order.by_link[&ME].len(), MAX_REFUSED);
    }
}
