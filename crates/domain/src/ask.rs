//! A command on its way: what is asked, for whom, and where the answer goes.

use crate::{
    account::Caller,
    command::Command,
    id::{LinkId, PeerId},
};

/// A session's own mark on a question; it comes back with the answer, untouched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tag(pub u64);

impl Tag {
    /// The driver's own questions on behalf of a link; sessions never use it.
    pub const FEED: Self = Self(u64::MAX);
}

/// Where an answer goes. Plain data, so that it can cross processes and wait in queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReplyTo {
    /// The process that asked.
    pub peer: PeerId,
    /// Its link; a Web uses one number per call.
    pub link: LinkId,
    /// The session's mark.
    pub tag: Tag,
    /// By which of the peer's streams it came. Whoever takes it off the stream says so.
    pub via: Via,
}

/// One of the streams by which peers ask, ascending. In one process there is only the
/// default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Via(pub u64);

/// One question to the SM.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Where the answer goes.
    pub from: ReplyTo,
    /// On whose behalf.
    pub caller: Caller,
    /// What is asked.
    pub command: Command,
}
