//! Who comes into groups and who is taken out, and by whom.

use anser_domain::{GroupRole, MemberChange, NewGroup, Refusal, UserName};
use anser_store::Acl;

use crate::config::Config;

/// Whether a new group is one that can be made.
///
/// # Errors
/// Says which bound it breaks.
pub(crate) fn acceptable_group(group: &NewGroup, config: &Config) -> Result<(), Refusal> {
    few_enough(&group.members, config)?;
    if config.consent && !group.members.is_empty() {
        return Err(BY_CONSENT);
    }
    super::groups::is_title(&group.title)
}

/// Whether a change brings nobody in who has not said so.
pub(super) fn by_consent(acl: &Acl, change: &MemberChange) -> Result<(), Refusal> {
    match change {
        MemberChange::Put { users, .. }
            if users.iter().any(|name| acl.members.named(name).is_none()) =>
        {
            Err(BY_CONSENT)
        }
        _ => Ok(()),
    }
}

const BY_CONSENT: Refusal =
    Refusal::Invalid("people come in by their own consent here: invite them instead");

/// Whether a change of members is one that can be made, whoever wants it.
///
/// # Errors
/// Says which bound it breaks.
pub(super) fn acceptable_change(change: &MemberChange, config: &Config) -> Result<(), Refusal> {
    match change {
        MemberChange::Put { users, role: GroupRole::Owner } if users.len() != 1 => {
            Err(Refusal::Invalid("a group has exactly one owner"))
        }
        MemberChange::Put { users, .. } | MemberChange::Remove { users } => {
            acceptable_names(users, config)
        }
    }
}

/// Whether these are few enough to be named in one call, and not nobody.
///
/// # Errors
/// Says which bound they break.
pub(crate) fn acceptable_names(users: &[UserName], config: &Config) -> Result<(), Refusal> {
    if users.is_empty() {
        return Err(Refusal::Invalid("name at least one user"));
    }
    few_enough(users, config)
}

fn few_enough(users: &[UserName], config: &Config) -> Result<(), Refusal> {
    if users.len() > config.max_change {
        return Err(Refusal::TooLarge("too many users in one call"));
    }
    Ok(())
}

/// Whether a member of standing `own` may change members so. `role_of` tells the standing of
/// those who are members.
pub(super) fn may_change(
    own: GroupRole,
    own_name: &UserName,
    change: &MemberChange,
    role_of: impl Fn(&UserName) -> Option<GroupRole>,
) -> Result<(), Refusal> {
    match change {
        MemberChange::Remove { users } if matches!(users.as_slice(), [one] if one == own_name) => {
            if own == GroupRole::Owner {
                return Err(Refusal::Invalid("the owner hands the group over before leaving"));
            }
            Ok(())
        }
        // Only those who stand higher may take someone out.
        MemberChange::Remove { users } => {
            let all_lower = users.iter().all(|name| role_of(name).is_none_or(|role| role < own));
            if own >= GroupRole::Admin && all_lower { Ok(()) } else { Err(Refusal::Forbidden) }
        }
        MemberChange::Put { role: GroupRole::Member, users } => {
            // Making an admin a plain member again takes one who stands higher.
            let all_lower = users.iter().all(|name| role_of(name).is_none_or(|role| role < own));
            if own >= GroupRole::Admin && all_lower { Ok(()) } else { Err(Refusal::Forbidden) }
        }
        MemberChange::Put { role: GroupRole::Admin, users } => {
            let owner_named = users.iter().any(|name| role_of(name) == Some(GroupRole::Owner));
            if owner_named {
                return Err(Refusal::Invalid("the owner hands the group over instead"));
            }
            if own == GroupRole::Owner { Ok(()) } else { Err(Refusal::Forbidden) }
        }
        MemberChange::Put { role: GroupRole::Owner, users } => {
            if own != GroupRole::Owner {
                return Err(Refusal::Forbidden);
            }
            if users.iter().any(|name| role_of(name).is_none()) {
                return Err(Refusal::Invalid("only a member can become the owner"));
            }
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use GroupRole::{Admin, Member, Owner};

    fn names(names: &[&str]) -> Vec<UserName> {
        names.iter().map(|name| UserName::new(name).unwrap()).collect()
    }

    /// olga owns, adam administers, mia is a member, xeno is a stranger.
    fn role_of(name: &UserName) -> Option<GroupRole> {
        match name.as_str() {
            "olga" => Some(Owner),
            "adam" | "anna" => Some(Admin),
            "mia" => Some(Member),
            _ => None,
        }
    }

    fn verdict(who: &str, change: MemberChange) -> Result<(), Refusal> {
        let who = UserName::new(who).unwrap();
        may_change(role_of(&who).unwrap(), &who, &change, role_of)
    }

    #[test]
    fn who_may_change_members() {
        let put = |role, users: &[&str]| MemberChange::Put { users: names(users), role };
        let remove = |users: &[&str]| MemberChange::Remove { users: names(users) };
        let rows = [
            ("mia", put(Member, &["xeno"]), false),
            ("adam", put(Member, &["xeno"]), true),
            ("adam", put(Member, &["anna"]), false),
            ("olga", put(Member, &["anna"]), true),
            ("adam", put(Admin, &["mia"]), false),
            ("olga", put(Admin, &["mia"]), true),
            ("olga", put(Admin, &["olga"]), false),
            ("olga", put(Owner, &["mia"]), true),
            ("olga", put(Owner, &["xeno"]), false),
            ("adam", put(Owner, &["adam"]), false),
            ("mia", remove(&["mia"]), true),
            ("mia", remove(&["adam"]), false),
            ("mia", remove(&["mia", "adam"]), false),
            ("adam", remove(&["mia"]), true),
            ("adam", remove(&["anna"]), false),
            ("adam", remove(&["olga"]), false),
            ("olga", remove(&["adam", "mia"]), true),
            ("olga", remove(&["olga"]), false),
        ];
        for (who, change, allowed) in rows {
            let text = format!("{who}: {change:?}");
            assert_eq!(verdict(who, change).is_ok(), allowed, "{text}");
        }
    }
}
