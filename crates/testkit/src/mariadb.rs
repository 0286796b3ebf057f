//! A private MariaDB server for tests: on a free loopback port, with a data directory of its own,
//! gone with the value that stands for it.

use std::{
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// How long the server may take to start: many times what it takes on a busy machine.
const WITHIN: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);
/// Another process may take a port between the moment it was found free and its use.
const TRIES: usize = 3;

const INSTALL: &str = "tests of the store in MySQL need mariadbd, mariadb-install-db and mariadb; \
                       on Debian: apt-get install mariadb-server";

/// A server process.
pub struct MariaDb {
    child: Mutex<Child>,
    port: u16,
    args: Vec<String>,
    _dir: TempDir,
    databases: AtomicU64,
}

impl MariaDb {
    /// The server that the tests of this process share: started when the first asks for it, ended
    /// with the last that holds it.
    ///
    /// # Errors
    /// It does not start; says what to install when there is no such program.
    pub fn shared() -> Result<Arc<Self>> {
        static SHARED: Mutex<Weak<MariaDb>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(server) = shared.upgrade() {
            return Ok(server);
        }
        let server = Arc::new(Self::start(&[])?);
        *shared = Arc::downgrade(&server);
        Ok(server)
    }

    /// Starts a server with more settings as on its command line, and waits until it answers.
    ///
    /// # Errors
    /// It does not start; says what to install when there is no such program.
    pub fn start(settings: &[&str]) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let place = |name: &str| dir.path().join(name).display().to_string();
        let data = format!("--datadir={}", place("data"));
        let user = format!("--user={}", user());
        let made = Command::new("mariadb-install-db")
            .args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"])
            .args([&data, &user])
            .env("TMPDIR", dir.path())
            .output()
            .context(INSTALL)?;
        ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stdout));
        for _ in 0..TRIES {
            let port = crate::ports::free()?;
            let own = [
                "--no-defaults".into(),
                "--bind-address=127.0.0.1".into(),
                data.clone(),
                user.clone(),
                format!("--port={port}"),
                format!("--socket={}", place("s")),
                format!("--log-error={}", place("log")),
                // A server that starts clears this of what others have in it.
                format!("--tmpdir={}", dir.path().display()),
                "--innodb-buffer-pool-size=64M".into(),
                "--max-connections=2000".into(),
            ];
            let args: Vec<String> =
                own.into_iter().chain(settings.iter().map(ToString::to_string)).collect();
            let mut child = spawn(&args)?;
            if ready(&mut child, port) {
                let (child, databases) = (Mutex::new(child), AtomicU64::new(0));
                return Ok(Self { child, port, args, _dir: dir, databases });
            }
            let _ = child.kill();
            let _ = child.wait();
        }
        bail!("mariadbd does not start: {:?}", std::fs::read_to_string(place("log")))
    }

    /// Makes an empty database; its URL.
    ///
    /// # Errors
    /// What the server said.
    pub fn database(&self) -> Result<String> {
        let name = format!("anser{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.ask(&format!("CREATE DATABASE {name}"))?;
        Ok(format!("mysql://root@127.0.0.1:{}/{name}", self.port))
    }

    /// The same for a user who may do everything with that database and nothing else: unlike root,
    /// one whom a read-only server refuses.
    ///
    /// # Errors
    /// What the server said.
    pub fn plain_database(&self) -> Result<String> {
        let url = self.database()?;
        let (_, name) = url.rsplit_once('/').context("a database without a name")?;
        self.ask(&format!("CREATE USER {name}; GRANT ALL ON {name}.* TO {name}"))?;
        Ok(url.replacen("root", name, 1))
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
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

    /// Ends it, as a crash does or as one who is asked to (`gently`), and waits until it has.
    ///
    /// # Errors
    /// It is gone already.
    pub fn stop(&self, gently: bool) -> Result<()> {
        self.signal(if gently { Signal::TERM } else { Signal::KILL })?;
        self.child.lock().unwrap_or_else(PoisonError::into_inner).wait()?;
        Ok(())
    }

    /// Starts it again where it was, and waits until it answers. Blocks the thread meanwhile.
    ///
    /// # Errors
    /// It does not start.
    pub fn restart(&self) -> Result<()> {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        *child = spawn(&self.args)?;
        ensure!(ready(&mut child, self.port), "mariadbd does not come back");
        Ok(())
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let id = self.child.lock().unwrap_or_else(PoisonError::into_inner).id();
        let pid = Pid::from_raw(i32::try_from(id)?).context("no process")?;
        Ok(kill_process(pid, signal)?)
    }

    /// Asks it for something that may have happened already.
    pub fn try_to(&self, text: &str) {
        let _ = ask(self.port, text);
    }

    /// Asks it something; the rows, a line each.
    ///
    /// # Errors
    /// What the server said.
    pub fn ask(&self, text: &str) -> Result<String> {
        ask(self.port, text)
    }
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        // Gone already is as good; a stopped process dies of this too.
        let _ = child.kill();
        let _ = child.wait();
    }
}

fn spawn(args: &[String]) -> Result<Child> {
    let mut command = Command::new("mariadbd");
    command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().context(INSTALL)
}

fn ready(child: &mut Child, port: u16) -> bool {
    let mut waited = Duration::ZERO;
    while waited < WITHIN {
        if ask(port, "SELECT 1").is_ok() {
            return true;
        }
        if child.try_wait().is_ok_and(|status| status.is_some()) {
            return false;
        }
        std::thread::sleep(POLL);
        waited += POLL;
    }
    false
}

fn ask(port: u16, text: &str) -> Result<String> {
    let said = Command::new("mariadb")
        .args(["--no-defaults", "-h127.0.0.1", "-uroot", "-N", "-B"])
        .args([format!("-P{port}"), format!("-e{text}")])
        .stdin(Stdio::null())
        .output()
        .context(INSTALL)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    ensure!(said.status.success(), "{}", text(&said.stderr));
    Ok(text(&said.stdout))
}

/// Who we are: the server does not run as root unless it is told to.
fn user() -> String {
    let id = Command::new("id").arg("-un").output();
    id.map_or_else(|_| "root".into(), |it| String::from_utf8_lossy(&it.stdout).trim().to_owned())
}
