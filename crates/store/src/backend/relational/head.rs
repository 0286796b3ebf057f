//! Heads of conversations, as the writer holds them.

use std::sync::Arc;

use anser_domain::{Ord64, Seq, UserId};

use crate::port::Acl;

/// A conversation's head, possibly ahead of its row until [`Desk::flush`](super::desk::Desk::flush).
pub(super) struct Head {
    pub(super) last: Seq,
    pub(super) ord: Ord64,
    pub(super) last_message: Seq,
    pub(super) changed: u64,
    pub(super) kind: i64,
    pub(super) acl: Arc<Acl>,
    /// Cursors of a direct conversation's two sides, the lower key's first.
    pub(super) sides: [Side; 2],
    pub(super) dirty: bool,
}

/// How far one side of a direct conversation has read, and has everything on some device.
#[derive(Clone, Copy, Default)]
pub(super) struct Side {
    pub(super) read: Seq,
    pub(super) read_ord: Ord64,
    pub(super) delivered: Seq,
}

impl Head {
    /// A member's side of a direct conversation.
    pub(super) fn side(&mut self, user: UserId) -> &mut Side {
        let lower = self.acl.members.keys().all(|member| *member >= user);
        let [lo, hi] = &mut self.sides;
        if lower { lo } else { hi }
    }
}
