//! The other roles of a cluster: how they are reached and known.

use std::{fs, net::TcpListener, path::Path, sync::Arc, time::Duration};

use anser_domain::SessionManager;
use anser_rpc::{Credentials, Dial, Mesh, Served};
use anser_store::backend::redis::{Part, Record};
use anser_web::Readiness;
use anyhow::{Context as _, bail};
use tokio::{sync::watch, task::AbortHandle};

use super::discovery;
use crate::config::{ClusterSettings, Config, Discovery};

/// How often it is looked whether an SM can be reached.
const EVERY: Duration = Duration::from_millis(200);

/// What `/readyz` says meanwhile.
const NO_SM: &str = "no sm can be reached";

/// What this role shows the others; `None` where all are on this machine.
pub(super) fn credentials(settings: &ClusterSettings) -> anyhow::Result<Option<Credentials>> {
    let (Some(ca), Some(certificate), Some(key)) =
        (&settings.ca.0, &settings.certificate.0, &settings.key.0)
    else {
        return Ok(None);
    };
    Ok(Some(Credentials {
        ca: read("ca", ca)?,
        certificate: read("certificate", certificate)?,
        key: read("key", key)?,
        name: settings.name.clone(),
    }))
}

fn read(key: &str, path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read [cluster] {key}, {}", path.display()))
}

/// Takes those who ask `sm`, until `stop` changes. Then their streams end: what is not answered
/// yet they ask elsewhere, or again once this SM is back.
pub(super) async fn listen(
    sm: Arc<dyn SessionManager>,
    listener: TcpListener,
    credentials: Option<Credentials>,
    served: Arc<Served>,
    mut stop: watch::Receiver<bool>,
) {
    let forever = std::future::pending();
    let serving = anser_rpc::serve(sm, listener, credentials.as_ref(), served, forever);
    // Cancel-safe: both are dropped for good.
    tokio::select! {
        served = serving => if let Err(error) = served {
            tracing::error!(%error, "cms and webs are not taken any more");
        },
        _ = stop.changed() => {}
    }
}

/// The SMs of the cluster. Streams to them stay until this is dropped.
pub(super) struct Sms {
    mesh: Arc<Mesh>,
    list: watch::Sender<Vec<String>>,
    /// Looks who is there, where they are to be found.
    follower: Option<AbortHandle>,
}

impl Drop for Sms {
    fn drop(&mut self) {
        if let Some(follower) = &self.follower {
            follower.abort();
        }
    }
}

impl Sms {
    /// Those that the settings name, or that can be found as they say.
    pub(super) async fn of(config: &Config) -> anyhow::Result<Self> {
        let settings = &config.cluster;
        let mesh = Mesh::new(Dial::new(credentials(settings)?));
        if settings.discovery == Discovery::Redis {
            let list = watch::Sender::new(Vec::new());
            let directory = discovery::directory(config).await?;
            let told = list.clone();
            let hear = move |there: Vec<&Record>| {
                let there: Vec<String> = there.iter().map(|it| it.address.clone()).collect();
                told.send_if_modified(|list| {
                    let changed = *list != there;
                    *list = there;
                    changed
                });
            };
            let follower = tokio::spawn(discovery::follow(directory, Part::Sm, hear));
            return Ok(Self { mesh, list, follower: Some(follower.abort_handle()) });
        }
        if settings.sms.is_empty() {
            bail!(
                "there is no SM to speak to; name them in [cluster] sms, as \"HOST:PORT\", or let them be found, by \
                 [cluster] discovery"
            );
        }
        Ok(Self { mesh, list: watch::Sender::new(settings.sms.clone()), follower: None })
    }

    /// All of them as one.
    pub(super) fn port(&self) -> Arc<dyn SessionManager> {
        self.mesh.clone()
    }

    /// The streams to them, to be counted.
    pub(super) fn mesh(&self) -> Arc<Mesh> {
        self.mesh.clone()
    }

    /// Reaches for them; to be begun once the role is attached. `readiness` is true while one can
    /// be reached, until `stop` changes.
    pub(super) fn reach(
        &self,
        readiness: Readiness,
        mut stop: watch::Receiver<bool>,
    ) -> impl Future<Output = ()> + Send + 'static {
        tokio::spawn(self.mesh.clone().follow(self.list.subscribe()));
        let mesh = self.mesh.clone();
        async move {
            let mut interval = tokio::time::interval(EVERY);
            let mut reached = false;
            readiness.not_ready(NO_SM);
            loop {
                // Both are cancel-safe: a tick that is missed comes again, a change stays seen.
                tokio::select! {
                    _ = interval.tick() => {}
                    _ = stop.changed() => return,
                }
                let now = mesh.reached() > 0;
                match (reached, now) {
                    (true, false) => readiness.not_ready(NO_SM),
                    (false, true) => readiness.ready(),
                    _ => {}
                }
                reached = now;
            }
        }
    }
}
