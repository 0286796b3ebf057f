//! The connection manager as an SM sees it, and what it does as time passes.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Instant,
};

use anser_domain::{
    Beat, Clock, Hint, LinkId, LinkInfo, Links, Peer, PeerId, Refusal, Replies, Reply, Session,
    SessionManager, StreamPos, SyncToken, Tag, Transport, Via,
};
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

use crate::{
    Arrival, Io, Limits, Stats, TICK, Tls,
    link::{Link, driver::Driver, pass::Pass},
    registry::{Registry, SHARDS},
    stream::{Findings, Streams},
    wheel::Wheel,
    ws::Ws,
};

/// Makes the session of a new link.
pub type SessionFactory = Arc<dyn Fn(&LinkInfo) -> Box<dyn Session> + Send + Sync>;

/// A connection manager: one process's links.
pub struct Cm {
    pub(crate) id: PeerId,
    pub(crate) sm: Arc<dyn SessionManager>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) limits: Limits,
    pub(crate) stats: Stats,
    pub(crate) registry: Registry,
    pub(crate) wheel: Wheel,
    /// Set once, when the process stops taking links.
    pub(crate) stopping: watch::Sender<bool>,
    /// Told when the last link has gone.
    pub(crate) empty: Notify,
    streams: Mutex<Streams>,
    sweep: Mutex<Option<Sweep>>,
    /// Everything at or below it has been hinted at; `u64::MAX` before anything is known.
    safe: AtomicU64,
    /// Whether `safe` comes from a beat, rather than from the first welcome.
    heard: AtomicBool,
}

/// A walk over all links after hints were lost, some shards a tick.
#[derive(Clone, Copy, Debug)]
struct Sweep {
    shard: usize,
    since: SyncToken,
    relink: bool,
}

/// A link about to begin.
pub(crate) struct Opening {
    pub(crate) io: Io,
    pub(crate) info: LinkInfo,
    pub(crate) session: Box<dyn Session>,
    pub(crate) tls: Tls,
    pub(crate) login_by: Instant,
    pub(crate) ws: Option<Box<Ws>>,
    /// What was read beyond the handshake that came before.
    pub(crate) leftover: Vec<u8>,
}

impl Cm {
    /// A connection manager without links, attached to `sm`. `id` is new at every start.
    ///
    /// Nothing happens by itself until [`run`](Cm::run) is spawned, or [`tick`](Cm::tick)
    /// called by hand.
    #[must_use]
    pub fn new(
        id: PeerId,
        sm: Arc<dyn SessionManager>,
        clock: Arc<dyn Clock>,
        limits: Limits,
    ) -> Arc<Self> {
        let cm = Arc::new(Self {
            id,
            wheel: Wheel::new(clock.now()),
            sm,
            clock,
            limits,
            stats: Stats::default(),
            registry: Registry::new(),
            stopping: watch::Sender::new(false),
            empty: Notify::new(),
            streams: Mutex::default(),
            sweep: Mutex::default(),
            safe: AtomicU64::new(u64::MAX),
            heard: AtomicBool::new(false),
        });
        cm.sm.attach(Peer {
            id,
            via: Via::default(),
            replies: cm.clone(),
            links: Some(cm.clone()),
        });
        cm
    }

    /// Its counters.
    #[must_use]
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Its bounds.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Begins a link over `io` and spawns its task; `None` once the process is stopping.
    /// `tls` is what STARTTLS would use.
    pub fn open(
        self: &Arc<Self>,
        io: Io,
        info: LinkInfo,
        session: Box<dyn Session>,
        tls: Tls,
    ) -> Option<LinkId> {
        let login_by = self.clock.now() + self.limits.login_within;
        let leftover = Vec::new();
        self.begin(Opening { io, info, session, tls, login_by, ws: None, leftover })
    }

    pub(crate) fn begin(self: &Arc<Self>, opening: Opening) -> Option<LinkId> {
        let Opening { io, info, session, tls, login_by, ws, leftover } = opening;
        if self.is_stopping() {
            return None;
        }
        let link = self.registry.insert(|id| Link::new(id, session, login_by))?;
        let id = link.id();
        let links = self.stats.links.up();
        self.stats.accepted.up();
        let mut pass = Pass::new(self);
        pass.with(&link, |link| {
            link.open(&info);
            if links > self.limits.max_links as u64 {
                // Full: its protocol knows how to say "later".
                self.stats.refused.up();
                link.turn_away(self.retry_after(id, TURNED_AWAY_FOR));
            }
        });
        pass.finish();
        tokio::spawn(Driver::new(self.clone(), link, io, tls, ws, leftover));
        Some(id)
    }

    /// Keeps time until the process stops taking links and the last one has gone.
    pub async fn run(self: Arc<Self>) {
        let mut interval = tokio::time::interval(TICK);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while !(self.is_stopping() && self.stats.links.read() == 0) {
            interval.tick().await;
            self.tick(self.clock.now());
        }
    }

    /// Time has passed: meets deadlines, notices lost hints, and goes on comparing heads.
    pub fn tick(&self, now: Instant) {
        self.wheel.turn(now, |tick, due| {
            let mut pass = Pass::new(self);
            for link in due.into_iter().filter_map(|id| self.registry.find(id)) {
                pass.with(&link, |link| link.timer(tick));
            }
            pass.finish();
        });
        let findings = self.streams.lock().tick(now);
        self.act(findings);
        self.sweep_on();
    }

