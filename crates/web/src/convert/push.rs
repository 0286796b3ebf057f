//! Registrations for notifications.

use anser_domain::{DeviceName, PushCommand, PushRecord, PushTarget};

use super::invalid;
use crate::{
    api::push::{LastPush, NewPush, Provider, Push},
    problem::Problem,
};

/// The longest token or endpoint that is taken. Services say that theirs may grow; those seen
/// are below 300 bytes.
const MAX_TOKEN: usize = 2_048;

pub(crate) fn register(device: DeviceName, new: NewPush) -> Result<PushCommand, Problem> {
    let NewPush { provider, token, app, sandbox, endpoint, keys, locale } = new;
    let target = match (provider, token, endpoint, keys) {
        (Provider::Apns, Some(token), None, None) => PushTarget::Apns {
            token: given("token", token)?,
            topic: given("app", app.ok_or_else(|| invalid("app", "apns needs a bundle id"))?)?,
            sandbox: sandbox.unwrap_or_default(),
        },
        (Provider::Fcm, Some(token), None, None) => {
            PushTarget::Fcm { token: given("token", token)? }
        }
        (Provider::Webhook, Some(token), None, None) => {
            PushTarget::Webhook { token: given("token", token)? }
        }
        (Provider::Web, None, Some(endpoint), Some(keys)) => PushTarget::Web {
            endpoint: given("endpoint", endpoint)?,
            p256dh: given("keys", keys.p256dh)?,
            auth: given("keys", keys.auth)?,
        },
        (Provider::Web, ..) => {
            return Err(invalid("provider", "web has an endpoint and keys, and no token"));
        }
        _ => return Err(invalid("provider", "this one has a token, no endpoint and no keys")),
    };
    Ok(PushCommand::Register { device, target, locale: locale.into() })
}

fn given(what: &str, text: String) -> Result<Box<str>, Problem> {
    if text.is_empty() || text.len() > MAX_TOKEN || text.chars().any(char::is_control) {
        let fit = format_args!("1 to {MAX_TOKEN} bytes without control characters").to_string();
        return Err(invalid(what, fit));
    }
    Ok(text.into())
}

pub(crate) fn push(record: PushRecord) -> Push {
    let PushRecord { provider, locale, registered, taken, failed, last } = record;
    Push {
        provider: provider.into(),
        locale: locale.into(),
        registered: registered.0,
        taken,
        failed,
        last: last.map(|last| LastPush {
            at: last.at.0,
            taken: last.taken,
            reason: (!last.taken).then(|| last.reason.into()),
        }),
    }
}
