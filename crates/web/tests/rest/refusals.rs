//! Every refusal as a problem: status, type and headers.

use std::time::Duration;

use anser_domain::{Millis, Refusal};
use serde_json::json;

use crate::fake::{FakeSm, call, send, web};

const RETRY: Duration = Duration::from_secs(3);

/// What each refusal becomes, with `Retry-After` where there is one.
fn table() -> Vec<(Refusal, u16, &'static str, Option<u64>)> {
    vec![
        (Refusal::BadCredentials, 401, "bad-credentials", None),
        (Refusal::Expired, 401, "expired", None),
        (Refusal::Disabled, 403, "disabled", None),
        (Refusal::Revoked, 401, "revoked", None),
        (Refusal::TakenOver, 409, "taken-over", None),
        (Refusal::Forbidden, 403, "forbidden", None),
        (Refusal::NotMember, 404, "not-member", None),
        (Refusal::NoSuchUser, 404, "no-such-user", None),
        (Refusal::NameTaken, 409, "name-taken", None),
        (Refusal::Conflict, 409, "idempotency-conflict", None),
        (Refusal::StaleClientId, 422, "stale-idempotency-key", None),
        (Refusal::Invalid("a title has at most 100 bytes"), 422, "invalid", None),
        (Refusal::TooLarge("a message has at most 64 KiB"), 413, "too-large", None),
        (Refusal::OutOfOrder, 409, "out-of-order", Some(0)),
        (Refusal::RateLimited(RETRY), 429, "rate-limited", Some(3)),
        (Refusal::Busy(RETRY), 503, "busy", Some(3)),
        (Refusal::Unavailable, 503, "store-unavailable", Some(1)),
        (Refusal::Draining, 503, "draining", Some(1)),
        (Refusal::NoSuch("webhook"), 404, "no-such", None),
        (Refusal::Denied("mind your words".into()), 403, "denied", None),
        (Refusal::Muted(Millis(32_503_680_000_000)), 403, "muted", None),
    ]
}

