//! Following: the tail of everything, named places in it, and facts that are no log entries.

use std::sync::Arc;

use super::engine::{OptionalExtension, Row, params};
use anser_domain::{ConvId, MessageId, Millis, UserId, UserName};
use async_trait::async_trait;

use super::{
    Relational,
    append::lost,
    convert::{MESSAGE_COLUMNS, entry_of, num, sql, time_of},
    desk::Desk,
    moving_log::IMPORTED,
    reader::Reader,
};
use crate::port::{Acl, Fact, FactKind, Follow, Happened, Lease, NewFact, StoreError, Tail};

/// The longest part, whatever was asked for.
const MAX_TAIL: u16 = 1_000;
/// A part of long messages ends when it has grown to this, after at least one.
const MAX_TAIL_BYTES: usize = 1 << 20;
/// Facts that nobody has followed for so long are forgotten: whoever was away for longer finds
/// the state itself by asking.
pub(super) const FACTS_MS: i64 = 7 * 24 * 3_600_000;

#[async_trait]
impl Follow for Relational {
    async fn tail(&self, after: MessageId, limit: u16) -> Result<Tail, StoreError> {
        self.readers.call(move |reader| reader.tail(after, limit)).await
    }

    async fn follower(
        &self,
        name: &str,
        lease: Lease,
        now: Millis,
    ) -> Result<Option<MessageId>, StoreError> {
        let name = name.to_owned();
        self.write(move |desk| follower(desk, &name, lease, now)).await
    }

    async fn advance(&self, name: &str, owner: u64, to: MessageId) -> Result<bool, StoreError> {
        let name = name.to_owned();
        let moved = self.write(move |desk| {
            let mut update = desk.conn.prepare_cached(
                "UPDATE followers SET place = max(place, ?3) WHERE name = ?1 AND owner = ?2",
            )?;
            Ok(update.execute(params![name, sql(owner), sql(to.0)])? > 0)
        });
        moved.await
    }

    async fn rewind(&self, name: &str, to: MessageId) -> Result<(), StoreError> {
        let (name, to) = (name.to_owned(), to.0.min(i64::MAX.cast_unsigned()));
        let done = self.write(move |desk| {
            let mut put = desk.conn.prepare_cached(
                "INSERT INTO followers VALUES (?1, ?2, 0, 0) \
                 ON CONFLICT (name) DO UPDATE SET place = ?2, owner = 0, until = 0",
            )?;
            put.execute(params![name, sql(to)])?;
            Ok(())
        });
        done.await
    }

    async fn unfollow(&self, name: &str) -> Result<(), StoreError> {
        let name = name.to_owned();
        let done = self.write(move |desk| {
            desk.conn.prepare_cached("DELETE FROM followers WHERE name = ?1")?.execute([name])?;
            Ok(())
        });
        done.await
    }

    async fn tell(&self, facts: Vec<NewFact>) -> Result<(), StoreError> {
        let done = self.write(move |desk| {
            for fact in facts {
                if takes_its_turn(desk, &fact)? {
                    tell(desk, fact.kind, &fact.user, &fact.data)?;
                }
            }
            Ok(())
        });
        done.await
    }

