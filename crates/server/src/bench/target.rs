//! Which server is loaded, by which road, and how its users come about.

use std::{net::IpAddr, path::PathBuf, sync::Arc};

use anser_client::{Endpoint, Gateway, Scheme, Trust};
use anser_domain::{Clock, Secret, SystemClock, UserName};
use anyhow::{Context as _, bail};
use clap::ValueEnum;

use super::process::Process;
use crate::{
    chat::server::{self, Listen},
    cli::Place,
};

/// Which server, and how it is measured.
#[derive(clap::Args, Clone)]
pub(super) struct Target {
    #[command(flatten)]
    place: Place,
    /// Make the users over REST with this administrator's access token, rather than in the data
    /// directory
    #[arg(long, value_name = "TOKEN", env = "ANSER_ADMIN_TOKEN", hide_env_values = true)]
    admin_token: Option<String>,
    /// The server's REST address [default: as DATA_DIR/listen.json says]
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// Where the native protocol is spoken, such as tcp://10.0.0.1:7700 [default: as
    /// DATA_DIR/listen.json says]
    #[arg(long, value_name = "URL")]
    gateway: Option<Endpoint>,
    /// How to link
    #[arg(long, value_enum, default_value_t = Transport::Tcp)]
    transport: Transport,
    /// Certificate to trust [default: the one in the data directory]
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// The server's process, to measure what it uses
    #[arg(long, value_name = "PID")]
    server_pid: Option<u32>,
    /// Names of the users that are made begin with this
    #[arg(long, value_name = "TEXT", default_value = "bench-")]
    prefix: String,
    /// Print the result as JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Transport {
    /// Plain TCP
    Tcp,
    /// TLS over TCP
    Tls,
    /// WebSocket
    Ws,
    /// WebSocket over TLS
    Wss,
}

impl Transport {
    fn scheme(self) -> Scheme {
        match self {
            Self::Tcp => Scheme::Tcp,
            Self::Tls => Scheme::Tls,
            Self::Ws => Scheme::Ws,
            Self::Wss => Scheme::Wss,
        }
    }
}

/// A user who may link.
#[derive(Clone)]
pub(super) struct Account {
    pub(super) name: UserName,
    pub(super) token: Secret,
}

impl Target {
    /// The server's process, if it is to be measured.
    pub(super) fn process(&self) -> Option<Process> {
        self.server_pid.map(Process)
    }

    /// Where links go.
    pub(super) fn gateway(&self) -> anyhow::Result<Gateway> {
        let data_dir = server::data_dir(&self.place)?;
        let endpoint = match &self.gateway {
            Some(endpoint) => endpoint.clone(),
            None => {
                let listen = Listen::of(&data_dir);
                let address = match self.transport {
                    Transport::Tcp | Transport::Tls => listen.native,
                    Transport::Ws | Transport::Wss => listen.http,
                };
                format!("{}://{address}", self.transport.scheme().name()).parse()?
            }
        };
        let own = data_dir.join(crate::tls::OWN_CERT);
        let trust = match &self.ca {
            Some(file) => Trust::File(file.clone()),
            None if own.exists() => Trust::File(own),
            None => Trust::System,
        };
        Ok(Gateway::new(endpoint, &trust)?)
    }

    /// Makes (or finds) `count` users and gets each an access token.
    pub(super) async fn accounts(&self, count: usize) -> anyhow::Result<Vec<Account>> {
        match &self.admin_token {
            Some(token) => self.over_rest(token, count).await,
            None => self.in_store(count).await,
        }
    }

    async fn in_store(&self, count: usize) -> anyhow::Result<Vec<Account>> {
        let config = self.place.load(Vec::new())?;
        if let Some(database) = config.database()
            && !database.exists()
        {
            bail!(
                "there is no database at {}; say with --data-dir where the server keeps its \
                 data, or make users over REST with --admin-token",
                database.display()
            );
        }
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let store = anser_store::open(&config.store_url(), clock.clone()).await?;
        let made = anser_sm::provision(&store, &clock, &self.prefix, count).await;
        store.close().await;
        let made = made.context("cannot make the users")?;
        Ok(made.into_iter().map(|it| Account { name: it.user, token: it.access }).collect())
    }

    async fn over_rest(&self, admin: &str, count: usize) -> anyhow::Result<Vec<Account>> {
        let data_dir = server::data_dir(&self.place)?;
        let rest = server::Rest::new(self.server.as_deref(), &data_dir, self.ca.as_deref())?;
        let password = format!("{:032x}", rand::random::<u128>());
        let mut accounts = Vec::with_capacity(count);
        for index in 0..count {
            // A new run makes new users: it does not know the passwords of earlier ones.
            let name = format!("{}{:06x}-{index}", self.prefix, rand::random::<u32>() & 0xff_ffff);
            let name = UserName::new(&name)?;
            let made = rest.create_user(admin, &name, &password).await;
            made.context("cannot make users with this --admin-token")?;
            let session = rest.login(&name, &password, "bench").await?;
            accounts.push(Account { name, token: session.access });
        }
        Ok(accounts)
    }
}

/// The local address of the `index`-th link: each of 127.x.0.y has its own ports. `x` is this
/// run's, since the ports of the last one may still be in TIME_WAIT.
pub(super) fn source(gateway: &Gateway, index: usize) -> Option<IpAddr> {
    let host: IpAddr = gateway.endpoint().host.parse().ok()?;
    let last = u8::try_from(index / PORTS + 1).ok()?;
    let [.., run] = std::process::id().to_be_bytes();
    (host.is_loopback() && host.is_ipv4()).then(|| IpAddr::from([127, run, 0, last]))
}

/// Links from one address: well below the 28,232 ephemeral ports of a default Linux.
const PORTS: usize = 20_000;

/// Raises the process's bound on open files to what is allowed, and checks that it suffices.
pub(super) fn allow_links(links: usize) -> anyhow::Result<()> {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).context("cannot raise the bound on open files")?;
    let needed = links as u64 + 64;
    match limit.current {
        Some(allowed) if allowed < needed => bail!(
            "{links} links need {needed} open files and {allowed} are allowed; raise `ulimit -n`, \
             or ask for fewer links"
        ),
        _ => Ok(()),
    }
}
