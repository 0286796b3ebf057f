//! Who is to come in: invitations and requests. None is an entry of the log; those that are taken
//! up go in the transaction of the entry that says so.

use super::engine::{OptionalExtension, params};
use anser_domain::{ConvId, GroupName, JoinPolicy, Millis, Refusal, SyncToken, UserId, UserName};

use super::{
    convert::{num, sql},
    desk::Desk,
    items::touch,
};
use crate::port::{Acl, Check, Side, StoreError};

/// How long an invitation or a request counts: a fortnight away is a holiday, not an answer.
const COUNTS_MS: i64 = 14 * 24 * 3_600_000;
/// Most users that a group may have invited, and that may wait before it, at once: a page of
/// them is sorted by name in memory.
const MAX_OF_GROUP: u64 = 1_000;
/// Most invitations and requests that one user may have: a flood of them is no invitation.
const MAX_OF_USER: u64 = 200;

/// The side column.
pub(super) fn number(side: Side) -> i64 {
    match side {
        Side::Invited => 1,
        Side::Asking => 2,
    }
}

/// Invites users. Answers those who were not invited before.
pub(super) fn invite(
    desk: &mut Desk<'_>,
    by: UserId,
    group: &GroupName,
    users: &[UserName],
    check: Check,
) -> Result<Vec<(UserId, SyncToken)>, StoreError> {
    let acl = checked(desk, by, group, check)?;
    let mut new = Vec::with_capacity(users.len());
    for name in users {
        let user = desk.user_named(name)?.ok_or(Refusal::NoSuchUser)?;
        let person = desk.person(user)?.ok_or(Refusal::NoSuchUser)?;
        if person.disabled {
            return Err(Refusal::NoSuchUser.into());
        }
        let known = acl.members.contains_key(&user)
            || new.contains(&user)
            || waits(desk, acl.conv, user, Side::Invited)?;
        if known {
            continue;
        }
        if of_user(desk, user, Side::Invited)? >= MAX_OF_USER {
            return Err(Refusal::TooLarge("someone named has too many invitations").into());
        }
        new.push(user);
    }
    if of_group(desk, acl.conv, Side::Invited)? + new.len() as u64 > MAX_OF_GROUP {
        return Err(Refusal::TooLarge("a group has at most 1,000 open invitations").into());
    }
    let mut told = Vec::with_capacity(new.len());
    for user in new {
        put(desk, acl.conv, Side::Invited, user, by, "")?;
        told.push((user, touch(desk, user)?));
    }
    Ok(told)
}

/// Someone asks to come in.
pub(super) fn ask(
    desk: &mut Desk<'_>,
    user: UserId,
    group: &GroupName,
    message: &str,
) -> Result<(), StoreError> {
    let acl = acl(desk, group)?;
    if acl.members.contains_key(&user) {
        return Err(Refusal::Invalid("you are a member already").into());
    }
    if acl.policy.hidden || acl.policy.join != JoinPolicy::Approval {
        return Err(turned_away(&acl).into());
    }
    if !waits(desk, acl.conv, user, Side::Asking)? {
        if of_user(desk, user, Side::Asking)? >= MAX_OF_USER {
            return Err(Refusal::TooLarge("you wait before too many groups").into());
        }
        if of_group(desk, acl.conv, Side::Asking)? >= MAX_OF_GROUP {
            return Err(Refusal::TooLarge("too many wait before this group").into());
        }
    }
    put(desk, acl.conv, Side::Asking, user, user, message)
}

/// What a stranger hears who may not come in by themselves.
pub(super) fn turned_away(acl: &Acl) -> Refusal {
    if acl.policy.hidden { Refusal::NotMember } else { Refusal::Forbidden }
}

/// A member takes an invitation back, or refuses a request.
pub(super) fn dismiss(
    desk: &mut Desk<'_>,
    by: UserId,
    group: &GroupName,
    user: &UserName,
    side: Side,
    check: Check,
) -> Result<Option<(UserId, SyncToken)>, StoreError> {
    let acl = checked(desk, by, group, check)?;
    let user = desk.user_named(user)?.ok_or(Refusal::NoSuchUser)?;
    Ok(remove(desk, acl.conv, user, side)?.map(|at| (user, at)))
}

/// A user declines an invitation, or no longer wants in. Says nothing of groups there are.
pub(super) fn retract(
    desk: &mut Desk<'_>,
    user: UserId,
    group: &GroupName,
    side: Side,
) -> Result<Option<SyncToken>, StoreError> {
    match desk.group(group)? {
        Some(conv) => remove(desk, conv, user, side),
        None => Ok(None),
    }
}

