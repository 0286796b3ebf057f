//! An import: each record is checked before anything of it is written.

use std::sync::Arc;

use anser_domain::{
    GroupKind, GroupName, GroupRole, Member, Millis, Ord64, Policy, Refusal, Seq, UserId, UserName,
};
use async_trait::async_trait;

use super::{
    Relational,
    acls::GROUP,
    append::{NewMember, insert_member},
    convert::sql,
    desk::Desk,
    engine::params,
    friends, group, items,
    moving_log::{Touched, keep_up, take_entry},
    policy::{policy, policy_number},
    users,
};
use crate::port::{
    Acl, Bond, ConversationKind, GroupRecord, Members, Moving, MovingPlace, NewItem, NewUserRow,
    Record, StoreError, UserChange, UserRecord,
};

pub(super) const NO_GROUP: Refusal = Refusal::NoSuch("group");

#[async_trait]
impl Moving for Relational {
    async fn export(
        &self,
        from: MovingPlace,
        limit: u16,
    ) -> Result<(Vec<Record>, Option<MovingPlace>), StoreError> {
        self.readers.call(move |reader| reader.export(from, limit)).await
    }

    async fn import(&self, records: Vec<Record>) -> Result<Vec<Result<bool, Refusal>>, StoreError> {
        self.write(move |desk| import(desk, records)).await
    }
}

fn import(
    desk: &mut Desk<'_>,
    records: Vec<Record>,
) -> Result<Vec<Result<bool, Refusal>>, StoreError> {
    let mut touched = Touched::new();
    let mut done = Vec::with_capacity(records.len());
    let mut records = records.into_iter().peekable();
    while let Some(record) = records.next() {
        let Record::Member { group, user, role, from } = record else {
            done.push(told(one(desk, record, &mut touched))?);
            continue;
        };
        let mut run = vec![Coming { user, role, from }];
        while let Some(Record::Member { user, role, from, .. }) = records
            .next_if(|next| matches!(next, Record::Member { group: its, .. } if *its == group))
        {
            run.push(Coming { user, role, from });
        }
        take_members(desk, &group, run, &mut done)?;
    }
    for (conv, before) in touched {
        keep_up(desk, conv, before)?;
    }
    Ok(done)
}

/// What is told of one record; `Err` when nothing more can be done.
fn told(done: Result<bool, StoreError>) -> Result<Result<bool, Refusal>, StoreError> {
    match done {
        Ok(new) => Ok(Ok(new)),
        Err(StoreError::Refused(refusal)) => Ok(Err(refusal)),
        Err(failed) => Err(failed),
    }
}

fn one(desk: &mut Desk<'_>, record: Record, touched: &mut Touched) -> Result<bool, StoreError> {
    match record {
        Record::User(user) => take_user(desk, user),
        Record::Item { user, key, value } => {
            let user = friends::named(desk, &user)?;
            let mut query = desk.conn.prepare_cached(
                "SELECT 1 FROM items WHERE user = ?1 AND `key` = ?2 AND value IS NOT NULL",
            )?;
            if query.exists(params![sql(user.0), key.as_str()])? {
                return Ok(false);
            }
            items::put(desk, user, vec![NewItem { key, value: Some(value), expected: None }])?;
            Ok(true)
        }
        Record::Friend { user, friend, remark, lists, since } => {
            let pair = (friends::named(desk, &user)?, friends::named(desk, &friend)?);
            take_friend(desk, pair, &remark, &lists, since)
        }
        Record::Block { user, blocked, since } => {
            let user = friends::named(desk, &user)?;
            let other = friends::named(desk, &blocked)?;
            if friends::blocks(desk, user, other)? {
                return Ok(false);
            }
            friends::block(desk, user, &blocked, true)?;
            let mut update = desk
                .conn
                .prepare_cached("UPDATE blocks SET since = ?3 WHERE user = ?1 AND blocked = ?2")?;
            update.execute([sql(user.0), sql(other.0), since.0])?;
            Ok(true)
        }
        Record::Group(group) => take_group(desk, &group),
        // Members come in runs.
        Record::Member { .. } => Err(StoreError::Failed("a member on its own".into())),
        Record::Entry(entry) => take_entry(desk, *entry, touched),
    }
}

fn take_user(desk: &mut Desk<'_>, user: UserRecord) -> Result<bool, StoreError> {
    if desk.user_named(&user.name)?.is_some() {
        return Ok(false);
    }
    let UserRecord { name, display_name, role, disabled, keys } = user;
    let made = users::create(desk, vec![NewUserRow { name, display_name, role, keys }])?;
    let id = made.into_iter().next().unwrap_or(Err(Refusal::Unavailable))?;
    if disabled {
        users::change(desk, id, UserChange::Disabled(true))?;
    }
    Ok(true)
}

