//! One server process on one data directory: a whole server, or one role of a cluster.

use std::{
    fs::File,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use tokio::process::{Child, Command};

/// How long a start may take before it counts as failed: many times what it takes on a machine
/// that is busy with other tests.
const READY_WITHIN: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(10);

/// What a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Everything.
    Serve,
    /// Links of clients.
    Cm,
    /// Logic and the store.
    Sm,
    /// REST.
    Web,
}

impl Role {
    fn command(self) -> &'static str {
        match self {
            Self::Serve => "serve",
            Self::Cm => "cm",
            Self::Sm => "sm",
            Self::Web => "web",
        }
    }
}

/// A server process.
pub struct Server {
    role: Role,
    binary: PathBuf,
    dir: PathBuf,
    env: Vec<(String, String)>,
    child: Child,
    listen: Listen,
    /// What it has to say goes to a file in its directory.
    logged: bool,
}

/// `listen.json`. Not every role has every listener.
#[derive(Clone, Copy, Debug, Deserialize)]
struct Listen {
    http: Option<SocketAddr>,
    native: Option<SocketAddr>,
    sm: Option<SocketAddr>,
}

/// An address where nothing listens.
const NOWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 1);

impl Server {
    /// Starts `binary` on `dir`, on free ports, and waits until it is ready. Accounts are open
    /// to everyone and passwords cheap to check; `env` adds to that.
    ///
    /// # Errors
    /// It does not start.
    pub async fn start(binary: &Path, dir: &Path, env: &[(&str, &str)]) -> Result<Self> {
        Self::start_role(Role::Serve, binary, dir, env).await
    }

    /// The same for one role of a cluster.
    ///
    /// # Errors
    /// It does not start.
    pub async fn start_role(
        role: Role,
        binary: &Path,
        dir: &Path,
        env: &[(&str, &str)],
    ) -> Result<Self> {
        Self::begin(role, binary, dir, env, false).await
    }

    /// The same, with what it has to say in `stderr.log` in `dir`.
    ///
    /// # Errors
    /// It does not start.
    pub async fn start_logged(
        role: Role,
        binary: &Path,
        dir: &Path,
        env: &[(&str, &str)],
    ) -> Result<Self> {
        Self::begin(role, binary, dir, env, true).await
    }

    async fn begin(
        role: Role,
        binary: &Path,
        dir: &Path,
        env: &[(&str, &str)],
        logged: bool,
    ) -> Result<Self> {
        let free = "127.0.0.1:0".to_owned();
        let mut all = vec![
            ("ANSER_AUTH__REGISTRATION".to_owned(), "true".to_owned()),
            ("ANSER_AUTH__SCRAM_ITERATIONS".to_owned(), "4096".to_owned()),
            ("ANSER_AUTH__ACCESS_TOKEN".to_owned(), "1 d".to_owned()),
            ("ANSER_LOG__LEVEL".to_owned(), "warn".to_owned()),
            ("ANSER_LISTEN__HTTP".to_owned(), free.clone()),
            ("ANSER_LISTEN__NATIVE".to_owned(), free.clone()),
            ("ANSER_LISTEN__SM".to_owned(), free.clone()),
            ("ANSER_LISTEN__ADMIN".to_owned(), free),
        ];
        all.extend(env.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        let (child, listen) = launch(role, binary, dir, &all, logged).await?;
        Ok(Self { role, binary: binary.into(), dir: dir.into(), env: all, child, listen, logged })
    }

    /// `http://…`
    #[must_use]
    pub fn http(&self) -> String {
        format!("http://{}", self.listen.http.unwrap_or(NOWHERE))
    }

    /// Where REST is asked.
    #[must_use]
    pub fn web(&self) -> SocketAddr {
        self.listen.http.unwrap_or(NOWHERE)
    }

    /// Where native links go.
    #[must_use]
    pub fn native(&self) -> SocketAddr {
        self.listen.native.unwrap_or(NOWHERE)
    }

    /// Where an SM takes the other roles.
    #[must_use]
    pub fn sm(&self) -> SocketAddr {
        self.listen.sm.unwrap_or(NOWHERE)
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Its resident memory, in bytes.
    ///
    /// # Errors
    /// The process is gone.
    pub fn rss(&self) -> Result<u64> {
        let pid = self.pid().context("the server is gone")?;
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|it| it.split_whitespace().next()).context("no VmRSS")?;
        Ok(kib.parse::<u64>()? * 1024)
    }

    /// `kill -9`: nothing is flushed, nobody is told.
    ///
    /// # Errors
    /// The process could not be killed.
    pub async fn kill(&mut self) -> Result<()> {
        self.child.kill().await.context("cannot kill the server")
    }

    /// Stops it where it is: its links stay, and it says nothing.
    ///
    /// # Errors
    /// It is gone.
    pub fn pause(&self) -> Result<()> {
        self.signal(Signal::STOP)
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// It is gone.
    pub fn go_on(&self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let pid = self.pid().context("the server is gone")?;
        Ok(kill_process(Pid::from_raw(pid.cast_signed()).context("no process")?, signal)?)
    }

    /// Asks it to stop, as supervisors do, and waits until it has.
    ///
    /// # Errors
    /// It is gone already, or did not end well.
    pub async fn stop(&mut self) -> Result<()> {
        self.signal(Signal::TERM)?;
        let status = self.child.wait().await?;
        ensure!(status.success(), "the server ended with {status}");
        Ok(())
    }

    /// Starts again on the same directory, after [`kill`](Self::kill) or a stop.
    ///
    /// # Errors
    /// It does not start.
    pub async fn restart(&mut self) -> Result<()> {
        (self.child, self.listen) =
            launch(self.role, &self.binary, &self.dir, &self.env, self.logged).await?;
        Ok(())
    }
}

async fn launch(
    role: Role,
    binary: &Path,
    dir: &Path,
    env: &[(String, String)],
    logged: bool,
) -> Result<(Child, Listen)> {
    let told = dir.join("listen.json");
    match std::fs::remove_file(&told) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let stderr = match logged {
        true => File::options().create(true).append(true).open(dir.join("stderr.log"))?.into(),
        false => Stdio::inherit(),
    };
    let mut child = Command::new(binary)
        .arg(role.command())
        .arg("--data-dir")
        .arg(dir)
        .envs(env.iter().map(|(key, value)| (key, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(stderr)
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot start {}", binary.display()))?;
    let mut waited = Duration::ZERO;
    while waited < READY_WITHIN {
        if let Ok(text) = std::fs::read_to_string(&told) {
            let listen = serde_json::from_str(&text).context("listen.json")?;
            return Ok((child, listen));
        }
        if let Some(status) = child.try_wait()? {
            bail!("the server ended at its start: {status}");
        }
        tokio::time::sleep(POLL).await;
        waited += POLL;
    }
    ensure!(told.exists(), "the server was not ready within {READY_WITHIN:?}");
    bail!("listen.json cannot be read")
}
