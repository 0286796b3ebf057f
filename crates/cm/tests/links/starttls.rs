//! TLS by STARTTLS, by its first byte, and as it is replaced.

use std::{sync::Arc, time::Duration};

use anser_cm::{Limits, Tls};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::rig::{Client, Rig, soon, until};

/// A server's configuration and that of a client which trusts it.
fn pair() -> (Arc<ServerConfig>, TlsConnector) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let cert: CertificateDer<'static> = made.cert.der().clone();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let mut server = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![cert.clone()], key)
        .unwrap();
    server.alpn_protocols = vec![b"line".to_vec()];
    let mut roots = RootCertStore::empty();
    roots.add(cert).unwrap();
    let mut client = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    client.alpn_protocols = vec![b"line".to_vec()];
    (Arc::new(server), TlsConnector::from(Arc::new(client)))
}

async fn handshake(
    connector: &TlsConnector,
    stream: TcpStream,
) -> std::io::Result<TlsStream<TcpStream>> {
    soon(connector.connect(ServerName::try_from("localhost").unwrap(), stream)).await
}

#[tokio::test]
async fn starttls_drops_what_came_before_and_says_who_it_is() {
    let rig = Rig::new();
    let (server, connector) = pair();
    let addr = rig.listen(Tls::new(server));
    let mut plain = Client::new(TcpStream::connect(addr).await.unwrap());
    plain.say("ECHO plain").await;
    plain.expect("HI tls=false trusted=true").await;
    plain.expect("plain").await;
    // The attack of CVE-2011-0411: a line smuggled in ahead of the handshake.
    plain.say("STARTTLS\nECHO smuggled").await;
    plain.expect("PROCEED").await;
    let stream = handshake(&connector, plain.io.into_inner()).await.unwrap();
    let exporter = stream
        .get_ref()
        .1
        .export_keying_material([0; 32], b"EXPORTER-Channel-Binding", Some(b""))
        .unwrap();
    let mut secure = Client::new(stream);
    secure.expect(&format!("TLS line {exporter:?} localhost")).await;
    secure.say("ECHO secure").await;
    secure.expect("secure").await;
    secure.say("QUIT").await;
    secure.expect("BYE").await;
}

#[tokio::test]
async fn one_port_takes_both_and_a_new_certificate_counts_from_then_on() {
    let rig = Rig::new();
    let (server, connector) = pair();
    let tls = Tls::new(server);
    let addr = rig.listen(tls.clone());
    let stream = handshake(&connector, TcpStream::connect(addr).await.unwrap()).await.unwrap();
    let mut secure = Client::new(stream);
    secure.expect("HI tls=true trusted=true").await;
    // A large answer goes through TLS whole.
    secure.say("BIG 500000").await;
    assert_eq!(secure.line().await.len(), 500_000);

    let (next, next_connector) = pair();
    tls.replace(Some(next));
    let stream = TcpStream::connect(addr).await.unwrap();
    assert!(handshake(&connector, stream).await.is_err(), "the old certificate is gone");
    let stream = TcpStream::connect(addr).await.unwrap();
    assert!(handshake(&next_connector, stream).await.is_ok());
    let mut plain = Client::new(TcpStream::connect(addr).await.unwrap());
    plain.say("ECHO x").await;
    plain.expect("HI tls=false trusted=true").await;
    secure.say("ECHO first").await;
    while secure.line().await != "first" {}
}

#[tokio::test]
async fn without_a_certificate_starttls_ends_the_link() {
    let rig = Rig::new();
    let addr = rig.listen(Tls::none());
    let mut client = Client::new(TcpStream::connect(addr).await.unwrap());
    client.line().await;
    client.say("STARTTLS").await;
    assert_eq!(client.rest().await, "PROCEED\n");
}

#[tokio::test]
async fn silent_and_stuck_handshakes_are_cut_off() {
    let within = Duration::from_millis(300);
    let rig = Rig::with(Limits { login_within: within, ..Limits::default() });
    let (server, _) = pair();
    let addr = rig.listen(Tls::new(server));
    let mut silent = TcpStream::connect(addr).await.unwrap();
    let mut stuck = TcpStream::connect(addr).await.unwrap();
    stuck.write_all(&[0x16, 3, 1]).await.unwrap();
    for socket in [&mut silent, &mut stuck] {
        assert!(matches!(soon(socket.read(&mut [0; 16])).await, Ok(0) | Err(_)));
    }
    until(|| rig.cm.stats().refused.read() == 2 && rig.cm.stats().arriving.read() == 0).await;
    // After STARTTLS the deadline is that of the login.
    let mut client = Client::new(TcpStream::connect(addr).await.unwrap());
    client.say("STARTTLS").await;
    client.line().await;
    client.expect("PROCEED").await;
    rig.advance(Duration::from_secs(1));
    assert_eq!(client.rest().await, "");
}
