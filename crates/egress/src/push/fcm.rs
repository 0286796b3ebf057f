//! Google's push service, HTTP v1: an access token for a service account, then a message.
//! <https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages>

use std::{sync::Arc, time::Duration};

use anser_domain::{Clock, Handed, Notification};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Means, jwt::Kept, later, shown, unanswered};
use crate::http::{Answer, EgressError, Failure, Http, Post};

/// What the access token is good for.
const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";
/// How long an assertion counts; Google takes an hour at most.
const ASSERTION_S: i64 = 3_600;
/// An access token is renewed so long before it ends.
const MARGIN: Duration = Duration::from_secs(300);
/// The longest payload.
const MAX_PAYLOAD: usize = 4_096;

/// What the operator has from Google.
#[derive(Clone, Debug)]
pub struct FcmConfig {
    /// The service account's key file: JSON.
    pub account: Vec<u8>,
    /// Where messages go.
    pub url: String,
}

#[derive(Deserialize)]
struct Account {
    project_id: String,
    client_email: String,
    private_key: String,
    token_uri: String,
}

/// The gateway.
pub struct Fcm {
    means: Means,
    account: Account,
    key: EncodingKey,
    url: String,
    access: Kept,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    expires_in: u64,
}

impl Fcm {
    /// A gateway.
    ///
    /// # Errors
    /// [`EgressError::Key`] when the account is none.
    pub fn new(http: Http, clock: Arc<dyn Clock>, config: FcmConfig) -> Result<Self, EgressError> {
        let account: Account = serde_json::from_slice(&config.account)
            .map_err(|_| EgressError::Key("not a service account's key file".into()))?;
        let key = EncodingKey::from_rsa_pem(account.private_key.as_bytes())
            .map_err(|error| EgressError::Key(format!("not a service account's key: {error}")))?;
        let url = format!("{}/v1/projects/{}/messages:send", config.url, account.project_id);
        Ok(Self { means: Means { http, clock }, account, key, url, access: Kept::default() })
    }

    /// An access token, by an assertion (RFC 7523).
    async fn access(&self) -> Result<String, Handed> {
        let now = self.means.clock.wall();
        let make = async || {
            let iat = now.0 / 1000;
            let claims = json!({"iss": self.account.client_email, "scope": SCOPE,
                "aud": self.account.token_uri, "iat": iat, "exp": iat + ASSERTION_S});
            let assertion =
                jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &self.key)
                    .map_err(|_| later("no assertion"))?;
            let mut headers = HeaderMap::new();
            let form = HeaderValue::from_static("application/x-www-form-urlencoded");
            headers.insert(CONTENT_TYPE, form);
            let body = format!(
                "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion={assertion}"
            );
            let post =
                Post { url: &self.account.token_uri, headers, body: body.into(), within: None };
            let answer = self.means.http.post(post).await.map_err(|failure| match failure {
                // An address in the operator's own file: theirs to mend.
                Failure::Forbidden(why) => later(why),
                Failure::Unreachable(why) => later(why),
            })?;
            let granted = serde_json::from_slice::<Granted>(&answer.body);
            match granted {
                Ok(granted) if answer.status.is_success() => {
                    let lasts = Duration::from_secs(granted.expires_in).saturating_sub(MARGIN);
                    Ok((granted.access_token, lasts))
                }
                _ => {
                    let status = answer.status.as_u16();
                    tracing::error!(status, "FCM gives this server no access token");
                    Err(Handed::Later {
                        after: answer.retry_after,
                        reason: format!("no access token: status {status}").into(),
                    })
                }
            }
        };
        self.access.fresh(now, make).await
    }

    pub(super) async fn push(&self, device: &str, note: &Notification) -> Handed {
        let access = match self.access().await {
            Ok(access) => access,
            Err(handed) => return handed,
        };
        let mut headers = HeaderMap::new();
        let Ok(mut bearer) = HeaderValue::from_str(&format!("Bearer {access}")) else {
            return later("an access token that is none");
        };
        bearer.set_sensitive(true);
        headers.insert(AUTHORIZATION, bearer);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let ttl = shown::ttl(note, self.means.clock.wall());
        let body = shown::fitting(note, MAX_PAYLOAD, |note| message(device, note, ttl)).into();
        let answer = match self
            .means
            .http
            .post(Post { url: &self.url, headers, body, within: None })
            .await
        {
            Ok(answer) => answer,
            Err(failure) => return unanswered(failure),
        };
        if answer.status == StatusCode::UNAUTHORIZED {
            self.access.forget(&access).await;
        }
        outcome(&answer)
    }
}

/// FCM's own code stands in the details; the status above it is Google's general one.
fn outcome(answer: &Answer) -> Handed {
    if answer.status.is_success() {
        return Handed::Taken;
    }
    let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let error = said.get("error");
    let details = error.and_then(|it| it.get("details")).and_then(Value::as_array);
    let code = details.into_iter().flatten().find_map(|it| it.get("errorCode")?.as_str());
    let general = error.and_then(|it| it.get("status")?.as_str());
    let code = code.or(general).unwrap_or_default();
    let reason: Box<str> = match code {
        "" => format!("status {}", answer.status.as_u16()).into(),
        code => code.chars().take(100).collect::<String>().into(),
    };
    match (answer.status, code) {
        (_, "UNREGISTERED" | "SENDER_ID_MISMATCH") => Handed::Gone { reason },
        (StatusCode::UNAUTHORIZED | StatusCode::TOO_MANY_REQUESTS, _) => {
            Handed::Later { after: answer.retry_after, reason }
        }
        (status, _) if status.is_server_error() => {
            Handed::Later { after: answer.retry_after, reason }
        }
        _ => Handed::Refused { reason },
    }
}

fn message(device: &str, note: &Notification, ttl: u64) -> Value {
    let mut notification = json!({"title": shown::title(note)});
    if let (Some(body), Some(map)) = (shown::body(note), notification.as_object_mut()) {
        map.insert("body".into(), body.into());
    }
    json!({"message": {
        "token": device,
        "notification": notification,
        "data": shown::data(note),
        "android": {
            "collapse_key": shown::collapse(note),
            "priority": "HIGH",
            "ttl": format!("{ttl}s"),
            // What has the same tag takes the other's place.
            "notification": {"tag": shown::collapse(note), "notification_count": note.badge},
        },
    }})
}
