//! What a process is: everything, or one role of a cluster.

/// Which roles one process has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// All of them, wired by direct calls.
    All,
    /// Links of clients.
    Cm,
    /// Business logic, routing and the store.
    Sm,
    /// REST.
    Web,
}

impl Role {
    /// Whether clients link to it.
    pub(super) fn holds_links(self) -> bool {
        matches!(self, Self::All | Self::Cm)
    }

    /// Whether it has a store, and decides.
    pub(super) fn decides(self) -> bool {
        matches!(self, Self::All | Self::Sm)
    }

    /// Whether it answers REST.
    pub(super) fn is_web(self) -> bool {
        matches!(self, Self::All | Self::Web)
    }

    /// As its banner calls it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::All => "anser",
            Self::Cm => "anser cm",
            Self::Sm => "anser sm",
            Self::Web => "anser web",
        }
    }
}
