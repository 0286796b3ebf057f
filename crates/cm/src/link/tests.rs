//! Helpers for unit tests, and the sizes that the budget per idle link rests on.

use anser_domain::{Clock, Fault, Input, LinkInfo, SystemClock, Turn};

use super::*;

struct Idle;

impl Session for Idle {
    fn open(&mut self, _: &LinkInfo, _: &mut Turn<'_>) {}
    fn receive(&mut self, bytes: &[u8], _: &mut Turn<'_>) -> Result<usize, Fault> {
        Ok(bytes.len())
    }
    fn handle(&mut self, _: Input<'_>, _: &mut Turn<'_>) -> Result<(), Fault> {
        Ok(())
    }
    fn credit(&self) -> u32 {
        0
    }
}

pub(crate) fn idle_link(id: LinkId) -> Link {
    Link::new(id, Box::new(Idle), SystemClock.now())
}

#[test]
fn a_link_is_small() {
    // With what is left of a feed at rest, which owns nothing else.
    assert!(size_of::<Link>() <= 208, "{}", size_of::<Link>());
    assert!(size_of::<driver::Driver>() <= 128, "{}", size_of::<driver::Driver>());
}
