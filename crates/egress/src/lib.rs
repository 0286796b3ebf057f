//! Everything that Anser sends to the HTTP servers of others: webhooks, the question before a
//! send, notifications.
//!
//! Most addresses here come from users and from apps, so nothing leaves but through [`Http`],
//! whose [`Guard`] keeps it away from the operator's own network.
//!
//! | Part | What it does |
//! |---|---|
//! | [`Guard`] | which addresses may be reached: a table |
//! | [`Http`] | the one client: bounded in time and size, follows nothing |
//! | `sign` | signatures of Standard Webhooks |
//! | [`SignedWebhooks`] | events for apps |
//! | [`SendHook`] | may this message be sent? |
//! | [`Gateways`] | notifications by APNs, FCM, Web Push or a webhook |

mod guard;
mod hook;
mod http;
mod push;
mod sign;
mod webhook;

pub use guard::Guard;
pub use hook::SendHook;
pub use http::{Answer, EgressError, Failure, Http, Post, Roots};
pub use ipnet::IpNet;
pub use push::{
    Apns, ApnsConfig, Fcm, FcmConfig, Gateways, PushHook, PushHookConfig, VapidKey, WebPush,
    WebPushConfig,
};
pub use webhook::SignedWebhooks;