    async fn told_linked(
        &self,
        after: Option<&UserName>,
        limit: u16,
    ) -> Result<Vec<(UserId, UserName)>, StoreError> {
        let after = after.cloned();
        let read = self.readers.call(move |reader| {
            let mut query = reader.conn.prepare_cached(
                "SELECT u.id, t.user FROM told_linked t JOIN users u ON u.name = t.user \
                 WHERE t.user > ?1 ORDER BY t.user LIMIT ?2",
            )?;
            let after = after.as_ref().map_or("", UserName::as_str);
            let rows = query.query_map(params![after, limit.clamp(1, MAX_TAIL)], |row| {
                Ok((UserId(num(row, 0)?), UserName::trusted(row.get_ref(1)?.as_str()?)))
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        });
        read.await
    }
}

fn follower(
    desk: &mut Desk<'_>,
    name: &str,
    lease: Lease,
    now: Millis,
) -> Result<Option<MessageId>, StoreError> {
    let lasts = i64::try_from(lease.lasts.as_millis()).unwrap_or(i64::MAX);
    let until = now.plus(lasts);
    let mut query =
        desk.conn.prepare_cached("SELECT place, owner, until FROM followers WHERE name = ?1")?;
    let held = query
        .query_row([name], |row| Ok((num(row, 0)?, num(row, 1)?, Millis(row.get(2)?))))
        .optional()?;
    let Some((place, owner, ends)) = held else {
        let place = desk.watermark()?;
        let mut begin =
            desk.conn.prepare_cached("INSERT INTO followers VALUES (?1, ?2, ?3, ?4)")?;
        begin.execute(params![name, sql(place), sql(lease.owner), until.0])?;
        return Ok(Some(MessageId(place)));
    };
    if owner != lease.owner && owner != 0 && ends > now {
        return Ok(None);
    }
    let mut take =
        desk.conn.prepare_cached("UPDATE followers SET owner = ?2, until = ?3 WHERE name = ?1")?;
    take.execute(params![name, sql(lease.owner), until.0])?;
    Ok(Some(MessageId(place)))
}

fn listened(desk: &Desk<'_>) -> Result<bool, StoreError> {
    let mut listened = desk.conn.prepare_cached("SELECT EXISTS (SELECT 1 FROM followers)")?;
    Ok(listened.query_row([], |row| row.get(0))?)
}

/// Whether a fact is news: a user comes only after they went, and the other way round. What is
/// told to be so stands in a table, so that what a crash lost can be told later.
fn takes_its_turn(desk: &Desk<'_>, fact: &NewFact) -> Result<bool, StoreError> {
    let text = match fact.kind {
        FactKind::DeviceLinked => "INSERT OR IGNORE INTO told_linked (user) VALUES (?1)",
        FactKind::DeviceUnlinked => "DELETE FROM told_linked WHERE user = ?1",
        _ => return Ok(true),
    };
    if !listened(desk)? {
        return Ok(false);
    }
    Ok(desk.conn.prepare_cached(text)?.execute([fact.user.as_str()])? > 0)
}

/// Writes a fact as part of what this transaction does, if anybody listens. Checks come before:
/// it takes an id.
pub(super) fn tell(
    desk: &mut Desk<'_>,
    kind: FactKind,
    user: &UserName,
    data: &str,
) -> Result<(), StoreError> {
    if !listened(desk)? {
        return Ok(());
    }
    let id = desk.next_id();
    let mut insert = desk
        .conn
        .prepare_cached("INSERT INTO outbox (id, kind, user, data) VALUES (?1, ?2, ?3, ?4)")?;
    insert.execute(params![sql(id), kind.number(), user.as_str(), data])?;
    Ok(())
}

fn fact(row: &Row<'_>) -> super::engine::Result<Option<Fact>> {
    let id = num(row, 0)?;
    let Some(kind) = FactKind::from_number(row.get(1)?) else { return Ok(None) };
    Ok(Some(Fact {
        id: MessageId(id),
        at: time_of(id),
        kind,
        user: UserName::trusted(row.get_ref(2)?.as_str()?),
        data: row.get(3)?,
    }))
}

impl Reader<'_> {
    fn tail(&mut self, after: MessageId, limit: u16) -> Result<Tail, StoreError> {
        let watermark = self.watermark()?.0;
        let limit = limit.clamp(1, MAX_TAIL);
        let from = after.0.min(i64::MAX.cast_unsigned());
        let Part { mut list, end: entries_end } = self.entries_after(from, watermark, limit)?;
        let facts = self.facts_between(from, entries_end.unwrap_or(watermark), limit)?;
        // Whichever broke off earlier is how far this part is whole.
        let end = facts.end.or(entries_end);
        list.extend(facts.list);
        list.sort_by_key(Happened::id);
        list.retain(|item| end.is_none_or(|end| item.id().0 <= end));
        let more = end.is_some() || list.len() > usize::from(limit);
        list.truncate(usize::from(limit));
        let up_to = match list.last() {
            Some(last) if more => last.id(),
            _ => MessageId(end.unwrap_or(watermark).max(after.0)),
        };
        Ok(Tail { items: list, up_to, more })
    }

    fn entries_after(&mut self, from: u64, until: u64, limit: u16) -> Result<Part, StoreError> {
        let mut query = self.conn.prepare_cached(&format!(
            "SELECT {MESSAGE_COLUMNS} FROM msgs WHERE id > ?1 AND id <= ?2 AND device <> {} \
             ORDER BY id LIMIT ?3",
            sql(IMPORTED.0)
        ))?;
        let mut rows = query.query([sql(from), sql(until), i64::from(limit)])?;
        let mut part = Part { list: Vec::new(), end: None };
        let mut bytes = 0;
        while let Some(row) = &rows.next()? {
            let message = entry_of(row, |user| self.name(user))?.0;
            bytes += message.content.body().map_or(0, str::len)
                + message.payload.as_ref().map_or(0, |payload| payload.bytes.len());
            let (id, acl) = (message.id.0, self.acl_now(message.conv)?);
            part.list.push(Happened::Entry { message: Arc::new(message), acl });
            if bytes >= MAX_TAIL_BYTES || part.list.len() >= usize::from(limit) {
                part.end = Some(id);
                break;
            }
        }
        Ok(part)
    }

    fn acl_now(&mut self, conv: ConvId) -> Result<Arc<Acl>, StoreError> {
        let mut query =
            self.conn.prepare_cached("SELECT acl_version, kind FROM heads WHERE conv = ?1")?;
        let head = query
            .query_row([sql(conv.0)], |row| Ok((num(row, 0)?, row.get(1)?)))
            .optional()?
            .ok_or_else(|| lost("an entry has no head"))?;
        self.acl(conv, head.0, head.1)
    }

    fn facts_between(&self, from: u64, until: u64, limit: u16) -> Result<Part, StoreError> {
        let mut query = self.conn.prepare_cached(
            "SELECT id, kind, user, data FROM outbox WHERE id > ?1 AND id <= ?2 \
             ORDER BY id LIMIT ?3",
        )?;
        let mut rows = query.query([sql(from), sql(until), i64::from(limit)])?;
        let (mut part, mut count) = (Part { list: Vec::new(), end: None }, 0);
        while let Some(row) = &rows.next()? {
            // A kind that a newer program wrote is nothing that this one can tell of.
            part.list.extend(fact(row)?.map(Happened::Fact));
            count += 1;
            if count >= limit {
                part.end = Some(num(row, 0)?);
            }
        }
        Ok(part)
    }
}

/// What was read of one kind.
struct Part {
    list: Vec<Happened>,
    /// Where the reading broke off; `None`: it reached its end.
    end: Option<u64>,
}
