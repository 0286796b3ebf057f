//! Groups: their beginning, and who comes and goes. The entry that says so and its effect on the
//! membership are one transaction.

use std::sync::Arc;

use super::engine::{OptionalExtension, params};
use anser_domain::{
    Content, GroupKind, GroupRole, LogEvent, Member, MemberChange, Message, Millis, Ord64, Policy,
    Refusal, Seq, UserName,
};

use super::{
    acls::GROUP,
    append::{NewMember, Slot, duplicate, insert_member, stored},
    change::{Effect, Step, write},
    convert::{group_role_number, num, sql},
    desk::Desk,
    door,
    policy::{policy, policy_number},
    reworded,
};
use crate::port::{
    Acl, Append, Appended, Bond, ConversationKind, Entry, Gate, Members, StoreError, Words,
};

/// The largest group: its members are held in memory by whoever fans out to them.
pub(super) const MAX_MEMBERS: usize = 100_000;
pub(super) const TOO_MANY: Refusal = Refusal::TooLarge("a group has at most 100,000 members");
pub(super) const OWNERLESS: Refusal =
    Refusal::Invalid("a group keeps its owner: hand the group over to someone else first");

/// Makes a group.
pub(super) fn create(
    desk: &mut Desk<'_>,
    gate: &dyn Gate,
    append: &Append,
    name: UserName,
) -> Result<Appended, StoreError> {
    let Entry::NewGroup(new) = &append.entry else { return Err(Refusal::Unavailable.into()) };
    let actor = append.actor;
    let mut listed = vec![(name.clone(), GroupRole::Owner)];
    for member in distinct(&new.members) {
        if *member != name {
            listed.push((member.clone(), GroupRole::Member));
        }
    }
    if let Some(conv) = desk.group(&new.name)? {
        let first = stored(desk, actor.device, new.client_id, conv)?;
        let (first, _) = first.ok_or(Refusal::NameTaken)?;
        if !begun_as(desk, &first, new, listed)? {
            return Err(Refusal::Conflict.into());
        }
        let acl = desk.head(conv)?.map(|head| Arc::clone(&head.acl));
        return Ok(duplicate(acl.ok_or(Refusal::NotMember)?, first));
    }
    if listed.len() > MAX_MEMBERS {
        return Err(TOO_MANY.into());
    }
    let mut members = Members::default();
    for (name, role) in &listed {
        members.insert(known(desk, name, *role)?);
    }
    let conv = desk.next_conv()?;
    let kind = ConversationKind::Group(new.name.clone());
    let (group, policy) = (new.kind, Policy::new(new.kind));
    let acl =
        Arc::new(Acl { conv, version: 1, kind, group, policy, members, bond: Bond::default() });
    gate.admit(&acl, Seq::ZERO, append)?;

    let id = desk.next_id();
    desk.make_head(GROUP, &acl)?;
    insert_group(desk, &acl, new)?;
    for member in acl.members.values() {
        let row = NewMember { user: member.user, role: member.role, peer: None };
        insert_member(desk, &acl, row, Seq(1), Ord64(0), id)?;
    }
    let slot = Slot { conv, seq: Seq(1), ord: Ord64(0), acl };
    // The title may be another one by the time of a retry.
    reworded::remember(
        desk,
        id,
        conv,
        slot.seq,
        &Words::of(&Content::Text(new.title.clone()), None),
    )?;
    write(desk, append, name, slot, id, LogEvent::Created { members: listed })
}

/// Who comes, changes standing, and goes.
#[derive(Default)]
pub(super) struct Moves {
    pub(super) put: Vec<Member>,
    pub(super) removed: Vec<Member>,
}

/// Checks a change of members.
pub(super) fn plan(
    desk: &mut Desk<'_>,
    acl: &Acl,
    change: &MemberChange,
) -> Result<Step, StoreError> {
    match change {
        MemberChange::Put { users, role } => plan_put(desk, acl, &distinct(users), *role),
        MemberChange::Remove { users } => plan_remove(desk, acl, &distinct(users)),
    }
}

/// Writes it, and puts the members that it makes into the slot. Answers who was taken out.
pub(super) fn apply(
    desk: &mut Desk<'_>,
    slot: &mut Slot,
    id: u64,
    moves: Moves,
    quiet: bool,
) -> Result<Vec<Member>, StoreError> {
    let mut acl = Acl::clone(&slot.acl);
    acl.version += 1;
    for member in &moves.put {
        let muted = put(desk, &acl, member, slot.seq, slot.ord, id)?;
        door::taken_up(desk, acl.conv, member.user)?;
        acl.members.insert(Member { muted, ..member.clone() });
    }
    // Without an entry that says so, the last they see is the last there is.
    let last = Seq(slot.seq.0 - u64::from(quiet));
    for member in &moves.removed {
        remove(desk, &acl, member, last, slot.ord, id)?;
        acl.members.remove(&member.user);
    }
    resize(desk, &acl)?;
    slot.acl = Arc::new(acl);
    desk.set_acl(&slot.acl);
    Ok(moves.removed)
}

