//! The stage: a server, its people, and for each cell of the matrix things of its own, so that
//! no cell sees what another has done.

use std::{
    collections::HashMap,
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
};

use anser_domain::Scope;
use anser_testkit::real::{Build, Server, binary};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use parking_lot::Mutex;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::table::Row;

/// What is said in the group, and what nobody outside it may find in an answer.
pub(crate) const SECRET: &str = "the geese leave at dawn";
const PASSWORD: &str = "a goose carries letters";
/// A picture of one pixel.
const PICTURE: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";

/// Everyone there is, in the order of the matrix's columns.
pub(crate) const WHO: [Who; 8] = [
    Who::Nobody,
    Who::Stranger,
    Who::Blocked,
    Who::ExMember,
    Who::Member,
    Who::Owner,
    Who::Administrator,
    Who::Key,
];

/// A kind of caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// Shows no token.
    Nobody,
    /// Has nothing to do with anything on the stage.
    Stranger,
    /// Is blocked by the owner.
    Blocked,
    /// Was taken out of the group.
    ExMember,
    /// Is in the group.
    Member,
    /// Owns the group and whatever else the call is about.
    Owner,
    /// Administers the server, and is a stranger to the people on it.
    Administrator,
    /// An app's backend, whose API key has every scope but the one that the call needs.
    Key,
    /// An API key with the scope that the call needs and no other.
    Scoped(&'static str),
}

impl Who {
    /// Whom the part is played by; nobody and keys have no name.
    fn user(self) -> Option<&'static str> {
        match self {
            Self::Nobody | Self::Key | Self::Scoped(_) => None,
            Self::Stranger => Some("sam"),
            Self::Blocked => Some("blake"),
            Self::ExMember => Some("xenia"),
            Self::Member => Some("bob"),
            Self::Owner => Some("alice"),
            Self::Administrator => Some("ada"),
        }
    }

    /// Whether they may know what is said in the group.
    pub(crate) fn is_in(self) -> bool {
        matches!(self, Self::Member | Self::Owner)
    }
}

/// What a call was answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) media: String,
    pub(crate) text: String,
}

impl Answer {
    /// The kind of problem, and what is said about it.
    pub(crate) fn problem(&self) -> (Value, Value) {
        let body: Value = serde_json::from_str(&self.text).unwrap_or_default();
        (body["type"].clone(), body["detail"].clone())
    }
}

/// One call as it will be made, and what its path names.
#[derive(Clone)]
pub(crate) struct Cell {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) named: Named,
    pub(crate) query: String,
    pub(crate) body: String,
    pub(crate) token: String,
}

impl Cell {
    /// The same call about something that never was: to who was in the group a message, to
    /// others the group.
    pub(crate) fn unknown(&self, who: Who) -> Self {
        let mut other = self.clone();
        let in_it_once = who == Who::ExMember && self.path.contains("{seq}");
        for (what, name) in &mut other.named {
            *name = match *what {
                "seq" if in_it_once => "999".to_owned(),
                _ if in_it_once => continue,
                "conv" if name.starts_with("g:") => "g:never".to_owned(),
                "group" => "never".to_owned(),
                "id" | "file" => "7193520847613952".to_owned(),
                _ => continue,
            };
        }
        other
    }

    /// Fills a parameter of the path with what stands there as it is.
    pub(crate) fn fill(&mut self, name: &str, raw: &str) {
        self.path = self.path.replace(&format!("{{{name}}}"), raw);
    }

    pub(crate) fn url(&self) -> String {
        let fill = |path: String, (what, name): &(&str, String)| {
            path.replace(&format!("{{{what}}}"), &name.replace('/', "%2F"))
        };
        self.named.iter().fold(format!("{}{}", self.path, self.query), fill)
    }
}

