//! Files over HTTP: bytes in pieces, what breaks off, hostile names and types, ranges.

use std::sync::{Arc, Mutex};

use anser_domain::{
    Command, FileCommand, FileContent, FileId, FileRecord, FileReply, FileState, MediaType, Piece,
    Refusal, Reply, UserName,
};
use axum::{
    Router,
    body::{Body, Bytes},
    http::{Request, StatusCode, header},
};
use futures_util::stream;
use sha2::{Digest as _, Sha256};

use crate::fake::{FakeSm, NOW, Said, call, send, web};

const FILE: &str = "/v1/files/77";

/// What an SM would know of the one file there is.
#[derive(Default)]
struct Known {
    file: Option<FileRecord>,
    pieces: Vec<Piece>,
    deleted: bool,
}

/// An SM that keeps one file, as the real one does.
fn keeper() -> (Arc<FakeSm>, Arc<Mutex<Known>>) {
    let known = Arc::new(Mutex::new(Known::default()));
    let keeps = known.clone();
    let sm = FakeSm::new(move |command| {
        let Command::Files(command) = command else { return Some(Reply::Done) };
        Some(answer(&mut keeps.lock().unwrap(), command))
    });
    (sm, known)
}

fn answer(known: &mut Known, command: &FileCommand) -> Reply {
    let one = |file: &FileRecord| Reply::Files(FileReply::File(Box::new(file.clone())));
    if let FileCommand::Begin(new) = command {
        let file = FileRecord {
            id: FileId(77),
            owner: UserName::new("alice").unwrap(),
            name: new.name.clone(),
            media: new.media.clone().unwrap_or_else(MediaType::unknown),
            size: new.size,
            received: 0,
            sha256: new.sha256,
            picture: None,
            public: new.public,
            state: FileState::Uploading,
            created: NOW,
            expires: None,
        };
        return one(known.file.insert(file));
    }
    let Some(file) = &mut known.file else { return Reply::Refused(Refusal::NoSuchFile) };
    match command {
        FileCommand::Wrote { piece, .. } if piece.at != file.received => {
            Reply::Refused(Refusal::Conflict)
        }
        FileCommand::Wrote { piece, .. } => {
            file.received += u64::from(piece.length);
            known.pieces.push(*piece);
            one(file)
        }
        FileCommand::Finish { found, .. } => {
            file.state = FileState::Ready;
            file.sha256 = Some(found.sha256);
            file.media = found.media.clone();
            file.picture = found.picture;
            one(file)
        }
        FileCommand::Open(_) => Reply::Files(FileReply::Content(Box::new(FileContent {
            record: file.clone(),
            pieces: known.pieces.clone(),
        }))),
        FileCommand::Delete(_) => {
            known.deleted = true;
            file.state = FileState::Gone;
            Reply::Done
        }
        _ => one(file),
    }
}

fn post(query: &str, media: &str, body: &[u8]) -> Request<Body> {
    let mut request = call("POST", &format!("/v1/files{query}"), "");
    request.headers_mut().insert(header::CONTENT_TYPE, media.parse().unwrap());
    request.headers_mut().insert(header::CONTENT_LENGTH, body.len().into());
    *request.body_mut() = Body::from(body.to_vec());
    request
}

fn patch(offset: u64, body: impl Into<Body>) -> Request<Body> {
    let mut request = call("PATCH", FILE, "");
    request.headers_mut().insert("upload-offset", offset.into());
    *request.body_mut() = body.into();
    request
}

async fn describe(router: &Router, json: &str) -> Said {
    send(router, call("POST", "/v1/files", json)).await
}

