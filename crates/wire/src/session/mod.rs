//! The server's end of one link.

/// Placeholder.
#[derive(Debug)]
pub struct Session;
