//! `anser serve`: all roles in one process, wired by direct calls.
//!
//! ```text
//!  data directory ─► ports ─► certificate ─► store ─► SM ─► CM ─► REST ─► listen.json, banner
//!                                     … until a signal, then the same backwards
//! ```

mod address;
mod banner;
mod demo;
mod http;
mod site;
mod stop;

use std::{path::Path, sync::Arc};

use anser_cm::Cm;
use anser_domain::{Clock, SessionManager, SystemClock};
use anser_sm::Sm;
use anser_store::Store;
use anser_web::{HttpMetrics, Readiness};
use anyhow::Context as _;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use self::{
    address::{Addresses, Listeners},
    http::Door,
    site::{Admin, Site},
    stop::Signals,
};
use crate::{cli, config::Config, data_dir::DataDir, metrics, say, telemetry, tls};

/// Runs the server until it is told to stop.
pub(crate) fn run(args: &cli::Serve) -> anyhow::Result<()> {
    let config = args.load()?;
    let _log = telemetry::start(&config.log)?;
    raise_descriptor_limit();
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
