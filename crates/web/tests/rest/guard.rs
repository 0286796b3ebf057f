//! Host, Origin and the headers of every answer (DESIGN promise 10).

use anser_domain::Refusal;
use anser_web::{Config, Guard};
use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};

use crate::fake::{FakeSm, Said, configured, send};

fn config() -> Config {
    Config {
        allowed_hosts: vec!["Chat.Example".to_owned()],
        allowed_origins: vec!["https://app.example".parse().unwrap()],
        ..Config::default()
    }
}

async fn ask(config: Config, hosts: &[&str], origins: &[&str]) -> Said {
    let router = configured(config, &FakeSm::refusing(Refusal::Forbidden));
    send(&router, get("/v1/me", hosts, origins)).await
}

fn get(uri: &str, hosts: &[&str], origins: &[&str]) -> Request<Body> {
    let mut get = Request::get(uri).header(header::AUTHORIZATION, "Bearer t");
    for host in hosts {
        get = get.header(header::HOST, *host);
    }
    for origin in origins {
        get = get.header(header::ORIGIN, *origin);
    }
    get.body(Body::empty()).unwrap()
}

/// Where a request ends that was let in.
const IN: &str = "forbidden";

#[tokio::test]
async fn only_own_names_and_addresses_are_answered_to() {
    for host in [
        "localhost",
        "LOCALHOST:8080",
        "localhost.",
        "app.localhost:1",
        "127.0.0.1:8080",
        "[::1]:8080",
        "192.168.1.7",
        "chat.example",
        "CHAT.example:443",
    ] {
        assert_eq!(ask(config(), &[host], &[]).await.problem(), IN, "{host}");
    }
    for host in [
        "evil.example",
        "localhost.evil.example",
        "notlocalhost",
        "chat.example.evil",
        "xchat.example",
        "127.0.0.1.evil",
        "[evil]",
    ] {
        let problem = ask(config(), &[host], &[]).await.problem();
        assert!(["misdirected", "malformed"].contains(&problem.as_str()), "{host} {problem}");
    }
    for hosts in [&[][..], &[""], &["a@localhost"], &["localhost", "localhost"], &["local host"]] {
        assert_eq!(ask(config(), hosts, &[]).await.problem(), "malformed", "{hosts:?}");
    }
    let host = ask(Config::default(), &["chat.example"], &[]).await.problem();
    assert_eq!(host, "misdirected", "names are not known unless configured");
}

#[tokio::test]
async fn an_absolute_target_counts_more_than_the_host_header() {
    let router = configured(config(), &FakeSm::refusing(Refusal::Forbidden));
    let said = send(&router, get("http://evil.example/v1/me", &["localhost"], &[])).await;
    assert_eq!(said.problem(), "misdirected");
    let said = send(&router, get("http://localhost/v1/me", &["evil.example"], &[])).await;
    assert_eq!(said.problem(), IN);
}

#[tokio::test]
async fn pages_of_other_sites_are_not_let_in() {
    for (host, origin) in [
        ("localhost:8080", "http://localhost:8080"),
        ("localhost", "http://localhost"),
        ("chat.example", "https://chat.example"),
        ("127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("localhost:8080", "https://app.example"),
    ] {
        assert_eq!(ask(config(), &[host], &[origin]).await.problem(), IN, "{host} {origin}");
    }
    for (host, origin) in [
        ("localhost:8080", "http://localhost:3000"),
        ("localhost:8080", "http://localhost"),
        ("localhost:8080", "http://127.0.0.1:8080"),
        ("localhost:8080", "null"),
        ("localhost:8080", ""),
        ("localhost:8080", "https://app.example.evil"),
        ("localhost:8080", "http://app.example"),
        ("localhost:8080", "https://evil.example"),
    ] {
        let said = ask(config(), &[host], &[origin]).await;
        assert_eq!(said.problem(), "foreign-origin", "{host} {origin}");
        assert_eq!(said.header("access-control-allow-origin"), "");
    }
    let own = "http://localhost:8080";
    let said = ask(config(), &["localhost:8080"], &[own, own]).await;
    assert_eq!(said.problem(), "foreign-origin", "two origins are none");
}

#[tokio::test]
async fn cors_is_for_configured_origins_and_off_without_them() {
    let preflight = |origin: &str| {
        Request::options("/v1/me")
            .header(header::HOST, "localhost")
            .header(header::ORIGIN, origin)
            .header(header::ACCESS_CONTROL_REQUEST_METHOD, "PATCH")
            .header(header::ACCESS_CONTROL_REQUEST_HEADERS, "authorization,idempotency-key")
            .body(Body::empty())
            .unwrap()
    };
    let sm = FakeSm::refusing(Refusal::Forbidden);
    let said = send(&configured(config(), &sm), preflight("https://app.example")).await;
    assert_eq!(said.status, StatusCode::OK);
    assert_eq!(said.header("access-control-allow-origin"), "https://app.example");
    assert!(said.header("access-control-allow-headers").contains("idempotency-key"));
    assert!(said.header("access-control-allow-methods").contains("PATCH"));
    assert_eq!(said.header("access-control-allow-credentials"), "", "tokens, not cookies");

    let said = ask(config(), &["localhost"], &["https://app.example"]).await;
    assert_eq!(said.header("access-control-allow-origin"), "https://app.example");

    let said = send(&configured(Config::default(), &sm), preflight("http://localhost")).await;
    assert_eq!(said.problem(), "method-not-allowed");
    assert_eq!(said.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn every_answer_carries_the_headers_that_keep_browsers_out_of_trouble() {
    let router = configured(config(), &FakeSm::refusing(Refusal::Forbidden));
    for (uri, host) in [
        ("/v1/me", "localhost"),
        ("/nope", "localhost"),
        ("/v1/me", "evil"),
        ("/docs", "localhost"),
        ("/problems", "localhost"),
        ("/openapi.json", "localhost"),
    ] {
        let said = send(&router, get(uri, &[host], &[])).await;
        assert_eq!(said.header("x-content-type-options"), "nosniff", "{uri}");
        assert_eq!(said.header("x-frame-options"), "DENY", "{uri}");
        assert_eq!(said.header("referrer-policy"), "no-referrer", "{uri}");
        assert_eq!(said.header("cache-control"), "no-store", "{uri}");
        let policy = said.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'"), "{uri}");
        assert!(!policy.contains("unsafe"), "{uri}");
    }
}

#[tokio::test]
async fn too_many_headers_are_refused() {
    let router = configured(config(), &FakeSm::refusing(Refusal::Forbidden));
    let mut request = get("/v1/me", &["localhost"], &[]);
    for i in 0..100 {
        request.headers_mut().append("x-filler", i.to_string().parse().unwrap());
    }
    assert_eq!(send(&router, request).await.problem(), "headers-too-large");
}

#[test]
fn the_accept_loop_can_ask_the_same_rules() {
    let guard = Guard::new(&config());
    let admit = |host| {
        let (head, _) = get("/ws", &[host], &[]).into_parts();
        guard.admit(&head).map_err(|answer| answer.status())
    };
    assert_eq!(admit("chat.example"), Ok(()));
    assert_eq!(admit("evil.example"), Err(StatusCode::MISDIRECTED_REQUEST));
}
