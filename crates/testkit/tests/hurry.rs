//! The real binary and an address that connects faster than it may.

#![expect(clippy::unwrap_used, reason = "a test")]

use anser_testkit::real::{Build, Server, binary};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// What one connection from `address` is answered; empty when it is closed without a word.
async fn ask(server: &Server, address: &str) -> String {
    let at = server.http();
    let mut link = TcpStream::connect(at.trim_start_matches("http://")).await.unwrap();
    let request = format!(
        "PROXY TCP4 {address} 127.0.0.1 1000 80\r\n\
         GET /v1/me HTTP/1.1\r\nhost: localhost\r\n\r\n"
    );
    link.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let mut piece = [0; 4096];
    loop {
        match link.read(&mut piece).await {
            Ok(0) | Err(_) => break,
            Ok(n) => answer.extend(piece.iter().take(n)),
        }
        // A connection that was let in stays open after its answer.
        if answer.starts_with(b"HTTP/1.1 401") {
            break;
        }
    }
    String::from_utf8(answer).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_connects_too_fast_over_http_is_told_when_to_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let env = [
        ("ANSER_PROXY__TRUSTED", "127.0.0.0/8"),
        ("ANSER_LISTEN__PLAINTEXT", "true"),
        // Ten at once, and so slowly from there on that this test does not notice.
        ("ANSER_LIMITS__CONNECTIONS", "10/h"),
    ];
    let server = Server::start(&binary(Build::Plain).unwrap(), dir.path(), &env).await.unwrap();
    for n in 0..10 {
        let answer = ask(&server, "203.0.113.7").await;
        assert!(answer.starts_with("HTTP/1.1 401"), "{n}: {answer}");
    }
    for n in 0..10 {
        let answer = ask(&server, "203.0.113.7").await;
        assert!(answer.starts_with("HTTP/1.1 429"), "{n}: {answer}");
        assert!(answer.contains("retry-after: ") && answer.contains("connection: close"));
        assert!(answer.contains("/problems/rate-limited"), "{answer}");
    }
    assert_eq!(ask(&server, "203.0.113.7").await, "", "a flood is worth no answer");
    assert!(ask(&server, "203.0.113.8").await.starts_with("HTTP/1.1 401"), "others are let in");
}
