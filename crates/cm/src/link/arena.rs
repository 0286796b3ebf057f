//! Outboxes on loan: a link gets one when its session is about to write and loses it when it has
//! been written, so that links which say nothing own none.

use std::cell::RefCell;

use anser_domain::Outbox;

/// Outboxes kept per thread.
const KEEP: usize = 32;
/// Arenas that have grown beyond this are given back to the allocator.
const KEEP_CAPACITY: usize = 64 * 1024;
/// The size of a new arena: a handful of small frames.
const FIRST_CAPACITY: usize = 512;

/// The boxes themselves go round: links hold them as such.
type Pool = Vec<Box<Outbox>>;

thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(Vec::new()) };
}

/// An empty outbox with memory to write into.
pub(crate) fn lend() -> Box<Outbox> {
    POOL.with_borrow_mut(Vec::pop).unwrap_or_else(|| {
        let mut outbox = Box::<Outbox>::default();
        outbox.buffer().reserve_exact(FIRST_CAPACITY);
        outbox
    })
}

/// Takes an outbox back, whatever is in it.
pub(crate) fn reclaim(mut outbox: Box<Outbox>) {
    outbox.clear();
    if outbox.buffer().capacity() <= KEEP_CAPACITY {
        POOL.with_borrow_mut(|pool| {
            if pool.len() < KEEP {
                pool.push(outbox);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arena_goes_round_and_a_large_one_does_not() {
        let mut outbox = lend();
        outbox.put(b"x");
        let at = outbox.buffer().as_ptr();
        reclaim(outbox);
        let mut outbox = lend();
        assert_eq!(outbox.buffer().as_ptr(), at);
        assert!(outbox.is_empty());
        outbox.put(&vec![0; KEEP_CAPACITY + 1]);
        reclaim(outbox);
        assert_eq!(lend().buffer().capacity(), FIRST_CAPACITY);
    }
}
