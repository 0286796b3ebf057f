//! How fast one address may call without showing who it is. What signed-in users may is the SM's
//! to say, which knows them.

use std::{sync::Arc, time::Duration};

use anser_domain::{Clock, Refusal};
use anser_pace::{Backoff, Pace, Patience, Place, Rate};
use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, Method, StatusCode, header};

use crate::{forwarded::Sender, problem::Problem};

/// The rates by address; `None` is none.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rates {
    /// Calls that check or make a password or a refresh token.
    pub logins: Option<Rate>,
    /// Other calls without a token.
    pub anonymous: Option<Rate>,
}

/// Calls that cost a hash, or would let someone guess.
const LOGINS: &[(&str, &str)] = &[
    ("POST", "/v1/auth/login"),
    ("POST", "/v1/auth/refresh"),
    ("POST", "/v1/auth/password"),
    ("POST", "/v1/users"),
];
/// The one whose failures count. An office behind one address mistypes more than one person.
const GUESS: (&str, &str) = ("POST", "/v1/auth/login");
const PATIENCE: Patience =
    Patience { free: 50, first: Duration::from_secs(1), most: Duration::from_secs(60) };

/// Holds addresses to their rates.
#[derive(Clone, Debug)]
pub(crate) struct Paces(Arc<Kept>);

#[derive(Debug)]
struct Kept {
    logins: Pace<Place>,
    anonymous: Pace<Place>,
    guesses: Backoff<Place>,
}

impl Paces {
    pub(crate) fn new(rates: Rates, clock: &Arc<dyn Clock>) -> Self {
        Self(Arc::new(Kept {
            logins: Pace::new(rates.logins, clock.clone()),
            anonymous: Pace::new(rates.anonymous, clock.clone()),
            guesses: Backoff::new(PATIENCE, clock.clone()),
        }))
    }
}

/// The answer to whatever is asked over a connection that came too fast; the connection ends with
/// it.
#[must_use]
pub fn too_fast(wait: Duration) -> Response {
    let mut response = Problem::from(Refusal::RateLimited(wait)).into_response();
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// The rates as middleware.
pub(crate) async fn keep(
    State(Paces(kept)): State<Paces>,
    request: Request,
    next: Next,
) -> Response {
    let place = request.extensions().get::<Sender>().and_then(|it| Place::of(it.address));
    let Some(place) = place else { return next.run(request).await };
    let path = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let call = (request.method().as_str(), path);
    // A browser's question whether it may ask is answered without doing anything.
    if request.method() == Method::OPTIONS {
        return next.run(request).await;
    }
    let paced = if LOGINS.contains(&call) {
        kept.logins.check(&place)
    } else if !request.headers().contains_key(header::AUTHORIZATION) {
        kept.anonymous.check(&place)
    } else {
        Ok(())
    };
    let guess = call == GUESS;
    let paced = match guess {
        true => paced.and_then(|()| kept.guesses.begin(place)),
        false => paced,
    };
    if let Err(wait) = paced {
        return Problem::from(Refusal::RateLimited(wait)).into_response();
    }
    let response = next.run(request).await;
    if guess {
        match response.status() {
            status if status.is_success() => kept.guesses.succeeded(&place),
            StatusCode::UNAUTHORIZED => {}
            _ => kept.guesses.undecided(&place),
        }
    }
    response
}
