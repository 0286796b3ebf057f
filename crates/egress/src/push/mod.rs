//! Notifications: one file per service, all behind the port [`PushGateway`].

mod apns;
mod fcm;
mod jwt;
mod seal;
mod shown;
mod web;
mod webhook;

use std::sync::Arc;

use anser_domain::{Clock, Handed, Notification, PushGateway, PushTarget};
use async_trait::async_trait;

pub use self::{
    apns::{Apns, ApnsConfig},
    fcm::{Fcm, FcmConfig},
    web::{VapidKey, WebPush, WebPushConfig},
    webhook::{PushHook, PushHookConfig},
};
use crate::http::{Failure, Http};

/// The services that the operator has keys for.
#[derive(Default)]
pub struct Gateways {
    /// Apple's.
    pub apns: Option<Apns>,
    /// Google's.
    pub fcm: Option<Fcm>,
    /// Browsers'.
    pub web: Option<WebPush>,
    /// The app's own.
    pub webhook: Option<PushHook>,
}

impl Gateways {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !["apns", "fcm", "web", "webhook"].into_iter().any(|it| self.serves(it))
    }
}

#[async_trait]
impl PushGateway for Gateways {
    fn serves(&self, provider: &str) -> bool {
        match provider {
            "apns" => self.apns.is_some(),
            "fcm" => self.fcm.is_some(),
            "web" => self.web.is_some(),
            "webhook" => self.webhook.is_some(),
            _ => false,
        }
    }

    fn web_key(&self) -> Option<Box<str>> {
        Some(self.web.as_ref()?.public_key().into())
    }

    fn objection(&self, target: &PushTarget) -> Option<&'static str> {
        match target {
            PushTarget::Apns { token, topic, .. } => self.apns.as_ref()?.objection(token, topic),
            PushTarget::Web { endpoint, p256dh, auth } => {
                self.web.as_ref()?.objection(endpoint, p256dh, auth)
            }
            PushTarget::Fcm { .. } | PushTarget::Webhook { .. } => None,
        }
    }

    async fn push(&self, to: &PushTarget, note: &Notification) -> Handed {
        let handed = match to {
            PushTarget::Apns { token, topic, sandbox } => match &self.apns {
                Some(apns) => Some(apns.push(token, topic, *sandbox, note).await),
                None => None,
            },
            PushTarget::Fcm { token } => match &self.fcm {
                Some(fcm) => Some(fcm.push(token, note).await),
                None => None,
            },
            PushTarget::Web { endpoint, p256dh, auth } => match &self.web {
                Some(web) => Some(web.push(endpoint, p256dh, auth, note).await),
                None => None,
            },
            PushTarget::Webhook { token } => match &self.webhook {
                Some(hook) => Some(hook.push(token, note).await),
                None => None,
            },
        };
        handed.unwrap_or_else(|| Handed::Refused { reason: "no keys for this provider".into() })
    }
}

/// What every service is reached with.
#[derive(Clone)]
struct Means {
    http: Http,
    clock: Arc<dyn Clock>,
}

fn later(reason: impl Into<Box<str>>) -> Handed {
    Handed::Later { after: None, reason: reason.into() }
}

/// No answer: for now, or for good when the address may not be reached.
fn unanswered(failure: Failure) -> Handed {
    match failure {
        Failure::Forbidden(why) => Handed::Refused { reason: why.into() },
        Failure::Unreachable(why) => later(why),
    }
}
