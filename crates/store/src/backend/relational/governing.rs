//! What a group is and who may do what in it: its profile, its policy, who is muted, its end; and
//! what people do for themselves, coming in and leaving.

use std::sync::Arc;

use super::engine::params;
use anser_domain::{
    GroupChange, GroupRole, JoinPolicy, LogEvent, Member, Millis, PolicyPatch, ProfilePatch,
    Refusal, UserId, UserName,
};

use super::{
    append::Slot,
    change::{self, Step},
    convert::sql,
    desk::Desk,
    door,
    group::{self, MAX_MEMBERS, Moves, OWNERLESS, TOO_MANY},
    policy::policy_number,
};
use crate::port::{Acl, Members, StoreError};

/// What is written beside the entry.
pub(super) enum Effect {
    Profile(ProfilePatch),
    Policy(PolicyPatch),
    Mute(Member, Millis),
    Dissolve,
}

/// Checks a change.
pub(super) fn plan(
    desk: &mut Desk<'_>,
    acl: &Acl,
    actor: UserId,
    change: &GroupChange,
) -> Result<Step, StoreError> {
    let step = |event, effect| Step { event, quiet: false, effect: change::Effect::Group(effect) };
    Ok(match change {
        GroupChange::Profile(patch) => {
            step(LogEvent::Profile(patch.clone()), Effect::Profile(patch.clone()))
        }
        GroupChange::Policy(patch) => step(LogEvent::Policy(*patch), Effect::Policy(*patch)),
        GroupChange::Mute { user, until } => {
            let member = acl.members.named(user).cloned();
            let member = member.ok_or(Refusal::Invalid("someone named is not a member"))?;
            let event = LogEvent::Muted { user: user.clone(), until: *until };
            step(event, Effect::Mute(member, *until))
        }
        GroupChange::Dissolve => step(LogEvent::Dissolved, Effect::Dissolve),
        GroupChange::Join => join(desk, acl, actor)?,
        GroupChange::Approve { user } => {
            let member = group::known(desk, user, GroupRole::Member)?;
            if !door::is_asking(desk, acl.conv, member.user)? {
                return Err(Refusal::Invalid("nobody of that name asks to come in").into());
            }
            comes(acl, member)?
        }
        GroupChange::Leave => {
            let member = acl.members.get(&actor).ok_or(Refusal::NotMember)?;
            if member.role == GroupRole::Owner {
                return Err(OWNERLESS.into());
            }
            group::goes(acl, vec![member.clone()])
        }
    })
}

/// Someone comes in of their own accord: whether they may is a matter of the policy and of what
/// waits at the door.
fn join(desk: &mut Desk<'_>, acl: &Acl, user: UserId) -> Result<Step, StoreError> {
    if let Some(member) = acl.members.get(&user) {
        // They are where they want to be.
        let members = vec![(member.name.clone(), member.role)];
        let effect = change::Effect::Members(Moves::default());
        return Ok(Step { event: LogEvent::Joined { members }, quiet: true, effect });
    }
    // A hidden group is open to nobody who was not told of it.
    let open = acl.policy.join == JoinPolicy::Open && !acl.policy.hidden;
    if !open && !door::is_invited(desk, acl.conv, user)? {
        return Err(door::turned_away(acl).into());
    }
    let name = desk.person(user)?.ok_or(Refusal::NoSuchUser)?.name;
    comes(acl, Member { user, name, role: GroupRole::Member, muted: Millis(0) })
}

fn comes(acl: &Acl, member: Member) -> Result<Step, StoreError> {
    if acl.members.len() >= MAX_MEMBERS {
        return Err(TOO_MANY.into());
    }
    Ok(group::comes(acl, vec![member]))
}

/// Writes it, and puts what it makes of the group into the slot. Answers who was taken out.
pub(super) fn apply(
    desk: &mut Desk<'_>,
    slot: &mut Slot,
    id: u64,
    effect: Effect,
) -> Result<Vec<Member>, StoreError> {
    let conv = sql(slot.conv.0);
    if let Effect::Profile(patch) = effect {
        let mut update = desk.conn.prepare_cached(
            "UPDATE `groups` SET title = coalesce(?2, title), \
             description = coalesce(?3, description), avatar = coalesce(?4, avatar), \
             announcement = coalesce(?5, announcement) WHERE conv = ?1",
        )?;
        let ProfilePatch { title, description, avatar, announcement } = patch;
        update.execute(params![conv, title, description, avatar, announcement])?;
        // No permission has changed, so the members' version stands.
        return Ok(Vec::new());
    }
    let mut acl = Acl::clone(&slot.acl);
    acl.version += 1;
    let mut removed = Vec::new();
    match effect {
        Effect::Profile(_) => {}
        Effect::Policy(patch) => {
            acl.policy = patch.onto(acl.policy);
            save_policy(desk, &acl)?;
        }
        Effect::Mute(member, until) => {
            let mut update = desk.conn.prepare_cached(
                "UPDATE members SET muted = ?3, acl_version = ?4, changed = ?5 \
                 WHERE user = ?1 AND conv = ?2",
            )?;
            let user = sql(member.user.0);
            update.execute([user, conv, until.0, sql(acl.version), sql(id)])?;
            acl.members.insert(Member { muted: until, ..member });
        }
        Effect::Dissolve => {
            // One statement, so that there is no moment at which half of a group is left.
            let mut update = desk.conn.prepare_cached(
                "UPDATE members SET until_seq = ?2, until_ord = ?3, acl_version = ?4, \
                 changed = ?5 WHERE conv = ?1 AND until_seq IS NULL",
            )?;
            let last = [sql(slot.seq.0), sql(slot.ord.0)];
            update.execute([conv, last[0], last[1], sql(acl.version), sql(id)])?;
            door::forget(desk, acl.conv)?;
            removed = std::mem::take(&mut acl.members).values().cloned().collect();
            acl.members = Members::default();
            acl.policy.hidden = true;
            acl.policy.join = JoinPolicy::Invite;
            save_policy(desk, &acl)?;
            group::resize(desk, &acl)?;
        }
    }
    slot.acl = Arc::new(acl);
    desk.set_acl(&slot.acl);
    Ok(removed)
}

fn save_policy(desk: &Desk<'_>, acl: &Acl) -> Result<(), StoreError> {
    let mut update = desk.conn.prepare_cached("UPDATE `groups` SET policy = ?2 WHERE conv = ?1")?;
    update.execute([sql(acl.conv.0), policy_number(acl.group, &acl.policy)])?;
    Ok(())
}

/// Whether the stored event is what this change of `sender`'s would have said.
pub(super) fn says(event: &LogEvent, sender: &UserName, change: &GroupChange) -> bool {
    match (event, change) {
        (LogEvent::Profile(said), GroupChange::Profile(patch)) => said == patch,
        (LogEvent::Policy(said), GroupChange::Policy(patch)) => said == patch,
        (LogEvent::Muted { user: said, until: to }, GroupChange::Mute { user, until }) => {
            (said, to) == (user, until)
        }
        (LogEvent::Dissolved, GroupChange::Dissolve) => true,
        (LogEvent::Joined { members }, GroupChange::Join) => is_only(members, sender),
        (LogEvent::Joined { members }, GroupChange::Approve { user }) => is_only(members, user),
        (LogEvent::Removed { members }, GroupChange::Leave) => {
            matches!(members.as_slice(), [one] if one == sender)
        }
        _ => false,
    }
}

fn is_only(members: &[(UserName, GroupRole)], user: &UserName) -> bool {
    matches!(members, [(name, GroupRole::Member)] if name == user)
}