fn plan_put(
    desk: &mut Desk<'_>,
    acl: &Acl,
    users: &[&UserName],
    role: GroupRole,
) -> Result<Step, StoreError> {
    let mut put = Vec::with_capacity(users.len() + 1);
    for name in users {
        put.push(known(desk, name, role)?);
    }
    let owner = acl.members.owner();
    if role == GroupRole::Owner {
        if put.len() != 1 {
            return Err(Refusal::Invalid("a group is handed over to exactly one user").into());
        }
        if let Some(owner) = owner.filter(|owner| put.iter().all(|new| new.user != owner.user)) {
            put.push(Member { role: GroupRole::Admin, ..owner.clone() });
        }
    } else if owner.is_some_and(|owner| put.iter().any(|new| new.user == owner.user)) {
        return Err(OWNERLESS.into());
    }
    if put.is_empty() {
        return Err(Refusal::Invalid("a change names at least one user").into());
    }
    let coming = put.iter().filter(|new| !acl.members.contains_key(&new.user)).count();
    if acl.members.len() + coming > MAX_MEMBERS {
        return Err(TOO_MANY.into());
    }
    Ok(comes(acl, put))
}

fn plan_remove(desk: &mut Desk<'_>, acl: &Acl, users: &[&UserName]) -> Result<Step, StoreError> {
    let mut removed = Vec::with_capacity(users.len());
    for name in users {
        let user = desk.user_named(name)?.ok_or(Refusal::NoSuchUser)?;
        let member = acl.members.get(&user);
        let member = member.ok_or(Refusal::Invalid("someone named is not a member"))?;
        if member.role == GroupRole::Owner {
            return Err(OWNERLESS.into());
        }
        removed.push(member.clone());
    }
    if removed.is_empty() {
        return Err(Refusal::Invalid("a change names at least one user").into());
    }
    Ok(goes(acl, removed))
}

/// These come in, or change their standing.
pub(super) fn comes(acl: &Acl, put: Vec<Member>) -> Step {
    let standing = |member: &Member| acl.members.get(&member.user).map(|held| held.role);
    let quiet = acl.group == GroupKind::Channel
        && put.iter().all(|member| {
            member.role == GroupRole::Member
                && standing(member).is_none_or(|role| role == GroupRole::Member)
        });
    let members = put.iter().map(|member| (member.name.clone(), member.role)).collect();
    let effect = Effect::Members(Moves { put, removed: Vec::new() });
    Step { event: LogEvent::Joined { members }, quiet, effect }
}

/// These go.
pub(super) fn goes(acl: &Acl, removed: Vec<Member>) -> Step {
    let quiet = acl.group == GroupKind::Channel
        && removed.iter().all(|member| member.role == GroupRole::Member);
    let members = removed.iter().map(|member| member.name.clone()).collect();
    let effect = Effect::Members(Moves { put: Vec::new(), removed });
    Step { event: LogEvent::Removed { members }, quiet, effect }
}

/// Keeps how many members a group has where it can be read without counting them.
pub(super) fn resize(desk: &Desk<'_>, acl: &Acl) -> Result<(), StoreError> {
    let mut update = desk.conn.prepare_cached("UPDATE `groups` SET size = ?2 WHERE conv = ?1")?;
    update.execute([sql(acl.conv.0), acl.members.len() as i64])?;
    Ok(())
}

/// Whether the stored event is what this change would have said.
pub(super) fn says(event: &LogEvent, change: &MemberChange) -> bool {
    match (event, change) {
        (LogEvent::Joined { members }, MemberChange::Put { users, role: GroupRole::Owner }) => {
            members.first().map(|member| &member.0) == users.first()
        }
        (LogEvent::Joined { members }, MemberChange::Put { users, role }) => {
            let users = distinct(users);
            members.len() == users.len()
                && members.iter().zip(users).all(|(said, user)| said.0 == *user && said.1 == *role)
        }
        (LogEvent::Removed { members }, MemberChange::Remove { users }) => {
            members.iter().eq(distinct(users))
        }
        _ => false,
    }
}

fn distinct(names: &[UserName]) -> Vec<&UserName> {
    let mut seen = rustc_hash::FxHashSet::default();
    names.iter().filter(|name| seen.insert(*name)).collect()
}

pub(super) fn known(
    desk: &mut Desk<'_>,
    name: &UserName,
    role: GroupRole,
) -> Result<Member, StoreError> {
    let user = desk.user_named(name)?.ok_or(Refusal::NoSuchUser)?;
    let person = desk.person(user)?.filter(|person| !person.disabled);
    let name = person.ok_or(Refusal::NoSuchUser)?.name;
    Ok(Member { user, name, role, muted: Millis(0) })
}

