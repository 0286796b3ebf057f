//! The real binary, and an app's own server that it asks before anything is sent.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::{sync::Arc, time::Duration};

use anser_domain::{ClientId, Clock as _, SystemClock};
use anser_testkit::{
    checker::Device,
    probe::{Linked, Probe},
    real::{Build, Login, Rest, Server, binary},
};
use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use parking_lot::Mutex;
use reqwest::Client;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    time::timeout,
};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const PATIENCE: Duration = Duration::from_secs(30);

/// Denies what is "rude", puts stars into what is a "damn" thing, and thinks about what is "slow"
/// until it is let go on.
#[derive(Clone)]
struct App {
    asked: Arc<Mutex<Vec<Value>>>,
    unsigned: Arc<Mutex<u64>>,
    go_on: Arc<watch::Sender<bool>>,
}

async fn answer(State(app): State<App>, headers: HeaderMap, body: Bytes) -> Response {
    let header = |name: &str| headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let key = STANDARD.decode(&SECRET["whsec_".len()..]).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{}.{}.", header("webhook-id"), header("webhook-timestamp")).as_bytes());
    mac.update(&body);
    let signature = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    if header("webhook-signature") != signature {
        *app.unsigned.lock() += 1;
        return StatusCode::FORBIDDEN.into_response();
    }
    let question: Value = serde_json::from_slice(&body).unwrap();
    let text = question["text"].as_str().unwrap_or_default().to_owned();
    app.asked.lock().push(question);
    if text.contains("slow") {
        let _ = app.go_on.subscribe().wait_for(|go_on| *go_on).await;
    }
    let verdict = if text.contains("rude") {
        json!({"verdict": "deny", "reason": "be kind"})
    } else if text.contains("damn") {
        json!({"verdict": "rewrite", "kind": "text", "text": text.replace("damn", "d***")})
    } else {
        json!({"verdict": "allow"})
    };
    Json(verdict).into_response()
}

struct World {
    server: Server,
    app: App,
    stop: watch::Sender<bool>,
    _dir: tempfile::TempDir,
}

impl World {
    async fn start(unanswered: &str) -> Self {
        Self::start_with(unanswered, &[]).await
    }

