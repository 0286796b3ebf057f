//! How often someone may do something: the arithmetic of limits, for every role.
//!
//! [`Pace`] holds each key to a [`Rate`]; [`Backoff`] makes each further failure of a key wait
//! longer. Both are bounded in memory, and both forget: they bound floods, and are no ledger.
//! Whoever is counted by address is counted as a [`Place`].

mod backoff;
mod pace;
mod place;
mod recent;

pub use backoff::{Backoff, Patience};
pub use pace::{Pace, Rate};
pub use place::Place;
