//! What a transaction locks beside its rows, where several processes write. Heads are locked in the
//! order of their keys by everybody.

use anser_domain::{ConvId, UserId};

use super::{
    Desk,
    remembered::{HEAD_COLUMNS, HEAD_COLUMNS_COUNT, Raw},
};
use crate::{
    backend::relational::{
        convert::{num, sql},
        engine::{self, Value},
        many::{AT_ONCE, fill, filled},
        shared,
    },
    port::StoreError,
};

impl Desk<'_> {
    /// Has this process write alone, until the end of the transaction, among those that share the
    /// database. For writes that look at more than one conversation before they change anything.
    pub(crate) fn write_alone(&mut self) -> engine::Result<()> {
        if self.place.is_some() {
            let newest = shared::lock(self.conn)?;
            // What is a user's own is told in the order of its ids, so they follow the commits.
            self.last_id = self.last_id.max(newest);
        }
        Ok(())
    }

    /// Locks two users, so that what is between them stays as it is: they have no head to lock yet.
    pub(crate) fn lock_users(&self, one: UserId, other: UserId) -> Result<(), StoreError> {
        if self.place.is_some() {
            let mut lock = self.conn.prepare_cached(
                "SELECT id FROM users WHERE id IN (?1, ?2) ORDER BY id FOR UPDATE",
            )?;
            lock.exists([sql(one.0), sql(other.0)])?;
        }
        Ok(())
    }

    /// Locks heads in the order in which everybody does.
    pub(crate) fn lock_heads(&mut self, mut convs: Vec<ConvId>) -> Result<(), StoreError> {
        convs.sort_unstable();
        convs.dedup();
        for some in convs.chunks(AT_ONCE) {
            let places: Vec<String> = (1..=filled(some.len())).map(|at| format!("?{at}")).collect();
            let mut query = self.conn.prepare_cached(&format!(
                "SELECT {HEAD_COLUMNS}, conv FROM heads WHERE conv IN ({}) \
                 ORDER BY conv FOR UPDATE",
                places.join(", ")
            ))?;
            let keys = fill(some).map(|conv| Value::Integer(sql(conv.0)));
            let rows = query.query_map(keys.collect::<Vec<_>>(), |row| {
                Ok((ConvId(num(row, HEAD_COLUMNS_COUNT)?), Raw::of(row)?))
            })?;
            for (conv, raw) in rows.collect::<engine::Result<Vec<_>>>()? {
                let head = self.finish_head(conv, raw)?;
                self.remember_head(conv, head);
            }
        }
        Ok(())
    }
}
