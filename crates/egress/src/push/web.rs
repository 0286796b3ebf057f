//! Browsers' push services: RFC 8030, encrypted to the browser (RFC 8291), signed by the server
//! (VAPID, RFC 8292).

use std::sync::Arc;

use anser_domain::{Clock, Handed, Notification};
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::AUTHORIZATION};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rustls_pki_types::{PrivatePkcs8KeyDer, pem::PemObject as _};
use serde_json::{Value, json};
use url::Url;

use super::{Means, later, seal, shown, unanswered};
use crate::http::{EgressError, Http, Post};

/// How long a signature counts; services take a day at most (RFC 8292 §2).
const SIGNED_FOR_S: i64 = 12 * 3_600;

/// The server's own key.
#[derive(Clone)]
pub struct VapidKey {
    pem: Vec<u8>,
    public: String,
}

impl VapidKey {
    /// A new key, as PEM.
    ///
    /// # Errors
    /// [`EgressError::Key`] when the system has no randomness.
    pub fn generate() -> Result<String, EgressError> {
        let made =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
                .map_err(|_| EgressError::Key("no key could be made".into()))?;
        let mut pem = String::from("-----BEGIN PRIVATE KEY-----\n");
        let encoded = STANDARD.encode(made.as_ref());
        for line in encoded.as_bytes().chunks(64) {
            pem.push_str(&String::from_utf8_lossy(line));
            pem.push('\n');
        }
        pem.push_str("-----END PRIVATE KEY-----\n");
        Ok(pem)
    }

    /// Reads PEM (PKCS #8).
    ///
    /// # Errors
    /// [`EgressError::Key`] when it is no key on P-256.
    pub fn from_pem(pem: &[u8]) -> Result<Self, EgressError> {
        let wrong = || EgressError::Key("not a key on P-256 in PKCS #8 PEM".into());
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem).map_err(|_| wrong())?;
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.secret_pkcs8_der())
                .map_err(|_| wrong())?;
        let public = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
        Ok(Self { pem: pem.to_vec(), public })
    }

    /// What web pages subscribe with: `applicationServerKey`, base64url.
    #[must_use]
    pub fn public(&self) -> &str {
        &self.public
    }
}

impl std::fmt::Debug for VapidKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VapidKey").field("public", &self.public).finish_non_exhaustive()
    }
}

/// What the operator says.
#[derive(Clone, Debug)]
pub struct WebPushConfig {
    /// The server's key.
    pub key: VapidKey,
    /// Whom a push service may complain to: `mailto:…` or `https:…`.
    pub contact: String,
}

/// The gateway.
pub struct WebPush {
    means: Means,
    key: EncodingKey,
    public: String,
    contact: String,
}

impl WebPush {
    /// What browsers subscribe with.
    pub(super) fn public_key(&self) -> &str {
        &self.public
    }

    /// A gateway.
    ///
    /// # Errors
    /// [`EgressError::Key`] when the key is none.
    pub fn new(
        http: Http,
        clock: Arc<dyn Clock>,
        config: WebPushConfig,
    ) -> Result<Self, EgressError> {
        let key = EncodingKey::from_ec_pem(&config.key.pem)
            .map_err(|error| EgressError::Key(format!("not a VAPID key: {error}")))?;
        let (public, contact) = (config.key.public, config.contact);
        Ok(Self { means: Means { http, clock }, key, public, contact })
    }

    pub(super) fn objection(
        &self,
        endpoint: &str,
        p256dh: &str,
        auth: &str,
    ) -> Option<&'static str> {
        if let Some(why) = self.means.http.objection(endpoint) {
            return Some(why);
        }
        let (Some(public), Some(auth)) = (decode(p256dh), decode(auth)) else {
            return Some("the keys of a subscription are base64url");
        };
        if auth.len() != 16 {
            return Some("the secret of a subscription is 16 bytes");
        }
        seal::seal(&public, &auth, b"").is_none().then_some("not a public key on P-256")
    }

    pub(super) async fn push(
        &self,
        endpoint: &str,
        p256dh: &str,
        auth: &str,
        note: &Notification,
    ) -> Handed {
        let text = shown::fitting(note, seal::MAX_TEXT, payload);
        let sealed = decode(p256dh).zip(decode(auth));
        let sealed = sealed.and_then(|(public, auth)| seal::seal(&public, &auth, &text));
        let Some(body) = sealed else {
            return Handed::Gone { reason: "the subscription's keys are none".into() };
        };
        let Some(headers) = self.headers(endpoint, note) else { return later("no signature") };
        let post = Post { url: endpoint, headers, body: body.into(), within: None };
        let answer = match self.means.http.post(post).await {
            Ok(answer) => answer,
            Err(failure) => return unanswered(failure),
        };
        let reason: Box<str> = format!("status {}", answer.status.as_u16()).into();
        match answer.status {
            status if status.is_success() => Handed::Taken,
            // RFC 8030 §7.3: the subscription has expired or never was.
            StatusCode::NOT_FOUND | StatusCode::GONE => Handed::Gone { reason },
            StatusCode::TOO_MANY_REQUESTS => Handed::Later { after: answer.retry_after, reason },
            status if status.is_server_error() => {
                Handed::Later { after: answer.retry_after, reason }
            }
            _ => Handed::Refused { reason },
        }
    }

    fn headers(&self, endpoint: &str, note: &Notification) -> Option<HeaderMap> {
        let now = self.means.clock.wall();
        let claims = json!({
            "aud": Url::parse(endpoint).ok()?.origin().ascii_serialization(),
            "exp": now.0 / 1000 + SIGNED_FOR_S,
            "sub": self.contact,
        });
        let token =
            jsonwebtoken::encode(&Header::new(Algorithm::ES256), &claims, &self.key).ok()?;
        let mut headers = HeaderMap::new();
        let vapid = format!("vapid t={token}, k={}", self.public);
        let mut vapid = HeaderValue::from_str(&vapid).ok()?;
        vapid.set_sensitive(true);
        headers.insert(AUTHORIZATION, vapid);
        for (name, value) in [
            ("content-encoding", "aes128gcm"),
            ("content-type", "application/octet-stream"),
            ("ttl", &shown::ttl(note, now).to_string()),
            ("topic", &shown::collapse(note)),
            ("urgency", "high"),
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).ok()?);
        }
        Some(headers)
    }
}

fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()
}

/// What the page's service worker gets.
fn payload(note: &Notification) -> Value {
    let mut payload = shown::data(note);
    payload.insert("title".into(), shown::title(note).into());
    payload.insert("tag".into(), shown::collapse(note).into());
    payload.insert("locale".into(), (*note.locale).into());
    if let Some(body) = shown::body(note) {
        payload.insert("body".into(), body.into());
    }
    Value::Object(payload)
}
