//! Notices: the server writes to many users at once.

use crate::{
    id::ClientId,
    message::Content,
    name::{GroupName, UserName},
    refusal::Refusal,
};

/// What is written to whom.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// The caller's own id for it: a retry reaches those whom it has not reached yet.
    pub client_id: ClientId,
    /// To whom.
    pub to: Audience,
    /// What it says.
    pub content: Content,
}

/// Whom a notice is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// These.
    Users(Vec<UserName>),
    /// Everyone who is in a group now.
    Group(GroupName),
}

/// What became of a notice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Noticed {
    /// So many have it, now or from an earlier try.
    pub sent: u64,
    /// Those who do not, and why.
    pub refused: Vec<(UserName, Refusal)>,
}
