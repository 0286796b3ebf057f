//! The live port: which device is linked where. Nothing here is the only copy of anything.

use anser_domain::{DeviceId, LinkRef, PeerId, UserId};
use async_trait::async_trait;
use smallvec::SmallVec;

use super::members::Members;

/// A device's link, as fan-out needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// Which of the user's devices.
    pub device: DeviceId,
    /// Its link.
    pub link: LinkRef,
}

/// A link to be put into the map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Whose.
    pub user: UserId,
    /// Which device and link.
    pub route: Route,
}

/// What came of a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registered {
    /// The device had no link, or this very one.
    Fresh {
        /// Whether it is the user's only link now: they have just come online.
        first: bool,
    },
    /// The device had an older link, which is to be evicted.
    Replaced(LinkRef),
    /// The device has a newer link: this one is to be evicted. Nothing was changed.
    Outranked,
}

/// The links of the users that were asked for, in the same order.
pub type RouteTable = Vec<SmallVec<[Route; 1]>>;

/// The map could not be reached.
#[derive(Debug, thiserror::Error)]
#[error("the link map is not available: {0}")]
pub struct RoutesError(pub String);

/// The link map.
#[async_trait]
pub trait Routes: Send + Sync + 'static {
    /// Puts links in. Per device the highest epoch wins, whatever the order of arrival; the
    /// highest epoch seen is remembered after the link has gone.
    ///
    /// # Errors
    /// [`RoutesError`]; then nothing is known to have changed.
    async fn register(&self, batch: Vec<Registration>) -> Result<Vec<Registered>, RoutesError>;

    /// Takes links out, each only if it is still the one in the map. Answers for each whether
    /// it was the user's last.
    ///
    /// # Errors
    /// [`RoutesError`].
    async fn unregister(&self, batch: Vec<Registration>) -> Result<Vec<bool>, RoutesError>;

    /// Says that these CMs are there. Registering a link of theirs says so too. A map that
    /// several processes share takes links of a CM that nobody speaks for as gone within 5 s; so
    /// whoever is attached to CMs says it once a second.
    ///
    /// # Errors
    /// [`RoutesError`].
    async fn keep(&self, cms: Vec<PeerId>) -> Result<(), RoutesError> {
        let _ = cms;
        Ok(())
    }

    /// Takes out all links of a process that is gone, unless somebody else speaks for it.
    ///
    /// # Errors
    /// [`RoutesError`].
    async fn forget_peer(&self, cm: PeerId) -> Result<(), RoutesError>;

    /// Finds the links of `users` and calls `then` with them: at once, on this thread, when
    /// they are at hand; later and elsewhere when they are not. What is not found is not
    /// linked, as far as can be known; the log tells them later.
    fn lookup(&self, users: Vec<UserId>, then: Box<dyn FnOnce(RouteTable) + Send>);

    /// Of many users, those who have a link as far as is known at hand, without asking anybody;
    /// `None` where that cannot be told so. Its cost follows the smaller of the two numbers.
    /// Whoever registers meanwhile reads heads afterwards, so nobody is forgotten.
    fn linked_among(&self, members: &Members) -> Option<Vec<UserId>> {
        let _ = members;
        None
    }

    /// How many users are linked now, as far as the map knows.
    fn online(&self) -> u64;

    /// Changes whenever the map has lost what it held.
    fn generation(&self) -> u64;

    /// Counts lookups that were answered without the map, because it did not answer in time or
    /// took a CM for gone. When it grows, links may not have been told what concerns them.
    fn missed(&self) -> u64 {
        0
    }
}