/// One call per kind of answer; none may swallow a refusal.
const CALLS: &[(&str, &str, &str)] = &[
    ("POST", "/v1/auth/login", r#"{"user":"a","password":"p","device":"d"}"#),
    ("POST", "/v1/auth/refresh", r#"{"refresh_token":"r"}"#),
    ("POST", "/v1/auth/logout", ""),
    ("POST", "/v1/auth/password", r#"{"old_password":"a","new_password":"b"}"#),
    ("GET", "/v1/me", ""),
    ("PATCH", "/v1/me", r#"{"display_name":"x"}"#),
    ("GET", "/v1/users/bob", ""),
    ("POST", "/v1/users", r#"{"user":"a","password":"p"}"#),
    ("GET", "/v1/devices", ""),
    ("DELETE", "/v1/devices/d", ""),
    ("GET", "/v1/devices/d/push", ""),
    ("PUT", "/v1/devices/d/push", r#"{"provider":"apns","token":"ab","app":"org.x"}"#),
    ("DELETE", "/v1/devices/d/push", ""),
    ("GET", "/v1/conversations", ""),
    ("PUT", "/v1/conversations/u:bob/read", r#"{"seq":1}"#),
    ("GET", "/v1/conversations/u:bob/messages", ""),
    ("POST", "/v1/conversations/u:bob/messages", r#"{"kind":"text","text":"x"}"#),
    ("POST", "/v1/groups", r#"{"id":"g"}"#),
    ("GET", "/v1/groups/g", ""),
    ("GET", "/v1/groups/g/members", ""),
    ("POST", "/v1/groups/g/members", r#"{"users":["bob"]}"#),
    ("DELETE", "/v1/groups/g/members/bob", ""),
    ("PUT", "/v1/groups/g/members/bob/role", r#"{"role":"admin"}"#),
    ("POST", "/v1/groups/g/leave", ""),
    ("GET", "/v1/groups", ""),
    ("PATCH", "/v1/groups/g", r#"{"title":"x"}"#),
    ("DELETE", "/v1/groups/g", ""),
    ("PATCH", "/v1/groups/g/policy", r#"{"join":"open"}"#),
    ("PUT", "/v1/groups/g/members/bob/mute", r#"{"until":1}"#),
    ("DELETE", "/v1/groups/g/members/bob/mute", ""),
    ("POST", "/v1/groups/g/transfer", r#"{"user":"bob"}"#),
    ("GET", "/v1/groups/g/invitations", ""),
    ("POST", "/v1/groups/g/invitations", r#"{"users":["bob"]}"#),
    ("DELETE", "/v1/groups/g/invitations/bob", ""),
    ("GET", "/v1/invitations", ""),
    ("POST", "/v1/invitations/g/accept", ""),
    ("POST", "/v1/invitations/g/decline", ""),
    ("POST", "/v1/groups/g/join", "{}"),
    ("DELETE", "/v1/groups/g/join", ""),
    ("GET", "/v1/groups/g/requests", ""),
    ("POST", "/v1/groups/g/requests/bob/accept", ""),
    ("POST", "/v1/groups/g/requests/bob/decline", ""),
    ("GET", "/v1/admin/users", ""),
    ("POST", "/v1/admin/users", r#"{"user":"a","password":"p"}"#),
    ("PUT", "/v1/admin/users/bob/password", r#"{"password":"p"}"#),
    ("PUT", "/v1/admin/users/bob/disabled", r#"{"disabled":true}"#),
    ("GET", "/v1/admin/users/bob", ""),
    ("PATCH", "/v1/admin/users/bob", r#"{"display_name":"B"}"#),
    ("PUT", "/v1/admin/users/bob/ban", r#"{"reason":"spam"}"#),
    ("DELETE", "/v1/admin/users/bob/ban", ""),
    ("GET", "/v1/admin/users/bob/sessions", ""),
    ("DELETE", "/v1/admin/users/bob/sessions", ""),
    ("DELETE", "/v1/admin/users/bob/sessions/laptop", ""),
    ("GET", "/v1/admin/groups", ""),
    ("GET", "/v1/admin/groups/g/members", ""),
    ("POST", "/v1/admin/groups/g/members", r#"{"users":["bob"],"role":"member"}"#),
    ("DELETE", "/v1/admin/groups/g/members/bob", ""),
    ("GET", "/v1/admin/webhooks", ""),
    ("PUT", "/v1/admin/webhooks/app", r#"{"url":"https://app.example"}"#),
    ("DELETE", "/v1/admin/webhooks/app", ""),
    ("GET", "/v1/admin/webhooks/app/dead", ""),
    ("POST", "/v1/admin/webhooks/app/dead/7/replay", ""),
    ("POST", "/v1/admin/webhooks/app/replay", r#"{"since":"0"}"#),
    (
        "POST",
        "/v1/admin/messages",
        r#"{"from":"a","to":"u:bob","message":{"kind":"text","text":"x"}}"#,
    ),
    ("POST", "/v1/admin/notices", r#"{"users":["bob"],"message":{"kind":"text","text":"x"}}"#),
    ("GET", "/v1/admin/export", ""),
    ("POST", "/v1/admin/import", ""),
    ("POST", "/v1/admin/users/bob/anonymise", ""),
    ("DELETE", "/v1/admin/groups/g", ""),
    ("GET", "/v1/admin/users/bob/conversations/u:a/messages", ""),
    ("GET", "/v1/push/services", ""),
    ("GET", "/v1/admin/statistics", ""),
    ("GET", "/v1/admin/keys", ""),
    ("POST", "/v1/admin/keys", r#"{"name":"k","scopes":["users:read"]}"#),
    ("DELETE", "/v1/admin/keys/1", ""),
    ("GET", "/v1/admin/audit", ""),
    ("GET", "/v1/users?query=bob", ""),
    ("GET", "/v1/friends", ""),
    ("PATCH", "/v1/friends/bob", r#"{"remark":"x"}"#),
    ("DELETE", "/v1/friends/bob", ""),
    ("GET", "/v1/friends/requests", ""),
    ("POST", "/v1/friends/requests", r#"{"user":"bob"}"#),
    ("DELETE", "/v1/friends/requests/7", ""),
    ("POST", "/v1/friends/requests/7/accept", ""),
    ("POST", "/v1/friends/requests/7/decline", ""),
    ("GET", "/v1/blocks", ""),
    ("GET", "/v1/blocks/bob", ""),
    ("PUT", "/v1/blocks/bob", ""),
    ("DELETE", "/v1/blocks/bob", ""),
    ("GET", "/v1/items", ""),
    ("GET", "/v1/items/draft/u:bob", ""),
    ("PUT", "/v1/items/draft/u:bob", r#"{"value":1}"#),
    ("DELETE", "/v1/items/draft/u:bob", ""),
    ("PATCH", "/v1/conversations/u:bob", r#"{"pinned":true}"#),
    ("POST", "/v1/conversations/u:bob/clear", r#"{"seq":1}"#),
    ("DELETE", "/v1/conversations/u:bob/messages/7", ""),
    ("POST", "/v1/conversations/u:bob/messages/7/recall", ""),
    ("POST", "/v1/conversations/u:bob/messages/7/edit", r#"{"kind":"text","text":"x"}"#),
    ("GET", "/v1/conversations/u:bob/messages/7/reactions", ""),
    ("POST", "/v1/conversations/u:bob/messages/7/reactions", r#"{"reaction":"+1","on":true}"#),
    ("GET", "/v1/conversations/u:bob/messages/7/receipts", ""),
    ("GET", "/v1/conversations/u:bob/pins", ""),
    ("PUT", "/v1/conversations/u:bob/pins/7", ""),
    ("DELETE", "/v1/conversations/u:bob/pins/7", ""),
    ("GET", "/v1/search?query=x", ""),
    ("GET", "/v1/files", ""),
    ("POST", "/v1/files", r#"{"name":"a.txt","type":"text/plain","size":3}"#),
    ("GET", "/v1/files/7", ""),
    ("DELETE", "/v1/files/7", ""),
    ("GET", "/v1/files/7/info", ""),
    ("GET", "/v1/files/7/thumbnail", ""),
];

#[tokio::test]
async fn every_refusal_of_every_call_is_its_problem() {
    for (refusal, status, slug, retry_after) in table() {
        let router = web(&FakeSm::refusing(refusal.clone()));
        for (method, uri, body) in CALLS {
            let said = send(&router, call(method, uri, *body)).await;
            assert_eq!((said.status.as_u16(), said.problem().as_str()), (status, slug), "{uri}");
            let json = said.json();
            assert_eq!(json["detail"], refusal.to_string());
            let header = retry_after.map(|s| s.to_string()).unwrap_or_default();
            assert_eq!(said.header("retry-after"), header, "{refusal:?}");
            assert_eq!(json.get("retry_after"), retry_after.map(|s| json!(s)).as_ref());
            let challenge = said.header("www-authenticate");
            assert_eq!(challenge.starts_with("Bearer realm=\"anser\""), status == 401);
        }
    }
}

#[tokio::test]
async fn every_call_of_the_document_is_among_those_tried() {
    let document = serde_json::to_value(anser_web::document()).unwrap();
    let items = document["paths"].as_object().unwrap().values();
    let methods = items.flat_map(|item| item.as_object().unwrap().keys());
    // HEAD has no body to tell a problem in; files.rs has what is sent in pieces.
    let elsewhere = 1;
    let calls = methods.filter(|method| *method != "head").count() - elsewhere;
    assert_eq!(calls, CALLS.len());
}

#[tokio::test]
async fn nothing_is_there_and_nothing_takes_it() {
    let router = web(&FakeSm::refusing(Refusal::Forbidden));
    for path in ["/nope", "/v1", "/v1/users/", "/v1/users/bob/x", "/v1//me", "/v2/me", "/ws"] {
        assert_eq!(send(&router, call("GET", path, "")).await.problem(), "not-found", "{path}");
    }
    let said = send(&router, call("DELETE", "/v1/me", "")).await;
    assert_eq!(said.problem(), "method-not-allowed");
    let mut allowed: Vec<_> = said.header("allow").split(',').map(str::trim).collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["GET", "HEAD", "PATCH"]);
}