    async fn start_with(unanswered: &str, more: &[(&str, &str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/before-send", listener.local_addr().unwrap());
        let app = App {
            asked: Arc::default(),
            unsigned: Arc::default(),
            go_on: Arc::new(watch::Sender::new(false)),
        };
        let router = Router::new().route("/before-send", post(answer)).with_state(app.clone());
        let stop = watch::Sender::new(false);
        let mut stopped = stop.subscribe();
        let stopped = async move { drop(stopped.wait_for(|stop| *stop).await) };
        let serving = axum::serve(listener, router).with_graceful_shutdown(stopped);
        tokio::spawn(async move { serving.await.unwrap() });
        let dir = tempfile::tempdir().unwrap();
        let mut env = vec![
            ("ANSER_EGRESS__ALLOW", "127.0.0.0/8"),
            ("ANSER_BEFORE_SEND__URL", url.as_str()),
            ("ANSER_BEFORE_SEND__SECRETS", SECRET),
            ("ANSER_BEFORE_SEND__WITHIN", "1 s"),
            ("ANSER_BEFORE_SEND__UNANSWERED", unanswered),
        ];
        env.extend(more);
        let server = Server::start(&binary(Build::Plain).unwrap(), dir.path(), &env).await.unwrap();
        let rest = Rest::new(server.http());
        for user in ["alice", "bob"] {
            rest.create_user(user).await.unwrap();
        }
        Self { server, app, stop, _dir: dir }
    }

    async fn login(&self, user: &str, device: &str) -> Login {
        Rest::new(self.server.http()).login(user, device).await.unwrap()
    }

    async fn post(&self, by: &Login, path: &str, body: Value, key: &str) -> (u16, Value) {
        let request = Client::new().post(format!("{}{path}", self.server.http()));
        let request = request.bearer_auth(&by.token).header("Idempotency-Key", key);
        let response = request.json(&body).send().await.unwrap();
        let status = response.status().as_u16();
        (status, serde_json::from_str(&response.text().await.unwrap()).unwrap_or_default())
    }

    async fn send(&self, by: &Login, text: &str, key: &str) -> (u16, Value) {
        let body = json!({"kind": "text", "text": text});
        self.post(by, "/v1/conversations/u:bob/messages", body, key).await
    }

    /// A number of `/metrics`.
    async fn metric(&self, line: &str) -> f64 {
        let listen = std::fs::read_to_string(self._dir.path().join("listen.json")).unwrap();
        let listen: Value = serde_json::from_str(&listen).unwrap();
        let url = format!("http://{}/metrics", listen["admin"].as_str().unwrap());
        let text = Client::new().get(url).send().await.unwrap().text().await.unwrap();
        let found = text.lines().find_map(|it| it.strip_prefix(line)?.strip_prefix(' '));
        found.unwrap_or_else(|| panic!("no {line} in {text}")).parse().unwrap()
    }

    async fn texts(&self, by: &Login) -> Vec<String> {
        let url = format!("{}/v1/conversations/u:bob/messages", self.server.http());
        let response = Client::new().get(url).bearer_auth(&by.token).send().await.unwrap();
        let page: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
        let texts = page["messages"].as_array().unwrap().iter();
        texts.filter_map(|it| it["text"].as_str().map(str::to_owned)).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_decides_what_is_sent_over_rest_and_links() {
    let world = World::start("deny").await;
    let alice = world.login("alice", "laptop").await;
    let (status, hello) = world.send(&alice, "hello", "1").await;
    assert_eq!(status, 201, "{hello}");
    let (status, problem) = world.send(&alice, "rude", "2").await;
    assert_eq!((status, &problem["detail"]), (403, &json!("be kind")), "{problem}");

    let (status, damn) = world.send(&alice, "damn it", "3").await;
    assert_eq!(status, 201, "{damn}");
    let (status, again) = world.send(&alice, "damn it", "3").await;
    assert_eq!((status, &again["id"]), (200, &damn["id"]), "{again}");
    assert_eq!(world.send(&alice, "d*** it", "3").await.0, 409, "not what was sent");
    let path = format!("/v1/conversations/u:bob/messages/{}/edit", hello["seq"]);
    let edit = json!({"kind": "text", "text": "damn hello"});
    let (status, edited) = world.post(&alice, &path, edit, "4").await;
    assert_eq!(status, 201, "{edited}");
    assert_eq!(world.texts(&alice).await, ["d*** hello", "d*** it"]);

    // A link's sends keep their order, though the app answers the later ones at once.
    let device = Device { user: "alice".into(), name: "phone".into() };
    let token = world.login("alice", "phone").await.token;
    let phone = Arc::new(Linked::new(Probe::new(device, token), 8, Arc::new(SystemClock)));
    let (at, linked) = (world.server.native(), phone.clone());
    let link = tokio::spawn(async move {
        linked.pump(TcpStream::connect(at).await.unwrap(), false).await;
    });
    let texts = ["slow", "damn 1", "rude", "2", "damn 3"];
    phone.with(|probe| {
        for text in texts {
            probe.send("u:bob", ClientId::from_text(text), text);
        }
    });
    let all_asked = async {
        while !world.app.asked.lock().iter().any(|it| it["text"] == "damn 3") {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, all_asked).await.unwrap();
    assert_eq!(world.texts(&alice).await.len(), 2, "nothing overtakes the slow one");
    world.app.go_on.send_replace(true);
    let answered = async {
        while !phone.with(|probe| probe.is_answered()) {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, answered).await.unwrap();
    let expected = ["d*** hello", "d*** it", "slow", "d*** 1", "2", "d*** 3"];
    assert_eq!(world.texts(&alice).await, expected);
    assert_eq!(*world.app.unsigned.lock(), 0);
    link.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_is_slow_or_dead_is_answered_for_by_the_policy() {
    for (unanswered, expected) in [("allow", 201), ("deny", 503)] {
        let world = World::start(unanswered).await;
        let alice = world.login("alice", "laptop").await;
        let (status, said) = world.send(&alice, "a slow one", "1").await;
        assert_eq!(status, expected, "{unanswered}: {said}");
        assert_eq!(world.send(&alice, "a quick one", "2").await.0, 201);
        assert_eq!(world.send(&alice, "rude", "3").await.0, 403);

        // Dead: nobody listens there any more.
        world.stop.send_replace(true);
        let gone = async {
            loop {
                let (status, _) = world.send(&alice, "rude", "4").await;
                if status != 403 {
                    return status;
                }
            }
        };
        assert_eq!(timeout(PATIENCE, gone).await.unwrap(), expected, "{unanswered}");
        let (status, _) = world.send(&alice, "a quick one", "2").await;
        assert_eq!(status, 200, "what is stored has its answer whoever is dead");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_is_down_is_let_rest_and_found_again() {
    let rule = [("ANSER_BEFORE_SEND__FAILURES", "2"), ("ANSER_BEFORE_SEND__REST", "1 s")];
    let world = World::start_with("allow", &rule).await;
    let alice = world.login("alice", "laptop").await;
    assert_eq!(world.send(&alice, "rude", "1").await.0, 403);
    // It hangs: the first ones wait for it.
    for key in ["2", "3"] {
        assert_eq!(world.send(&alice, "slow", key).await.0, 201);
    }
    let asked = world.app.asked.lock().len();
    let outcome = |name: &str| format!("anser_before_send_total{{outcome=\"{name}\"}}");
    assert_eq!(world.metric(&outcome("none")).await, 2.0);
    let begun = SystemClock.now();
    let (status, _) = world.send(&alice, "rude", "4").await;
    // On a machine that stood still for the whole rest this one is the try, and asked.
    if SystemClock.now() - begun < Duration::from_millis(500) {
        assert_eq!(status, 201, "what the policy says, unasked");
        assert_eq!(world.app.asked.lock().len(), asked);
        assert_eq!(world.metric(&outcome("skipped")).await, 1.0);
    }
    // It has its say again without anyone doing anything.
    let back = async {
        let mut key = 5;
        while world.send(&alice, "rude", &key.to_string()).await.0 != 403 {
            key += 1;
        }
    };
    timeout(PATIENCE, back).await.unwrap();
    assert!(world.metric(&outcome("deny")).await >= 2.0);
    assert!(world.metric("anser_before_send_seconds_count").await >= 4.0);
    assert!(world.metric("anser_before_send_seconds_bucket{le=\"+Inf\"}").await >= 4.0);
}
