//! Where access tokens come from. They are short-lived, so a client that stays for days asks
//! for one again and again.

use anser_domain::Secret;
use futures_util::future::BoxFuture;

/// Gives an access token when the client needs one: at the first login, before the one shown
/// ends, and when a ticket is no longer taken.
pub trait TokenSource: Send + Sync + 'static {
    /// A token that is good now.
    fn token(&self) -> BoxFuture<'_, Result<Secret, TokenError>>;
}

/// Why there is no token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// There will be none: the password is wrong, the session was ended.
    #[error("{0}")]
    Denied(String),
    /// Not now; worth another attempt.
    #[error("{0}")]
    Unavailable(String),
}

/// One token that somebody else looks after.
#[derive(Clone, Debug)]
pub struct OneToken(pub Secret);

impl TokenSource for OneToken {
    fn token(&self) -> BoxFuture<'_, Result<Secret, TokenError>> {
        Box::pin(std::future::ready(Ok(self.0.clone())))
    }
}
