//! How a user keeps a conversation, and what of it they have taken out of their own sight. Nobody
//! else sees any of it.

use super::engine::{OptionalExtension, Row, params};
use anser_domain::{Address, ConvId, Keep, KeepChange, Millis, Refusal, Seq, UserId};

use super::{
    convert::{num, sql},
    cursors,
    desk::Desk,
    entry::visible,
};
use crate::port::{KeepMoved, StoreError};

/// The columns that [`of_row`] reads: of `members` as `m` and `heads` as `h`.
pub(super) const COLUMNS: &str =
    "m.muted_until, m.pinned, m.hidden_below > h.last_message, m.cleared";

/// How a conversation is kept, from [`COLUMNS`] that begin at `column`.
pub(super) fn of_row(row: &Row<'_>, column: usize) -> super::engine::Result<Keep> {
    Ok(Keep {
        muted_until: Millis(row.get(column)?),
        pinned: row.get(column + 1)?,
        hidden: row.get(column + 2)?,
        cleared: Seq(num(row, column + 3)?),
    })
}

/// Takes a message out of the user's sight.
pub(super) fn delete(
    desk: &mut Desk<'_>,
    user: UserId,
    at: &Address,
    seq: Seq,
) -> Result<KeepMoved, StoreError> {
    let conv = desk.find(user, at)?.ok_or(Refusal::NotMember)?;
    // Who never was in it is not told by another refusal that it is there.
    let kept = now(desk, user, conv)?;
    if is_deleted(desk, user, conv, seq)? {
        return Ok(kept);
    }
    visible(desk, user, conv, seq)?;
    let mut insert =
        desk.conn.prepare_cached("INSERT INTO deletions (user, conv, seq) VALUES (?1, ?2, ?3)")?;
    insert.execute([sql(user.0), sql(conv.0), sql(seq.0)])?;
    let id = desk.next_id();
    let mut count = desk.conn.prepare_cached(
        "UPDATE members SET deletions = deletions + 1, changed = ?3 WHERE user = ?1 AND conv = ?2",
    )?;
    count.execute([sql(user.0), sql(conv.0), sql(id)])?;
    now(desk, user, conv)
}

/// Takes everything up to `seq` out of the user's sight.
pub(super) fn clear(
    desk: &mut Desk<'_>,
    user: UserId,
    at: &Address,
    seq: Seq,
) -> Result<KeepMoved, StoreError> {
    let moved = cursors::read(desk, user, at, seq)?;
    let (conv, upto, id) = (moved.acl.conv, seq.min(moved.seq), desk.next_id());
    let mut update = desk.conn.prepare_cached(
        "UPDATE members SET cleared = max(cleared, ?4), changed = ?3 \
         WHERE user = ?1 AND conv = ?2",
    )?;
    update.execute([sql(user.0), sql(conv.0), sql(id), sql(upto.0)])?;
    now(desk, user, conv)
}

/// Changes how a user keeps a conversation.
pub(super) fn change(
    desk: &mut Desk<'_>,
    user: UserId,
    at: &Address,
    change: KeepChange,
) -> Result<KeepMoved, StoreError> {
    let conv = desk.find(user, at)?.ok_or(Refusal::NotMember)?;
    let last = desk.head(conv)?.ok_or(Refusal::NotMember)?.last_message;
    let KeepChange { muted_until, pinned, hidden } = change;
    // The next message's seq is higher, and so brings a hidden conversation back by itself.
    let below = hidden.map(|hidden| if hidden { sql(last.0 + 1) } else { 0 });
    let id = desk.next_id();
    let mut update = desk.conn.prepare_cached(
        "UPDATE members SET muted_until = coalesce(?3, muted_until), \
         pinned = coalesce(?4, pinned), hidden_below = coalesce(?5, hidden_below), changed = ?6 \
         WHERE user = ?1 AND conv = ?2",
    )?;
    let muted = muted_until.map(|until| until.0);
    update.execute(params![sql(user.0), sql(conv.0), muted, pinned, below, sql(id)])?;
    now(desk, user, conv)
}

fn is_deleted(desk: &Desk<'_>, user: UserId, conv: ConvId, seq: Seq) -> Result<bool, StoreError> {
    let mut query = desk
        .conn
        .prepare_cached("SELECT 1 FROM deletions WHERE user = ?1 AND conv = ?2 AND seq = ?3")?;
    let seq = i64::try_from(seq.0).unwrap_or(i64::MAX);
    Ok(query.exists([sql(user.0), sql(conv.0), seq])?)
}

/// How a conversation is kept now; `NotMember` for who never was one.
fn now(desk: &mut Desk<'_>, user: UserId, conv: ConvId) -> Result<KeepMoved, StoreError> {
    // The head's row says how far the newest message is.
    desk.flush()?;
    let mut query = desk.conn.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM members m CROSS JOIN heads h ON h.conv = m.conv \
         WHERE m.user = ?1 AND m.conv = ?2"
    ))?;
    let keep = query.query_row([sql(user.0), sql(conv.0)], |row| of_row(row, 0)).optional()?;
    Ok(KeepMoved { conv, keep: keep.ok_or(Refusal::NotMember)? })
}