#[tokio::test]
async fn a_file_comes_in_one_request_and_goes_out_harmless() {
    let (sm, _) = keeper();
    let router = web(&sm);
    let page = b"<!doctype html><html><script>alert(1)</script></html>";
    let said = send(&router, post("?name=..%2F..%2Findex.html", "text/html", page)).await;
    assert_eq!(said.status, StatusCode::CREATED, "{}", said.text);
    assert_eq!(said.header("location"), FILE);
    let json = said.json();
    assert_eq!((&json["name"], &json["state"]), (&"index.html".into(), &"ready".into()));
    assert_eq!(json["type"], "application/octet-stream");

    let got = send(&router, call("GET", FILE, "")).await;
    assert_eq!((got.status, got.text.as_bytes()), (StatusCode::OK, &page[..]));
    assert_eq!(got.header("content-type"), "application/octet-stream");
    assert_eq!(got.header("x-content-type-options"), "nosniff");
    assert_eq!(got.header("content-security-policy"), "default-src 'none'; sandbox");
    assert!(got.header("content-disposition").starts_with("attachment; filename=\"index.html\";"));

    let etag = got.header("etag").to_owned();
    let mut again = call("GET", FILE, "");
    again.headers_mut().insert(header::IF_NONE_MATCH, etag.parse().unwrap());
    let again = send(&router, again).await;
    assert_eq!((again.status, again.text.as_str()), (StatusCode::NOT_MODIFIED, ""));
}

