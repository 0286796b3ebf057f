//! The SM itself: wires the services together and takes in what is asked.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use anser_domain::{Ask, Caller, Clock, Command, Peer, PeerId, Reply, SessionManager, Via};
use anser_store::{Routes, Store, StoreError};
use tokio::{
    runtime::Handle,
    sync::{Mutex, Semaphore},
    task::JoinHandle,
};

use crate::{
    account::Accounts,
    admin::Admins,
    chores::{Chores, TICK},
    config::Config,
    credentials::Credentials,
    cursors::Cursors,
    fanout::Fanout,
    files::Files,
    gate::{Counts, LogGate},
    groups::Groups,
    held::Held,
    links::Links,
    messages::Messages,
    notices::{Notices, OWN, OwnAsks},
    outside::Outside,
    paces::Paces,
    peers::Peers,
    people::People,
    presence::Presence,
    push::{PushCounts, Pusher},
    services::Services,
    token::Keyring,
    vetting::{BeforeSendStats, Vetting},
    webhooks::Hooks,
};

/// A session manager. Cheap to share; everything inside is.
pub struct Sm {
    services: Arc<Services>,
    runtime: Handle,
    ticking: Mutex<Vec<JoinHandle<()>>>,
}

/// What an SM has done since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Log entries stored.
    pub stored: u64,
    /// Retries answered as the first time.
    pub duplicates: u64,
    /// Appends refused.
    pub refused: u64,
    /// Notifications that a service took.
    pub pushes_taken: u64,
    /// Notifications that a service did not take for now.
    pub pushes_later: u64,
    /// Notifications that a service will never take.
    pub pushes_refused: u64,
    /// Registrations that a service ended.
    pub pushes_gone: u64,
    /// Iterations of PBKDF2 spent on checking passwords.
    pub hashed: u64,
    /// What the app was asked before sends; nothing where none is.
    pub before_send: Option<BeforeSendStats>,
}

impl Sm {
    /// An SM that does its chores by itself, on the current tokio runtime.
    ///
    /// # Errors
    /// When the signing keys cannot be read or made.
    pub async fn start(
        store: Arc<dyn Store>,
        routes: Arc<dyn Routes>,
        clock: Arc<dyn Clock>,
        config: Config,
        outside: Outside,
    ) -> Result<Arc<Self>, StoreError> {
        let sm = Self::stepped(store, routes, clock, config, outside).await?;
        let flushing = sm.services.clone();
        let flushing = repeat(move || {
            let services = flushing.clone();
            async move { services.chores.flush().await }
        });
        let keeping = sm.services.clone();
        let keeping = repeat(move || {
            let services = keeping.clone();
            async move { services.chores.keep().await }
        });
        let ticking = sm.services.clone();
        let ticking = repeat(move || {
            let services = ticking.clone();
            async move { services.chores.tick().await }
        });
        let pushing = sm.services.clone();
        let pushing = repeat(move || {
            let services = pushing.clone();
            async move { services.pusher.round().await }
        });
        let telling = sm.services.clone();
        let telling = repeat(move || {
            let services = telling.clone();
            async move { drop(services.hooks.round().await) }
        });
        let indexing = sm.services.clone();
        let indexing = repeat(move || {
            let services = indexing.clone();
            async move { services.chores.index().await }
        });
        *sm.ticking.lock().await = vec![flushing, keeping, ticking, pushing, telling, indexing];
        Ok(sm)
    }

