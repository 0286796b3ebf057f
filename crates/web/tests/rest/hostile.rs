//! Requests nobody should send: each gets a whole problem that says what is wrong, and none
//! reaches the SM.

use anser_domain::{ConvId, MessageId, Refusal, Reply, Sent, Seq, SyncToken};
use axum::{
    body::{Body, Bytes},
    http::{Request, header},
};
use futures_util::stream;
use proptest::prelude::*;

use crate::fake::{FakeSm, NOW, Said, call, concrete, send, web};

const SEND: &str = "/v1/conversations/u:bob/messages";

fn sent() -> Reply {
    let (conv, seq, id) = (ConvId(1), Seq(1), MessageId(1));
    Reply::Sent(Sent { conv, seq, id, ts: NOW, duplicate: false, prev: SyncToken::NEVER })
}

/// Sends a body that the SM, were it asked, would take.
async fn post(uri: &str, body: impl Into<Body>) -> Said {
    let sm = FakeSm::always(sent());
    let mut request = call("POST", uri, "{}");
    *request.body_mut() = body.into();
    let said = send(&web(&sm), request).await;
    assert_eq!(sm.commands().is_empty(), !said.status.is_success());
    said
}

#[tokio::test]
async fn a_body_cut_at_any_byte_says_where_it_ends() {
    let whole = r#"{"kind":"image","data":{"url":"https://x/\u00e9","w":[1,-2.5e3,true,null]},"reply_to":7,"mentions":["bob"]}"#;
    for end in 0..whole.len() {
        let said = post(SEND, &whole.as_bytes()[..end]).await;
        assert_eq!(said.problem(), "malformed", "cut at {end}");
        let json = said.json();
        assert_eq!(json["line"], 1, "cut at {end}: {json}");
        assert!(json["column"].as_u64().unwrap() as usize <= end, "cut at {end}: {json}");
    }
    assert!(post(SEND, whole).await.status.is_success());
}

#[tokio::test]
async fn what_is_not_json_is_malformed() {
    for body in [
        &b""[..],
        b" ",
        br#"{"kind":"text","text":"x"}{}"#,
        br#"{"kind":"text","text":"x"} x"#,
        b"\xef\xbb\xbf{}",
        b"{'kind':'text'}",
        br#"{"kind":"text","text":"x",}"#,
        b"{\"kind\":\"text\",\"text\":\"\xff\xfe\"}",
        b"{\"kind\":\"text\",\"text\":\"\xc0\x80\"}",
        b"{\"kind\":\"text\",\"text\":\"\xed\xa0\x80\"}",
        b"{\"kind\":\"text\",\"text\":\"x\",\"unknown\":\"\xff\"}",
        b"{\"kind\":\"text\",\"text\":\"a\nb\"}",
        br#"{"kind":"text","text":"\ud800"}"#,
        br#"{"kind":"text","text":"\u12"}"#,
        br#"{"kind":"text","text":"x","reply_to":01}"#,
        br#"{"kind":"text","text":"x","reply_to":NaN}"#,
        br#"{"kind":"text","text":"x","extra":[}"#,
    ] {
        let said = post(SEND, body).await;
        assert_eq!(said.problem(), "malformed", "{}", String::from_utf8_lossy(body));
        assert!(said.json()["line"].is_u64());
    }
}

