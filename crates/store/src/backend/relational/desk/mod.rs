//! What the writer has before it while a transaction is open: the connection, what it remembers
//! of the database, and what it has still to write.

use std::sync::Arc;

use anser_domain::{Clock, ConvId, Millis, Ord64, Seq, UserId};
use rustc_hash::FxHashMap;

pub(super) use self::remembered::{HEAD_COLUMNS, Person};
use self::{keys::Keys, remembered::Remembered};
use super::{
    acls::Acls,
    convert::{id_at, sql},
    engine::{self, Connection, params},
    hot::Hot,
    shared::{self, Place},
};
use crate::{
    planted::{Plant, RESERVED, planted},
    port::{Acl, StoreError},
};

mod ids;
mod keys;
mod locks;
mod moves;
mod remembered;

/// The writer's desk.
pub(super) struct Desk<'c> {
    pub(super) conn: &'c Connection,
    pub(super) hot: Hot<'c>,
    /// The time of this transaction.
    pub(super) now: Millis,
    clock: Arc<dyn Clock>,
    acls: Arc<Acls>,
    data_version: i64,
    last_id: u64,
    saved_id: u64,
    begun_id: u64,
    next_conv: Option<u64>,
    place: Option<Place>,
    keys: Keys,
    remembered: Remembered,
    dirty: Vec<ConvId>,
    reads: FxHashMap<(UserId, ConvId), (Seq, Ord64)>,
    fresh: Vec<Arc<Acl>>,
    renamed: bool,
    /// How often names had changed when it was last looked, by whomever.
    names_of: u64,
}

impl<'c> Desk<'c> {
    pub(super) fn new(
        conn: &'c Connection,
        clock: Arc<dyn Clock>,
        acls: Arc<Acls>,
    ) -> engine::Result<Self> {
        let mut desk = Self {
            conn,
            hot: Hot::prepare(conn)?,
            now: clock.wall(),
            clock,
            acls,
            data_version: 0,
            last_id: 0,
            saved_id: 0,
            begun_id: 0,
            next_conv: None,
            place: conn.shared().map(|_| Place::none()),
            keys: Keys::default(),
            remembered: Remembered::nothing(),
            dirty: Vec::new(),
            reads: FxHashMap::default(),
            fresh: Vec::new(),
            renamed: false,
            names_of: 0,
        };
        desk.begin()?;
        desk.rollback();
        Ok(desk)
    }

    /// Locks the database for writing. What was remembered still holds unless another process
    /// wrote in between.
    pub(super) fn begin(&mut self) -> engine::Result<()> {
        if let Some(place) = &mut self.place {
            self.now = self.clock.wall();
            // What is found by name never changes; the rest others may have moved.
            self.remembered.people.clear();
            self.remembered.heads.clear();
            self.keys.clear();
            self.last_id = place.hold(self.conn, self.last_id.max(id_at(self.now)))?;
            self.saved_id = self.last_id;
            self.begun_id = self.last_id;
            self.hot.begin.execute([])?;
            let renamed = shared::renamed(self.conn)?;
            if renamed != self.names_of {
                self.remembered.names.clear();
                self.acls.rename();
                self.names_of = renamed;
            }
            return Ok(());
        }
        self.hot.begin.execute([])?;
        self.now = self.clock.wall();
        let version = self.hot.data_version.query_row([], |row| row.get(0))?;
        if version != self.data_version {
            self.forget();
            self.acls.clear();
            self.data_version = version;
            self.saved_id = self.stored_id()?;
            // Ids that were given away and rolled back are not given again.
            self.last_id = self.last_id.max(self.saved_id);
        }
        self.begun_id = self.last_id;
        Ok(())
    }

    /// Writes what is owed and makes it durable.
    pub(super) fn commit(&mut self) -> Result<(), StoreError> {
        self.flush()?;
        if let Some(place) = &mut self.place {
            if self.renamed {
                shared::rename(self.conn)?;
            }
            place.save(self.conn, self.last_id)?;
        }
        self.hot.commit.execute([])?;
        for acl in self.fresh.drain(..) {
            self.acls.keep(&acl);
        }
        if std::mem::take(&mut self.renamed) {
            self.acls.rename();
        }
        self.remembered.trim();
        Ok(())
    }

    /// Gives the transaction up, and with it everything remembered.
    pub(super) fn rollback(&mut self) {
        self.conn.roll_back();
        self.forget();
        self.data_version = 0;
    }

    /// Writes heads and read cursors that the transaction has moved.
    pub(super) fn flush(&mut self) -> Result<(), StoreError> {
        let ahead = if planted(Plant::SeqOutsideTx) { RESERVED } else { 0 };
        self.dirty.sort_unstable();
        for conv in self.dirty.drain(..) {
            let Some(head) = self.remembered.heads.get_mut(&conv) else { continue };
            head.dirty = false;
            let [lo, hi] = head.sides;
            self.hot.save_head.execute(params![
                sql(conv.0),
                sql(head.last.0 + ahead),
                sql(head.ord.0),
                sql(head.last_message.0),
                sql(head.acl.version),
                sql(head.changed),
                sql(lo.read.0),
                sql(lo.read_ord.0),
                sql(lo.delivered.0),
                sql(hi.read.0),
                sql(hi.read_ord.0),
                sql(hi.delivered.0),
            ])?;
        }
        for ((user, conv), (seq, ord)) in self.reads.drain() {
            self.hot.save_read.execute(params![
                sql(user.0),
                sql(conv.0),
                sql(seq.0),
                sql(ord.0)
            ])?;
        }
        if self.place.is_none() && self.saved_id != self.last_id {
            self.hot.save_id.execute([sql(self.last_id)])?;
            self.saved_id = self.last_id;
        }
        Ok(())
    }

    /// Runs a write that is no entry. One that fails leaves no trace; one that refuses has done
    /// so before it changed anything that is remembered.
    pub(super) fn guarded<T>(
        &mut self,
        write: impl FnOnce(&mut Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.conn.prepare_cached("SAVEPOINT work")?.execute([])?;
        let result = write(self).and_then(|done| self.flush().map(|()| done));
        if let Err(error) = &result {
            // Without a transaction there is nothing left to take back; the writer sees it.
            if !self.conn.is_autocommit() {
                self.conn.prepare_cached("ROLLBACK TO SAVEPOINT work")?.execute([])?;
            }
            if matches!(error, StoreError::Failed(_)) {
                self.forget();
            }
        }
        if !self.conn.is_autocommit() {
            self.conn.prepare_cached("RELEASE SAVEPOINT work")?.execute([])?;
        }
        result
    }

    /// Says that this process is there, and that what it commits will be later than now.
    pub(super) fn beat(&mut self) -> Result<(), StoreError> {
        self.begin()?;
        if let Some(place) = &mut self.place {
            shared::bury(self.conn)?;
            self.last_id = place.at_or_above(self.last_id.max(shared::newest(self.conn)?));
        }
        self.commit()
    }

    /// Gives this process's place back.
    pub(super) fn leave(&mut self) {
        if let Some(place) = &mut self.place {
            place.leave(self.conn);
        }
    }

    /// Whether several processes write.
    pub(super) fn is_shared(&self) -> bool {
        self.place.is_some()
    }

    /// Forgets everything: it may not be so.
    pub(super) fn forget(&mut self) {
        self.remembered.clear();
        self.dirty.clear();
        self.reads.clear();
        self.fresh.clear();
        self.next_conv = None;
    }
}
