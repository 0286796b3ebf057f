//! The cluster's own Redis and MariaDB: Debian's programs, on free loopback ports, with data and
//! passwords of their own.

use std::{
    env,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, bail};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use super::part::Part;
use crate::data_dir::write_private;

/// How long one look at a server may take.
const LOOK_WITHIN: Duration = Duration::from_secs(2);
/// Of a MySQL server's first packet: three bytes of length, a number, and what kind it is.
const GREETING: usize = 5;
/// The kind that takes logins; 255 is an error (MySQL's Protocol::HandshakeV10).
const HANDSHAKE_V10: u8 = 10;

/// Starts a Redis that keeps nothing; its URL.
pub(super) async fn redis(dir: &Path) -> anyhow::Result<(Part, String)> {
    let program = find(&["redis-server", "valkey-server"])?;
    let (at, password, dir) = (free()?, password(), dir.join("redis"));
    let mut part = Part::new("redis", &program, dir.clone(), true)?;
    let config = dir.join("redis.conf");
    // The password does not stand on a command line, which everybody on the machine can read.
    let text = format!(
        "bind 127.0.0.1\nport {}\nrequirepass {password}\nsave \"\"\nappendonly no\n\
         maxmemory-policy noeviction\n",
        at.port()
    );
    write_private(&config, text.as_bytes())?;
    part.args([config]);
    part.start()?;
    part.until_it(|| answers(at, b"PING\r\n", 1, |said| said == b"-")).await?;
    Ok((part, format!("redis://default:{password}@{at}")))
}

/// Starts a MariaDB with a database; its URL.
pub(super) async fn mariadb(dir: &Path) -> anyhow::Result<(Part, String)> {
    let program = find(&["mariadbd"])?;
    let (at, password, dir) = (free()?, password(), dir.join("mariadb"));
    let mut part = Part::new("mariadb", &program, dir.clone(), true)?;
    let data = dir.join("data");
    // It runs as whoever runs this, root too.
    let user = format!("--user={}", user()?);
    let datadir = format!("--datadir={}", data.display());
    if !data.exists() {
        install(&datadir, &user)?;
    }
    let first = dir.join("first.sql");
    let text = format!(
        "CREATE DATABASE IF NOT EXISTS anser;\n\
         CREATE OR REPLACE USER anser@'127.0.0.1' IDENTIFIED BY '{password}';\n\
         GRANT ALL ON anser.* TO anser@'127.0.0.1';\n"
    );
    write_private(&first, text.as_bytes())?;
    part.args([
        "--no-defaults".to_owned(),
        datadir,
        user,
        "--bind-address=127.0.0.1".to_owned(),
        format!("--port={}", at.port()),
        // Beside the data, under a name that is short enough wherever that is.
        "--socket=mariadb.sock".to_owned(),
        "--pid-file=mariadb.pid".to_owned(),
        "--skip-name-resolve".to_owned(),
        "--innodb-buffer-pool-size=64M".to_owned(),
        "--max-connections=1000".to_owned(),
        format!("--init-file={}", first.display()),
    ]);
    part.start()?;
    part.until_it(|| answers(at, b"", GREETING, |said| said.last() == Some(&HANDSHAKE_V10)))
        .await?;
    Ok((part, format!("mysql://anser:{password}@{at}/anser")))
}

/// Makes an empty data directory. Its root is whoever runs this, by socket only.
fn install(datadir: &str, user: &str) -> anyhow::Result<()> {
    let program = find(&["mariadb-install-db"])?;
    let mut command = Command::new(program);
    command.args(["--no-defaults", "--skip-test-db"]).args([datadir, user]).stdin(Stdio::null());
    let made = command.output().context("cannot start mariadb-install-db")?;
    if !made.status.success() {
        bail!("mariadb-install-db: {}", String::from_utf8_lossy(&made.stdout).trim());
    }
    Ok(())
}

/// Whether what listens at `at` answers `words` as `fits` wants.
async fn answers(at: SocketAddr, words: &[u8], bytes: usize, fits: impl Fn(&[u8]) -> bool) -> bool {
    let asked = async {
        let mut stream = TcpStream::connect(at).await?;
        stream.write_all(words).await?;
        let mut said = vec![0; bytes];
        stream.read_exact(&mut said).await?;
        Ok::<_, std::io::Error>(said)
    };
    timeout(LOOK_WITHIN, asked).await.is_ok_and(|said| said.is_ok_and(|it| fits(&it)))
}

/// Where a program of Debian's is: daemons are not on everybody's path.
fn find(names: &[&str]) -> anyhow::Result<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let places: Vec<PathBuf> = env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from))
        .collect();
    let all = names.iter().flat_map(|name| places.iter().map(move |place| place.join(name)));
    all.into_iter().find(|file| file.is_file()).with_context(|| {
        format!(
            "a cluster keeps what lasts in MariaDB and who is linked where in Redis, and {} is not \
             here; on Debian: apt-get install mariadb-server redis-server",
            names.join(" or ")
        )
    })
}

/// A port that nobody listens on. Somebody may take it before it is used; then the start fails,
/// and the next one takes another.
fn free() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// Only letters and digits, which mean nothing to any of those who read it.
fn password() -> String {
    format!("{:032x}", rand::random::<u128>())
}

fn user() -> anyhow::Result<String> {
    let id = Command::new("id").arg("-un").stdin(Stdio::null()).output();
    let id = id.context("cannot ask id(1) who runs this")?;
    Ok(String::from_utf8_lossy(&id.stdout).trim().to_owned())
}
