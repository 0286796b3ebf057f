//! The codec: every statement of the standards that it obeys, byte by byte, and packets that
//! nobody thought of.

mod any;
mod page;
mod properties;
mod statements;
