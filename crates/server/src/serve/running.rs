//! The roles at work: how they are put together, and taken apart again.

use std::{sync::Arc, time::Duration};

use anser_cm::{Cm, Listener};
use anser_domain::{Clock, PeerId, SessionManager};
use anser_rpc::Served;
use anser_sm::Sm;
use anser_store::{
    Store,
    backend::redis::{Part, Record},
};
use anser_web::{Gateways, HttpMetrics, Readiness};
use anyhow::Context as _;
use axum::Router;
use prometheus_client::registry::Registry;
use tokio::{sync::watch, task::JoinSet};

use super::{
    address::{Addresses, Listeners},
    cluster::{self, Sms},
    discovery, egress, health,
    http::{self, Answers, Door},
    native,
    role::Role,
    site::{Admin, Site, websockets},
};
use crate::{
    config::{Config, Discovery},
    metrics,
    tls::Certificate,
    words,
};

/// A process at work.
pub(super) struct Running {
    /// Who decides: here, or elsewhere.
    sm: Decider,
    cm: Option<Arc<Cm>>,
    readiness: Readiness,
    stop: watch::Sender<bool>,
    listeners: JoinSet<()>,
}

/// The SM of this process, or those of the cluster.
enum Decider {
    Here(Brain),
    There(Sms),
}

/// An SM and its store.
pub(super) struct Brain {
    pub(super) sm: Arc<Sm>,
    pub(super) store: Arc<dyn Store>,
    words: Option<words::List>,
}

impl Brain {
    async fn start(config: &Config, clock: &Arc<dyn Clock>) -> anyhow::Result<Self> {
        let store = anser_store::open(&config.store_url(), clock.clone()).await?;
        let routes = anser_store::open_routes(&config.routes.url).await?;
        let mut outside = egress::outside(config, clock)?;
        let filter = &config.filter;
        let list = filter.words.0.as_deref().map(|path| words::List::load(path, filter.action));
        let words = list.transpose()?;
        outside.words = words.as_ref().map(words::List::words);
        let sm = Sm::start(store.clone(), routes, clock.clone(), config.sm(), outside).await?;
        Ok(Self { sm, store, words })
    }
}

impl Decider {
    fn port(&self) -> Arc<dyn SessionManager> {
        match self {
            Self::Here(brain) => brain.sm.clone(),
            Self::There(sms) => sms.port(),
        }
    }
}

/// What every role is made from.
struct Parts<'a> {
    config: &'a Config,
    clock: Arc<dyn Clock>,
    certificate: Arc<Certificate>,
    registry: Registry,
    readiness: Readiness,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Running {
    /// Starts what `role` has, each part on its listeners.
    pub(super) async fn start(
        role: Role,
        config: &Config,
        clock: Arc<dyn Clock>,
        listeners: Listeners,
        certificate: Arc<Certificate>,
    ) -> anyhow::Result<Self> {
        let mut sm = match role.decides() {
            true => Decider::Here(Brain::start(config, &clock).await?),
            false => Decider::There(Sms::of(config).await?),
        };
        let readiness = Readiness::default();
        let mut parts = Parts {
            config,
            registry: metrics::registry(role.name(), certificate.clone(), readiness.clone()),
            clock,
            certificate,
            readiness,
            stop: watch::Sender::new(false),
            tasks: JoinSet::new(),
        };
        if role != Role::All && config.cluster.discovery == Discovery::Redis {
            parts.announce(role, &listeners.addresses()?).await?;
        }
        let cm = role.holds_links().then(|| parts.links(sm.port()));
        let rest = match role.is_web() {
            true => {
                let gateways = parts.gateways(role, &listeners.addresses()?).await?;
                parts.rest(sm.port(), gateways)?
            }
            false => Router::new(),
        };
        if let (Some(cm), Some(native)) = (&cm, listeners.native) {
            parts.listen_native(cm, native)?;
        }
        if let Some(http) = listeners.http {
            parts.listen_http(rest, cm.clone(), http)?;
        }
        match &mut sm {
            Decider::Here(brain) => parts.decide(brain, listeners.sm)?,
            // Everyone who asks is attached by now.
            Decider::There(sms) => {
                metrics::add_mesh(&mut parts.registry, sms.mesh());
                let reached = sms.reach(parts.readiness.clone(), parts.stop.subscribe());
                parts.tasks.spawn(reached);
            }
        }
        let Parts { readiness, stop, tasks, .. } = parts.administered(listeners.admin)?;
        Ok(Self { sm, cm, readiness, stop, listeners: tasks })
    }

    /// The SM of this process, if it has one.
    pub(super) fn brain(&self) -> Option<&Brain> {
        match &self.sm {
            Decider::Here(brain) => Some(brain),
            Decider::There(_) => None,
        }
    }

    /// Lets traffic come. Who asks other SMs is ready when one can be reached.
    pub(super) fn open(&self) {
        if self.brain().is_some() {
            self.readiness.ready();
        }
    }

    /// Asks everyone to go, answers what was asked, and closes the store.
    pub(super) async fn stop(mut self, config: &Config) {
        self.readiness.not_ready("draining");
        self.stop.send_replace(true);
        let within = config.limits.drain;
        let links = async {
            if let Some(cm) = &self.cm {
                cm.drain(spread(within, cm.stats().links.read()), within).await;
            }
        };
        let rest = async { while self.listeners.join_next().await.is_some() {} };
        // Links and requests go at the same time; requests get no more of it than links.
        tokio::join!(links, async {
            if tokio::time::timeout(within, rest).await.is_err() {
                tracing::warn!("some requests were cut off");
            }
        });
        self.listeners.abort_all();
        if let Decider::Here(brain) = self.sm {
            brain.sm.stop().await;
        }
        tracing::info!("stopped");
    }
}

