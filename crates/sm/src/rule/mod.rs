//! Who may do what. Pure functions of values, a file a theme; the IO around them is elsewhere.

mod file;
mod groups;
mod members;
mod message;
mod scope;

use anser_domain::{Act, Clock, Refusal, Seq};
use anser_store::{Acl, Append, Entry};

pub use self::groups::{MAX_ANNOUNCEMENT, MAX_AVATAR, MAX_DESCRIPTION, MAX_REQUEST};
pub(crate) use self::scope::needed;
pub(crate) use self::{
    file::{acceptable_content, acceptable_file},
    groups::{acceptable_request, may_decide, may_invite, may_see_members},
    members::{acceptable_group, acceptable_names},
    message::acceptable,
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
    }
}

/// What the rules ask beside the conversation itself.
pub struct Terms<'a> {
    /// For what ends at a time.
    pub clock: &'a dyn Clock,
    /// Whether people come into groups by their own consent only: then admins invite, and put
    /// nobody in.
    pub consent: bool,
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
            message::may_send(message, head)
        }
        Entry::NewGroup(_) => Ok(()),
        Entry::Change(change) => match &change.act {
            Act::Members(change) => {
                if terms.consent {
                    members::by_consent(acl, change)?;
                }
                members::may_change(writer.role, &writer.name, change, |name| {
                    acl.members.named(name).map(|member| member.role)
                })
            }
            // Decided above.
            Act::Group(_) => Ok(()),
        },
    }
}