    /// An SM whose chores are done when [`tick`](Self::tick) is called: for tests on a clock of
    /// their own.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn stepped(
        store: Arc<dyn Store>,
        routes: Arc<dyn Routes>,
        clock: Arc<dyn Clock>,
        config: Config,
        outside: Outside,
    ) -> Result<Arc<Self>, StoreError> {
        let config = Arc::new(config);
        let keys = Arc::new(Keyring::new(store.clone()));
        keys.reload(clock.wall(), &config).await?;

        let peers = Arc::new(Peers::new());
        let fanout = Arc::new(Fanout::new(peers.clone(), routes.clone()));
        let held = Arc::new(Held::default());
        let paces = Arc::new(Paces::new(config.rates, &clock));
        let counts = Arc::new(Counts::default());
        store.bind(Arc::new(LogGate {
            peers: peers.clone(),
            held: held.clone(),
            paces: paces.clone(),
            fanout: fanout.clone(),
            counts: counts.clone(),
            clock: clock.clone(),
            config: config.clone(),
        }));
        let vets = outside.before_send.is_some() || outside.words.is_some();
        let vetting = vets.then(|| {
            Arc::new(Vetting {
                store: store.clone(),
                clock: clock.clone(),
                config: config.clone(),
                peers: peers.clone(),
                runtime: Handle::current(),
                app: outside.before_send,
                words: outside.words,
                record: Default::default(),
                room: Semaphore::new(config.before_send.at_once),
                lanes: parking_lot::Mutex::default(),
            })
        });
        let credentials =
            Arc::new(Credentials::new(store.clone(), clock.clone(), config.clone(), keys.clone()));
        let cursors = Arc::new(Cursors::new(store.clone(), fanout.clone()));
        let links = Arc::new(Links {
            store: store.clone(),
            routes: routes.clone(),
            peers: peers.clone(),
            held,
            cursors: cursors.clone(),
            credentials: credentials.clone(),
        });
        let presence = Arc::new(Presence {
            store: store.clone(),
            routes: routes.clone(),
            peers: peers.clone(),
            fanout: fanout.clone(),
            limit: config.presence_peers,
        });
        let people = People {
            store: store.clone(),
            config: config.clone(),
            fanout: fanout.clone(),
            links: links.clone(),
            presence: presence.clone(),
        };
        let accounts = Accounts {
            store: store.clone(),
            config: config.clone(),
            credentials: credentials.clone(),
            links: links.clone(),
        };
        let files = Files { store: store.clone(), clock: clock.clone(), config: config.clone() };
        let pusher = Pusher {
            store: store.clone(),
            routes: routes.clone(),
            clock: clock.clone(),
            config: config.clone(),
            gateway: outside.push,
            // Non-negative: stores keep numbers of 63 bits.
            owner: rand::random::<u64>() >> 1,
            following: Mutex::default(),
            counts: PushCounts::default(),
        };
        let groups = Groups {
            store: store.clone(),
            clock: clock.clone(),
            config: config.clone(),
            fanout: fanout.clone(),
        };
        let hooks =
            Arc::new(Hooks::new(store.clone(), clock.clone(), outside.webhooks, presence.clone()));
        let admins = Arc::new(Admins {
            movers: crate::moving::Movers {
                store: Arc::clone(&store),
                credentials: Arc::clone(&credentials),
            },
            store: store.clone(),
            routes: routes.clone(),
            clock: clock.clone(),
            config: config.clone(),
            credentials: credentials.clone(),
            links: links.clone(),
            hooks: hooks.clone(),
            presence: presence.clone(),
            fanout: fanout.clone(),
        });
        let own = Arc::new(OwnAsks::default());
        peers.attach(Peer { id: OWN, via: Via::default(), replies: own.clone(), links: None });
        let notices = Notices {
            store: store.clone(),
            config: config.clone(),
            credentials: credentials.clone(),
            own,
        };
        let messages =
            Messages { store: store.clone(), config: config.clone(), fanout: fanout.clone() };
        let chores = Chores {
            store: store.clone(),
            routes: routes.clone(),
            clock,
            config: config.clone(),
            peers: peers.clone(),
            cursors: cursors.clone(),
            links: links.clone(),
            keys,
            admins: admins.clone(),
            flushed: Mutex::default(),
            kept: Mutex::default(),
            beat_soon: AtomicBool::default(),
            done: Mutex::default(),
        };
        let services = Arc::new(Services {
            store,
            routes,
            config,
            peers,
            fanout,
            cursors,
            credentials,
            links,
            paces,
            vetting,
            presence,
            people,
            accounts,
            files,
            pusher,
            groups,
            admins,
            hooks,
            messages,
            notices,
            chores,
            counts,
            order: AtomicU64::new(0),
            draining: AtomicBool::new(false),
        });
        // The revocations there are now end no link of ours.
        services.chores.tick().await;
        Ok(Arc::new(Self { services, runtime: Handle::current(), ticking: Mutex::default() }))
    }

    /// Does the chores that are due.
    pub async fn tick(&self) {
        self.services.chores.flush().await;
        self.services.chores.index().await;
        self.services.chores.keep().await;
        self.services.chores.tick().await;
        self.services.pusher.round().await;
        for telling in self.services.hooks.round().await {
            // One that failed has said so, and tries again at the next round.
            let _ = telling.await;
        }
    }

    /// What it has done so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let counts = &self.services.counts;
        let pushes = &self.services.pusher.counts;
        Stats {
            stored: counts.stored.load(Ordering::Relaxed),
            duplicates: counts.duplicates.load(Ordering::Relaxed),
            refused: counts.refused.load(Ordering::Relaxed),
            pushes_taken: pushes.taken.load(Ordering::Relaxed),
            pushes_later: pushes.later.load(Ordering::Relaxed),
            pushes_refused: pushes.refused.load(Ordering::Relaxed),
            pushes_gone: pushes.gone.load(Ordering::Relaxed),
            hashed: self.services.credentials.spent(),
            before_send: self
                .services
                .vetting
                .as_ref()
                .filter(|it| it.app.is_some())
                .map(|it| it.record.stats()),
        }
    }

    /// Takes no new work, writes what is gathered and closes the store.
    pub async fn stop(&self) {
        self.services.draining.store(true, Ordering::Release);
        for ticking in self.ticking.lock().await.drain(..) {
            ticking.abort();
        }
        self.services.cursors.flush().await;
        self.services.store.close().await;
    }
}

