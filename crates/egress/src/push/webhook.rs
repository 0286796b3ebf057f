//! The app's own server: a signed POST for each notification, for services that Anser does not
//! know.

use std::sync::Arc;

use anser_domain::{Clock, Handed, Notification, Secret};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Means, shown};
use crate::{
    http::{Http, Post},
    sign, webhook,
};

/// The address, and what signs.
#[derive(Clone, Debug)]
pub struct PushHookConfig {
    /// Where notifications go.
    pub url: String,
    /// What they are signed with; two while the secret is exchanged.
    pub secrets: Vec<Secret>,
}

/// The gateway.
pub struct PushHook {
    means: Means,
    config: PushHookConfig,
}

impl PushHook {
    /// A gateway.
    #[must_use]
    pub fn new(http: Http, clock: Arc<dyn Clock>, config: PushHookConfig) -> Self {
        Self { means: Means { http, clock }, config }
    }

    pub(super) async fn push(&self, device: &str, note: &Notification) -> Handed {
        let body = payload(device, note).to_string();
        // The same at every attempt, and another for each device.
        let digest = Sha256::digest(device.as_bytes());
        let tag: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let id = format!("push_{}_{tag}", note.id);
        let now = self.means.clock.wall();
        let Some(headers) = sign::headers(&id, now, body.as_bytes(), &self.config.secrets) else {
            return Handed::Refused { reason: "the id is nothing a header can hold".into() };
        };
        let post = Post { url: &self.config.url, headers, body: body.into(), within: None };
        webhook::outcome(self.means.http.post(post).await)
    }
}

fn payload(device: &str, note: &Notification) -> Value {
    json!({
        "token": device,
        "user": note.user.as_str(),
        "conv": note.at.to_string(),
        "seq": note.seq.0,
        "id": note.id.to_string(),
        "sender": note.sender.as_str(),
        "title": shown::title(note),
        "body": shown::body(note),
        "badge": note.badge,
        "unread": note.unread,
        "mentioned": note.mentioned,
        "locale": &*note.locale,
        "collapse": shown::collapse(note),
        "until": note.until.0,
    })
}
