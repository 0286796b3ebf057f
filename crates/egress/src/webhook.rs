//! Events for apps: a POST of JSON, signed, and what its answer means.

use std::sync::Arc;

use anser_domain::{Clock, Handed, WebhookEvent, WebhookTarget, Webhooks};
use async_trait::async_trait;
use http::StatusCode;

use crate::{
    http::{Answer, Failure, Http, Post},
    sign,
};

/// The sender.
pub struct SignedWebhooks {
    http: Http,
    clock: Arc<dyn Clock>,
}

impl SignedWebhooks {
    /// A sender that goes through `http`.
    #[must_use]
    pub fn new(http: Http, clock: Arc<dyn Clock>) -> Self {
        Self { http, clock }
    }
}

#[async_trait]
impl Webhooks for SignedWebhooks {
    fn objection(&self, url: &str) -> Option<&'static str> {
        self.http.objection(url)
    }

    async fn post(&self, to: &WebhookTarget, event: &WebhookEvent) -> Handed {
        let now = self.clock.wall();
        let Some(headers) = sign::headers(&event.id, now, &event.body, &to.secrets) else {
            return Handed::Refused { reason: "the id is nothing a header can hold".into() };
        };
        let body = event.body.clone();
        outcome(self.http.post(Post { url: &to.url, headers, body, within: None }).await)
    }
}

/// What a receiver's answer means. 2xx: it has the event. 410: it wants none any more. Everything
/// else may be mended at its side, and the event is worth another try.
pub(crate) fn outcome(result: Result<Answer, Failure>) -> Handed {
    let answer = match result {
        Ok(answer) => answer,
        Err(Failure::Forbidden(why)) => return Handed::Refused { reason: why.into() },
        Err(Failure::Unreachable(why)) => {
            return Handed::Later { after: None, reason: why.into() };
        }
    };
    let reason = format!("status {}", answer.status.as_u16()).into_boxed_str();
    match answer.status {
        status if status.is_success() => Handed::Taken,
        StatusCode::GONE => Handed::Gone { reason },
        _ => Handed::Later { after: answer.retry_after, reason },
    }
}
