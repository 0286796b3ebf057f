//! What of the world outside an SM may use; everything is optional.

use std::sync::Arc;

use anser_domain::{BeforeSend, PushGateway, Webhooks};

use crate::vetting::Words;

/// Ports to servers of others.
#[derive(Clone, Default)]
pub struct Outside {
    /// Reaches devices that have no link. Without it nothing is followed and nobody registers.
    pub push: Option<Arc<dyn PushGateway>>,
    /// Tells apps what happened. Without it webhooks can be configured, and wait.
    pub webhooks: Option<Arc<dyn Webhooks>>,
    /// Asks the app whether messages may be sent. Without it they may.
    pub before_send: Option<Arc<dyn BeforeSend>>,
    /// Words that are not to be said. Without them all are.
    pub words: Option<Arc<Words>>,
}
