//! What went wrong, as RFC 9457 problem details: one table of kinds, one `match` from refusals.

use std::{borrow::Cow, time::Duration};

use anser_domain::{Millis, Refusal};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::limits::MAX_DETAIL;

/// The media type of every error answer (RFC 9457 §3).
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// A kind of problem: a row of the table that answers, the OpenAPI document and the pages
/// under `/problems` are all made from.
#[derive(Debug)]
pub struct Kind {
    /// The last segment of its `type` URI, `/problems/{slug}`.
    pub slug: &'static str,
    /// Its HTTP status.
    pub status: StatusCode,
    /// What it is, in a few words.
    pub title: &'static str,
    /// What it means and what to do, for whoever follows the `type` URI.
    pub about: &'static str,
    /// Whether the very same request may succeed later; its answers carry `Retry-After`.
    pub retriable: bool,
}

macro_rules! kinds {
    (@retriable) => { false };
    (@retriable retriable) => { true };
    ($(
        $name:ident = $slug:literal, $status:ident, $title:literal, $about:literal
        $(, $retry:ident)?;
    )*) => {
        $(
            #[doc = $title]
            pub(crate) static $name: Kind = Kind {
                slug: $slug,
                status: StatusCode::$status,
                title: $title,
                about: $about,
                retriable: kinds!(@retriable $($retry)?),
            };
        )*
        /// Every kind of problem, in the order of their statuses.
        pub static KINDS: &[&Kind] = &[$(&$name),*];
    };
}

