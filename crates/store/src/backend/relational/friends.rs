//! Friendships and blocks, as they are made and ended.

use std::sync::Arc;

use super::engine::{OptionalExtension, params};
use anser_domain::{
    BlockPage, DeviceId, Listing, Millis, Refusal, RequestId, RequestPage, Subject, UserId,
    UserName,
};
use async_trait::async_trait;

use super::{
    Relational, acls,
    convert::{num, sql},
    desk::Desk,
    follow::tell,
    items::touch,
    requests,
};
use crate::port::{
    Acl, Asked, FactKind, FriendRow, FriendRows, Friends, Relation, StoreError, Told, UserRow,
    Watcher,
};

/// Most friends of a user: presence goes to each of them, and lists are read whole by devices.
pub(super) const MAX_FRIENDS: i64 = 5_000;
/// Most users that one user blocks.
const MAX_BLOCKS: i64 = 5_000;

/// The user of a name.
pub(super) fn named(desk: &mut Desk<'_>, name: &UserName) -> Result<UserId, StoreError> {
    Ok(desk.user_named(name)?.ok_or(Refusal::NoSuchUser)?)
}

/// Whether a row for the two stands and is not gone.
fn stands(desk: &Desk<'_>, sql_text: &str, one: UserId, other: UserId) -> Result<bool, StoreError> {
    Ok(desk.conn.prepare_cached(sql_text)?.exists([sql(one.0), sql(other.0)])?)
}

pub(super) fn are_friends(desk: &Desk<'_>, one: UserId, other: UserId) -> Result<bool, StoreError> {
    stands(desk, "SELECT 1 FROM friends WHERE user = ?1 AND friend = ?2 AND gone = 0", one, other)
}

pub(super) fn blocks(desk: &Desk<'_>, one: UserId, other: UserId) -> Result<bool, StoreError> {
    stands(desk, "SELECT 1 FROM blocks WHERE user = ?1 AND blocked = ?2 AND gone = 0", one, other)
}

/// Raises the version of the direct conversation of two users: what decides who may write to
/// whom has changed.
pub(super) fn rebond(desk: &mut Desk<'_>, one: UserId, other: UserId) -> Result<(), StoreError> {
    let Some(conv) = desk.direct(one, other)? else { return Ok(()) };
    let Some(acl) = desk.head(conv)?.map(|head| Arc::clone(&head.acl)) else { return Ok(()) };
    let mut acl = Acl::clone(&acl);
    acl.version += 1;
    acl.bond = acls::bond(desk.conn, one, other)?;
    desk.set_acl(&Arc::new(acl));
    Ok(())
}

/// Whether a user may have one friend more.
pub(super) fn room_for_friend(desk: &Desk<'_>, user: UserId) -> Result<(), StoreError> {
    let mut query =
        desk.conn.prepare_cached("SELECT count(*) FROM friends WHERE user = ?1 AND gone = 0")?;
    if query.query_row([sql(user.0)], |row| row.get::<_, i64>(0))? >= MAX_FRIENDS {
        return Err(Refusal::TooLarge("a user has at most 5,000 friends").into());
    }
    Ok(())
}

/// Tells apps what one user did to another.
pub(super) fn tell_of(
    desk: &mut Desk<'_>,
    kind: FactKind,
    user: UserId,
    key: &str,
    other: UserId,
) -> Result<(), StoreError> {
    let Some(name) = desk.person(user)?.map(|person| person.name) else { return Ok(()) };
    let Some(other) = desk.person(other)?.map(|person| person.name) else { return Ok(()) };
    tell(desk, kind, &name, &serde_json::json!({key: other.as_str()}).to_string())
}

/// Makes two users friends: the first has asked, if one of them did. Everything has been checked.
pub(super) fn join(
    desk: &mut Desk<'_>,
    one: UserId,
    other: UserId,
    told: &mut Vec<Told>,
) -> Result<(), StoreError> {
    for (user, friend) in [(one, other), (other, one)] {
        let at = touch(desk, user)?;
        let mut write = desk.conn.prepare_cached(
            "INSERT INTO friends VALUES (?1, ?2, '', '[]', ?3, 0, ?4) \
             ON CONFLICT (user, friend) DO UPDATE SET since = ?3, gone = 0, version = ?4",
        )?;
        write.execute([sql(user.0), sql(friend.0), desk.now.0, sql(at.0)])?;
        told.push(Told { user, subject: Subject::Friends, at });
    }
    tell_of(desk, FactKind::FriendMade, one, "friend", other)?;
    rebond(desk, one, other)
}

