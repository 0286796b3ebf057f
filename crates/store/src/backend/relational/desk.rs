//! What the writer has before it while a transaction is open: the connection, what it remembers
//! of the database, and what it has still to write.

use std::sync::Arc;

use super::engine::{Connection, OptionalExtension, Row, Value, params};
use anser_domain::{
    Address, ClientId, Clock, ConvId, DeviceId, GroupName, Millis, Ord64, Seq, UserId, UserName,
};
use rustc_hash::{FxHashMap, FxHashSet};

use super::{
    acls::{Acls, DIRECT},
    cache::Cache,
    convert::{id_at, num, sql},
    head::{Head, Side},
    hot::Hot,
    shared::{self, Place},
};
use crate::{
    planted::{Plant, RESERVED, planted},
    port::{Acl, StoreError},
};

/// Users, names and pairs that the writer remembers, at least; twice as many at most.
const REMEMBERED: usize = 131_072;
/// Heads that it remembers, with their members: some 500 bytes for a direct conversation.
const HEADS: usize = 131_072;

/// A user, as far as appends ask.
#[derive(Clone)]
pub(super) struct Person {
    pub(super) name: UserName,
    pub(super) disabled: bool,
}

/// The key of exactly-once.
pub(super) type Key = (ConvId, DeviceId, ClientId);