/// Makes two friends; what is said of a friend is taken where nothing was said yet.
fn take_friend(
    desk: &mut Desk<'_>,
    (one, other): (UserId, UserId),
    remark: &str,
    lists: &[Box<str>],
    since: Millis,
) -> Result<bool, StoreError> {
    if one == other {
        return Err(Refusal::Invalid("nobody is their own friend").into());
    }
    let lists = serde_json::to_string(lists).map_err(|it| StoreError::Failed(it.to_string()))?;
    let fresh = !friends::are_friends(desk, one, other)?;
    if fresh {
        if friends::blocks(desk, one, other)? || friends::blocks(desk, other, one)? {
            return Err(Refusal::Invalid("one of them has blocked the other").into());
        }
        friends::room_for_friend(desk, one)?;
        friends::room_for_friend(desk, other)?;
        friends::join(desk, one, other, &mut Vec::new())?;
        let mut update = desk.conn.prepare_cached(
            "UPDATE friends SET since = ?3 \
             WHERE (user = ?1 AND friend = ?2) OR (user = ?2 AND friend = ?1)",
        )?;
        update.execute([sql(one.0), sql(other.0), since.0])?;
    }
    if remark.is_empty() && lists == "[]" {
        return Ok(fresh);
    }
    let mut unsaid = desk.conn.prepare_cached(
        "SELECT 1 FROM friends WHERE user = ?1 AND friend = ?2 AND remark = '' AND lists = '[]'",
    )?;
    if !unsaid.exists([sql(one.0), sql(other.0)])? {
        return Ok(fresh);
    }
    let at = items::touch(desk, one)?;
    let mut say = desk.conn.prepare_cached(
        "UPDATE friends SET remark = ?3, lists = ?4, version = ?5 \
         WHERE user = ?1 AND friend = ?2",
    )?;
    say.execute(params![sql(one.0), sql(other.0), remark, lists, sql(at.0)])?;
    Ok(true)
}

pub(super) fn member(
    desk: &mut Desk<'_>,
    user: UserId,
    role: GroupRole,
) -> Result<Member, StoreError> {
    let name = desk.person(user)?.ok_or(Refusal::NoSuchUser)?.name;
    Ok(Member { user, name, role, muted: Millis(0) })
}

fn take_group(desk: &mut Desk<'_>, new: &GroupRecord) -> Result<bool, StoreError> {
    if desk.group(&new.name)?.is_some() {
        return Ok(false);
    }
    let owner = friends::named(desk, &new.owner)?;
    let mut members = Members::default();
    members.insert(member(desk, owner, GroupRole::Owner)?);
    let (group, policy) = new.policy.map_or_else(
        || (GroupKind::Group, Policy::new(GroupKind::Group)),
        |number| policy(number.into()),
    );
    let (conv, kind) = (desk.next_conv()?, ConversationKind::Group(new.name.clone()));
    let acl =
        Arc::new(Acl { conv, version: 1, kind, group, policy, members, bond: Bond::default() });
    let id = desk.next_id();
    desk.make_head(GROUP, &acl)?;
    let mut insert = desk.conn.prepare_cached(
        "INSERT INTO `groups` (conv, name, title, created, policy, size, description, avatar, \
         announcement) VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6, ?7, ?8)",
    )?;
    insert.execute(params![
        sql(conv.0),
        new.name.as_str(),
        &*new.title,
        new.created.0,
        policy_number(acl.group, &acl.policy),
        &*new.description,
        &*new.avatar,
        &*new.announcement,
    ])?;
    let row = NewMember { user: owner, role: GroupRole::Owner, peer: None };
    insert_member(desk, &acl, row, new.from, Ord64(0), id)?;
    desk.move_head(conv, |head| head.changed = id);
    Ok(true)
}

/// Somebody who comes into a group.
struct Coming {
    user: UserName,
    role: GroupRole,
    from: Seq,
}

/// Takes in those of one group who stand one behind the other: one version of it for all of them,
/// however many a large group has.
fn take_members(
    desk: &mut Desk<'_>,
    group: &GroupName,
    run: Vec<Coming>,
    done: &mut Vec<Result<bool, Refusal>>,
) -> Result<(), StoreError> {
    let conv = desk.group(group)?;
    let acl = match conv {
        Some(conv) => desk.head(conv)?.map(|head| Arc::clone(&head.acl)),
        None => None,
    };
    let Some(before) = acl else {
        done.extend(run.iter().map(|_| Err(NO_GROUP)));
        return Ok(());
    };
    let mut acl = Acl::clone(&before);
    acl.version += 1;
    for coming in run {
        done.push(told(take_member(desk, &mut acl, coming))?);
    }
    if acl.members.len() > before.members.len() {
        group::resize(desk, &acl)?;
        desk.set_acl(&Arc::new(acl));
    }
    Ok(())
}

fn take_member(desk: &mut Desk<'_>, acl: &mut Acl, coming: Coming) -> Result<bool, StoreError> {
    let Coming { user, role, from } = coming;
    let user = friends::named(desk, &user)?;
    if acl.members.contains_key(&user) {
        return Ok(false);
    }
    if role == GroupRole::Owner {
        return Err(Refusal::Invalid("a group's owner comes with the group").into());
    }
    if acl.members.len() >= group::MAX_MEMBERS {
        return Err(group::TOO_MANY.into());
    }
    let mut was =
        desk.conn.prepare_cached("SELECT 1 FROM members WHERE user = ?1 AND conv = ?2")?;
    if was.exists([sql(user.0), sql(acl.conv.0)])? {
        return Err(Refusal::Invalid("they have left this group").into());
    }
    let member = member(desk, user, role)?;
    let id = desk.next_id();
    insert_member(desk, acl, NewMember { user, role, peer: None }, from, Ord64(0), id)?;
    acl.members.insert(member);
    Ok(true)
}
