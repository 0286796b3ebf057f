//! Members of conversations, copied out of the database and shared by the writer and the readers.

use std::sync::Arc;

use anser_domain::{ConvId, GroupName, Member, UserId, UserName};
use parking_lot::Mutex;
use rusqlite::Connection;
use rustc_hash::FxHashMap;

use super::{
    cache::Cache,
    convert::{group_role, num, sql},
};
use crate::port::{Acl, ConversationKind, StoreError};

/// So many memberships are held: 60 bytes each, twice over at worst.
const MEMBERSHIPS: usize = 262_144;
/// The kind column of a direct conversation.
pub(super) const DIRECT: i64 = 1;
/// The kind column of a group.
pub(super) const GROUP: i64 = 2;

/// Copies of committed versions only. Whoever takes one out says which version the head has in
/// their own transaction, so a copy that is too old, or too new for a reader's snapshot, is never
/// used.
pub(super) struct Acls(Mutex<Cache<ConvId, Arc<Acl>>>);

impl Acls {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Cache::new(MEMBERSHIPS)))
    }

    /// The copy of exactly this version.
    pub(super) fn find(&self, conv: ConvId, version: u64) -> Option<Arc<Acl>> {
        self.0.lock().get(&conv).filter(|acl| acl.version == version).cloned()
    }

    /// Keeps a version that is committed, unless a later one is held.
    pub(super) fn keep(&self, acl: &Arc<Acl>) {
        let mut held = self.0.lock();
        if held.get(&acl.conv).is_some_and(|held| held.version >= acl.version) {
            return;
        }
        held.insert_heavy(acl.conv, Arc::clone(acl), acl.members.len().max(1));
        held.trim();
    }

    /// Forgets everything: another process wrote.
    pub(super) fn clear(&self) {
        self.0.lock().clear();
    }
}

/// Reads who is a member now, at `version` of the head.
pub(super) fn load(
    conn: &Connection,
    conv: ConvId,
    version: u64,
    kind: i64,
) -> Result<Acl, StoreError> {
    let kind = if kind == GROUP {
        let mut name = conn.prepare_cached("SELECT name FROM groups WHERE conv = ?1")?;
        let name =
            name.query_row([sql(conv.0)], |row| Ok(GroupName::trusted(row.get_ref(0)?.as_str()?)))?;
        ConversationKind::Group(name)
    } else {
        ConversationKind::Direct
    };
    let mut members = FxHashMap::default();
    let mut query = conn.prepare_cached(
        "SELECT m.user, u.name, m.role FROM members m INDEXED BY members_by_conv \
         CROSS JOIN users u ON u.id = m.user WHERE m.conv = ?1 AND m.until_seq IS NULL",
    )?;
    let mut rows = query.query([sql(conv.0)])?;
    while let Some(row) = rows.next()? {
        let user = UserId(num(row, 0)?);
        let name = UserName::trusted(row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?);
        members.insert(user, Member { user, name, role: group_role(row.get(2)?) });
    }
    Ok(Acl { conv, version, kind, members })
}
