//! How fast one user may send and ask, and one conversation may grow, whatever the protocol.

use std::sync::Arc;

use anser_domain::{Clock, ConvId, Refusal, UserId};
use anser_pace::{Pace, Rate};

/// The rates that are held to; `None` is none.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rates {
    /// Log entries of one user.
    pub sends: Option<Rate>,
    /// Log entries of one conversation.
    pub conversation: Option<Rate>,
    /// What else one user asks.
    pub calls: Option<Rate>,
}

/// Holds users and conversations to them.
pub(crate) struct Paces {
    sends: Pace<UserId>,
    conversation: Pace<ConvId>,
    calls: Pace<UserId>,
}

impl Paces {
    pub(crate) fn new(rates: Rates, clock: &Arc<dyn Clock>) -> Self {
        Self {
            sends: Pace::new(rates.sends, clock.clone()),
            conversation: Pace::new(rates.conversation, clock.clone()),
            calls: Pace::new(rates.calls, clock.clone()),
        }
    }

    /// One more entry. Asked inside the transaction, so that a retry of what is stored gets its
    /// answer at any rate, and a refusal takes its place in the device's order.
    pub(crate) fn send(&self, user: UserId, conv: ConvId) -> Result<(), Refusal> {
        self.sends.check(&user).map_err(Refusal::RateLimited)?;
        self.conversation.check(&conv).map_err(Refusal::RateLimited)
    }

    /// One more question.
    pub(crate) fn call(&self, user: UserId) -> Result<(), Refusal> {
        self.calls.check(&user).map_err(Refusal::RateLimited)
    }
}
