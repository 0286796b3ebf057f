//! Where clients are told to link: as the operator has said, or as CMs come and go.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use parking_lot::RwLock;

/// CMs that one sign-in names at most: a client tries the next where one does not answer, and one
/// that has tried so many in vain signs in anew.
const TOLD: usize = 8;

/// The CMs, each with the URLs by which clients reach it, best first: `tcp://host:port`,
/// `tls://host:port`, `ws://host:port/ws`. Clones share what they hold.
#[derive(Clone, Debug, Default)]
pub struct Gateways(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    cms: RwLock<Vec<Vec<String>>>,
    /// Sign-ins so far: each is told another CM first, so that links spread over all.
    turn: AtomicUsize,
}

impl Gateways {
    /// These URLs, told in this order.
    #[must_use]
    pub fn fixed(urls: Vec<String>) -> Self {
        let gateways = Self::default();
        gateways.set(vec![urls]);
        gateways
    }

    /// From now on these CMs.
    pub fn set(&self, cms: Vec<Vec<String>>) {
        *self.0.cms.write() = cms;
    }

    /// What the next sign-in is told.
    pub(crate) fn told(&self) -> Vec<String> {
        let turn = self.0.turn.fetch_add(1, Ordering::Relaxed);
        let cms = self.0.cms.read();
        let first = turn.checked_rem(cms.len()).unwrap_or(0);
        cms.iter().cycle().skip(first).take(cms.len().min(TOLD)).flatten().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cm(name: &str) -> Vec<String> {
        vec![format!("tcp://{name}:7700"), format!("ws://{name}:8080/ws")]
    }

    #[test]
    fn what_the_operator_has_said_is_told_as_it_was_said() {
        let gateways = Gateways::fixed(cm("a"));
        assert_eq!(gateways.told(), cm("a"));
        assert_eq!(gateways.told(), cm("a"));
        assert!(Gateways::default().told().is_empty());
    }

    #[test]
    fn each_sign_in_begins_with_another_cm_and_none_is_told_of_too_many() {
        let gateways = Gateways::default();
        gateways.clone().set(vec![cm("a"), cm("b")]);
        let (forth, back) = ([cm("a"), cm("b")].concat(), [cm("b"), cm("a")].concat());
        assert_eq!(
            [gateways.told(), gateways.told(), gateways.told()],
            [forth.clone(), back, forth]
        );
        gateways.set((0..TOLD + 1).map(|n| cm(&n.to_string())).collect());
        let told = gateways.told();
        assert_eq!(told.len(), 2 * TOLD);
        assert_ne!(told, gateways.told());
    }
}
