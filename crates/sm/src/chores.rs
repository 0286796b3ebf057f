//! What is done every so often. Driven by [`tick`](Chores::tick), so that a test's clock moves
//! it as well as the machine's.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anser_domain::{Clock, Millis, SyncToken};
use anser_store::{Routes, Store};
use tokio::sync::Mutex;

use crate::{
    admin::Admins,
    config::Config,
    cursors::Cursors,
    links::Links,
    peers::Peers,
    planted::{Plant, planted},
    token::Keyring,
};

/// How often keys are looked at: rotation is a matter of days.
const KEYS_EVERY: Duration = Duration::from_secs(3600);
/// How often bans that are over are looked for: nobody counts the seconds.
const BANS_EVERY: Duration = Duration::from_secs(10);
/// How often the link map is told which CMs are there. Several times within the 2 s after which
/// what was said is not repeated to it.
const KEEP_EVERY: Duration = Duration::from_secs(1);
/// How often what has outlived its horizon is forgotten.
const PRUNE_EVERY: Duration = Duration::from_secs(60);
/// So many slices of the log go into the search index before other chores have their turn.
const INDEX_SLICES: usize = 64;
/// How often the loop looks for something due.
pub(crate) const TICK: Duration = Duration::from_millis(250);

pub(crate) struct Chores {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) routes: Arc<dyn Routes>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) config: Arc<Config>,
    pub(crate) peers: Arc<Peers>,
    pub(crate) cursors: Arc<Cursors>,
    pub(crate) links: Arc<Links>,
    pub(crate) keys: Arc<Keyring>,
    pub(crate) admins: Arc<Admins>,
    /// When cursors were last written. Held while they are.
    pub(crate) flushed: Mutex<Millis>,
    /// When the link map was last told of CMs. Held while it is.
    pub(crate) kept: Mutex<Millis>,
    /// Whether someone waits for a beat: a CM that is new, or back.
    pub(crate) beat_soon: AtomicBool,
    /// Held while a round runs, so that rounds never overlap.
    pub(crate) done: Mutex<Done>,
}

/// When each chore was last done, and where it left off.
#[derive(Default)]
pub(crate) struct Done {
    beat: Millis,
    revocations: Millis,
    bans: Millis,
    keys: Millis,
    prune: Millis,
    /// The watermark that the next beat tells. One beat old, so that the hints for everything
    /// below it have long been handed over.
    watermark: SyncToken,
    /// The last revocation that was seen.
    revoked: Option<u64>,
    /// The link map's generation, as the last beat told it.
    generation: u64,
    /// How many lookups the link map had left unanswered at the last look.
    missed: u64,
}

impl Chores {
    /// Writes the cursors, if that is due. A round of its own: it may take long under load, and
    /// nothing else has to wait for it.
    pub(crate) async fn flush(&self) {
        let mut flushed = self.flushed.lock().await;
        if is_due(&mut flushed, self.clock.wall(), self.config.flush_every) {
            self.cursors.flush().await;
        }
    }

    /// Lets the search index follow the log, a slice at a time so that sends pass in between.
    pub(crate) async fn index(&self) {
        for _ in 0..INDEX_SLICES {
            match self.store.index().await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    tracing::warn!(%error, "the search index could not follow the log");
                    return;
                }
            }
        }
    }

    /// Tells the link map which CMs are there, if that is due. A round of its own: it waits for a
    /// map that hangs, which nothing else should.
    pub(crate) async fn keep(&self) {
        let mut kept = self.kept.lock().await;
        if is_due(&mut kept, self.clock.wall(), KEEP_EVERY)
            && let Err(error) = self.routes.keep(self.peers.with_links()).await
        {
            tracing::warn!(%error, "the link map could not be told which CMs are there");
        }
    }

    /// Does what else is due.
    pub(crate) async fn tick(&self) {
        let mut done = self.done.lock().await;
        let now = self.clock.wall();
        let due = |last: &mut Millis, every: Duration| is_due(last, now, every);
        if due(&mut done.revocations, self.config.revocations_every) {
            self.follow_revocations(&mut done.revoked).await;
        }
        let missed = self.routes.missed();
        let generation = if planted(Plant::GenerationKept) { 1 } else { self.routes.generation() };
        if missed != done.missed {
            // Some links were not told what concerns them, and nobody knows which: a number that
            // never arrives makes all of them compare heads.
            self.peers.skip();
        }
        let awaited = self.beat_soon.swap(false, Ordering::Relaxed);
        // CMs learn of it now, not with the next beat.
        let early = awaited || missed != done.missed || generation != done.generation;
        (done.missed, done.generation) = (missed, generation);
        if due(&mut done.beat, self.config.beat_every) {
            self.peers.beat(done.watermark, generation);
            match self.store.watermark().await {
                Ok(watermark) => done.watermark = watermark,
                Err(error) => tracing::warn!(%error, "the store's watermark could not be read"),
            }
        } else if early {
            self.peers.beat(done.watermark, generation);
        }
        if due(&mut done.bans, BANS_EVERY)
            && let Err(refusal) = self.admins.end_bans(now).await
        {
            tracing::warn!(%refusal, "bans that are over could not be ended");
        }
        if due(&mut done.keys, KEYS_EVERY)
            && let Err(error) = self.keys.reload(now, &self.config).await
        {
            tracing::warn!(%error, "signing keys could not be read");
        }
        if due(&mut done.prune, PRUNE_EVERY) {
            match self.store.prune(now).await {
                // More is left: go on with the next round.
                Ok(true) => done.prune = Millis(0),
                Ok(false) => {}
                Err(error) => tracing::warn!(%error, "nothing could be pruned"),
            }
        }
    }

    /// Closes links whose sessions were ended by anyone, in any process. The list as it is at
    /// the start is skipped: no link is older than this SM's peers.
    async fn follow_revocations(&self, seen: &mut Option<u64>) {
        let following = seen.is_some();
        loop {
            let revocations = match self.store.revocations(seen.unwrap_or(0)).await {
                Ok(revocations) => revocations,
                Err(error) => {
                    tracing::warn!(%error, "the list of ended sessions could not be read");
                    return;
                }
            };
            let Some(last) = revocations.last().map(|ended| ended.number) else { break };
            if following {
                for ended in &revocations {
                    self.links.evict_ended(ended).await;
                }
            }
            *seen = Some(last);
        }
        seen.get_or_insert(0);
    }
}

/// Whether it is time again; then `last` is now.
pub(crate) fn is_due(last: &mut Millis, now: Millis, every: Duration) -> bool {
    let every = i64::try_from(every.as_millis()).unwrap_or(i64::MAX);
    let is_due = now.0.saturating_sub(last.0) >= every;
    if is_due {
        *last = now;
    }
    is_due
}