/// Whether this wish is what made the group whose first entry this is.
fn begun_as(
    desk: &Desk<'_>,
    first: &Message,
    new: &anser_domain::NewGroup,
    listed: Vec<(UserName, GroupRole)>,
) -> Result<bool, StoreError> {
    let mut query =
        desk.conn.prepare_cached("SELECT title, policy FROM `groups` WHERE conv = ?1")?;
    let (title, kind): (Box<str>, _) =
        query.query_row([sql(first.conv.0)], |row| Ok((row.get(0)?, policy(row.get(1)?).0)))?;
    // Groups older than the digest are known by the title they have.
    let (title, wished) = (Content::Text(title), Content::Text(new.title.clone()));
    Ok(first.content == Content::Event(LogEvent::Created { members: listed })
        && kind == new.kind
        && reworded::same(desk, first.id, (&title, None), (&wished, None), None)?)
}

fn insert_group(
    desk: &Desk<'_>,
    acl: &Acl,
    new: &anser_domain::NewGroup,
) -> Result<(), StoreError> {
    let mut insert = desk.conn.prepare_cached(
        "INSERT INTO `groups` (conv, name, title, created, policy, size, description, avatar, \
         announcement) VALUES (?1, ?2, ?3, ?4, ?5, ?6, '', '', '')",
    )?;
    insert.execute(params![
        sql(acl.conv.0),
        new.name.as_str(),
        &*new.title,
        desk.now.0,
        policy_number(acl.group, &acl.policy),
        acl.members.len() as i64,
    ])?;
    Ok(())
}

/// Lets someone in, again perhaps, or changes their standing. Answers until when they may not
/// write: leaving and coming back does not end that.
fn put(
    desk: &Desk<'_>,
    acl: &Acl,
    member: &Member,
    seq: Seq,
    ord: Ord64,
    id: u64,
) -> Result<Millis, StoreError> {
    let key = [sql(member.user.0), sql(acl.conv.0)];
    if let Some(held) = acl.members.get(&member.user) {
        let mut update = desk.conn.prepare_cached(
            "UPDATE members SET role = ?3, acl_version = ?4, changed = ?5 \
             WHERE user = ?1 AND conv = ?2",
        )?;
        let role = group_role_number(member.role);
        update.execute(params![key[0], key[1], role, sql(acl.version), sql(id)])?;
        return Ok(held.muted);
    }
    let mut query = desk.conn.prepare_cached(
        "SELECT from_seq, until_seq, muted FROM members WHERE user = ?1 AND conv = ?2",
    )?;
    let row = query
        .query_row(key, |row| Ok((num(row, 0)?, num(row, 1)?, Millis(row.get(2)?))))
        .optional()?;
    let Some((from, until, muted)) = row else {
        let row = NewMember { user: member.user, role: member.role, peer: None };
        insert_member(desk, acl, row, seq, ord, id)?;
        return Ok(Millis(0));
    };
    // Whoever left a channel before anything was said in it has seen nothing.
    let seen = from <= until;
    if seen {
        let mut insert = desk.conn.prepare_cached(
            "INSERT INTO spans (user, conv, from_seq, until_seq) VALUES (?1, ?2, ?3, ?4)",
        )?;
        insert.execute([key[0], key[1], sql(from), sql(until)])?;
    }
    let mut update = desk.conn.prepare_cached(
        "UPDATE members SET role = ?3, from_seq = ?4, until_seq = NULL, until_ord = NULL, \
         title = NULL, earlier = earlier + ?10, read_seq = ?5, read_ord = ?6, joined = ?7, acl_version = ?8, \
         changed = ?9 WHERE user = ?1 AND conv = ?2",
    )?;
    update.execute(params![
        key[0],
        key[1],
        group_role_number(member.role),
        sql(seq.0),
        sql(seq.0 - 1),
        sql(ord.0),
        desk.now.0,
        sql(acl.version),
        sql(id),
        i64::from(seen)
    ])?;
    Ok(muted)
}

/// Takes someone out: `seq` is the last entry they see.
fn remove(
    desk: &Desk<'_>,
    acl: &Acl,
    member: &Member,
    seq: Seq,
    ord: Ord64,
    id: u64,
) -> Result<(), StoreError> {
    let mut update = desk.conn.prepare_cached(
        "UPDATE members SET until_seq = ?3, until_ord = ?4, acl_version = ?5, changed = ?6, \
         title = (SELECT g.title FROM `groups` g WHERE g.conv = ?2) WHERE user = ?1 AND conv = ?2",
    )?;
    update.execute([
        sql(member.user.0),
        sql(acl.conv.0),
        sql(seq.0),
        sql(ord.0),
        sql(acl.version),
        sql(id),
    ])?;
    Ok(())
}
