//! What can go wrong, from the app's side.

use std::{io, time::Duration};

use anser_wire::{ErrorCode, frame};

use crate::event::Stop;

/// The server's no. The text is fit for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Refused {
    number: u32,
    reason: String,
    retry_after: Duration,
}

impl Refused {
    pub(crate) fn new(number: u32, reason: String, retry_after_ms: u32) -> Self {
        Self { number, reason, retry_after: Duration::from_millis(retry_after_ms.into()) }
    }

    /// Why, if it is a reason that this version knows.
    #[must_use]
    pub fn code(&self) -> Option<ErrorCode> {
        ErrorCode::from_number(self.number)
    }

    /// When the very same request may be asked again; `None` when that is no use.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        ErrorCode::is_retriable(self.number).then_some(self.retry_after)
    }

    /// Whether a fresh token could help.
    pub(crate) fn wants_token(&self) -> bool {
        matches!(self.code(), Some(ErrorCode::BadCredentials | ErrorCode::Expired))
    }

    /// Whether nothing this device can show will help.
    pub(crate) fn is_final(&self) -> bool {
        use ErrorCode::{Disabled, Revoked, TakenOver, UnsupportedFrame, UnsupportedVersion};
        matches!(
            self.code(),
            Some(Disabled | Revoked | TakenOver | UnsupportedVersion | UnsupportedFrame)
        )
    }
}

impl From<frame::Error> for Refused {
    fn from(error: frame::Error) -> Self {
        Self::new(error.code, error.reason, error.retry_after_ms)
    }
}

/// Why something that was asked was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failed {
    /// The server said no, for good.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The client has stopped. Whether a send was stored is not known.
    #[error("the client has stopped: {0}")]
    Stopped(Stop),
    /// Too many sends wait already: the link has been down for long, or is slow.
    #[error("too many messages wait to be sent")]
    Full,
    /// The server answered something else.
    #[error("the server answered something else than was asked")]
    Odd,
}

/// Why there is no link at the first attempt.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The gateway cannot be reached, or does not speak the protocol.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The server said no.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// No token could be had.
    #[error("{0}")]
    Token(String),
}
