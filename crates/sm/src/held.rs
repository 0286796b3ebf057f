//! Keeps each device's own order after a refusal that may be retried (DESIGN promise 3).
//!
//! When a send is refused *for now*, what the same device sent after it must not slip past:
//! those are refused too, until the refused ones have been sent again, first one first. The
//! list lives until they have, or until the device's sends come another way, by a new login or
//! another stream of its peer: then all that has no answer is sent again anyhow, first one first.

use std::{
    collections::VecDeque,
    sync::atomic::{AtomicUsize, Ordering},
};

use anser_domain::{Actor, Address, ClientId, DeviceId, Epoch, Refusal, ReplyTo, Via};
use anser_store::{Append, Outcome};
use parking_lot::Mutex;
use rustc_hash::FxHashMap;

use crate::planted::{Plant, planted};

/// Most refused sends remembered per device and conversation; more than a session lets be in
/// flight at once.
const MAX_HELD: usize = 1024;
/// Most conversations for which refused sends of one device are remembered.
const MAX_LISTS: usize = 64;

/// Sends that were refused for now, by device and conversation.
#[derive(Default)]
pub(crate) struct Held {
    /// How many lists there are: nearly always none, and then nothing is locked.
    lists: AtomicUsize,
    by_device: Mutex<FxHashMap<DeviceId, Lists>>,
}

/// By which way a device's sends come. Later ones compare as greater: a login raises the epoch, and
/// during one a device stays with its peer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Way {
    epoch: Epoch,
    via: Via,
}

impl Way {
    fn of(actor: Actor, from: ReplyTo) -> Self {
        Self { epoch: actor.epoch, via: from.via }
    }
}

#[derive(Default)]
struct Lists {
    way: Way,
    by_address: FxHashMap<Address, VecDeque<Refused>>,
    /// More was refused than is remembered: nothing passes until the device logs in anew.
    barred: bool,
}

struct Refused {
    client_id: ClientId,
    order: u64,
    /// Admitted again, in a transaction whose end is not known yet.
    passing: bool,
}

impl Held {
    /// Whether `append` keeps its device's order.
    pub(crate) fn admit(&self, append: &Append) -> Result<(), Refusal> {
        if self.lists.load(Ordering::Acquire) == 0 || planted(Plant::OrderNotHeld) {
            return Ok(());
        }
        let mut by_device = self.by_device.lock();
        let Some(lists) = by_device.get_mut(&append.actor.device) else { return Ok(()) };
        let way = Way::of(append.actor, append.from);
        if way > lists.way {
            by_device.remove(&append.actor.device);
            self.lists.store(by_device.len(), Ordering::Release);
            return Ok(());
        }
        if way < lists.way || lists.barred {
            return Err(Refusal::OutOfOrder);
        }
        let Some(list) = lists.by_address.get_mut(&append.entry.address()) else { return Ok(()) };
        let id = append.entry.client_id();
        for refused in list {
            // Its turn: all before it are passing. It may be looked at twice, by a transaction that
            // is tried again.
            if refused.client_id == id {
                refused.passing = true;
                return Ok(());
            }
            if !refused.passing {
                // Sent before the refused one, and only now its turn: nothing slips past.
                let before = append.order < refused.order;
                return if before { Ok(()) } else { Err(Refusal::OutOfOrder) };
            }
        }
        Ok(())
    }

    /// Has what the device sends after this one wait for it: it is about to be refused for now, and
    /// some of that may stand in the very same batch. What is one too many is left to
    /// [`ended`](Self::ended).
    pub(crate) fn hold(&self, append: &Append) {
        let mut by_device = self.by_device.lock();
        let way = Way::of(append.actor, append.from);
        let Some(lists) = lists_of(&mut by_device, append.actor.device, way) else { return };
        let at = append.entry.address();
        let known = lists.by_address.get(&at);
        let full = lists.by_address.len() >= MAX_LISTS && known.is_none();
        if !lists.barred && !full && known.is_none_or(|list| list.len() < MAX_HELD) {
            let list = lists.by_address.entry(at).or_default();
            let client_id = append.entry.client_id();
            match list.iter_mut().find(|refused| refused.client_id == client_id) {
                Some(refused) => refused.passing = false,
                None => insert(list, client_id, append.order),
            }
        }
        self.lists.store(by_device.len(), Ordering::Release);
    }

    /// Whether the end of this send matters here. Nearly never.
    pub(crate) fn concerns(&self, outcome: &Outcome) -> bool {
        refused_for_now(outcome) || self.lists.load(Ordering::Acquire) != 0
    }

