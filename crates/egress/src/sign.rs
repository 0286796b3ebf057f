//! Signatures of [Standard Webhooks](https://www.standardwebhooks.com): what receivers check.

use anser_domain::{Millis, Secret};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, HeaderName, HeaderValue, header::CONTENT_TYPE};
use sha2::Sha256;

/// What stands in front of a secret that is written in base64.
const PREFIX: &str = "whsec_";

const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// The headers of a signed JSON body: `v1,base64(HMAC-SHA256(id.timestamp.body))` for each
/// secret. `None` when the id is nothing a header can hold.
pub(crate) fn headers(id: &str, at: Millis, body: &[u8], secrets: &[Secret]) -> Option<HeaderMap> {
    let timestamp = at.0.div_euclid(1000).to_string();
    let signatures: Vec<String> =
        secrets.iter().map(|secret| signature(id, &timestamp, body, secret)).collect();
    let mut headers = HeaderMap::with_capacity(4);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ID, HeaderValue::from_str(id).ok()?);
    headers.insert(TIMESTAMP, HeaderValue::from_str(&timestamp).ok()?);
    if !signatures.is_empty() {
        headers.insert(SIGNATURE, HeaderValue::from_str(&signatures.join(" ")).ok()?);
    }
    Some(headers)
}

fn signature(id: &str, timestamp: &str, body: &[u8], secret: &Secret) -> String {
    let key = key(secret);
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key) else {
        unreachable!("HMAC takes keys of any length");
    };
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

/// A secret is `whsec_` and base64; one that is written otherwise is taken as it stands.
fn key(secret: &Secret) -> Vec<u8> {
    let text = secret.expose();
    text.strip_prefix(PREFIX)
        .and_then(|encoded| STANDARD.decode(encoded).ok())
        .unwrap_or_else(|| text.as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_specification_is_signed_alike() {
        // From the reference libraries' own tests.
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let body = br#"{"test": 2432232314}"#;
        let at = Millis(1_614_265_330_000);
        let signed = headers("msg_p5jXN8AQM9LWM0D4loKWxJek", at, body, &[secret]).unwrap();
        assert_eq!(signed[&SIGNATURE], "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(signed[&TIMESTAMP], "1614265330");
    }

    #[test]
    fn while_a_secret_is_exchanged_both_sign() {
        let secrets = [Secret::new("whsec_bmV4dA=="), Secret::new("plain")];
        let signed = headers("1", Millis(0), b"{}", &secrets).unwrap();
        let value = signed[&SIGNATURE].to_str().unwrap();
        let parts: Vec<&str> = value.split(' ').collect();
        assert_eq!(parts.len(), 2);
        assert!(parts.iter().all(|part| part.starts_with("v1,")) && parts[0] != parts[1]);
        assert!(headers("a\nb", Millis(0), b"{}", &secrets).is_none());
    }
}
