//! The domain's values as frames, and what frames ask as commands.

pub(crate) mod ask;
pub(crate) mod tell;

use anser_domain::GroupRole;

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