kinds! {
    MALFORMED = "malformed", BAD_REQUEST, "The request cannot be read",
        "The body is not JSON, or the path, a header or the query is not what HTTP or this API \
         takes. The detail says where. Mend the request; the same one will fail again.";
    UNAUTHENTICATED = "unauthenticated", UNAUTHORIZED, "An access token is needed",
        "The call needs the header `Authorization: Bearer TOKEN`. Get a token from \
         `POST /v1/auth/login`.";
    BAD_CREDENTIALS = "bad-credentials", UNAUTHORIZED, "The credentials are not valid",
        "The name, the password or the token is wrong. Which of them is not said.";
    EXPIRED = "expired", UNAUTHORIZED, "The credential has expired",
        "Get a new access token from `POST /v1/auth/refresh`, or sign in again.";
    REVOKED = "revoked", UNAUTHORIZED, "The session was ended",
        "The device was signed out by its owner or an administrator, or the password was \
         changed. Sign in again.";
    DISABLED = "disabled", FORBIDDEN, "The account is disabled",
        "An administrator has shut the account out.";
    FORBIDDEN = "forbidden", FORBIDDEN, "Not allowed",
        "You are known, but this is not yours to do.";
    MUTED = "muted", FORBIDDEN, "You are muted in this group",
        "An admin of the group has you silent until the time in `until`, in milliseconds since \
         1970. Reading and reacting go on.";
    FOREIGN_ORIGIN = "foreign-origin", FORBIDDEN, "The page's origin is not allowed",
        "A browser says that a page of another site made this request. The server's operator \
         can allow the origin in the configuration.";
    INSECURE = "insecure-transport", FORBIDDEN, "Passwords are not taken this way",
        "The request came without TLS from another machine, so that its password could be read \
         on the way. Use https. (A proxy that adds TLS has to be named in the configuration.)";
    DENIED = "denied", FORBIDDEN, "The message may not be sent",
        "The app that runs this server, or its word filter, does not let the message pass. The \
         detail is what it says to the sender. Nothing was stored.";
    NOT_FOUND = "not-found", NOT_FOUND, "No such resource",
        "Nothing has this path. The calls there are are listed at `/docs`.";
    NOT_MEMBER = "not-member", NOT_FOUND, "No such conversation, or not a member",
        "The conversation does not exist, or you are not in it; which of the two is not said.";
    NO_SUCH_USER = "no-such-user", NOT_FOUND, "No such user",
        "Nobody has this name.";
    NO_SUCH_FILE = "no-such-file", NOT_FOUND, "No such file",
        "There is no such file, or none that you may see; which of the two is not said.";
    NO_SUCH = "no-such", NOT_FOUND, "No such thing",
        "There is none of what the path names; the detail says what.";
    METHOD = "method-not-allowed", METHOD_NOT_ALLOWED, "The resource does not take this method",
        "The header `Allow` lists the methods it takes.";
    BODY_TIMEOUT = "body-timeout", REQUEST_TIMEOUT, "The body took too long to arrive",
        "Nothing was done. Send the request again over a better connection.";
    NAME_TAKEN = "name-taken", CONFLICT, "The name is taken",
        "Names are never reused, not even those of what was deleted. Choose another.";
    CONFLICT = "idempotency-conflict", CONFLICT, "The idempotency key was used for something else",
        "An earlier request with this `Idempotency-Key` had another body. A new request needs a \
         new key; a retry needs the same body.";
    OUT_OF_ORDER = "out-of-order", CONFLICT, "An earlier message must be sent again first",
        "An earlier send from this device to this conversation was refused for now. Resend that \
         one first, with its `Idempotency-Key`, so that your messages keep their order.",
        retriable;
    UPLOAD_OFFSET = "upload-offset", CONFLICT, "The upload is at another offset",
        "The server has another number of bytes than the request continues at: the header \
         `Upload-Offset` tells how many, as does `HEAD`. Go on from there.";
    TAKEN_OVER = "taken-over", CONFLICT, "The device logged in elsewhere",
        "A later login of the same device has taken its place.";
    FILE_GONE = "file-gone", GONE, "The file's content is gone",
        "Its owner has deleted it, or it was kept for as long as the server keeps files.";
    LENGTH = "length-required", LENGTH_REQUIRED, "The size must be told first",
        "Send the header `Content-Length`, or describe the file in JSON and send it in pieces.";
    VERSION_MISMATCH = "version-mismatch", PRECONDITION_FAILED, "It has changed since",
        "The thing is not of the version that `If-Match` or `If-None-Match` asks for. Read it \
         again, and change what there is now.";
    TOO_LARGE = "too-large", PAYLOAD_TOO_LARGE, "More than a bound allows",
        "The body, or a part of it that the detail names, is larger than the server takes.";
    QUOTA = "quota", PAYLOAD_TOO_LARGE, "All that you may store is taken",
        "Delete files, or finish or delete unfinished uploads. `GET /v1/files` tells what there \
         is and how much of the quota it takes.";
    MEDIA_TYPE = "media-type", UNSUPPORTED_MEDIA_TYPE, "The body must be JSON",
        "Send the header `Content-Type: application/json`, and the body as it is: not compressed.";
    RANGE = "range", RANGE_NOT_SATISFIABLE, "The file has no such part",
        "The header `Content-Range` tells how many bytes there are.";
    MISDIRECTED = "misdirected", MISDIRECTED_REQUEST, "The server does not answer to this name",
        "The `Host` header names a host this server was not told to be. That protects against \
         DNS rebinding. The server's operator can allow the name in the configuration.";
    INVALID = "invalid", UNPROCESSABLE_ENTITY, "A value is not one that can be taken",
        "The request reads well, but a value in it is missing, of the wrong type or out of its \
         range. The detail says which and what would do.";
    STALE_KEY = "stale-idempotency-key", UNPROCESSABLE_ENTITY,
        "The idempotency key's time is out of the window",
        "The `Idempotency-Key` is a UUIDv7 whose time lies too far back, or ahead, for a retry \
         to be recognised. Make a new one, and check the clock.";
    RATE_LIMITED = "rate-limited", TOO_MANY_REQUESTS, "Too many requests",
        "Try again after the time in the header `Retry-After`.", retriable;
    HEADERS = "headers-too-large", REQUEST_HEADER_FIELDS_TOO_LARGE,
        "Too many headers, or too long ones",
        "The request's headers exceed what the server takes.";
    INTERNAL = "internal", INTERNAL_SERVER_ERROR, "The server made a mistake",
        "This is a defect of the server. Whether the request took effect is not known; a send \
         may be repeated with its `Idempotency-Key`.";
    BUSY = "busy", SERVICE_UNAVAILABLE, "The server is busy",
        "Nothing was stored. Try again after the time in the header `Retry-After`.", retriable;
    UNAVAILABLE = "store-unavailable", SERVICE_UNAVAILABLE, "The store is not available",
        "Nothing was stored. Try again after the time in the header `Retry-After`.", retriable;
    DRAINING = "draining", SERVICE_UNAVAILABLE, "The server is shutting down",
        "Nothing was stored. Try again, here or at another server, after the time in the header \
         `Retry-After`.", retriable;
    DEADLINE = "deadline", GATEWAY_TIMEOUT, "No answer in time",
        "Whether the request took effect is not known. Repeat it; a send with the same \
         `Idempotency-Key` is stored once, however often it is repeated.";
    STORAGE_FULL = "storage-full", INSUFFICIENT_STORAGE, "The disk for files is full",
        "What was stored before is kept. Try again after the time in the header `Retry-After`.",
        retriable;
}

