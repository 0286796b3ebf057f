//! The doors: sockets that are accepted, and TLS found by its first byte.

mod accept;
mod tls;

pub use accept::Listener;
pub(crate) use tls::starttls;
pub use tls::{Tls, secure};
