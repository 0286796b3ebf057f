//! Webhooks and the question before a send, against a receiver that checks signatures itself.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use anser_domain::{
    Address, BeforeSend as _, ClientId, Content, Handed, ManualClock, Millis, Secret, SendQuestion,
    UserName, Verdict, WebhookEvent, WebhookTarget, Webhooks as _,
};
use anser_egress::{Failure, Guard, Http, Post, Roots, SendHook, SignedWebhooks};
use axum::{
    Router,
    extract::State,
    response::{IntoResponse as _, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, HeaderValue, StatusCode, header::RETRY_AFTER};

const NOW: Millis = Millis(1_764_000_000_123);
const SECRET: &[u8] = b"0123456789abcdef";

/// What the receiver answers next, and what it got.
#[derive(Clone, Default)]
struct Receiver {
    answers: Arc<Mutex<Vec<Response>>>,
    got: Arc<Mutex<Vec<(HeaderMap, Bytes)>>>,
}

impl Receiver {
    async fn start() -> (Self, SocketAddr) {
        let receiver = Self::default();
        let app = Router::new().fallback(Self::take).with_state(receiver.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        (receiver, at)
    }

    async fn take(State(me): State<Self>, headers: HeaderMap, body: Bytes) -> Response {
        me.got.lock().unwrap().push((headers, body));
        let answer = me.answers.lock().unwrap().pop();
        match answer {
            Some(answer) => answer,
            // Nobody said what to answer: it never does.
            None => std::future::pending().await,
        }
    }

    fn answers(&self, answer: impl axum::response::IntoResponse) {
        self.answers.lock().unwrap().push(answer.into_response());
    }
}

fn http() -> Http {
    Http::new(Guard::new(vec!["127.0.0.0/8".parse().unwrap()]), &Roots::default()).unwrap()
}

fn target(at: SocketAddr) -> WebhookTarget {
    let secret = format!("whsec_{}", STANDARD.encode(SECRET));
    WebhookTarget { url: format!("http://{at}/hook").into(), secrets: vec![Secret::new(secret)] }
}

fn signed(headers: &HeaderMap, body: &[u8]) -> bool {
    let text = |name: &str| headers[name].to_str().unwrap().to_owned();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(SECRET).unwrap();
    mac.update(format!("{}.{}.", text("webhook-id"), text("webhook-timestamp")).as_bytes());
    mac.update(body);
    text("webhook-signature") == format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

#[tokio::test]
async fn an_event_arrives_signed_and_its_answer_is_understood() {
    let (receiver, at) = Receiver::start().await;
    let webhooks = SignedWebhooks::new(http(), Arc::new(ManualClock::new(NOW)));
    let event = WebhookEvent { id: "42".into(), body: Bytes::from_static(b"{\"a\":1}") };
    let to = target(at);
    let post = || webhooks.post(&to, &event);

    receiver.answers(StatusCode::NO_CONTENT);
    assert_eq!(post().await, Handed::Taken);
    let (headers, body) = receiver.got.lock().unwrap().pop().unwrap();
    assert_eq!(headers["webhook-id"], "42");
    assert_eq!(headers["webhook-timestamp"], "1764000000");
    assert_eq!(headers["content-type"], "application/json");
    assert!(signed(&headers, &body), "{headers:?}");

    let mut busy = StatusCode::SERVICE_UNAVAILABLE.into_response();
    busy.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("7"));
    receiver.answers(busy);
    let later = |after, reason: &str| Handed::Later { after, reason: reason.into() };
    assert_eq!(post().await, later(Some(Duration::from_secs(7)), "status 503"));

    receiver.answers(StatusCode::NOT_FOUND);
    assert_eq!(post().await, later(None, "status 404"));

    receiver.answers(StatusCode::GONE);
    assert_eq!(post().await, Handed::Gone { reason: "status 410".into() });

    // A redirect is an answer like any other: following it would go past the receiver's word.
    let mut moved = StatusCode::TEMPORARY_REDIRECT.into_response();
    let elsewhere = HeaderValue::from_str(&format!("http://{at}/elsewhere")).unwrap();
    moved.headers_mut().insert("location", elsewhere);
    receiver.answers(moved);
    receiver.got.lock().unwrap().clear();
    assert_eq!(post().await, later(None, "status 307"));
    assert_eq!(receiver.got.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn an_unlisted_network_is_not_spoken_to() {
    let (receiver, at) = Receiver::start().await;
    let http = Http::new(Guard::default(), &Roots::default()).unwrap();
    let webhooks = SignedWebhooks::new(http, Arc::new(ManualClock::new(NOW)));
    let event = WebhookEvent { id: "42".into(), body: Bytes::new() };
    let refused = webhooks.post(&target(at), &event).await;
    assert!(matches!(refused, Handed::Refused { .. }), "{refused:?}");
    assert!(receiver.got.lock().unwrap().is_empty());
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let (receiver, at) = Receiver::start().await;
    receiver.answers(vec![b'x'; 300 * 1024].into_response());
    let url = format!("http://{at}/");
    let post = Post { url: &url, headers: HeaderMap::new(), body: Bytes::new(), within: None };
    let cut = http().post(post).await.unwrap_err();
    assert_eq!(cut, Failure::Unreachable("the answer has no end".into()));
}

#[tokio::test]
async fn a_verdict_is_asked_for_and_silence_is_none() {
    let (receiver, at) = Receiver::start().await;
    let hook = SendHook::new(http(), Arc::new(ManualClock::new(NOW)), target(at));
    let question = SendQuestion {
        sender: UserName::new("alice").unwrap(),
        to: "u:bob".parse::<Address>().unwrap(),
        client_id: ClientId::from_text("1"),
        content: Content::Text("darn".into()),
        reply_to: None,
        mentions: vec![],
        edits: None,
        forwarded: false,
    };
    receiver.answers(r#"{"verdict":"rewrite","kind":"text","text":"d***"}"#);
    let verdict = hook.ask(&question, Duration::from_secs(10)).await;
    assert_eq!(verdict, Some(Verdict::Rewrite(Content::Text("d***".into()))));
    let (headers, body) = receiver.got.lock().unwrap().pop().unwrap();
    assert!(signed(&headers, &body));
    assert!(std::str::from_utf8(&body).unwrap().contains(r#""text":"darn""#));

    receiver.answers(StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(hook.ask(&question, Duration::from_secs(10)).await, None);
    assert_eq!(hook.ask(&question, Duration::from_millis(50)).await, None);
}
