//! Tags: which packet a question came from, its id, and of how many parts it was. With them nothing
//! needs to be remembered per question.

use anser_domain::Tag;

/// What a question answers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Asked {
    /// A PUBLISH of QoS 1: PUBACK.
    Publish1 = 1,
    /// A PUBLISH of QoS 2: PUBREC.
    Publish2,
    /// A PUBREL: PUBCOMP.
    Release,
    /// A PUBREC: PUBREL.
    Received,
    /// A SUBSCRIBE: SUBACK.
    Subscribe,
    /// An UNSUBSCRIBE: UNSUBACK.
    Unsubscribe,
}

const KINDS: [Asked; 6] = [
    Asked::Publish1,
    Asked::Publish2,
    Asked::Release,
    Asked::Received,
    Asked::Subscribe,
    Asked::Unsubscribe,
];

/// What is not answered.
pub(super) const NONE: Tag = Tag(0);
/// Whose link this is.
pub(super) const LOGIN: Tag = Tag(1 << 48);
/// Which session.
pub(super) const OPEN: Tag = Tag(2 << 48);

impl Asked {
    /// The tag of the packet `id`, which asked for so many things.
    pub(super) fn tag(self, id: u16, parts: u16) -> Tag {
        Tag(u64::from(self as u8) << 32 | u64::from(parts) << 16 | u64::from(id))
    }

    /// What a tag stands for; `None` for one that no packet has.
    pub(super) fn of(tag: Tag) -> Option<(Self, u16, u16)> {
        let kind = KINDS.into_iter().find(|kind| u64::from(*kind as u8) == tag.0 >> 32)?;
        Some((kind, tag.0 as u16, (tag.0 >> 16) as u16))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_read_back_and_the_others_are_nobodys() {
        for asked in KINDS {
            for (id, parts) in [(1, 0), (77, 256), (u16::MAX, u16::MAX)] {
                assert_eq!(Asked::of(asked.tag(id, parts)), Some((asked, id, parts)));
            }
        }
        for tag in [Tag::FEED, LOGIN, OPEN, NONE] {
            assert_eq!(Asked::of(tag), None);
        }
    }
}