impl SessionManager for Sm {
    fn attach(&self, peer: Peer) {
        self.services.peers.attach(peer);
        self.services.chores.beat_soon.store(true, Ordering::Relaxed);
    }

    fn detach(&self, peer: PeerId) {
        self.services.peers.detach(peer);
        let services = self.services.clone();
        self.runtime.spawn(async move {
            if let Err(error) = services.routes.forget_peer(peer).await {
                tracing::warn!(%error, "links of a peer that is gone stay in the map for now");
            }
        });
    }

    fn lose(&self, peer: PeerId) {
        self.services.peers.detach(peer);
    }

    fn submit(&self, batch: Vec<Ask>) {
        let mut appends = Vec::new();
        let mut pulls = Vec::new();
        for ask in batch {
            let Ask { from, caller, command } = ask;
            match (command, &caller) {
                // What links ask most goes the shortest way.
                (command @ Command::Send(_), Caller::Link(actor)) => {
                    match self.services.append(from, *actor, command) {
                        Ok(append) => appends.extend(self.services.vetted(append)),
                        Err(refusal) => self.services.peers.reply(from, Reply::Refused(refusal)),
                    }
                }
                (Command::Delivered { conv, seq }, Caller::Link(actor)) => {
                    self.services.cursors.note(*actor, conv, seq);
                }
                (Command::Pull(pull), Caller::Link(actor)) => pulls.push((from, *actor, pull)),
                (command, _) => {
                    let services = self.services.clone();
                    self.runtime.spawn(Box::pin(async move {
                        services.answer(from, caller, command).await
                    }));
                }
            }
        }
        if !appends.is_empty() {
            self.services.store.append(appends);
        }
        if !pulls.is_empty() {
            let services = self.services.clone();
            self.runtime.spawn(async move { services.pull(pulls).await });
        }
    }
}

/// Does `round` again and again.
fn repeat<F: Future<Output = ()> + Send + 'static>(
    round: impl Fn() -> F + Send + 'static,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut interval = tokio::time::interval(TICK);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            interval.tick().await;
            round().await;
        }
    })
}
