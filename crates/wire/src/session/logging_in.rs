//! The SM is asked whose link this is.

use anser_domain::{Fault, Refusal, Reply, Turn};

use super::{Online, answer};
use crate::limits::Limits;

/// What the client has asked for, kept until it is known who it is.
#[derive(Debug)]
pub(super) struct LoggingIn {
    pub(super) version: u32,
    pub(super) compresses: bool,
    pub(super) credit: u32,
    pub(super) heartbeat_ms: u32,
}

impl LoggingIn {
    /// The SM's answer.
    pub(super) fn answer(
        self,
        limits: &Limits,
        reply: &Reply,
        turn: &mut Turn<'_>,
    ) -> Result<Online, Fault> {
        match reply {
            Reply::Welcome(welcome) => Ok(Online::new(limits, &self, welcome, turn)),
            Reply::Refused(refusal) => Err(answer::refuse(turn, refusal.clone())),
            _ => Err(answer::refuse(turn, Refusal::Unavailable)),
        }
    }
}
