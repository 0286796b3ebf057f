//! Password tries, held to a pace: each wrong one makes the next wait longer.

use std::{sync::Arc, time::Duration};

use anser_domain::{Clock, DeviceName, Refusal, UserId, UserName};
use anser_pace::{Backoff, Patience};
use anser_store::Store;

/// Ten wrong ones are a bad day; after that, guessing at full speed gets 1,440 tries a day.
const PATIENCE: Patience =
    Patience { free: 10, first: Duration::from_secs(1), most: Duration::from_secs(60) };

/// Whose tries are counted together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Trying {
    /// All who give this name, whether it is anybody's or not.
    Anyone(UserName),
    /// A device that the user has signed in on before. Strangers who try a name do not know what
    /// its owner's devices are called, and so cannot keep the owner out.
    Device(UserName, DeviceName),
}

/// Counts tries.
pub(crate) struct Throttle {
    store: Arc<dyn Store>,
    tries: Backoff<Trying>,
}

impl Throttle {
    pub(crate) fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self { store, tries: Backoff::new(PATIENCE, clock) }
    }

    /// Begins a try of `name`, who is `user` if there is such a one. Refused before anything is
    /// hashed, and alike for names that nobody has.
    pub(crate) async fn begin(
        &self,
        name: &UserName,
        user: Option<UserId>,
        device: &DeviceName,
    ) -> Result<Trying, Refusal> {
        let anyone = Trying::Anyone(name.clone());
        let Err(wait) = self.tries.begin(anyone.clone()) else { return Ok(anyone) };
        // Nobody's devices are looked for too, so that both take as long.
        let devices = self.store.devices(user.unwrap_or(UserId(0))).await?;
        if !devices.iter().any(|known| known.name == *device) {
            return Err(Refusal::RateLimited(wait));
        }
        let own = Trying::Device(name.clone(), device.clone());
        self.tries.begin(own.clone()).map_err(Refusal::RateLimited)?;
        Ok(own)
    }

    /// Ends a try: with the right password, a wrong one, or without an answer.
    pub(crate) fn end(&self, trying: &Trying, matched: &Result<bool, Refusal>) {
        match matched {
            Ok(true) => self.tries.succeeded(trying),
            Ok(false) => {}
            Err(_) => self.tries.undecided(trying),
        }
    }
}
