//! Topic aliases (MQTT 5 §3.3.2.3.4): topics that a link calls by number. They end with the link
//! [MQTT-3.3.2-7], and each direction has its own.

use std::collections::HashMap;

use crate::{CodecError, Reason};

/// What the peer calls by number.
#[derive(Clone, Debug, Default)]
pub struct Incoming {
    max: u16,
    /// Grows with the highest number that is used.
    topics: Vec<Box<str>>,
}

impl Incoming {
    /// Takes the numbers 1 to `max`, as this end has said it would.
    #[must_use]
    pub fn new(max: u16) -> Self {
        Self { max, topics: Vec::new() }
    }

    /// The topic of a PUBLISH with the number `alias`: its own, which the number means from now
    /// on, or the one that it means already.
    ///
    /// # Errors
    /// The number is 0 or above the maximum [MQTT-3.3.2-8] [MQTT-3.3.2-9], or means nothing yet.
    pub fn resolve<'a>(&'a mut self, topic: &'a str, alias: u32) -> Result<&'a str, CodecError> {
        let at = match alias.checked_sub(1) {
            Some(at) if alias <= u32::from(self.max) => at as usize,
            _ => {
                return Err(CodecError {
                    reason: Reason::TopicAliasInvalid,
                    text: "a topic alias of 0 or above the maximum",
                });
            }
        };
        if topic.is_empty() {
            let known = self.topics.get(at).map(|topic| &**topic).filter(|topic| !topic.is_empty());
            return known.ok_or(CodecError {
                reason: Reason::ProtocolError,
                text: "a topic alias that means nothing yet",
            });
        }
        if self.topics.len() <= at {
            self.topics.resize_with(at + 1, Box::default);
        }
        if let Some(known) = self.topics.get_mut(at)
            && **known != *topic
        {
            *known = topic.into();
        }
        Ok(topic)
    }
}

/// What this end calls by number: the topics that came first, as many as the peer takes.
#[derive(Clone, Debug, Default)]
pub struct Outgoing {
    max: u16,
    numbers: HashMap<Box<str>, u16>,
}

/// How a topic is named in a PUBLISH.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// In full.
    Topic,
    /// In full, and by this number from now on.
    Introduce(u16),
    /// By this number alone.
    Alias(u16),
}

impl Outgoing {
    /// Uses the numbers 1 to `max` at most: what the peer has said it takes [MQTT-3.1.2-26]
    /// [MQTT-3.1.2-27], or fewer, for memory.
    #[must_use]
    pub fn new(max: u16) -> Self {
        Self { max, numbers: HashMap::new() }
    }

    /// How to name `topic` next.
    pub fn name(&mut self, topic: &str) -> Naming {
        if let Some(number) = self.numbers.get(topic) {
            return Naming::Alias(*number);
        }
        match u16::try_from(self.numbers.len() + 1) {
            Ok(number) if number <= self.max => {
                self.numbers.insert(topic.into(), number);
                Naming::Introduce(number)
            }
            _ => Naming::Topic,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_means_the_topic_that_it_last_came_with() {
        let mut incoming = Incoming::new(2);
        assert_eq!(incoming.resolve("", 1).unwrap_err().reason, Reason::ProtocolError);
        assert_eq!(incoming.resolve("a", 1), Ok("a"));
        assert_eq!(incoming.resolve("b", 2), Ok("b"));
        assert_eq!(incoming.resolve("", 1), Ok("a"));
        assert_eq!(incoming.resolve("c", 1), Ok("c"));
        assert_eq!(incoming.resolve("", 1), Ok("c"));
        assert_eq!(incoming.resolve("", 2), Ok("b"));
    }

    #[test]
    fn numbers_beyond_what_was_agreed_are_refused() {
        for (max, alias) in [(0, 1), (2, 0), (2, 3), (65_535, 65_536), (65_535, u32::MAX)] {
            let refused = Incoming::new(max).resolve("a", alias).unwrap_err();
            assert_eq!(refused.reason, Reason::TopicAliasInvalid, "{alias} of {max}");
        }
    }

    #[test]
    fn no_more_topics_are_called_by_number_than_the_peer_takes() {
        let mut outgoing = Outgoing::new(1);
        assert_eq!(outgoing.name("a"), Naming::Introduce(1));
        assert_eq!(outgoing.name("b"), Naming::Topic);
        assert_eq!(outgoing.name("a"), Naming::Alias(1));
        assert_eq!(Outgoing::new(0).name("a"), Naming::Topic);
    }
}