    /// Takes note of how a device's send ended. Answers whether that was one refusal too many:
    /// then the device has to log in anew, and resend from its own list.
    pub(crate) fn ended(&self, outcome: &Outcome) -> bool {
        let refused_for_now = refused_for_now(outcome);
        let mut by_device = self.by_device.lock();
        let way = Way::of(outcome.actor, outcome.from);
        let Some(lists) = lists_of(&mut by_device, outcome.actor.device, way) else { return false };
        if lists.barred {
            return false;
        }
        if lists.by_address.len() >= MAX_LISTS && !lists.by_address.contains_key(&outcome.at) {
            lists.barred = refused_for_now;
            return refused_for_now;
        }
        let list = lists.by_address.entry(outcome.at.clone()).or_default();
        let known = list.iter().position(|refused| refused.client_id == outcome.client_id);
        match known {
            Some(index) if refused_for_now => {
                if let Some(refused) = list.get_mut(index) {
                    refused.passing = false;
                }
            }
            Some(index) => {
                list.remove(index);
            }
            None if refused_for_now && list.len() >= MAX_HELD => {
                lists.barred = true;
                return true;
            }
            None if refused_for_now => {
                insert(list, outcome.client_id, outcome.order);
            }
            None => {}
        }
        if list.is_empty() {
            lists.by_address.remove(&outcome.at);
        }
        if lists.by_address.is_empty() {
            by_device.remove(&outcome.actor.device);
        }
        self.lists.store(by_device.len(), Ordering::Release);
        false
    }

    /// Forgets a device's lists: it has logged in anew, or gone.
    pub(crate) fn forget(&self, device: DeviceId) {
        if self.lists.load(Ordering::Acquire) == 0 {
            return;
        }
        let mut by_device = self.by_device.lock();
        by_device.remove(&device);
        self.lists.store(by_device.len(), Ordering::Release);
    }
}

/// A device's lists, made anew when what they tell of came another way; `None` when `way` is an
/// earlier one, which is over.
fn lists_of(
    by_device: &mut FxHashMap<DeviceId, Lists>,
    device: DeviceId,
    way: Way,
) -> Option<&mut Lists> {
    let lists = by_device.entry(device).or_default();
    if way < lists.way {
        return None;
    }
    if way > lists.way {
        *lists = Lists { way, ..Lists::default() };
    }
    Some(lists)
}

fn insert(list: &mut VecDeque<Refused>, client_id: ClientId, order: u64) {
    let index = list.partition_point(|refused| refused.order < order);
    list.insert(index, Refused { client_id, order, passing: false });
}

fn refused_for_now(outcome: &Outcome) -> bool {
    matches!(&outcome.result, Err(refusal) if refusal.is_retriable())
}

#[cfg(test)]
mod tests {
    use anser_domain::{
        Actor, Content, Epoch, LinkId, Outgoing, PeerId, ReplyTo, Tag, UserId, Via,
    };
    use anser_store::Entry;

    use super::*;

    fn append(id: u8, order: u64) -> Append {
        Append {
            from: ReplyTo { peer: PeerId(1), link: LinkId(1), tag: Tag(0), via: Via::default() },
            actor: Actor { user: UserId(1), device: DeviceId(1), epoch: Epoch(1) },
            order,
            entry: Entry::Message(Box::new(Outgoing {
                to: "u:bob".parse().unwrap(),
                client_id: ClientId([id; 16]),
                content: Content::Text("x".into()),
                reply_to: None,
                mentions: Vec::new(),
                payload: None,
                mentions_all: false,
                forward: None,
            })),
            ruling: None,
        }
    }

    /// Ends a send for now, or for good: a final refusal ends a wait as a commit does.
    fn end(held: &Held, append: &Append, refusal: Option<Refusal>) {
        held.ended(&Outcome {
            from: append.from,
            actor: append.actor,
            order: append.order,
            at: append.entry.address(),
            client_id: append.entry.client_id(),
            result: Err(refusal.unwrap_or(Refusal::Conflict)),
        });
    }

    #[test]
    fn later_sends_wait_for_the_refused_one_and_earlier_ones_do_not() {
        let held = Held::default();
        let (w, x, y, z) = (append(0, 1), append(1, 2), append(2, 3), append(3, 4));
        end(&held, &x, Some(Refusal::Unavailable));
        assert_eq!(held.admit(&w), Ok(()), "sent before the refused one");
        assert_eq!(held.admit(&y), Err(Refusal::OutOfOrder));
        end(&held, &y, Some(Refusal::OutOfOrder));

        let x_again = append(1, 5);
        assert_eq!(held.admit(&x_again), Ok(()));
        assert_eq!(held.admit(&x_again), Ok(()), "the transaction is tried again");
        assert_eq!(held.admit(&append(2, 6)), Ok(()), "its turn, once x is passing");
        end(&held, &x_again, None);
        assert_eq!(held.admit(&z), Ok(()), "sent before y was sent again, but y is passing");
        end(&held, &append(2, 6), None);
        assert_eq!(held.lists.load(Ordering::Acquire), 0);
    }

