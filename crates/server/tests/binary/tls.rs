//! The native protocol over each of its carriers, with the certificate of the first start.

use std::{
    io::{Read as _, Write as _},
    net::{IpAddr, UdpSocket},
    path::{Path, PathBuf},
    process::Stdio,
};

use anser_client::{Client, Event, Gateway, OneToken, Options, Trust, message};
use anser_domain::{Content, Secret};
use rustix::process::Signal;

use crate::support::{FREE_PORTS, Rest, Server, anser};

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

/// An address of this machine that is not loopback, if it has one. Nothing is sent.
fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    socket.local_addr().ok().map(|address| address.ip()).filter(|ip| !ip.is_loopback())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_over_a_network_needs_tls() {
    let Some(ip) = own_address() else { return };
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    Server::start(&data, &[]).stop();
    let (cert, key) = (data.join("tls-cert.pem"), data.join("tls-key.pem"));
    let config = dir.path().join("anser.toml");
    let listen =
        "[listen]\nhttp = \"0.0.0.0:0\"\nnative = \"0.0.0.0:0\"\nadmin = \"127.0.0.1:0\"\n";
    let text = format!("{listen}[tls]\ncert = {cert:?}\nkey = {key:?}\n");
    std::fs::write(&config, text).unwrap();
    let mut command = anser(&["serve", "--data-dir", data.to_str().unwrap()]);
    command.args(["--config", config.to_str().unwrap()]).stdout(Stdio::piped());
    let server = Server::spawn(command, &data);
    assert!(server.banner.contains("https://0.0.0.0:"), "{}", server.banner);

    let from_afar = |name: &str| server.address(name).replace("0.0.0.0", &ip.to_string());
    let from_here = |name: &str| server.address(name).replace("0.0.0.0", "127.0.0.1");
    let status = |url: String| async { reqwest::get(url).await.unwrap().status().as_u16() };
    assert_eq!(status(format!("http://{}/docs", from_afar("http"))).await, 426);
    assert_eq!(status(format!("http://{}/docs", from_here("http"))).await, 200);
    let mut native = std::net::TcpStream::connect(from_afar("native")).unwrap();
    native.write_all(b"not a TLS handshake").unwrap();
    assert_eq!(native.read(&mut [0; 16]).unwrap(), 0, "closed without a word");
    drop(native);
    assert_eq!(server.stop().code(), Some(0));
}

/// Writes a new certificate for this machine and answers with its path.
fn certificate(dir: &Path, cert: &Path, key: &Path, name: &str) -> PathBuf {
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    std::fs::write(key, made.signing_key.serialize_pem()).unwrap();
    std::fs::write(cert, made.cert.pem()).unwrap();
    let trusted = dir.join(name);
    std::fs::write(&trusted, made.cert.pem()).unwrap();
    trusted
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_is_shown_without_a_restart_and_a_broken_one_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let [cert, key] = ["cert.pem", "key.pem"].map(|name| dir.path().join(name));
    let first = certificate(dir.path(), &cert, &key, "first.pem");
    let mut command = anser(&["serve", "--data-dir", data.to_str().unwrap(), "--demo"]);
    command.args(FREE_PORTS).stdout(Stdio::piped());
    command.env("ANSER_TLS__CERT", &cert).env("ANSER_TLS__KEY", &key);
    let server = Server::spawn(command, &data);
    let [alice, bob] = ["alice", "bob"].map(|user| (user, server.demo_password(user)));
    let alice = Rest::login(&server, alice.0, &alice.1).await;
    let bob = Rest::login(&server, bob.0, &bob.1).await;
    let link_as = async |who: &Rest, trusted: &Path| {
        let url = format!("tls://{}", server.address("native")).parse().unwrap();
        let gateway = Gateway::new(url, &Trust::File(trusted.to_owned())).unwrap();
        let token = OneToken(Secret::new(who.token.as_str()));
        Client::connect(Options::new(gateway, token)).await
    };
    let link = async |trusted: &Path| link_as(&alice, trusted).await;
    let https = async |trusted: &Path| {
        let pem = std::fs::read(trusted).unwrap();
        let root = reqwest::Certificate::from_pem(&pem).unwrap();
        let client = reqwest::Client::builder().tls_certs_only([root]).build().unwrap();
        client.get(format!("https://{}/docs", server.address("http"))).send().await
    };
    let kept = link_as(&bob, &first).await.unwrap();
    assert_eq!(https(&first).await.unwrap().status(), 200);

    let second = certificate(dir.path(), &cert, &key, "second.pem");
    server.signal(Signal::HUP);
    server.metric_reaches("anser_tls_reloads_total", 1.0).await;
    assert!(link(&first).await.is_err(), "the old one is shown no more");
    assert!(link(&second).await.is_ok() && https(&second).await.is_ok());

    // Without a signal too: the files are looked at every so often.
    std::fs::write(&cert, "not a certificate").unwrap();
    server.metric_reaches("anser_tls_reload_failures_total", 1.0).await;
    assert!(link(&second).await.is_ok() && https(&second).await.is_ok());

    let said = Content::Text("still here".into());
    kept.0.send(message("u:alice".parse().unwrap(), said)).await.expect("links outlive all of it");
    assert_eq!(server.stop().code(), Some(0));
}
