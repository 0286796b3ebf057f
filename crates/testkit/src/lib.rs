//! What tests of the whole are made of; only tests and development tools use this crate.
//!
//! * [`checker`]: whether a run kept the promises, told from what it left behind.

pub mod checker;