impl Parts<'_> {
    /// Lets the other roles find this one.
    async fn announce(&mut self, role: Role, at: &Addresses) -> anyhow::Result<()> {
        let (part, listens) = match role {
            Role::All => return Ok(()),
            Role::Cm => (Part::Cm, at.native),
            Role::Sm => (Part::Sm, at.sm),
            Role::Web => (Part::Web, at.http),
        };
        let mut record = discovery::record(self.config, part, listens.context("no listener")?)?;
        if role == Role::Cm {
            let told = &self.config.cluster.gateways;
            record.gateways = match told.is_empty() {
                true => at.gateways(&self.config.server.domain, self.config.listen.plaintext),
                false => told.iter().map(ToString::to_string).collect(),
            };
        }
        let directory = discovery::directory(self.config).await?;
        let stop = self.stop.subscribe();
        self.tasks.spawn(discovery::announce(directory, record, discovery::busy, stop));
        Ok(())
    }

    /// Where clients are told to link.
    async fn gateways(&mut self, role: Role, at: &Addresses) -> anyhow::Result<Gateways> {
        let config = self.config;
        let told: Vec<String> = config.web.gateways.iter().map(ToString::to_string).collect();
        if !told.is_empty() {
            return Ok(Gateways::fixed(told));
        }
        if role != Role::Web {
            return Ok(Gateways::fixed(
                at.gateways(&config.server.domain, config.listen.plaintext),
            ));
        }
        let (gateways, directory) = (Gateways::default(), discovery::directory(config).await?);
        let (told, mut stop) = (gateways.clone(), self.stop.subscribe());
        let hear = move |cms: Vec<&Record>| {
            told.set(cms.iter().map(|it| it.gateways.clone()).collect());
        };
        self.tasks.spawn(async move {
            // Cancel-safe: both are dropped for good.
            tokio::select! {
                () = discovery::follow(directory, Part::Cm, hear) => {}
                _ = stop.changed() => {}
            }
        });
        Ok(gateways)
    }

    /// A connection manager in front of `sm`.
    fn links(&mut self, sm: Arc<dyn SessionManager>) -> Arc<Cm> {
        let id = PeerId(rand::random());
        let cm = Cm::new(id, sm, self.clock.clone(), self.config.cm());
        metrics::add_cm(&mut self.registry, cm.clone());
        tokio::spawn(cm.clone().run());
        cm
    }

    /// The REST tier in front of `sm`.
    fn rest(&mut self, sm: Arc<dyn SessionManager>, gateways: Gateways) -> anyhow::Result<Router> {
        let metrics = HttpMetrics::default();
        metrics.register(&mut self.registry);
        let blobs = self.config.blobs().open()?;
        let web = self.config.web(gateways, blobs.clone(), metrics);
        let asker = anser_web::Asker::new(sm);
        let router = anser_web::router(web, &asker, self.clock.clone());
        self.tasks.spawn(anser_web::sweep_files(blobs, asker, self.stop.subscribe()));
        Ok(router)
    }

    /// The SM: its numbers, its health, and in a cluster those who ask it.
    fn decide(
        &mut self,
        brain: &mut Brain,
        listener: Option<std::net::TcpListener>,
    ) -> anyhow::Result<()> {
        metrics::add_sm(&mut self.registry, brain.sm.clone(), brain.store.clone());
        let (store, clock) = (brain.store.clone(), self.clock.clone());
        let (readiness, stop) = (self.readiness.clone(), self.stop.subscribe());
        self.tasks.spawn(health::watch(store, clock, readiness, stop));
        if let Some(words) = brain.words.take() {
            self.tasks.spawn(words.look_after(self.stop.subscribe()));
        }
        if let Some(listener) = listener {
            let credentials = cluster::credentials(&self.config.cluster)?;
            let (sm, served) = (brain.sm.clone(), Arc::new(Served::default()));
            metrics::add_served(&mut self.registry, served.clone());
            let stop = self.stop.subscribe();
            self.tasks.spawn(cluster::listen(sm, listener, credentials, served, stop));
        }
        Ok(())
    }

    fn listen_native(
        &mut self,
        cm: &Arc<Cm>,
        listener: std::net::TcpListener,
    ) -> anyhow::Result<()> {
        let tls = self.certificate.tls(anser_wire::SUBPROTOCOL);
        let entrance = self.config.entrance(tls, self.clock.clone());
        // Who comes too fast is told so in HTTP's words elsewhere, and closed here.
        let entrance = anser_cm::Door { told: None, ..entrance };
        let sessions = native::sessions(self.config.wire(), self.config.listen.plaintext);
        self.tasks.spawn(cm.clone().listen(Listener::adopt(listener)?, entrance, sessions));
        Ok(())
    }

    /// `rest`, and WebSockets where there is a CM.
    fn listen_http(
        &mut self,
        rest: Router,
        cm: Option<Arc<Cm>>,
        listener: std::net::TcpListener,
    ) -> anyhow::Result<()> {
        let sessions = native::sessions(self.config.wire(), self.config.listen.plaintext);
        let proxies = self.config.web.trusted_proxies.clone();
        let links = cm.map(|cm| (cm, websockets(self.config, sessions)));
        let site = Site::new(rest, links, anser_web::Proxies::new(proxies));
        let tls = self.certificate.tls("http/1.1");
        let entrance = self.config.entrance(tls, self.clock.clone());
        self.serve_http(listener, entrance, site)
    }

    /// Metrics and health, and what looks after the certificate. Administration comes from here
    /// or a network of one's own, past no proxy.
    fn administered(mut self, listener: std::net::TcpListener) -> anyhow::Result<Self> {
        let registry = Arc::new(std::mem::take(&mut self.registry));
        let admin = Admin(anser_web::admin_router(registry, self.readiness.clone()));
        let tls = self.certificate.tls("http/1.1");
        self.serve_http(listener, anser_cm::Door::plain(tls, self.clock.clone()), admin)?;
        let certificate = self.certificate.clone();
        self.tasks.spawn(certificate.look_after(self.clock.clone(), self.stop.subscribe()));
        Ok(self)
    }

    fn serve_http(
        &mut self,
        listener: std::net::TcpListener,
        entrance: anser_cm::Door,
        answers: impl Answers,
    ) -> anyhow::Result<()> {
        let door = Door {
            entrance,
            plaintext: self.config.listen.plaintext,
            head_within: self.config.limits.request_head,
            connections: self.config.limits.http_connections,
        };
        let listener = Listener::adopt(listener)?;
        let stop = self.stop.subscribe();
        self.tasks.spawn(http::serve(listener, Arc::new(door), Arc::new(answers), stop));
        Ok(())
    }
}

/// Over how long `links` are asked to spread their return. A few find the next server as soon as
/// it is up; many must not all log in at once.
fn spread(drain: Duration, links: u64) -> Duration {
    /// What one small machine takes beside its other work.
    const LOGINS_PER_SECOND: u64 = 5_000;
    drain / 2 + Duration::from_millis(links.saturating_mul(1000) / LOGINS_PER_SECOND)
}
