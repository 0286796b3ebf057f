//! Any JSON, path and query at the REST tier: an answer or a problem, never a failure of ours.
#![no_main]

use std::{
    cell::OnceCell,
    sync::{Arc, Mutex},
};

use anser_domain::{Ask, Peer, PeerId, Refusal, Reply, SessionManager, SystemClock};
use anser_web::{Config, Connection};
use axum::{
    Router,
    body::{self, Body},
    http::{Method, Request, header},
};
use libfuzzer_sys::fuzz_target;
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt as _;

/// Every call that takes a body, and some that take a query. `*` stands for a text of the input's.
const CALLS: &[(Method, &str)] = &[
    (Method::POST, "/v1/auth/login"),
    (Method::POST, "/v1/auth/refresh"),
    (Method::POST, "/v1/auth/password"),
    (Method::PATCH, "/v1/me"),
    (Method::POST, "/v1/users"),
    (Method::GET, "/v1/users/*"),
    (Method::GET, "/v1/conversations?limit=*"),
    (Method::PUT, "/v1/conversations/u:bob/read"),
    (Method::GET, "/v1/conversations/*/messages"),
    (Method::GET, "/v1/conversations/u:bob/messages?*"),
    (Method::POST, "/v1/conversations/u:bob/messages"),
    (Method::POST, "/v1/conversations/*/messages"),
    (Method::POST, "/v1/groups"),
    (Method::POST, "/v1/groups/geese/members"),
    (Method::PUT, "/v1/groups/geese/members/bob/role"),
    (Method::DELETE, "/v1/devices/*"),
    (Method::POST, "/v1/admin/users"),
    (Method::PUT, "/v1/admin/users/bob/password"),
    (Method::PUT, "/v1/admin/users/bob/disabled"),
];

thread_local! {
    static WEB: OnceCell<(Runtime, Router)> = const { OnceCell::new() };
}

// Which call, how long the text in its path is, the text, the body.
fuzz_target!(|bytes: &[u8]| {
    let [call, len, rest @ ..] = bytes else { return };
    let (method, path) = &CALLS[usize::from(*call) % CALLS.len()];
    let (text, body) = rest.split_at(usize::from(*len).min(rest.len()));
    let Ok(text) = std::str::from_utf8(text) else { return };
    let Ok(request) = Request::builder()
        .method(method)
        .uri(path.replace('*', text))
        .header(header::HOST, "localhost")
        .header(header::AUTHORIZATION, "Bearer token")
        .header(header::CONTENT_TYPE, "application/json")
        .header("idempotency-key", "0198c0de-0000-7000-8000-000000000001")
        .extension(Connection { remote: ([127, 0, 0, 1], 1).into(), tls: false, proxied: false })
        .body(Body::from(body.to_vec()))
    else {
        return;
    };
    WEB.with(|web| {
        let (runtime, router) = web.get_or_init(start);
        runtime.block_on(async {
            let answer = router.clone().oneshot(request).await.unwrap();
            // The stand-in refuses with 503, which is not a failure.
            let status = answer.status().as_u16();
            assert_ne!(status, 500, "{method} {path} {text:?}");
            if status >= 400 {
                let problem = body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
                let problem: serde_json::Value = serde_json::from_slice(&problem).unwrap();
                assert_eq!(problem["status"], status);
            }
        });
    });
});

fn start() -> (Runtime, Router) {
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    let sm = Arc::new(Refuses::default());
    let router =
        anser_web::router(Config::default(), &anser_web::Asker::new(sm), Arc::new(SystemClock));
    (runtime, router)
}

/// An SM that has no store.
#[derive(Default)]
struct Refuses(Mutex<Vec<Peer>>);

impl SessionManager for Refuses {
    fn attach(&self, peer: Peer) {
        self.0.lock().unwrap().push(peer);
    }

    fn detach(&self, peer: PeerId) {
        self.0.lock().unwrap().retain(|it| it.id != peer);
    }

    fn submit(&self, batch: Vec<Ask>) {
        for ask in batch {
            let peers = self.0.lock().unwrap();
            let peer = peers.iter().find(|it| it.id == ask.from.peer).unwrap();
            let reply = Reply::Refused(Refusal::Unavailable);
            peer.replies.replies(vec![(ask.from.link, ask.from.tag, reply)]);
        }
    }
}
