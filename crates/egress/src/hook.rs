//! May this message be sent? A signed POST, answered with a verdict.
//!
//! ```json
//! {"sender":"alice","to":"g:geese","client_id":"…","kind":"text","text":"…"}
//! {"verdict":"allow"}
//! {"verdict":"deny","reason":"…"}
//! {"verdict":"rewrite","kind":"text","text":"…"}
//! ```

use std::{sync::Arc, time::Duration};

use anser_domain::{BeforeSend, Clock, Content, Kind, SendQuestion, Verdict, WebhookTarget};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    http::{Http, Post},
    sign,
};

/// The longest reason that a sender is shown, in bytes.
const MAX_REASON: usize = 500;

/// Asks one address.
pub struct SendHook {
    http: Http,
    clock: Arc<dyn Clock>,
    target: WebhookTarget,
}

impl SendHook {
    /// Asks `target`.
    #[must_use]
    pub fn new(http: Http, clock: Arc<dyn Clock>, target: WebhookTarget) -> Self {
        Self { http, clock, target }
    }
}

#[derive(Serialize)]
struct Question<'a> {
    sender: &'a str,
    to: String,
    client_id: String,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mentions: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    edits: Option<u64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    forwarded: bool,
}

#[derive(Deserialize)]
#[serde(tag = "verdict", rename_all = "lowercase")]
enum Said {
    Allow,
    Deny {
        #[serde(default)]
        reason: String,
    },
    Rewrite {
        kind: String,
        text: Option<String>,
        // A map rather than raw JSON: a tagged enum is buffered, and raw JSON cannot be.
        data: Option<serde_json::Value>,
    },
}

#[async_trait]
impl BeforeSend for SendHook {
    async fn ask(&self, question: &SendQuestion, deadline: Duration) -> Option<Verdict> {
        let body = serde_json::to_vec(&asked(question)).ok()?;
        let id = question.client_id.to_string();
        let headers = sign::headers(&id, self.clock.wall(), &body, &self.target.secrets)?;
        let post =
            Post { url: &self.target.url, headers, body: body.into(), within: Some(deadline) };
        match self.http.post(post).await {
            Ok(answer) if answer.status.is_success() => verdict(&answer.body),
            Ok(answer) => {
                tracing::warn!(status = answer.status.as_u16(), "no verdict on a send");
                None
            }
            Err(error) => {
                tracing::warn!(%error, "no verdict on a send");
                None
            }
        }
    }
}

fn asked(question: &SendQuestion) -> Question<'_> {
    let body = question.content.body().unwrap_or_default();
    let (text, data) = match question.content.kind() {
        Kind::Text => (Some(body), None),
        _ => (None, raw(body)),
    };
    Question {
        sender: question.sender.as_str(),
        to: question.to.to_string(),
        client_id: question.client_id.to_string(),
        kind: question.content.kind().name(),
        text,
        data,
        reply_to: question.reply_to.map(|seq| seq.0),
        mentions: question.mentions.iter().map(|name| name.as_str()).collect(),
        edits: question.edits.map(|seq| seq.0),
        forwarded: question.forwarded,
    }
}

/// A body as it was sent; what is no JSON is shown as a string.
fn raw(json: &str) -> Option<Box<RawValue>> {
    RawValue::from_string(json.to_owned()).or_else(|_| serde_json::value::to_raw_value(json)).ok()
}

fn verdict(body: &[u8]) -> Option<Verdict> {
    let said: Said = match serde_json::from_slice(body) {
        Ok(said) => said,
        Err(error) => {
            // The line and column only: what stands there may be part of a message.
            let (line, column) = (error.line(), error.column());
            tracing::warn!(line, column, "a verdict on a send is not understood");
            return None;
        }
    };
    Some(match said {
        Said::Allow => Verdict::Allow,
        Said::Deny { mut reason } => {
            reason.truncate(reason.floor_char_boundary(MAX_REASON));
            Verdict::Deny(reason.into())
        }
        Said::Rewrite { kind, text, data } => {
            let kind = Kind::from_name(&kind)?;
            let body: Box<str> = match (kind, text, data) {
                (Kind::Text, Some(text), None) => text.into(),
                (Kind::Image | Kind::File, None, Some(data)) if data.is_object() => {
                    data.to_string().into()
                }
                (Kind::Custom, None, Some(data)) => data.to_string().into(),
                _ => return None,
            };
            Verdict::Rewrite(Content::user_sent(kind, body)?)
        }
    })
}

#[cfg(test)]
mod tests {
    use anser_domain::{Address, ClientId, Seq, UserName};

    use super::*;

    #[test]
    fn a_question_says_what_would_be_sent() {
        let question = SendQuestion {
            sender: UserName::new("alice").unwrap(),
            to: "g:geese".parse::<Address>().unwrap(),
            client_id: ClientId::from_text("0198c0de-0000-7000-8000-000000000001"),
            content: Content::Custom(r#"{"b":1,"a":2}"#.into()),
            reply_to: Some(Seq(7)),
            mentions: vec![],
            edits: None,
            forwarded: false,
        };
        let json = serde_json::to_string(&asked(&question)).unwrap();
        assert_eq!(
            json,
            r#"{"sender":"alice","to":"g:geese","client_id":"0198c0de-0000-7000-8000-000000000001","kind":"custom","data":{"b":1,"a":2},"reply_to":7}"#
        );
    }

    #[test]
    fn verdicts_are_taken_and_nonsense_is_none() {
        assert_eq!(verdict(br#"{"verdict":"allow"}"#), Some(Verdict::Allow));
        assert_eq!(
            verdict(br#"{"verdict":"deny","reason":"no"}"#),
            Some(Verdict::Deny("no".into()))
        );
        assert_eq!(
            verdict(br#"{"verdict":"rewrite","kind":"text","text":"h***"}"#),
            Some(Verdict::Rewrite(Content::Text("h***".into())))
        );
        let long = format!(r#"{{"verdict":"deny","reason":"{}"}}"#, "é".repeat(400));
        assert!(matches!(verdict(long.as_bytes()), Some(Verdict::Deny(it)) if it.len() == 500));
        for nonsense in [
            r"",
            r"{}",
            r#"{"verdict":"perhaps"}"#,
            r#"{"verdict":"rewrite","kind":"event"}"#,
            r#"{"verdict":"rewrite","kind":"text","data":{}}"#,
            r#"{"verdict":"rewrite","kind":"image","data":[]}"#,
        ] {
            assert_eq!(verdict(nonsense.as_bytes()), None, "{nonsense}");
        }
    }
}
