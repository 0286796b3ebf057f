//! A process of the cluster: started, looked at, started again, asked to go.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use super::DECIDED;

/// How long a start may take: many times what it takes on a busy machine.
const READY_WITHIN: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);
/// How long a process may take to go before it is killed: twice what roles give their clients.
const GO_WITHIN: Duration = Duration::from_secs(15);
/// So many lines of its log are shown of a process that does not start.
const LAST_WORDS: usize = 5;
/// Starts a program so that it ends with the one that started it, however that ends (util-linux).
const TIED: &str = "/usr/bin/setpriv";

/// What has become of a process.
#[derive(Debug)]
pub(super) enum Gone {
    /// It was asked to go.
    Left,
    /// It was not.
    Crashed(ExitStatus),
}

/// A process.
pub(super) struct Part {
    name: String,
    dir: PathBuf,
    program: PathBuf,
    args: Vec<OsString>,
    env: Vec<(&'static str, String)>,
    /// The cluster cannot do without it: it is started again whatever it ended with.
    needed: bool,
    child: Option<Child>,
    /// Looks until it is started again.
    rest: u32,
}

impl Part {
    /// One that keeps what it has in `dir`; not yet started.
    pub(super) fn new(
        name: &str,
        program: &Path,
        dir: PathBuf,
        needed: bool,
    ) -> anyhow::Result<Self> {
        fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
        let (name, program) = (name.to_owned(), program.to_owned());
        let (args, env) = (Vec::new(), Vec::new());
        Ok(Self { name, dir, program, args, env, needed, child: None, rest: 0 })
    }

    /// As the cluster calls it: `sm1`.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Where it keeps what it has.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Adds to its command line.
    pub(super) fn args<S: AsRef<OsStr>>(&mut self, args: impl IntoIterator<Item = S>) {
        self.args.extend(args.into_iter().map(|it| it.as_ref().to_owned()));
    }

    /// Adds to its environment, from its next life on.
    pub(super) fn env(&mut self, name: &'static str, value: String) {
        self.env.push((name, value));
    }

    fn log(&self) -> PathBuf {
        self.dir.join("log")
    }

    /// Starts it.
    pub(super) fn start(&mut self) -> anyhow::Result<()> {
        // What an earlier life has said is not true of this one.
        let _ = fs::remove_file(self.dir.join("listen.json"));
        let log = File::options().create(true).append(true).open(self.log());
        let log = log.with_context(|| format!("cannot write {}", self.log().display()))?;
        let mut command = match Path::new(TIED).exists() {
            true => {
                let mut tied = Command::new(TIED);
                tied.args(["--pdeathsig", "TERM", "--"]).arg(&self.program);
                tied
            }
            false => Command::new(&self.program),
        };
        DECIDED.iter().for_each(|name| {
            command.env_remove(name);
        });
        let child = command
            .args(&self.args)
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            // Ctrl-C in a terminal goes to this program alone, which stops them in order.
            .process_group(0)
            .kill_on_drop(true)
            .spawn();
        self.child =
            Some(child.with_context(|| format!("cannot start {}", self.program.display()))?);
        Ok(())
    }

    /// Waits until `look` says that it is up.
    pub(super) async fn until_it<F: Future<Output = bool>>(
        &mut self,
        look: impl Fn() -> F,
    ) -> anyhow::Result<()> {
        let mut waited = Duration::ZERO;
        while !look().await {
            let ended = self.child.as_mut().map(Child::try_wait).transpose()?.flatten();
            if ended.is_some() || waited > READY_WITHIN {
                let log = fs::read(self.log()).unwrap_or_default();
                let log = String::from_utf8_lossy(&log);
                let lines: Vec<&str> = log.lines().collect();
                let last = lines.get(lines.len().saturating_sub(LAST_WORDS)..).unwrap_or_default();
                bail!("{} does not start: {}", self.name, last.join("; "));
            }
            tokio::time::sleep(POLL).await;
            waited += POLL;
        }
        Ok(())
    }

    /// Looks whether it has ended since the last look. One that crashed is started again after
    /// `rest` looks.
    pub(super) fn look(&mut self, rest: u32) -> anyhow::Result<Option<Gone>> {
        let Some(child) = &mut self.child else {
            if self.rest > 0 {
                self.rest -= 1;
                if self.rest == 0 {
                    self.start()?;
                }
            }
            return Ok(None);
        };
        let Some(status) = child.try_wait()? else { return Ok(None) };
        self.child = None;
        if status.success() && !self.needed {
            return Ok(Some(Gone::Left));
        }
        self.rest = rest;
        Ok(Some(Gone::Crashed(status)))
    }

    /// Asks it to go.
    pub(super) fn ask_to_go(&mut self) {
        let id = self.child.as_ref().and_then(Child::id);
        if let Some(pid) = id.and_then(|id| Pid::from_raw(id.cast_signed())) {
            // It may have gone by itself.
            let _ = kill_process(pid, Signal::TERM);
        }
    }

    /// Waits until it has gone, and not for ever.
    pub(super) async fn wait(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        if tokio::time::timeout(GO_WITHIN, child.wait()).await.is_err() {
            // Gone at last is as good.
            let _ = child.kill().await;
        }
    }
}
