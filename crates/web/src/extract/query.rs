//! The query string, and the paging that lists have in common.

use axum::extract::FromRequestParts;
use http::request::Parts;
use percent_encoding::percent_decode_str;
use serde::{Deserialize, de::DeserializeOwned};
use utoipa::IntoParams;

use crate::{
    limits::{DEFAULT_PAGE, MAX_PAGE},
    problem::{self, Problem},
};

/// A query of type `T`. Unknown parameters are ignored, as unknown fields are.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(head: &mut Parts, _: &S) -> Result<Self, Problem> {
        // What is none would be read as something else.
        let text = head.uri.query().unwrap_or_default();
        if percent_decode_str(text).decode_utf8().is_err() {
            let why = "the query is not percent-encoded UTF-8";
            return Err(Problem::new(&problem::INVALID, why));
        }
        axum::extract::Query::try_from_uri(&head.uri)
            .map(|axum::extract::Query(query)| Self(query))
            .map_err(|rejection| Problem::new(&problem::INVALID, rejection.body_text()))
    }
}

/// Where a list goes on, and how much of it is wanted.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// The `next` of the page before; absent for the first page.
    pub(crate) cursor: Option<String>,
    /// At most so many; 50 unless said, and never more than 200.
    #[param(minimum = 1, default = 50)]
    pub(crate) limit: Option<u64>,
}

/// A page's size within its bounds.
pub(crate) fn page_size(limit: Option<u64>) -> Result<u16, Problem> {
    match limit {
        None => Ok(DEFAULT_PAGE),
        Some(0) => Err(Problem::new(&problem::INVALID, "limit: a page has at least 1 entry")),
        Some(limit) => Ok(u16::try_from(limit).unwrap_or(MAX_PAGE).min(MAX_PAGE)),
    }
}
