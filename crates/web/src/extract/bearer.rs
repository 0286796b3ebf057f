//! `Authorization: Bearer TOKEN` (RFC 6750 §2.1).

use anser_domain::{Caller, Secret};
use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use http::{header, request::Parts};

use crate::{
    limits::MAX_TOKEN,
    problem::{self, Problem},
};

/// The caller, by their access token. Whether it is a good one is the SM's to say.
pub(crate) struct Bearer(pub(crate) Caller);

impl<S: Sync> FromRequestParts<S> for Bearer {
    type Rejection = Problem;

    async fn from_request_parts(head: &mut Parts, _: &S) -> Result<Self, Problem> {
        bearer(head)?.ok_or_else(|| {
            Problem::new(&problem::UNAUTHENTICATED, "the header Authorization is missing")
        })
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for Bearer {
    type Rejection = Problem;

    async fn from_request_parts(head: &mut Parts, _: &S) -> Result<Option<Self>, Problem> {
        bearer(head)
    }
}

fn bearer(head: &Parts) -> Result<Option<Bearer>, Problem> {
    let mut values = head.headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Problem::new(&problem::MALFORMED, "there are two Authorization headers"));
    }
    let token = value
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim_matches(' '))
        .ok_or_else(|| {
            Problem::new(&problem::UNAUTHENTICATED, "the header Authorization is not Bearer TOKEN")
        })?;
    if token.len() > MAX_TOKEN || !is_token68(token) {
        return Err(Problem::new(&problem::BAD_CREDENTIALS, "the token is not one of ours"));
    }
    Ok(Some(Bearer(Caller::Bearer(Secret::new(token)))))
}

/// RFC 9110 §11.2.
fn is_token68(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    !body.is_empty() && body.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b))
}