/// Whether an invitation lets this user in.
pub(super) fn is_invited(desk: &Desk<'_>, conv: ConvId, user: UserId) -> Result<bool, StoreError> {
    waits(desk, conv, user, Side::Invited)
}

/// Whether this user asks to come in.
pub(super) fn is_asking(desk: &Desk<'_>, conv: ConvId, user: UserId) -> Result<bool, StoreError> {
    waits(desk, conv, user, Side::Asking)
}

/// Someone has come in: nothing waits for them any more.
pub(super) fn taken_up(desk: &mut Desk<'_>, conv: ConvId, user: UserId) -> Result<(), StoreError> {
    remove(desk, conv, user, Side::Invited)?;
    remove(desk, conv, user, Side::Asking)?;
    Ok(())
}

/// A group has ended: nobody comes in any more.
pub(super) fn forget(desk: &Desk<'_>, conv: ConvId) -> Result<(), StoreError> {
    desk.conn.prepare_cached("DELETE FROM waiting WHERE conv = ?1")?.execute([sql(conv.0)])?;
    Ok(())
}

fn acl(desk: &mut Desk<'_>, group: &GroupName) -> Result<std::sync::Arc<Acl>, StoreError> {
    let conv = desk.group(group)?.ok_or(Refusal::NotMember)?;
    Ok(desk.head(conv)?.ok_or(Refusal::NotMember)?.acl.clone())
}

fn checked(
    desk: &mut Desk<'_>,
    by: UserId,
    group: &GroupName,
    check: Check,
) -> Result<std::sync::Arc<Acl>, StoreError> {
    let acl = acl(desk, group)?;
    check(&acl, acl.members.get(&by).ok_or(Refusal::NotMember)?)?;
    Ok(acl)
}

fn put(
    desk: &Desk<'_>,
    conv: ConvId,
    side: Side,
    user: UserId,
    by: UserId,
    message: &str,
) -> Result<(), StoreError> {
    let mut insert = desk.conn.prepare_cached(
        "REPLACE INTO waiting (conv, side, user, `by`, message, since, until) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    let until = desk.now.plus(COUNTS_MS);
    let (conv, user, by) = (sql(conv.0), sql(user.0), sql(by.0));
    insert.execute(params![conv, number(side), user, by, message, desk.now.0, until.0])?;
    Ok(())
}

/// Takes a row out, if there is one: a change of what is the user's own.
fn remove(
    desk: &mut Desk<'_>,
    conv: ConvId,
    user: UserId,
    side: Side,
) -> Result<Option<SyncToken>, StoreError> {
    let mut delete = desk
        .conn
        .prepare_cached("DELETE FROM waiting WHERE conv = ?1 AND side = ?2 AND user = ?3")?;
    let gone = delete.execute([sql(conv.0), number(side), sql(user.0)])?;
    drop(delete);
    if gone > 0 { touch(desk, user).map(Some) } else { Ok(None) }
}

fn waits(desk: &Desk<'_>, conv: ConvId, user: UserId, side: Side) -> Result<bool, StoreError> {
    let mut query = desk.conn.prepare_cached(
        "SELECT 1 FROM waiting WHERE conv = ?1 AND side = ?2 AND user = ?3 AND until > ?4",
    )?;
    let key = [sql(conv.0), number(side), sql(user.0), desk.now.0];
    Ok(query.query_row(key, |_| Ok(())).optional()?.is_some())
}

fn of_group(desk: &Desk<'_>, conv: ConvId, side: Side) -> Result<u64, StoreError> {
    let mut query =
        desk.conn.prepare_cached("SELECT count(*) FROM waiting WHERE conv = ?1 AND side = ?2")?;
    Ok(query.query_row([sql(conv.0), number(side)], |row| num(row, 0))?)
}

fn of_user(desk: &Desk<'_>, user: UserId, side: Side) -> Result<u64, StoreError> {
    let mut query =
        desk.conn.prepare_cached("SELECT count(*) FROM waiting WHERE user = ?1 AND side = ?2")?;
    Ok(query.query_row([sql(user.0), number(side)], |row| num(row, 0))?)
}

/// Forgets what no longer counts. Bounded work; says whether more is left.
pub(super) fn prune(desk: &Desk<'_>, now: Millis, slice: i64) -> Result<bool, StoreError> {
    let mut delete = desk.conn.prepare_cached(
        "DELETE FROM waiting WHERE (conv, side, user) IN \
         (SELECT conv, side, user FROM waiting WHERE until <= ?1 LIMIT ?2)",
    )?;
    Ok(delete.execute([now.0, slice])?.cast_signed() as i64 >= slice)
}
