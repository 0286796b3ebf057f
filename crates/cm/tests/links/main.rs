//! Links from end to end: real tasks and sockets, small foreign sessions, and an SM that does as
//! it is told.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod ending;
mod fake;
mod flow;
mod line;
mod proxy;
mod qos2;
mod rig;
mod slow;
mod starttls;
mod streams;
mod websocket;
