//! The Rust client of Anser's native protocol: what `anser chat` and `anser bench` are built on,
//! and an SDK for apps.
//!
//! [`Client::connect`] gives a handle and a stream of events. Behind them one task keeps the
//! device linked: it comes back with full jitter, resumes by ticket or asks for a fresh token,
//! says unanswered sends again under their client ids and in their order, and lets each
//! conversation's log pass gapless and once.
//!
//! ```no_run
//! use anser_client::{Client, Event, Gateway, OneToken, Options, Trust, message};
//! use anser_domain::{Content, Secret};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let gateway = Gateway::new("tcp://127.0.0.1:7700".parse()?, &Trust::System)?;
//! let token = OneToken(Secret::new("the access token of POST /v1/auth/login"));
//! let (client, mut events) = Client::connect(Options::new(gateway, token)).await?;
//!
//! let stored = client.send(message("u:bob".parse()?, Content::Text("hello".into()))).await?;
//! println!("stored for good as {}", stored.seq);
//! while let Some(event) = events.next().await {
//!     if let Event::Message(message) = event {
//!         println!("{}: {:?}", message.sender, message.content);
//!     }
//! }
//! # Ok(()) }
//! ```
//!
//! [`Connection`] is the layer below: one link's bytes, for load generators and tests.

mod backoff;
mod calls;
mod client;
mod connection;
mod convert;
mod dial;
mod endpoint;
mod error;
mod event;
mod frontier;
mod machine;
mod model;
mod sends;
mod task;
mod token;

pub use anser_wire::ErrorCode;

pub use self::{
    client::{Client, Options, Sending, fresh_client_id, message},
    connection::{Connection, Io, Take},
    dial::{Dial, Gateway, Trust},
    endpoint::{Endpoint, EndpointError, Scheme},
    error::{ConnectError, Failed, Refused},
    event::{Event, Events, Receipt, Stop},
    model::{
        Conversation, ConversationPage, File, Group, Hit, Identity, Invitation, Message, Page,
        Range, SearchPage, Stored,
    },
    token::{OneToken, TokenError, TokenSource},
};
