//! A private MariaDB server for tests: on a free loopback port, with a data directory of its own,
//! gone with the value that stands for it.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
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
            .output()
            .context(INSTALL)?;
        ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stdout));
        for _ in 0..TRIES {
            let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
            let mut child = Command::new("mariadbd")
                .args(["--no-defaults", "--bind-address=127.0.0.1", &data, &user])
                .args([format!("--port={port}"), format!("--socket={}", place("s"))])
                .arg(format!("--log-error={}", place("log")))
                .args(["--innodb-buffer-pool-size=64M", "--max-connections=2000"])
                .args(settings)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .context(INSTALL)?;
            if ready(&mut child, port) {
                let (child, databases) = (Mutex::new(child), AtomicU64::new(0));
                return Ok(Self { child, port, _dir: dir, databases });
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
