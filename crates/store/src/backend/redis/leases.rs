//! Which CMs are there: those for whom some SM has spoken a moment ago. Links of others count as
//! gone, without anyone having to take them out.

use std::time::{Duration, Instant};

use anser_domain::PeerId;
use parking_lot::Mutex;
use redis::{Cmd, Value, from_redis_value};
use rustc_hash::{FxHashMap, FxHashSet};

use super::{keys::LEASES, scripts};

/// How long an SM's word for a CM is taken, from when it heard the CM: with [`LEASE`] behind it the
/// 5 s within which a revocation has to be over (DESIGN promise 6).
const HEARD: Duration = Duration::from_secs(2);
/// How long a lease lasts in the map. Renewed twice a second.
const LEASE: Duration = Duration::from_secs(3);
/// So many CMs that are not there are remembered.
const MOST_ABSENT: usize = 4096;

/// The leases, as this SM knows them.
pub(super) struct Leases {
    /// Under this name the leases are ours; other SMs may speak for the same CMs.
    holder: u64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// When each of our CMs was last heard.
    heard: FxHashMap<PeerId, Instant>,
    living: FxHashSet<PeerId>,
    /// Looked for and not found, in which round.
    absent: FxHashMap<PeerId, u64>,
    round: u64,
}

impl Leases {
    pub(super) fn new() -> Self {
        Self { holder: rand::random(), state: Mutex::default() }
    }

    /// Our CMs were heard. Answers whether some of them have no lease yet.
    pub(super) fn heard(&self, cms: &[PeerId], now: Instant) -> bool {
        let mut state = self.state.lock();
        for cm in cms {
            state.heard.insert(*cm, now);
        }
        !cms.iter().all(|cm| state.living.contains(cm))
    }

    /// Renews what is ours and asks for all.
    pub(super) fn renewal(&self, now: Instant) -> Cmd {
        let mut state = self.state.lock();
        state.heard.retain(|_, at| now.saturating_duration_since(*at) < HEARD);
        let mut cmd = scripts::LEASES.call(&[LEASES.to_owned()]);
        cmd.arg(format!("{:016x}", self.holder)).arg(LEASE.as_millis());
        for cm in state.heard.keys() {
            cmd.arg(format!("{:016x}", cm.0));
        }
        cmd
    }

    /// Gives up what is ours of one CM.
    pub(super) fn release(&self, cm: PeerId) -> Cmd {
        self.state.lock().heard.remove(&cm);
        let mut cmd = redis::cmd("ZREM");
        cmd.arg(LEASES).arg(format!("{:016x}:{:016x}", cm.0, self.holder));
        cmd
    }

    /// The answer to a [`renewal`](Self::renewal). Answers whether a CM is back that was taken for
    /// gone: what was meant for its links meanwhile has not been sent.
    pub(super) fn learn(&self, answer: Value) -> bool {
        let members: Vec<String> = from_redis_value(answer).unwrap_or_default();
        let cm = |member: &String| u64::from_str_radix(member.get(..16)?, 16).ok().map(PeerId);
        let living: FxHashSet<PeerId> = members.iter().filter_map(cm).collect();
        let mut state = self.state.lock();
        let gone: Vec<_> = state.living.difference(&living).copied().collect();
        let round = state.round;
        state.absent.extend(gone.into_iter().map(|cm| (cm, round)));
        let before = state.absent.len();
        state.absent.retain(|cm, _| !living.contains(cm));
        let is_back = state.absent.len() < before;
        if state.absent.len() > MOST_ABSENT {
            state.absent.clear();
        }
        state.living = living;
        is_back
    }

    /// From here on, whoever was not found is looked for again.
    pub(super) fn next_round(&self) {
        self.state.lock().round += 1;
    }

    /// Those of `cms` of whom it is not known whether they are there.
    pub(super) fn unknown(&self, cms: impl Iterator<Item = PeerId>) -> Vec<PeerId> {
        let state = self.state.lock();
        cms.filter(|cm| !state.living.contains(cm) && state.absent.get(cm) != Some(&state.round))
            .collect()
    }

    /// These were looked for: whoever is not there now is absent for this round.
    pub(super) fn looked_for(&self, cms: &[PeerId]) {
        let mut state = self.state.lock();
        let round = state.round;
        for cm in cms {
            if !state.living.contains(cm) {
                state.absent.insert(*cm, round);
            }
        }
    }

    /// Which CMs are there.
    pub(super) fn with<R>(&self, look: impl FnOnce(&dyn Fn(PeerId) -> bool) -> R) -> R {
        let state = self.state.lock();
        look(&|cm| state.living.contains(&cm))
    }
}
