//! A server at work: all roles in one process, wired by direct calls (`anser serve`), or one role
//! of a cluster (`anser cm`, `sm`, `web`), wired by streams.
//!
//! ```text
//!  data directory ─► ports ─► certificate ─► store ─► SM ─► CM ─► REST ─► listen.json, banner
//!                                     … until a signal, then the same backwards
//! ```

mod address;
mod banner;
mod cluster;
mod demo;
mod discovery;
mod egress;
mod health;
mod http;
mod native;
mod notify;
mod role;
mod running;
mod site;
mod stop;

use std::sync::Arc;

use anser_domain::{Clock, SystemClock};
use anyhow::{Context as _, bail};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use self::{
    address::{Addresses, Listeners},
    running::Running,
};
pub(crate) use self::{role::Role, stop::Signals};
use crate::{
    cli,
    config::{Config, Discovery},
    data_dir::{DataDir, keep_private},
    say, telemetry,
    tls::Certificate,
};

/// What the command line asks for.
struct Wish<'a> {
    role: Role,
    demo: bool,
    place: &'a cli::Place,
}

/// Runs the server until it is told to stop.
pub(crate) fn run(args: &cli::Serve) -> anyhow::Result<()> {
    let config = args.load()?;
    process(&Wish { role: Role::All, demo: args.demo, place: &args.place }, &config)
}

/// Runs one role until it is told to stop.
pub(crate) fn run_one(role: Role, place: &cli::Place, demo: bool) -> anyhow::Result<()> {
    let config = place.load(Vec::new())?;
    let finds_cms = config.cluster.discovery == Discovery::Redis;
    if role == Role::Web && config.web.gateways.is_empty() && !finds_cms {
        bail!(
            "clients would not learn where to link; name the CMs in [web] gateways, as URLs, or let \
             them be found, by [cluster] discovery"
        );
    }
    process(&Wish { role, demo, place }, &config)
}

fn process(wish: &Wish<'_>, config: &Config) -> anyhow::Result<()> {
    let _log = telemetry::start(&config.log)?;
    raise_descriptor_limit();
    keep_private();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start threads")?;
    let done = runtime.block_on(Box::pin(serve(wish, config)));
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
async fn serve(wish: &Wish<'_>, config: &Config) -> anyhow::Result<()> {
    let data_dir = DataDir::take(&config.server.data_dir)?;
    let listeners = Listeners::take(&config.listen, wish.role)?;
    let addresses = listeners.addresses()?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let certificate = Certificate::load(&config.tls, data_dir.path(), clock.wall())?;

    let running = Running::start(wish.role, config, clock, listeners, certificate).await?;
    // Whatever goes wrong from here on, what runs is stopped in order.
    let served = announce_and_wait(wish, config, &data_dir, addresses, &running).await;
    data_dir.withdraw_listeners();
    running.stop(config).await;
    served
}

/// Makes what `--demo` wants, tells where everything is, and waits for the wish to stop.
async fn announce_and_wait(
    wish: &Wish<'_>,
    config: &Config,
    data_dir: &DataDir,
    addresses: Addresses,
    running: &Running,
) -> anyhow::Result<()> {
    let mut signals = Signals::listen()?;
    let demo = match running.brain() {
        Some(brain) if wish.demo => Some(demo::prepare(data_dir, brain, &config.sm()).await?),
        _ => None,
    };
    let listen = addresses.to_json()?;
    data_dir.publish_listeners(&listen)?;
    running.open();
    let reader = banner::Reader::of(wish.place);
    let plaintext = config.listen.plaintext;
    let text = match wish.role {
        Role::All => banner::banner(&reader, data_dir.path(), addresses, plaintext, demo.as_ref()),
        role => banner::role(role, data_dir.path(), addresses, plaintext),
    };
    announce(&text);
    tracing::info!(role = wish.role.name(), listen = listen.trim(), "ready");
    notify::tell(notify::UP);

    signals.wait().await;
    notify::tell(notify::GOING);
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
