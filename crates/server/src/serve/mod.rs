//! `anser serve`: all roles in one process, wired by direct calls.
//!
//! ```text
//!  data directory ─► ports ─► certificate ─► store ─► SM ─► CM ─► REST ─► listen.json, banner
//!                                     … until a signal, then the same backwards
//! ```

mod address;
mod banner;
mod demo;
mod egress;
mod health;
mod http;
mod native;
mod site;
mod stop;

use std::{sync::Arc, time::Duration};

use anser_cm::{Cm, Listener};
use anser_domain::{Clock, PeerId, SessionManager, SystemClock};
use anser_sm::Sm;
use anser_store::Store;
use anser_web::{HttpMetrics, Readiness};
use anyhow::Context as _;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{sync::watch, task::JoinSet};

use self::{
    address::{Addresses, Listeners},
    http::Door,
    site::{Admin, Site},
    stop::Signals,
};
use crate::{
    cli,
    config::Config,
    data_dir::{DataDir, keep_private},
    metrics, say, telemetry,
    tls::Certificate,
    words,
};

/// Runs the server until it is told to stop.
pub(crate) fn run(args: &cli::Serve) -> anyhow::Result<()> {
    let config = args.load()?;
    let _log = telemetry::start(&config.log)?;
    raise_descriptor_limit();
    keep_private();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start threads")?;
    let done = runtime.block_on(Box::pin(serve(args, &config)));
    // Whatever still runs has had its time.
    runtime.shutdown_background();
    done
}

/// Every link takes a descriptor, and the limit that shells give is made for programs that hold a
/// few files.
fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "cannot raise the limit of open files");
    }
}

/// From the data directory to ready, and from a signal back.
async fn serve(args: &cli::Serve, config: &Config) -> anyhow::Result<()> {
    let data_dir = DataDir::take(&config.server.data_dir)?;
    let listeners = Listeners::take(&config.listen)?;
    let addresses = listeners.addresses()?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let certificate = Certificate::load(&config.tls, data_dir.path(), clock.wall())?;

    let store = anser_store::open(&config.store_url(), clock.clone()).await?;
    let running = Running::start(config, store.clone(), clock, listeners, certificate).await?;
    // Whatever goes wrong from here on, what runs is stopped in order.
    let served = announce_and_wait(args, config, &data_dir, addresses, &store, &running).await;
    data_dir.withdraw_listeners();
    running.stop(config).await;
    served
}

/// Makes what `--demo` wants, tells where everything is, and waits for the wish to stop.
async fn announce_and_wait(
    args: &cli::Serve,
    config: &Config,
    data_dir: &DataDir,
    addresses: Addresses,
    store: &Arc<dyn Store>,
    running: &Running,
) -> anyhow::Result<()> {
    let mut signals = Signals::listen()?;
    let sm: Arc<dyn SessionManager> = running.sm.clone();
    let demo = match args.demo {
        true => Some(demo::prepare(data_dir, store, &sm, &config.sm()).await?),
        false => None,
    };
    data_dir.publish_listeners(&addresses.to_json()?)?;
    running.readiness.ready();
    let reader = banner::Reader::of(args);
    let plaintext = config.listen.plaintext;
    let demo = demo.as_ref();
    announce(&banner::banner(&reader, data_dir.path(), addresses, plaintext, demo));
    tracing::info!(http = %addresses.http, native = %addresses.native, "ready");

    signals.wait().await;
    signals.next_one_ends_the_process();
    announce("Stopping; Ctrl-C again stops at once.\n");
    Ok(())
}

/// Tells whoever reads standard output, if anyone still does: no reason to stop for a server.
fn announce(text: &str) {
    if let Err(error) = say(text) {
        tracing::debug!(%error, "nobody reads standard output");
    }
}

/// The roles at work.
struct Running {
    sm: Arc<Sm>,
    cm: Arc<Cm>,
    readiness: Readiness,
    stop: watch::Sender<bool>,
    listeners: JoinSet<()>,
}

