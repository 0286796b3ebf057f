//! Cursors: how far devices have everything, and how far users have read. They only move forward.

use std::sync::Arc;

use super::engine::OptionalExtension;
use anser_domain::{Actor, Address, ConvId, Ord64, Refusal, Seq, UserId};

use super::{
    acls::DIRECT,
    convert::{num, opt, sql},
    desk::Desk,
    view::ord_at,
};
use crate::{
    planted::{Plant, planted},
    port::{Acl, ReadMoved, ReceiptMoved, StoreError},
};

/// Moves devices' delivered cursors. Those of non-members are passed over in silence: they were
/// members when their link said so.
pub(super) fn delivered(
    desk: &mut Desk<'_>,
    mut batch: Vec<(Actor, ConvId, Seq)>,
) -> Result<Vec<ReceiptMoved>, StoreError> {
    // Heads are locked as they come, in the order that everybody locks them in.
    batch.sort_by_key(|(_, conv, _)| *conv);
    let mut moved = Vec::new();
    for (actor, conv, seq) in batch {
        let Some((upper, acl)) = reach(desk, actor.user, conv)? else { continue };
        let seq = seq.min(upper);
        if seq == Seq::ZERO {
            continue;
        }
        let stored = Seq(seq.0 + u64::from(planted(Plant::CursorAhead)));
        let key = [sql(actor.device.0), sql(conv.0), sql(stored.0)];
        let mut update = desk.conn.prepare_cached(
            "UPDATE cursors SET seq = ?3 WHERE device = ?1 AND conv = ?2 AND seq < ?3",
        )?;
        let mut insert = desk.conn.prepare_cached(
            "INSERT OR IGNORE INTO cursors (device, conv, seq) VALUES (?1, ?2, ?3)",
        )?;
        if update.execute(key)? == 0 && insert.execute(key)? == 0 {
            continue;
        }
        let highest = move_highest(desk, actor.user, conv, stored)?;
        if let (true, Some(member)) = (highest, acl.members.get(&actor.user)) {
            let name = member.name.clone();
            moved.push(ReceiptMoved { user: actor.user, name, seq, acl });
        }
    }
    Ok(moved)
}

/// Moves the highest of a user's delivered cursors. Says whether it moved.
fn move_highest(
    desk: &mut Desk<'_>,
    user: UserId,
    conv: ConvId,
    seq: Seq,
) -> Result<bool, StoreError> {
    let mut moved = false;
    if desk.head(conv)?.is_some_and(|head| head.kind == DIRECT) {
        desk.move_head(conv, |head| {
            let side = head.side(user);
            moved = side.delivered < seq;
            side.delivered = side.delivered.max(seq);
        });
        return Ok(moved);
    }
    let mut update = desk.conn.prepare_cached(
        "UPDATE members SET delivered = ?3 WHERE user = ?1 AND conv = ?2 AND delivered < ?3",
    )?;
    Ok(update.execute([sql(user.0), sql(conv.0), sql(seq.0)])? > 0)
}

/// The highest entry that a user may see, and the members; `None` for who never was one.
fn reach(
    desk: &mut Desk<'_>,
    user: UserId,
    conv: ConvId,
) -> Result<Option<(Seq, Arc<Acl>)>, StoreError> {
    let Some(head) = desk.head(conv)? else { return Ok(None) };
    let (last, acl) = (head.last, Arc::clone(&head.acl));
    if acl.members.contains_key(&user) {
        return Ok(Some((last, acl)));
    }
    let mut query =
        desk.conn.prepare_cached("SELECT until_seq FROM members WHERE user = ?1 AND conv = ?2")?;
    let until = query.query_row([sql(user.0), sql(conv.0)], |row| num(row, 0)).optional()?;
    Ok(until.map(|until| (Seq(until), acl)))
}

/// Moves a user's read cursor.
pub(super) fn read(
    desk: &mut Desk<'_>,
    user: UserId,
    at: &Address,
    seq: Seq,
) -> Result<ReadMoved, StoreError> {
    let conv = desk.find(user, at)?.ok_or(Refusal::NotMember)?;
    let head = desk.head(conv)?.ok_or(Refusal::NotMember)?;
    let kind = head.kind;
    if kind == DIRECT {
        read_direct(desk, user, conv, seq)
    } else {
        read_group(desk, user, conv, seq)
    }
}

fn read_direct(
    desk: &mut Desk<'_>,
    user: UserId,
    conv: ConvId,
    seq: Seq,
) -> Result<ReadMoved, StoreError> {
    let head = desk.head_mut(conv)?.ok_or(Refusal::NotMember)?;
    let (acl, seq, before) = (Arc::clone(&head.acl), seq.min(head.last), head.side(user).read);
    if seq <= before && !planted(Plant::ReadBack) {
        return Ok(ReadMoved { seq: before, moved: false, acl });
    }
    let ord = if seq == head.last { head.ord } else { ord_at(desk.conn, conv, seq)? };
    let id = desk.next_id();
    desk.move_read(user, conv, seq, ord);
    // The head has changed: the other side's list shows it too.
    desk.move_head(conv, |head| head.changed = id);
    Ok(ReadMoved { seq, moved: true, acl })
}

fn read_group(
    desk: &mut Desk<'_>,
    user: UserId,
    conv: ConvId,
    seq: Seq,
) -> Result<ReadMoved, StoreError> {
    let head = desk.head(conv)?.ok_or(Refusal::NotMember)?;
    let (last, last_ord, acl) = (head.last, head.ord, Arc::clone(&head.acl));
    let mut query = desk.conn.prepare_cached(
        "SELECT read_seq, until_seq, until_ord FROM members WHERE user = ?1 AND conv = ?2",
    )?;
    let row = query.query_row([sql(user.0), sql(conv.0)], |row| {
        Ok((Seq(num(row, 0)?), opt(row, 1)?.map(Seq), opt(row, 2)?.map(Ord64)))
    });
    let (before, until, until_ord) = row.optional()?.ok_or(Refusal::NotMember)?;
    let upper = until.unwrap_or(last);
    let seq = seq.min(upper);
    if seq <= before && !planted(Plant::ReadBack) {
        return Ok(ReadMoved { seq: before, moved: false, acl });
    }
    let ord =
        if seq == upper { until_ord.unwrap_or(last_ord) } else { ord_at(desk.conn, conv, seq)? };
    let ahead = u64::from(planted(Plant::CursorAhead));
    let id = desk.next_id();
    let mut update = desk.conn.prepare_cached(
        "UPDATE members SET read_seq = ?3, read_ord = ?4, changed = ?5 \
         WHERE user = ?1 AND conv = ?2",
    )?;
    update.execute([sql(user.0), sql(conv.0), sql(seq.0 + ahead), sql(ord.0), sql(id)])?;
    Ok(ReadMoved { seq, moved: true, acl })
}
