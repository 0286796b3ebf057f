//! Topic names, the filters that match them, and finding who wants a name among a million filters
//! (MQTT 5 §4.7 and 4.8). Links and the SM both match; neither this crate nor its callers change
//! a name in any way [MQTT-4.7.3-4].
//!
//! * [`Filter`]: what a client subscribes to, checked; [`check_name`] for what it publishes to.
//! * [`Index`]: filters and who has them.

mod filter;
mod index;

pub use self::{
    filter::{Filter, MAX_TOPIC, TopicError, check_name, matches},
    index::Index,
};
