//! Changes of conversations that are no messages. The entry that says what happened and its effect
//! are one transaction.
//!
//! Each theme of acts has a file of its own, with three functions that are called here: one that
//! tells whether a stored entry is what an act would have said, one that checks everything and
//! plans, and one that writes the plan's effect.

use anser_domain::{Act, Change, Content, LogEvent, Message, MessageId, Refusal, Sender, UserName};

use super::{
    append::{Slot, duplicate, insert, insert_dedupe, next_slot, stored},
    convert::time_of,
    desk::Desk,
    group,
};
use crate::port::{Append, Appended, Entry, Gate, StoreError};

/// What an act comes to, once everything has been checked.
pub(super) struct Step {
    /// What the log will say.
    pub(super) event: LogEvent,
    /// What has to be written beside it.
    pub(super) effect: Effect,
}

/// What an act changes beside the log, by theme.
pub(super) enum Effect {
    /// Members come and go.
    Members(group::Moves),
}

/// Changes a conversation.
pub(super) fn change(
    desk: &mut Desk<'_>,
    gate: &dyn Gate,
    append: &Append,
    name: UserName,
) -> Result<Appended, StoreError> {
    let Entry::Change(wish) = &append.entry else { return Err(Refusal::Unavailable.into()) };
    let actor = append.actor;
    let conv = desk.find(actor.user, &wish.at)?.ok_or(Refusal::NotMember)?;
    // Before membership: whoever left and asks again gets the answer they missed.
    let first = stored(desk, actor.device, wish.client_id, conv)?;
    let head = desk.head(conv)?.ok_or(Refusal::NotMember)?;
    let head_seq = head.last;
    let mut slot = next_slot(head, conv, true);
    if let Some(first) = first {
        if !says(&first, wish) {
            return Err(Refusal::Conflict.into());
        }
        return Ok(duplicate(slot.acl, first));
    }
    if !slot.acl.members.contains_key(&actor.user) {
        return Err(Refusal::NotMember.into());
    }
    gate.admit(&slot.acl, head_seq, append)?;
    let Step { event, effect } = plan(desk, &slot, wish)?;

    let id = desk.next_id();
    let removed = match effect {
        Effect::Members(moves) => group::apply(desk, &mut slot, id, moves)?,
    };
    let mut appended = write(desk, append, name, slot, id, event)?;
    appended.removed = removed;
    Ok(appended)
}

/// Whether the stored entry is what this wish would have said.
fn says(first: &Message, wish: &Change) -> bool {
    let Content::Event(event) = &first.content else { return false };
    match &wish.act {
        Act::Members(change) => group::says(event, change),
    }
}

fn plan(desk: &mut Desk<'_>, slot: &Slot, wish: &Change) -> Result<Step, StoreError> {
    match &wish.act {
        Act::Members(change) => group::plan(desk, &slot.acl, change),
    }
}

/// Writes the entry that says what happened.
pub(super) fn write(
    desk: &mut Desk<'_>,
    append: &Append,
    name: UserName,
    slot: Slot,
    id: u64,
    event: LogEvent,
) -> Result<Appended, StoreError> {
    let client_id = append.entry.client_id();
    insert_dedupe(desk, append.actor.device, client_id, &slot, id)?;
    let message = Message {
        conv: slot.conv,
        seq: slot.seq,
        ord: slot.ord,
        id: MessageId(id),
        sender: Sender { user: append.actor.user, name, device: append.actor.device },
        client_id,
        ts: time_of(id),
        content: Content::Event(event),
        reply_to: None,
        mentions: Vec::new(),
        payload: None,
    };
    insert(desk, message, slot.acl)
}
