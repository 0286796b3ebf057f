//! `Idempotency-Key` to client id, and what happens without one.

use std::sync::Arc;

use anser_domain::{ClientId, Command, ConvId, MessageId, Refusal, Reply, Sent, Seq, SyncToken};
use axum::http::{HeaderValue, Request};

use crate::fake::{FakeSm, NOW, Said, call, send, web};

const UUID: &str = "0198c0de-0000-7000-8000-000000000001";

fn sent() -> Reply {
    let (conv, seq, id) = (ConvId(1), Seq(1), MessageId(1));
    Reply::Sent(Sent { conv, seq, id, ts: NOW, duplicate: false, prev: SyncToken::NEVER })
}

fn client_id(command: &Command) -> ClientId {
    match command {
        Command::Send(outgoing) => outgoing.client_id,
        Command::CreateGroup(new) => new.client_id,
        Command::Change(change) => change.client_id,
        other => panic!("{other:?}"),
    }
}

/// Every call that takes a key.
const CALLS: &[(&str, &str, &str)] = &[
    ("POST", "/v1/conversations/u:bob/messages", r#"{"kind":"text","text":"x"}"#),
    ("POST", "/v1/groups", r#"{"id":"g"}"#),
    ("POST", "/v1/groups/g/members", r#"{"users":["bob"]}"#),
    ("PUT", "/v1/groups/g/members/bob/role", r#"{"role":"admin"}"#),
    ("DELETE", "/v1/groups/g/members/bob", ""),
];

async fn keyed(sm: &Arc<FakeSm>, (method, uri, body): (&str, &str, &str), keys: &[&[u8]]) -> Said {
    let mut request: Request<_> = call(method, uri, body);
    for key in keys {
        request.headers_mut().append("idempotency-key", HeaderValue::from_bytes(key).unwrap());
    }
    send(&web(sm), request).await
}

#[tokio::test]
async fn a_key_is_the_client_id_and_comes_back() {
    for call in CALLS {
        for (key, same_as) in [
            (UUID, UUID),
            ("\"0198c0de-0000-7000-8000-000000000001\"", UUID),
            ("order-17", "order-17"),
            ("\"order-17\"", "order-17"),
            ("\"", "\""),
        ] {
            let sm = FakeSm::always(sent());
            let said = keyed(&sm, *call, &[key.as_bytes()]).await;
            assert!(said.status.is_success(), "{}", said.text);
            assert_eq!(client_id(&sm.commands()[0]), ClientId::from_text(same_as), "{key}");
            assert_eq!(said.header("idempotency-key"), key);
        }
    }
}

#[tokio::test]
async fn without_a_key_there_is_a_fresh_one_of_now_that_the_answer_tells() {
    for call in CALLS {
        let sm = FakeSm::always(sent());
        let said = keyed(&sm, *call, &[]).await;
        let second = keyed(&sm, *call, &[]).await;
        let ids: Vec<_> = sm.commands().iter().map(client_id).collect();
        assert_ne!(ids[0], ids[1]);
        assert_eq!(ids[0].time(), Some(NOW), "a UUIDv7 by the server's clock");
        assert_eq!(said.header("idempotency-key"), ids[0].to_string());
        assert_eq!(second.header("idempotency-key"), ids[1].to_string());
    }
}

#[tokio::test]
async fn a_refused_send_tells_its_key_too_so_that_it_can_be_sent_again() {
    let sm = FakeSm::refusing(Refusal::Unavailable);
    let said = keyed(&sm, CALLS[0], &[]).await;
    assert_eq!(said.problem(), "store-unavailable");
    assert_eq!(said.header("idempotency-key"), client_id(&sm.commands()[0]).to_string());
}

#[tokio::test]
async fn odd_keys_are_refused() {
    let long = "k".repeat(256);
    let sm = FakeSm::always(sent());
    for keys in [
        &[&b""[..]][..],
        &[b"\"\""],
        &[long.as_bytes()],
        &["clé".as_bytes()],
        &[b"\xff"],
        &[b"a", b"a"],
        &[b"a", b"b"],
    ] {
        assert_eq!(keyed(&sm, CALLS[0], keys).await.problem(), "malformed", "{keys:?}");
    }
    assert!(sm.commands().is_empty());
    assert!(keyed(&sm, CALLS[0], &[&long.as_bytes()[..255]]).await.status.is_success());
}