#[tokio::test]
async fn a_broken_upload_goes_on_where_it_was() {
    let (sm, known) = keeper();
    let router = web(&sm);
    let whole: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    let sum: String = Sha256::digest(&whole).iter().map(|b| format!("{b:02x}")).collect();
    let json = format!(r#"{{"name":"a.bin","size":{},"sha256":"{sum}"}}"#, whole.len());
    let said = describe(&router, &json).await;
    assert_eq!((said.status, &said.json()["offset"]), (StatusCode::CREATED, &0.into()));

    let parts: Vec<Result<Bytes, std::io::Error>> = whole[..2_500_000]
        .chunks(70_000)
        .map(|part| Ok(Bytes::copy_from_slice(part)))
        .chain([Err(std::io::Error::other("reset"))])
        .collect();
    let broken = send(&router, patch(0, Body::from_stream(stream::iter(parts)))).await;
    assert_eq!(broken.problem(), "malformed");

    // Everything that arrived is there.
    let head = send(&router, call("HEAD", FILE, "")).await;
    assert_eq!(head.status, StatusCode::NO_CONTENT);
    assert_eq!((head.header("upload-offset"), head.header("upload-complete")), ("2500000", "?0"));
    assert_eq!(head.header("upload-length"), "3000000");
    for wrong in [0, 2_499_999, 2_500_001] {
        let said = send(&router, patch(wrong, whole.clone())).await;
        assert_eq!(
            (said.problem().as_str(), said.header("upload-offset")),
            ("upload-offset", "2500000")
        );
    }
    let hidden = send(&router, call("GET", FILE, "")).await;
    assert_eq!(hidden.problem(), "no-such-file");

    let done = send(&router, patch(2_500_000, whole[2_500_000..].to_vec())).await;
    assert_eq!(
        (done.status, done.header("upload-complete")),
        (StatusCode::OK, "?1"),
        "{}",
        done.text
    );
    assert!(known.lock().unwrap().pieces.len() >= 3);
    for (range, status, told, from, until) in [
        ("bytes=0-9", 206, "bytes 0-9/3000000", 0, 10),
        ("bytes=1048570-1048590", 206, "bytes 1048570-1048590/3000000", 1_048_570, 1_048_591),
        ("bytes=-5", 206, "bytes 2999995-2999999/3000000", 2_999_995, 3_000_000),
        ("bytes=3000000-", 416, "bytes */3000000", 0, 0),
    ] {
        let mut request = call("GET", FILE, "");
        request.headers_mut().insert(header::RANGE, range.parse().unwrap());
        let (status_got, told_got, body) = raw(&router, request).await;
        assert_eq!((status_got, told_got.as_str()), (status, told), "{range}");
        if status == 206 {
            assert_eq!(body, &whole[from..until], "{range}");
        }
    }
    let (_, _, body) = raw(&router, call("GET", FILE, "")).await;
    assert!(body == whole);
}

async fn raw(router: &Router, request: Request<Body>) -> (u16, String, Vec<u8>) {
    let response = tower::ServiceExt::oneshot(router.clone(), request).await.unwrap();
    let told = response.headers().get("content-range").map(|it| it.to_str().unwrap().to_owned());
    let status = response.status().as_u16();
    let body = http_body_util::BodyExt::collect(response.into_body()).await.unwrap().to_bytes();
    (status, told.unwrap_or_default(), body.to_vec())
}

#[tokio::test]
async fn content_that_is_not_what_was_said_is_refused_and_given_up() {
    let zeros = "00".repeat(32);
    for (json, body, names) in [
        (format!(r#"{{"name":"x","size":5,"sha256":"{zeros}"}}"#), &b"hello"[..], "sha256"),
        (r#"{"name":"x.png","type":"image/png","size":5}"#.into(), b"hello", "type"),
        (r#"{"name":"x.png","type":"image/png","size":8}"#.into(), b"\x89PNG\r\n\x1a\n", "picture"),
    ] {
        let (sm, known) = keeper();
        let router = web(&sm);
        describe(&router, &json).await;
        let said = send(&router, patch(0, body.to_vec())).await;
        assert_eq!(said.problem(), "invalid", "{json}");
        assert!(said.json()["detail"].as_str().unwrap().contains(names), "{}", said.text);
        assert!(known.lock().unwrap().deleted, "{json}");
        assert_eq!(send(&router, call("GET", FILE, "")).await.problem(), "file-gone");
    }
}

#[tokio::test]
async fn a_body_may_not_be_longer_than_was_said() {
    let (sm, known) = keeper();
    let router = web(&sm);
    describe(&router, r#"{"name":"x","size":4}"#).await;
    assert_eq!(send(&router, patch(0, b"hello".to_vec())).await.problem(), "too-large");
    assert_eq!(known.lock().unwrap().file.as_ref().unwrap().received, 0);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_drips_is_not_waited_for_and_what_came_is_kept() {
    let (sm, known) = keeper();
    let router = web(&sm);
    describe(&router, r#"{"name":"x","size":100000}"#).await;
    let drip = stream::unfold((), |()| async {
        tokio::time::sleep(std::time::Duration::from_secs(10)).await;
        Some((Ok::<_, std::io::Error>(Bytes::from_static(b"drop")), ()))
    });
    let said = send(&router, patch(0, Body::from_stream(drip))).await;
    assert_eq!(said.problem(), "body-timeout");
    let received = known.lock().unwrap().file.as_ref().unwrap().received;
    assert!((8..=12).contains(&received), "{received}");
}

#[tokio::test]
async fn what_is_no_upload_is_said_so() {
    let (sm, _) = keeper();
    let router = web(&sm);
    let mut unnamed = post("", "image/png", b"x");
    assert_eq!(send(&router, unnamed).await.problem(), "invalid");
    unnamed = post("?name=x", "nonsense", b"x");
    assert_eq!(send(&router, unnamed).await.problem(), "invalid");
    let mut endless = post("?name=x", "image/png", b"x");
    endless.headers_mut().remove(header::CONTENT_LENGTH);
    assert_eq!(send(&router, endless).await.problem(), "length-required");
    let mut packed = post("?name=x", "text/plain", b"x");
    packed.headers_mut().insert(header::CONTENT_ENCODING, "gzip".parse().unwrap());
    assert_eq!(send(&router, packed).await.problem(), "media-type");
    for json in [
        r#"{"name":"x"}"#,
        r#"{"name":"x","size":-1}"#,
        r#"{"name":7,"size":1}"#,
        r#"{"name":"x","size":1,"type":"png"}"#,
        r#"{"name":"x","size":1,"sha256":"abc"}"#,
        r#"{"name":"x","size":1,"sha256":"éééééééééééééééééééééééééééééééé"}"#,
    ] {
        assert_eq!(describe(&router, json).await.problem(), "invalid", "{json}");
    }
    assert!(sm.commands().is_empty());

    describe(&router, r#"{"name":"x","size":1}"#).await;
    let no_offset = send(&router, call("PATCH", FILE, "")).await;
    assert_eq!(no_offset.problem(), "malformed");
    for id in ["0x7", "-1", "+7", "99999999999999999999", "..", "a%2Fb"] {
        let said = send(&router, call("GET", &format!("/v1/files/{id}"), "")).await;
        assert_eq!(said.problem(), "invalid", "{id}");
    }
}
