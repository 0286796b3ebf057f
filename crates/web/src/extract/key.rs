//! `Idempotency-Key`: the client's own id for a write, by which a retry is recognised.

use anser_domain::{ClientId, Clock};
use axum::extract::{FromRef, FromRequestParts};
use http::{HeaderName, HeaderValue, request::Parts};
use utoipa::{
    IntoParams,
    openapi::{
        Object, Required, Type,
        path::{Parameter, ParameterBuilder, ParameterIn},
    },
};

use crate::{
    App,
    limits::MAX_IDEMPOTENCY_KEY,
    problem::{self, Problem},
};

/// The header's name.
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The key of a write. A UUID stays itself (UUIDv7 is what the store likes best); other text is
/// hashed. A request without a key gets a fresh UUIDv7, which the answer tells, so that even
/// then a client that hears "no answer in time" can ask again.
pub(crate) struct Key {
    /// What the SM knows it by.
    pub(crate) id: ClientId,
    /// What the answer's header says: the key as it was sent, or the one that was made.
    pub(crate) echo: HeaderValue,
}

impl<S: Sync> FromRequestParts<S> for Key
where
    App: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(head: &mut Parts, state: &S) -> Result<Self, Problem> {
        let mut values = head.headers.get_all(IDEMPOTENCY_KEY).iter();
        let Some(value) = values.next() else {
            return Ok(Self::fresh(&*App::from_ref(state).clock));
        };
        if values.next().is_some() {
            return Err(Problem::new(&problem::MALFORMED, "there are two Idempotency-Key headers"));
        }
        let key = value
            .to_str()
            .ok()
            .map(unquoted)
            .filter(|key| !key.is_empty() && key.len() <= MAX_IDEMPOTENCY_KEY);
        let Some(key) = key else {
            let detail = format!(
                "an Idempotency-Key has 1 to {MAX_IDEMPOTENCY_KEY} visible ASCII characters"
            );
            return Err(Problem::new(&problem::MALFORMED, detail));
        };
        Ok(Self { id: ClientId::from_text(key), echo: value.clone() })
    }
}

impl IntoParams for Key {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let about = "The client's own id for this request, best a UUIDv7: a retry with the same \
                     key and body changes nothing and gets the first answer.";
        vec![
            ParameterBuilder::new()
                .name("Idempotency-Key")
                .parameter_in(ParameterIn::Header)
                .required(Required::False)
                .description(Some(about))
                .schema(Some(Object::with_type(Type::String)))
                .example(Some("8e03978e-40d5-43e8-bc93-6894a57f9324".into()))
                .build(),
        ]
    }
}

impl Key {
    /// RFC 9562 §5.7: 48 bits of time, the rest random.
    fn fresh(clock: &dyn Clock) -> Self {
        let millis = u64::try_from(clock.wall().0).unwrap_or(0);
        let uuid = uuid::Builder::from_unix_timestamp_millis(millis, &rand::random()).into_uuid();
        let mut text = uuid::Uuid::encode_buffer();
        let echo = HeaderValue::from_str(uuid.hyphenated().encode_lower(&mut text));
        Self {
            id: ClientId(uuid.into_bytes()),
            // Hex digits and hyphens are a header value.
            echo: echo.unwrap_or(HeaderValue::from_static("")),
        }
    }
}

/// The IETF draft makes the key a structured string, in quotes; most clients send it bare.
fn unquoted(text: &str) -> &str {
    text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text)
}
