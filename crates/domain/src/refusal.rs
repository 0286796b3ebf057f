//! Why something legal was denied. Each protocol maps this enum to its own words in one `match`.

use std::time::Duration;

use crate::id::Millis;

/// A denial. The request was well-formed; the answer is no, or not now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Wrong name or password, or a credential that is not ours. Says no more than that.
    #[error("the credentials are not valid")]
    BadCredentials,
    /// A credential that was valid once.
    #[error("the credential has expired; sign in again")]
    Expired,
    /// The user is shut out.
    #[error("the account is disabled")]
    Disabled,
    /// The device's session was ended by its owner or an administrator.
    #[error("the session was revoked; sign in again")]
    Revoked,
    /// The same device logged in elsewhere, later.
    #[error("the device logged in elsewhere")]
    TakenOver,
    /// The caller may not do this.
    #[error("not allowed")]
    Forbidden,
    /// The caller may not write in the group before a time.
    #[error("you are muted in this group")]
    Muted(Millis),
    /// The caller is not a member of the conversation, or it does not exist: which of the two
    /// is not theirs to know.
    #[error("no such conversation, or not a member")]
    NotMember,
    /// No such thing, or none that the caller may see: which of the two is not theirs to know.
    #[error("no such {0}")]
    NoSuch(&'static str),
    /// The app does not let this message pass, and says why.
    #[error("{0}")]
    Denied(Box<str>),
    /// No such user.
    #[error("no such user")]
    NoSuchUser,
    /// No such file, or none that the caller may see: which of the two is not theirs to know.
    #[error("no such file")]
    NoSuchFile,
    /// All of what the user may store is taken.
    #[error("{0}")]
    Quota(&'static str),
    /// The name is in use, or was once.
    #[error("the name is taken")]
    NameTaken,
    /// The client id was used before, with another body.
    #[error("the client id was used for another message")]
    Conflict,
    /// The client id carries a time too long ago, or too far ahead, to be told from a retry.
    #[error("the client id's time is outside the window in which retries are recognised")]
    StaleClientId,
    /// The thing is not of the version that the change was meant for.
    #[error("it has changed since; read it again")]
    VersionMismatch,
    /// A value out of its range. The text says which and what would do.
    #[error("{0}")]
    Invalid(&'static str),
    /// More than a bound allows.
    #[error("{0}")]
    TooLarge(&'static str),
    /// An earlier send of this device to this conversation was refused for now and has to be
    /// sent again first, so that the device's order is kept.
    #[error("an earlier message must be sent again first")]
    OutOfOrder,
    /// Too many requests; try again after the given time.
    #[error("too many requests")]
    RateLimited(Duration),
    /// Too much is waiting to be stored; try again after the given time.
    #[error("the server is busy")]
    Busy(Duration),
    /// The store cannot store: down, full or failing over. Nothing was stored.
    #[error("the store is not available")]
    Unavailable,
    /// The server is being stopped; go to another or come back.
    #[error("the server is shutting down")]
    Draining,
}

impl Refusal {
    /// Whether the very same request may succeed later.
    #[must_use]
    pub fn is_retriable(&self) -> bool {
        self.retry_after().is_some()
    }

    /// How long to wait before asking again; `None` when asking again is no use.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited(after) | Self::Busy(after) => Some(*after),
            Self::Unavailable | Self::Draining => Some(Duration::from_secs(1)),
            Self::OutOfOrder => Some(Duration::ZERO),
            _ => None,
        }
    }

    /// When what stands in the way ends by itself, where that is known.
    #[must_use]
    pub fn until(&self) -> Option<Millis> {
        match self {
            Self::Muted(until) => Some(*until),
            _ => None,
        }
    }
}