/// So many rows are asked for at a time.
pub(super) const AT_ONCE: usize = 64;

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
    /// Which keys of entries were looked for in this transaction, and which of them, or of those
    /// put in since, have stored something.
    asked: FxHashSet<Key>,
    known: FxHashSet<Key>,
    people: Cache<UserId, Person>,
    names: Cache<UserName, UserId>,
    directs: Cache<(UserId, UserId), ConvId>,
    groups: Cache<GroupName, ConvId>,
    heads: Cache<ConvId, Head>,
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
    ) -> super::engine::Result<Self> {
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
            asked: FxHashSet::default(),
            known: FxHashSet::default(),
            people: Cache::new(REMEMBERED),
            names: Cache::new(REMEMBERED),
            directs: Cache::new(REMEMBERED),
            groups: Cache::new(REMEMBERED),
            heads: Cache::new(HEADS),
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

    // — the transaction —

    /// Locks the database for writing. What was remembered still holds unless another process
    /// wrote in between.
    pub(super) fn begin(&mut self) -> super::engine::Result<()> {
        if let Some(place) = &mut self.place {
            self.now = self.clock.wall();
            // What is found by name never changes; the rest others may have moved.
            self.people.clear();
            self.heads.clear();
            self.asked.clear();
            self.known.clear();
            self.last_id = place.hold(self.conn, self.last_id.max(id_at(self.now)))?;
            self.saved_id = self.last_id;
            self.begun_id = self.last_id;
            self.hot.begin.execute([])?;
            let renamed = shared::renamed(self.conn)?;
            if renamed != self.names_of {
                self.names.clear();
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
        self.people.trim();
        self.names.trim();
        self.directs.trim();
        self.groups.trim();
        self.heads.trim();
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
            let Some(head) = self.heads.get_mut(&conv) else { continue };
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

    /// The last id of ours that is on disk.
    pub(super) fn stored_id(&mut self) -> super::engine::Result<u64> {
        match &self.place {
            Some(place) => place.stored(self.conn),
            None => self.hot.last_id.query_row([], |row| num(row, 0)),
        }
    }

    /// Everything at or below it is committed, by whomever.
    pub(super) fn watermark(&mut self) -> super::engine::Result<u64> {
        shared::watermark(self.conn)
    }

    /// Has this process write alone, until the end of the transaction, among those that share the
    /// database. For writes that look at more than one conversation before they change anything.
    pub(super) fn write_alone(&mut self) -> super::engine::Result<()> {
        if self.place.is_some() {
            let newest = shared::lock(self.conn)?;
            // What is a user's own is told in the order of its ids, so they follow the commits.
            self.last_id = self.last_id.max(newest);
        }
        Ok(())
    }

    /// Locks two users, so that what is between them stays as it is: they have no head to lock yet.
    pub(super) fn lock_users(&self, one: UserId, other: UserId) -> Result<(), StoreError> {
        if self.place.is_some() {
            let mut lock = self.conn.prepare_cached(
                "SELECT id FROM users WHERE id IN (?1, ?2) ORDER BY id FOR UPDATE",
            )?;
            lock.exists([sql(one.0), sql(other.0)])?;
        }
        Ok(())
    }

    /// Locks heads in the order in which everybody does.
    pub(super) fn lock_heads(&mut self, mut convs: Vec<ConvId>) -> Result<(), StoreError> {
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
            for (conv, raw) in rows.collect::<super::engine::Result<Vec<_>>>()? {
                let head = self.finish_head(conv, raw)?;
                self.remember_head(conv, head);
            }
        }
        Ok(())
    }

    /// Asks which of these keys have stored something, all at once.
    pub(super) fn look_for_keys(&mut self, keys: &[Key]) -> Result<(), StoreError> {
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
            self.known.extend(rows.collect::<super::engine::Result<Vec<_>>>()?);
            self.asked.extend(some);
        }
        Ok(())
    }

    /// Remembers what a key stored. Answers `false` when it had stored something already.
    pub(super) fn note_key(&mut self, key: Key, id: u64, seq: Seq) -> Result<bool, StoreError> {
        let (conv, device, cid) = key;
        let row = params![cid.0, sql(device.0), sql(conv.0), sql(id), sql(seq.0)];
        if self.place.is_none() {
            return Ok(self.hot.insert_dedupe.execute(row)? > 0);
        }
        if self.asked.insert(key)
            && self.hot.find_dedupe.exists(params![cid.0, sql(device.0), sql(conv.0)])?
        {
            self.known.insert(key);
        }
        Ok(self.known.insert(key) && self.hot.insert_dedupe.execute(row)? > 0)
    }

    /// Takes back what [`note_key`](Self::note_key) remembered last.
    pub(super) fn take_back_key(&mut self, key: Key) -> Result<(), StoreError> {
        self.known.remove(&key);
        if !self.hot.insert_dedupe.take_back() {
            let (conv, device, cid) = key;
            self.hot.delete_dedupe.execute(params![cid.0, sql(device.0), sql(conv.0)])?;
        }
        Ok(())
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

    /// The last id given away before this transaction, and by now.
    pub(super) fn ids(&self) -> (u64, u64) {
        (self.begun_id, self.last_id)
    }

    /// Forgets everything: it may not be so.
    pub(super) fn forget(&mut self) {
        self.people.clear();
        self.names.clear();
        self.directs.clear();
        self.groups.clear();
        self.heads.clear();
        self.dirty.clear();
        self.reads.clear();
        self.fresh.clear();
        self.next_conv = None;
    }

    /// Forgets a user that this transaction changes.
    pub(super) fn forget_person(&mut self, user: UserId) {
        self.people.remove(&user);
    }

    /// Forgets a user whose name this transaction changes; readers do so after the commit.
    pub(super) fn forget_name(&mut self, user: UserId, name: &UserName) {
        self.people.remove(&user);
        self.names.remove(name);
        self.renamed = true;
    }

    // — what is remembered, or looked up —

    /// The next id: later than every other, and telling the time.
    pub(super) fn next_id(&mut self) -> u64 {
        let next = (self.last_id + 1).max(id_at(self.now));
        self.last_id = self.place.as_ref().map_or(next, |place| place.at_or_above(next));
        self.last_id
    }

    /// An id for an entry of an earlier time: the first of ours in its millisecond that no entry
    /// has. `None` when there is none left.
    pub(super) fn id_of_then(&self, at: Millis) -> Result<Option<u64>, StoreError> {
        let (begin, end) = (id_at(at), id_at(at.plus(1)));
        let mut newest =
            self.conn.prepare_cached("SELECT max(id) FROM msgs WHERE id >= ?1 AND id < ?2")?;
        let newest: Option<i64> = newest.query_row([sql(begin), sql(end)], |row| row.get(0))?;
        let next = newest.map_or(begin, |it| it.cast_unsigned() + 1);
        let next = self.place.as_ref().map_or(next, |place| place.at_or_above(next));
        Ok((next < end && next <= self.last_id.max(id_at(self.now))).then_some(next))
    }

    /// A key for a row to be inserted, where the engine gives none.
    pub(super) fn key(&mut self) -> Option<i64> {
        self.place.is_some().then(|| sql(self.next_id()))
    }

    /// The key of the row inserted last, with what [`key`](Self::key) gave.
    pub(super) fn made(&self, key: Option<i64>) -> u64 {
        key.map_or_else(|| self.conn.last_key(), i64::cast_unsigned)
    }

    /// The key that the next new conversation gets.
    pub(super) fn next_conv(&mut self) -> Result<ConvId, StoreError> {
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

    pub(super) fn person(&mut self, user: UserId) -> Result<Option<Person>, StoreError> {
        if let Some(person) = self.people.get(&user) {
            return Ok(Some(person.clone()));
        }
        let mut query =
            self.conn.prepare_cached("SELECT name, disabled FROM users WHERE id = ?1")?;
        let found = query
            .query_row([sql(user.0)], |row| {
                let name = UserName::trusted(row.get_ref(0)?.as_str()?);
                Ok(Person { name, disabled: row.get(1)? })
            })
            .optional()?;
        if let Some(person) = &found {
            self.people.insert(user, person.clone());
        }
        Ok(found)
    }

    pub(super) fn user_named(&mut self, name: &UserName) -> Result<Option<UserId>, StoreError> {
        if let Some(user) = self.names.get(name) {
            return Ok(Some(*user));
        }
        let mut query = self.conn.prepare_cached("SELECT id FROM users WHERE name = ?1")?;
        let found = query.query_row([name.as_str()], |row| num(row, 0)).optional()?.map(UserId);
        if let Some(user) = found {
            self.names.insert(name.clone(), user);
        }
        Ok(found)
    }

    pub(super) fn direct(&mut self, a: UserId, b: UserId) -> Result<Option<ConvId>, StoreError> {
        let pair = (a.min(b), a.max(b));
        if let Some(conv) = self.directs.get(&pair) {
            return Ok(Some(*conv));
        }
        let mut query =
            self.conn.prepare_cached("SELECT conv FROM directs WHERE lo = ?1 AND hi = ?2")?;
        let found = query
            .query_row([sql(pair.0.0), sql(pair.1.0)], |row| num(row, 0))
            .optional()?
            .map(ConvId);
        if let Some(conv) = found {
            self.directs.insert(pair, conv);
        }
        Ok(found)
    }

    pub(super) fn group(&mut self, name: &GroupName) -> Result<Option<ConvId>, StoreError> {
        if let Some(conv) = self.groups.get(name) {
            return Ok(Some(*conv));
        }
        let mut query = self.conn.prepare_cached("SELECT conv FROM `groups` WHERE name = ?1")?;
        let found = query.query_row([name.as_str()], |row| num(row, 0)).optional()?.map(ConvId);
        if let Some(conv) = found {
            self.groups.insert(name.clone(), conv);
        }
        Ok(found)
    }

    /// A conversation by its address from `user`'s side.
    pub(super) fn find(
        &mut self,
        user: UserId,
        at: &Address,
    ) -> Result<Option<ConvId>, StoreError> {
        match at {
            Address::Group(name) => self.group(name),
            Address::User(peer) => match self.user_named(peer)? {
                Some(peer) => self.direct(user, peer),
                None => Ok(None),
            },
        }
    }

    /// A head with its members, of this transaction.
    pub(super) fn head(&mut self, conv: ConvId) -> Result<Option<&Head>, StoreError> {
        Ok(self.head_mut(conv)?.map(|head| &*head))
    }

    /// The same, to look through; changes go through [`move_head`](Self::move_head).
    pub(super) fn head_mut(&mut self, conv: ConvId) -> Result<Option<&mut Head>, StoreError> {
        if self.heads.get(&conv).is_none() {
            let Some(head) = self.load_head(conv)? else { return Ok(None) };
            self.remember_head(conv, head);
        }
        Ok(self.heads.get_mut(&conv))
    }

    /// Members weigh too: a large group counts as many direct conversations.
    fn remember_head(&mut self, conv: ConvId, head: Head) {
        let weight = 1 + head.acl.members.len() / 8;
        self.heads.insert_heavy(conv, head, weight);
    }

    fn load_head(&mut self, conv: ConvId) -> Result<Option<Head>, StoreError> {
        let raw = self.hot.head.query_row([sql(conv.0)], Raw::of).optional()?;
        raw.map(|raw| self.finish_head(conv, raw)).transpose()
    }

    fn finish_head(&mut self, conv: ConvId, raw: Raw) -> Result<Head, StoreError> {
        let Raw { kind, last, ord, last_message, version, changed, sides } = raw;
        // Nothing later than what this transaction sees has been committed: this is who commits.
        let acl = self.acls.read(self.conn, conv, version, kind)?;
        // Another process's clock may be ahead: in a conversation ids ascend all the same.
        self.last_id = self.last_id.max(changed);
        Ok(Head { last, ord, last_message, changed, kind, acl, sides, dirty: false })
    }

    // — moves —

    /// Moves a head; its row follows at the end of the transaction.
    pub(super) fn move_head(&mut self, conv: ConvId, change: impl FnOnce(&mut Head)) {
        if let Some(head) = self.heads.get_mut(&conv) {
            change(head);
            if !head.dirty {
                head.dirty = true;
                self.dirty.push(conv);
            }
        }
    }

    /// Puts a version of the members that this transaction makes in place of the last.
    pub(super) fn set_acl(&mut self, acl: &Arc<Acl>) {
        self.move_head(acl.conv, |head| head.acl = Arc::clone(acl));
        self.fresh.push(Arc::clone(acl));
    }

    /// Moves a sender's own read cursor, which cannot go backward: it follows the head.
    pub(super) fn move_read(&mut self, user: UserId, conv: ConvId, seq: Seq, ord: Ord64) {
        let read = Seq(seq.0 + u64::from(planted(Plant::CursorAhead)));
        match self.heads.get_mut(&conv) {
            Some(head) if head.kind == DIRECT => {
                let side = head.side(user);
                (side.read, side.read_ord) = (read, ord);
            }
            _ => {
                self.reads.insert((user, conv), (read, ord));
            }
        }
    }

    /// Makes the row of a new conversation.
    pub(super) fn make_head(&mut self, kind: i64, acl: &Arc<Acl>) -> Result<(), StoreError> {
        let mut insert = self.conn.prepare_cached(
            "INSERT INTO heads (conv, kind, last_seq, ord, last_message, acl_version, floor_seq, \
             changed, lo_read, lo_read_ord, lo_delivered, hi_read, hi_read_ord, hi_delivered) \
             VALUES (?1, ?2, 0, 0, 0, ?3, 0, 0, 0, 0, 0, 0, 0, 0)",
        )?;
        insert.execute(params![sql(acl.conv.0), kind, sql(acl.version)])?;
        self.next_conv = Some(acl.conv.0 + 1);
        self.remember_head(
            acl.conv,
            Head {
                last: Seq::ZERO,
                ord: Ord64(0),
                last_message: Seq::ZERO,
                changed: 0,
                kind,
                acl: Arc::clone(acl),
                sides: <[Side; 2]>::default(),
                dirty: false,
            },
        );
        self.fresh.push(Arc::clone(acl));
        Ok(())
    }

    /// Remembers the pair of a conversation that this transaction made.
    pub(super) fn note_direct(&mut self, lo: UserId, hi: UserId, conv: ConvId) {
        self.directs.insert((lo, hi), conv);
    }
}

/// The columns that [`Raw::of`] reads.
pub(super) const HEAD_COLUMNS: &str = "kind, last_seq, ord, last_message, acl_version, changed, lo_read, lo_read_ord, lo_delivered, \
     hi_read, hi_read_ord, hi_delivered";
const HEAD_COLUMNS_COUNT: usize = 12;

/// A head as it stands in its row, without its members.
struct Raw {
    kind: i64,
    last: Seq,
    ord: Ord64,
    last_message: Seq,
    version: u64,
    changed: u64,
    sides: [Side; 2],
}

impl Raw {
    fn of(row: &Row<'_>) -> super::engine::Result<Self> {
        let side = |at: usize| -> super::engine::Result<Side> {
            let (read, read_ord) = (Seq(num(row, at)?), Ord64(num(row, at + 1)?));
            Ok(Side { read, read_ord, delivered: Seq(num(row, at + 2)?) })
        };
        Ok(Self {
            kind: row.get(0)?,
            last: Seq(num(row, 1)?),
            ord: Ord64(num(row, 2)?),
            last_message: Seq(num(row, 3)?),
            version: num(row, 4)?,
            changed: num(row, 5)?,
            sides: [side(6)?, side(9)?],
        })
    }
}

/// How many places a statement has that asks for so many: few numbers, so that few statements are
/// prepared.
pub(super) fn filled(count: usize) -> usize {
    count.next_power_of_two().min(AT_ONCE)
}

/// As many as there are places: the last one again in those that would be empty.
pub(super) fn fill<T: Copy>(some: &[T]) -> impl Iterator<Item = T> {
    let last = some.last().copied();
    some.iter()
        .copied()
        .chain(std::iter::repeat_with(move || last).map_while(|it| it))
        .take(filled(some.len()))
}
