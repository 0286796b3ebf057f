//! Taking everything personal off a user who is to be forgotten.
//!
//! The row of the user stays, under a name that says nothing, so that logs stay whole: entries name
//! their sender by key. What they wrote is scrubbed, where that is wished, a slice at a time.

use std::sync::Arc;

use super::engine::{OptionalExtension, params};
use anser_domain::{Content, ConvId, MessageId, Refusal, Role, Seq, UserId, UserName};
use rand::Rng as _;
use sha2::{Digest as _, Sha256};

use super::{
    acls,
    convert::{num, role, sql},
    desk::Desk,
    devices, directory, entry,
    follow::tell,
    friends, users,
};
use crate::port::{Acl, ConversationKind, FactKind, StoreError};

/// So many entries are looked through per call: some milliseconds, so that writers do not wait.
const SLICE: i64 = 2_000;

/// The name is given to nobody again, and only whoever knows it already can tell that it was one.
pub(super) fn retired(desk: &Desk<'_>, name: &UserName) -> Result<bool, StoreError> {
    let hash: [u8; 32] = Sha256::digest(name.as_str()).into();
    let mut query = desk.conn.prepare_cached("SELECT 1 FROM retired_names WHERE hash = ?1")?;
    Ok(query.exists([hash])?)
}

/// Takes everything personal off a user.
pub(super) fn anonymise(desk: &mut Desk<'_>, user: UserId, scrub: bool) -> Result<(), StoreError> {
    let mut query = desk.conn.prepare_cached("SELECT name, role FROM users WHERE id = ?1")?;
    let found = query.query_row([sql(user.0)], |row| {
        Ok((UserName::trusted(row.get_ref(0)?.as_str()?), role(row.get(1)?)))
    });
    let (name, standing) = found.optional()?.ok_or(Refusal::NoSuchUser)?;
    if standing == Role::Admin {
        let why = "an administrator cannot be anonymised: take that standing from them first";
        return Err(Refusal::Invalid(why).into());
    }
    let mut owns = desk.conn.prepare_cached(
        "SELECT 1 FROM members WHERE user = ?1 AND role = 3 AND until_seq IS NULL",
    )?;
    if owns.exists([sql(user.0)])? {
        let why = "the user owns groups: hand them over or dissolve them first";
        return Err(Refusal::Invalid(why).into());
    }
    let label = UserName::trusted(&format!("gone-{:016x}", rand::rng().next_u64()));

    part(desk, user)?;
    forget_own(desk, user, &name)?;
    rename(desk, user, &name, &label)?;
    reface(desk, user, &label)?;
    if scrub {
        let until = desk.next_id();
        desk.conn
            .prepare_cached("REPLACE INTO scrubbing VALUES (?1, 0, ?2)")?
            .execute([sql(user.0), sql(until)])?;
        let mut doom = desk.conn.prepare_cached(
            "UPDATE files SET state = 2, touched = ?2 WHERE owner = ?1 AND state < 2",
        )?;
        doom.execute([sql(user.0), desk.now.0])?;
    }
    let data = serde_json::json!({"now": label.as_str(), "scrubbed": scrub});
    tell(desk, FactKind::UserAnonymised, &name, &data.to_string())
}

/// Ends friendships, blocks and requests. Friends learn of it by what changed.
fn part(desk: &mut Desk<'_>, user: UserId) -> Result<(), StoreError> {
    let mut query =
        desk.conn.prepare_cached("SELECT friend FROM friends WHERE user = ?1 AND gone = 0")?;
    let others: Vec<UserId> =
        query.query_map([sql(user.0)], |row| num(row, 0).map(UserId))?.collect::<Result<_, _>>()?;
    for other in others {
        friends::part(desk, user, other, &mut Vec::new())?;
    }
    for text in [
        "DELETE FROM friends WHERE user = ?1",
        "DELETE FROM blocks WHERE user = ?1 OR blocked = ?1",
        "DELETE FROM friend_requests WHERE asker = ?1 OR asked = ?1",
        "DELETE FROM waiting WHERE user = ?1",
    ] {
        desk.conn.prepare_cached(text)?.execute([sql(user.0)])?;
    }
    Ok(())
}

/// Forgets devices, notifications and items.
fn forget_own(desk: &mut Desk<'_>, user: UserId, name: &UserName) -> Result<(), StoreError> {
    users::end_sessions(desk, user, None, true)?;
    let mut query = desk.conn.prepare_cached("SELECT id FROM devices WHERE user = ?1")?;
    let ids: Vec<u64> =
        query.query_map([sql(user.0)], |row| num(row, 0))?.collect::<Result<_, _>>()?;
    for device in ids {
        devices::forget(desk, anser_domain::DeviceId(device))?;
    }
    for text in ["DELETE FROM items WHERE user = ?1", "DELETE FROM bans WHERE user = ?1"] {
        desk.conn.prepare_cached(text)?.execute([sql(user.0)])?;
    }
    let was = desk
        .conn
        .prepare_cached("DELETE FROM told_linked WHERE user = ?1")?
        .execute([name.as_str()])?;
    if was > 0 {
        tell(desk, FactKind::DeviceUnlinked, name, "{}")?;
    }
    Ok(())
}

