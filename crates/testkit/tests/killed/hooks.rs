//! Webhooks: every entry of every log is told under one id, the same at every try, in order per
//! conversation, and signed.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};

use parking_lot::Mutex;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::{net::TcpListener, time::sleep};

use crate::world::World;

/// What the receiver and the server share.
const SECRET: [u8; 32] = [7; 32];
/// One call in so many fails; the server waits a second before it tries such an event again.
const TURNED_AWAY: u64 = 29;
/// The longest time without a further event, once the server stays up and some are missing.
const WITHIN: Duration = Duration::from_secs(30);

/// An app's backend.
pub(crate) struct Receiver {
    url: String,
    got: Arc<Mutex<Got>>,
}

#[derive(Default)]
struct Got {
    /// By id, as they came first.
    events: BTreeMap<String, Value>,
    /// What was wrong.
    wrong: Vec<String>,
    /// The last seq told, by conversation.
    heads: BTreeMap<String, u64>,
    calls: u64,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let got = Arc::new(Mutex::new(Got::default()));
        let router = Router::new().route("/hook", post(hook)).with_state(got.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, got }
    }
}

/// Takes most events, turns one call in [`TURNED_AWAY`] away, and writes down what is wrong.
async fn hook(State(got): State<Arc<Mutex<Got>>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let mut got = got.lock();
    got.calls += 1;
    if !is_signed(&headers, &body) {
        got.wrong.push(format!("an event without a good signature: {headers:?}"));
        return StatusCode::UNAUTHORIZED;
    }
    if got.calls.is_multiple_of(TURNED_AWAY) {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    let id = headers["webhook-id"].to_str().unwrap().to_owned();
    let event: Value = serde_json::from_slice(&body).unwrap();
    match got.events.get(&id).map(identity) {
        Some(before) => {
            if before != identity(&event) {
                got.wrong.push(format!("{id} was {before:?} and is {event}"));
            }
        }
        None => {
            if let Some((conv, seq)) = place(&event) {
                let head = got.heads.get(&conv).copied().unwrap_or(0);
                if seq != head + 1 {
                    got.wrong.push(format!("{conv}: {seq} came after {head}"));
                }
                got.heads.insert(conv, seq);
            }
            got.events.insert(id, event);
        }
    }
    StatusCode::NO_CONTENT
}

/// What an event keeps however often it is told. Its text may go: between two tries a message may
/// be edited or recalled.
fn identity(event: &Value) -> (Value, Option<(String, u64)>) {
    (event["type"].clone(), place(event))
}

/// Standard Webhooks: HMAC-SHA256 over `{id}.{timestamp}.{body}`.
fn is_signed(headers: &HeaderMap, body: &[u8]) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let (Some(id), Some(at), Some(signatures)) =
        (text("webhook-id"), text("webhook-timestamp"), text("webhook-signature"))
    else {
        return false;
    };
    let mut mac = Hmac::<Sha256>::new_from_slice(&SECRET).unwrap();
    mac.update(format!("{id}.{at}.").as_bytes());
    mac.update(body);
    let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    signatures.split(' ').any(|signature| signature == expected)
}

/// Makes the receiver known to the server.
pub(crate) async fn register(world: &World, receiver: &Receiver) {
    let ada = world.administrator("ada").await;
    let secret = format!("whsec_{}", STANDARD.encode(SECRET));
    let hook = json!({"url": receiver.url, "secrets": [secret]});
    ada.must(Method::PUT, "/v1/admin/webhooks/app", Some(&hook)).await;
}

