//! Who is asking: credentials on the way in, actors once they have been checked.

use std::fmt;

use crate::{
    id::{DeviceId, Epoch, UserId},
    name::{DeviceName, UserName},
    people::Details,
};

/// Text that must never reach a log: a password, a token, a ticket. `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<str>);

impl Secret {
    /// Wraps `text`.
    #[must_use]
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that checks or sends it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What a link shows to become a device's link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// An access token from `POST /v1/auth/login`. It names the user and the device.
    Token(Secret),
    /// The signed ticket of an earlier WELCOME: one round trip, no password hash.
    Ticket(Secret),
    /// A name and a password, for protocols whose logins are made of them. The session has
    /// already made sure that the link may carry one (TLS, or loopback).
    Password {
        /// Who.
        user: UserName,
        /// The proof.
        password: Secret,
        /// Which of the user's devices this is.
        device: DeviceName,
    },
}

/// A device that has logged in: what a CM knows of the far end of a link and vouches for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Actor {
    /// Whose device.
    pub user: UserId,
    /// Which device.
    pub device: DeviceId,
    /// Which login of it.
    pub epoch: Epoch,
}

/// On whose behalf a command is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Nobody yet: sign-ins, and links that log in.
    Nobody,
    /// A link's device. Only a CM may say so.
    Link(Actor),
    /// Whoever this access token was given to; the SM checks it.
    Bearer(Secret),
}

/// What a user may do to the server itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// Chat.
    #[default]
    User,
    /// Everything under `/v1/admin` too.
    Admin,
}

/// What others may see of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The name that addresses them.
    pub name: UserName,
    /// The name that people read; empty when none was set.
    pub display_name: Box<str>,
    /// Their standing.
    pub role: Role,
    /// Disabled users cannot log in, send or be found.
    pub disabled: bool,
    /// What else they tell of themselves, as far as the viewer may see it.
    pub details: Details,
}

/// The answer to a sign-in: what a client keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens {
    /// Whom they are for.
    pub user: UserName,
    /// Which device they are for.
    pub device: DeviceName,
    /// Shown with every call; short-lived.
    pub access: Secret,
    /// Exchanged once for the next pair; long-lived, revocable.
    pub refresh: Secret,
    /// Seconds until `access` ends.
    pub expires_in: u32,
}
