//! Deadlines, callers who hang up, and a tier that goes away.

use std::{sync::Arc, time::Duration};

use anser_domain::{Command, Details, Profile, Reply, Role};
use anser_web::{Config, HttpMetrics};
use axum::{
    body::{Body, Bytes},
    http::Request,
};
use futures_util::stream;
use prometheus_client::{encoding::text::encode, registry::Registry};
use tower::ServiceExt;

use crate::fake::{FakeSm, call, configured, send, web};

#[tokio::test(start_paused = true)]
async fn an_sm_that_says_nothing_is_waited_for_so_long_and_no_longer() {
    let sm = FakeSm::new(|_| None);
    let started = tokio::time::Instant::now();
    let uri = "/v1/conversations/u:bob/messages";
    let router = web(&sm);
    let said = send(&router, call("POST", uri, r#"{"kind":"text","text":"x"}"#)).await;
    assert_eq!(started.elapsed().as_secs(), anser_web::limits::CALL_DEADLINE.as_secs());
    assert_eq!(said.problem(), "deadline");
    assert_ne!(said.header("idempotency-key"), "", "the outcome can be asked for");

    // What comes too late goes nowhere, and harms nobody.
    let from = sm.asked.lock().unwrap()[0].from;
    let replies = sm.peers.lock().unwrap()[0].replies.clone();
    replies.replies(vec![(from.link, from.tag, Reply::Done), (from.link, from.tag, Reply::Done)]);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_drips_is_not_waited_for() {
    let sm = FakeSm::always(Reply::Done);
    let never = stream::pending::<Result<Bytes, std::io::Error>>();
    let mut request: Request<Body> = call("PATCH", "/v1/me", "{}");
    *request.body_mut() = Body::from_stream(never);
    let said = send(&web(&sm), request).await;
    assert_eq!(said.problem(), "body-timeout");
    assert!(sm.commands().is_empty());
}

#[tokio::test]
async fn calls_have_links_of_their_own_and_one_peer() {
    let sm = FakeSm::always(Reply::Done);
    let router = web(&sm);
    for _ in 0..3 {
        send(&router, call("POST", "/v1/auth/logout", "")).await;
    }
    let asked = sm.asked.lock().unwrap();
    assert!(asked.iter().all(|ask| ask.from.peer == asked[0].from.peer));
    let mut links: Vec<_> = asked.iter().map(|ask| ask.from.link).collect();
    links.dedup();
    assert_eq!(links.len(), 3);
    assert!(sm.peers.lock().unwrap()[0].links.is_none(), "nothing is delivered to a web");
}

#[tokio::test]
async fn answers_in_any_order_find_their_callers() {
    let sm = FakeSm::new(|_| None);
    let router = web(&sm);
    let calls: Vec<_> = (0..200)
        .map(|i| {
            let router = router.clone();
            let call = call("GET", &format!("/v1/users/u{i}"), "");
            tokio::spawn(async move { send(&router, call).await })
        })
        .collect();
    while sm.asked.lock().unwrap().len() < calls.len() {
        tokio::task::yield_now().await;
    }
    let mut answers: Vec<_> = sm
        .asked
        .lock()
        .unwrap()
        .iter()
        .map(|ask| {
            let Command::User(name) = ask.command.clone() else { panic!("{ask:?}") };
            let (display_name, role) = ("".into(), Role::User);
            let profile =
                Profile { name, display_name, role, disabled: false, details: Details::default() };
            (ask.from.link, ask.from.tag, Reply::User(Box::new(profile)))
        })
        .collect();
    answers.reverse();
    let replies = sm.peers.lock().unwrap()[0].replies.clone();
    std::thread::spawn(move || replies.replies(answers)).join().unwrap();
    for (i, call) in calls.into_iter().enumerate() {
        assert_eq!(call.await.unwrap().json()["user"], format!("u{i}"));
    }
}

#[tokio::test]
async fn the_peer_is_forgotten_with_the_router() {
    let sm = FakeSm::always(Reply::Done);
    let router = web(&sm);
    let clone = router.clone();
    drop(router);
    assert_eq!(sm.peers.lock().unwrap().len(), 1);
    drop(clone);
    assert!(sm.peers.lock().unwrap().is_empty());
    assert_eq!(Arc::strong_count(&sm), 1, "nothing holds on to the sm");
}

#[tokio::test(start_paused = true)]
async fn requests_are_counted_by_route_and_those_hung_up_on_are_not_in_flight() {
    let metrics = HttpMetrics::default();
    let mut registry = Registry::default();
    metrics.register(&mut registry);
    let sm = FakeSm::new(|_| None);
    let router = configured(Config { metrics, ..Config::default() }, &sm);
    let waiting = router.clone().oneshot(call("GET", "/v1/users/bob", ""));
    let hung_up = tokio::time::timeout(Duration::from_secs(1), waiting).await;
    assert!(hung_up.is_err());
    send(&router, call("GET", "/v1/users/carol", "")).await;
    send(&router, call("GET", "/secret-token", "")).await;
    send(&router, call("BREW", "/v1/me", "")).await;

    let mut text = String::new();
    encode(&mut text, &registry).unwrap();
    assert!(
        text.contains(
            r#"anser_http_requests_total{route="/v1/users/{user}",method="GET",status="504"} 1"#
        ),
        "{text}"
    );
    assert!(text.contains(r#"route="none",method="GET",status="404"} 1"#), "{text}");
    assert!(text.contains(r#"route="/v1/me",method="other",status="405"} 1"#), "{text}");
    assert!(text.contains("anser_http_requests_in_flight 0"), "{text}");
    for typed in ["carol", "secret-token", "BREW"] {
        assert!(!text.contains(typed), "what callers type makes no series");
    }
}
