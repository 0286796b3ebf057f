//! Members of conversations, copied out of the database and shared by the writer and the readers.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use super::engine::{Connection, Row};
use anser_domain::{ConvId, GroupKind, GroupName, Member, Millis, Policy, UserId, UserName};
use parking_lot::Mutex;
use smallvec::SmallVec;

use super::{
    cache::Cache,
    convert::{group_role, num, opt, sql},
    policy::policy,
};
use crate::port::{Acl, Bond, ConversationKind, Members, StoreError};

/// So many memberships are held: 100 bytes each in large groups, twice over at worst.
const MEMBERSHIPS: usize = 262_144;
/// The kind column of a direct conversation.
pub(super) const DIRECT: i64 = 1;
/// The kind column of a group.
pub(super) const GROUP: i64 = 2;

/// Copies of committed versions only, the latest of each conversation. An older one is brought
/// up to date by what has changed since; so a large group is read whole once.
pub(super) struct Acls {
    held: Mutex<Cache<ConvId, Arc<Acl>>>,
    /// How often a user's name has changed, for those who remember names.
    renamed: AtomicU64,
}

impl Acls {
    pub(super) fn new() -> Self {
        Self { held: Mutex::new(Cache::new(MEMBERSHIPS)), renamed: AtomicU64::new(0) }
    }

    /// The members as they are at `version`, which is the head's in the caller's transaction;
    /// or later, when that is what was committed since the caller's snapshot was taken.
    pub(super) fn read(
        &self,
        conn: &Connection,
        conv: ConvId,
        version: u64,
        kind: i64,
    ) -> Result<Arc<Acl>, StoreError> {
        let held = self.held.lock().get(&conv).cloned();
        match held {
            Some(held) if held.version >= version => Ok(held),
            Some(held) => Ok(Arc::new(advance(conn, &held, version)?)),
            None => Ok(Arc::new(load(conn, conv, version, kind)?)),
        }
    }

    /// Keeps a version that is committed, unless a later one is held.
    pub(super) fn keep(&self, acl: &Arc<Acl>) {
        let mut held = self.held.lock();
        let weight = match held.get(&acl.conv) {
            Some(held) if held.version >= acl.version => return,
            // It shares nearly everything with the one whose place it takes.
            Some(_) => 1,
            None => acl.members.len().max(1),
        };
        held.insert_heavy(acl.conv, Arc::clone(acl), weight);
        held.trim();
    }

    /// Forgets everything: another process wrote.
    pub(super) fn clear(&self) {
        self.held.lock().clear();
        self.rename();
    }

    /// A name that was remembered may not be so any more.
    pub(super) fn rename(&self) {
        self.renamed.fetch_add(1, Ordering::Release);
    }

    /// Changes whenever a name has.
    pub(super) fn names(&self) -> u64 {
        self.renamed.load(Ordering::Acquire)
    }
}

/// Reads who is a member now, at `version` of the head.
fn load(conn: &Connection, conv: ConvId, version: u64, kind: i64) -> Result<Acl, StoreError> {
    let (kind, (group, policy)) = if kind == GROUP {
        let mut name = conn.prepare_cached("SELECT name FROM `groups` WHERE conv = ?1")?;
        let name =
            name.query_row([sql(conv.0)], |row| Ok(GroupName::trusted(row.get_ref(0)?.as_str()?)))?;
        (ConversationKind::Group(name), terms(conn, conv)?)
    } else {
        (ConversationKind::Direct, (GroupKind::Group, Policy::default()))
    };
    let mut query = conn.prepare_cached(
        "SELECT m.user, u.name, m.role, m.muted FROM members m INDEXED BY members_by_conv \
         CROSS JOIN users u ON u.id = m.user WHERE m.conv = ?1 AND m.until_seq IS NULL",
    )?;
    let members = query.query_map([sql(conv.0)], member)?.collect::<Result<Members, _>>()?;
    let mut acl = Acl { conv, version, kind, group, policy, members, bond: Bond::default() };
    acl.bond = bond_of(conn, &acl)?;
    Ok(acl)
}

/// What is between the two of a direct conversation.
fn bond_of(conn: &Connection, acl: &Acl) -> Result<Bond, StoreError> {
    let users: SmallVec<[UserId; 2]> = match acl.kind {
        ConversationKind::Direct => acl.members.keys().copied().collect(),
        ConversationKind::Group(_) => SmallVec::new(),
    };
    match users.as_slice() {
        [one, other] => bond(conn, *one, *other),
        _ => Ok(Bond::default()),
    }
}

/// A later version, by what has changed since `held`.
fn advance(conn: &Connection, held: &Acl, version: u64) -> Result<Acl, StoreError> {
    let mut acl = Acl { version, ..held.clone() };
    if matches!(acl.kind, ConversationKind::Group(_)) {
        (acl.group, acl.policy) = terms(conn, acl.conv)?;
    }
    acl.bond = bond_of(conn, &acl)?;
    let mut query = conn.prepare_cached(
        "SELECT m.user, u.name, m.role, m.muted, m.until_seq \
         FROM members m INDEXED BY members_by_version \
         CROSS JOIN users u ON u.id = m.user \
         WHERE m.conv = ?1 AND m.acl_version > ?2 AND m.acl_version > 1",
    )?;
    let mut rows = query.query([sql(held.conv.0), sql(held.version)])?;
    while let Some(row) = &rows.next()? {
        let member = member(row)?;
        if opt(row, 4)?.is_some() {
            acl.members.remove(&member.user);
        } else {
            acl.members.insert(member);
        }
    }
    Ok(acl)
}

fn member(row: &Row<'_>) -> super::engine::Result<Member> {
    let (user, role) = (UserId(num(row, 0)?), group_role(row.get(2)?));
    let name = UserName::trusted(row.get_ref(1)?.as_str()?);
    Ok(Member { user, name, role, muted: Millis(row.get(3)?) })
}

/// What a group is, and who may do what in it.
fn terms(conn: &Connection, conv: ConvId) -> Result<(GroupKind, Policy), StoreError> {
    let mut query = conn.prepare_cached("SELECT policy FROM `groups` WHERE conv = ?1")?;
    Ok(query.query_row([sql(conv.0)], |row| Ok(policy(row.get(0)?)))?)
}

/// What is between two users, as it decides who may write to whom.
pub(super) fn bond(conn: &Connection, one: UserId, other: UserId) -> Result<Bond, StoreError> {
    let mut query = conn.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM friends WHERE user = ?1 AND friend = ?2 AND gone = 0), \
         EXISTS (SELECT 1 FROM blocks WHERE user = ?1 AND blocked = ?2 AND gone = 0), \
         EXISTS (SELECT 1 FROM blocks WHERE user = ?2 AND blocked = ?1 AND gone = 0)",
    )?;
    let (friends, blocks, blocked) = query.query_row([sql(one.0), sql(other.0)], |row| {
        Ok((row.get(0)?, row.get::<_, bool>(1)?, row.get::<_, bool>(2)?))
    })?;
    let blockers = [(blocks, one), (blocked, other)];
    let blockers = blockers.into_iter().filter(|(does, _)| *does).map(|(_, user)| user).collect();
    Ok(Bond { friends, blockers })
}
