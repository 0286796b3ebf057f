//! Links that were read a moment ago. The server tells when one of them changes; what it does not
//! tell, because a connection broke, ends with the cache or within [`LIFE`].

use std::time::{Duration, Instant};

use anser_domain::{DeviceId, LinkRef, UserId};
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

/// What the map says of a user: device, link, and the generation that was written in.
pub(super) type Links = SmallVec<[(DeviceId, LinkRef, u32); 1]>;

/// How long anything is kept at most (DESIGN promise 9).
pub(super) const LIFE: Duration = Duration::from_secs(1);
/// So many users are kept per half of [`LIFE`]; further ones are read each time.
const MOST: usize = 200_000;

/// The cache. Two maps, of which the older is thrown away every half of [`LIFE`]: nothing has to
/// remember when an entry was made.
pub(super) struct Cache(Mutex<Held>);

struct Held {
    young: FxHashMap<UserId, Slot>,
    old: FxHashMap<UserId, Slot>,
    turned: Instant,
}

enum Slot {
    /// Is being read. An invalidation takes the slot away, and the answer to a question from
    /// before it finds no place.
    Asked,
    Found(Links),
}

impl Cache {
    pub(super) fn new(now: Instant) -> Self {
        let (young, old) = Default::default();
        Self(Mutex::new(Held { young, old, turned: now }))
    }

    /// Forgets what is too old.
    pub(super) fn turn(&self, now: Instant) {
        let mut held = self.0.lock();
        let age = now.saturating_duration_since(held.turned);
        if age >= LIFE / 2 {
            held.old = std::mem::take(&mut held.young);
            if age >= LIFE {
                held.old.clear();
            }
            held.turned = now;
        }
    }

    /// Parts users into those whose links are known, and the others, who are noted as being read.
    pub(super) fn part(&self, users: impl Iterator<Item = UserId>) -> (Vec<UserId>, Vec<UserId>) {
        let mut held = self.0.lock();
        users.partition(|user| {
            let is_known = held.find(*user).is_some();
            if !is_known && held.young.len() < MOST {
                held.young.insert(*user, Slot::Asked);
            }
            is_known
        })
    }

    /// The links of those who are known still, and whoever is not.
    pub(super) fn take(
        &self,
        users: Vec<UserId>,
        mut found: impl FnMut(UserId, Links),
    ) -> Vec<UserId> {
        let held = self.0.lock();
        let mut others = Vec::new();
        for user in users {
            match held.find(user) {
                Some(links) => found(user, links.clone()),
                None => others.push(user),
            }
        }
        others
    }

    /// An answer has come. It is kept if nothing has changed since the question.
    pub(super) fn fill(&self, answers: &[(UserId, Links)]) {
        let mut held = self.0.lock();
        for (user, links) in answers {
            if let Some(slot) = held.slot(*user) {
                *slot = Slot::Found(links.clone());
            }
        }
    }

    /// Somebody's links have changed.
    pub(super) fn forget(&self, user: UserId) {
        let mut held = self.0.lock();
        held.young.remove(&user);
        held.old.remove(&user);
    }

    /// Anybody's may have.
    pub(super) fn clear(&self) {
        let mut held = self.0.lock();
        held.young.clear();
        held.old.clear();
    }
}

impl Held {
    fn find(&self, user: UserId) -> Option<&Links> {
        match self.young.get(&user).or_else(|| self.old.get(&user))? {
            Slot::Found(links) => Some(links),
            Slot::Asked => None,
        }
    }

    fn slot(&mut self, user: UserId) -> Option<&mut Slot> {
        match self.young.get_mut(&user) {
            Some(slot) => Some(slot),
            None => self.old.get_mut(&user),
        }
    }
}

#[cfg(test)]
mod tests {
    use anser_domain::{Clock as _, SystemClock};

    use super::*;

    const ANN: UserId = UserId(1);

    fn knows(cache: &Cache) -> bool {
        cache.take(vec![ANN], |_, _| {}).is_empty()
    }

    fn filled(now: Instant) -> Cache {
        let cache = Cache::new(now);
        assert_eq!(cache.part([ANN].into_iter()), (vec![], vec![ANN]));
        assert!(!knows(&cache), "only asked");
        cache.fill(&[(ANN, Links::new())]);
        assert!(knows(&cache));
        cache
    }

    #[test]
    fn an_answer_that_a_change_overtook_is_not_kept() {
        let cache = Cache::new(SystemClock.now());
        cache.part([ANN].into_iter());
        cache.forget(ANN);
        cache.fill(&[(ANN, Links::new())]);
        assert!(!knows(&cache));
        cache.part([ANN].into_iter());
        cache.clear();
        cache.fill(&[(ANN, Links::new())]);
        assert!(!knows(&cache));
    }

    #[test]
    fn changes_are_forgotten_at_once_and_everything_within_its_life() {
        let now = SystemClock.now();
        let cache = filled(now);
        cache.forget(ANN);
        assert!(!knows(&cache));

        let cache = filled(now);
        cache.turn(now + LIFE / 2);
        assert!(knows(&cache));
        cache.turn(now + LIFE);
        assert!(!knows(&cache));

        let cache = filled(now);
        cache.turn(now + LIFE);
        assert!(!knows(&cache), "nobody looked for a whole life");
    }
}
