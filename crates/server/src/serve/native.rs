//! The sessions of the native listener.

use std::sync::Arc;

use anser_cm::SessionFactory;
use anser_domain::{Close, Fault, Input, LinkInfo, Session, Turn};

/// Makes native sessions; other machines that come without TLS where it is needed are turned
/// away before they can say anything worth hiding.
pub(super) fn sessions(limits: anser_wire::Limits, plaintext: bool) -> SessionFactory {
    let limits = Arc::new(limits);
    Arc::new(move |link| {
        if plaintext || is_private(link) {
            Box::new(anser_wire::Session::new(limits.clone()))
        } else {
            Box::new(TurnedAway)
        }
    })
}

/// Whether nobody between the two ends can read along.
fn is_private(link: &LinkInfo) -> bool {
    link.tls.is_some() || link.remote.ip().to_canonical().is_loopback()
}

/// A link that is closed at once.
struct TurnedAway;

impl Session for TurnedAway {
    fn open(&mut self, link: &LinkInfo, turn: &mut Turn<'_>) {
        tracing::info!(remote = %link.remote, "turned away a link without tls");
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

#[cfg(test)]
mod tests {
    use anser_domain::{TlsInfo, Transport};

    use super::*;

    #[test]
    fn only_tls_and_this_machine_are_private() {
        let link = |remote: &str, tls: bool| LinkInfo {
            remote: remote.parse().unwrap(),
            transport: Transport::Stream,
            tls: tls.then(TlsInfo::default),
            trusted_path: false,
        };
        assert!(is_private(&link("127.0.0.1:1", false)));
        assert!(is_private(&link("[::ffff:127.0.0.1]:1", false)));
        assert!(is_private(&link("192.0.2.1:1", true)));
        assert!(!is_private(&link("192.0.2.1:1", false)));
    }
}
