//! Whether the way a request came is fit for a password (DESIGN promise 10).

use axum::extract::{FromRef, FromRequestParts};
use http::request::Parts;

use crate::{
    App,
    config::Connection,
    problem::{self, Problem},
};

/// Proof that the request came under TLS or from this machine. Every handler whose body holds a
/// password takes it first.
pub(crate) struct PasswordsTaken;

impl<S: Sync> FromRequestParts<S> for PasswordsTaken
where
    App: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(head: &mut Parts, state: &S) -> Result<Self, Problem> {
        let app = App::from_ref(state);
        if app.guard.takes_passwords(head.extensions.get::<Connection>(), &head.headers) {
            Ok(Self)
        } else {
            Err(Problem::new(
                &problem::INSECURE,
                "passwords are taken only over https, or from the server's own machine",
            ))
        }
    }
}
