//! People on the real binary: who learns of a changed profile, and who may write to whom.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::time::Duration;

use anser_client::{
    Client as Native, ErrorCode, Event, Events, Failed, Gateway, OneToken, Options, Trust, message,
};
use anser_domain::{Content, Secret, Subject, SyncToken};
use anser_testkit::real::{Build, Login, Rest, Server, binary};
use reqwest::{Client, Method};
use serde_json::{Value, json};

struct Api {
    base: String,
    client: Client,
}

impl Api {
    /// Calls, and answers with the status and the body.
    async fn call(&self, method: &str, path: &str, by: &Login, body: Value) -> (u16, Value) {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        request = request.bearer_auth(&by.token);
        if !body.is_null() {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        (status, serde_json::from_str(&response.text().await.unwrap()).unwrap_or(Value::Null))
    }

    async fn say(&self, by: &Login, to: &str) -> (u16, Value) {
        let path = format!("/v1/conversations/{to}/messages");
        self.call("POST", &path, by, json!({"kind": "text", "text": "hello"})).await
    }

    async fn befriend(&self, one: &Login, other: &Login) {
        for (by, whom) in [(one, other), (other, one)] {
            let wish = json!({"user": *whom.user});
            let (status, answer) = self.call("POST", "/v1/friends/requests", by, wish).await;
            assert!((200..300).contains(&status), "{status} {answer}");
        }
    }
}

async fn link(server: &Server, login: &Login) -> (Native, Events) {
    let gateway = format!("tcp://{}", server.native()).parse().unwrap();
    let gateway = Gateway::new(gateway, &Trust::System).unwrap();
    let token = OneToken(Secret::new(login.token.clone()));
    Native::connect(Options::new(gateway, token)).await.unwrap()
}

/// The next change of `subject` that is told.
async fn changed(events: &mut Events, subject: Subject) -> SyncToken {
    let next = async {
        loop {
            match events.next().await.unwrap() {
                Event::Changed { subject: its, at } if its == subject => return at,
                _ => {}
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), next).await.unwrap()
}

async fn users(rest: &Rest, names: &[&str]) -> Vec<Login> {
    let mut logins = Vec::new();
    for user in names {
        rest.create_user(user).await.unwrap();
        logins.push(rest.login(user, "phone").await.unwrap());
    }
    logins
}

#[tokio::test(flavor = "multi_thread")]
async fn friends_learn_of_a_changed_profile_live_or_at_their_next_sync() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&binary(Build::Plain).unwrap(), dir.path(), &[]).await.unwrap();
    let rest = Rest::new(server.http());
    let logins = users(&rest, &["alice", "bob", "carol"]).await;
    let [alice, bob, carol] = &logins[..] else { unreachable!() };
    let api = Api { base: server.http(), client: Client::new() };
    api.befriend(alice, bob).await;
    api.befriend(alice, carol).await;
    let tablet = rest.login("alice", "tablet").await.unwrap();
    let (_phone, mut of_bob) = link(&server, bob).await;
    let (_tablet, mut of_alice) = link(&server, &tablet).await;
    let (_, list) = api.call("GET", "/v1/friends", carol, Value::Null).await;
    let token = list["token"].as_str().unwrap().to_owned();

    let news = json!({"display_name": "Alice", "avatar": "https://example.org/a.png"});
    assert_eq!(api.call("PATCH", "/v1/me", alice, news).await.0, 200);
    let at = changed(&mut of_bob, Subject::Friends).await;
    assert_eq!(changed(&mut of_alice, Subject::Profile).await, at);
    // Carol was away.
    let since = format!("/v1/friends?since={token}&gone=true");
    let (status, news) = api.call("GET", &since, carol, Value::Null).await;
    assert_eq!(status, 200, "{news}");
    let friends = news["friends"].as_array().unwrap();
    assert_eq!((friends.len(), &friends[0]["display_name"]), (1, &json!("Alice")), "{news}");
    assert_eq!(friends[0]["user"], "alice");
    let (_, profile) = api.call("GET", "/v1/users/alice", carol, Value::Null).await;
    assert_eq!(profile["avatar"], "https://example.org/a.png");
    let since = format!("/v1/friends?since={}", news["token"].as_str().unwrap());
    let (_, again) = api.call("GET", &since, carol, Value::Null).await;
    assert_eq!(again["friends"], json!([]), "once is enough");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_only_friends_may_write_strangers_are_refused_and_groups_are_not_concerned() {
    let dir = tempfile::tempdir().unwrap();
    let env = [("ANSER_POLICY__WHO_MAY_WRITE", "friends")];
    let server = Server::start(&binary(Build::Plain).unwrap(), dir.path(), &env).await.unwrap();
    let rest = Rest::new(server.http());
    let logins = users(&rest, &["alice", "bob"]).await;
    let [alice, bob] = &logins[..] else { unreachable!() };
    let api = Api { base: server.http(), client: Client::new() };
    let tablet = rest.login("bob", "tablet").await.unwrap();
    let (native, _events) = link(&server, &tablet).await;
    let to_alice = || message("u:alice".parse().unwrap(), Content::Text("hello".into()));
    let refused = async || {
        let (status, problem) = api.say(bob, "u:alice").await;
        assert_eq!((status, &problem["type"]), (403, &json!("/problems/forbidden")), "{problem}");
        match native.send(to_alice()).await {
            Err(Failed::Refused(why)) => assert_eq!(why.code(), Some(ErrorCode::Forbidden)),
            other => unreachable!("{other:?}"),
        }
    };

    refused().await;
    assert_eq!(api.say(bob, "u:bob").await.0, 201, "to oneself");
    let (_, list) = api.call("GET", "/v1/conversations", alice, Value::Null).await;
    assert_eq!(list["conversations"], json!([]), "what was refused leaves no trace");
    rest.create_group(alice, "geese", &["bob".into()]).await.unwrap();
    assert_eq!(api.say(bob, "g:geese").await.0, 201);

    api.befriend(bob, alice).await;
    assert_eq!(api.say(bob, "u:alice").await.0, 201);
    native.send(to_alice()).await.unwrap();

    // The answer to this call is the last moment at which a message could still pass.
    assert_eq!(api.call("DELETE", "/v1/friends/bob", alice, Value::Null).await.0, 204);
    refused().await;
    assert_eq!(api.say(alice, "u:bob").await.0, 403, "nor the other way");
    assert_eq!(api.say(bob, "g:geese").await.0, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_of_a_groups_beginning_gets_the_first_answer_whatever_became_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&binary(Build::Plain).unwrap(), dir.path(), &[]).await.unwrap();
    let rest = Rest::new(server.http());
    let logins = users(&rest, &["alice", "bob"]).await;
    let api = Api { base: server.http(), client: Client::new() };
    let make = async |title: &str| {
        let body = json!({"id": "geese", "title": title, "members": ["bob"]});
        let request = api.client.post(format!("{}/v1/groups", api.base)).json(&body);
        let request = request.bearer_auth(&logins[0].token).header("Idempotency-Key", "once");
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json::<Value>().await.unwrap())
    };
    let (status, first) = make("Geese").await;
    assert_eq!(status, 201);
    let patch = json!({"title": "Wild geese"});
    assert_eq!(api.call("PATCH", "/v1/groups/geese", &logins[0], patch).await.0, 201);
    let (status, again) = make("Geese").await;
    assert!((200..300).contains(&status), "{status} {again}");
    assert_eq!((&again["id"], &again["seq"]), (&first["id"], &first["seq"]));
    assert_eq!(make("Ducks").await.0, 409);
}