/// The kind with this slug.
pub(crate) fn kind(slug: &str) -> Option<&'static Kind> {
    KINDS.iter().copied().find(|kind| kind.slug == slug)
}

/// One error answer.
#[derive(Debug)]
pub(crate) struct Problem {
    kind: &'static Kind,
    detail: Cow<'static, str>,
    retry_after: Option<Duration>,
    until: Option<Millis>,
    position: Option<Position>,
}

#[derive(Debug)]
struct Position {
    line: usize,
    column: usize,
}

/// An error answer's body (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody<'a> {
    /// Which kind of problem, as a URI that leads to its description.
    #[serde(rename = "type")]
    #[schema(format = "uri-reference")]
    kind: String,
    /// The kind in a few words; the same for every problem of the kind.
    title: &'static str,
    /// The HTTP status once more.
    pub(crate) status: u16,
    /// What is wrong this time.
    detail: &'a str,
    /// Seconds to wait before the same request may succeed; absent where it never will.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
    /// When it ends, where it is known to, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<i64>,
    /// Line of the body at which reading it failed, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    /// Column of that line, in bytes, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
}

impl Problem {
    /// A problem of this kind.
    pub(crate) fn new(kind: &'static Kind, detail: impl Into<Cow<'static, str>>) -> Self {
        let detail = bounded(detail.into());
        Self { kind, detail, retry_after: None, until: None, position: None }
    }

    /// One that may be gone soon.
    pub(crate) fn later(kind: &'static Kind, detail: &'static str) -> Self {
        Self { retry_after: Some(Duration::from_secs(10)), ..Self::new(kind, detail) }
    }

    /// Whether it is of this kind.
    pub(crate) fn is(&self, kind: &Kind) -> bool {
        self.kind.slug == kind.slug
    }

    /// The same, found at this place of the body.
    pub(crate) fn at(mut self, line: usize, column: usize) -> Self {
        self.position = Some(Position { line, column });
        self
    }

    /// A body of this kind as the OpenAPI document shows it.
    pub(crate) fn example(kind: &'static Kind) -> serde_json::Value {
        let retry_after = kind.retriable.then_some(Duration::from_secs(1));
        let problem = Self { retry_after, ..Self::new(kind, kind.about) };
        serde_json::to_value(problem.body()).unwrap_or_default()
    }

    /// Its kind, as bodies name it.
    pub(crate) fn path(&self) -> String {
        format!("/problems/{}", self.kind.slug)
    }

    /// What it says.
    pub(crate) fn words(&self) -> String {
        self.detail.clone().into_owned()
    }