/// Whether every entry of every log was told, every file and every friendship, each once.
pub(crate) async fn compare(
    world: &World,
    receiver: &Receiver,
    files: &BTreeSet<(String, String)>,
    are_friends: bool,
) {
    let ada = world.hand_again("ada").await;
    let mut entries = BTreeSet::new();
    for hand in world.everyone().await {
        for row in hand.all("/v1/conversations?limit=200", "conversations").await {
            let at = row["conv"].as_str().unwrap();
            let conv = match at.split_once(':').unwrap() {
                ("g", group) => group.to_owned(),
                (_, other) => pair([&*hand.user, other]),
            };
            for entry in hand.log(at).await {
                entries.insert((conv.clone(), entry["seq"].as_u64().unwrap()));
            }
        }
    }
    let (mut waited, mut before) = (Duration::ZERO, 0);
    let pause = Duration::from_millis(50);
    loop {
        let told = told(receiver);
        let mut missing = entries.difference(&told).peekable();
        let of_files = ids_by(receiver, crate::files::fact);
        let untold: Vec<_> = files.iter().filter(|it| !of_files.contains_key(it)).collect();
        let took_turns = took_turns(receiver, are_friends);
        if missing.peek().is_none() && untold.is_empty() && took_turns {
            break;
        }
        let events = receiver.got.lock().events.len();
        waited = if events > before { Duration::ZERO } else { waited + pause };
        before = events;
        let missing = missing.take(10).collect::<Vec<_>>();
        assert!(waited < WITHIN, "not told: {missing:?} {untold:?} or of friends: {took_turns}");
        sleep(pause).await;
    }
    let given_up = ada.all("/v1/admin/webhooks/app/dead", "letters").await;
    assert!(given_up.is_empty(), "given up: {given_up:#?}");
    let wrong = receiver.got.lock().wrong.clone();
    assert!(wrong.is_empty(), "{wrong:#?}");
    // One id an entry, and one for what became of a file.
    for (place, ids) in ids_by(receiver, place) {
        assert_eq!(ids.len(), 1, "{place:?} was told as {ids:?}");
        assert!(entries.contains(&place), "{place:?} was told and is in no log");
    }
    for (fact, ids) in ids_by(receiver, crate::files::fact) {
        assert_eq!(ids.len(), 1, "{fact:?} was told as {ids:?}");
    }
}

/// The ids under which each thing was told.
fn ids_by<K: Ord>(
    receiver: &Receiver,
    what: impl Fn(&Value) -> Option<K>,
) -> BTreeMap<K, BTreeSet<String>> {
    let mut ids: BTreeMap<K, BTreeSet<String>> = BTreeMap::new();
    for (id, event) in &receiver.got.lock().events {
        if let Some(key) = what(event) {
            ids.entry(key).or_default().insert(id.clone());
        }
    }
    ids
}

/// Whether friendships were told to begin and end by turns, up to how it is now. Ids tell when.
fn took_turns(receiver: &Receiver, are_friends: bool) -> bool {
    let got = receiver.got.lock();
    let mut turns: Vec<(u64, bool)> = Vec::new();
    for (id, event) in &got.events {
        match event["type"].as_str() {
            Some("friend.made") => turns.push((id.parse().unwrap(), true)),
            Some("friend.removed") => turns.push((id.parse().unwrap(), false)),
            _ => {}
        }
    }
    turns.sort_unstable();
    let by_turns = turns.iter().enumerate().all(|(n, turn)| turn.1 == (n % 2 == 0));
    by_turns && turns.last().is_some_and(|turn| turn.1) == are_friends
}

fn told(receiver: &Receiver) -> BTreeSet<(String, u64)> {
    receiver.got.lock().events.values().filter_map(place).collect()
}

/// The conversation and seq that an event tells of, if it tells of an entry.
fn place(event: &Value) -> Option<(String, u64)> {
    let data = &event["data"];
    let at = &data["conversation"];
    let conv = match at["users"].as_array().map(Vec::as_slice) {
        Some([one, other]) => pair([one.as_str()?, other.as_str()?]),
        _ => at["group"].as_str()?.to_owned(),
    };
    Some((conv, data["seq"].as_u64()?))
}

/// A direct conversation, from nobody's side.
fn pair(mut users: [&str; 2]) -> String {
    users.sort_unstable();
    users.join("+")
}
