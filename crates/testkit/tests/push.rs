//! Notifications by the real binary, to a receiver that checks their signatures.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::{sync::Arc, time::Duration};

use anser_domain::SystemClock;
use anser_testkit::{
    checker::Device,
    probe::{Linked, Probe},
    real::{Build, Login, Rest, Server, binary},
};
use axum::{Router, extract::State, response::IntoResponse};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use parking_lot::Mutex;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::timeout,
};

const SECRET: &str = "a-secret-of-both-sides";
const PATIENCE: Duration = Duration::from_secs(30);

type Received = (String, Value);

/// What the receiver answers: 200, until it is told that a device is no more.
#[derive(Clone)]
struct Receiver {
    notes: mpsc::UnboundedSender<Received>,
    gone: Arc<Mutex<Option<String>>>,
}

async fn take(
    State(me): State<Receiver>,
    headers: reqwest::header::HeaderMap,
    body: Bytes,
) -> impl IntoResponse {
    let text = |name: &str| headers[name].to_str().unwrap().to_owned();
    let (id, at) = (text("webhook-id"), text("webhook-timestamp"));
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(format!("{id}.{at}.").as_bytes());
    mac.update(&body);
    let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    assert_eq!(text("webhook-signature"), expected);
    let note: Value = serde_json::from_slice(&body).unwrap();
    let gone = me.gone.lock().as_deref() == note["token"].as_str();
    me.notes.send((id, note)).unwrap();
    if gone { StatusCode::GONE } else { StatusCode::OK }
}

struct World {
    server: Server,
    receiver: Receiver,
    notes: mpsc::UnboundedReceiver<Received>,
    _dir: tempfile::TempDir,
}

impl World {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/push", listener.local_addr().unwrap());
        let (sender, notes) = mpsc::unbounded_channel();
        let receiver = Receiver { notes: sender, gone: Arc::default() };
        let app = Router::new().fallback(take).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        let dir = tempfile::tempdir().unwrap();
        let env = [
            ("ANSER_EGRESS__ALLOW", "127.0.0.0/8"),
            ("ANSER_PUSH_WEBHOOK__URL", url.as_str()),
            ("ANSER_PUSH_WEBHOOK__SECRETS", SECRET),
            // Long enough that what a test says right after a notification is gathered into one.
            ("ANSER_PUSH__GATHER", "3 s"),
        ];
        let binary = binary(Build::Plain).unwrap();
        let server = Server::start(&binary, dir.path(), &env).await.unwrap();
        Self { server, receiver, notes, _dir: dir }
    }

    async fn call(&self, method: Method, path: &str, by: &Login, body: Value) -> StatusCode {
        let request = Client::new().request(method, format!("{}{path}", self.server.http()));
        let request = request.bearer_auth(&by.token);
        let request = if body.is_null() { request } else { request.json(&body) };
        request.send().await.unwrap().status()
    }

    async fn register(&self, by: &Login, token: &str) {
        let body = json!({"provider": "webhook", "token": token, "locale": "de"});
        let status = self.call(Method::PUT, "/v1/devices/phone/push", by, body).await;
        assert_eq!(status, StatusCode::NO_CONTENT);
    }

    async fn send(&self, by: &Login, to: &str, text: &str) {
        let path = format!("/v1/conversations/{to}/messages");
        let status =
            self.call(Method::POST, &path, by, json!({"kind": "text", "text": text})).await;
        assert!(status.is_success(), "{status}");
    }

    /// The next notification: `token conv body badge`.
    async fn next(&mut self) -> String {
        let (_, note) = timeout(PATIENCE, self.notes.recv()).await.unwrap().unwrap();
        let text = |key: &str| note[key].as_str().unwrap().to_owned();
        format!("{} {} {} {}", text("token"), text("conv"), text("body"), note["badge"])
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_away_is_notified_once_even_over_a_kill() {
    let mut world = World::start().await;
    let rest = Rest::new(world.server.http());
    for user in ["alice", "bob", "carol"] {
        rest.create_user(user).await.unwrap();
    }
    let alice = rest.login("alice", "phone").await.unwrap();
    let bob = rest.login("bob", "phone").await.unwrap();
    let carol = rest.login("carol", "phone").await.unwrap();
    world.register(&bob, "bobs").await;
    world.register(&carol, "carols").await;

    world.send(&alice, "u:bob", "1").await;
    assert_eq!(world.next().await, "bobs u:alice 1 1");
    for text in ["2", "3", "4"] {
        world.send(&alice, "u:bob", text).await;
    }
    assert_eq!(world.next().await, "bobs u:alice 4 4", "one for all three");

    // Between the commit and the notification the server dies.
    world.send(&alice, "u:bob", "5").await;
    world.server.kill().await.unwrap();
    assert!(world.notes.try_recv().is_err());
    world.server.restart().await.unwrap();
    assert_eq!(world.next().await, "bobs u:alice 5 5");

    // Whoever is linked needs none; carol's, which comes after his in the log, is the next.
    let device = Device { user: "bob".into(), name: "laptop".into() };
    let login = Rest::new(world.server.http()).login("bob", "laptop").await.unwrap();
    let laptop = Arc::new(Linked::new(Probe::new(device, login.token), 4, Arc::new(SystemClock)));
    let (at, linked) = (world.server.native(), laptop.clone());
    let link = tokio::spawn(async move {
        linked.pump(TcpStream::connect(at).await.unwrap(), false).await;
    });
    let online = async {
        loop {
            let url = format!("{}/v1/devices", world.server.http());
            let answer = Client::new().get(url).bearer_auth(&bob.token).send().await.unwrap();
            if answer.text().await.unwrap().contains(r#""online":true"#) {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, online).await.unwrap();
    world.send(&alice, "u:bob", "6").await;
    world.send(&alice, "u:carol", "7").await;
    assert_eq!(world.next().await, "carols u:alice 7 1");
    link.abort();

    // Muted, carol hears only of who calls her by name; and nothing of whom she blocks, also when
    // that was sent before.
    let at = "/v1/conversations/u:alice";
    let mute = json!({"muted_until": 32_503_680_000_000_i64});
    assert!(world.call(Method::PATCH, at, &carol, mute).await.is_success());
    world.send(&alice, "u:carol", "quiet").await;
    let body = json!({"kind": "text", "text": "carol!", "mentions": ["carol"]});
    let path = "/v1/conversations/u:carol/messages";
    assert!(world.call(Method::POST, path, &alice, body).await.is_success());
    assert_eq!(world.next().await, "carols u:alice carol! 3");
    let mute = json!({"muted_until": 0});
    assert!(world.call(Method::PATCH, at, &carol, mute).await.is_success());
    world.send(&alice, "u:carol", "never told").await;
    let block = world.call(Method::PUT, "/v1/blocks/alice", &carol, Value::Null).await;
    assert!(block.is_success(), "{block}");
    // What bob says to her later comes next.
    world.send(&bob, "u:carol", "later").await;
    assert_eq!(world.next().await, "carols u:bob later 5");
    let block = world.call(Method::DELETE, "/v1/blocks/alice", &carol, Value::Null).await;
    assert!(block.is_success(), "{block}");

    // A token dies, and its registration with it.
    *world.receiver.gone.lock() = Some("carols".into());
    world.send(&alice, "u:carol", "8").await;
    assert_eq!(world.next().await, "carols u:alice 8 6");
    let forgotten = async {
        let show = || world.call(Method::GET, "/v1/devices/phone/push", &carol, Value::Null);
        while show().await != StatusCode::NOT_FOUND {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, forgotten).await.unwrap();
}
