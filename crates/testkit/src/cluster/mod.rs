//! Several CMs and several SMs in one process over one store, on a clock that is moved by hand.
//!
//! Everything between a CM and an SM passes through its encoded form ([`port`]), and hints pass
//! through a seeded plan of faults ([`faults`]). Links are the real driver's, sessions the real
//! native ones, devices are [probes](crate::probe).

mod asker;
mod faults;
mod port;
mod run;
mod stream;

use std::{sync::Arc, time::Duration};

use anser_cm::{Cm, Io, Limits, TICK, Tls};
use anser_domain::{Clock, LinkInfo, ManualClock, PeerId, SystemClock, Transport, UserId};
use anser_sm::{Outside, Sm};
use anser_store::{
    Routes, Store,
    backend::{memory::MemoryRoutes, redis::RedisRoutes},
};
use anyhow::Result;
use parking_lot::Mutex;
use tempfile::TempDir;
use tokio::task::JoinHandle;

use self::{
    asker::Asker,
    port::{Port, listen},
};
use crate::{probe::Linked, redis};

pub use faults::Faults;
pub use run::{Outcome, Plan, run};

/// A round of the machinery takes so long at most in real time, whatever happens; what matters
/// is the clock of the test.
const CALM_WITHIN: u32 = 3_000;
/// So many looks without any traffic mean that all is quiet.
const CALM: u32 = 3;

/// What holds the link map.
enum Map {
    /// One for all SMs.
    Memory(Arc<MemoryRoutes>),
    /// Each SM reaches the server by itself, and so does who looks at the result.
    Redis(redis::Server, Arc<dyn Routes>),
}

impl Map {
    async fn start(on_redis: bool) -> Result<Self> {
        if !on_redis {
            return Ok(Self::Memory(Arc::new(MemoryRoutes::new())));
        }
        let server = redis::Server::start(&[]).await?;
        let map = Arc::new(RedisRoutes::open(&server.url()).await?);
        Ok(Self::Redis(server, map))
    }
}

/// A cluster.
pub struct Cluster {
    clock: Arc<ManualClock>,
    dir: TempDir,
    map: Map,
    config: anser_sm::Config,
    sms: Vec<Option<Arc<Sm>>>,
    cms: Vec<(Arc<Cm>, Arc<Port>)>,
    asker: Asker,
    sessions: Arc<anser_wire::Limits>,
}

impl Cluster {
    /// `cms` × `sms` on an empty store, with `seed` for the faults, and the link map in memory or
    /// in a Redis of their own.
    ///
    /// # Errors
    /// The store cannot be made.
    pub async fn start(cms: usize, sms: usize, seed: u64, on_redis: bool) -> Result<Self> {
        let clock = Arc::new(ManualClock::new(SystemClock.wall()));
        let asker_port = Arc::new(Port::new(PeerId(1), seed, clock.clone()));
        let asker = Asker::attach(PeerId(1), asker_port);
        let mut cluster = Self {
            dir: tempfile::tempdir()?,
            map: Map::start(on_redis).await?,
            config: anser_sm::Config {
                scram_iterations: 1,
                registration_open: true,
                ..anser_sm::Config::default()
            },
            sms: (0..sms).map(|_| None).collect(),
            cms: Vec::new(),
            asker,
            sessions: Arc::default(),
            clock,
        };
        for n in 0..cms as u64 {
            let id = PeerId(100 + n);
            let port = Arc::new(Port::new(id, seed.wrapping_add(n + 1), cluster.clock.clone()));
            let cm = Cm::new(id, port.clone(), cluster.clock.clone(), Limits::default());
            listen(&port);
            cluster.cms.push((cm, port));
        }
        for n in 0..sms {
            cluster.start_sm(n).await?;
        }
        Ok(cluster)
    }

    /// Starts an SM that is not running: another life, on a store handle of its own.
    ///
    /// # Errors
    /// The store cannot be opened.
    pub async fn start_sm(&mut self, n: usize) -> Result<()> {
        let url = format!("sqlite:{}", self.dir.path().join("anser.db").display());
        let store: Arc<dyn Store> = anser_store::open(&url, self.clock.clone()).await?;
        let (routes, clock) = (self.routes().await?, self.clock.clone());
        let sm = Sm::stepped(store, routes, clock, self.config.clone(), Outside::default()).await?;
        for port in self.ports() {
            port.connect(n, sm.clone());
        }
        if let Some(slot) = self.sms.get_mut(n) {
            *slot = Some(sm);
        }
        Ok(())
    }

