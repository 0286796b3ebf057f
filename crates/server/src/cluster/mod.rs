//! `anser cluster`: a whole cluster on this machine to try out, every role in a process of its own,
//! with a private MariaDB and Redis. It starts them in the order in which they need each other,
//! starts again what crashes, and stops all of it in the end.
//!
//! ```text
//!  redis, mariadb ─► sm1 (makes the demo users) ─► other SMs, CMs, Webs ─► banner
//!                                     … until a signal, then the same backwards
//! ```

mod banner;
mod part;
mod services;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;
use serde::Deserialize;

use self::part::{Gone, Part};
use crate::{
    data_dir::{DataDir, keep_private, write_private},
    say,
    serve::Signals,
};

/// Settings that all roles share, as a file for whoever adds a role.
const CONFIG: &str = "anser.toml";
/// Where the first SM keeps the demo users' passwords, and where clients look for them.
const DEMO: &str = "demo.json";
/// How often it is looked whether a process has ended.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Looks until a process that crashed is started again: one that cannot start does not keep the
/// machine busy.
const LOOKS_BEFORE_RESTART: u32 = 5;
/// What the command decides itself, whatever the environment says of a server.
const DECIDED: [&str; 10] = [
    "ANSER_CONFIG",
    "ANSER_STORE_PASSWORD",
    "ANSER_STORE__URL",
    "ANSER_ROUTES__URL",
    "ANSER_FILES__URL",
    "ANSER_CLUSTER__DISCOVERY",
    "ANSER_CLUSTER__SMS",
    "ANSER_WEB__GATEWAYS",
    "ANSER_LISTEN__SM",
    "ANSER_SERVER__DATA_DIR",
];

/// What can be typed behind `anser cluster`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where everything is kept; made when missing
    #[arg(long, value_name = "DIR", default_value = "./anser-cluster")]
    data_dir: PathBuf,
    /// Connection managers: each holds the links of clients
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=20))]
    cms: u8,
    /// Session managers: each decides, stores and routes
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=20))]
    sms: u8,
    /// Webs: each answers REST
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=20))]
    webs: u8,
}

/// Runs a cluster until it is told to stop.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    keep_private();
    // One thread: a process started by it is told when it dies, and so dies with this one.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(Box::pin(async {
        let data_dir = DataDir::take(&args.data_dir)?;
        let mut signals = Signals::listen()?;
        let mut cluster = Cluster::default();
        // Whatever goes wrong, what runs is stopped in order.
        let ran = tokio::select! {
            ran = cluster.run(args, &data_dir) => ran,
            () = signals.wait() => Ok(()),
        };
        data_dir.withdraw_listeners();
        signals.next_one_ends_the_process();
        say("Stopping; Ctrl-C again stops at once.\n")?;
        cluster.stop().await;
        ran
    }))
}

/// Everything that runs, in the order in which it was started.
#[derive(Default)]
struct Cluster {
    services: Vec<Part>,
    sms: Vec<Part>,
    others: Vec<Part>,
}

/// `listen.json` of a role.
#[derive(Clone, Copy, Debug, Deserialize)]
struct Listen {
    http: Option<SocketAddr>,
    native: Option<SocketAddr>,
    sm: Option<SocketAddr>,
}

