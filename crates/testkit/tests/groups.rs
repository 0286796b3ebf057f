//! Groups and channels on the real binary: coming in, being let in, being muted, the end; and
//! that a kill leaves no half of any of it.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

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
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    async fn texts(&self, by: &Login, group: &str) -> Vec<String> {
        let path = format!("/v1/conversations/g:{group}/messages?limit=100");
        let (status, page) = self.call("GET", &path, by, Value::Null).await;
        assert_eq!(status, 200, "{page}");
        let entries = page["messages"].as_array().unwrap().iter();
        entries
            .map(|it| it["text"].as_str().or(it["event"]["type"].as_str()).unwrap().to_owned())
            .collect()
    }
}

fn text(body: &str) -> Value {
    json!({"kind": "text", "text": body})
}

#[tokio::test(flavor = "multi_thread")]
async fn people_come_in_are_muted_and_outlive_their_group() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Server::start(&binary(Build::Plain).unwrap(), dir.path(), &[]).await.unwrap();
    let rest = Rest::new(server.http());
    let mut logins = Vec::new();
    for user in ["alice", "bob", "carol"] {
        rest.create_user(user).await.unwrap();
        logins.push(rest.login(user, "phone").await.unwrap());
    }
    let [alice, bob, carol] = &logins[..] else { unreachable!() };
    let mut api = Api { base: server.http(), client: Client::new() };
    rest.create_group(alice, "geese", &[]).await.unwrap();
    let none = Value::Null;

    // To strangers it is not there, until it says so.
    assert_eq!(api.call("GET", "/v1/groups/geese", bob, none.clone()).await.0, 404);
    let patch = json!({"join": "approval", "hidden": false});
    assert_eq!(api.call("PATCH", "/v1/groups/geese/policy", alice, patch).await.0, 201);
    let about = json!({"description": "For those who fly", "announcement": "Dawn"});
    assert_eq!(api.call("PATCH", "/v1/groups/geese", alice, about).await.0, 201);
    let (status, card) = api.call("GET", "/v1/groups/geese", bob, none.clone()).await;
    assert_eq!((status, &card["description"]), (200, &json!("For those who fly")));
    assert_eq!(card["announcement"], "", "for members");

    // bob asks and is let in; carol is invited and comes.
    let join = "/v1/groups/geese/join";
    assert_eq!(api.call("POST", join, bob, json!({"message": "honk"})).await.0, 202);
    let (_, waiting) = api.call("GET", "/v1/groups/geese/requests", alice, none.clone()).await;
    assert_eq!(waiting["users"][0]["message"], "honk");
    let accept = "/v1/groups/geese/requests/bob/accept";
    assert_eq!(api.call("POST", accept, bob, none.clone()).await.0, 404, "not by themselves");
    assert_eq!(api.call("POST", accept, alice, none.clone()).await.0, 201);
    let invite = json!({"users": ["carol"]});
    assert_eq!(api.call("POST", "/v1/groups/geese/invitations", alice, invite).await.0, 204);

    // What waits and what was decided both last.
    server.kill().await.unwrap();
    server.restart().await.unwrap();
    api.base = server.http();
    let (_, mine) = api.call("GET", "/v1/invitations", carol, none.clone()).await;
    assert_eq!(mine["invitations"][0]["group"]["id"], "geese");
    let accept = "/v1/invitations/geese/accept";
    assert_eq!(api.call("POST", accept, carol, none.clone()).await.0, 201);
    assert_eq!(api.call("POST", accept, carol, none.clone()).await.0, 201, "in it already");

    // bob is muted, and nobody above him is by him.
    let until = json!({"until": 32_503_680_000_000_i64});
    let mute = |user: &str| format!("/v1/groups/geese/members/{user}/mute");
    assert_eq!(api.call("PUT", &mute("alice"), bob, until.clone()).await.0, 403);
    assert_eq!(api.call("PUT", &mute("bob"), alice, until).await.0, 201);
    let send = "/v1/conversations/g:geese/messages";
    let (status, problem) = api.call("POST", send, bob, text("mmm")).await;
    let until = json!(32_503_680_000_000_i64);
    assert_eq!((status, &problem["until"]), (403, &until), "{problem}");
    assert_eq!(problem["type"], "/problems/muted");
    assert_eq!(api.call("DELETE", &mute("bob"), alice, none.clone()).await.0, 201);
    assert_eq!(api.call("POST", send, bob, text("thanks")).await.0, 201);

    // Handed over and ended.
    let over = json!({"user": "bob"});
    let transfer = "/v1/groups/geese/transfer";
    assert_eq!(api.call("POST", transfer, alice, over).await.0, 201);
    assert_eq!(api.call("DELETE", "/v1/groups/geese", alice, none.clone()).await.0, 403);
    assert_eq!(api.call("DELETE", "/v1/groups/geese", bob, none.clone()).await.0, 201);
    assert_eq!(api.call("POST", send, bob, text("anyone?")).await.0, 404);
    let read = api.texts(carol, "geese").await;
    let want = ["joined", "muted", "muted", "thanks", "joined", "dissolved"];
    assert_eq!(read, want, "from their coming in to the end");
    let (_, groups) = api.call("GET", "/v1/groups", carol, none).await;
    assert_eq!(groups["groups"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_is_read_from_the_subscription_on() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&binary(Build::Plain).unwrap(), dir.path(), &[]).await.unwrap();
    let rest = Rest::new(server.http());
    let mut logins = Vec::new();
    for user in ["alice", "bob"] {
        rest.create_user(user).await.unwrap();
        logins.push(rest.login(user, "phone").await.unwrap());
    }
    let [alice, bob] = &logins[..] else { unreachable!() };
    let api = Api { base: server.http(), client: Client::new() };
    let none = Value::Null;
    let new = json!({"id": "news", "kind": "channel", "title": "News"});
    assert_eq!(api.call("POST", "/v1/groups", alice, new).await.0, 201);
    let send = "/v1/conversations/g:news/messages";
    assert_eq!(api.call("POST", send, alice, text("before")).await.0, 201);
    assert_eq!(api.call("POST", "/v1/groups/news/join", bob, json!({})).await.0, 201);
    let (_, stored) = api.call("POST", send, alice, text("after")).await;
    assert_eq!(stored["seq"], 3, "a subscriber takes no place");
    assert_eq!(api.texts(bob, "news").await, ["after"]);
    assert_eq!(api.call("POST", send, bob, text("me too")).await.0, 403);
    assert_eq!(api.call("GET", "/v1/groups/news/members", bob, none.clone()).await.0, 403);
    assert_eq!(api.call("POST", "/v1/groups/news/leave", bob, none).await.0, 201);
    assert_eq!(api.call("POST", send, alice, text("later")).await.0, 201);
    assert_eq!(api.texts(bob, "news").await, ["after"]);
}
