//! Rates by address: told when to come back, this machine and others aside.

use std::num::NonZeroU32;

use anser_domain::Refusal;
use anser_pace::Rate;
use anser_web::{Config, Connection, Rates};
use axum::body::Body;
use http::{Request, StatusCode};

use crate::fake::{FakeSm, call, configured, send};

fn rate(count: u32) -> Option<Rate> {
    let [count, seconds] = [count, 60].map(|n| NonZeroU32::new(n).unwrap());
    Some(Rate { count, seconds })
}

fn from(address: &str, method: &str, uri: &str, body: &str) -> Request<Body> {
    let mut request: Request<Body> = call(method, uri, body);
    let remote = format!("{address}:1").parse().unwrap();
    request.extensions_mut().insert(Connection { remote, tls: true, proxied: false });
    request
}

const LOGIN: &str = r#"{"user":"a","password":"p","device":"d"}"#;

#[tokio::test]
async fn logins_and_anonymous_calls_have_a_rate_by_address() {
    let sm = FakeSm::refusing(Refusal::Busy(std::time::Duration::from_secs(1)));
    let rates = Rates { logins: rate(3), anonymous: rate(5) };
    let trusted_proxies = vec!["10.0.0.9".parse::<std::net::IpAddr>().unwrap().into()];
    let router = configured(Config { rates, trusted_proxies, ..Config::default() }, &sm);
    let login = |address: &str| send(&router, from(address, "POST", "/v1/auth/login", LOGIN));
    for _ in 0..3 {
        assert_eq!(login("192.0.2.1").await.status, StatusCode::SERVICE_UNAVAILABLE);
    }
    let said = login("192.0.2.1").await;
    assert_eq!(
        (said.status, said.problem()),
        (StatusCode::TOO_MANY_REQUESTS, "rate-limited".into())
    );
    assert!(said.headers.contains_key("retry-after"));
    assert_eq!(login("192.0.2.2").await.status, StatusCode::SERVICE_UNAVAILABLE, "another");
    // Behind a believed proxy the address is the one that it names.
    for (client, status) in [("192.0.2.1", 429), ("192.0.2.3", 503)] {
        let mut request = from("10.0.0.9", "POST", "/v1/auth/login", LOGIN);
        request.headers_mut().insert("x-forwarded-for", client.parse().unwrap());
        request.headers_mut().insert("x-forwarded-proto", "https".parse().unwrap());
        assert_eq!(send(&router, request).await.status.as_u16(), status, "{client}");
    }
    let docs = |address: &str| {
        let mut request = from(address, "GET", "/problems", "");
        request.headers_mut().remove("authorization");
        send(&router, request)
    };
    for _ in 0..5 {
        assert_eq!(docs("192.0.2.1").await.status, StatusCode::OK);
    }
    assert_eq!(docs("192.0.2.1").await.status, StatusCode::TOO_MANY_REQUESTS);
    for _ in 0..20 {
        assert_eq!(docs("127.0.0.1").await.status, StatusCode::OK, "this machine");
    }
}

#[tokio::test]
async fn an_address_that_guesses_passwords_waits_longer_and_longer() {
    let sm = FakeSm::refusing(Refusal::BadCredentials);
    let router = configured(Config::default(), &sm);
    let login = || send(&router, from("192.0.2.1", "POST", "/v1/auth/login", LOGIN));
    let mut wrong = 0;
    while login().await.status == StatusCode::UNAUTHORIZED {
        wrong += 1;
        assert!(wrong < 100, "never told to wait");
    }
    assert_eq!(wrong, 51);
    assert_eq!(login().await.problem(), "rate-limited");
}
