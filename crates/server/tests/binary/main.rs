//! The real `anser`, started, used, stopped and killed as people do it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test ends at the first thing that is not as it should be"
)]

mod deploy;
mod ended;
mod errors;
mod settings;
mod start;
mod support;
mod tls;
mod users;
