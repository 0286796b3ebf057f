//! Who may do what in a group, as one number; and changes of it, and of the profile, as they stand
//! in the log.

use anser_domain::{GroupKind, JoinPolicy, Policy, PolicyPatch, ProfilePatch, Who};
use serde::{Deserialize, Serialize};

const CHANNEL: i64 = 1;
const JOIN_SHIFT: u32 = 1;
const INVITE_ADMINS: i64 = 1 << 3;
const POST_ADMINS: i64 = 1 << 4;
const PIN_ADMINS: i64 = 1 << 5;
const EDIT_ADMINS: i64 = 1 << 6;
const HIDDEN: i64 = 1 << 7;

/// What a group is and who may do what in it, as one number.
pub(super) fn policy_number(kind: GroupKind, policy: &Policy) -> i64 {
    let bit = |who: Who, bit| if who == Who::Admins { bit } else { 0 };
    let join = match policy.join {
        JoinPolicy::Open => 0,
        JoinPolicy::Approval => 1,
        JoinPolicy::Invite => 2,
    };
    (if kind == GroupKind::Channel { CHANNEL } else { 0 })
        | join << JOIN_SHIFT
        | bit(policy.invite, INVITE_ADMINS)
        | bit(policy.post, POST_ADMINS)
        | bit(policy.pin, PIN_ADMINS)
        | bit(policy.edit, EDIT_ADMINS)
        | (if policy.hidden { HIDDEN } else { 0 })
}

/// The same, read back.
pub(super) fn policy(number: i64) -> (GroupKind, Policy) {
    let who = |bit| if number & bit == 0 { Who::Members } else { Who::Admins };
    let kind = if number & CHANNEL == 0 { GroupKind::Group } else { GroupKind::Channel };
    let join = match number >> JOIN_SHIFT & 3 {
        0 => JoinPolicy::Open,
        1 => JoinPolicy::Approval,
        _ => JoinPolicy::Invite,
    };
    let policy = Policy {
        join,
        invite: who(INVITE_ADMINS),
        post: who(POST_ADMINS),
        pin: who(PIN_ADMINS),
        edit: who(EDIT_ADMINS),
        hidden: number & HIDDEN != 0,
    };
    (kind, policy)
}

/// What changed of a group's profile.
#[derive(Serialize, Deserialize)]
pub(super) struct ProfileRow {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    title: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    avatar: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    announcement: Option<Box<str>>,
}

/// What changed of a group's policy: a name for how people join, `true` for what is the admins'.
#[derive(Serialize, Deserialize)]
pub(super) struct PolicyRow {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    join: Option<JoinRow>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    invite: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    post: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pin: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    edit: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hidden: Option<bool>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum JoinRow {
    Open,
    Approval,
    Invite,
}

impl From<&ProfilePatch> for ProfileRow {
    fn from(patch: &ProfilePatch) -> Self {
        let ProfilePatch { title, description, avatar, announcement } = patch.clone();
        Self { title, description, avatar, announcement }
    }
}

impl From<ProfileRow> for ProfilePatch {
    fn from(row: ProfileRow) -> Self {
        let ProfileRow { title, description, avatar, announcement } = row;
        Self { title, description, avatar, announcement }
    }
}

impl From<&PolicyPatch> for PolicyRow {
    fn from(patch: &PolicyPatch) -> Self {
        let admins = |who: Option<Who>| who.map(|who| who == Who::Admins);
        Self {
            join: patch.join.map(|join| match join {
                JoinPolicy::Open => JoinRow::Open,
                JoinPolicy::Approval => JoinRow::Approval,
                JoinPolicy::Invite => JoinRow::Invite,
            }),
            invite: admins(patch.invite),
            post: admins(patch.post),
            pin: admins(patch.pin),
            edit: admins(patch.edit),
            hidden: patch.hidden,
        }
    }
}

impl From<PolicyRow> for PolicyPatch {
    fn from(row: PolicyRow) -> Self {
        let who =
            |admins: Option<bool>| admins.map(|it| if it { Who::Admins } else { Who::Members });
        Self {
            join: row.join.map(|join| match join {
                JoinRow::Open => JoinPolicy::Open,
                JoinRow::Approval => JoinPolicy::Approval,
                JoinRow::Invite => JoinPolicy::Invite,
            }),
            invite: who(row.invite),
            post: who(row.post),
            pin: who(row.pin),
            edit: who(row.edit),
            hidden: row.hidden,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_one_number() {
        for number in 0..256 {
            let join_is_known = number >> 1 & 3 < 3;
            let (kind, read) = policy(number);
            assert_eq!(policy_number(kind, &read) == number, join_is_known, "{number}");
        }
        let default = policy_number(GroupKind::Group, &Policy::default());
        assert_eq!(default, 236, "as the migration says");
    }
}