impl Cluster {
    /// Starts all of it, and keeps it running.
    async fn run(&mut self, args: &Args, data_dir: &DataDir) -> anyhow::Result<()> {
        let dir = data_dir.path();
        say(&format!("Starting a cluster in {} …\n", dir.display()))?;
        let (redis, routes) = services::redis(dir).await?;
        self.services.push(redis);
        let (mariadb, store) = services::mariadb(dir).await?;
        self.services.push(mariadb);
        let config = dir.join(CONFIG);
        write_private(&config, settings(&store, &routes, dir).as_bytes())?;

        // The first one makes the database's tables and the demo users; nobody comes before that.
        let mut first = [role("sm", 1, dir, &config, &["--demo"])?];
        ready(&mut first).await?;
        self.sms.extend(first);
        for number in 2..=args.sms {
            self.sms.push(role("sm", number, dir, &config, &[])?);
        }
        for number in 1..=args.cms {
            self.others.push(role("cm", number, dir, &config, &[])?);
        }
        for number in 1..=args.webs {
            self.others.push(role("web", number, dir, &config, &[])?);
        }
        ready(self.sms.get_mut(1..).unwrap_or_default()).await?;
        ready(&mut self.others).await?;

        let demo = dir.join("sm1").join(DEMO);
        let demo = std::fs::read(&demo).with_context(|| format!("in {}", demo.display()))?;
        write_private(&dir.join(DEMO), &demo)?;
        let places = self.places()?;
        data_dir.publish_listeners(&banner::listeners(&places)?)?;
        say(&banner::banner(dir, &places, &self.services, &serde_json::from_slice(&demo)?))?;
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let all = self.services.iter_mut().chain(&mut self.sms).chain(&mut self.others);
            for part in all {
                match part.look(LOOKS_BEFORE_RESTART)? {
                    None => {}
                    Some(Gone::Left) => say(&format!("{} has left.\n", part.name()))?,
                    Some(Gone::Crashed(how)) => {
                        say(&format!("{} ended, {how}; it is started again.\n", part.name()))?;
                    }
                }
            }
        }
    }

    /// Where each role listens.
    fn places(&self) -> anyhow::Result<Vec<(String, Listen)>> {
        let roles = self.others.iter().chain(&self.sms);
        roles.map(|it| Ok((it.name().to_owned(), listen(it.dir())?))).collect()
    }

    /// Stops everything, those first who need the others.
    async fn stop(&mut self) {
        for parts in [&mut self.others, &mut self.sms, &mut self.services] {
            parts.iter_mut().for_each(Part::ask_to_go);
            for part in parts {
                part.wait().await;
            }
        }
    }
}

/// A role, in a directory of its own. What it has to say goes to a file there.
fn role(role: &str, number: u8, dir: &Path, config: &Path, more: &[&str]) -> anyhow::Result<Part> {
    let name = format!("{role}{number}");
    let own = dir.join(&name);
    let program = std::env::current_exe().context("cannot tell where this program is")?;
    // Each has its own certificate and says there where it listens; told to go, it stays away.
    let mut part = Part::new(&name, &program, own.clone(), false)?;
    part.args([role.as_ref(), "--config".as_ref(), config.as_os_str()]);
    part.args(["--data-dir".as_ref(), own.as_os_str()]);
    part.args(more);
    part.start()?;
    Ok(part)
}

/// Waits until each says where it listens. A further life of it will listen there again.
async fn ready(parts: &mut [Part]) -> anyhow::Result<()> {
    for part in parts {
        let file = part.dir().join("listen.json");
        part.until_it(|| std::future::ready(file.exists())).await?;
        let Listen { http, native, sm } = listen(part.dir())?;
        let keys = ["ANSER_LISTEN__HTTP", "ANSER_LISTEN__NATIVE", "ANSER_LISTEN__SM"];
        for (key, at) in keys.into_iter().zip([http, native, sm]) {
            if let Some(at) = at {
                part.env(key, at.to_string());
            }
        }
    }
    Ok(())
}

fn listen(dir: &Path) -> anyhow::Result<Listen> {
    let file = dir.join("listen.json");
    let json = std::fs::read(&file).with_context(|| format!("in {}", file.display()))?;
    serde_json::from_slice(&json).with_context(|| format!("in {}", file.display()))
}

/// What all roles share: they take free ports, and find each other.
fn settings(store: &str, routes: &str, dir: &Path) -> String {
    // As TOML writes text: a directory's name may have anything in it.
    let text = |value: &str| toml::Value::String(value.to_owned()).to_string();
    format!(
        "# Written by `anser cluster` at each start.\n\
         [listen]\n\
         http = \"127.0.0.1:0\"\n\
         native = \"127.0.0.1:0\"\n\
         sm = \"127.0.0.1:0\"\n\
         admin = \"127.0.0.1:0\"\n\n\
         [store]\n\
         url = {}\n\n\
         [routes]\n\
         url = {}\n\n\
         [cluster]\n\
         discovery = \"redis\"\n\n\
         [files]\n\
         url = {}\n",
        text(store),
        text(routes),
        text(&dir.join("files").to_string_lossy()),
    )
}