    #[test]
    fn what_stands_in_the_same_batch_as_a_refused_one_waits_for_it() {
        let held = Held::default();
        let (w, x, y) = (append(0, 1), append(1, 2), append(2, 3));
        held.hold(&x);
        assert_eq!(held.admit(&w), Ok(()), "sent before");
        assert_eq!(held.admit(&y), Err(Refusal::OutOfOrder));
        end(&held, &x, Some(Refusal::Unavailable));
        end(&held, &y, Some(Refusal::OutOfOrder));
        let x_again = append(1, 4);
        assert_eq!(held.admit(&x_again), Ok(()));
        held.hold(&x_again);
        assert_eq!(held.admit(&append(2, 5)), Err(Refusal::OutOfOrder), "refused once more");
        end(&held, &x_again, None);
        assert_eq!(held.admit(&append(2, 6)), Ok(()));
        end(&held, &append(2, 6), None);
        assert_eq!(held.lists.load(Ordering::Acquire), 0);
    }

    #[test]
    fn a_refused_one_that_fails_again_still_holds_the_others() {
        let held = Held::default();
        end(&held, &append(1, 1), Some(Refusal::Unavailable));
        assert_eq!(held.admit(&append(1, 2)), Ok(()));
        end(&held, &append(1, 2), Some(Refusal::Unavailable));
        assert_eq!(held.admit(&append(2, 3)), Err(Refusal::OutOfOrder));
        held.forget(DeviceId(1));
        assert_eq!(held.admit(&append(2, 3)), Ok(()));
    }

    #[test]
    fn what_came_another_way_says_nothing_of_what_comes_now() {
        let held = Held::default();
        let by = |id, order, epoch, via| {
            let mut append = append(id, order);
            append.actor.epoch = Epoch(epoch);
            append.from.via = Via(via);
            append
        };
        // Refused here, and then settled by another SM.
        end(&held, &by(1, 1, 1, 1), Some(Refusal::Unavailable));
        assert_eq!(held.admit(&by(2, 2, 1, 2)), Ok(()), "another stream");
        end(&held, &by(3, 3, 1, 2), Some(Refusal::Unavailable));
        assert_eq!(held.admit(&by(4, 4, 2, 1)), Ok(()), "another login");
        end(&held, &by(5, 5, 2, 3), Some(Refusal::Unavailable));
        end(&held, &by(1, 1, 1, 1), Some(Refusal::Unavailable));
        assert_eq!(held.admit(&by(9, 6, 1, 1)), Err(Refusal::OutOfOrder), "too late");
        assert_eq!(held.admit(&by(6, 7, 2, 3)), Err(Refusal::OutOfOrder), "still held");
        assert_eq!(held.admit(&by(5, 8, 2, 3)), Ok(()));
    }

    #[test]
    fn a_send_after_the_second_refused_one_waits_for_it_too() {
        let held = Held::default();
        end(&held, &append(1, 1), Some(Refusal::Unavailable));
        end(&held, &append(2, 2), Some(Refusal::OutOfOrder));
        assert_eq!(held.admit(&append(1, 3)), Ok(()));
        end(&held, &append(1, 3), None);
        assert_eq!(held.admit(&append(9, 4)), Err(Refusal::OutOfOrder), "2 comes first");
    }

    #[test]
    fn more_than_is_remembered_bars_the_device_until_it_logs_in() {
        let held = Held::default();
        let to = |n: usize| {
            let mut append = append(1, n as u64);
            let Entry::Message(message) = &mut append.entry else { panic!() };
            message.to = format!("u:bob{n}").parse().unwrap();
            append
        };
        let refuse = |append: &Append| {
            held.ended(&Outcome {
                from: append.from,
                actor: append.actor,
                order: append.order,
                at: append.entry.address(),
                client_id: append.entry.client_id(),
                result: Err(Refusal::Unavailable),
            })
        };
        assert!((0..MAX_LISTS).all(|n| !refuse(&to(n))));
        assert_eq!(held.admit(&to(MAX_LISTS)), Ok(()));
        assert!(refuse(&to(MAX_LISTS)), "one too many");
        assert!(!refuse(&to(MAX_LISTS + 1)), "said once");
        assert_eq!(held.admit(&to(MAX_LISTS + 2)), Err(Refusal::OutOfOrder));
        held.forget(DeviceId(1));
        assert_eq!(held.admit(&to(0)), Ok(()));
    }
}
