//! Ids: each later than every other, across all processes that write.

use anser_domain::{ConvId, Millis};

use super::Desk;
use crate::{
    backend::relational::{
        convert::{id_at, num, sql},
        engine, shared,
    },
    port::StoreError,
};

impl Desk<'_> {
    /// The next id: later than every other, and telling the time.
    pub(crate) fn next_id(&mut self) -> u64 {
        let next = (self.last_id + 1).max(id_at(self.now));
        self.last_id = self.place.as_ref().map_or(next, |place| place.at_or_above(next));
        self.last_id
    }

    /// An id for an entry of an earlier time: the first of ours in its millisecond that no entry
    /// has. `None` when there is none left.
    pub(crate) fn id_of_then(&self, at: Millis) -> Result<Option<u64>, StoreError> {
        let (begin, end) = (id_at(at), id_at(at.plus(1)));
        let mut newest =
            self.conn.prepare_cached("SELECT max(id) FROM msgs WHERE id >= ?1 AND id < ?2")?;
        let newest: Option<i64> = newest.query_row([sql(begin), sql(end)], |row| row.get(0))?;
        let next = newest.map_or(begin, |it| it.cast_unsigned() + 1);
        let next = self.place.as_ref().map_or(next, |place| place.at_or_above(next));
        Ok((next < end && next <= self.last_id.max(id_at(self.now))).then_some(next))
    }

    /// A key for a row to be inserted, where the engine gives none.
    pub(crate) fn key(&mut self) -> Option<i64> {
        self.place.is_some().then(|| sql(self.next_id()))
    }

    /// The key of the row inserted last, with what [`key`](Self::key) gave.
    pub(crate) fn made(&self, key: Option<i64>) -> u64 {
        key.map_or_else(|| self.conn.last_key(), i64::cast_unsigned)
    }

    /// The key that the next new conversation gets.
    pub(crate) fn next_conv(&mut self) -> Result<ConvId, StoreError> {
        if self.place.is_some() {
            return Ok(ConvId(self.next_id()));
        }
        if self.next_conv.is_none() {
            let mut query =
                self.conn.prepare_cached("SELECT coalesce(max(conv), 0) + 1 FROM heads")?;
            self.next_conv = Some(query.query_row([], |row| num(row, 0))?);
        }
        Ok(ConvId(self.next_conv.unwrap_or_default()))
    }

    /// The last id given away before this transaction, and by now.
    pub(crate) fn ids(&self) -> (u64, u64) {
        (self.begun_id, self.last_id)
    }

    /// The last id of ours that is on disk.
    pub(crate) fn stored_id(&mut self) -> engine::Result<u64> {
        match &self.place {
            Some(place) => place.stored(self.conn),
            None => self.hot.last_id.query_row([], |row| num(row, 0)),
        }
    }

    /// Everything at or below it is committed, by whomever.
    pub(crate) fn watermark(&mut self) -> engine::Result<u64> {
        shared::watermark(self.conn)
    }
}
