//! The native protocol over each of its carriers, with the certificate of the first start.

use anser_client::{Client, Event, Gateway, OneToken, Options, Trust, message};
use anser_domain::{Content, Secret};

use crate::support::{Rest, Server};

async fn link(server: &Server, user: &str, url: &str) -> (Client, anser_client::Events) {
    let rest = Rest::login(server, user, &server.demo_password(user)).await;
    let trust = Trust::File(server.file("tls-cert.pem"));
    let gateway = Gateway::new(url.parse().unwrap(), &trust).unwrap();
    let token = OneToken(Secret::new(rest.token.as_str()));
    Client::connect(Options::new(gateway, token)).await.unwrap()
}

// Clients have to hear the goodbye while this thread waits for the server's end.
#[tokio::test(flavor = "multi_thread")]
async fn messages_arrive_over_tcp_tls_and_websocket() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &["--demo"]);
    let (http, native) = (server.address("http"), server.address("native"));
    let (_bob, mut events) = link(&server, "bob", &format!("tcp://{native}")).await;
    let carriers = [
        format!("tcp://{native}"),
        format!("tls://{native}"),
        format!("ws://{http}/ws"),
        format!("wss://{http}/ws"),
    ];
    for (seq, url) in (1..).zip(carriers) {
        let (alice, _) = link(&server, "alice", &url).await;
        let said = Content::Text(url.as_str().into());
        let stored = alice.send(message("u:bob".parse().unwrap(), said.clone())).await.unwrap();
        assert_eq!(stored.seq.0, seq, "{url}");
        let heard = loop {
            match events.next().await {
                Some(Event::Message(message)) => break message,
                Some(_) => {}
                None => panic!("bob's link has ended"),
            }
        };
        assert_eq!((heard.seq.0, heard.content.clone()), (seq, said));
    }
    assert_eq!(server.stop().code(), Some(0), "links do not keep it from stopping");
}
