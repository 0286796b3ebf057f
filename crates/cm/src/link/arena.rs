//! Arenas on loan: an outbox gets one when its session is about to write and loses it when it
//! has been written, so that links which say nothing own none.

use std::cell::RefCell;

use anser_domain::Outbox;

/// Arenas kept per thread.
const KEEP: usize = 32;
/// Arenas that have grown beyond this are given back to the allocator.
const KEEP_CAPACITY: usize = 64 * 1024;
/// The size of a new arena: a handful of small frames.
const FIRST_CAPACITY: usize = 512;

thread_local! {
    static POOL: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// Gives `outbox` memory if it has none.
pub(crate) fn lend(outbox: &mut Outbox) {
    let buffer = outbox.buffer();
    if buffer.capacity() == 0 {
        *buffer =
            POOL.with_borrow_mut(Vec::pop).unwrap_or_else(|| Vec::with_capacity(FIRST_CAPACITY));
    }
}

/// Empties `outbox` and takes its memory.
pub(crate) fn reclaim(outbox: &mut Outbox) {
    outbox.clear();
    let buffer = std::mem::take(outbox.buffer());
    if (1..=KEEP_CAPACITY).contains(&buffer.capacity()) {
        POOL.with_borrow_mut(|pool| {
            if pool.len() < KEEP {
                pool.push(buffer);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arena_goes_round_and_a_large_one_does_not() {
        let mut outbox = Outbox::default();
        lend(&mut outbox);
        outbox.put(b"x");
        let at = outbox.buffer().as_ptr();
        reclaim(&mut outbox);
        assert_eq!(outbox.buffer().capacity(), 0);
        lend(&mut outbox);
        assert_eq!(outbox.buffer().as_ptr(), at);
        assert!(outbox.is_empty());
        outbox.put(&vec![0; KEEP_CAPACITY + 1]);
        reclaim(&mut outbox);
        lend(&mut outbox);
        assert_eq!(outbox.buffer().capacity(), FIRST_CAPACITY);
    }
}
