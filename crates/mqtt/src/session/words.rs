//! What a session asks, and what it hears.

use std::{sync::Arc, time::Duration};

use anser_domain::{Command, Refusal, Reply, Tag, TopicCommand, TopicMessage, TopicReply};

use super::grant::Grant;

/// A question to the SM.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// As every protocol asks it.
    Link(Command),
    /// About topics.
    Topics(TopicCommand),
}

/// The answer to an [`Ask`].
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// To [`Ask::Link`].
    Link(Reply),
    /// To [`Ask::Topics`].
    Topics(TopicReply),
}

/// What a session says in one call.
pub type Turn<'a> = anser_domain::Turn<'a, Ask>;

/// What happens to a link beside bytes.
#[derive(Debug)]
pub enum Input<'a> {
    /// The answer to an earlier ask.
    Answer(Tag, &'a Answer),
    /// A message that the client subscribes to.
    Deliver(&'a Arc<TopicMessage>, &'a Grant),
    /// The deadline has passed.
    Timeout,
    /// This device's link is taken from it: say why and close.
    Evict(&'a Refusal),
    /// The process is stopping: take no new work, and close once what was asked is answered.
    Drain {
        /// Not said: MQTT has no word for it.
        retry_after: Duration,
    },
}
