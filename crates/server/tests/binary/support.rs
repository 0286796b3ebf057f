//! Starts the real `anser` on free ports, and stops it again whatever happens.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::mpsc,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// Far above what anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// The last line of the banner.
const READY: &str = "Ctrl-C stops the server.";
/// Keeps logins in unoptimised builds quick.
const QUICK_PASSWORDS: (&str, &str) = ("ANSER_AUTH__SCRAM_ITERATIONS", "1000");

/// `anser` with these arguments, on an environment without settings.
pub(crate) fn anser(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_anser"));
    command
        .args(args)
        .env_clear()
        .env(QUICK_PASSWORDS.0, QUICK_PASSWORDS.1)
        .env("RUST_BACKTRACE", "1");
    command
}

/// Runs `anser` to its end.
pub(crate) fn run(args: &[&str]) -> Output {
    anser(args).stdin(Stdio::null()).output().unwrap()
}

/// Runs `anser` to its end with a line on standard input.
pub(crate) fn run_with_input(args: &[&str], input: &str) -> Output {
    let mut child = anser(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that ends without reading its input has its reasons, and says them.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// The one line on standard error of a run that failed.
pub(crate) fn complaint(output: &Output) -> String {
    assert!(!output.status.success(), "it succeeded: {}", text(&output.stdout));
    let text = text(&output.stderr);
    let lines: Vec<_> = text.lines().filter(|line| line.starts_with("anser: ")).collect();
    assert_eq!(lines.len(), 1, "one line says what is wrong: {text}");
    assert!(!text.contains("panicked"), "{text}");
    assert_eq!(text.lines().last(), lines.first().copied(), "{text}");
    lines[0].to_owned()
}

/// Bytes as text.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The arguments that take free ports.
pub(crate) const FREE_PORTS: [&str; 6] = [
    "--listen-http",
    "127.0.0.1:0",
    "--listen-native",
    "127.0.0.1:0",
    "--listen-admin",
    "127.0.0.1:0",
];

/// A server that is ready.
pub(crate) struct Server {
    child: Child,
    dir: PathBuf,
    /// What it has printed so far.
    pub(crate) banner: String,
    /// How long it took to be ready.
    pub(crate) took: Duration,
    listen: Value,
    /// Later lines of standard output.
    lines: mpsc::Receiver<String>,
}

impl Server {
    /// Starts one on `dir` and waits until it says that it is ready.
    pub(crate) fn start(dir: &Path, extra: &[&str]) -> Self {
        let mut command = anser(&["serve", "--data-dir", dir.to_str().unwrap()]);
        command.args(FREE_PORTS).args(extra).stdout(Stdio::piped());
        Self::spawn(command, dir)
    }

    /// Starts what `command` says.
    pub(crate) fn spawn(mut command: Command, dir: &Path) -> Self {
        let started = clock::now();
        let mut child = command.spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (to, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if to.send(line).is_err() {
                    break;
                }
            }
        });
        let mut banner = String::new();
        loop {
            let line = match lines.recv_timeout(PATIENCE) {
                Ok(line) => line,
                Err(_) => {
                    let _ = child.kill();
                    panic!("not ready; it said: {banner}");
                }
            };
            banner.push_str(&line);
            banner.push('\n');
            if line == READY {
                break;
            }
        }
        let took = started.elapsed();
        let listen = std::fs::read(dir.join("listen.json")).unwrap();
        let listen = serde_json::from_slice(&listen).unwrap();
        Self { child, dir: dir.to_owned(), banner, took, listen, lines }
    }

    /// Starts one whose standard output is closed, and waits until it is ready.
    pub(crate) async fn start_unheard(dir: &Path) -> Self {
        let mut command = anser(&["serve", "--data-dir", dir.to_str().unwrap()]);
        let mut child = command.args(FREE_PORTS).stdout(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let file = dir.join("listen.json");
        let told = async {
            while !file.exists() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, told).await.expect("in time");
        let listen = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        let (banner, took, lines) = (String::new(), Duration::ZERO, mpsc::channel().1);
        let server = Self { child, dir: dir.to_owned(), banner, took, listen, lines };
        server.ready_answers(200).await;
        server
    }

    /// Where the listener `name` is.
    pub(crate) fn address(&self, name: &str) -> &str {
        self.listen[name].as_str().unwrap()
    }

    /// The URL of a path on the HTTP listener.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address("http"))
    }

    /// The password of a demo user.
    pub(crate) fn demo_password(&self, user: &str) -> String {
        let json = std::fs::read(self.dir.join("demo.json")).unwrap();
        let json: Value = serde_json::from_slice(&json).unwrap();
        json[user].as_str().unwrap().to_owned()
    }

    /// Waits until `/readyz` answers with `status`, which is looked after once a second.
    pub(crate) async fn ready_answers(&self, status: u16) {
        let url = format!("http://{}/readyz", self.address("admin"));
        let asked = async {
            while reqwest::get(&url).await.unwrap().status() != status {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, asked).await.expect("in time");
    }

    /// Waits until a number of `/metrics` is `least` at least.
    pub(crate) async fn metric_reaches(&self, name: &str, least: f64) {
        let url = format!("http://{}/metrics", self.address("admin"));
        let asked = async {
            loop {
                let text = reqwest::get(&url).await.unwrap().text().await.unwrap();
                let line = text.lines().find_map(|line| line.strip_prefix(name)).expect(name);
                if line.trim().parse::<f64>().unwrap() >= least {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, asked).await.expect("in time");
    }

    /// A file of its data directory.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for the end, and what was printed before it.
    pub(crate) fn wait(mut self) -> (ExitStatus, String) {
        let mut printed = String::new();
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            printed.push_str(&line);
            printed.push('\n');
        }
        (self.child.wait().unwrap(), printed)
    }

    /// Asks it to stop, as Ctrl-C does, and waits.
    pub(crate) fn stop(self) -> ExitStatus {
        self.signal(Signal::INT);
        self.wait().0
    }

    /// Ends it without a chance to do anything about it.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Already gone after `wait`; then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

mod clock {
    //! How long a start took, which only the machine's clock knows.

    use std::time::Instant;

    #[expect(clippy::disallowed_methods, reason = "another process is being measured")]
    pub(super) fn now() -> Instant {
        Instant::now()
    }
}

/// A user of the REST API.
pub(crate) struct Rest {
    http: reqwest::Client,
    base: String,
    pub(crate) token: String,
}

impl Rest {
    /// Logs in.
    pub(crate) async fn login(server: &Server, user: &str, password: &str) -> Self {
        Self::login_on(server, user, password, "test").await
    }

    /// Logs in on a device.
    pub(crate) async fn login_on(
        server: &Server,
        user: &str,
        password: &str,
        device: &str,
    ) -> Self {
        let body = serde_json::json!({"user": user, "password": password, "device": device});
        let login = reqwest::Client::new().post(server.url("/v1/auth/login")).json(&body);
        let answer = login.send().await.unwrap();
        assert_eq!(answer.status(), 200, "{user} logs in");
        let answer: Value = answer.json().await.unwrap();
        let token = answer["access_token"].as_str().unwrap().to_owned();
        Self { http: reqwest::Client::new(), base: server.url(""), token }
    }

    /// The answer to a login.
    pub(crate) async fn try_login(
        server: &Server,
        user: &str,
        password: &str,
    ) -> reqwest::Response {
        let body = serde_json::json!({"user": user, "password": password, "device": "test"});
        reqwest::Client::new().post(server.url("/v1/auth/login")).json(&body).send().await.unwrap()
    }

    /// The answer to a text.
    pub(crate) async fn try_send(&self, to: &str, words: &str) -> reqwest::Response {
        self.http
            .post(format!("{}/v1/conversations/{to}/messages", self.base))
            .bearer_auth(&self.token)
            .json(&serde_json::json!({"kind": "text", "text": words}))
            .send()
            .await
            .unwrap()
    }

    /// Sends a text and answers with its seq.
    pub(crate) async fn send(&self, to: &str, words: &str) -> u64 {
        let answer = self.try_send(to, words).await;
        let status = answer.status();
        let answer: Value = answer.json().await.unwrap();
        assert!(status.is_success(), "{status}: {answer}");
        answer["seq"].as_u64().unwrap()
    }

    /// The texts of a conversation, oldest first, events aside.
    pub(crate) async fn texts(&self, of: &str) -> Vec<String> {
        let page = self.get(&format!("/v1/conversations/{of}/messages?limit=100")).await;
        let messages = page["messages"].as_array().unwrap();
        messages.iter().filter_map(|m| m["text"].as_str()).map(str::to_owned).collect()
    }

    /// What comes of a call that makes something.
    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        let url = format!("{}{path}", self.base);
        let answer = self.http.post(url).bearer_auth(&self.token).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json().await.unwrap()
    }

    /// Sends a part of a file.
    pub(crate) async fn patch_file(
        &self,
        file: &str,
        at: usize,
        bytes: &[u8],
    ) -> reqwest::Response {
        let url = format!("{}/v1/files/{file}", self.base);
        let call = self.http.patch(url).bearer_auth(&self.token).header("Upload-Offset", at);
        call.body(bytes.to_vec()).send().await.unwrap()
    }

    /// How much of a file is there.
    pub(crate) async fn file_offset(&self, file: &str) -> usize {
        let url = format!("{}/v1/files/{file}", self.base);
        let answer = self.http.head(url).bearer_auth(&self.token).send().await.unwrap();
        answer.headers()["upload-offset"].to_str().unwrap().parse().unwrap()
    }

    /// A file's content.
    pub(crate) async fn file(&self, file: &str) -> Vec<u8> {
        let url = format!("{}/v1/files/{file}", self.base);
        let answer = self.http.get(url).bearer_auth(&self.token).send().await.unwrap();
        answer.bytes().await.unwrap().to_vec()
    }

    /// The status of any other call.
    pub(crate) async fn call(&self, method: &str, path: &str, body: Value) -> u16 {
        let url = format!("{}{path}", self.base);
        let call = self.http.request(method.parse().unwrap(), url).bearer_auth(&self.token);
        let call = if body.is_null() { call } else { call.json(&body) };
        call.send().await.unwrap().status().as_u16()
    }

    /// What a path holds.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let url = format!("{}{path}", self.base);
        let answer = self.http.get(url).bearer_auth(&self.token).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.json().await.unwrap()
    }
}
