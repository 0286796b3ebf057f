//! One server process on one data directory.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use tokio::process::{Child, Command};

/// How long a start may take before it counts as failed: many times what it takes on a machine
/// that is busy with other tests.
const READY_WITHIN: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(10);

/// A server process.
pub struct Server {
    binary: PathBuf,
    dir: PathBuf,
    env: Vec<(String, String)>,
    child: Child,
    listen: Listen,
}

/// `listen.json`.
#[derive(Clone, Copy, Debug, Deserialize)]
struct Listen {
    http: SocketAddr,
    native: SocketAddr,
}

impl Server {
    /// Starts `binary` on `dir`, on free ports, and waits until it is ready. Accounts are open
    /// to everyone and passwords cheap to check; `env` adds to that.
    ///
    /// # Errors
    /// It does not start.
    pub async fn start(binary: &Path, dir: &Path, env: &[(&str, &str)]) -> Result<Self> {
        let mut all = vec![
            ("ANSER_AUTH__REGISTRATION".to_owned(), "true".to_owned()),
            ("ANSER_AUTH__SCRAM_ITERATIONS".to_owned(), "4096".to_owned()),
            ("ANSER_AUTH__ACCESS_TOKEN".to_owned(), "1 d".to_owned()),
            ("ANSER_LOG__LEVEL".to_owned(), "warn".to_owned()),
        ];
        all.extend(env.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        let (child, listen) = launch(binary, dir, &all).await?;
        Ok(Self { binary: binary.into(), dir: dir.into(), env: all, child, listen })
    }

    /// `http://…`
    #[must_use]
    pub fn http(&self) -> String {
        format!("http://{}", self.listen.http)
    }

    /// Where native links go.
    #[must_use]
    pub fn native(&self) -> SocketAddr {
        self.listen.native
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

    /// Starts again on the same directory, after [`kill`](Self::kill) or a stop.
    ///
    /// # Errors
    /// It does not start.
    pub async fn restart(&mut self) -> Result<()> {
        (self.child, self.listen) = launch(&self.binary, &self.dir, &self.env).await?;
        Ok(())
    }
}

async fn launch(binary: &Path, dir: &Path, env: &[(String, String)]) -> Result<(Child, Listen)> {
    let told = dir.join("listen.json");
    match std::fs::remove_file(&told) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let mut child = Command::new(binary)
        .arg("serve")
        .arg("--data-dir")
        .arg(dir)
        .args(["--listen-http", "127.0.0.1:0"])
        .args(["--listen-native", "127.0.0.1:0"])
        .args(["--listen-admin", "127.0.0.1:0"])
        .envs(env.iter().map(|(key, value)| (key, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
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
