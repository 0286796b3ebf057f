//! Who may do what. Pure functions of values, a file a theme; the IO around them is elsewhere.

mod avatar;
mod entry;
mod file;
mod groups;
mod members;
mod message;
mod people;
mod scope;
mod words;

use std::time::Duration;

use anser_domain::{Act, Clock, EntryChange, Message, Millis, Refusal, Seq};
use anser_store::{Acl, Append, ConversationKind, Entry};

pub use self::groups::{MAX_ANNOUNCEMENT, MAX_AVATAR, MAX_DESCRIPTION, MAX_REQUEST};
pub use self::people::WhoMayWrite;
pub(crate) use self::scope::{goes_on, needed};
pub use self::words::{BadList, OnWord, WordFilter};
pub(crate) use self::{
    entry::acceptable_reaction,
    file::{acceptable_content, acceptable_file},
    groups::{acceptable_profile, acceptable_request, may_decide, may_invite, may_see_members},
    members::{acceptable_group, acceptable_names},
    message::{acceptable, acceptable_content as acceptable_words},
    people::{
        ABOUT, AVATAR, FIELDS, SEES_FIELDS, SEES_PRESENCE, acceptable_item, acceptable_people,
        acceptable_remark, may_be_told, may_write_to,
    },
};
use crate::config::Config;

/// Longest name that people read, in bytes: it is shown on one line.
pub const MAX_TITLE: usize = 256;

/// Whether an act is one that can be done at all, whoever wants it.
///
/// # Errors
/// Says which bound it breaks.
pub(crate) fn acceptable_change(act: &Act, config: &Config) -> Result<(), Refusal> {
    match act {
        Act::Members(change) => members::acceptable_change(change, config),
        Act::Group(change) => groups::acceptable(change),
        Act::Entry(change) => entry::acceptable(change, config),
    }
}

/// What the rules ask beside the conversation itself.
pub struct Terms<'a> {
    /// For what ends at a time.
    pub clock: &'a dyn Clock,
    /// What the operator decided.
    pub config: &'a Config,
}

/// Whether `append` may stand in a conversation whose members are `acl`'s and whose log ends at
/// `head`.
///
/// # Errors
/// The refusal that the writer gets.
pub fn may_append(acl: &Acl, head: Seq, append: &Append, terms: &Terms<'_>) -> Result<(), Refusal> {
    let writer = acl.members.get(&append.actor.user);
    if let Entry::Change(change) = &append.entry
        && let Act::Group(change) = &change.act
    {
        return groups::may_change(acl, writer, change);
    }
    let writer = writer.ok_or(Refusal::NotMember)?;
    match &append.entry {
        Entry::Message(message) => {
            groups::may_post(acl, writer, || terms.clock.wall())?;
            message::may_send(message, head, writer.role, acl.members.len(), terms.config)
        }
        Entry::NewGroup(_) => Ok(()),
        Entry::Change(change) => match &change.act {
            Act::Members(change) => {
                if terms.config.consent {
                    members::by_consent(acl, change)?;
                }
                members::may_change(writer.role, &writer.name, change, |name| {
                    acl.members.named(name).map(|member| member.role)
                })
            }
            // Decided above.
            Act::Group(_) => Ok(()),
            // Asked again by `may_change_entry`, once the message is at hand.
            Act::Entry(_) => Ok(()),
        },
    }
}

/// Whether `append` may change the message `target`, `now`.
///
/// # Errors
/// The refusal that the writer gets.
pub fn may_change_entry(
    acl: &Acl,
    target: &Message,
    now: Millis,
    append: &Append,
    config: &Config,
) -> Result<(), Refusal> {
    let writer = acl.members.get(&append.actor.user).ok_or(Refusal::NotMember)?;
    let Entry::Change(change) = &append.entry else { return Ok(()) };
    let Act::Entry(change) = &change.act else { return Ok(()) };
    // An edit says something: who may not write may not say it in an old message's place.
    if matches!(change, EntryChange::Edit { .. }) {
        groups::may_post(acl, writer, || now)?;
    }
    let author = entry::Author {
        own: target.sender.user == append.actor.user,
        // Whoever has left stands below every member that is one.
        role: acl.members.get(&target.sender.user).map(|member| member.role),
    };
    let place = entry::Place {
        role: writer.role,
        direct: acl.kind == ConversationKind::Direct,
        pin: acl.policy.pin,
        age: Duration::from_millis(u64::try_from(now.0.saturating_sub(target.ts.0)).unwrap_or(0)),
    };
    entry::may_change(change, author, place, config)
}
