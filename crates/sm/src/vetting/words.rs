//! The list of words in force, which can be replaced while the SM runs.

use std::sync::Arc;

use anser_domain::{Act, GroupChange, PeopleCommand, Refusal};
use anser_store::Entry;
use parking_lot::RwLock;

use super::Vetting;
use crate::rule::WordFilter;

/// A list of words that can be replaced.
#[derive(Debug)]
pub struct Words(RwLock<Arc<WordFilter>>);

impl Words {
    /// Begins with this list.
    #[must_use]
    pub fn new(filter: WordFilter) -> Self {
        Self(RwLock::new(Arc::new(filter)))
    }

    /// Goes on with this list.
    pub fn replace(&self, filter: WordFilter) {
        *self.0.write() = Arc::new(filter);
    }

    /// The list in force.
    pub(super) fn filter(&self) -> Arc<WordFilter> {
        self.0.read().clone()
    }
}

impl Vetting {
    /// Whether what a group would say of itself may stand.
    pub(super) fn allows_entry(&self, entry: &Entry) -> Result<(), Refusal> {
        match entry {
            Entry::NewGroup(group) => self.allows([Some(&*group.title)]),
            Entry::Change(change) => match &change.act {
                Act::Group(GroupChange::Profile(it)) => self.allows([
                    it.title.as_deref(),
                    it.description.as_deref(),
                    it.announcement.as_deref(),
                ]),
                _ => Ok(()),
            },
            Entry::Message(_) => Ok(()),
        }
    }

    /// Whether what someone would say of themselves, or to who does not know them, may stand.
    pub(crate) fn allows_people(&self, command: &PeopleCommand) -> Result<(), Refusal> {
        match command {
            PeopleCommand::EditProfile(it) => {
                self.allows([it.display_name.as_deref(), it.about.as_deref()])
            }
            PeopleCommand::RequestFriend { message, .. } => self.allows([Some(&**message)]),
            _ => Ok(()),
        }
    }

    /// Whether a name may stand.
    pub(crate) fn allows_name(&self, name: &str) -> Result<(), Refusal> {
        self.words.as_ref().map_or(Ok(()), |words| words.filter().allows(name))
    }

    fn allows<const N: usize>(&self, texts: [Option<&str>; N]) -> Result<(), Refusal> {
        texts.into_iter().flatten().try_for_each(|text| self.allows_name(text))
    }
}
