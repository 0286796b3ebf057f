//! Files against the real binary: an upload over connections that break, a server that is killed
//! in the middle of one, and who may fetch what a message carries.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpStream},
    path::Path,
    time::Duration,
};

use anser_testkit::real::{Build, Login, Rest, Server, binary};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

/// Larger than a piece, and no multiple of one.
const SIZE: usize = 2_500_000;

struct World {
    server: Server,
    rest: Rest,
    client: Client,
}

impl World {
    async fn start(dir: &Path, env: &[(&str, &str)]) -> Self {
        let server = Server::start(&binary(Build::Plain).unwrap(), dir, env).await.unwrap();
        let rest = Rest::new(server.http());
        Self { server, rest, client: Client::new() }
    }

    fn request(&self, method: Method, path: &str, login: &Login) -> RequestBuilder {
        let url = format!("{}{path}", self.server.http());
        self.client.request(method, url).bearer_auth(&login.token)
    }

    async fn get(&self, path: &str, login: &Login) -> Response {
        self.request(Method::GET, path, login).send().await.unwrap()
    }

    async fn status(&self, path: &str, login: &Login) -> StatusCode {
        self.get(path, login).await.status()
    }

    async fn describe(&self, login: &Login, size: usize) -> String {
        let body = json!({"name": "../../goose\u{202e}gnp.bin", "size": size});
        let made = self.request(Method::POST, "/v1/files", login).json(&body).send().await.unwrap();
        assert_eq!(made.status(), StatusCode::CREATED);
        let made: Value = serde_json::from_str(&made.text().await.unwrap()).unwrap();
        assert_eq!(made["name"], "goosegnp.bin");
        made["id"].as_str().unwrap().to_owned()
    }

    async fn offset(&self, login: &Login, file: &str) -> usize {
        let path = format!("/v1/files/{file}");
        let head = self.request(Method::HEAD, &path, login).send().await.unwrap();
        head.headers()["upload-offset"].to_str().unwrap().parse().unwrap()
    }

    async fn append(&self, login: &Login, file: &str, at: usize, bytes: &[u8]) -> Response {
        let request = self.request(Method::PATCH, &format!("/v1/files/{file}"), login);
        request.header("Upload-Offset", at).body(bytes.to_vec()).send().await.unwrap()
    }

    async fn stored(&self, login: &Login, name: &str, media: &str, bytes: &[u8]) -> Response {
        let request = self.request(Method::POST, &format!("/v1/files?name={name}"), login);
        request.header("Content-Type", media).body(bytes.to_vec()).send().await.unwrap()
    }

    async fn file(&self, login: &Login) -> String {
        let made = self.stored(login, "x.txt", "text/plain", b"honk").await;
        assert_eq!(made.status(), StatusCode::CREATED);
        let made: Value = serde_json::from_str(&made.text().await.unwrap()).unwrap();
        made["id"].as_str().unwrap().to_owned()
    }

    async fn post(&self, login: &Login, to: &str, file: &str) -> Response {
        let body = json!({"kind": "file", "data": {"file": file}});
        let path = format!("/v1/conversations/{to}/messages");
        self.request(Method::POST, &path, login).json(&body).send().await.unwrap()
    }

    /// Begins a PATCH over a connection of its own, sends some of it and hangs up.
    fn begin_and_break(&self, login: &Login, file: &str, bytes: &[u8], sent: usize) {
        let mut socket = self.half(login, file, bytes, sent);
        socket.shutdown(Shutdown::Write).unwrap();
        // The server is done with it once it has hung up, too.
        let _ = socket.read_to_end(&mut Vec::new());
    }