    /// Takes an SM away in the middle of what it does: whatever was on its way from it is lost.
    pub fn crash_sm(&mut self, n: usize) {
        for port in self.ports() {
            port.lost(n);
        }
        if let Some(sm) = self.sms.get_mut(n).and_then(Option::take) {
            // Its store handle goes with it, once what it had begun is done.
            tokio::spawn(async move { sm.stop().await });
        }
    }

    /// Whether an SM runs.
    #[must_use]
    pub fn runs(&self, n: usize) -> bool {
        self.sms.get(n).is_some_and(Option::is_some)
    }

    /// Gives conversations to other SMs, as a change of their number would.
    pub fn change_owners(&self, salt: u64) {
        self.ports().for_each(|port| port.change_owners(salt));
    }

    async fn routes(&self) -> Result<Arc<dyn Routes>> {
        Ok(match &self.map {
            Map::Memory(map) => map.clone(),
            Map::Redis(server, _) => Arc::new(RedisRoutes::open(&server.url()).await?),
        })
    }

    /// The link map loses everything.
    ///
    /// # Errors
    /// Its server does not answer.
    pub async fn flush_routes(&self) -> Result<()> {
        match &self.map {
            Map::Memory(map) => map.flush(),
            Map::Redis(server, _) => server.flush().await?,
        }
        Ok(())
    }

    /// How many of these users the link map shows as online, to anyone who asks now.
    ///
    /// # Errors
    /// The map cannot be reached.
    pub async fn online(&self, users: Vec<UserId>) -> Result<usize> {
        let (tell, told) = tokio::sync::oneshot::channel();
        let routes: &dyn Routes = match &self.map {
            Map::Memory(map) => &**map,
            Map::Redis(_, map) => &**map,
        };
        // Nobody stops waiting.
        routes.lookup(users, Box::new(move |table| drop(tell.send(table))));
        Ok(told.await?.iter().filter(|it| !it.is_empty()).count())
    }

    /// From now on, hints meet these faults.
    pub fn set_faults(&self, faults: &Faults) {
        self.ports().for_each(|port| port.set_faults(faults.clone()));
    }

    /// Links a device to a CM; the link lasts as long as the task.
    #[must_use]
    pub fn link(&self, cm: usize, device: Arc<Linked>, hello: bool) -> Option<JoinHandle<()>> {
        let (cm, _) = self.cms.get(cm)?;
        let (near, far) = tokio::io::duplex(64 * 1024);
        let info = LinkInfo {
            remote: ([127, 0, 0, 1], 1).into(),
            transport: Transport::Stream,
            tls: None,
            trusted_path: true,
        };
        let session = Box::new(anser_wire::Session::new(self.sessions.clone()));
        cm.open(Io::Other(Box::new(far)), info, session, Tls::none())?;
        Some(tokio::spawn(async move { device.pump(near, hello).await }))
    }

    /// Lets what is under way come to rest, then moves the clock by one tick and does what is
    /// due.
    pub async fn step(&self) {
        self.calm().await;
        self.clock.advance(TICK);
        for sm in self.sms.iter().flatten() {
            sm.tick().await;
        }
        for (cm, port) in &self.cms {
            port.release();
            cm.tick(self.clock.now());
        }
        self.calm().await;
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> Arc<ManualClock> {
        self.clock.clone()
    }

    fn ports(&self) -> impl Iterator<Item = &Arc<Port>> {
        self.cms.iter().map(|(_, port)| port).chain([self.asker.port()])
    }

    /// Waits until no packet moves and no question waits. The clock of the test stands still.
    async fn calm(&self) {
        let mut quiet = 0;
        let mut before = u64::MAX;
        for _ in 0..CALM_WITHIN {
            for _ in 0..50 {
                tokio::task::yield_now().await;
            }
            tokio::time::sleep(Duration::from_micros(300)).await;
            let traffic = self.ports().map(|port| port.traffic()).sum();
            let waits = self.ports().any(|port| port.waits());
            quiet = if traffic == before && !waits { quiet + 1 } else { 0 };
            before = traffic;
            if quiet >= CALM {
                return;
            }
        }
    }
}

/// A value behind a lock that is held for moments only.
type Shared<T> = Arc<Mutex<T>>;
