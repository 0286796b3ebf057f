//! The REST API against its own description: schemathesis makes requests up from the OpenAPI
//! document of a real server, good ones and bad ones, and compares the answers with it.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::Duration,
};

use anyhow::{Context, Result, bail};

use crate::{debian, shell, tools};

/// Pinned as the other tools are: what counts as a failure changes with its releases.
const VERSION: &str = "4.32.5";
/// Requests made up for each call in every run; more with `--examples`.
pub(crate) const EXAMPLES: u32 = 5;
/// The same requests every time.
const SEED: &str = "7700";
/// What is told it beside arguments.
const CONFIG: &str = "xtask/schemathesis.toml";
/// How it writes what it does not know.
const HOOKS: &str = "xtask/schemathesis.py";
/// Calls that would end the run, and why.
const ENDINGS: &[(&str, &str)] = &[
    ("logout", "ends the session whose token all calls show"),
    ("removeDevice", "the caller's own device may be the one"),
    ("changePassword", "made-up passwords would be the caller's"),
    ("adminSetPassword", "the administrator's own may be set, and all their sessions end"),
    ("adminSetDisabled", "the administrator may shut themself out"),
    ("adminBan", "as adminSetDisabled"),
    ("adminEndSessions", "the administrator's own may be ended"),
    ("adminEndSession", "as adminEndSessions"),
    ("adminChangeUser", "the administrator may make themself a plain user"),
];
/// Signs in and prints the access token; arguments are URL, user and password.
const SIGN_IN: &str = "\
import json, sys, urllib.request
url, user, password = sys.argv[1:]
body = json.dumps({'user': user, 'password': password, 'device': 'schemathesis'}).encode()
head = {'content-type': 'application/json'}
request = urllib.request.Request(url + '/v1/auth/login', body, head)
print(json.load(urllib.request.urlopen(request))['access_token'])
";
const PASSWORD: &str = "a goose carries letters";

/// Runs it as a user, and as an administrator.
pub(crate) fn run(examples: u32) -> Result<()> {
    let home = ensure()?;
    shell::build()?;
    let anser = shell::target_dir()?.join("debug/anser");
    let dir = shell::target_dir()?.join("schemathesis");
    if dir.exists() {
        fs::remove_dir_all(&dir)?;
    }
    let (_server, url) = Server::start(&anser, &dir)?;
    for (user, more) in [("gander", None), ("root", Some("--admin"))] {
        let mut add = Command::new(&anser);
        add.args(["user", "add", user, "--password-stdin", "--data-dir"]).arg(&dir).args(more);
        let mut child = add.stdin(Stdio::piped()).spawn().context("cannot start anser")?;
        let mut input = child.stdin.take().context("no standard input")?;
        std::io::Write::write_all(&mut input, PASSWORD.as_bytes())?;
        drop(input);
        if !child.wait()?.success() {
            bail!("{user} could not be made");
        }
    }
    for user in ["gander", "root"] {
        let sign_in = ["-c", SIGN_IN, &url, user, PASSWORD];
        let token = shell::read(Command::new(home.join("bin/python")).args(sign_in))?;
        let mut st = Command::new(home.join("bin/schemathesis"));
        // It keeps notes where it runs.
        st.current_dir(&dir).arg("--config-file").arg(env::current_dir()?.join(CONFIG));
        st.env("SCHEMATHESIS_HOOKS", env::current_dir()?.join(HOOKS));
        st.args(["run", &format!("{url}/openapi.json")]);
        st.args(["--seed", SEED, "--warnings", "off"]);
        st.args(["--phases", "examples,coverage,fuzzing", "--no-color"]);
        st.args(["--max-examples", &examples.to_string(), "--continue-on-failure"]);
        st.args(["--header", &format!("Authorization: Bearer {}", token.trim())]);
        for (call, _) in ENDINGS {
            st.args(["--exclude-operation-id", call]);
        }
        // The token is not for the terminal.
        let status = st.status().context("cannot start schemathesis")?;
        if !status.success() {
            bail!("as {user}, the API and its description differ");
        }
    }
    Ok(())
}

/// Its virtual environment, made if there is none.
fn ensure() -> Result<PathBuf> {
    let home = tools::cache()?.join(format!("schemathesis-{VERSION}"));
    if home.join("bin/schemathesis").is_file() {
        return Ok(home);
    }
    debian::ensure(&[debian::VENV])?;
    shell::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&home))?;
    let wanted = format!("schemathesis=={VERSION}");
    shell::run(Command::new(home.join("bin/pip")).args([
        "install",
        "--quiet",
        "--disable-pip-version-check",
        &wanted,
    ]))?;
    Ok(home)
}

/// A server that ends with this.
struct Server(Child);

impl Server {
    fn start(anser: &Path, dir: &Path) -> Result<(Self, String)> {
        let mut serve = Command::new(anser);
        serve.args(["serve", "--data-dir"]).arg(dir).stdin(Stdio::null()).stdout(Stdio::null());
        for listener in ["http", "native", "admin"] {
            serve.args([format!("--listen-{listener}"), "127.0.0.1:0".to_owned()]);
        }
        // A run lasts longer than a quarter of an hour when asked for many examples.
        serve.env("ANSER_AUTH__ACCESS_TOKEN", "1 d").env("ANSER_AUTH__SCRAM_ITERATIONS", "4096");
        for limit in ["CALLS", "SENDS", "LOGINS", "ANONYMOUS"] {
            serve.env(format!("ANSER_LIMITS__{limit}"), "none");
        }
        let server = Self(serve.spawn().context("cannot start anser")?);
        for _ in 0..600 {
            if let Ok(text) = fs::read_to_string(dir.join("listen.json")) {
                let listen: serde_json::Value = serde_json::from_str(&text)?;
                let http = listen.get("http").and_then(|http| http.as_str());
                return Ok((server, format!("http://{}", http.context("no http in listen.json")?)));
            }
            sleep(Duration::from_millis(50));
        }
        bail!("the server was not ready within 30 s")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Gone already or gone now; its directory is made anew next time.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
