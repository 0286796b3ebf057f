//! What happens to messages that stand: recall, edits, reactions, pins. The entry that says so and
//! its effect are one transaction.
//!
//! A body stands in one row only. The entry that says that a message was edited holds no words of
//! it: readers are shown what the message says now. So a recall leaves nothing anywhere.

use super::engine::{Connection, OptionalExtension, params};
use anser_domain::{
    Content, ConvId, EntryChange, FileId, Kind, LogEvent, Message, Refusal, Seq, UserId, UserName,
};

use super::{
    append::{Slot, lost},
    change::{Effect, Step},
    convert::{MESSAGE_COLUMNS, body_of, entry_of, mentions_of, num, sql},
    desk::Desk,
    extra::Extra,
    files, mention, reworded, search,
};
use crate::{
    planted::{Plant, planted},
    port::{Append, Gate, NO_MESSAGE, StoreError, Words},
};

/// Different reactions on one message: they stand under it in a line or two, and all of them come
/// with every page.
const MAX_DISTINCT: usize = 20;
/// Reactions of one user on one message.
const MAX_OWN: usize = 8;
/// Pinned messages of a conversation: they are shown as one list.
const MAX_PINS: i64 = 100;

/// What is to be written.
pub(super) struct Mark {
    target: Message,
    extra: Extra,
    what: What,
}

enum What {
    Recall,
    Edit { content: Content, mentions: Vec<UserName>, called: Vec<UserId>, files: Vec<FileId> },
    React { user: UserId, reaction: Box<str>, on: bool },
    Pin { on: bool },
}

/// Checks a change of a message.
pub(super) fn plan(
    desk: &mut Desk<'_>,
    gate: &dyn Gate,
    append: &Append,
    slot: &Slot,
    change: &EntryChange,
) -> Result<Step, StoreError> {
    let user = append.actor.user;
    let (target, mut extra) = visible(desk, user, slot.conv, change.seq())?;
    if extra.recalled {
        return Err(Refusal::Invalid("the message was recalled").into());
    }
    gate.admit_on(&slot.acl, &target, desk.now, append)?;
    let seq = target.seq;
    let (event, what) = match change {
        EntryChange::Recall { .. } => (LogEvent::Recalled { seq }, What::Recall),
        EntryChange::Edit { content, mentions, .. } => {
            if content.kind() != target.content.kind() {
                return Err(Refusal::Invalid("an edit keeps the message's kind").into());
            }
            let called = mention::members(desk, &slot.acl, mentions)?;
            let now = Some(Box::new(content.clone()));
            let event = LogEvent::Edited { seq, content: now, mentions: mentions.clone() };
            let files = files::to_carry(desk.conn, user, content)?;
            let (content, mentions) = (content.clone(), mentions.clone());
            (event, What::Edit { content, mentions, called, files })
        }
        EntryChange::React { reaction, on, .. } => {
            plan_reaction(desk, slot.conv, seq, user, reaction, *on, &mut extra)?;
            let (reaction, on) = (reaction.clone(), *on);
            let event = LogEvent::Reacted { seq, reaction: reaction.clone(), on };
            (event, What::React { user, reaction, on })
        }
        EntryChange::Pin { on, .. } => {
            if extra.pinned == *on {
                return Err(Refusal::Invalid("that changes nothing about the pin").into());
            }
            if *on && pins(desk, slot.conv)? >= MAX_PINS {
                return Err(Refusal::TooLarge("a conversation has at most 100 pins").into());
            }
            extra.pinned = *on;
            (LogEvent::Pinned { seq, on: *on }, What::Pin { on: *on })
        }
    };
    Ok(Step { event, quiet: false, effect: Effect::Entry(Box::new(Mark { target, extra, what })) })
}

