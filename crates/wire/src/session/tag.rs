//! Tags: which frame a question came from, and its id. With them nothing needs to be remembered
//! per request.

use anser_domain::{Command, MessagesCommand, PeopleCommand, Tag};

/// What a question answers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// A SEND: SENDACK.
    Send,
    /// A REQUEST: RESPONSE.
    Request,
    /// A SYNC: PAGE or CHANGES.
    Sync,
    /// A REQUEST that reads pages: RESPONSE.
    Listing,
}

const KINDS: [(Asked, u64); 4] = [
    (Asked::Send, 1 << 32),
    (Asked::Request, 2 << 32),
    (Asked::Sync, 3 << 32),
    (Asked::Listing, 6 << 32),
];

/// The question that opens the link.
pub(super) const LOGIN: Tag = Tag(4 << 32);
/// The question that exchanges an open link's credential.
pub(super) const LOGIN_AGAIN: Tag = Tag(5 << 32);
/// What is not answered.
pub(super) const NONE: Tag = Tag(0);

impl Asked {
    /// What a REQUEST for `command` answers to.
    pub(super) fn request(command: &Command) -> Self {
        match command {
            Command::History { .. }
            | Command::Conversations { .. }
            | Command::Members { .. }
            | Command::Devices => Self::Listing,
            Command::Groups(command) if command.lists() => Self::Listing,
            Command::Messages(
                MessagesCommand::Reactors { .. }
                | MessagesCommand::Pins { .. }
                | MessagesCommand::Receipts { .. }
                | MessagesCommand::Search(_),
            ) => Self::Listing,
            Command::People(command) => match **command {
                PeopleCommand::Items { .. }
                | PeopleCommand::Friends(_)
                | PeopleCommand::Requests(_)
                | PeopleCommand::Blocks(_)
                | PeopleCommand::Search { .. } => Self::Listing,
                _ => Self::Request,
            },
            _ => Self::Request,
        }
    }

    /// Whether it reads pages.
    pub(super) fn reads(self) -> bool {
        matches!(self, Self::Sync | Self::Listing)
    }

    /// The tag of the request `id`.
    pub(super) fn tag(self, id: u32) -> Tag {
        let kind = KINDS.iter().find(|row| row.0 == self).map_or(0, |row| row.1);
        Tag(kind | u64::from(id))
    }

    /// What a tag stands for; `None` for one that no request has.
    pub(super) fn of(tag: Tag) -> Option<(Self, u32)> {
        let kind = tag.0 & !u64::from(u32::MAX);
        let (asked, _) = KINDS.iter().find(|row| row.1 == kind)?;
        Some((*asked, tag.0 as u32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_read_back_and_the_others_are_nobodys() {
        for (asked, _) in KINDS {
            for id in [1, 77, u32::MAX] {
                assert_eq!(Asked::of(asked.tag(id)), Some((asked, id)));
            }
        }
        for tag in [Tag::FEED, LOGIN, LOGIN_AGAIN, NONE] {
            assert_eq!(Asked::of(tag), None);
        }
    }
}