#[tokio::test]
async fn json_of_another_shape_is_invalid_and_names_the_field() {
    for (body, names) in [
        (r#"[]"#, "object"),
        (r#"["text","x",null,null,[]]"#, "object"),
        (r#"null"#, "object"),
        (r#""kind""#, "object"),
        (r#"{}"#, "kind"),
        (r#"{"kind":null}"#, "kind"),
        (r#"{"kind":7,"text":"x"}"#, "kind"),
        (r#"{"kind":"text"}"#, "text"),
        (r#"{"kind":"text","text":["x"]}"#, "text"),
        (r#"{"kind":"text","text":"x","data":{}}"#, "text"),
        (r#"{"kind":"text","text":"x","reply_to":"7"}"#, "reply_to"),
        (r#"{"kind":"text","text":"x","reply_to":-1}"#, "reply_to"),
        (r#"{"kind":"text","text":"x","reply_to":1.5}"#, "reply_to"),
        (r#"{"kind":"text","text":"x","reply_to":18446744073709551616}"#, "reply_to"),
        (r#"{"kind":"text","text":"x","reply_to":1e999}"#, "out of range"),
        (r#"{"kind":"text","text":"x","mentions":"bob"}"#, "mentions"),
        (r#"{"kind":"text","text":"x","mentions":["bob",1]}"#, "mentions[1]"),
        (r#"{"kind":"text","text":"x","mentions":["a b"]}"#, "mentions"),
        (r#"{"kind":"text","text":"x","mentions":null}"#, "mentions"),
        (r#"{"kind":"text","text":"x","text":"y"}"#, "text"),
        (r#"{"kind":"event","data":{}}"#, "kind"),
        (r#"{"kind":"TEXT","text":"x"}"#, "kind"),
        (r#"{"kind":"video","data":{}}"#, "kind"),
        (r#"{"kind":"image"}"#, "data"),
        (r#"{"kind":"image","text":"x"}"#, "data"),
        (r#"{"kind":"image","data":{},"text":"x"}"#, "data"),
        (r#"{"kind":"image","data":[]}"#, "data"),
        (r#"{"kind":"file","data":"x"}"#, "data"),
        (r#"{"kind":"file","data":1}"#, "data"),
    ] {
        let said = post(SEND, body).await;
        let detail = said.json()["detail"].as_str().unwrap().to_owned();
        let problem = said.problem();
        // A number too large for any type is found while reading, before the field is known.
        let expected = if names == "out of range" { "malformed" } else { "invalid" };
        assert_eq!(problem, expected, "{body}");
        assert!(detail.contains(names), "{body}: {detail}");
    }
}

#[tokio::test]
async fn every_call_with_a_body_refuses_the_wrong_one() {
    let document = serde_json::to_value(anser_web::document()).unwrap();
    let router = web(&FakeSm::always(Reply::Done));
    let mut tried = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        let uri = concrete(path);
        for (method, operation) in item.as_object().unwrap() {
            // A file may be anything, and a bad line of an import stops no other: they have tests
            // of their own.
            let lenient = path.starts_with("/v1/files") || path == "/v1/admin/import";
            if operation.get("requestBody").is_none() || lenient {
                continue;
            }
            tried += 1;
            let method = method.to_uppercase();
            for (body, problem) in [("{", "malformed"), ("[1]", "invalid"), ("7", "invalid")] {
                let said = send(&router, call(&method, &uri, body)).await;
                assert_eq!(said.problem(), problem, "{method} {uri} {body}");
            }
            let mut plain = call(&method, &uri, "{}");
            plain.headers_mut().insert(header::CONTENT_TYPE, "text/plain".parse().unwrap());
            assert_eq!(send(&router, plain).await.problem(), "media-type", "{method} {uri}");
        }
    }
    assert_eq!(tried, 35);
}

#[tokio::test]
async fn unknown_fields_are_ignored_however_deep() {
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    let body = format!(r#"{{"kind":"text","text":"x","colour":"red","later":{deep}}}"#);
    assert!(post(SEND, body).await.status.is_success());
}

#[tokio::test]
async fn nesting_has_a_floor() {
    for (depth, problem) in [(64, None), (65, Some("invalid")), (100_000, Some("invalid"))] {
        let data = "[".repeat(depth) + &"]".repeat(depth);
        let said = post(SEND, format!(r#"{{"kind":"custom","data":{data}}}"#)).await;
        match problem {
            None => assert!(said.status.is_success(), "{depth}"),
            Some(problem) => assert_eq!(said.problem(), problem, "{depth}"),
        }
    }
}

#[tokio::test]
async fn a_body_beyond_the_bound_is_too_large_announced_or_not() {
    let text = |len: usize| format!(r#"{{"kind":"text","text":"{}"}}"#, "x".repeat(len));
    assert_eq!(post(SEND, text(2 << 20)).await.problem(), "too-large");

    let chunk = Bytes::from(vec![b' '; 64 << 10]);
    let endless = stream::repeat_with(move || Ok::<_, std::io::Error>(chunk.clone()));
    assert_eq!(post(SEND, Body::from_stream(endless)).await.problem(), "too-large");

    let sm = FakeSm::always(sent());
    let mut lying = call("POST", SEND, "{}");
    let length = u64::MAX.to_string().parse().unwrap();
    lying.headers_mut().insert(header::CONTENT_LENGTH, length);
    assert_eq!(send(&web(&sm), lying).await.problem(), "too-large");

    assert!(post(SEND, text(500_000)).await.status.is_success());
}

#[tokio::test]
async fn a_body_that_breaks_off_is_malformed() {
    let parts = [Ok(Bytes::from_static(b"{")), Err(std::io::Error::other("secret: reset by peer"))];
    let said = post(SEND, Body::from_stream(stream::iter(parts))).await;
    assert_eq!(said.problem(), "malformed");
    assert!(!said.text.contains("secret"));
}

#[tokio::test]
async fn only_json_is_read() {
    let sm = FakeSm::always(sent());
    let body = r#"{"kind":"text","text":"x"}"#;
    for (media, taken) in [
        ("application/json", true),
        ("Application/JSON; charset=utf-8", true),
        ("application/vnd.anser+json", true),
        ("text/plain", false),
        ("application/x-www-form-urlencoded", false),
        ("multipart/form-data", false),
        ("application/jsonx", false),
        ("text/json", false),
        ("", false),
        ("\u{e9}", false),
    ] {
        let mut request = call("POST", SEND, body);
        request.headers_mut().insert(header::CONTENT_TYPE, media.parse().unwrap());
        let said = send(&web(&sm), request).await;
        match taken {
            true => assert!(said.status.is_success(), "{media}"),
            false => assert_eq!(said.problem(), "media-type", "{media}"),
        }
    }
    let mut request = call("POST", SEND, body);
    request.headers_mut().remove(header::CONTENT_TYPE);
    assert_eq!(send(&web(&sm), request).await.problem(), "media-type");

    for (coding, taken) in [("gzip", false), ("zstd", false), ("identity", true)] {
        let mut request = call("POST", SEND, body);
        request.headers_mut().insert(header::CONTENT_ENCODING, coding.parse().unwrap());
        assert_eq!(send(&web(&sm), request).await.status.is_success(), taken, "{coding}");
    }
}

#[tokio::test]
async fn paths_that_name_nothing() {
    let router = web(&FakeSm::always(sent()));
    for (conv, problem) in [
        ("bob", "invalid"),
        ("x:bob", "invalid"),
        ("u:", "invalid"),
        ("u:a%20b", "invalid"),
        ("u:a%2Fb", "invalid"),
        ("u:a%00b", "invalid"),
        ("u:%ff%fe", "malformed"),
        ("u:%E9%B8", "malformed"),
        ("u:%zz", "invalid"),
        ("u:%", "invalid"),
        ("u:%25", "invalid"),
        ("g:a:b", "invalid"),
        ("..", "invalid"),
        ("%2e%2e", "invalid"),
    ] {
        let uri = format!("/v1/conversations/{conv}/messages");
        let said = send(&router, call("GET", &uri, "")).await;
        // `%` is a name by the letter of the rules; that goes to the SM, which has none.
        assert!([problem, "internal"].contains(&said.problem().as_str()), "{conv}: {}", said.text);
    }
    let long = format!("/v1/users/{}", "a".repeat(65));
    assert_eq!(send(&router, call("GET", &long, "")).await.problem(), "invalid");
}

#[tokio::test]
async fn queries_that_ask_for_nonsense() {
    let sm = FakeSm::refusing(Refusal::Forbidden);
    let router = web(&sm);
    for query in [
        "limit=0",
        "limit=-1",
        "limit=x",
        "limit=",
        "limit=1.5",
        "limit=99999999999999999999",
        "before=x",
        "before=-1",
        "before=18446744073709551616",
        "before=1&after=2",
        "before=1&before=2",
        "limit=1&limit=1",
        "before=%ff",
    ] {
        let uri = format!("{SEND}?{query}");
        assert_eq!(send(&router, call("GET", &uri, "")).await.problem(), "invalid", "{query}");
    }
    for query in ["cursor=x", "cursor=-1", "cursor=", "cursor=1&cursor=2", "unknown=%ff"] {
        let uri = format!("/v1/conversations?{query}");
        assert_eq!(send(&router, call("GET", &uri, "")).await.problem(), "invalid", "{query}");
    }
    for query in ["cursor=a%20b", "cursor=%ff", "cursor="] {
        for path in ["/v1/groups/g/members", "/v1/admin/users"] {
            let uri = format!("{path}?{query}");
            assert_eq!(send(&router, call("GET", &uri, "")).await.problem(), "invalid", "{uri}");
        }
    }
    assert!(sm.commands().is_empty());
}

#[tokio::test]
async fn what_was_sent_wrong_is_not_sent_back_whole() {
    let name = "x".repeat(100_000);
    let body = format!(r#"{{"kind":"text","text":"x","reply_to":"{name}"}}"#);
    let said = post(SEND, body).await;
    assert_eq!(said.problem(), "invalid");
    assert!(said.text.len() < 1000, "{}", said.text.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Any bytes, at any call: an answer with a status that is not the server's fault, except
    /// where the scripted SM gave the wrong kind of reply.
    #[test]
    fn any_bytes_get_an_answer(body in proptest::collection::vec(any::<u8>(), 0..300), which in 0..6_usize) {
        let uris = [SEND, "/v1/auth/login", "/v1/auth/refresh", "/v1/groups", "/v1/users", "/v1/admin/users"];
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let router = web(&FakeSm::refusing(Refusal::Forbidden));
            let mut request: Request<Body> = call("POST", uris[which], "{}");
            *request.body_mut() = body.into();
            let said = send(&router, request).await;
            prop_assert!(said.status.is_client_error(), "{}", said.text);
            said.problem();
            Ok(())
        })?;
    }
}
