//! The domain's values as frames, and what frames ask as commands.

pub(crate) mod ask;
mod file;
mod group;
mod message;
mod people;
pub(crate) mod tell;

pub(crate) use self::message::marks;

use anser_domain::{GroupRole, Subject};

pub use self::people::REQUEST_STATES;

/// Every role with its name in the specification and its number in frames.
pub const ROLES: [(GroupRole, &str, u8); 3] = [
    (GroupRole::Member, "member", 1),
    (GroupRole::Admin, "admin", 2),
    (GroupRole::Owner, "owner", 3),
];

/// The number of a role.
pub(crate) const fn role_number(role: GroupRole) -> u8 {
    match role {
        GroupRole::Member => 1,
        GroupRole::Admin => 2,
        GroupRole::Owner => 3,
    }
}

/// Everything that a `changed` notice can be about, with its name in the specification and its
/// number in frames.
pub const SUBJECTS: [(Subject, &str, u8); 6] = [
    (Subject::Friends, "friends", 1),
    (Subject::Requests, "requests", 2),
    (Subject::Blocks, "blocks", 3),
    (Subject::Invitations, "invitations", 4),
    (Subject::Items, "items", 5),
    (Subject::Profile, "profile", 6),
];

/// The number of a subject.
pub(crate) const fn subject_number(subject: Subject) -> u8 {
    match subject {
        Subject::Friends => 1,
        Subject::Requests => 2,
        Subject::Blocks => 3,
        Subject::Invitations => 4,
        Subject::Items => 5,
        Subject::Profile => 6,
    }
}
