//! Sessions that end: a second login takes the first one's place, and whoever is shut out hears
//! so and is gone, over every carrier, in the time that was promised.

use std::time::Duration;

use anser_client::{Client, Event, Events, Gateway, OneToken, Options, Stop, Trust};
use anser_domain::Secret;
use anser_wire::ErrorCode;
use serde_json::json;

use crate::support::{Rest, Server, run_with_input};

/// A revocation is acknowledged once every link has closed (promise 6), and the CM has this long.
const ENDED: Duration = Duration::from_secs(5);
/// A login takes over at once.
const EVICTED: Duration = Duration::from_secs(2);

const PASSWORD: &str = "a goose carries letters";

async fn link(rest: &Rest, url: &str) -> (Client, Events) {
    let gateway = Gateway::new(url.parse().unwrap(), &Trust::System).unwrap();
    let token = OneToken(Secret::new(rest.token.as_str()));
    Client::connect(Options::new(gateway, token)).await.unwrap()
}

/// Waits for the end of a link, and answers with the server's reason.
async fn ends(events: &mut Events, within: Duration) -> ErrorCode {
    let ended = async {
        loop {
            match events.next().await {
                Some(Event::Stopped(Stop::Refused(why))) => break why.code().unwrap(),
                Some(Event::Stopped(other)) => panic!("{other}"),
                Some(_) => {}
                None => panic!("ended without a reason"),
            }
        }
    };
    tokio::time::timeout(within, ended).await.expect("in time")
}

#[tokio::test(flavor = "multi_thread")]
async fn ended_sessions_close_their_links_with_a_reason_and_in_time() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &["--demo"]);
    let admin = ["user", "add", "root", "--admin", "--password-stdin", "--data-dir"];
    let made = run_with_input(&[&admin[..], &[dir.path().to_str().unwrap()]].concat(), PASSWORD);
    assert!(made.status.success(), "{made:?}");
    let root = Rest::login(&server, "root", PASSWORD).await;
    let urls = [
        format!("tcp://{}", server.address("native")),
        format!("ws://{}/ws", server.address("http")),
    ];
    for url in &urls {
        // A login of the same device takes the place of the one before.
        let password = server.demo_password("alice");
        let alice = Rest::login(&server, "alice", &password).await;
        let (_first, mut first) = link(&alice, url).await;
        let (_second, mut second) = link(&alice, url).await;
        assert_eq!(ends(&mut first, EVICTED).await, ErrorCode::TakenOver, "{url}");

        // Its owner ends the device.
        assert_eq!(alice.call("DELETE", "/v1/devices/test", json!(null)).await, 204);
        assert_eq!(ends(&mut second, ENDED).await, ErrorCode::Revoked, "{url}");

        // An administrator sets another password.
        let alice = Rest::login(&server, "alice", &password).await;
        let (_third, mut third) = link(&alice, url).await;
        let body = json!({"password": password});
        assert_eq!(root.call("PUT", "/v1/admin/users/alice/password", body).await, 204);
        assert_eq!(ends(&mut third, ENDED).await, ErrorCode::Revoked, "{url}");

        // Its owner changes it on another device.
        let alice = Rest::login(&server, "alice", &password).await;
        let (_fifth, mut fifth) = link(&alice, url).await;
        let laptop = Rest::login_on(&server, "alice", &password, "laptop").await;
        let body = json!({"old_password": password, "new_password": password});
        assert_eq!(laptop.call("POST", "/v1/auth/password", body).await, 204);
        assert_eq!(ends(&mut fifth, ENDED).await, ErrorCode::Revoked, "{url}");

        // The account is disabled.
        let alice = Rest::login(&server, "alice", &password).await;
        let (_fourth, mut fourth) = link(&alice, url).await;
        let disable = |disabled: bool| {
            root.call("PUT", "/v1/admin/users/alice/disabled", json!({"disabled": disabled}))
        };
        assert_eq!(disable(true).await, 204);
        assert_eq!(ends(&mut fourth, ENDED).await, ErrorCode::Disabled, "{url}");
        assert_eq!(disable(false).await, 204);
    }
    assert_eq!(server.stop().code(), Some(0));
}
