//! Who was removed, blocked, signed out or shut out gets nothing that was committed after the
//! answer that said so, by no path there is; and who stayed gets all of it by the same paths.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::{process::Stdio, sync::Arc, time::Duration};

use anser_testkit::real::{Build, Login, Rest, Server, binary};
use anser_wire::{
    MIN_VERSION, VERSION, codec,
    frame::{Frame, Hello, Pong},
};
use axum::{Router, extract::State};
use bytes::Bytes;
use parking_lot::Mutex;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::{sleep, timeout},
};

const PASSWORD: &str = "a goose carries letters";
/// What nobody may get who is gone: every text that is said after has it.
const LATER: &str = "zephyr";
/// What they do get, after it: by then the other would have come.
const FENCE: &str = "fence";
const PATIENCE: Duration = Duration::from_secs(60);

/// A link that keeps every byte it is sent.
struct Tap {
    seen: Arc<Mutex<Vec<u8>>>,
    link: JoinHandle<()>,
}

impl Tap {
    async fn link(server: &Server, login: &Login) -> Self {
        let mut socket = TcpStream::connect(server.native()).await.unwrap();
        let hello = Hello {
            token: login.token.clone(),
            min_version: MIN_VERSION,
            max_version: VERSION,
            client: "anser-testkit".to_owned(),
            ..Hello::default()
        };
        let mut out = Vec::new();
        codec::write(&hello.into(), &mut out);
        let seen = Arc::new(Mutex::new(Vec::new()));
        let kept = seen.clone();
        let link = tokio::spawn(async move {
            let mut unread = Vec::new();
            while socket.write_all(&out).await.is_ok() {
                out.clear();
                let before = unread.len();
                if !matches!(socket.read_buf(&mut unread).await, Ok(n) if n > 0) {
                    return;
                }
                kept.lock().extend_from_slice(&unread[before..]);
                while let Ok(Some((len, frame))) = codec::read(&unread, 1 << 20) {
                    unread.drain(..len);
                    if let Some(Frame::Ping(ping)) = frame {
                        let pong = Pong { nonce: ping.nonce, ..Pong::default() };
                        codec::write(&pong.into(), &mut out);
                    }
                }
            }
        });
        Self { seen, link }
    }

    fn has(&self, text: &str) -> bool {
        self.seen.lock().windows(text.len()).any(|it| it == text.as_bytes())
    }

    async fn waits_for(&self, text: &str) {
        until(text, || self.has(text)).await;
    }

    /// Waits until the server has closed the link.
    async fn closed(self) -> Arc<Mutex<Vec<u8>>> {
        timeout(PATIENCE, self.link).await.unwrap().unwrap();
        self.seen
    }
}

async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let waiting = async {
        while !done() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(timeout(PATIENCE, waiting).await.is_ok(), "never: {what}");
}

type Notes = Arc<Mutex<Vec<(String, String)>>>;

/// The push service: keeps whom it was to notify of what.
async fn take(State(notes): State<Notes>, body: Bytes) {
    let note: Value = serde_json::from_slice(&body).unwrap();
    notes.lock().push((note["token"].as_str().unwrap().to_owned(), note.to_string()));
}

struct World {
    server: Server,
    rest: Rest,
    client: Client,
    notes: Notes,
    dir: tempfile::TempDir,
}