    /// What an arrival means for plaintext passwords: a private one may carry them.
    pub(crate) fn link_info(arrival: Arrival, transport: Transport) -> LinkInfo {
        let trusted_path = arrival.is_private();
        LinkInfo { remote: arrival.remote, transport, tls: arrival.tls, trusted_path }
    }

    pub(crate) fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    pub(crate) fn safe(&self) -> SyncToken {
        match self.safe.load(Ordering::Relaxed) {
            u64::MAX => SyncToken::default(),
            token => SyncToken(token),
        }
    }

    /// A link has been told everything up to `token`. Before the first beat that is the only
    /// safe place there is, and the oldest one holds for all links.
    pub(crate) fn note_token(&self, token: SyncToken) {
        if !self.heard.load(Ordering::Relaxed) {
            self.safe.fetch_min(token.0, Ordering::Relaxed);
        }
    }

    /// A link's task has ended.
    pub(crate) fn forget(&self, id: LinkId) {
        if self.registry.remove(id) {
            self.stats.links.down();
            if self.stats.links.read() == 0 {
                self.empty.notify_waiters();
            }
        }
    }

    /// A wait for link `id`, spread over `window` so that not all come back at once.
    pub(crate) fn retry_after(
        &self,
        id: LinkId,
        window: std::time::Duration,
    ) -> std::time::Duration {
        // Fibonacci hashing: neighbouring ids land far apart.
        let spread = id.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54;
        window.mul_f64((spread + 1) as f64 / 1024.0)
    }

    fn act(&self, findings: Findings) {
        let mut sweep = self.sweep.lock();
        if findings.gap || findings.relink {
            if findings.gap {
                self.stats.gaps.up();
                tracing::warn!("hints were lost; links compare heads");
            }
            if findings.relink {
                tracing::warn!("the link map was emptied; links register again");
            }
            let since = findings.since.unwrap_or_else(|| self.safe());
            let before = sweep.take();
            *sweep = Some(Sweep {
                shard: 0,
                since: before.map_or(since, |it| it.since.min(since)),
                relink: findings.relink || before.is_some_and(|it| it.relink),
            });
        }
        // What a beat calls safe is so for links that have nothing to compare: while some have
        // yet to be told that they do, the safe place stays where it was.
        if let Some(safe) = findings.safe
            && sweep.is_none()
        {
            self.heard.store(true, Ordering::Relaxed);
            self.safe.store(safe.0, Ordering::Relaxed);
        }
    }

    fn sweep_on(&self) {
        let ticks = self.limits.resync_within.as_millis() / TICK.as_millis();
        let per_tick = SHARDS.div_ceil(usize::try_from(ticks).unwrap_or(SHARDS).max(1));
        for _ in 0..per_tick {
            let step = {
                let mut sweep = self.sweep.lock();
                let Some(it) = &mut *sweep else { return };
                if it.shard >= SHARDS {
                    *sweep = None;
                    return;
                }
                let step = *it;
                it.shard += 1;
                step
            };
            let mut pass = Pass::new(self);
            for link in self.registry.shard(step.shard) {
                pass.with(&link, |link| link.resync(step.since, step.relink));
            }
            pass.finish();
        }
    }
}

/// How long links that found no room wait before they come back, at most.
const TURNED_AWAY_FOR: std::time::Duration = std::time::Duration::from_secs(30);

impl Replies for Cm {
    fn replies(&self, mut batch: Vec<(LinkId, Tag, Reply)>) {
        // One lock per link; the order of one link's answers stays.
        batch.sort_by_key(|(link, ..)| *link);
        let mut pass = Pass::new(self);
        for run in batch.chunk_by(|(one, ..), (next, ..)| one == next) {
            let Some((id, ..)) = run.first() else { continue };
            match self.registry.find(*id) {
                Some(link) => pass.with(&link, |link| {
                    for (_, tag, reply) in run {
                        link.reply(*tag, reply);
                    }
                }),
                None => run.iter().for_each(|(_, _, reply)| pass.stray(*id, reply)),
            }
        }
        pass.finish();
    }
}

impl Links for Cm {
    fn deliver(&self, at: StreamPos, batch: Vec<Hint>) {
        let mut pass = Pass::new(self);
        for hint in &batch {
            for link in hint.links.iter().filter_map(|id| self.registry.find(*id)) {
                pass.with(&link, |link| link.event(&hint.event));
            }
        }
        pass.finish();
        // Only now: a beat must not call safe what has not reached its links.
        let findings = self.streams.lock().arrived(at, self.clock.now());
        self.act(findings);
    }

    fn evict(&self, links: Vec<(LinkId, Refusal)>) {
        let mut pass = Pass::new(self);
        for (id, refusal) in &links {
            if let Some(link) = self.registry.find(*id) {
                pass.with(&link, |link| link.evict(refusal));
            }
        }
        pass.finish();
    }

    fn beat(&self, beat: Beat) {
        let findings = self.streams.lock().beat(beat, self.clock.now());
        self.act(findings);
    }
}
