//! Who was in a conversation from where to where, told from its log.

use std::collections::BTreeMap;

use super::{Body, Conv, Entry, User};

/// Intervals of places, by user. Both ends belong to the interval: a member gets the entry that
/// lets them in and the one that takes them out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Membership(BTreeMap<User, Vec<(u64, Option<u64>)>>);

impl Membership {
    /// Reads the membership off a log. Both sides of a direct conversation are in from the start.
    #[must_use]
    pub fn of(conv: &Conv, log: &[Entry]) -> Self {
        let mut intervals: BTreeMap<User, Vec<(u64, Option<u64>)>> = BTreeMap::new();
        if let Some((one, other)) = conv.strip_prefix("u:").and_then(|pair| pair.split_once('+')) {
            for side in [one, other] {
                intervals.insert(side.into(), vec![(1, None)]);
            }
        }
        for entry in log {
            match &entry.body {
                Body::Text(_) | Body::Gone | Body::Recalled(_) | Body::Edited(_) => {}
                Body::In(users) => {
                    for user in users {
                        let own = intervals.entry(user.clone()).or_default();
                        if own.last().is_none_or(|(_, to)| to.is_some()) {
                            own.push((entry.seq, None));
                        }
                    }
                }
                Body::Out(users) => {
                    for user in users {
                        if let Some((_, to @ None)) =
                            intervals.get_mut(user).and_then(|own| own.last_mut())
                        {
                            *to = Some(entry.seq);
                        }
                    }
                }
            }
        }
        Self(intervals)
    }

    /// Whether `user` may see the entry at `seq`.
    #[must_use]
    pub fn sees(&self, user: &str, seq: u64) -> bool {
        self.0.get(user).is_some_and(|own| {
            own.iter().any(|(from, to)| *from <= seq && to.is_none_or(|to| seq <= to))
        })
    }

    /// The place right before the last one at which `user` came in: a device's cursor begins
    /// there, since what was before is not owed to it.
    #[must_use]
    pub fn begins(&self, user: &str) -> u64 {
        let last = self.0.get(user).and_then(|own| own.last());
        last.map_or(0, |(from, _)| from.saturating_sub(1))
    }

    /// Everybody who ever was in it.
    pub fn users(&self) -> impl Iterator<Item = &User> {
        self.0.keys()
    }
}
