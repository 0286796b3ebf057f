//! The cluster under test: real processes, with a relay wherever a link can be hurt.

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use super::fault::Map;
use crate::{
    mariadb::MariaDb,
    real::{Rest, Role, Server},
    redis,
    relay::Relay,
};

/// How many processes of each role.
pub(super) const CMS: usize = 2;
pub(super) const SMS: usize = 2;

/// A process, and the relay under whose address others know it.
pub(super) struct Node {
    pub(super) server: Server,
    pub(super) front: Relay,
    /// Something is done to it already.
    pub(super) hurt: bool,
    dir: TempDir,
}

/// What holds the link map.
pub(super) enum Redis {
    One(redis::Server),
    Watched(Box<redis::Watched>),
    Cluster(redis::Cluster),
}

/// The cluster.
pub(super) struct Site {
    pub(super) cms: Vec<Node>,
    pub(super) sms: Vec<Node>,
    pub(super) webs: Vec<Node>,
    /// Between each SM and Redis, where there is one server.
    pub(super) to_redis: Vec<Relay>,
    /// Between each SM and MariaDB.
    pub(super) to_store: Vec<Relay>,
    pub(super) redis: Redis,
    pub(super) mariadb: Arc<MariaDb>,
    pub(super) database: String,
    bucket: TempDir,
}

impl Site {
    pub(super) async fn start(binary: PathBuf, map: Map, plant: Option<&str>) -> Result<Self> {
        let mariadb = Arc::new(tokio::task::block_in_place(|| MariaDb::start(&[]))?);
        let store = mariadb.plain_database()?;
        let database = store.rsplit('/').next().unwrap_or_default().to_owned();
        let redis = match map {
            Map::One => Redis::One(redis::Server::start(&[]).await?),
            Map::Watched => Redis::Watched(Box::new(redis::Watched::start().await?)),
            Map::Cluster => Redis::Cluster(redis::Cluster::start(3).await?),
        };
        let mut site = Self {
            cms: Vec::new(),
            sms: Vec::new(),
            webs: Vec::new(),
            to_redis: Vec::new(),
            to_store: Vec::new(),
            redis,
            mariadb,
            database,
            bucket: tempfile::tempdir()?,
        };
        let plant: Vec<(&str, &str)> = plant.map(|it| ("ANSER_PLANT", it)).into_iter().collect();
        for _ in 0..SMS {
            let to_store = Relay::to(local(site.mariadb.port())).await?;
            let port = site.mariadb.port().to_string();
            let url = store.replacen(&port, &to_store.at().port().to_string(), 1);
            site.to_store.push(to_store);
            let routes = site.routes().await?;
            let env = [("ANSER_STORE__URL", &*url), ("ANSER_ROUTES__URL", &*routes)];
            let node = Node::start(Role::Sm, &binary, &[&env, &plant[..]].concat()).await?;
            site.sms.push(node);
        }
        let sms: Vec<String> = site.sms.iter().map(|it| it.front.at().to_string()).collect();
        let (sms, files) = (sms.join(","), site.bucket.path().display().to_string());
        let env = [("ANSER_CLUSTER__SMS", &*sms), ("ANSER_FILES__URL", &*files)];
        let env = [&env, &plant[..]].concat();
        for _ in 0..CMS {
            site.cms.push(Node::start(Role::Cm, &binary, &env).await?);
        }
        let gateways: Vec<String> =
            site.cms.iter().map(|it| format!("tcp://{}", it.front.at())).collect();
        let gateways = gateways.join(",");
        let env = [&env[..], &[("ANSER_WEB__GATEWAYS", &*gateways)]].concat();
        site.webs.push(Node::start(Role::Web, &binary, &env).await?);
        Ok(site)
    }

    async fn routes(&mut self) -> Result<String> {
        Ok(match &self.redis {
            Redis::One(server) => {
                let relay = Relay::to(local(server.port())).await?;
                let url = format!("redis://{}", relay.at());
                self.to_redis.push(relay);
                url
            }
            Redis::Watched(set) => set.url(),
            Redis::Cluster(cluster) => cluster.url(),
        })
    }

    /// All processes of a role.
    pub(super) fn nodes(&mut self, role: Role) -> &mut [Node] {
        match role {
            Role::Cm => &mut self.cms,
            Role::Sm => &mut self.sms,
            Role::Web | Role::Serve => &mut self.webs,
        }
    }

    /// REST, at whichever Web is there.
    pub(super) fn rest(&self) -> Result<Rest> {
        let web = self.webs.first().context("no web")?;
        Ok(Rest::new(format!("http://{}", web.front.at())))
    }

    /// Keeps what the processes have logged.
    pub(super) fn keep(self) -> Vec<PathBuf> {
        let nodes = [self.cms, self.sms, self.webs].into_iter().flatten();
        nodes.map(|it| it.dir.keep().join("stderr.log")).collect()
    }
}

impl Node {
    async fn start(role: Role, binary: &std::path::Path, env: &[(&str, &str)]) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let server = Server::start_logged(role, binary, dir.path(), env).await?;
        let front = Relay::to(place(&server, role)).await?;
        Ok(Self { server, front, hurt: false, dir })
    }

    /// Starts it again, after it has ended.
    pub(super) async fn restart(&mut self, role: Role) -> Result<()> {
        self.server.restart().await?;
        self.front.lead_to(place(&self.server, role));
        Ok(())
    }
}

fn place(server: &Server, role: Role) -> SocketAddr {
    match role {
        Role::Cm => server.native(),
        Role::Sm => server.sm(),
        Role::Web | Role::Serve => server.web(),
    }
}

fn local(port: u16) -> SocketAddr {
    ([127, 0, 0, 1], port).into()
}
