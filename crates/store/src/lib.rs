//! What lasts and what is live: the two ports behind the SM, their backends, and one
//! conformance suite for each.
//!
//! [`Store`] keeps everything that must last, first of all the logs. [`Routes`] knows which
//! device is linked where, which can always be rebuilt. A backend is a folder under `backend/`
//! and an arm in [`open()`] or [`open_routes`].

pub mod backend;
#[cfg(feature = "conformance")]
pub mod conformance;
mod open;
mod planted;
pub mod port;
mod words;

pub use open::{OpenError, check, check_routes, open, open_routes};
pub use port::*;
