//! Tokens that prove who sends: made, kept while they count, made anew.

use std::time::Duration;

use anser_domain::Millis;
use tokio::sync::Mutex;

/// A token that is kept until it is old.
#[derive(Default)]
pub(super) struct Kept(Mutex<Option<(Millis, String)>>);

impl Kept {
    /// The token, or one that `make` makes, with how long it may be kept. While it is made,
    /// everyone else waits for the same one.
    pub(super) async fn fresh<E>(
        &self,
        now: Millis,
        make: impl AsyncFnOnce() -> Result<(String, Duration), E>,
    ) -> Result<String, E> {
        let mut kept = self.0.lock().await;
        if let Some((_, token)) = kept.as_ref().filter(|(until, _)| *until > now) {
            return Ok(token.clone());
        }
        let (token, lasts) = make().await?;
        let lasts = i64::try_from(lasts.as_millis()).unwrap_or(i64::MAX);
        *kept = Some((now.plus(lasts), token.clone()));
        Ok(token)
    }

    /// Forgets a token that was not accepted, unless there is another by now.
    pub(super) async fn forget(&self, token: &str) {
        let mut kept = self.0.lock().await;
        if kept.as_ref().is_some_and(|(_, known)| known == token) {
            *kept = None;
        }
    }
}
