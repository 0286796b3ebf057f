//! What the writer remembers of the database, and looks up where it does not.

use anser_domain::{Address, ConvId, GroupName, Ord64, Seq, UserId, UserName};

use super::Desk;
use crate::{
    backend::relational::{
        cache::Cache,
        convert::{num, sql},
        engine::{self, OptionalExtension, Row},
        head::{Head, Side},
    },
    port::StoreError,
};

/// Users, names and pairs that the writer remembers, at least; twice as many at most.
const REMEMBERED: usize = 131_072;
/// Heads that it remembers, with their members: some 500 bytes for a direct conversation.
const HEADS: usize = 131_072;

/// A user, as far as appends ask.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) name: UserName,
    pub(crate) disabled: bool,
}

/// All of it holds until another process writes, or a transaction is given up.
pub(super) struct Remembered {
    pub(super) people: Cache<UserId, Person>,
    pub(super) names: Cache<UserName, UserId>,
    pub(super) directs: Cache<(UserId, UserId), ConvId>,
    pub(super) groups: Cache<GroupName, ConvId>,
    pub(super) heads: Cache<ConvId, Head>,
}

impl Remembered {
    pub(super) fn nothing() -> Self {
        Self {
            people: Cache::new(REMEMBERED),
            names: Cache::new(REMEMBERED),
            directs: Cache::new(REMEMBERED),
            groups: Cache::new(REMEMBERED),
            heads: Cache::new(HEADS),
        }
    }

    pub(super) fn trim(&mut self) {
        self.people.trim();
        self.names.trim();
        self.directs.trim();
        self.groups.trim();
        self.heads.trim();
    }

    pub(super) fn clear(&mut self) {
        self.people.clear();
        self.names.clear();
        self.directs.clear();
        self.groups.clear();
        self.heads.clear();
    }
}

impl Desk<'_> {
    pub(crate) fn person(&mut self, user: UserId) -> Result<Option<Person>, StoreError> {
        if let Some(person) = self.remembered.people.get(&user) {
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
            self.remembered.people.insert(user, person.clone());
        }
        Ok(found)
    }

    pub(crate) fn user_named(&mut self, name: &UserName) -> Result<Option<UserId>, StoreError> {
        if let Some(user) = self.remembered.names.get(name) {
            return Ok(Some(*user));
        }
        let mut query = self.conn.prepare_cached("SELECT id FROM users WHERE name = ?1")?;
        let found = query.query_row([name.as_str()], |row| num(row, 0)).optional()?.map(UserId);
        if let Some(user) = found {
            self.remembered.names.insert(name.clone(), user);
        }
        Ok(found)
    }

    pub(crate) fn direct(&mut self, a: UserId, b: UserId) -> Result<Option<ConvId>, StoreError> {
        let pair = (a.min(b), a.max(b));
        if let Some(conv) = self.remembered.directs.get(&pair) {
            return Ok(Some(*conv));
        }
        let mut query =
            self.conn.prepare_cached("SELECT conv FROM directs WHERE lo = ?1 AND hi = ?2")?;
        let found = query
            .query_row([sql(pair.0.0), sql(pair.1.0)], |row| num(row, 0))
            .optional()?
            .map(ConvId);
        if let Some(conv) = found {
            self.remembered.directs.insert(pair, conv);
        }
        Ok(found)
    }

    pub(crate) fn group(&mut self, name: &GroupName) -> Result<Option<ConvId>, StoreError> {
        if let Some(conv) = self.remembered.groups.get(name) {
            return Ok(Some(*conv));
        }
        let mut query = self.conn.prepare_cached("SELECT conv FROM `groups` WHERE name = ?1")?;
        let found = query.query_row([name.as_str()], |row| num(row, 0)).optional()?.map(ConvId);
        if let Some(conv) = found {
            self.remembered.groups.insert(name.clone(), conv);
        }
        Ok(found)
    }

    /// A conversation by its address from `user`'s side.
    pub(crate) fn find(
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
    pub(crate) fn head(&mut self, conv: ConvId) -> Result<Option<&Head>, StoreError> {
        Ok(self.head_mut(conv)?.map(|head| &*head))
    }

    /// The same, to look through; changes go through [`move_head`](Self::move_head).
    pub(crate) fn head_mut(&mut self, conv: ConvId) -> Result<Option<&mut Head>, StoreError> {
        if self.remembered.heads.get(&conv).is_none() {
            let Some(head) = self.load_head(conv)? else { return Ok(None) };
            self.remember_head(conv, head);
        }
        Ok(self.remembered.heads.get_mut(&conv))
    }

    /// Members weigh too: a large group counts as many direct conversations.
    pub(super) fn remember_head(&mut self, conv: ConvId, head: Head) {
        let weight = 1 + head.acl.members.len() / 8;
        self.remembered.heads.insert_heavy(conv, head, weight);
    }

    fn load_head(&mut self, conv: ConvId) -> Result<Option<Head>, StoreError> {
        let raw = self.hot.head.query_row([sql(conv.0)], Raw::of).optional()?;
        raw.map(|raw| self.finish_head(conv, raw)).transpose()
    }

    pub(super) fn finish_head(&mut self, conv: ConvId, raw: Raw) -> Result<Head, StoreError> {
        let Raw { kind, last, ord, last_message, version, changed, sides } = raw;
        // Nothing later than what this transaction sees has been committed: this is who commits.
        let acl = self.acls.read(self.conn, conv, version, kind)?;
        // Another process's clock may be ahead: in a conversation ids ascend all the same.
        self.last_id = self.last_id.max(changed);
        Ok(Head { last, ord, last_message, changed, kind, acl, sides, dirty: false })
    }

    /// Remembers the pair of a conversation that this transaction made.
    pub(crate) fn note_direct(&mut self, lo: UserId, hi: UserId, conv: ConvId) {
        self.remembered.directs.insert((lo, hi), conv);
    }

    /// Forgets a user that this transaction changes.
    pub(crate) fn forget_person(&mut self, user: UserId) {
        self.remembered.people.remove(&user);
    }

    /// Forgets a user whose name this transaction changes; readers do so after the commit.
    pub(crate) fn forget_name(&mut self, user: UserId, name: &UserName) {
        self.remembered.people.remove(&user);
        self.remembered.names.remove(name);
        self.renamed = true;
    }
}

/// The columns that [`Raw::of`] reads.
pub(crate) const HEAD_COLUMNS: &str = "kind, last_seq, ord, last_message, acl_version, changed, lo_read, lo_read_ord, lo_delivered, \
     hi_read, hi_read_ord, hi_delivered";
pub(super) const HEAD_COLUMNS_COUNT: usize = 12;

/// A head as it stands in its row, without its members.
pub(super) struct Raw {
    kind: i64,
    last: Seq,
    ord: Ord64,
    last_message: Seq,
    version: u64,
    changed: u64,
    sides: [Side; 2],
}

impl Raw {
    pub(super) fn of(row: &Row<'_>) -> engine::Result<Self> {
        let side = |at: usize| -> engine::Result<Side> {
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
