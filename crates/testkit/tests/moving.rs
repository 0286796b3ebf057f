//! Moving from one real server to another: what people see there is what they saw here.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::{path::Path, process::Stdio};

use anser_testkit::{
    mariadb::MariaDb,
    real::{Build, Login, Rest, Server, binary},
};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

const PASSWORD: &str = "a goose carries letters";
const PEOPLE: [&str; 3] = ["alice", "bob", "carol"];
/// What each of them has in their list.
const PLACES: [(&str, &[&str]); 3] =
    [("alice", &["u:bob", "g:geese"]), ("bob", &["u:alice", "g:geese"]), ("carol", &["g:geese"])];

struct Place {
    server: Server,
    rest: Rest,
    client: Client,
    ada: Login,
    dir: tempfile::TempDir,
}

impl Place {
    /// A server with nobody but its administrator.
    async fn new(env: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let binary = binary(Build::Plain).unwrap();
        let server = Server::start(&binary, dir.path(), env).await.unwrap();
        let rest = Rest::new(server.http());
        administrator(&binary, dir.path(), env).await;
        let ada = rest.login("ada", "desk").await.unwrap();
        Self { server, rest, client: Client::new(), ada, dir }
    }

    async fn call(&self, method: Method, path: &str, by: &Login, body: Option<Value>) -> Value {
        let url = format!("{}{path}", self.server.http());
        let mut request = self.client.request(method.clone(), url).bearer_auth(&by.token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let status = response.status();
        let text = response.text().await.unwrap();
        assert!(status.is_success(), "{method} {path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    async fn people(&self) -> Vec<Login> {
        let mut logins = Vec::new();
        for user in PEOPLE {
            logins.push(self.rest.login(user, "phone").await.unwrap());
        }
        logins
    }

    async fn export(&self) -> String {
        let url = format!("{}/v1/admin/export", self.server.http());
        let answer = self.client.get(url).bearer_auth(&self.ada.token).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.text().await.unwrap()
    }

    async fn import(&self, lines: &str) -> Value {
        let url = format!("{}/v1/admin/import", self.server.http());
        let request = self.client.post(url).bearer_auth(&self.ada.token);
        let request = request.header("Content-Type", "application/x-ndjson");
        let answer = request.body(lines.to_owned()).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.json().await.unwrap()
    }

    /// All that people see.
    async fn seen(&self) -> Value {
        let mut seen = serde_json::Map::new();
        for login in self.people().await {
            let mut of_theirs = serde_json::Map::new();
            let (_, places) = PLACES.iter().find(|it| *it.0 == *login.user).unwrap();
            let mut paths: Vec<String> =
                ["me", "friends", "blocks", "items", "groups/geese", "groups/geese/members"]
                    .map(|path| format!("/v1/{path}"))
                    .into();
            paths.push("/v1/search?query=south".into());
            for place in *places {
                paths.push(format!("/v1/conversations/{place}/messages?after=0"));
                paths.push(format!("/v1/conversations/{place}/pins"));
            }
            for path in paths {
                let mut answer = self.call(Method::GET, &path, &login, None).await;
                without_what_is_a_store_s_own(&mut answer);
                of_theirs.insert(path, answer);
            }
            seen.insert(login.user.to_string(), of_theirs.into());
        }
        seen.into()
    }
}

/// Takes out what each store counts for itself, and when a device was last there.
fn without_what_is_a_store_s_own(answer: &mut Value) {
    match answer {
        Value::Object(fields) => {
            for own in ["id", "client_id", "version", "token", "presence"] {
                // A group's id is its name.
                if own != "id" || !fields.contains_key("policy") {
                    fields.remove(own);
                }
            }
            fields.values_mut().for_each(without_what_is_a_store_s_own);
        }
        Value::Array(items) => items.iter_mut().for_each(without_what_is_a_store_s_own),
        _ => {}
    }
}

async fn administrator(binary: &Path, dir: &Path, env: &[(&str, &str)]) {
    let mut child = tokio::process::Command::new(binary)
        .args(["user", "add", "ada", "--admin", "--password-stdin", "--data-dir"])
        .arg(dir)
        .envs(env.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(PASSWORD.as_bytes()).await.unwrap();
    assert!(child.wait().await.unwrap().success(), "an administrator is made");
}

/// A server on which three people have done what people do.
async fn lived_in() -> Place {
    let here = Place::new(&[]).await;
    for user in PEOPLE {
        here.rest.create_user(user).await.unwrap();
    }
    let [alice, bob, carol] = here.people().await.try_into().unwrap();
    let call = |method, path: &'static str, by, body| here.call(method, path, by, body);
    call(Method::PATCH, "/v1/me", &alice, Some(json!({"display_name": "Alice Liddell"}))).await;
    for (by, whom) in [(&alice, "bob"), (&bob, "alice")] {
        call(Method::POST, "/v1/friends/requests", by, Some(json!({"user": whom}))).await;
    }
    let remark = json!({"remark": "Bobby", "lists": ["work"]});
    call(Method::PATCH, "/v1/friends/bob", &alice, Some(remark)).await;
    here.rest.block(&carol, "bob").await.unwrap();
    let draft = json!({"value": {"text": "On my w"}});
    call(Method::PUT, "/v1/items/draft%2Fu:bob", &alice, Some(draft)).await;

    let send = async |by: &Login, at: &str, body: Value| {
        let path = format!("/v1/conversations/{at}/messages");
        here.call(Method::POST, &path, by, Some(body)).await["seq"].as_u64().unwrap()
    };
    let text = |text: &str| json!({"kind": "text", "text": text});
    let first = send(&alice, "u:bob", text("We fly south")).await;
    let answer = json!({"kind": "text", "text": "When?", "reply_to": first});
    send(&bob, "u:alice", answer).await;
    let group = json!({"id": "geese", "title": "The wild geese", "members": ["bob", "carol"]});
    call(Method::POST, "/v1/groups", &alice, Some(group)).await;
    let edited = send(&alice, "g:geese", text("South at nine")).await;
    let recalled = send(&bob, "g:geese", text("Nobody flies south")).await;
    let at = |seq, what: &str| format!("/v1/conversations/g:geese/messages/{seq}{what}");
    let edit = json!({"kind": "text", "text": "South at ten"});
    here.call(Method::POST, &at(edited, "/edit"), &alice, Some(edit)).await;
    here.call(Method::POST, &at(recalled, "/recall"), &bob, None).await;
    let thumb = json!({"reaction": "👍"});
    here.call(Method::POST, &at(edited, "/reactions"), &carol, Some(thumb)).await;
    let pin = format!("/v1/conversations/g:geese/pins/{edited}");
    here.call(Method::PUT, &pin, &alice, None).await;
    here
}

/// Moves everything from `here` to `there`, twice.
async fn moves(here: &Place, there: &Place) {
    let seen = here.seen().await;
    let lines = here.export().await;

    let cut: String = lines.lines().take(6).map(|line| format!("{line}\n")).collect();
    let told = there.import(&cut).await;
    assert_eq!((&told["whole"], &told["refused"]), (&json!(false), &json!(0)), "{told}");
    let told = there.import(&lines).await;
    assert_eq!((&told["whole"], &told["refused"]), (&json!(true), &json!(0)), "{told}");
    let moved = there.seen().await;
    for user in PEOPLE {
        for (path, was) in seen[user].as_object().unwrap() {
            assert_eq!(&moved[user][path], was, "{path} of {user}");
        }
    }

    let told = there.import(&lines).await;
    assert_eq!((&told["imported"], &told["refused"]), (&json!(0), &json!(0)), "{told}");
    assert_eq!(there.seen().await, moved, "a second time changes nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn people_find_on_the_next_server_what_they_had_on_the_last() {
    let (here, there) = (lived_in().await, Place::new(&[]).await);
    moves(&here, &there).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn they_find_it_on_the_other_engine_too() {
    let maria = MariaDb::shared().unwrap();
    let url = maria.database().unwrap();
    let (here, there) = (lived_in().await, Place::new(&[("ANSER_STORE__URL", &url)]).await);
    moves(&here, &there).await;
}

/// Runs `anser` on a place's data, with `input`; answers with how it ended and what it said.
async fn anser(place: &Place, command: &str, input: &str) -> (bool, String, String) {
    let mut child = tokio::process::Command::new(binary(Build::Plain).unwrap())
        .args([command, "--data-dir"])
        .arg(place.dir.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // Who does not read what is said to them has ended for a reason of their own.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    let ended = child.wait_with_output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (ended.status.success(), text(ended.stdout), text(ended.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_moves_everything_from_the_command_line() {
    let (here, mut there) = (lived_in().await, Place::new(&[]).await);
    let seen = here.seen().await;
    let (done, lines, said) = anser(&here, "export", "").await;
    assert!(done, "{said}");
    assert_eq!(lines, here.export().await, "beside the server, as over REST");

    let (done, _, said) = anser(&there, "import", &lines).await;
    assert!(!done && said.contains("another server"), "{said}");
    there.server.stop().await.unwrap();
    let cut: String = lines.lines().take(6).map(|line| format!("{line}\n")).collect();
    let (done, told, said) = anser(&there, "import", &cut).await;
    assert!(!done && said.contains("last line is missing"), "{told} {said}");
    let (done, told, said) = anser(&there, "import", &lines).await;
    assert!(done, "{told} {said}");
    let (done, _, said) = anser(&there, "import", "{\"type\":\"goose\"}\n").await;
    assert!(!done && said.contains("line 1: "), "{said}");
    there.server.restart().await.unwrap();
    there.rest = Rest::new(there.server.http());
    let moved = there.seen().await;
    for user in PEOPLE {
        for (path, was) in seen[user].as_object().unwrap() {
            assert_eq!(&moved[user][path], was, "{path} of {user}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_line_is_named_and_stops_no_other() {
    let there = Place::new(&[]).await;
    let long = format!("{{\"type\":\"user\",\"user\":\"{}\"}}", "x".repeat(300 << 10));
    let lines = [
        r#"{"type":"user","user":"alice","password":"a goose carries letters"}"#,
        r#"{"type":"user","user":"../../etc/passwd"}"#,
        "not JSON",
        r#"{"type":"message","with":["alice","nobody"],"from":"alice","at":1,"id":"1","text":"x"}"#,
        r#"{"type":"goose"}"#,
        &long,
        r#"{"type":"user","user":"bob"}"#,
        r#"{"type":"group","group":"geese","owner":"bob","title":"Ge\u001b[2Jese"}"#,
        r#"{"type":"message","with":["alice","bob"],"from":"bob","at":1790000000000,"id":"1","text":"hi"}"#,
    ];
    let told = there.import(&lines.join("\n")).await;
    let refused: Vec<_> = told["refusals"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["line"].as_u64().unwrap())
        .collect();
    assert_eq!(refused, [2, 3, 4, 5, 6, 8], "{told}");
    assert_eq!(told["imported"], 3, "{told}");
    let alice = there.rest.login("alice", "phone").await.unwrap();
    let log = there.rest.log(&alice, "u:bob").await.unwrap();
    assert_eq!(log.len(), 1);
}
