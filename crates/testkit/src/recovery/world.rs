//! The cluster: two CMs, two SMs and a Web, a MariaDB, and a Redis that a Sentinel watches.

use std::path::Path;

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use crate::{
    mariadb::MariaDb,
    real::{Rest, Role, Server},
    redis::Watched,
};

/// How many processes of each role.
const EACH: usize = 2;
/// Links that say nothing are left alone for longer than anything here takes.
const HEARTBEAT: (&str, &str) = ("ANSER_LIMITS__HEARTBEAT", "30 min");

/// Everything.
pub(super) struct World {
    pub(super) mariadb: MariaDb,
    pub(super) routes: Watched,
    pub(super) store: String,
    cms: Vec<Server>,
    sms: Vec<Server>,
    web: Server,
    _dirs: Vec<TempDir>,
}

impl World {
    pub(super) async fn start(binary: &Path) -> Result<Self> {
        // Connections, and a commit that is as durable as it is to be.
        let settings = ["--innodb-flush-log-at-trx-commit=1", "--innodb-buffer-pool-size=256M"];
        let mariadb = tokio::task::block_in_place(|| MariaDb::start(&settings))?;
        let (store, routes) = (mariadb.database()?, Watched::start().await?);
        let mut dirs = Vec::new();
        let mut dir = || -> Result<std::path::PathBuf> {
            dirs.push(tempfile::tempdir()?);
            Ok(dirs.last().context("a directory")?.path().to_owned())
        };
        let (mut sms, mut places) = (Vec::new(), Vec::new());
        for _ in 0..EACH {
            // It comes back at the same place.
            let at = format!("127.0.0.1:{}", crate::ports::free()?);
            let url = routes.url();
            let env = [
                ("ANSER_STORE__URL", &*store),
                ("ANSER_ROUTES__URL", &url),
                ("ANSER_LISTEN__SM", &at),
            ];
            sms.push(Server::start_logged(Role::Sm, binary, &dir()?, &env).await?);
            places.push(at);
        }
        let (places, files) = (places.join(","), dir()?.display().to_string());
        let env = [("ANSER_CLUSTER__SMS", &*places), HEARTBEAT, ("ANSER_FILES__URL", &files)];
        let mut cms = Vec::new();
        for _ in 0..EACH {
            let at = format!("127.0.0.1:{}", crate::ports::free()?);
            let env = [&env[..], &[("ANSER_LISTEN__NATIVE", &*at)]].concat();
            cms.push(Server::start_logged(Role::Cm, binary, &dir()?, &env).await?);
        }
        let gateways: Vec<String> = cms.iter().map(|it| format!("tcp://{}", it.native())).collect();
        let gateways = gateways.join(",");
        let env = [&env[..], &[("ANSER_WEB__GATEWAYS", &*gateways)]].concat();
        let web = Server::start_logged(Role::Web, binary, &dir()?, &env).await?;
        Ok(Self { mariadb, routes, store, cms, sms, web, _dirs: dirs })
    }

    pub(super) fn cm(&mut self, at: usize) -> Result<&mut Server> {
        self.cms.get_mut(at).context("no such cm")
    }

    pub(super) fn sm(&mut self, at: usize) -> Result<&mut Server> {
        self.sms.get_mut(at).context("no such sm")
    }

    /// Where clients link, first CM first.
    pub(super) fn gateways(&self) -> Vec<std::net::SocketAddr> {
        self.cms.iter().map(Server::native).collect()
    }

    pub(super) fn rest(&self) -> Rest {
        Rest::new(self.web.http())
    }
}