impl Running {
    async fn start(
        config: &Config,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        listeners: Listeners,
        certificate: Arc<Certificate>,
    ) -> anyhow::Result<Self> {
        let routes = anser_store::open_routes(&config.routes.url).await?;
        let mut outside = egress::outside(config, &clock)?;
        let filter = &config.filter;
        let list = filter.words.0.as_deref().map(|path| words::List::load(path, filter.action));
        let list = list.transpose()?;
        outside.words = list.as_ref().map(words::List::words);
        let sm = Sm::start(store.clone(), routes, clock.clone(), config.sm(), outside).await?;
        let port: Arc<dyn SessionManager> = sm.clone();
        let cm = Cm::new(PeerId(rand::random()), port.clone(), clock.clone(), config.cm());
        let readiness = Readiness::default();
        let stop = watch::Sender::new(false);

        let sessions = native::sessions(config.wire(), config.listen.plaintext);
        let web_metrics = HttpMetrics::default();
        let mut registry = metrics::registry(metrics::Roles {
            store: store.clone(),
            sm: sm.clone(),
            cm: cm.clone(),
            certificate: certificate.clone(),
        });
        web_metrics.register(&mut registry);
        let gateways =
            listeners.addresses()?.gateways(&config.server.domain, config.listen.plaintext);
        let blobs = config.blobs().open()?;
        let web = config.web(gateways, blobs.clone(), web_metrics);
        let site = Site::new(web, port, clock.clone(), &cm, sessions.clone());
        let admin = Admin(anser_web::admin_router(Arc::new(registry), readiness.clone()));

        let entrance = config.entrance(certificate.tls("http/1.1"), clock.clone());
        let native = anser_cm::Door {
            tls: certificate.tls(anser_wire::SUBPROTOCOL),
            told: None,
            ..entrance.clone()
        };
        // Administration comes from here or a network of one's own, past no proxy.
        let admin_entrance = anser_cm::Door::plain(certificate.tls("http/1.1"), clock.clone());
        let door = |entrance| {
            Arc::new(Door {
                entrance,
                plaintext: config.listen.plaintext,
                head_within: config.limits.request_head,
                connections: config.limits.http_connections,
            })
        };
        let mut tasks = JoinSet::new();
        tokio::spawn(cm.clone().run());
        tasks.spawn(cm.clone().listen(Listener::adopt(listeners.native)?, native, sessions));
        let http = Listener::adopt(listeners.http)?;
        tasks.spawn(http::serve(http, door(entrance), Arc::new(site), stop.subscribe()));
        let admin_listener = Listener::adopt(listeners.admin)?;
        tasks.spawn(http::serve(
            admin_listener,
            door(admin_entrance),
            Arc::new(admin),
            stop.subscribe(),
        ));
        tasks.spawn(certificate.look_after(clock.clone(), stop.subscribe()));
        if let Some(list) = list {
            tasks.spawn(list.look_after(stop.subscribe()));
        }
        tasks.spawn(anser_web::sweep_files(blobs, sm.clone(), stop.subscribe()));
        tasks.spawn(health::watch(store, clock, readiness.clone(), stop.subscribe()));
        Ok(Self { sm, cm, readiness, stop, listeners: tasks })
    }

    /// Asks everyone to go, answers what was asked, and closes the store.
    async fn stop(mut self, config: &Config) {
        self.readiness.not_ready("draining");
        self.stop.send_replace(true);
        let within = config.limits.drain;
        let links = self.cm.drain(spread(within, self.cm.stats().links.read()), within);
        let rest = async { while self.listeners.join_next().await.is_some() {} };
        // Links and requests go at the same time; requests get no more of it than links.
        tokio::join!(links, async {
            if tokio::time::timeout(within, rest).await.is_err() {
                tracing::warn!("some requests were cut off");
            }
        });
        self.listeners.abort_all();
        self.sm.stop().await;
        tracing::info!("stopped");
    }
}

/// Over how long `links` are asked to spread their return. A few find the next server as soon as
/// it is up; many must not all log in at once.
fn spread(drain: Duration, links: u64) -> Duration {
    /// What one small machine takes beside its other work.
    const LOGINS_PER_SECOND: u64 = 5_000;
    drain / 2 + Duration::from_millis(links.saturating_mul(1000) / LOGINS_PER_SECOND)
}