/// Ends a friendship, if there is one, for the first. What each said of the other is forgotten.
pub(super) fn part(
    desk: &mut Desk<'_>,
    one: UserId,
    other: UserId,
    told: &mut Vec<Told>,
) -> Result<(), StoreError> {
    if !are_friends(desk, one, other)? {
        return Ok(());
    }
    for (user, friend) in [(one, other), (other, one)] {
        let at = touch(desk, user)?;
        let mut write = desk.conn.prepare_cached(
            "UPDATE friends SET gone = 1, remark = '', lists = '[]', version = ?3 \
             WHERE user = ?1 AND friend = ?2",
        )?;
        write.execute([sql(user.0), sql(friend.0), sql(at.0)])?;
        told.push(Told { user, subject: Subject::Friends, at });
    }
    tell_of(desk, FactKind::FriendRemoved, one, "friend", other)
}

fn befriend(desk: &mut Desk<'_>, one: UserId, other: UserId) -> Result<Vec<Told>, StoreError> {
    let mut told = Vec::new();
    if one != other && !are_friends(desk, one, other)? {
        join(desk, one, other, &mut told)?;
    }
    Ok(told)
}

fn edit(
    desk: &mut Desk<'_>,
    user: UserId,
    friend: &UserName,
    remark: Option<&str>,
    lists: Option<&[Box<str>]>,
) -> Result<(UserId, Vec<Told>), StoreError> {
    let friend = named(desk, friend)?;
    if !are_friends(desk, user, friend)? {
        return Err(Refusal::NoSuch("friend").into());
    }
    let lists = lists.map(serde_json::to_string).transpose();
    let lists = lists.map_err(|error| StoreError::Failed(error.to_string()))?;
    let at = touch(desk, user)?;
    let mut write = desk.conn.prepare_cached(
        "UPDATE friends SET remark = coalesce(?3, remark), lists = coalesce(?4, lists), \
         version = ?5 WHERE user = ?1 AND friend = ?2",
    )?;
    write.execute(params![sql(user.0), sql(friend.0), remark, lists, sql(at.0)])?;
    Ok((friend, vec![Told { user, subject: Subject::Friends, at }]))
}

fn unfriend(
    desk: &mut Desk<'_>,
    user: UserId,
    friend: &UserName,
) -> Result<(UserId, Vec<Told>), StoreError> {
    let friend = named(desk, friend)?;
    let mut told = Vec::new();
    part(desk, user, friend, &mut told)?;
    if told.is_empty() {
        return Err(Refusal::NoSuch("friend").into());
    }
    rebond(desk, user, friend)?;
    Ok((friend, told))
}

pub(super) fn block(
    desk: &mut Desk<'_>,
    user: UserId,
    other: &UserName,
    blocked: bool,
) -> Result<(UserId, Vec<Told>), StoreError> {
    let other = named(desk, other)?;
    if other == user {
        return Err(Refusal::Invalid("nobody can block themself").into());
    }
    let mut told = Vec::new();
    desk.lock_users(user, other)?;
    if blocks(desk, user, other)? == blocked {
        return Ok((other, told));
    }
    if blocked {
        let mut query =
            desk.conn.prepare_cached("SELECT count(*) FROM blocks WHERE user = ?1 AND gone = 0")?;
        if query.query_row([sql(user.0)], |row| row.get::<_, i64>(0))? >= MAX_BLOCKS {
            return Err(Refusal::TooLarge("a user blocks at most 5,000 others").into());
        }
    }
    let at = touch(desk, user)?;
    let mut write = desk.conn.prepare_cached(
        "INSERT INTO blocks VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT (user, blocked) DO UPDATE SET since = ?3, gone = ?4, version = ?5",
    )?;
    write.execute(params![sql(user.0), sql(other.0), desk.now.0, !blocked, sql(at.0)])?;
    told.push(Told { user, subject: Subject::Blocks, at });
    if blocked {
        part(desk, user, other, &mut told)?;
        requests::withdraw_between(desk, user, other, &mut told)?;
    }
    rebond(desk, user, other)?;
    Ok((other, told))
}

#[async_trait]
impl Friends for Relational {
    async fn friends(&self, user: UserId, listing: Listing) -> Result<FriendRows, StoreError> {
        self.readers.call(move |reader| reader.friends(user, listing)).await
    }

