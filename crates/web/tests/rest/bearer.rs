//! Who may not even ask: tokens that are missing, odd or too long, and passwords in the open.

use std::net::SocketAddr;

use anser_domain::{Caller, Refusal, Secret};
use anser_web::{Config, Connection};
use axum::{
    body::Body,
    http::{Request, header},
};

use crate::fake::{FakeSm, call, configured, request, send, web};

async fn with(authorization: &[&str]) -> (Vec<Caller>, crate::fake::Said) {
    let sm = FakeSm::refusing(Refusal::Forbidden);
    let mut get = request("GET", "/v1/me");
    for value in authorization {
        get = get.header(header::AUTHORIZATION, *value);
    }
    let said = send(&web(&sm), get.body(Body::empty()).unwrap()).await;
    (sm.callers(), said)
}

#[tokio::test]
async fn the_token_is_handed_on_and_never_judged_here() {
    for value in ["Bearer abc.DEF-_~+/1==", "bearer abc.DEF-_~+/1==", "BEARER  abc.DEF-_~+/1=="] {
        let (callers, said) = with(&[value]).await;
        assert_eq!(callers, [Caller::Bearer(Secret::new("abc.DEF-_~+/1=="))], "{value}");
        assert_eq!(said.problem(), "forbidden");
    }
}

#[tokio::test]
async fn without_a_token_there_is_a_challenge() {
    for values in [&[][..], &["Basic YTpi"], &["Bearer"], &["token"]] {
        let (callers, said) = with(values).await;
        assert!(callers.is_empty());
        assert_eq!(said.problem(), "unauthenticated", "{values:?}");
        assert_eq!(said.header("www-authenticate"), r#"Bearer realm="anser""#);
    }
    let long = format!("Bearer {}", "a".repeat(5000));
    for value in ["Bearer a b", "Bearer =", "Bearer a,b", "Bearer é", &long] {
        let (callers, said) = with(&[value]).await;
        assert!(callers.is_empty());
        assert!(["bad-credentials", "unauthenticated"].contains(&said.problem().as_str()));
        assert!(!said.text.contains("a,b") && said.text.len() < 500, "no echo: {}", said.text);
    }
    let (callers, said) = with(&["Bearer a", "Bearer b"]).await;
    assert!(callers.is_empty());
    assert_eq!(said.problem(), "malformed");
}

#[tokio::test]
async fn passwords_need_tls_or_this_machine() {
    let sm = FakeSm::refusing(Refusal::BadCredentials);
    let trusted_proxies = vec!["10.0.0.9/32".parse().unwrap()];
    let router = configured(Config { trusted_proxies, ..Config::default() }, &sm);
    let near = |tls| Connection { remote: ([127, 0, 0, 1], 1).into(), tls, proxied: false };
    let mapped: SocketAddr = "[::ffff:127.0.0.1]:1".parse().unwrap();
    let far = |tls| Connection { remote: ([10, 0, 0, 2], 1).into(), tls, proxied: false };
    let proxy = Connection { remote: ([10, 0, 0, 9], 1).into(), tls: false, proxied: false };
    let https = Some(("x-forwarded-proto", "https"));
    let http = Some(("x-forwarded-proto", "http"));
    let for_someone = Some(("x-forwarded-for", "192.0.2.1"));
    for (connection, forwarded, taken) in [
        (Some(near(false)), None, true),
        (Some(Connection { remote: mapped, ..near(false) }), None, true),
        (Some(far(true)), None, true),
        (Some(proxy), https, true),
        (Some(far(false)), None, false),
        (Some(far(false)), https, false),
        (Some(proxy), http, false),
        (Some(proxy), None, false),
        (Some(near(false)), for_someone, false),
        (Some(near(false)), https, false),
        (Some(Connection { proxied: true, ..near(false) }), None, false),
        (None, None, false),
    ] {
        for (method, uri, body) in [
            ("POST", "/v1/auth/login", r#"{"user":"a","password":"p","device":"d"}"#),
            ("POST", "/v1/auth/password", r#"{"old_password":"a","new_password":"b"}"#),
            ("POST", "/v1/users", r#"{"user":"a","password":"p"}"#),
            ("POST", "/v1/admin/users", r#"{"user":"a","password":"p"}"#),
            ("PUT", "/v1/admin/users/bob/password", r#"{"password":"p"}"#),
        ] {
            let mut request: Request<Body> = call(method, uri, body);
            request.extensions_mut().clear();
            if let Some(connection) = connection {
                request.extensions_mut().insert(connection);
            }
            if let Some((name, value)) = forwarded {
                request.headers_mut().insert(name, value.parse().unwrap());
            }
            let expected = if taken { "bad-credentials" } else { "insecure-transport" };
            let problem = send(&router, request).await.problem();
            assert_eq!(problem, expected, "{uri} {connection:?} {forwarded:?}");
        }
    }
}
