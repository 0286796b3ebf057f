//! Webhooks of the real server, killed again and again: a receiver that checks signatures misses
//! nothing, sees one id per event, and every conversation in order.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::{
    collections::{BTreeMap, HashMap},
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use anser_testkit::{
    checker::Device,
    probe::Probe,
    real::{Build, Phone, Rest, Server, binary},
};
use anyhow::{Context as _, Result, ensure};
use axum::{Router, body::Bytes, extract::State, http::HeaderMap, http::StatusCode, routing::post};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use parking_lot::Mutex;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::{io::AsyncWriteExt as _, sync::watch};

const PASSWORD: &str = "a goose carries letters";
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// Kills of the server while it posts.
const KILLS: usize = 4;
/// Messages of each conversation between two kills.
const MESSAGES: usize = 15;

#[derive(Default)]
struct Inbox {
    /// Every post that was taken: id and body, as they came.
    taken: Mutex<Vec<(String, Value)>>,
    posts: Mutex<u64>,
    wrong: Mutex<Vec<String>>,
}

/// Takes most, and fails now and then as receivers do.
async fn receive(State(inbox): State<Arc<Inbox>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let header = |name: &str| headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let (id, at) = (header("webhook-id"), header("webhook-timestamp"));
    let key = STANDARD.decode(&SECRET["whsec_".len()..]).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{id}.{at}.").as_bytes());
    mac.update(&body);
    let signature = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    if header("webhook-signature") != signature {
        inbox.wrong.lock().push(format!("{id}: a wrong signature"));
        return StatusCode::FORBIDDEN;
    }
    let count = {
        let mut posts = inbox.posts.lock();
        *posts += 1;
        *posts
    };
    if count.is_multiple_of(7) {
        return StatusCode::INTERNAL_SERVER_ERROR;
    }
    let body: Value = serde_json::from_slice(&body).unwrap();
    if body["id"] != id {
        inbox.wrong.lock().push(format!("{id}: another id inside"));
    }
    inbox.taken.lock().push((id.to_owned(), body));
    StatusCode::OK
}

