//! Who may do what. Pure functions of values; the IO around them is elsewhere.

use anser_domain::{Content, GroupRole, MemberChange, NewGroup, Outgoing, Refusal, Seq, UserName};
use anser_store::{Acl, Append, Entry};

use crate::config::Config;

/// Whether a message is one that can be taken at all, whoever sends it.
///
/// # Errors
/// Says which bound it breaks.
pub fn acceptable(message: &Outgoing, config: &Config) -> Result<(), Refusal> {
    match &message.content {
        Content::Text(text) if text.is_empty() => {
            return Err(Refusal::Invalid("a text message needs a text"));
        }
        Content::Text(text) if text.len() > config.max_text => {
            return Err(Refusal::TooLarge("the text is longer than the server allows"));
        }
        Content::Image(data) | Content::File(data) | Content::Custom(data)
            if data.len() > config.max_data =>
        {
            return Err(Refusal::TooLarge("the data is longer than the server allows"));
        }
        Content::Image(data) | Content::File(data) | Content::Custom(data)
            if serde_json::from_str::<serde::de::IgnoredAny>(data).is_err() =>
        {
            return Err(Refusal::Invalid("the data of this kind of message must be JSON"));
        }
        Content::Event(_) => return Err(Refusal::Invalid("events are written by the server only")),
        _ => {}
    }
    if message.payload.as_ref().is_some_and(|it| it.bytes.len() > config.max_data) {
        return Err(Refusal::TooLarge("the payload is longer than the server allows"));
    }
    if message.mentions.len() > config.max_mentions {
        return Err(Refusal::TooLarge("the message mentions too many users"));
    }
    Ok(())
}

/// Whether a new group is one that can be made.
///
/// # Errors
/// Says which bound it breaks.
pub fn acceptable_group(group: &NewGroup, config: &Config) -> Result<(), Refusal> {
    few_enough(&group.members, config)?;
    if group.title.len() > MAX_TITLE {
        return Err(Refusal::TooLarge("a title has at most 256 bytes"));
    }
    Ok(())
}

/// Longest name that people read, in bytes: it is shown on one line.
pub const MAX_TITLE: usize = 256;

/// Whether a change of members is one that can be made, whoever wants it.
///
/// # Errors
/// Says which bound it breaks.
pub fn acceptable_change(change: &MemberChange, config: &Config) -> Result<(), Refusal> {
    match change {
        MemberChange::Put { users, role: GroupRole::Owner } if users.len() != 1 => {
            Err(Refusal::Invalid("a group has exactly one owner"))
        }
        MemberChange::Put { users, .. } | MemberChange::Remove { users } => {
            if users.is_empty() {
                return Err(Refusal::Invalid("name at least one user"));
            }
            few_enough(users, config)
        }
    }
}

fn few_enough(users: &[UserName], config: &Config) -> Result<(), Refusal> {
    if users.len() > config.max_change {
        return Err(Refusal::TooLarge("too many users in one call"));
    }
    Ok(())
}

/// Whether `append` may stand in a conversation whose members are `acl`'s and whose log ends at
/// `head`.
///
/// # Errors
/// The refusal that the writer gets.
pub fn may_append(acl: &Acl, head: Seq, append: &Append) -> Result<(), Refusal> {
    let writer = acl.members.get(&append.actor.user).ok_or(Refusal::NotMember)?;
    match &append.entry {
        Entry::Message(message) => match message.reply_to {
            Some(Seq(0)) => Err(Refusal::Invalid("reply_to counts from 1")),
            // A reply always stands above what it quotes.
            Some(quoted) if quoted > head => {
                Err(Refusal::Invalid("reply_to names a message that does not exist"))
            }
            _ => Ok(()),
        },
        Entry::NewGroup(_) => Ok(()),
        Entry::Change(change) => may_change(writer.role, &writer.name, &change.change, |name| {
            acl.members.values().find(|member| member.name == *name).map(|it| it.role)
        }),
    }
}

/// Whether a member of standing `own` may change members so. `role_of` tells the standing of
/// those who are members.
fn may_change(
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