    async fn watchers(&self, user: UserId, limit: u16) -> Result<(bool, Vec<Watcher>), StoreError> {
        self.readers.call(move |reader| reader.watchers(user, limit)).await
    }

    async fn relation(&self, user: UserId, other: UserId) -> Result<Relation, StoreError> {
        let read = self.readers.call(move |reader| {
            let bond = acls::bond(reader.conn, user, other)?;
            let blocker = |one| bond.blockers.contains(&one);
            let (blocks, blocked) = (blocker(user), blocker(other));
            Ok(Relation { friends: bond.friends, blocks, blocked })
        });
        read.await
    }

    async fn befriend(&self, one: UserId, other: UserId) -> Result<Vec<Told>, StoreError> {
        self.write(move |desk| befriend(desk, one, other)).await
    }

    async fn edit_friend(
        &self,
        user: UserId,
        friend: &UserName,
        remark: Option<Box<str>>,
        lists: Option<Vec<Box<str>>>,
    ) -> Result<(FriendRow, Vec<Told>), StoreError> {
        let friend = friend.clone();
        let edited =
            self.write(move |desk| edit(desk, user, &friend, remark.as_deref(), lists.as_deref()));
        let (friend, told) = edited.await?;
        let row = self.readers.call(move |reader| reader.friend(user, friend)).await?;
        Ok((row, told))
    }

    async fn unfriend(
        &self,
        user: UserId,
        friend: &UserName,
    ) -> Result<(UserId, Vec<Told>), StoreError> {
        let friend = friend.clone();
        self.write(move |desk| unfriend(desk, user, &friend)).await
    }

    async fn requests(&self, user: UserId, listing: Listing) -> Result<RequestPage, StoreError> {
        self.readers.call(move |reader| reader.requests(user, listing)).await
    }

    async fn request(
        &self,
        user: UserId,
        other: &UserName,
        message: Box<str>,
    ) -> Result<Asked, StoreError> {
        let other = other.clone();
        self.write(move |desk| requests::ask(desk, user, &other, &message)).await
    }

    async fn answer(
        &self,
        user: UserId,
        request: RequestId,
        accept: bool,
    ) -> Result<Asked, StoreError> {
        self.write(move |desk| requests::answer(desk, user, request, accept)).await
    }

    async fn withdraw(&self, user: UserId, request: RequestId) -> Result<Asked, StoreError> {
        self.write(move |desk| requests::withdraw(desk, user, request)).await
    }

    async fn blocks(&self, user: UserId, listing: Listing) -> Result<BlockPage, StoreError> {
        self.readers.call(move |reader| reader.blocks(user, listing)).await
    }

    async fn block(
        &self,
        user: UserId,
        other: &UserName,
        blocked: bool,
    ) -> Result<(UserId, Vec<Told>), StoreError> {
        let other = other.clone();
        self.write(move |desk| block(desk, user, &other, blocked)).await
    }

    async fn users_by_words(
        &self,
        viewer: UserId,
        words: Vec<String>,
        after: Option<&UserName>,
        limit: u16,
    ) -> Result<Vec<UserRow>, StoreError> {
        let after = after.cloned();
        self.readers
            .call(move |reader| reader.users_by_words(viewer, &words, after.as_ref(), limit))
            .await
    }

    async fn seen(&self, user: UserId) -> Result<Millis, StoreError> {
        let read = self.readers.call(move |reader| {
            let mut query =
                reader.conn.prepare_cached("SELECT max(seen) FROM devices WHERE user = ?1")?;
            Ok(Millis(
                query.query_row([sql(user.0)], |row| row.get::<_, Option<i64>>(0))?.unwrap_or(0),
            ))
        });
        read.await
    }

    async fn left(&self, device: DeviceId, now: Millis) -> Result<(), StoreError> {
        let written = self.write(move |desk| {
            let mut update = desk
                .conn
                .prepare_cached("UPDATE devices SET seen = max(seen, ?2) WHERE id = ?1")?;
            update.execute([sql(device.0), now.0])?;
            Ok(())
        });
        written.await
    }
}

/// The key of a row that a statement finds.
pub(super) fn found(
    desk: &Desk<'_>,
    sql_text: &str,
    one: UserId,
    other: UserId,
) -> Result<Option<u64>, StoreError> {
    let mut query = desk.conn.prepare_cached(sql_text)?;
    Ok(query.query_row([sql(one.0), sql(other.0)], |row| num(row, 0)).optional()?)
}