async fn add_root(binary: &std::path::Path, dir: &std::path::Path) -> Result<()> {
    let mut child = tokio::process::Command::new(binary)
        .args(["user", "add", "root", "--admin", "--password-stdin", "--data-dir"])
        .arg(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()?;
    let mut stdin = child.stdin.take().context("no stdin")?;
    stdin.write_all(format!("{PASSWORD}\n").as_bytes()).await?;
    drop(stdin);
    ensure!(child.wait().await?.success(), "no administrator could be made");
    Ok(())
}

struct Api(reqwest::Client, String, String);

impl Api {
    async fn call(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let method = reqwest::Method::from_bytes(method.as_bytes())?;
        let request = self.0.request(method, format!("{}{path}", self.1)).bearer_auth(&self.2);
        let answer = request.json(body).send().await?;
        ensure!(answer.status().is_success(), "{path}: {}", answer.text().await?);
        let text = answer.text().await?;
        Ok(if text.is_empty() { Value::Null } else { serde_json::from_str(&text)? })
    }
}

async fn until(what: &str, done: impl Fn() -> bool) {
    let wait = async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(60), wait).await.is_ok(), "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_event_is_lost_doubled_or_out_of_order_when_the_server_is_killed() {
    let inbox = Arc::new(Inbox::default());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/in", listener.local_addr().unwrap());
    let app = Router::new().route("/in", post(receive)).with_state(inbox.clone());
    tokio::spawn(async move { axum::serve(listener, app).await });

    let (binary, dir) = (binary(Build::Plain).unwrap(), tempfile::tempdir().unwrap());
    let env = [("ANSER_EGRESS__ALLOW", "127.0.0.0/8")];
    let mut server = Server::start(&binary, dir.path(), &env).await.unwrap();
    add_root(&binary, dir.path()).await.unwrap();
    let rest = Rest::new(server.http());
    for name in ["alice", "bob", "carol", "dora"] {
        rest.create_user(name).await.unwrap();
    }
    let token = rest.login("root", "desk").await.unwrap().token;
    let api = Api(reqwest::Client::new(), server.http(), token.clone());
    let kinds = ["message.*", "user.linked", "user.unlinked", "friend.*"];
    let hook = json!({"url": url, "secrets": [SECRET], "kinds": kinds});
    api.call("PUT", "/v1/admin/webhooks/app", &hook).await.unwrap();
    let scopes = json!({"name": "sender", "scopes": ["messages:send-as"]});
    let key = api.call("POST", "/v1/admin/keys", &scopes).await.unwrap();
    let key = key["key"].as_str().unwrap().to_owned();

    // Somebody who is linked when the server dies, and never comes back.
    let dora = rest.login("dora", "phone").await.unwrap();
    let device = Device { user: "dora".into(), name: "phone".into() };
    let at = watch::Sender::new(Some(server.native()));
    let phone = Phone::start(Probe::new(device, dora.token.clone()), 1, at.subscribe());
    let asked = json!({"user": "alice"});
    let by_dora = Api(reqwest::Client::new(), server.http(), dora.token);
    by_dora.call("POST", "/v1/friends/requests", &asked).await.unwrap();
    let told = |kind: &str| {
        let taken = inbox.taken.lock();
        taken.iter().any(|(_, it)| it["type"] == kind && it["data"]["user"] == "dora")
    };
    until("dora's coming was not told", || told("user.linked") && told("friend.requested")).await;

    let mut stored: BTreeMap<String, String> = BTreeMap::new();
    for kill in 0..=KILLS {
        let api = Api(reqwest::Client::new(), server.http(), key.clone());
        for number in 0..MESSAGES {
            for to in ["bob", "carol"] {
                let text = format!("{to} {kill} {number}");
                let message = json!({"kind": "text", "text": text});
                let body = json!({"from": "alice", "to": format!("u:{to}"), "message": message});
                let sent = api.call("POST", "/v1/admin/messages", &body).await.unwrap();
                stored.insert(sent["id"].as_str().unwrap().to_owned(), text);
            }
        }
        if kill < KILLS {
            at.send_replace(None);
            server.kill().await.unwrap();
            server.restart().await.unwrap();
        }
    }
    let all = async {
        loop {
            let arrived = {
                let taken = inbox.taken.lock();
                let messages = taken.iter().filter(|it| it.1["type"] == "message.created");
                messages.map(|it| it.0.as_str()).collect::<std::collections::BTreeSet<_>>().len()
            };
            if arrived >= stored.len() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let done = tokio::time::timeout(Duration::from_secs(90), all).await;

    drop(phone);
    until("dora's going was lost in the crash", || told("user.unlinked")).await;

    let taken = inbox.taken.lock();
    assert_eq!(*inbox.wrong.lock(), [""; 0]);
    let mut first: HashMap<&str, &Value> = HashMap::new();
    let mut order: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for (id, body) in taken.iter().filter(|it| it.1["type"] == "message.created") {
        match first.get(id.as_str()) {
            Some(before) => assert_eq!(*before, body, "one id, one event"),
            None => {
                first.insert(id, body);
                let data = &body["data"];
                let seq = data["seq"].as_u64().unwrap();
                order.entry(data["conversation"].to_string()).or_default().push(seq);
            }
        }
    }
    for (id, text) in &stored {
        let event = first.get(id.as_str()).unwrap_or_else(|| panic!("{text} was lost: {done:?}"));
        assert_eq!(event["data"]["text"], text.as_str());
    }
    assert_eq!(first.len(), stored.len(), "and nothing that was not stored");
    for (conversation, seqs) in order {
        assert!(seqs.is_sorted(), "{conversation}: {seqs:?}");
        assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>(), "{conversation}");
    }
    eprintln!("{} events, {} posts taken, {KILLS} kills", stored.len(), taken.len());
}
