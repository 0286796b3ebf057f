//! What handlers take out of a request, each with a problem for when it is not there.

mod bearer;
mod body;
mod key;
mod password;
mod query;
mod remote;
mod segment;

pub(crate) use bearer::Bearer;
pub(crate) use body::Body;
pub(crate) use key::{IDEMPOTENCY_KEY, Key};
pub(crate) use password::PasswordsTaken;
pub(crate) use query::{PageQuery, Query, page_size};
pub(crate) use remote::Remote;
pub(crate) use segment::{EventId, KeyId, Segment, WebhookName};
