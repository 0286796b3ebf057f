//! Plain topics: whoever publishes to a name is heard by whoever has a filter that matches it. The
//! words in which a session speaks of them with the SM. No conversation is behind a plain topic,
//! and no log: what has to outlive a link is kept for each session that wants it.

use std::sync::Arc;

use bytes::Bytes;

use crate::{id::Millis, refusal::Refusal};

/// How surely a message arrives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum QoS {
    /// Once or not at all.
    #[default]
    AtMostOnce = 0,
    /// Once or more often.
    AtLeastOnce = 1,
    /// Once.
    ExactlyOnce = 2,
}

/// A message to a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicMessage {
    /// Where it is published: a valid name.
    pub topic: Box<str>,
    /// What it says.
    pub payload: Bytes,
    /// How surely it is to arrive.
    pub qos: QoS,
    /// Whether it is kept for those who subscribe later.
    pub retain: bool,
    /// From when on it is worth nothing to those who have not been sent it.
    pub expires: Option<Millis>,
    /// What else its publisher says of it, as MQTT 5 writes properties: passed on as it came.
    pub properties: Bytes,
}

/// A question about topics. The comment on each names its [`TopicReply`]; those that have one may
/// be answered `Refused` instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TopicCommand {
    /// Begin the session of the link's device, or go on with it → `Opened`.
    Open(Box<OpenTopics>),
    /// Publish → `Published`, once it is stored wherever it has to be. At QoS 0 there is no reply.
    Publish(Publication),
    /// The publisher has heard that the message with this packet id is stored, and the id may be
    /// that of another one → `Done`, once that is durable.
    Release(u16),
    /// Want messages → `Subscribed`, once those that are published from here on will come.
    Subscribe(Box<Subscribe>),
    /// Want them no more → `Unsubscribed`.
    Unsubscribe(Vec<Box<str>>),
    /// The client has the message at this place of its queue; only its id is still in use →
    /// `Done`, once that is durable.
    Received(u64),
    /// Nothing is left to do for the message at this place. No reply; may come late.
    Over(u64),
    /// The client goes of its own accord. No reply.
    Leave {
        /// Whether its will is published all the same.
        will: bool,
        /// For how many seconds its session is kept, if it has changed its mind about that.
        expiry: Option<u32>,
    },
}

/// A session that begins, or goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenTopics {
    /// Whether what there was of it is forgotten first.
    pub clean: bool,
    /// For how many seconds it is kept without a link; 0: not at all.
    pub expiry: u32,
    /// What is published when the link goes without a word.
    pub will: Option<TopicWill>,
}

/// A message for when a link is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicWill {
    /// The message.
    pub message: TopicMessage,
    /// Seconds before it is published, unless the client comes back or its session ends.
    pub delay: u32,
    /// Seconds that it is worth something for, from then on.
    pub lifetime: Option<u32>,
}

/// A message that a client publishes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    /// The message: from here on shared, by all who get it.
    pub message: Arc<TopicMessage>,
    /// At QoS 2 its packet id, in sessions that outlive their link. Until that is released, the
    /// session has published it once.
    pub once: Option<u16>,
}

/// Filters that a client wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscribe {
    /// What it calls them, all of them.
    pub id: Option<u32>,
    /// Each of them.
    pub filters: Vec<TopicFilter>,
}

/// A filter and how it is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicFilter {
    /// As the client wrote it, shared or not, and not checked.
    pub filter: Box<str>,
    /// The most that messages come with.
    pub qos: QoS,
    /// Not what the same session publishes.
    pub no_local: bool,
    /// Whether messages show that they were to be retained.
    pub retain_as_published: bool,
    /// What comes at once.
    pub retained: Retained,
}

/// Whether what is retained comes when a filter is subscribed to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Retained {
    /// It does.
    #[default]
    Always,
    /// It does if the session did not have the filter.
    IfNew,
    /// It does not.
    Never,
}

/// The answer to one [`TopicCommand`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TopicReply {
    /// Done, with nothing to tell.
    Done,
    /// Not done, and why.
    Refused(Refusal),
    /// The session is the link's.
    Opened(Box<TopicsOpened>),
    /// Stored for good, wherever it has to be.
    Published {
        /// Whether anybody subscribes to it.
        matched: bool,
    },
    /// What is granted, filter by filter.
    Subscribed(Vec<Result<QoS, Refusal>>),
    /// Whether there was such a subscription, filter by filter.
    Unsubscribed(Vec<bool>),
}

/// A session that a link has taken up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopicsOpened {
    /// Whether it was there before.
    pub present: bool,
    /// Packet ids of messages that the client has published once and not let go of.
    pub once: Vec<u16>,
    /// What the client has not acknowledged whole, in the order of its queue.
    pub flights: Vec<TopicFlight>,
}

/// A message in a session's queue that may have been sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicFlight {
    /// Its place in the queue: 1, 2, 3 … over the whole life of the session.
    pub place: u64,
    /// Whether the client has it and only its id is in use.
    pub received: bool,
    /// The message.
    pub message: Arc<TopicMessage>,
    /// The QoS that it is sent with.
    pub qos: QoS,
    /// Whether it is shown as retained.
    pub retain: bool,
    /// What the client calls the subscriptions that it comes for.
    pub ids: Vec<u32>,
}
