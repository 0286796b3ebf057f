//! Who is called by a message: a row for each, so that unread ones can be counted.

use super::engine::Connection;
use anser_domain::{ConvId, Message, Refusal, Seq, UserId, UserName};

use super::{
    convert::{num, sql},
    desk::Desk,
};
use crate::port::{Acl, StoreError};

/// Stands for everybody.
const ALL: UserId = UserId(0);

/// The keys of those named, who have to be members: a call that nobody hears is a slip that its
/// sender should learn of, and nobody else may be called into a conversation they cannot read.
pub(super) fn members(
    desk: &mut Desk<'_>,
    acl: &Acl,
    names: &[UserName],
) -> Result<Vec<UserId>, StoreError> {
    let mut users = Vec::with_capacity(names.len());
    for name in names {
        let user = desk.user_named(name)?.filter(|user| acl.members.contains_key(user));
        users.push(user.ok_or(Refusal::Invalid("mentions names someone who is not a member"))?);
    }
    Ok(users)
}

/// Remembers who is called.
pub(super) fn remember(
    desk: &Desk<'_>,
    conv: ConvId,
    seq: Seq,
    called: &[UserId],
    all: bool,
) -> Result<(), StoreError> {
    if called.is_empty() && !all {
        return Ok(());
    }
    let mut insert = desk
        .conn
        .prepare_cached("INSERT OR IGNORE INTO mentions (user, conv, seq) VALUES (?1, ?2, ?3)")?;
    for user in called.iter().copied().chain(all.then_some(ALL)) {
        insert.execute([sql(user.0), sql(conv.0), sql(seq.0)])?;
    }
    let mut newest = desk
        .conn
        .prepare_cached("UPDATE heads SET last_mention = max(last_mention, ?2) WHERE conv = ?1")?;
    newest.execute([sql(conv.0), sql(seq.0)])?;
    Ok(())
}

/// Forgets whom a message calls.
pub(super) fn forget(desk: &mut Desk<'_>, message: &Message) -> Result<(), StoreError> {
    let mut users = vec![ALL];
    for name in &message.mentions {
        users.extend(desk.user_named(name)?);
    }
    let mut delete = desk
        .conn
        .prepare_cached("DELETE FROM mentions WHERE user = ?1 AND conv = ?2 AND seq = ?3")?;
    for user in users {
        delete.execute([sql(user.0), sql(message.conv.0), sql(message.seq.0)])?;
    }
    Ok(())
}

/// How many messages in an interval of seq call `user`: above `read`, up to `head`.
pub(super) fn count(
    conn: &Connection,
    user: UserId,
    conv: ConvId,
    read: Seq,
    head: Seq,
) -> Result<u64, StoreError> {
    let mut query = conn.prepare_cached(
        "SELECT count(DISTINCT seq) FROM mentions \
         WHERE user IN (?1, 0) AND conv = ?2 AND seq > ?3 AND seq <= ?4",
    )?;
    let key = [sql(user.0), sql(conv.0), sql(read.0), sql(head.0)];
    Ok(query.query_row(key, |row| num(row, 0))?)
}
