//! What clients sent where something else stands in the log: kept as long as retries are known,
//! and not beyond a recall.

use super::engine::{OptionalExtension, params};
use anser_domain::{Content, ConvId, MessageId, Payload, Seq};

use super::{convert::sql, desk::Desk};
use crate::port::{Append, Ruling, StoreError, Words};

/// A content with what only clients of one protocol understand of it.
pub(super) type Said<'a> = (&'a Content, Option<&'a Payload>);

/// The digest of what the client sent, if the entry says something else.
pub(super) fn words(append: &Append) -> Option<&Words> {
    match append.ruling.as_deref() {
        Some(Ruling::Reworded(words)) => Some(words),
        Some(Ruling::Barred(_)) | None => None,
    }
}

/// Remembers what the client of the entry `id` sent; `seq` is the message whose words it gave.
pub(super) fn remember(
    desk: &Desk<'_>,
    id: u64,
    conv: ConvId,
    seq: Seq,
    words: &Words,
) -> Result<(), StoreError> {
    let mut insert = desk
        .conn
        .prepare_cached("INSERT INTO reworded (id, conv, seq, words) VALUES (?1, ?2, ?3, ?4)")?;
    insert.execute(params![sql(id), sql(conv.0), sql(seq.0), words.0])?;
    Ok(())
}

/// Whether `sent`, or what `now` says was sent in its place, is what made the entry `id`, which
/// says `stored`.
pub(super) fn same(
    desk: &Desk<'_>,
    id: MessageId,
    stored: Said<'_>,
    sent: Said<'_>,
    now: Option<&Words>,
) -> Result<bool, StoreError> {
    let mut query = desk.conn.prepare_cached("SELECT words FROM reworded WHERE id = ?1")?;
    let then = query.query_row([sql(id.0)], |row| row.get(0).map(Words)).optional()?;
    if then.is_none() && now.is_none() {
        return Ok(stored == sent);
    }
    let then = then.unwrap_or_else(|| Words::of(stored.0, stored.1));
    Ok(then == now.copied().unwrap_or_else(|| Words::of(sent.0, sent.1)))
}

/// The message was recalled: nothing may tell what it said, not even a digest.
pub(super) fn forget(desk: &Desk<'_>, conv: ConvId, seq: Seq) -> Result<(), StoreError> {
    let mut delete =
        desk.conn.prepare_cached("DELETE FROM reworded WHERE conv = ?1 AND seq = ?2")?;
    delete.execute([sql(conv.0), sql(seq.0)])?;
    Ok(())
}

/// Forgets a slice of those whose retries are known no more. Says whether more is left.
pub(super) fn prune(desk: &Desk<'_>, slice: i64) -> Result<bool, StoreError> {
    let mut delete = desk.conn.prepare_cached(
        "DELETE FROM reworded WHERE id IN (SELECT id FROM reworded \
         WHERE id <= (SELECT pruned_id FROM meta) ORDER BY id LIMIT ?1)",
    )?;
    Ok(delete.execute([slice])?.cast_signed() as i64 >= slice)
}