/// A server with everyone on it.
pub(crate) struct Stage {
    pub(crate) server: Server,
    client: Client,
    /// For each scope a key that has it alone, and one that has all others.
    keys: HashMap<&'static str, (String, String)>,
    cells: AtomicU32,
    /// What was made for the last cell: enough for the next one if the call changes nothing.
    kept: Mutex<Option<(&'static str, Named)>>,
    tokens: Mutex<HashMap<(String, &'static str), String>>,
    _dir: TempDir,
}

/// What the parameters of a path are filled with.
type Named = Vec<(&'static str, String)>;

impl Stage {
    /// Sets it.
    pub(crate) async fn set() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let binary = binary(Build::Plain).unwrap();
        let env = [
            ("ANSER_LIMITS__LOGINS", "none"),
            ("ANSER_LIMITS__CALLS", "none"),
            ("ANSER_LIMITS__ANONYMOUS", "none"),
            // A way to be notified that is there; nobody listens at it.
            ("ANSER_PUSH_WEBHOOK__URL", "http://127.0.0.1:9/push"),
            ("ANSER_PUSH_WEBHOOK__SECRETS", "a-secret-of-both-sides"),
            ("ANSER_EGRESS__ALLOW", "127.0.0.0/8"),
        ];
        let server = Server::start(&binary, dir.path(), &env).await.unwrap();
        make_administrator(&binary, dir.path(), "ada");
        let mut stage = Self {
            server,
            client: Client::new(),
            keys: HashMap::new(),
            cells: AtomicU32::new(0),
            kept: Mutex::default(),
            tokens: Mutex::default(),
            _dir: dir,
        };
        for user in ["alice", "bob", "carol", "sam", "blake", "xenia"] {
            stage.make_user(user).await;
        }
        // Each has a word from alice, the first entry of their direct conversation with her.
        let alice = stage.sign_in("alice", "phone").await;
        for user in ["bob", "sam", "blake", "xenia", "ada"] {
            stage.say(&alice, &format!("u:{user}"), json!({"kind": "text", "text": "hello"})).await;
        }
        stage.must(&alice, Method::PUT, "/v1/blocks/blake", None).await;
        stage.make_keys().await;
        stage
    }

    async fn make_keys(&mut self) {
        let ada = self.sign_in("ada", "desk").await;
        let all = Scope::TABLE.iter().map(|(_, name, _)| *name);
        for scope in all.clone() {
            let others: Vec<&str> = all.clone().filter(|it| *it != scope).collect();
            let pair = (self.make_key(&ada, &[scope]).await, self.make_key(&ada, &others).await);
            self.keys.insert(scope, pair);
        }
    }

    async fn make_key(&self, ada: &str, scopes: &[&str]) -> String {
        let wish = json!({"name": "backend", "scopes": scopes});
        let made = self.must(ada, Method::POST, "/v1/admin/keys", Some(wish)).await;
        made["key"].as_str().unwrap().to_owned()
    }

    /// The OpenAPI document.
    pub(crate) async fn document(&self) -> Value {
        self.must("", Method::GET, "/openapi.json", None).await
    }

    /// Prepares one cell: what the call is about, and who makes it.
    pub(crate) async fn cell(&self, row: &Row, who: Who) -> Cell {
        let number = self.cells.fetch_add(1, Ordering::Relaxed);
        let documented = row.documented();
        let (method, path) = documented.split_once(' ').unwrap();
        let kept = self.kept.lock().take_if(|kept| kept.0 == row.call && row.shares());
        let named = match kept {
            Some((_, named)) => named,
            None => {
                let mut set = Set { stage: self, row, who, number, named: Vec::new() };
                let alice = self.token("alice", "phone").await;
                set.people(&alice, path).await;
                set.log(&alice, path).await;
                set.mine(&alice, path).await;
                set.named
            }
        };
        *self.kept.lock() = Some((row.call, named.clone()));
        let token = match (who, row.scope) {
            (Who::Key, Some(scope)) => self.keys[scope].1.clone(),
            (Who::Key, None) => self.keys["keys"].1.clone(),
            (Who::Scoped(scope), _) => self.keys[scope].0.clone(),
            _ => match who.user() {
                Some(user) => self.token(user, "caller").await,
                None => String::new(),
            },
        };
        if row.ends_sessions() {
            self.tokens.lock().clear();
        }
        let fresh = format!("fresh{number}");
        let body = row.body.replace("$PASSWORD", PASSWORD).replace("$FRESH", &fresh);
        Cell {
            method: method.parse().unwrap(),
            path: path.to_owned(),
            named,
            query: row.query().to_owned(),
            body: body.replace("$NEW", &format!("new{number}")),
            token,
        }
    }

    /// Plays one.
    pub(crate) async fn act(&self, cell: &Cell) -> Answer {
        let mut request = self.request(&cell.token, cell.method.clone(), &cell.url());
        if let Some(bytes) = cell.body.strip_prefix("bytes:") {
            request = request.header("Upload-Offset", "0");
            request = request.header("Content-Type", "application/octet-stream");
            request = request.body(bytes.to_owned());
        } else if !cell.body.is_empty() {
            let body: Value = serde_json::from_str(&cell.body).unwrap();
            request = request.json(&body);
        }
        answer(request).await
    }

    async fn make_user(&self, name: &str) {
        let new = json!({"user": name, "password": PASSWORD});
        self.must("", Method::POST, "/v1/users", Some(new)).await;
    }

    async fn sign_in(&self, user: &str, device: &str) -> String {
        let body = json!({"user": user, "password": PASSWORD, "device": device});
        let tokens = self.must("", Method::POST, "/v1/auth/login", Some(body)).await;
        tokens["access_token"].as_str().unwrap().to_owned()
    }

    /// A token of a session that goes on; see [`Row::ends_sessions`].
    pub(crate) async fn token(&self, user: &str, device: &'static str) -> String {
        let known = self.tokens.lock().get(&(user.to_owned(), device)).cloned();
        if let Some(token) = known {
            return token;
        }
        let token = self.sign_in(user, device).await;
        self.tokens.lock().insert((user.to_owned(), device), token.clone());
        token
    }

    async fn say(&self, by: &str, to: &str, message: Value) -> u64 {
        let path = format!("/v1/conversations/{to}/messages");
        let said = self.must(by, Method::POST, &path, Some(message)).await;
        said["seq"].as_u64().unwrap()
    }

    async fn must(&self, token: &str, method: Method, path: &str, body: Option<Value>) -> Value {
        let mut request = self.request(token, method, path);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = answer(request).await;
        let status = StatusCode::from_u16(answer.status).unwrap();
        assert!(status.is_success(), "{path}: {status}: {}", answer.text);
        serde_json::from_str(&answer.text).unwrap_or_default()
    }

    pub(crate) fn request(
        &self,
        token: &str,
        method: Method,
        path: &str,
    ) -> reqwest::RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.server.http()));
        if token.is_empty() { request } else { request.bearer_auth(token) }
    }
}

