//! What lies outside: the HTTP servers of apps and of push services, behind small ports.
//!
//! The SM decides what is to be told and when to try again; how it is told, to whom a server may
//! be spoken to at all, and what its answers mean, is behind these traits.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    account::Secret,
    address::Address,
    id::{ClientId, MessageId, Millis, Seq},
    message::Content,
    name::UserName,
};

/// What became of something that was handed to a server of others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handed {
    /// It has it.
    Taken,
    /// Not now: it may be tried again.
    Later {
        /// How long the server asks to wait, where it does.
        after: Option<Duration>,
        /// Why, for the record; at most a line.
        reason: Box<str>,
    },
    /// Never: trying again is no use.
    Refused {
        /// Why, for the record; at most a line.
        reason: Box<str>,
    },
    /// The receiver itself is no more: nothing else is to be sent to it either.
    Gone {
        /// Why, for the record; at most a line.
        reason: Box<str>,
    },
}

/// A webhook's receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookTarget {
    /// Where it listens.
    pub url: Box<str>,
    /// What it checks signatures with. Two while the secret is exchanged: each signs.
    pub secrets: Vec<Secret>,
}

/// One event for a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookEvent {
    /// The same at every attempt, so that the receiver can tell a repeat.
    pub id: Box<str>,
    /// A JSON document.
    pub body: Bytes,
}

/// Tells apps what happened.
#[async_trait]
pub trait Webhooks: Send + Sync + 'static {
    /// Why nothing can ever be posted to `url`, as far as can be told from here: an address that
    /// is not to be reached, say. `None` when it may.
    fn objection(&self, url: &str) -> Option<&'static str>;

    /// Hands over one event, within the port's own deadline.
    async fn post(&self, to: &WebhookTarget, event: &WebhookEvent) -> Handed;
}

/// A message that waits for leave to be sent, or other words for one that stands.
#[derive(Clone, Debug, PartialEq)]
pub struct SendQuestion {
    /// Whose message.
    pub sender: UserName,
    /// Where to, from the sender's side.
    pub to: Address,
    /// The client's own id for it.
    pub client_id: ClientId,
    /// What it says.
    pub content: Content,
    /// The entry it answers.
    pub reply_to: Option<Seq>,
    /// Members it calls by name.
    pub mentions: Vec<UserName>,
    /// The message in whose place these words are to stand, when it is an edit.
    pub edits: Option<Seq>,
    /// Whether it is another message's content that is sent on.
    pub forwarded: bool,
}

/// What the app says to it.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It may be sent.
    Allow,
    /// It may not; the sender sees the reason.
    Deny(Box<str>),
    /// It may be sent, saying this.
    Rewrite(Content),
}

/// Asks the app whether a message may be sent.
#[async_trait]
pub trait BeforeSend: Send + Sync + 'static {
    /// The verdict; `None` when there was none within `deadline`, or none that makes sense.
    async fn ask(&self, question: &SendQuestion, deadline: Duration) -> Option<Verdict>;
}

/// Where a device's notifications go, as the device said it.
#[derive(Clone, PartialEq, Eq)]
pub enum PushTarget {
    /// Apple's service.
    Apns {
        /// The device's token, hexadecimal.
        token: Box<str>,
        /// The app's bundle id.
        topic: Box<str>,
        /// Whether the token is of a development build.
        sandbox: bool,
    },
    /// Google's service.
    Fcm {
        /// The app instance's registration token.
        token: Box<str>,
    },
    /// A browser's service (RFC 8030).
    Web {
        /// The subscription's endpoint.
        endpoint: Box<str>,
        /// The subscriber's public key, base64url: an uncompressed point on P-256.
        p256dh: Box<str>,
        /// The subscriber's secret, base64url: 16 bytes.
        auth: Box<str>,
    },
    /// The app's own server, at the address of the configuration.
    Webhook {
        /// Whatever the app knows the device by.
        token: Box<str>,
    },
}

impl PushTarget {
    /// The service's name, as REST, metrics and logs have it.
    #[must_use]
    pub fn provider(&self) -> &'static str {
        match self {
            Self::Apns { .. } => "apns",
            Self::Fcm { .. } => "fcm",
            Self::Web { .. } => "web",
            Self::Webhook { .. } => "webhook",
        }
    }
}

/// Whoever knows a target can bother its owner: tokens never reach a log.
impl std::fmt::Debug for PushTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PushTarget({})", self.provider())
    }
}

/// One notification: what became of a conversation while nobody was linked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// The newest entry's id. The same at every attempt.
    pub id: MessageId,
    /// For whom.
    pub user: UserName,
    /// Which conversation, from their side. A later notification of it takes this one's place.
    pub at: Address,
    /// The newest entry's place in it.
    pub seq: Seq,
    /// What people call the conversation; empty in direct ones.
    pub title: Box<str>,
    /// Who wrote the newest message.
    pub sender: UserName,
    /// The name people read; empty when they have none.
    pub sender_name: Box<str>,
    /// What it says, shortened; `None` where bodies are not to leave this server.
    pub text: Option<Box<str>>,
    /// The user's unread messages over all conversations.
    pub badge: u64,
    /// Unread messages of this conversation.
    pub unread: u64,
    /// Whether the newest message calls the user by name.
    pub mentioned: bool,
    /// The language that the device asked for; empty when it did not.
    pub locale: Box<str>,
    /// When it is of no use any more.
    pub until: Millis,
}

/// Hands notifications to the services that reach devices.
#[async_trait]
pub trait PushGateway: Send + Sync + 'static {
    /// Whether devices can register with this provider, by [`PushTarget::provider`]'s name.
    fn serves(&self, provider: &str) -> bool;

    /// What browsers subscribe with, if they are served (RFC 8292): base64url.
    fn web_key(&self) -> Option<Box<str>> {
        None
    }

    /// Why `target` can never be pushed to: a wrong token, an address that is not to be reached.
    /// `None` when it may.
    fn objection(&self, target: &PushTarget) -> Option<&'static str>;

    /// Hands over one notification, within the port's own deadline.
    async fn push(&self, to: &PushTarget, note: &Notification) -> Handed;
}