impl World {
    async fn start(users: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/push", listener.local_addr().unwrap());
        let notes = Notes::default();
        let app = Router::new().fallback(take).with_state(notes.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        let dir = tempfile::tempdir().unwrap();
        let env = [
            ("ANSER_EGRESS__ALLOW", "127.0.0.0/8"),
            ("ANSER_PUSH_WEBHOOK__URL", url.as_str()),
            ("ANSER_PUSH_WEBHOOK__SECRETS", "a-secret-of-both-sides"),
            ("ANSER_PUSH__GATHER", "10 ms"),
        ];
        let binary = binary(Build::Plain).unwrap();
        let server = Server::start(&binary, dir.path(), &env).await.unwrap();
        let rest = Rest::new(server.http());
        for user in users {
            rest.create_user(user).await.unwrap();
        }
        Self { server, rest, client: Client::new(), notes, dir }
    }

    async fn call(&self, method: &str, path: &str, by: &Login, body: Value) -> (u16, String) {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = self.client.request(method, format!("{}{path}", self.server.http()));
        let request = request.bearer_auth(&by.token);
        let request = if body.is_null() { request } else { request.json(&body) };
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    async fn must(&self, method: &str, path: &str, by: &Login, body: Value) -> Value {
        let (status, said) = self.call(method, path, by, body).await;
        assert!((200..300).contains(&status), "{method} {path}: {status}: {said}");
        serde_json::from_str(&said).unwrap_or_default()
    }

    async fn say(&self, by: &Login, to: &str, text: &str) -> u64 {
        let body = json!({"kind": "text", "text": text});
        let path = format!("/v1/conversations/{to}/messages");
        self.must("POST", &path, by, body).await["seq"].as_u64().unwrap()
    }

    /// Signs in on a device that never links, and is notified under its user's name and its own.
    async fn away(&self, user: &str, device: &str) -> Login {
        let login = self.rest.login(user, device).await.unwrap();
        let way = json!({"provider": "webhook", "token": format!("{user}/{device}")});
        self.must("PUT", &format!("/v1/devices/{device}/push"), &login, way).await;
        login
    }

    fn notified(&self, token: &str, text: &str) -> bool {
        self.notes.lock().iter().any(|(to, note)| to == token && note.contains(text))
    }

    async fn administrator(&self) -> Login {
        let mut child = tokio::process::Command::new(binary(Build::Plain).unwrap())
            .args(["user", "add", "ada", "--admin", "--password-stdin", "--data-dir"])
            .arg(self.dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(PASSWORD.as_bytes()).await.unwrap();
        assert!(child.wait().await.unwrap().success());
        self.rest.login("ada", "desk").await.unwrap()
    }

    async fn file(&self, by: &Login) -> String {
        let url = format!("{}/v1/files?name=x.txt", self.server.http());
        let request = self.client.post(url).bearer_auth(&by.token);
        let request = request.header("Content-Type", "text/plain");
        let made = request.body(format!("a {LATER}")).send().await.unwrap().text().await.unwrap();
        let made: Value = serde_json::from_str(&made).unwrap();
        made["id"].as_str().unwrap().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_removed_from_a_group_gets_nothing_of_what_follows() {
    let w = World::start(&["alice", "bob", "gus", "carol", "paul", "petra"]).await;
    let alice = w.rest.login("alice", "phone").await.unwrap();
    let carol = w.rest.login("carol", "phone").await.unwrap();
    let bob = w.rest.login("bob", "rest").await.unwrap();
    let gus = w.rest.login("gus", "rest").await.unwrap();
    // Who is linked needs no notification: these two are not.
    w.away("paul", "phone").await;
    w.away("petra", "phone").await;
    let members = ["bob", "gus", "paul", "petra"].map(Into::into);
    w.rest.create_group(&alice, "geese", &members).await.unwrap();
    let group = "/v1/conversations/g:geese";
    let bobs = Tap::link(&w.server, &w.rest.login("bob", "phone").await.unwrap()).await;
    let guss = Tap::link(&w.server, &w.rest.login("gus", "phone").await.unwrap()).await;
    let early = w.say(&alice, "g:geese", "good evening").await;
    bobs.waits_for("good evening").await;
    guss.waits_for("good evening").await;
    until("both are notified", || {
        ["paul/phone", "petra/phone"].iter().all(|it| w.notified(it, "good evening"))
    })
    .await;

    for who in ["gus", "petra"] {
        w.must("DELETE", &format!("/v1/groups/geese/members/{who}"), &alice, Value::Null).await;
    }
    // Everything that can be done after, and bears the word.
    let message =
        json!({"kind": "text", "text": format!("a {LATER} for @gus"), "mentions": ["gus"]});
    let (status, _) = w.call("POST", &format!("{group}/messages"), &alice, message).await;
    assert!(status == 201 || status == 422, "{status}");
    let said = w.say(&alice, "g:geese", &format!("a {LATER} again")).await;
    let of_early = format!("{group}/messages/{early}");
    let edit = json!({"kind": "text", "text": format!("a {LATER} good evening")});
    w.must("POST", &format!("{of_early}/edit"), &alice, edit).await;
    w.must("POST", &format!("{of_early}/reactions"), &bob, json!({"reaction": LATER})).await;
    w.must("PUT", &format!("{group}/pins/{said}"), &alice, Value::Null).await;
    w.must("PATCH", "/v1/groups/geese", &alice, json!({"title": format!("{LATER}s")})).await;
    let file = w.file(&alice).await;
    let carried = json!({"kind": "file", "data": {"file": file, "name": LATER}});
    w.must("POST", &format!("{group}/messages"), &alice, carried).await;
    w.must("PUT", &format!("{group}/read"), &bob, json!({"seq": said})).await;

    // Live, and to a device that is new and syncs.
    let late = Tap::link(&w.server, &w.rest.login("gus", "tablet").await.unwrap()).await;
    w.say(&carol, "u:gus", FENCE).await;
    bobs.waits_for(&format!("a {LATER} again")).await;
    for tap in [&guss, &late] {
        tap.waits_for(FENCE).await;
        assert!(!tap.has(LATER), "live or by sync");
    }
    // REST: what has the word for who stayed has it not for who is gone.
    for path in [
        "/v1/conversations".to_owned(),
        "/v1/groups".to_owned(),
        "/v1/groups/geese".to_owned(),
        format!("{group}/messages"),
        format!("{group}/pins"),
        format!("{of_early}/reactions"),
        format!("/v1/search?query={LATER}"),
        format!("/v1/search?query={LATER}&conv=g:geese"),
        format!("/v1/files/{file}"),
    ] {
        let (_, stayed) = w.call("GET", &path, &bob, Value::Null).await;
        assert!(stayed.contains(LATER), "{path} to who stayed: {stayed}");
        let (_, gone) = w.call("GET", &path, &gus, Value::Null).await;
        assert!(!gone.contains(LATER), "{path} to who is gone: {gone}");
    }
    for path in [format!("{of_early}/receipts"), format!("/v1/files/{file}/info")] {
        assert_eq!(w.call("GET", &path, &bob, Value::Null).await.0, 200, "{path}");
        assert_eq!(w.call("GET", &path, &gus, Value::Null).await.0, 404, "{path}");
    }
    // What cannot be read cannot be sent on, nor the file that it carries.
    for seq in [said, early] {
        let on = json!({"forward": {"conv": "g:geese", "seq": seq}});
        let stayed = w.call("POST", "/v1/conversations/u:carol/messages", &bob, on.clone()).await;
        assert_eq!(stayed.0, 201, "{}", stayed.1);
        let gone = w.call("POST", "/v1/conversations/u:carol/messages", &gus, on).await;
        assert_eq!(gone.0, 404, "{}", gone.1);
    }
    let carried = json!({"kind": "file", "data": {"file": file}});
    assert_eq!(w.call("POST", "/v1/conversations/u:carol/messages", &gus, carried).await.0, 404);
    // Notifications: the log is followed in its order, and the fence stands after the word.
    until("who stayed is notified", || w.notified("paul/phone", LATER)).await;
    w.say(&carol, "u:petra", FENCE).await;
    until("the fence is pushed", || w.notified("petra/phone", FENCE)).await;
    assert!(!w.notified("petra/phone", LATER), "{:?}", w.notes.lock());
}

#[tokio::test(flavor = "multi_thread")]
async fn across_a_block_nothing_is_said_and_nothing_is_told() {
    let w = World::start(&["alice", "bob", "blake", "carol"]).await;
    let alice = w.rest.login("alice", "phone").await.unwrap();
    let carol = w.rest.login("carol", "phone").await.unwrap();
    let bob = w.rest.login("bob", "rest").await.unwrap();
    let blake = w.rest.login("blake", "rest").await.unwrap();
    let said = w.say(&alice, "u:blake", "hello").await;
    let taps = [
        Tap::link(&w.server, &w.rest.login("bob", "phone").await.unwrap()).await,
        Tap::link(&w.server, &w.rest.login("blake", "phone").await.unwrap()).await,
    ];
    let (to_alice, to_blake) = ("/v1/conversations/u:alice", "/v1/conversations/u:blake");
    let ask = w.say(&blake, "u:alice", "are you there?").await;
    w.say(&bob, "u:alice", "and you?").await;
    w.must("PUT", "/v1/blocks/blake", &alice, Value::Null).await;

    let text = json!({"kind": "text", "text": LATER});
    for (by, path) in [
        (&alice, format!("{to_blake}/messages")),
        (&blake, format!("{to_alice}/messages")),
        (&alice, format!("{to_blake}/messages/{said}/edit")),
        (&blake, format!("{to_alice}/messages/{ask}/edit")),
    ] {
        assert_eq!(w.call("POST", &path, by, text.clone()).await.0, 403, "{path}");
    }
    let smile = json!({"reaction": LATER});
    let react = format!("{to_blake}/messages/{ask}/reactions");
    assert_eq!(w.call("POST", &react, &alice, smile).await.0, 403);
    let pin = format!("{to_blake}/pins/{ask}");
    assert_eq!(w.call("PUT", &pin, &alice, Value::Null).await.0, 403);
    // alice reads what both have written. bob is told so, blake is not.
    w.must("PUT", &format!("{to_blake}/read"), &alice, json!({"seq": ask})).await;
    w.must("PUT", "/v1/conversations/u:bob/read", &alice, json!({"seq": 1})).await;
    let receipts = |seq: u64| format!("{to_alice}/messages/{seq}/receipts");
    let (_, told) = w.call("GET", &receipts(1), &bob, Value::Null).await;
    assert!(told.contains(r#""read":["alice"]"#), "{told}");
    let (_, told) = w.call("GET", &receipts(ask), &blake, Value::Null).await;
    assert!(!told.contains("alice"), "{told}");

    w.say(&alice, "u:bob", LATER).await;
    w.say(&carol, "u:blake", FENCE).await;
    let [bobs, blakes] = taps;
    bobs.waits_for(LATER).await;
    blakes.waits_for(FENCE).await;
    assert!(!blakes.has(LATER));
    let (_, read) = w.call("GET", &format!("{to_alice}/messages"), &blake, Value::Null).await;
    assert!(read.contains("are you there?") && !read.contains(LATER), "{read}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_was_signed_out_and_a_user_who_is_shut_out_get_nothing_more() {
    let w = World::start(&["alice", "bob", "dora", "paul", "petra"]).await;
    let ada = w.administrator().await;
    let alice = w.rest.login("alice", "phone").await.unwrap();
    let bob = w.rest.login("bob", "rest").await.unwrap();
    let dora = w.rest.login("dora", "rest").await.unwrap();
    // Who is linked needs no notification: these two are not.
    let (paul, lost) = (w.away("paul", "phone").await, w.away("paul", "lost").await);
    let petra = w.away("petra", "phone").await;
    let tablet = w.rest.login("bob", "tablet").await.unwrap();
    let members = ["bob", "dora", "paul", "petra"].map(Into::into);
    w.rest.create_group(&alice, "geese", &members).await.unwrap();
    let stays = Tap::link(&w.server, &w.rest.login("bob", "phone").await.unwrap()).await;
    let revoked = Tap::link(&w.server, &tablet).await;
    let shut_out = Tap::link(&w.server, &w.rest.login("dora", "phone").await.unwrap()).await;
    w.say(&alice, "g:geese", "good evening").await;
    for tap in [&stays, &revoked, &shut_out] {
        tap.waits_for("good evening").await;
    }
    until("all are notified", || {
        ["paul/phone", "paul/lost", "petra/phone"].iter().all(|it| w.notified(it, "good evening"))
    })
    .await;

    w.must("DELETE", "/v1/devices/tablet", &bob, Value::Null).await;
    w.must("DELETE", "/v1/devices/lost", &paul, Value::Null).await;
    for who in ["dora", "petra"] {
        let path = format!("/v1/admin/users/{who}/disabled");
        w.must("PUT", &path, &ada, json!({"disabled": true})).await;
    }
    let said = w.say(&alice, "g:geese", &format!("a {LATER}")).await;
    w.must("PUT", &format!("/v1/conversations/g:geese/pins/{said}"), &alice, Value::Null).await;

    stays.waits_for(LATER).await;
    for (who, tap) in [("revoked", revoked), ("shut out", shut_out)] {
        let seen = tap.closed().await;
        let has = seen.lock().windows(LATER.len()).any(|it| it == LATER.as_bytes());
        assert!(!has, "{who}");
    }
    // Nor do they come back, by a link or by REST.
    for (login, status) in [(&tablet, 401), (&lost, 401), (&dora, 403), (&petra, 403)] {
        let again = Tap::link(&w.server, login).await.closed().await;
        assert!(!again.lock().windows(LATER.len()).any(|it| it == LATER.as_bytes()));
        for path in
            ["/v1/conversations", "/v1/conversations/g:geese/messages", "/v1/search?query=zephyr"]
        {
            let (answered, said) = w.call("GET", path, login, Value::Null).await;
            assert_eq!(answered, status, "{path} by {}: {said}", login.user);
            assert!(w.call("GET", path, &bob, Value::Null).await.1.contains(LATER), "{path}");
        }
    }
    assert!(w.rest.login("dora", "another").await.is_err());
    until("who stayed is notified", || w.notified("paul/phone", LATER)).await;
    // What was said after is notified after: by then the others would have been.
    w.say(&alice, "g:geese", FENCE).await;
    until("and once more", || w.notified("paul/phone", FENCE)).await;
    for token in ["paul/lost", "petra/phone"] {
        assert!(!w.notified(token, LATER) && !w.notified(token, FENCE), "{token}");
    }
}
