//! Exactly once: which keys of entries have stored something.

use anser_domain::{ClientId, ConvId, DeviceId, Seq};
use rustc_hash::FxHashSet;

use super::Desk;
use crate::{
    backend::relational::{
        convert::{num, sql},
        engine::{self, Value, params},
        many::{AT_ONCE, fill, filled},
    },
    port::StoreError,
};

/// The key of exactly-once.
pub(crate) type Key = (ConvId, DeviceId, ClientId);

/// What the open transaction knows of keys, where others write too.
#[derive(Default)]
pub(super) struct Keys {
    /// Those that were looked for.
    asked: FxHashSet<Key>,
    /// Those of them, or put in since, that have stored something.
    known: FxHashSet<Key>,
}

impl Keys {
    pub(super) fn clear(&mut self) {
        self.asked.clear();
        self.known.clear();
    }
}

impl Desk<'_> {
    /// Asks which of these keys have stored something, all at once.
    pub(crate) fn look_for_keys(&mut self, keys: &[Key]) -> Result<(), StoreError> {
        for some in keys.chunks(AT_ONCE) {
            let one = |at: usize| {
                let at = at * 3;
                format!("conv = ?{} AND device = ?{} AND cid = ?{}", at + 1, at + 2, at + 3)
            };
            let any: Vec<String> = (0..filled(some.len())).map(one).collect();
            let mut query = self.conn.prepare_cached(&format!(
                "SELECT conv, device, cid FROM dedupe WHERE {}",
                any.join(" OR ")
            ))?;
            let values = fill(some).flat_map(|(conv, device, cid)| {
                [
                    Value::Integer(sql(conv.0)),
                    Value::Integer(sql(device.0)),
                    Value::Blob(cid.0.into()),
                ]
            });
            let rows = query.query_map(values.collect::<Vec<_>>(), |row| {
                Ok((ConvId(num(row, 0)?), DeviceId(num(row, 1)?), ClientId(row.get(2)?)))
            })?;
            self.keys.known.extend(rows.collect::<engine::Result<Vec<_>>>()?);
            self.keys.asked.extend(some);
        }
        Ok(())
    }

    /// Remembers what a key stored. Answers `false` when it had stored something already.
    pub(crate) fn note_key(&mut self, key: Key, id: u64, seq: Seq) -> Result<bool, StoreError> {
        let (conv, device, cid) = key;
        let row = params![cid.0, sql(device.0), sql(conv.0), sql(id), sql(seq.0)];
        if self.place.is_none() {
            return Ok(self.hot.insert_dedupe.execute(row)? > 0);
        }
        if self.keys.asked.insert(key)
            && self.hot.find_dedupe.exists(params![cid.0, sql(device.0), sql(conv.0)])?
        {
            self.keys.known.insert(key);
        }
        Ok(self.keys.known.insert(key) && self.hot.insert_dedupe.execute(row)? > 0)
    }

    /// Takes back what [`note_key`](Self::note_key) remembered last.
    pub(crate) fn take_back_key(&mut self, key: Key) -> Result<(), StoreError> {
        self.keys.known.remove(&key);
        if !self.hot.insert_dedupe.take_back() {
            let (conv, device, cid) = key;
            self.hot.delete_dedupe.execute(params![cid.0, sql(device.0), sql(conv.0)])?;
        }
        Ok(())
    }
}
