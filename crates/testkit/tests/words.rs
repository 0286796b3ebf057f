//! The real binary with a list of words that are not to be said, which changes while it runs.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::time::Duration;

use anser_testkit::real::{Build, Login, Rest, Server, binary};
use reqwest::Client;
use serde_json::{Value, json};
use tokio::time::timeout;

async fn send(server: &Server, by: &Login, text: &str) -> (u16, Value) {
    let url = format!("{}/v1/conversations/u:bob/messages", server.http());
    let body = json!({"kind": "text", "text": text});
    let response = Client::new().post(url).bearer_auth(&by.token).json(&body).send().await.unwrap();
    let status = response.status().as_u16();
    (status, serde_json::from_str(&response.text().await.unwrap()).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn words_are_denied_and_the_list_is_read_again_when_it_changes() {
    let dir = tempfile::tempdir().unwrap();
    let list = dir.path().join("words.txt");
    std::fs::write(&list, "# not here\ndamn\n").unwrap();
    let env = [("ANSER_FILTER__WORDS", list.to_str().unwrap())];
    let data = dir.path().join("data");
    let server = Server::start(&binary(Build::Plain).unwrap(), &data, &env).await.unwrap();
    let rest = Rest::new(server.http());
    for user in ["alice", "bob"] {
        rest.create_user(user).await.unwrap();
    }
    let alice = rest.login("alice", "phone").await.unwrap();
    let (status, problem) = send(&server, &alice, "Damn!").await;
    assert_eq!((status, problem.get("type").unwrap()), (403, &json!("/problems/denied")));
    assert_eq!(send(&server, &alice, "heck!").await.0, 201);

    std::fs::write(&list, "heck\n").unwrap();
    let changed = async { while send(&server, &alice, "heck!").await.0 == 201 {} };
    timeout(Duration::from_secs(30), changed).await.unwrap();
    assert_eq!(send(&server, &alice, "Damn!").await.0, 201);
}