/// The row keeps its key and nothing else. No password proves to be one whose key is zeros.
fn rename(
    desk: &mut Desk<'_>,
    user: UserId,
    name: &UserName,
    label: &UserName,
) -> Result<(), StoreError> {
    directory::forget(desk.conn, user)?;
    let hash: [u8; 32] = Sha256::digest(name.as_str()).into();
    desk.conn.prepare_cached("INSERT OR IGNORE INTO retired_names VALUES (?1)")?.execute([hash])?;
    let mut update = desk.conn.prepare_cached(
        "UPDATE users SET name = ?2, display_name = '', disabled = 1, salt = ?3, \
         stored_key = ?4, server_key = ?4, \
         credential_version = credential_version + 1 WHERE id = ?1",
    )?;
    update.execute(params![sql(user.0), label.as_str(), [0_u8; 16], [0_u8; 32]])?;
    desk.forget_name(user, name);
    Ok(())
}

/// Has everyone who shares a conversation with the user see the new name.
fn reface(desk: &mut Desk<'_>, user: UserId, label: &UserName) -> Result<(), StoreError> {
    let mut query = desk.conn.prepare_cached("SELECT conv FROM members WHERE user = ?1")?;
    let convs: Vec<ConvId> =
        query.query_map([sql(user.0)], |row| num(row, 0).map(ConvId))?.collect::<Result<_, _>>()?;
    for conv in convs {
        let Some(acl) = desk.head(conv)?.map(|head| Arc::clone(&head.acl)) else { continue };
        let id = desk.next_id();
        let mut acl = Acl::clone(&acl);
        acl.version += 1;
        if let Some(member) = acl.members.get(&user).cloned() {
            acl.members.remove(&user);
            acl.members.insert(anser_domain::Member { name: label.clone(), ..member });
        }
        let others: Vec<UserId> = acl.members.keys().copied().filter(|it| *it != user).collect();
        if let (ConversationKind::Direct, [other]) = (&acl.kind, others.as_slice()) {
            acl.bond = acls::bond(desk.conn, user, *other)?;
        }
        let mut update = desk.conn.prepare_cached(
            "UPDATE members SET acl_version = ?3, changed = ?4 WHERE user = ?1 AND conv = ?2",
        )?;
        update.execute([sql(user.0), sql(conv.0), sql(acl.version), sql(id)])?;
        desk.set_acl(&Arc::new(acl));
        desk.move_head(conv, |head| head.changed = id);
    }
    Ok(())
}

/// Scrubs a slice of what those wrote who wished it gone. Says whether more is left.
pub(super) fn scrub(desk: &mut Desk<'_>) -> Result<bool, StoreError> {
    let mut query = desk.conn.prepare_cached("SELECT user, after, until FROM scrubbing LIMIT 1")?;
    let next = query
        .query_row([], |row| Ok((UserId(num(row, 0)?), num(row, 1)?, num(row, 2)?)))
        .optional()?;
    let Some((user, after, until)) = next else { return Ok(false) };
    let mut query = desk.conn.prepare_cached(
        "SELECT id, user, conv, seq FROM msgs WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT ?3",
    )?;
    let (mut last, mut seen, mut theirs) = (after, 0, Vec::new());
    let mut rows = query.query([sql(after), sql(until), SLICE])?;
    while let Some(row) = &rows.next()? {
        last = MessageId(num(row, 0)?).0;
        seen += 1;
        if UserId(num(row, 1)?) == user {
            theirs.push((ConvId(num(row, 2)?), Seq(num(row, 3)?)));
        }
    }
    for (conv, seq) in theirs {
        let Some((message, extra)) = entry::find(desk, conv, seq)? else { continue };
        if !extra.recalled && !matches!(message.content, Content::Event(_) | Content::Gone(_)) {
            entry::scrub(desk, &message)?;
        }
    }
    if seen < SLICE {
        desk.conn
            .prepare_cached("DELETE FROM scrubbing WHERE user = ?1")?
            .execute([sql(user.0)])?;
    } else {
        desk.conn
            .prepare_cached("UPDATE scrubbing SET after = ?2 WHERE user = ?1")?
            .execute([sql(user.0), sql(last)])?;
    }
    Ok(true)
}
