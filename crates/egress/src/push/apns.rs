//! Apple's push service: HTTP/2, authenticated by a signed token.
//! <https://developer.apple.com/documentation/usernotifications/sending-notification-requests-to-apns>

use std::{sync::Arc, time::Duration};

use anser_domain::{Clock, Handed, Notification};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::AUTHORIZATION};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Means, jwt::Kept, later, shown, unanswered};
use crate::http::{EgressError, Http, Post};

/// Apple refuses tokens older than an hour, and new ones more often than every 20 minutes.
const TOKEN_LASTS: Duration = Duration::from_secs(40 * 60);
/// The longest payload.
const MAX_PAYLOAD: usize = 4_096;
/// A device token is 32 bytes today; Apple asks not to count on it.
const MAX_TOKEN: usize = 200;

/// What the operator has from Apple.
#[derive(Clone, Debug)]
pub struct ApnsConfig {
    /// The `.p8` file: an EC key in PEM.
    pub key: Vec<u8>,
    /// The key's id, ten characters.
    pub key_id: String,
    /// The team's id, ten characters.
    pub team_id: String,
    /// Bundle ids that may be pushed to; empty: every one that the key is good for.
    pub topics: Vec<String>,
    /// Where production builds' tokens go.
    pub url: String,
    /// Where development builds' tokens go.
    pub sandbox_url: String,
}

/// The gateway.
pub struct Apns {
    means: Means,
    config: ApnsConfig,
    key: EncodingKey,
    token: Kept,
}

#[derive(Deserialize)]
struct Said {
    reason: String,
}

impl Apns {
    /// A gateway.
    ///
    /// # Errors
    /// [`EgressError::Key`] when the key is none.
    pub fn new(http: Http, clock: Arc<dyn Clock>, config: ApnsConfig) -> Result<Self, EgressError> {
        let key = EncodingKey::from_ec_pem(&config.key)
            .map_err(|error| EgressError::Key(format!("not an APNs key: {error}")))?;
        Ok(Self { means: Means { http, clock }, config, key, token: Kept::default() })
    }

    pub(super) fn objection(&self, token: &str, topic: &str) -> Option<&'static str> {
        if token.len() > MAX_TOKEN || !token.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Some("an APNs token is hexadecimal");
        }
        let topics = &self.config.topics;
        let known = topics.is_empty() || topics.iter().any(|known| known == topic);
        (!known).then_some("this server does not push to that app")
    }

    async fn provider_token(&self) -> Result<String, jsonwebtoken::errors::Error> {
        let now = self.means.clock.wall();
        let make = async || {
            let header =
                Header { kid: Some(self.config.key_id.clone()), ..Header::new(Algorithm::ES256) };
            let claims = json!({"iss": self.config.team_id, "iat": now.0 / 1000});
            Ok((jsonwebtoken::encode(&header, &claims, &self.key)?, TOKEN_LASTS))
        };
        self.token.fresh(now, make).await
    }

    pub(super) async fn push(
        &self,
        device: &str,
        topic: &str,
        sandbox: bool,
        note: &Notification,
    ) -> Handed {
        let Ok(token) = self.provider_token().await else { return later("no provider token") };
        let Some(headers) = headers(&token, topic, note) else {
            return Handed::Refused { reason: "not an app's bundle id".into() };
        };
        let base = if sandbox { &self.config.sandbox_url } else { &self.config.url };
        let url = format!("{base}/3/device/{device}");
        let body = shown::fitting(note, MAX_PAYLOAD, payload).into();
        let post = Post { url: &url, headers, body, within: None };
        let answer = match self.means.http.post(post).await {
            Ok(answer) => answer,
            Err(failure) => return unanswered(failure),
        };
        if answer.status.is_success() {
            return Handed::Taken;
        }
        let said = serde_json::from_slice::<Said>(&answer.body).map(|said| said.reason);
        let reason = said.unwrap_or_else(|_| format!("status {}", answer.status.as_u16()));
        match (answer.status, reason.as_str()) {
            (StatusCode::GONE, _)
            | (StatusCode::BAD_REQUEST, "BadDeviceToken" | "DeviceTokenNotForTopic") => {
                Handed::Gone { reason: reason.into() }
            }
            // Ours to mend, by a new token or by the operator; the notification waits.
            (StatusCode::FORBIDDEN, why) => {
                if why != "ExpiredProviderToken" {
                    tracing::error!(reason, "APNs does not accept this server");
                }
                self.token.forget(&token).await;
                later(reason)
            }
            (StatusCode::TOO_MANY_REQUESTS, _) => {
                Handed::Later { after: answer.retry_after, reason: reason.into() }
            }
            (status, _) if status.is_server_error() => {
                Handed::Later { after: answer.retry_after, reason: reason.into() }
            }
            _ => Handed::Refused { reason: reason.into() },
        }
    }
}

fn headers(token: &str, topic: &str, note: &Notification) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    let mut bearer = HeaderValue::from_str(&format!("bearer {token}")).ok()?;
    bearer.set_sensitive(true);
    headers.insert(AUTHORIZATION, bearer);
    for (name, value) in [
        ("apns-topic", topic),
        ("apns-push-type", "alert"),
        // At once: someone is waiting for an answer.
        ("apns-priority", "10"),
        ("apns-expiration", &(note.until.0 / 1000).to_string()),
        ("apns-collapse-id", &shown::collapse(note)),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).ok()?);
    }
    Some(headers)
}

fn payload(note: &Notification) -> Value {
    let alert = match shown::body(note) {
        Some(body) => json!({"title": shown::title(note), "body": body}),
        // The app's own words, from its strings file.
        None => json!({"title": shown::title(note), "loc-key": "ANSER_NEW_MESSAGE"}),
    };
    let mut payload = shown::data(note);
    payload.insert(
        "aps".into(),
        json!({"alert": alert, "badge": note.badge, "sound": "default",
               "thread-id": note.at.to_string(), "mutable-content": 1}),
    );
    Value::Object(payload)
}