    /// The body as it is sent.
    pub(crate) fn body(&self) -> ProblemBody<'_> {
        ProblemBody {
            kind: self.path(),
            title: self.kind.title,
            status: self.kind.status.as_u16(),
            detail: &self.detail,
            retry_after: self.retry_after.map(whole_seconds),
            until: self.until.map(|until| until.0),
            line: self.position.as_ref().map(|p| p.line),
            column: self.position.as_ref().map(|p| p.column),
        }
    }
}

/// The REST tier's one place that turns refusals into statuses.
impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let kind = match &refusal {
            Refusal::BadCredentials => &BAD_CREDENTIALS,
            Refusal::Expired => &EXPIRED,
            Refusal::Disabled => &DISABLED,
            Refusal::Revoked => &REVOKED,
            Refusal::TakenOver => &TAKEN_OVER,
            Refusal::Forbidden => &FORBIDDEN,
            Refusal::NotMember => &NOT_MEMBER,
            Refusal::NoSuchUser => &NO_SUCH_USER,
            Refusal::NoSuchFile => &NO_SUCH_FILE,
            Refusal::Quota(_) => &QUOTA,
            Refusal::NameTaken => &NAME_TAKEN,
            Refusal::Conflict => &CONFLICT,
            Refusal::StaleClientId => &STALE_KEY,
            Refusal::VersionMismatch => &VERSION_MISMATCH,
            Refusal::Invalid(_) => &INVALID,
            Refusal::TooLarge(_) => &TOO_LARGE,
            Refusal::OutOfOrder => &OUT_OF_ORDER,
            Refusal::RateLimited(_) => &RATE_LIMITED,
            Refusal::Busy(_) => &BUSY,
            Refusal::Unavailable => &UNAVAILABLE,
            Refusal::Draining => &DRAINING,
            Refusal::NoSuch(_) => &NO_SUCH,
            Refusal::Denied(_) => &DENIED,
            Refusal::Muted(_) => &MUTED,
        };
        let retry_after = refusal.retry_after();
        let until = refusal.until();
        Self { retry_after, until, ..Self::new(kind, refusal.to_string()) }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        // A body of strings and numbers always serialises; were it not so, the status stands.
        let body = serde_json::to_vec(&self.body()).unwrap_or_default();
        let mut response = (self.kind.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if let Some(after) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(whole_seconds(after)));
        }
        if self.kind.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, challenge(self.kind));
        }
        response
    }
}

/// RFC 9110 §11.6.1: a 401 carries a challenge; RFC 6750 §3.1: with a reason, unless the
/// request showed no token at all.
fn challenge(kind: &Kind) -> HeaderValue {
    HeaderValue::from_static(if std::ptr::eq(kind, &UNAUTHENTICATED) {
        r#"Bearer realm="anser""#
    } else {
        r#"Bearer realm="anser", error="invalid_token""#
    })
}

/// Rounded up, so that nobody comes back too early.
fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

fn bounded(detail: Cow<'static, str>) -> Cow<'static, str> {
    if detail.len() <= MAX_DETAIL {
        return detail;
    }
    let cut = detail.floor_char_boundary(MAX_DETAIL);
    Cow::Owned(format!("{}…", detail.get(..cut).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_unique_and_rows_stand_in_the_order_of_their_statuses() {
        for (i, kind) in KINDS.iter().enumerate() {
            assert!(KINDS[i + 1..].iter().all(|other| other.slug != kind.slug), "{}", kind.slug);
            assert!(kind.slug.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'));
        }
        assert!(KINDS.is_sorted_by_key(|kind| kind.status.as_u16()));
    }

    #[test]
    fn time_to_wait_is_rounded_up() {
        assert_eq!(whole_seconds(Duration::ZERO), 0);
        assert_eq!(whole_seconds(Duration::from_millis(1)), 1);
        assert_eq!(whole_seconds(Duration::from_millis(2001)), 3);
    }

    #[test]
    fn a_long_detail_is_cut_between_characters() {
        let problem = Problem::new(&INVALID, "鸿".repeat(1000));
        assert!(problem.detail.len() <= MAX_DETAIL + '…'.len_utf8());
        assert!(problem.detail.ends_with("鸿…"));
    }
}