pub(crate) async fn answer(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let media = response.headers().get("content-type").and_then(|it| it.to_str().ok());
    let media = media.unwrap_or_default().to_owned();
    // Not all of it is text.
    let text = String::from_utf8_lossy(&response.bytes().await.unwrap()).into_owned();
    Answer { status, media, text }
}

/// What one cell needs, made as far as its path names it.
struct Set<'a> {
    stage: &'a Stage,
    row: &'a Row,
    who: Who,
    number: u32,
    named: Named,
}

impl Set<'_> {
    /// Someone new, and what there is between them and alice.
    async fn people(&mut self, alice: &str, path: &str) {
        let fresh = format!("fresh{}", self.number);
        let stage = self.stage;
        let named = path.contains("{user}") || path.contains("{id}");
        if named || self.row.body.contains("$FRESH") || self.row.note() == "asked" {
            stage.make_user(&fresh).await;
        }
        if path.contains("{id}") {
            // From alice where the call takes a request back, to her where it answers one.
            let theirs = stage.sign_in(&fresh, "phone").await;
            let (by, to) = match path.ends_with("{id}") {
                true => (alice, fresh.as_str()),
                false => (theirs.as_str(), "alice"),
            };
            let (path, wish) = ("/v1/friends/requests", json!({"user": to}));
            let asked = stage.must(by, Method::POST, path, Some(wish)).await;
            self.named.push(("id", asked["id"].as_str().unwrap().to_owned()));
        }
        if self.row.note() == "friend" {
            for (by, to) in [("alice", &*fresh), (&*fresh, "alice")] {
                let token = match by {
                    "alice" => alice.to_owned(),
                    _ => stage.sign_in(by, "phone").await,
                };
                let (path, wish) = ("/v1/friends/requests", json!({"user": to}));
                stage.must(&token, Method::POST, path, Some(wish)).await;
            }
        }
        let in_group = path.contains("/members/");
        self.named.push(("user", if in_group { "carol".to_owned() } else { fresh.clone() }));
        if path.contains("{device}") {
            let whose = if path.contains("/admin/") { Some(&*fresh) } else { self.who.user() };
            if let Some(user) = whose {
                stage.sign_in(user, "spare").await;
            }
            self.named.push(("device", "spare".to_owned()));
        }
    }

    /// alice's group with bob and carol, in which she says the secret once xenia has left.
    async fn log(&mut self, alice: &str, path: &str) {
        let (stage, note) = (self.stage, self.row.note());
        let named = |what: &str| path.contains(what) || self.row.query().contains(what);
        if note == "direct" {
            let (with, seq) = match self.who {
                Who::Owner => {
                    let message = json!({"kind": "text", "text": "and again"});
                    ("u:bob", stage.say(alice, "u:bob", message).await)
                }
                _ => ("u:alice", 1),
            };
            self.named.extend([("conv", with.to_owned()), ("seq", seq.to_string())]);
            return;
        }
        if !named("{group}") && !named("{conv}") && !named("{file}") && !named("/search") {
            return;
        }
        let group = format!("cell{}", self.number);
        let (kind, conv) =
            (if note == "channel" { "channel" } else { "group" }, format!("g:{group}"));
        let new = json!({"id": group, "kind": kind, "members": ["bob", "carol", "xenia"]});
        stage.must(alice, Method::POST, "/v1/groups", Some(new)).await;
        let (earlier, later) = match named("{file}") {
            true => (self.file(alice).await, self.file(alice).await),
            false => Default::default(),
        };
        let message = |text: &str, file: &str| match file.is_empty() {
            true => json!({"kind": "text", "text": text}),
            false => json!({"kind": "file", "data": {"file": file, "text": text}}),
        };
        let before = stage.say(alice, &conv, message("good evening", &earlier)).await;
        let out = format!("/v1/groups/{group}/members/xenia");
        stage.must(alice, Method::DELETE, &out, None).await;
        let after = stage.say(alice, &conv, message(SECRET, &later)).await;
        let (mut seq, file) = if note == "earlier" { (before, earlier) } else { (after, later) };
        if matches!(note, "own" | "muted") {
            let bob = stage.token("bob", "phone").await;
            seq = stage.say(&bob, &conv, message(SECRET, "")).await;
        }
        if note == "muted" {
            let (path, until) =
                (format!("/v1/groups/{group}/members/bob/mute"), 4_000_000_000_000_u64);
            stage.must(alice, Method::PUT, &path, Some(json!({"until": until}))).await;
        }
        let file = match note {
            "unfinished" => self.upload(alice).await,
            _ => file,
        };
        self.named.extend([("group", group.clone()), ("conv", conv), ("seq", seq.to_string())]);
        self.named.push(("file", file));
        let policy = match note {
            "open" | "asked" | "approval" => {
                let join = if note == "open" { "open" } else { "approval" };
                json!({"join": join, "hidden": false})
            }
            "all pin" => json!({"pin": "members"}),
            _ => Value::Null,
        };
        if !policy.is_null() {
            let path = format!("/v1/groups/{group}/policy");
            stage.must(alice, Method::PATCH, &path, Some(policy)).await;
        }
        if note == "pinned" {
            let path = format!("/v1/conversations/g:{group}/pins/{seq}");
            stage.must(alice, Method::PUT, &path, None).await;
        }
        let fresh = format!("fresh{}", self.number);
        if note == "asked" {
            let theirs = stage.sign_in(&fresh, "phone").await;
            let path = format!("/v1/groups/{group}/join");
            stage.must(&theirs, Method::POST, &path, Some(json!({}))).await;
        }
        let invited = match note {
            "invitee" => Some(&*fresh),
            "invited" if !self.who.is_in() => self.who.user(),
            _ => None,
        };
        if let Some(user) = invited {
            let path = format!("/v1/groups/{group}/invitations");
            stage.must(alice, Method::POST, &path, Some(json!({"users": [user]}))).await;
        }
    }

    /// What alice has for herself alone, and ada.
    async fn mine(&mut self, alice: &str, path: &str) {
        let stage = self.stage;
        if path.contains("/items/{key}") {
            let key = format!("cell/{}", self.number);
            let (path, item) = (format!("/v1/items/{key}"), json!({"value": SECRET}));
            stage.must(alice, Method::PUT, &path, Some(item)).await;
            self.named.push(("key", key));
        } else if path.contains("{key}") {
            let ada = stage.token("ada", "desk").await;
            let wish = json!({"name": "spare", "scopes": ["stats:read"]});
            let made = stage.must(&ada, Method::POST, "/v1/admin/keys", Some(wish)).await;
            self.named.push(("key", made["id"].as_str().unwrap().to_owned()));
        }
        if path.contains("{webhook}") {
            let ada = stage.token("ada", "desk").await;
            let hook = json!({"url": "http://127.0.0.1:9/hook"});
            stage.must(&ada, Method::PUT, "/v1/admin/webhooks/hook", Some(hook)).await;
            self.named.push(("webhook", "hook".to_owned()));
            self.named.push(("event", "1".to_owned()));
        }
        if path.ends_with("/push") && self.who == Who::Owner {
            let way = json!({"provider": "webhook", "token": "t"});
            stage.must(alice, Method::PUT, "/v1/devices/spare/push", Some(way)).await;
        }
    }

    /// A picture of alice's.
    async fn file(&self, alice: &str) -> String {
        let request = self.stage.request(alice, Method::POST, "/v1/files?name=goose.png");
        let request = request.header("Content-Type", "image/png");
        let stored = answer(request.body(STANDARD.decode(PICTURE).unwrap())).await;
        assert_eq!(stored.status, 201, "{}", stored.text);
        let stored: Value = serde_json::from_str(&stored.text).unwrap();
        stored["id"].as_str().unwrap().to_owned()
    }

    /// A file of alice's of which nothing is there yet.
    async fn upload(&self, alice: &str) -> String {
        let new = json!({"name": "a.txt", "type": "text/plain", "size": 4});
        let made = self.stage.must(alice, Method::POST, "/v1/files", Some(new)).await;
        made["id"].as_str().unwrap().to_owned()
    }
}

/// Makes an administrator as an operator does: with the command line, beside the running server.
fn make_administrator(binary: &Path, dir: &Path, name: &str) {
    use std::{
        io::Write as _,
        process::{Command, Stdio},
    };
    let mut child = Command::new(binary)
        .args(["user", "add", name, "--admin", "--password-stdin", "--data-dir"])
        .arg(dir)
        .env("ANSER_AUTH__SCRAM_ITERATIONS", "4096")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    writeln!(child.stdin.take().unwrap(), "{PASSWORD}").unwrap();
    assert!(child.wait().unwrap().success(), "an administrator is made");
}
