//! The server that is killed, and hands that call it until they are answered.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use anser_testkit::real::{Build, Server, binary};
use parking_lot::Mutex;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{sync::watch, time::sleep};

const PASSWORD: &str = "a goose carries letters";
/// Between two tries of a call.
const AGAIN: Duration = Duration::from_millis(20);
/// So often a call is tried: many times what a restart takes.
const TRIES: u32 = 1500;

/// A server, and everyone who has an account on it.
pub(crate) struct World {
    server: Server,
    base: watch::Sender<String>,
    day: watch::Sender<bool>,
    /// Everyone who was enrolled.
    people: Arc<Mutex<BTreeSet<String>>>,
    pub(crate) dir: TempDir,
}

impl World {
    pub(crate) async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let env = [("ANSER_EGRESS__ALLOW", "127.0.0.0/8")];
        let server = Server::start(&binary(Build::Plain).unwrap(), dir.path(), &env).await.unwrap();
        let base = watch::Sender::new(server.http());
        Self { server, base, day: watch::Sender::new(true), people: Arc::default(), dir }
    }

    /// `kill -9`, and a new start.
    pub(crate) async fn kill(&mut self) {
        self.server.kill().await.unwrap();
        self.server.restart().await.unwrap();
        self.base.send_replace(self.server.http());
    }

    /// Lets the workers finish what they are at.
    pub(crate) fn call_it_a_day(&self) {
        self.day.send_replace(false);
    }

    /// A new user, signed in.
    pub(crate) async fn hand(&self, user: &str) -> Hand {
        let mut hand = self.stranger(user);
        hand.enrol(user).await;
        hand.sign_in().await;
        hand
    }

    /// A user there is, signed in anew.
    pub(crate) async fn hand_again(&self, user: &str) -> Hand {
        let mut hand = self.stranger(user);
        hand.sign_in().await;
        hand
    }

    /// Everyone there is, signed in anew.
    pub(crate) async fn everyone(&self) -> Vec<Hand> {
        let people = self.people.lock().clone();
        let mut hands = Vec::new();
        for user in people {
            hands.push(self.hand_again(&user).await);
        }
        hands
    }

    fn stranger(&self, user: &str) -> Hand {
        Hand {
            people: self.people.clone(),
            client: Client::new(),
            base: self.base.subscribe(),
            day: self.day.subscribe(),
            user: user.to_owned(),
            token: String::new(),
        }
    }

    /// An administrator, made as operators make them.
    pub(crate) async fn administrator(&self, name: &str) -> Hand {
        use std::{
            io::Write as _,
            process::{Command, Stdio},
        };
        let mut child = Command::new(binary(Build::Plain).unwrap())
            .args(["user", "add", name, "--admin", "--password-stdin", "--data-dir"])
            .arg(self.dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        writeln!(child.stdin.take().unwrap(), "{PASSWORD}").unwrap();
        assert!(child.wait().unwrap().success(), "an administrator is made");
        self.hand_again(name).await
    }
}

/// One user at work.
pub(crate) struct Hand {
    people: Arc<Mutex<BTreeSet<String>>>,
    client: Client,
    base: watch::Receiver<String>,
    day: watch::Receiver<bool>,
    pub(crate) user: String,
    token: String,
}

/// An answer that was neither lost nor "not now".
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) json: Value,
    pub(crate) bytes: Vec<u8>,
}

impl Hand {
    /// Whether there is still work to begin.
    pub(crate) fn goes_on(&self) -> bool {
        *self.day.borrow()
    }

    /// Makes a user. A name that is taken was taken by an earlier try.
    pub(crate) async fn enrol(&self, user: &str) {
        let new = json!({"user": user, "password": PASSWORD});
        let answer = self.call(Method::POST, "/v1/users", Some(&new)).await;
        assert!([201, 409].contains(&answer.status), "{user}: {answer:?}");
        self.people.lock().insert(user.to_owned());
    }

    async fn sign_in(&mut self) {
        // A device of its own: a later sign-in of the same one would end this session.
        let device = uuid::Uuid::now_v7().to_string();
        let who = json!({"user": self.user, "password": PASSWORD, "device": device});
        let answer = self.call(Method::POST, "/v1/auth/login", Some(&who)).await;
        self.token = answer.json["access_token"].as_str().unwrap().to_owned();
    }

    /// Calls until there is an answer that counts, under one key.
    pub(crate) async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let key = uuid::Uuid::now_v7().to_string();
        self.insist(|base| {
            let request = self.client.request(method.clone(), format!("{base}{path}"));
            let request = request.header("idempotency-key", &key);
            match body {
                Some(body) => request.json(body),
                None => request,
            }
        })
        .await
    }

    /// The same for requests of any make.
    pub(crate) async fn insist(&self, make: impl Fn(&str) -> RequestBuilder) -> Answer {
        for _ in 0..TRIES {
            let base = self.base.borrow().clone();
            let mut request = make(&base);
            if !self.token.is_empty() {
                request = request.bearer_auth(&self.token);
            }
            if let Some(answer) = answered(request).await {
                return answer;
            }
            sleep(AGAIN).await;
        }
        panic!("no answer")
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Calls, and expects a good answer, or one of these from a try before it.
    pub(crate) async fn must_or(&self, method: Method, path: &str, body: &Value, or: &[u16]) {
        let answer = self.call(method, path, Some(body)).await;
        let good = (200..300).contains(&answer.status) || or.contains(&answer.status);
        assert!(good, "{path}: {answer:?}");
    }

    /// Calls, and expects a good answer.
    pub(crate) async fn must(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let answer = self.call(method, path, body).await;
        assert!((200..300).contains(&answer.status), "{path}: {answer:?}");
        answer.json
    }

    /// Everything of a list, page by page.
    pub(crate) async fn all(&self, path: &str, of: &str) -> Vec<Value> {
        let (mut all, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = self.must(Method::GET, &format!("{path}{cursor}"), None).await;
            let rows = page[of].as_array().unwrap_or_else(|| panic!("{path}: no {of} in {page}"));
            all.extend(rows.iter().cloned());
            match page["next"].as_str() {
                Some(next) => {
                    let mark = if path.contains('?') { '&' } else { '?' };
                    cursor = format!("{mark}cursor={next}");
                }
                None => return all,
            }
        }
    }

    /// A whole log.
    pub(crate) async fn log(&self, conv: &str) -> Vec<Value> {
        let (mut log, mut after) = (Vec::new(), 0);
        loop {
            let path = format!("/v1/conversations/{conv}/messages?after={after}&limit=200");
            let page = self.must(Method::GET, &path, None).await;
            log.extend(page["messages"].as_array().unwrap().iter().cloned());
            if page["more"] != true {
                return log;
            }
            after = log.last().unwrap()["seq"].as_u64().unwrap();
        }
    }
}

/// `None` when the server was not there, broke off, or said "not now".
async fn answered(request: RequestBuilder) -> Option<Answer> {
    let response = request.send().await.ok()?;
    let status = response.status();
    let bytes = response.bytes().await.ok()?.to_vec();
    let json = serde_json::from_slice(&bytes).unwrap_or_default();
    let now = !status.is_server_error() && status != 429;
    now.then(|| Answer { status: status.as_u16(), json, bytes })
}
