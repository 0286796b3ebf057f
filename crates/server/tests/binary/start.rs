//! Starting, using, stopping, killing.

use std::{os::unix::fs::PermissionsExt as _, path::Path, time::Duration};

use rustix::process::Signal;

use crate::support::{Rest, Server};

/// The promise, for an optimised build on an idle machine; these tests have neither.
const READY_WITHIN: Duration = Duration::from_secs(if cfg!(debug_assertions) { 10 } else { 2 });

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn a_fresh_server_is_ready_soon_and_says_where() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let server = Server::start(&data, &["--demo"]);
    assert!(server.took < READY_WITHIN, "{:?}", server.took);
    for name in ["http", "native", "admin"] {
        assert!(server.banner.contains(server.address(name)), "{name} in {}", server.banner);
    }
    assert!(server.banner.contains("chat --user alice"), "{}", server.banner);
    assert_eq!(mode(&data), 0o700);
    for file in ["listen.json", "demo.json", "anser.db", "tls-key.pem"] {
        assert_eq!(mode(&data.join(file)) & 0o077, 0, "{file} is for its owner only");
    }
    let admin = format!("http://{}", server.address("admin"));
    for path in ["livez", "readyz"] {
        assert_eq!(reqwest::get(format!("{admin}/{path}")).await.unwrap().status(), 200, "{path}");
    }

    assert_eq!(server.stop().code(), Some(0));
    assert!(!data.join("listen.json").exists(), "nobody is sent to a server that is gone");
}

#[tokio::test]
async fn the_demo_users_talk_and_the_second_start_knows_their_passwords() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &["--demo"]);
    let password = server.demo_password("alice");
    assert!(server.banner.contains(&password), "{}", server.banner);
    let alice = Rest::login(&server, "alice", &password).await;
    assert_eq!(alice.send("u:bob", "hello bob").await, 1);
    alice.send("g:geese", "hello geese").await;
    server.stop();

    let server = Server::start(dir.path(), &["--demo"]);
    assert_eq!(server.demo_password("alice"), password);
    let bob = Rest::login(&server, "bob", &server.demo_password("bob")).await;
    assert_eq!(bob.texts("u:alice").await, ["hello bob"]);
    assert_eq!(bob.texts("g:geese").await, ["hello geese"]);
}

#[tokio::test]
async fn what_was_acknowledged_outlives_kill_9() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &["--demo"]);
    let alice = Rest::login(&server, "alice", &server.demo_password("alice")).await;
    for number in 1..=20 {
        assert_eq!(alice.send("u:bob", &format!("message {number}")).await, number);
    }
    server.kill();

    let server = Server::start(dir.path(), &[]);
    let bob = Rest::login(&server, "bob", &server.demo_password("bob")).await;
    let expect: Vec<_> = (1..=20).map(|number| format!("message {number}")).collect();
    assert_eq!(bob.texts("u:alice").await, expect);
    assert_eq!(server.stop().code(), Some(0));
}

#[test]
fn both_signals_stop_it_with_0_and_it_says_so() {
    for signal in [Signal::INT, Signal::TERM] {
        let dir = tempfile::tempdir().unwrap();
        let server = Server::start(dir.path(), &[]);
        server.signal(signal);
        let (status, printed) = server.wait();
        assert_eq!(status.code(), Some(0), "{signal:?}");
        assert!(printed.contains("Stopping"), "{printed}");
    }
}

#[test]
fn one_wish_to_stop_that_arrives_twice_still_ends_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &[]);
    // As `timeout` and some supervisors do: to the process, and to its group.
    server.signal(Signal::INT);
    server.signal(Signal::TERM);
    assert_eq!(server.wait().0.code(), Some(0));
}

#[tokio::test]
async fn a_server_whose_output_nobody_reads_serves_on() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start_unheard(dir.path()).await;
    assert_eq!(reqwest::get(server.url("/openapi.json")).await.unwrap().status(), 200);
    assert_eq!(server.stop().code(), Some(0));
}

#[tokio::test]
async fn metrics_count_what_was_stored() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &["--demo"]);
    let alice = Rest::login(&server, "alice", &server.demo_password("alice")).await;
    alice.send("u:bob", "one").await;
    alice.send("u:bob", "two").await;
    let url = format!("http://{}/metrics", server.address("admin"));
    let metrics = reqwest::get(url).await.unwrap().text().await.unwrap();
    // The demo group's first entry is the third.
    assert!(metrics.contains("\nanser_entries_stored_total 3\n"), "{metrics}");
    for name in ["anser_links 0", "process_resident_memory_bytes ", "anser_http_requests_total{"] {
        assert!(metrics.contains(&format!("\n{name}")), "{name} in {metrics}");
    }
}
