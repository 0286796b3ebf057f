//! Who may do what. Pure functions of values, a file a theme; the IO around them is elsewhere.

mod file;
mod members;
mod message;

use anser_domain::{Act, Refusal, Seq};
use anser_store::{Acl, Append, Entry};

pub(crate) use self::{
    file::{acceptable_content, acceptable_file},
    members::acceptable_group,
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
    }
}

/// Whether `append` may stand in a conversation whose members are `acl`'s and whose log ends at
/// `head`.
///
/// # Errors
/// The refusal that the writer gets.
pub fn may_append(acl: &Acl, head: Seq, append: &Append) -> Result<(), Refusal> {
    let writer = acl.members.get(&append.actor.user).ok_or(Refusal::NotMember)?;
    match &append.entry {
        Entry::Message(message) => message::may_send(message, head),
        Entry::NewGroup(_) => Ok(()),
        Entry::Change(change) => match &change.act {
            Act::Members(change) => {
                members::may_change(writer.role, &writer.name, change, |name| {
                    acl.members.values().find(|member| member.name == *name).map(|it| it.role)
                })
            }
        },
    }
}