fn plan_reaction(
    desk: &Desk<'_>,
    conv: ConvId,
    seq: Seq,
    user: UserId,
    reaction: &str,
    on: bool,
    extra: &mut Extra,
) -> Result<(), StoreError> {
    let mut query = desk.conn.prepare_cached(
        "SELECT 1 FROM reactions WHERE conv = ?1 AND seq = ?2 AND reaction = ?3 AND user = ?4",
    )?;
    if query.exists(params![sql(conv.0), sql(seq.0), reaction, sql(user.0)])? == on {
        return Err(Refusal::Invalid("that changes nothing about the reaction").into());
    }
    let place = extra.reactions.iter().position(|row| *row.0 == *reaction);
    if !on {
        if let Some(row) = place.and_then(|place| extra.reactions.get_mut(place)) {
            row.1 = row.1.saturating_sub(1);
        }
        extra.reactions.retain(|row| row.1 > 0);
        return Ok(());
    }
    let mut given = 0;
    for (known, _) in &extra.reactions {
        let key = params![sql(conv.0), sql(seq.0), known, sql(user.0)];
        given += usize::from(query.exists(key)?);
    }
    if given >= MAX_OWN {
        return Err(Refusal::TooLarge("a user has at most 8 reactions on a message").into());
    }
    if let Some(row) = place.and_then(|place| extra.reactions.get_mut(place)) {
        row.1 += 1;
    } else if extra.reactions.len() < MAX_DISTINCT {
        extra.reactions.push((reaction.into(), 1));
    } else {
        return Err(Refusal::TooLarge("a message has at most 20 different reactions").into());
    }
    Ok(())
}

/// Writes it.
pub(super) fn apply(
    desk: &mut Desk<'_>,
    slot: &Slot,
    id: u64,
    mark: Mark,
) -> Result<(), StoreError> {
    let Mark { target, mut extra, what } = mark;
    let key = [sql(target.conv.0), sql(target.seq.0)];
    match what {
        What::Recall if planted(Plant::RecallKept) => return Ok(()),
        What::Recall => return scrub(desk, &target),
        What::Edit { content, mentions, called, files } => {
            files::carry(desk.conn, &files, target.conv, target.seq)?;
            mention::forget(desk, &target)?;
            search::replace(desk, &target, Some(&content))?;
            // What others attached to the old words does not belong to the new ones.
            let mut update = desk.conn.prepare_cached(
                "UPDATE msgs SET body = ?2, mentions = ?3, protocol = NULL, payload = NULL \
                 WHERE id = ?1",
            )?;
            update.execute(params![
                sql(target.id.0),
                body_of(&content)?,
                mentions_of(&mentions)
            ])?;
            mention::remember(desk, target.conv, target.seq, &called, extra.all)?;
            extra.edited = Some((slot.seq.0, super::convert::time_of(id).0));
        }
        What::React { user, reaction, on } => {
            let text = if on {
                "INSERT INTO reactions (conv, seq, reaction, user, entry) VALUES (?1, ?2, ?3, ?4, ?5)"
            } else {
                "DELETE FROM reactions \
                 WHERE conv = ?1 AND seq = ?2 AND reaction = ?3 AND user = ?4 AND entry <> ?5"
            };
            let mut write = desk.conn.prepare_cached(text)?;
            write.execute(params![key[0], key[1], reaction, sql(user.0), sql(slot.seq.0)])?;
        }
        What::Pin { on: true } => {
            let mut insert = desk
                .conn
                .prepare_cached("INSERT INTO pins (conv, seq, entry) VALUES (?1, ?2, ?3)")?;
            insert.execute([key[0], key[1], sql(slot.seq.0)])?;
        }
        What::Pin { on: false } => {
            desk.conn
                .prepare_cached("DELETE FROM pins WHERE conv = ?1 AND seq = ?2")?
                .execute(key)?;
        }
    }
    let mut save = desk.conn.prepare_cached("UPDATE msgs SET extra = ?2 WHERE id = ?1")?;
    save.execute(params![sql(target.id.0), extra.text()?])?;
    Ok(())
}

/// Leaves of a message nothing but its place.
pub(super) fn scrub(desk: &mut Desk<'_>, target: &Message) -> Result<(), StoreError> {
    let key = [sql(target.conv.0), sql(target.seq.0)];
    for table in ["reactions", "pins"] {
        let text = format!("DELETE FROM {table} WHERE conv = ?1 AND seq = ?2");
        desk.conn.prepare_cached(&text)?.execute(key)?;
    }
    mention::forget(desk, target)?;
    reworded::forget(desk, target.conv, target.seq)?;
    search::replace(desk, target, None)?;
    let mut scrub = desk.conn.prepare_cached(
        "UPDATE msgs SET body = '', mentions = NULL, protocol = NULL, payload = NULL, extra = ?2 \
         WHERE id = ?1",
    )?;
    let extra = Extra { recalled: true, ..Extra::default() };
    scrub.execute(params![sql(target.id.0), extra.text()?])?;
    Ok(())
}

