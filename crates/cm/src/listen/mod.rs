//! The doors: sockets that are accepted, proxies that say for whom they come, and TLS found by
//! its first byte.

mod accept;
mod door;
mod proxy;
mod tls;

pub use accept::Listener;
pub use door::{Arrival, Door};
pub use tls::Tls;
pub(crate) use tls::starttls;
