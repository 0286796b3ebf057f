//! What a transaction changes of conversations: remembered at once, written when it ends.

use std::sync::Arc;

use anser_domain::{ConvId, Ord64, Seq, UserId};

use super::Desk;
use crate::{
    backend::relational::{
        acls::DIRECT,
        convert::sql,
        engine::params,
        head::{Head, Side},
    },
    planted::{Plant, planted},
    port::{Acl, StoreError},
};

impl Desk<'_> {
    /// Moves a head; its row follows at the end of the transaction.
    pub(crate) fn move_head(&mut self, conv: ConvId, change: impl FnOnce(&mut Head)) {
        if let Some(head) = self.remembered.heads.get_mut(&conv) {
            change(head);
            if !head.dirty {
                head.dirty = true;
                self.dirty.push(conv);
            }
        }
    }

    /// Puts a version of the members that this transaction makes in place of the last.
    pub(crate) fn set_acl(&mut self, acl: &Arc<Acl>) {
        self.move_head(acl.conv, |head| head.acl = Arc::clone(acl));
        self.fresh.push(Arc::clone(acl));
    }

    /// Moves a sender's own read cursor, which cannot go backward: it follows the head.
    pub(crate) fn move_read(&mut self, user: UserId, conv: ConvId, seq: Seq, ord: Ord64) {
        let read = Seq(seq.0 + u64::from(planted(Plant::CursorAhead)));
        match self.remembered.heads.get_mut(&conv) {
            Some(head) if head.kind == DIRECT => {
                let side = head.side(user);
                (side.read, side.read_ord) = (read, ord);
            }
            _ => {
                self.reads.insert((user, conv), (read, ord));
            }
        }
    }

    /// Makes the row of a new conversation.
    pub(crate) fn make_head(&mut self, kind: i64, acl: &Arc<Acl>) -> Result<(), StoreError> {
        let mut insert = self.conn.prepare_cached(
            "INSERT INTO heads (conv, kind, last_seq, ord, last_message, acl_version, floor_seq, \
             changed, lo_read, lo_read_ord, lo_delivered, hi_read, hi_read_ord, hi_delivered) \
             VALUES (?1, ?2, 0, 0, 0, ?3, 0, 0, 0, 0, 0, 0, 0, 0)",
        )?;
        insert.execute(params![sql(acl.conv.0), kind, sql(acl.version)])?;
        self.next_conv = Some(acl.conv.0 + 1);
        self.remember_head(
            acl.conv,
            Head {
                last: Seq::ZERO,
                ord: Ord64(0),
                last_message: Seq::ZERO,
                changed: 0,
                kind,
                acl: Arc::clone(acl),
                sides: <[Side; 2]>::default(),
                dirty: false,
            },
        );
        self.fresh.push(Arc::clone(acl));
        Ok(())
    }
}
