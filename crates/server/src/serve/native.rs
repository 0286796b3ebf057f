//! The sessions of the native listener.

use std::sync::Arc;

use anser_cm::SessionFactory;
use anser_domain::{Close, Fault, Input, LinkInfo, Session, Turn};

/// Makes native sessions; other machines that come without TLS where it is needed are turned
/// away before they can say anything worth hiding.
pub(super) fn sessions(limits: anser_wire::Limits, plaintext: bool) -> SessionFactory {
    let limits = Arc::new(limits);
    Arc::new(move |link| {
        if plaintext || link.trusted_path {
            Box::new(anser_wire::Session::new(limits.clone()))
        } else {
            Box::new(TurnedAway)
        }
    })
}

/// A link that is closed at once.
struct TurnedAway;

impl Session for TurnedAway {
    fn open(&mut self, link: &LinkInfo, turn: &mut Turn<'_>) {
        tracing::debug!(remote = %link.remote, "turned away a link without tls");
        turn.close(Close::Flush);
    }

    fn receive(&mut self, bytes: &[u8], _turn: &mut Turn<'_>) -> Result<usize, Fault> {
        Ok(bytes.len())
    }

    fn handle(&mut self, _input: Input<'_>, _turn: &mut Turn<'_>) -> Result<(), Fault> {
        Ok(())
    }

    fn credit(&self) -> u32 {
        0
    }
}