/// Whether the stored event is what this change would have said.
pub(super) fn says(
    desk: &mut Desk<'_>,
    first: &Message,
    event: &LogEvent,
    change: &EntryChange,
    words: Option<&Words>,
) -> Result<bool, StoreError> {
    Ok(match (event, change) {
        (LogEvent::Recalled { seq }, EntryChange::Recall { seq: wish }) => seq == wish,
        (
            LogEvent::Reacted { seq, reaction, on },
            EntryChange::React { seq: wish, reaction: wanted, on: wish_on },
        ) => (seq, reaction, on) == (wish, wanted, wish_on),
        (LogEvent::Pinned { seq, on }, EntryChange::Pin { seq: wish, on: wish_on }) => {
            (seq, on) == (wish, wish_on)
        }
        (LogEvent::Edited { seq, .. }, EntryChange::Edit { seq: wish, content, mentions }) => {
            let Some((now, extra)) = find(desk, first.conv, *seq)? else { return Ok(seq == wish) };
            // What an edit said is known while it is the last one.
            let known = extra.edited.is_some_and(|(entry, _)| entry == first.seq.0);
            let (stored, sent) = ((&now.content, None), (content, None));
            seq == wish
                && (!known
                    || now.mentions == *mentions
                        && reworded::same(desk, first.id, stored, sent, words)?)
        }
        _ => false,
    })
}

/// An entry and what it has beside.
pub(super) fn find(
    desk: &mut Desk<'_>,
    conv: ConvId,
    seq: Seq,
) -> Result<Option<(Message, Extra)>, StoreError> {
    let mut query = desk.conn.prepare_cached(&format!(
        "SELECT {MESSAGE_COLUMNS} FROM msgs WHERE conv = ?1 AND seq = ?2"
    ))?;
    let mut rows = query.query([sql(conv.0), sql(seq.0)])?;
    let Some(row) = &rows.next()? else { return Ok(None) };
    let name_of = |user| Ok(desk.person(user)?.ok_or_else(|| lost("a sender has no row"))?.name);
    let (message, extra) = entry_of(row, name_of)?;
    Ok(Some((message, extra.unwrap_or_default())))
}

/// A message that `user` can see.
pub(super) fn visible(
    desk: &mut Desk<'_>,
    user: UserId,
    conv: ConvId,
    seq: Seq,
) -> Result<(Message, Extra), StoreError> {
    // The same numbers would be refused by the engine.
    if seq == Seq::ZERO || i64::try_from(seq.0).is_err() {
        return Err(NO_MESSAGE.into());
    }
    let (message, extra) = find(desk, conv, seq)?.ok_or(NO_MESSAGE)?;
    // What an edit put there came with the edit: that has to be theirs to see as well.
    let newest = extra.edited.map_or(seq, |(entry, _)| Seq(entry));
    let sees = sees(desk.conn, user, conv, seq)? && sees(desk.conn, user, conv, newest)?;
    if !sees || message.content.kind() == Kind::Event {
        return Err(NO_MESSAGE.into());
    }
    Ok((message, extra))
}

/// Whether an entry is in a user's sight: inside an interval of their membership, and neither
/// cleared nor deleted by themself.
pub(super) fn sees(
    conn: &Connection,
    user: UserId,
    conv: ConvId,
    seq: Seq,
) -> Result<bool, StoreError> {
    let mut query = conn.prepare_cached(
        "SELECT (?3 >= m.from_seq AND (m.until_seq IS NULL OR ?3 <= m.until_seq) \
         OR m.earlier > 0 AND EXISTS (SELECT 1 FROM spans s WHERE s.conv = ?2 AND s.user = ?1 \
         AND ?3 BETWEEN s.from_seq AND s.until_seq)) \
         AND ?3 > m.cleared AND NOT (m.deletions > 0 AND EXISTS (SELECT 1 FROM deletions d \
         WHERE d.user = ?1 AND d.conv = ?2 AND d.seq = ?3)) \
         FROM members m WHERE m.user = ?1 AND m.conv = ?2",
    )?;
    let key = [sql(user.0), sql(conv.0), sql(seq.0)];
    Ok(query.query_row(key, |row| row.get(0)).optional()?.unwrap_or(false))
}

fn pins(desk: &Desk<'_>, conv: ConvId) -> Result<i64, StoreError> {
    let mut query = desk.conn.prepare_cached("SELECT count(*) FROM pins WHERE conv = ?1")?;
    Ok(query.query_row([sql(conv.0)], |row| num(row, 0))?.cast_signed())
}
