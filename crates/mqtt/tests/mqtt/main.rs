//! The codec: every statement of the standards that it obeys, byte by byte, and packets that
//! nobody thought of.

#![expect(clippy::unwrap_used, reason = "tests")]

mod any;
mod page;
mod properties;
mod statements;