    fn half(&self, login: &Login, file: &str, bytes: &[u8], sent: usize) -> TcpStream {
        let address = self.server.http();
        let address = address.trim_start_matches("http://");
        let mut socket = TcpStream::connect(address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let head = format!(
            "PATCH /v1/files/{file} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\n\
             upload-offset: 0\r\ncontent-length: {}\r\n\r\n",
            login.token,
            bytes.len()
        );
        socket.write_all(head.as_bytes()).unwrap();
        socket.write_all(&bytes[..sent]).unwrap();
        socket
    }
}

fn content() -> Vec<u8> {
    (0..SIZE).map(|n| (n * 31 % 251) as u8).collect()
}

/// What holds bytes below the files' directory.
fn stored_below(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.map(|path| if path.is_dir() { stored_below(&path) } else { 1 }).sum()
}

async fn until(what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..2_000 {
        if done() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never: {what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_survives_broken_connections_and_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let mut w = World::start(dir.path(), &[]).await;
    w.rest.create_user("alice").await.unwrap();
    let alice = w.rest.login("alice", "phone").await.unwrap();
    let (bytes, files) = (content(), dir.path().join("files"));

    let file = w.describe(&alice, SIZE).await;
    w.begin_and_break(&alice, &file, &bytes, 1_500_000);
    let at = w.offset(&alice, &file).await;
    assert!((1_048_576..=1_500_000).contains(&at), "{at}");

    // Killed in the middle of the next: what was told is there, and goes on.
    let abandoned = w.describe(&alice, SIZE).await;
    let socket = w.half(&alice, &abandoned, &bytes, 2_000_000);
    let before = stored_below(&files);
    until("a piece is stored", || stored_below(&files) > before).await;
    w.server.kill().await.unwrap();
    drop(socket);
    w.server.restart().await.unwrap();
    let w = World { rest: Rest::new(w.server.http()), ..w };
    assert_eq!(w.offset(&alice, &file).await, at);
    let wrong = w.append(&alice, &file, at - 1, &bytes[at - 1..]).await;
    assert_eq!(wrong.status(), StatusCode::CONFLICT);
    let done = w.append(&alice, &file, at, &bytes[at..]).await;
    assert_eq!(done.status(), StatusCode::OK);
    let got = w.get(&format!("/v1/files/{file}"), &alice).await;
    assert!(got.bytes().await.unwrap() == bytes);

    // The abandoned one is given up; its bytes go, those of the other stay.
    drop(w);
    let sweeping = World::start(dir.path(), &[("ANSER_FILES__UNFINISHED", "1 ms")]).await;
    let folder = format!("/{abandoned}");
    let gone = || !folders(&files).iter().any(|path| path.ends_with(&folder));
    until("the abandoned upload is removed", gone).await;
    let w = World { rest: Rest::new(sweeping.server.http()), ..sweeping };
    assert_eq!(
        w.status(&format!("/v1/files/{abandoned}/info"), &alice).await,
        StatusCode::NOT_FOUND
    );
    let got = w.get(&format!("/v1/files/{file}"), &alice).await;
    assert!(got.bytes().await.unwrap() == bytes);
}

fn folders(below: &Path) -> Vec<String> {
    let shards = std::fs::read_dir(below).unwrap().map(|entry| entry.unwrap().path());
    let files = shards.flat_map(|shard| std::fs::read_dir(shard).unwrap());
    files.map(|entry| entry.unwrap().path().display().to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_may_read_the_message_may_fetch_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let w = World::start(dir.path(), &[]).await;
    let mut logins = Vec::new();
    for name in ["alice", "bob", "carol"] {
        w.rest.create_user(name).await.unwrap();
        logins.push(w.rest.login(name, "phone").await.unwrap());
    }
    let [alice, bob, carol] = &logins[..] else { unreachable!() };
    w.rest.create_group(alice, "geese", &["bob".into()]).await.unwrap();

    let (old, new) = (w.file(alice).await, w.file(alice).await);
    let path = |file: &str| format!("/v1/files/{file}");
    assert_eq!(w.status(&path(&old), bob).await, StatusCode::NOT_FOUND);
    assert_eq!(w.post(bob, "u:carol", &old).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(w.post(alice, "g:geese", &old).await.status(), StatusCode::CREATED);
    let got = w.get(&path(&old), bob).await;
    assert_eq!(
        (got.status(), &got.headers()["content-type"]),
        (StatusCode::OK, &"text/plain".parse().unwrap())
    );
    assert_eq!(got.text().await.unwrap(), "honk");
    assert_eq!(w.status(&path(&old), carol).await, StatusCode::NOT_FOUND);

    // Removed: what was posted before stays theirs, what comes after never is.
    let out =
        w.request(Method::DELETE, "/v1/groups/geese/members/bob", alice).send().await.unwrap();
    assert!(out.status().is_success(), "{}", out.status());
    assert_eq!(w.post(alice, "g:geese", &new).await.status(), StatusCode::CREATED);
    assert_eq!(w.status(&path(&old), bob).await, StatusCode::OK);
    for of in ["", "/info", "/thumbnail"] {
        assert_eq!(w.status(&format!("{}{of}", path(&new)), bob).await, StatusCode::NOT_FOUND);
    }
    // Passed on, it is theirs to see; deleted, it is nobody's.
    assert_eq!(w.post(bob, "u:carol", &old).await.status(), StatusCode::CREATED);
    assert_eq!(w.status(&path(&old), carol).await, StatusCode::OK);
    let gone = w.request(Method::DELETE, &path(&old), bob).send().await.unwrap();
    assert_eq!(gone.status(), StatusCode::NOT_FOUND);
    let gone = w.request(Method::DELETE, &path(&old), alice).send().await.unwrap();
    assert_eq!(gone.status(), StatusCode::NO_CONTENT);
    assert_eq!(w.status(&path(&old), carol).await, StatusCode::GONE);
    let info = w.get(&format!("{}/info", path(&old)), carol).await.text().await.unwrap();
    assert!(info.contains(r#""state":"gone""#), "{info}");
    let nobody = reqwest::get(format!("{}{}", w.server.http(), path(&new))).await.unwrap();
    assert_eq!(nobody.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_out_of_sight_with_its_message() {
    let dir = tempfile::tempdir().unwrap();
    let w = World::start(dir.path(), &[]).await;
    let mut logins = Vec::new();
    for name in ["alice", "bob"] {
        w.rest.create_user(name).await.unwrap();
        logins.push(w.rest.login(name, "phone").await.unwrap());
    }
    let [alice, bob] = &logins[..] else { unreachable!() };
    let mut posted = Vec::new();
    for _ in 0..3 {
        let file = w.file(alice).await;
        let said = w.post(alice, "u:bob", &file).await.text().await.unwrap();
        let said: Value = serde_json::from_str(&said).unwrap();
        posted.push((format!("/v1/files/{file}"), said["seq"].as_u64().unwrap()));
    }
    let [recalled, deleted, cleared] = &posted[..] else { unreachable!() };
    for (file, _) in &posted {
        assert_eq!(w.status(file, bob).await, StatusCode::OK);
    }
    let done = async |method: Method, path: String, by: &Login, body: Value| {
        let said = w.request(method, &path, by).json(&body).send().await.unwrap();
        assert!(said.status().is_success(), "{path}: {}", said.status());
    };
    let at = |conv: &str, seq: &u64| format!("/v1/conversations/{conv}/messages/{seq}");
    let recall = format!("{}/recall", at("u:bob", &recalled.1));
    done(Method::POST, recall, alice, json!({})).await;
    done(Method::DELETE, at("u:alice", &deleted.1), bob, json!({})).await;
    assert_eq!(w.status(&cleared.0, bob).await, StatusCode::OK);
    let clear = "/v1/conversations/u:alice/clear".to_owned();
    done(Method::POST, clear, bob, json!({"seq": cleared.1})).await;
    for (file, _) in &posted {
        for of in ["", "/info", "/thumbnail"] {
            assert_eq!(w.status(&format!("{file}{of}"), bob).await, StatusCode::NOT_FOUND);
        }
        assert_eq!(w.status(file, alice).await, StatusCode::OK, "its owner's still");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_is_kept_shut_and_a_compressed_body_is_not_taken() {
    let dir = tempfile::tempdir().unwrap();
    let w = World::start(dir.path(), &[]).await;
    w.rest.create_user("alice").await.unwrap();
    let alice = w.rest.login("alice", "phone").await.unwrap();
    let before = w.server.rss().unwrap();
    // An archive's head that promises 4 GiB, and names a place outside of where it is unpacked.
    let mut zip =
        b"PK\x03\x04\x14\0\0\0\x08\0\0\0\0\0\0\0\0\0\x40\0\0\0\xff\xff\xff\xff\x10\0\0\0".to_vec();
    zip.extend_from_slice(b"../../etc/passwd");
    zip.extend_from_slice(&[0; 64]);
    let said = w.stored(&alice, "..%2F..%2Fetc%2Fpasswd.zip", "application/zip", &zip).await;
    assert_eq!(said.status(), StatusCode::CREATED);
    let said: Value = serde_json::from_str(&said.text().await.unwrap()).unwrap();
    assert_eq!((&said["name"], &said["size"]), (&json!("passwd.zip"), &json!(zip.len())));
    let got = w.get(&format!("/v1/files/{}", said["id"].as_str().unwrap()), &alice).await;
    let how = got.headers()["content-disposition"].to_str().unwrap().to_owned();
    assert!(how.starts_with("attachment") && !how.contains('/'), "{how}");
    assert!(got.bytes().await.unwrap() == zip, "byte for byte");
    let request = w.request(Method::POST, "/v1/files?name=x", &alice);
    let request = request.header("Content-Encoding", "gzip").header("Content-Type", "text/plain");
    let said = request.body(vec![0x1f, 0x8b, 8, 0]).send().await.unwrap();
    assert_eq!(said.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert!(w.server.rss().unwrap() < before + (32 << 20));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_avatars_address_is_never_visited() {
    let dir = tempfile::tempdir().unwrap();
    let w = World::start(dir.path(), &[]).await;
    w.rest.create_user("alice").await.unwrap();
    w.rest.create_user("bob").await.unwrap();
    let (alice, bob) = (
        w.rest.login("alice", "phone").await.unwrap(),
        w.rest.login("bob", "phone").await.unwrap(),
    );
    let inside = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    inside.set_nonblocking(true).unwrap();
    let url = format!("http://{}/latest/meta-data", inside.local_addr().unwrap());
    let wear = async |url: &str| {
        let avatar = json!({"avatar": url});
        w.request(Method::PATCH, "/v1/me", &alice).json(&avatar).send().await.unwrap()
    };
    let said = wear(&url).await;
    assert_eq!(said.status(), StatusCode::UNPROCESSABLE_ENTITY, "nor is a viewer sent there");
    assert!(said.text().await.unwrap().contains("private network"));
    // It is the viewers' to load: what a name leads to, nobody here finds out.
    let url = url.replace("127.0.0.1", "127.0.0.1.example.org");
    assert_eq!(wear(&url).await.status(), StatusCode::OK);
    let seen = w.get("/v1/users/alice", &bob).await.text().await.unwrap();
    assert!(seen.contains(&url), "{seen}");
    let picture = json!({"kind": "image", "data": {"url": url}});
    let path = "/v1/conversations/u:bob/messages";
    let said = w.request(Method::POST, path, &alice).json(&picture).send().await.unwrap();
    assert_eq!(said.status(), StatusCode::CREATED);
    assert_eq!(w.status("/v1/conversations/u:alice/messages", &bob).await, StatusCode::OK);
    let called = inside.accept().map(|_| ()).unwrap_err();
    assert_eq!(called.kind(), std::io::ErrorKind::WouldBlock, "the server loads nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bomb_is_refused_and_costs_little() {
    let dir = tempfile::tempdir().unwrap();
    let w = World::start(dir.path(), &[("ANSER_FILES__QUOTA", "100 MiB")]).await;
    w.rest.create_user("alice").await.unwrap();
    let alice = w.rest.login("alice", "phone").await.unwrap();
    let before = w.server.rss().unwrap();
    // 60,000 × 60,000 pixels in 45 bytes: 14 GB if anyone believed it.
    let mut bomb = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\xea\x60\0\0\xea\x60\x08\x06\0\0\0".to_vec();
    let sum = crc32(&bomb[12..]);
    bomb.extend_from_slice(&sum.to_be_bytes());
    bomb.extend_from_slice(b"\0\0\0\0IDAT\x35\xaf\x06\x1e");
    let said = w.stored(&alice, "x.png", "image/png", &bomb).await;
    assert_eq!(said.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(said.text().await.unwrap().contains("pixels"));
    assert!(w.server.rss().unwrap() < before + (32 << 20));
    let mine = w.get("/v1/files", &alice).await.text().await.unwrap();
    assert!(mine.contains(r#""used":0"#), "{mine}");

    let too_much = json!({"name": "x", "size": 101 << 20});
    let said = w.request(Method::POST, "/v1/files", &alice).json(&too_much).send().await.unwrap();
    assert_eq!(said.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 }
        })
    })
}
