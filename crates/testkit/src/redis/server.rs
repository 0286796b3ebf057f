//! One server.

use std::{
    future::Future,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// How long a server may take to do what is waited for: many times what it takes on a machine that
/// is busy with other tests.
const WITHIN: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(10);
/// Another process may take a port between the moment it was found free and its use.
const TRIES: usize = 5;

/// A server process.
pub struct Server {
    child: Child,
    port: u16,
    dir: TempDir,
    args: Vec<String>,
}

impl Server {
    /// Starts a server that keeps everything in memory, with more settings as on its command line,
    /// and waits until it answers.
    ///
    /// # Errors
    /// It does not start; says what to install when there is no such program.
    pub async fn start(settings: &[&str]) -> Result<Self> {
        Self::begin("redis-server", settings).await
    }

    pub(super) async fn begin(program: &str, settings: &[&str]) -> Result<Self> {
        let mut last = None;
        for _ in 0..TRIES {
            let dir = tempfile::tempdir()?;
            let port = crate::ports::free()?;
            let mut args: Vec<String> = Vec::new();
            if program == "redis-sentinel" {
                // A Sentinel keeps what it learns in its own settings.
                let file = dir.path().join("sentinel.conf");
                std::fs::write(&file, settings.join("\n"))?;
                args.push(file.display().to_string());
            } else {
                args.extend(["--save", "", "--appendonly", "no"].map(String::from));
                args.extend(settings.iter().map(|it| (*it).to_owned()));
            }
            let port_text = port.to_string();
            let place = dir.path().display().to_string();
            args.extend(
                ["--port", &port_text, "--bind", "127.0.0.1", "--dir", &place].map(String::from),
            );
            args.insert(0, program.to_owned());
            let mut server = Self { child: spawn(&args)?, port, dir, args };
            match server.ready().await {
                Ok(()) => return Ok(server),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| anyhow::anyhow!("no server was started")))
    }

    async fn ready(&mut self) -> Result<()> {
        let deadline = tokio::time::Instant::now() + WITHIN;
        // One that wants a password first answers as well.
        let answers = |it: String| it.contains("PONG") || it.contains("NOAUTH");
        while !self.ask(&["ping"]).await.is_ok_and(answers) {
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended at once: {status}");
            }
            if tokio::time::Instant::now() > deadline {
                bail!("the server does not answer");
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `redis://…`
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Asks it something with `redis-cli`.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn ask(&self, command: &[&str]) -> Result<String> {
        let mut cli = tokio::process::Command::new("redis-cli");
        cli.args(["-p", &self.port.to_string()]).args(command).stdin(Stdio::null());
        let said = cli.output().await.context(INSTALL)?;
        if !said.status.success() {
            bail!("{command:?}: {}", String::from_utf8_lossy(&said.stderr));
        }
        Ok(String::from_utf8_lossy(&said.stdout).trim().to_owned())
    }

    /// Empties it.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn flush(&self) -> Result<()> {
        self.ask(&["flushall"]).await.map(|_| ())
    }

    /// Stops it where it is: it takes connections and says nothing.
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

    /// Ends it as a crash would.
    ///
    /// # Errors
    /// It is gone.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Starts it again where it was, without what it held.
    ///
    /// # Errors
    /// It does not start.
    pub async fn restart(&mut self) -> Result<()> {
        self.child = spawn(&self.args)?;
        self.ready().await.with_context(|| format!("in {}", self.dir.path().display()))
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let pid = i32::try_from(self.child.id())?;
        Ok(kill_process(Pid::from_raw(pid).context("no process")?, signal)?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Gone already is as good; a stopped process dies of this too.
        let _ = self.kill();
    }
}

const INSTALL: &str = "tests of the link map in Redis need redis-server, redis-sentinel and \
                       redis-cli; on Debian: apt-get install redis-server redis-sentinel redis-tools";

fn spawn(args: &[String]) -> Result<Child> {
    let (program, args) = args.split_first().context("no program")?;
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().context(INSTALL)
}

/// Waits until `look` says yes.
///
/// # Errors
/// It never does, within what a busy machine needs.
pub async fn until<F: Future<Output = bool>>(what: &str, look: impl Fn() -> F) -> Result<()> {
    let waiting = async {
        while !look().await {
            tokio::time::sleep(POLL).await;
        }
    };
    tokio::time::timeout(WITHIN, waiting).await.with_context(|| format!("never came: {what}"))
}
