//! Changes of conversations that are no messages. The entry that says what happened and its effect
//! are one transaction.
//!
//! Each theme of acts has a file of its own, with three functions that are called here: one that
//! tells whether a stored entry is what an act would have said, one that checks everything and
//! plans, and one that writes the plan's effect.

use std::sync::Arc;

use anser_domain::{
    Act, Change, Content, GroupChange, LogEvent, Message, MessageId, Refusal, Sender, Sent,
    SyncToken, UserName,
};

use super::{
    append::{Slot, duplicate, insert, insert_dedupe, next_slot, stored},
    convert::time_of,
    desk::Desk,
    entry, governing, group, reworded,
};
use crate::port::{Append, Appended, Entry, Gate, StoreError};

/// What an act comes to, once everything has been checked.
pub(super) struct Step {
    /// What the log will say.
    pub(super) event: LogEvent,
    /// It will not: subscribers of a channel come and go without an entry. Their interval begins
    /// with the next one, and ends with the last one.
    pub(super) quiet: bool,
    /// What has to be written beside it.
    pub(super) effect: Effect,
}

/// What an act changes beside the log, by theme.
pub(super) enum Effect {
    /// Members come and go.
    Members(group::Moves),
    /// What a group is, and who may do what in it.
    Group(governing::Effect),
    /// Something happens to a message.
    Entry(Box<entry::Mark>),
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
    if let Some((first, _)) = first {
        if !says(desk, &first, append, wish)? {
            return Err(Refusal::Conflict.into());
        }
        return Ok(duplicate(slot.acl, first));
    }
    let outside = matches!(wish.act, Act::Group(GroupChange::Join));
    if !outside && !slot.acl.members.contains_key(&actor.user) {
        return Err(Refusal::NotMember.into());
    }
    gate.admit(&slot.acl, head_seq, append)?;
    let Step { event, quiet, effect } = plan(desk, gate, append, &slot, wish)?;

    let id = desk.next_id();
    let removed = match effect {
        Effect::Members(moves) => group::apply(desk, &mut slot, id, moves, quiet)?,
        Effect::Group(effect) => governing::apply(desk, &mut slot, id, effect)?,
        Effect::Entry(mark) => {
            if let (Some(words), Act::Entry(change)) = (reworded::words(append), &wish.act) {
                reworded::remember(desk, id, slot.conv, change.seq(), words)?;
            }
            entry::apply(desk, &slot, id, *mark)?;
            Vec::new()
        }
    };
    if quiet {
        slot.seq = head_seq;
        return Ok(unwritten(append, name, slot, id, event, removed));
    }
    let mut appended = write(desk, append, name, slot, id, event)?;
    appended.removed = removed;
    Ok(appended)
}

/// Whether the stored entry is what this wish would have said.
fn says(
    desk: &mut Desk<'_>,
    first: &Message,
    append: &Append,
    wish: &Change,
) -> Result<bool, StoreError> {
    let Content::Event(event) = &first.content else { return Ok(false) };
    match &wish.act {
        Act::Members(change) => Ok(group::says(event, change)),
        Act::Group(change) => Ok(governing::says(event, &first.sender.name, change)),
        Act::Entry(change) => entry::says(desk, first, event, change, reworded::words(append)),
    }
}

fn plan(
    desk: &mut Desk<'_>,
    gate: &dyn Gate,
    append: &Append,
    slot: &Slot,
    wish: &Change,
) -> Result<Step, StoreError> {
    match &wish.act {
        Act::Members(change) => group::plan(desk, &slot.acl, change),
        Act::Group(change) => governing::plan(desk, &slot.acl, append.actor.user, change),
        Act::Entry(change) => entry::plan(desk, gate, append, slot, change),
    }
}

/// The answer to a change that leaves no entry: the place is that of the last one.
fn unwritten(
    append: &Append,
    name: UserName,
    slot: Slot,
    id: u64,
    event: LogEvent,
    removed: Vec<anser_domain::Member>,
) -> Appended {
    let message = said(append, name, &slot, id, event);
    let sent = Sent {
        conv: slot.conv,
        seq: slot.seq,
        id: message.id,
        ts: message.ts,
        duplicate: false,
        prev: SyncToken::NEVER,
    };
    Appended { sent, message: Arc::new(message), acl: slot.acl, removed, quiet: true }
}

fn said(append: &Append, name: UserName, slot: &Slot, id: u64, event: LogEvent) -> Message {
    Message {
        conv: slot.conv,
        seq: slot.seq,
        ord: slot.ord,
        id: MessageId(id),
        sender: Sender { user: append.actor.user, name, device: append.actor.device },
        client_id: append.entry.client_id(),
        ts: time_of(id),
        content: Content::Event(event),
        reply_to: None,
        mentions: Vec::new(),
        payload: None,
        marks: None,
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
    insert_dedupe(desk, append.actor.device, append.entry.client_id(), &slot, id)?;
    let message = said(append, name, &slot, id, event);
    insert(desk, message, slot.acl)
}
