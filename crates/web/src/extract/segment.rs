//! Names in the path, percent-decoded and checked.

use std::{convert::Infallible, fmt::Display, num::ParseIntError, str::FromStr};

use anser_domain::{Address, DeviceName, FileId, GroupName, ItemKey, RequestId, Seq, UserName};
use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;

use crate::problem::{self, Problem};

/// The path's segment that names a `T`.
pub(crate) struct Segment<T>(pub(crate) T);

/// What can stand in a path, under one name in all routes.
pub(crate) trait InPath: FromStr<Err: Display> {
    /// The name between the braces.
    const KEY: &str;
}

impl InPath for Address {
    const KEY: &str = "conv";
}

impl InPath for GroupName {
    const KEY: &str = "group";
}

impl InPath for UserName {
    const KEY: &str = "user";
}

impl InPath for FileId {
    const KEY: &str = "file";
}

impl InPath for Seq {
    const KEY: &str = "seq";
}

impl InPath for DeviceName {
    const KEY: &str = "device";
}

impl InPath for ItemKey {
    const KEY: &str = "key";
}

impl InPath for RequestId {
    const KEY: &str = "id";
}

/// A webhook, in a path.
pub(crate) struct WebhookName(pub(crate) Box<str>);

impl FromStr for WebhookName {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.into()))
    }
}

impl InPath for WebhookName {
    const KEY: &str = "webhook";
}

macro_rules! number_in_path {
    ($(#[$doc:meta] $name:ident: $key:literal;)*) => {$(
        #[$doc]
        pub(crate) struct $name(pub(crate) u64);

        impl FromStr for $name {
            type Err = ParseIntError;

            fn from_str(text: &str) -> Result<Self, ParseIntError> {
                text.parse().map(Self)
            }
        }

        impl InPath for $name {
            const KEY: &str = $key;
        }
    )*};
}

number_in_path! {
    /// An API key, in a path.
    KeyId: "key";
    /// An event, in a path.
    EventId: "event";
}

impl<T: InPath, S: Sync + Send> FromRequestParts<S> for Segment<T> {
    type Rejection = Problem;

    async fn from_request_parts(head: &mut Parts, state: &S) -> Result<Self, Problem> {
        let params = RawPathParams::from_request_parts(head, state).await.map_err(|_| {
            Problem::new(&problem::MALFORMED, "the path is not percent-encoded UTF-8")
        })?;
        let text = params.iter().find(|(key, _)| *key == T::KEY).map_or("", |(_, text)| text);
        text.parse()
            .map(Self)
            .map_err(|error| Problem::new(&problem::INVALID, format!("{}: {error}", T::KEY)))
    }
}
