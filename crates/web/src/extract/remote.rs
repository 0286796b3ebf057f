//! Where a request came from, for the record of changes.

use std::{convert::Infallible, net::IpAddr};

use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::config::Connection;

/// The far end's address, after the PROXY protocol if there was one.
pub(crate) struct Remote(pub(crate) Option<IpAddr>);

impl<S: Sync> FromRequestParts<S> for Remote {
    type Rejection = Infallible;

    async fn from_request_parts(head: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let connection = head.extensions.get::<Connection>();
        Ok(Self(connection.map(|it| it.remote.ip().to_canonical())))
    }
}
