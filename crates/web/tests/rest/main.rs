//! The REST tier against a scripted SM: requests in, commands out; replies in, answers out.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

mod admin;
mod bearer;
mod documents;
mod fake;
mod files;
mod groups;
mod guard;
mod hostile;
mod idempotency;
mod pace;
mod people;
mod refusals;
mod routes;
mod waiting;
