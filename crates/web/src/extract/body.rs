//! A JSON body, read within its bounds.
//!
//! Unknown fields are ignored, so that a newer client can talk to an older server; a field
//! given twice, or of the wrong type, is refused.

use axum::extract::{FromRequest, Request};
use http::{HeaderMap, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::error::Category;
use tokio::time::timeout;

use crate::{
    limits::{BODY_DEADLINE, MAX_BODY},
    problem::{self, Problem},
};

/// A body of type `T`.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        expect_json(request.headers())?;
        let body = Limited::new(request.into_body(), MAX_BODY);
        let bytes = timeout(BODY_DEADLINE, body.collect())
            .await
            .map_err(|_| {
                let seconds = BODY_DEADLINE.as_secs();
                Problem::new(&problem::BODY_TIMEOUT, format!("the body has {seconds} s to arrive"))
            })?
            .map_err(|error| {
                if error.is::<LengthLimitError>() {
                    too_large()
                } else {
                    Problem::new(&problem::MALFORMED, "the body broke off")
                }
            })?
            .to_bytes();
        parse(&bytes).map(Self)
    }
}

/// A type that browsers send across origins only after asking (Fetch §2.2.2), so that a form
/// on another site cannot make calls.
fn expect_json(headers: &HeaderMap) -> Result<(), Problem> {
    let is_json = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .map(|value| value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
        .is_some_and(|media| {
            media == "application/json"
                || (media.starts_with("application/") && media.ends_with("+json"))
        });
    if !is_json {
        return Err(Problem::new(&problem::MEDIA_TYPE, "Content-Type is not application/json"));
    }
    // RFC 9110 §8.4: 415 says so. What is not unpacked cannot be a bomb.
    if headers.get(header::CONTENT_ENCODING).is_some_and(|coding| coding != "identity") {
        return Err(Problem::new(&problem::MEDIA_TYPE, "the body may not be compressed"));
    }
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    match announced.and_then(|length| length.parse::<u64>().ok()) {
        Some(length) if length > MAX_BODY as u64 => Err(too_large()),
        _ => Ok(()),
    }
}

fn too_large() -> Problem {
    Problem::new(&problem::TOO_LARGE, format!("a body may have {MAX_BODY} bytes"))
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // What a field that nobody reads says would not be looked at; RFC 8259 §8.1 is about all of it.
    if let Err(error) = std::str::from_utf8(bytes) {
        let (before, _) = bytes.split_at(error.valid_up_to());
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        let column = 1 + before.iter().rev().take_while(|byte| **byte != b'\n').count();
        return Err(Problem::new(&problem::MALFORMED, "the body is not UTF-8").at(line, column));
    }
    // serde would take a list for a struct whose fields come in order; this API does not.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(match serde_json::from_slice::<IgnoredAny>(bytes) {
            Ok(_) => Problem::new(&problem::INVALID, "the body is not an object").at(1, 1),
            Err(error) => wrong(&error, "."),
        });
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        wrong(error.inner(), &path)
    })?;
    json.end().map_err(|error| wrong(&error, "."))?;
    Ok(value)
}

/// What is wrong with a body: not JSON (400), or JSON of another shape (422).
fn wrong(error: &serde_json::Error, path: &str) -> Problem {
    let kind = match error.classify() {
        Category::Data => &problem::INVALID,
        Category::Syntax | Category::Eof | Category::Io => &problem::MALFORMED,
    };
    let detail = if path == "." { error.to_string() } else { format!("{path}: {error}") };
    Problem::new(kind, detail).at(error.line(), error.column())
}
