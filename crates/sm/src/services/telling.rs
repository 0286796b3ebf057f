//! What one user does that others are told of: how far they have read, and that they write.

use std::sync::Arc;

use anser_domain::{
    Address, Caller, Event, GroupKind, Receipt, Refusal, Reply, ReplyTo, Seq, Typing, UserId,
};
use anser_store::ConversationKind;

use super::{Services, callers::Known};
use crate::rule;

impl Services {
    /// A read cursor: the reader's other links learn of it, and so do the other members unless
    /// they are too many.
    pub(super) async fn read(
        &self,
        from: ReplyTo,
        reader: &Known,
        at: Address,
        seq: Seq,
    ) -> Result<Reply, Refusal> {
        let user = reader.actor.user;
        let moved = self.store.read(user, &at, seq).await?;
        if moved.moved {
            let told = match moved.acl.kind {
                ConversationKind::Direct => {
                    let told = |viewer: &UserId| rule::may_be_told(&moved.acl, user, *viewer);
                    moved.acl.members.keys().copied().filter(told).collect()
                }
                ConversationKind::Group(_)
                    if moved.acl.members.len() <= self.config.receipts_up_to =>
                {
                    moved.acl.members.keys().copied().collect()
                }
                ConversationKind::Group(_) => vec![user],
            };
            let (name, acl, seq) = (reader.name.clone(), moved.acl, moved.seq);
            self.fanout.event(told, Some(from), move |viewer| {
                Some(Event::Receipt(Arc::new(Receipt {
                    conv: acl.conv,
                    at: acl.address_for(viewer)?,
                    user: name.clone(),
                    read: true,
                    seq,
                })))
            });
        }
        Ok(Reply::Done)
    }

    pub(super) async fn typing(&self, from: ReplyTo, caller: &Caller, at: &Address, active: bool) {
        let Ok(known) = self.known(caller).await else { return };
        let user = known.actor.user;
        // Not a member, or no such conversation: there is nobody to tell and no answer to give.
        let Ok(acl) = self.store.acl(user, at).await else { return };
        let barred = !acl.bond.blockers.is_empty();
        let crowded = acl.members.len() > self.config.ephemeral_up_to;
        if barred || crowded || acl.group == GroupKind::Channel {
            return;
        }
        let others = acl.members.keys().copied().filter(|member| *member != user).collect();
        let name = known.name;
        self.fanout.event(others, Some(from), move |viewer| {
            let at = acl.address_for(viewer)?;
            Some(Event::Typing(Arc::new(Typing { at, user: name.clone(), active })))
        });
    }
}
