//! Free loopback ports for servers that come back at the same place.

use std::net::TcpListener;

use anyhow::{Context as _, Result};
use rand::RngExt as _;

/// Below the range from which the kernel takes the ports of outgoing connections: one of those
/// could sit on a server's port while the server is down.
const RANGE: std::ops::Range<u16> = 20_000..32_000;
/// Most ports that are tried.
const TRIES: usize = 100;

/// A port that nobody listens on.
///
/// # Errors
/// There is none.
pub(crate) fn free() -> Result<u16> {
    let mut rng = rand::rng();
    let mut tried = (0..TRIES).map(|_| rng.random_range(RANGE));
    tried.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).context("no free port")
}
