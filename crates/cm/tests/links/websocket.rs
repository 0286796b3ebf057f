//! WebSocket with a real client, and with bytes that no client sends.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use anser_cm::{Door, Io, Limits, Listener, MessageKind, Tls, WebSocketProtocol, WebSockets};
use anser_domain::SystemClock;
use futures_util::{SinkExt, StreamExt};
use http::{HeaderName, HeaderValue};
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_websockets::{ClientBuilder, Message, WebSocketStream};

use crate::rig::{Rig, lines, soon, until};

fn sockets() -> WebSockets {
    let row = |name, kind| WebSocketProtocol { name, kind, sessions: lines() };
    WebSockets {
        protocols: vec![row("line", MessageKind::Binary), row("text", MessageKind::Text)],
        origins: Vec::new(),
        hosts: Vec::new(),
    }
}

/// An HTTP server such as `server`'s, whose every path is a WebSocket.
fn serve(rig: &Rig) -> SocketAddr {
    let listener = Listener::bind(([127, 0, 0, 1], 0).into()).unwrap();
    let addr = listener.local_addr().unwrap();
    let cm = rig.cm.clone();
    tokio::spawn(async move {
        loop {
            let (stream, remote) = listener.accept().await;
            let cm = cm.clone();
            tokio::spawn(async move {
                let within = Duration::from_secs(5);
                let door = Door::plain(Tls::none(), Arc::new(SystemClock));
                let (io, arrival) = door.enter(stream, remote, within).await.unwrap();
                let service = service_fn(move |request| {
                    let response = cm.websocket(request, arrival.clone(), &sockets());
                    async move { Ok::<_, Infallible>(response) }
                });
                let io: TokioIo<Io> = TokioIo::new(io);
                let _ = http1::Builder::new().serve_connection(io, service).with_upgrades().await;
            });
        }
    });
    addr
}

type Socket = WebSocketStream<TcpStream>;

async fn connect(addr: SocketAddr, protocol: &'static str) -> Socket {
    let stream = TcpStream::connect(addr).await.unwrap();
    let uri = format!("ws://{addr}/ws");
    let (socket, response) = soon(
        ClientBuilder::new()
            .uri(&uri)
            .unwrap()
            .add_header(
                HeaderName::from_static("sec-websocket-protocol"),
                HeaderValue::from_static(protocol),
            )
            .unwrap()
            .connect_on(stream),
    )
    .await
    .unwrap();
    assert_eq!(response.headers()["sec-websocket-protocol"], protocol);
    socket
}

async fn next(socket: &mut Socket) -> String {
    let message = soon(socket.next()).await.unwrap().unwrap();
    String::from_utf8(message.as_payload().to_vec()).unwrap()
}

fn binary(text: &str) -> Message {
    Message::binary(text.as_bytes().to_vec())
}

#[tokio::test]
async fn a_real_client_talks_and_says_goodbye() {
    let rig = Rig::new();
    let addr = serve(&rig);
    let mut alice = connect(addr, "line").await;
    assert_eq!(next(&mut alice).await, "HI tls=false trusted=true\n");
    alice.send(binary("LOGIN alice\n")).await.unwrap();
    let mut seen = String::new();
    while !seen.contains("SYNCED") {
        seen += &next(&mut alice).await;
    }
    let mut bob = rig.online("bob").await;
    bob.say("SEND 1 over tcp").await;
    bob.expect("OK 1").await;
    assert_eq!(next(&mut alice).await, "MSG 1 1 over tcp\n");
    // A batch is a message, in either direction.
    alice.send(binary("SEND 1 one\nSEND 1 two\n")).await.unwrap();
    assert_eq!(next(&mut alice).await, "OK 2\nOK 3\n");
    bob.expect("MSG 1 2 one").await;
    for size in [100, 125, 126, 65_535, 65_536, 200_000] {
        alice.send(binary(&format!("SIZE {}\n", "x".repeat(size)))).await.unwrap();
        assert_eq!(next(&mut alice).await, format!("{size}\n"));
        alice.send(binary(&format!("BIG {size}\n"))).await.unwrap();
        assert_eq!(next(&mut alice).await.len(), size + 1);
    }
    alice.send(Message::ping("are you there")).await.unwrap();
    let pong = soon(alice.next()).await.unwrap().unwrap();
    assert!(pong.is_pong());
    assert_eq!(&pong.as_payload()[..], b"are you there");
    alice.close().await.unwrap();
    while soon(alice.next()).await.is_some_and(|it| it.is_ok()) {}
    until(|| rig.sm.unlinks() == 1).await;
}

#[tokio::test]
async fn endings_carry_their_code() {
    let rig = Rig::new();
    let addr = serve(&rig);
    for (say, code) in [("QUIT\n", 1000), ("NONSENSE\n", 1002), ("LOGIN nobody\n", 1008)] {
        let mut socket = connect(addr, "line").await;
        next(&mut socket).await;
        socket.send(binary(say)).await.unwrap();
        assert!(!next(&mut socket).await.is_empty(), "its session's last words come first");
        let close = soon(socket.next()).await.unwrap().unwrap();
        assert_eq!(u16::from(close.as_close().unwrap().0), code, "{say}");
    }
    let mut socket = connect(addr, "text").await;
    next(&mut socket).await;
    let drain = rig.cm.drain(Duration::from_secs(1), Duration::from_secs(5));
    let goodbye = async {
        assert!(next(&mut socket).await.starts_with("DRAIN"));
        let close = soon(socket.next()).await.unwrap().unwrap();
        assert_eq!(u16::from(close.as_close().unwrap().0), 1001);
        while soon(socket.next()).await.is_some_and(|it| it.is_ok()) {}
        drop(socket);
    };
    tokio::join!(drain, goodbye);
    let late = TcpStream::connect(addr).await.unwrap();
    let uri = format!("ws://{addr}/ws");
    assert!(ClientBuilder::new().uri(&uri).unwrap().connect_on(late).await.is_err());
}

/// A client that writes what it likes.
struct Raw(TcpStream);

impl Raw {
    async fn connect(addr: SocketAddr, protocol: &str, more: &[u8]) -> Self {
        let mut stream = TcpStream::connect(addr).await.unwrap();
        let request = format!(
            "GET /ws HTTP/1.1\r\nHost: {addr}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Protocol: {protocol}\r\n\r\n"
        );
        stream.write_all(&[request.as_bytes(), more].concat()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(soon(stream.read_u8()).await.unwrap());
        }
        let head = String::from_utf8(head).unwrap();
        assert!(head.starts_with("HTTP/1.1 101"), "{head}");
        let mut raw = Self(stream);
        assert!(raw.frame().await.1.starts_with(b"HI"));
        raw
    }

    /// The next frame: its first byte and payload.
    async fn frame(&mut self) -> (u8, Vec<u8>) {
        let first = soon(self.0.read_u8()).await.unwrap();
        let len = match soon(self.0.read_u8()).await.unwrap() {
            126 => usize::from(self.0.read_u16().await.unwrap()),
            127 => usize::try_from(self.0.read_u64().await.unwrap()).unwrap(),
            short => usize::from(short),
        };
        let mut payload = vec![0; len];
        soon(self.0.read_exact(&mut payload)).await.unwrap();
        (first, payload)
    }

    async fn write(&mut self, first: u8, payload: &[u8]) {
        self.0.write_all(&masked(first, payload)).await.unwrap();
    }

    /// Expects a close frame with `code`, and the end.
    async fn closed(&mut self, code: u16) {
        loop {
            match self.frame().await {
                (0x88, payload) => {
                    assert_eq!(payload, code.to_be_bytes());
                    break;
                }
                (_, words) => assert_eq!(words, b"ERROR\n"),
            }
        }
        let mut rest = Vec::new();
        let _ = soon(self.0.read_to_end(&mut rest)).await;
        assert!(rest.is_empty(), "nothing follows a close frame");
    }
}

fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [0xa1, 0x02, 0x53, 0xf4];
    let mut frame = vec![first, 0x80 | u8::try_from(payload.len()).unwrap()];
    frame.extend(mask);
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

#[tokio::test]
async fn fragments_control_frames_between_them_and_single_bytes() {
    let rig = Rig::new();
    let addr = serve(&rig);
    // What comes right behind the handshake is not lost.
    let mut raw = Raw::connect(addr, "line", &masked(0x82, b"ECHO early\n")).await;
    assert_eq!(raw.frame().await, (0x82, b"early\n".to_vec()));
    raw.write(0x02, b"ECHO fr").await;
    raw.write(0x89, b"ping").await;
    assert_eq!(raw.frame().await, (0x8a, b"ping".to_vec()));
    raw.write(0x00, b"agme").await;
    raw.write(0x80, b"nts\n").await;
    assert_eq!(raw.frame().await, (0x82, b"fragments\n".to_vec()));
    for byte in masked(0x82, b"ECHO slowly\n") {
        raw.0.write_all(&[byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    assert_eq!(raw.frame().await, (0x82, b"slowly\n".to_vec()));
    raw.write(0x88, &4000_u16.to_be_bytes()).await;
    raw.closed(4000).await;
}

#[tokio::test]
async fn hostile_bytes_are_told_what_is_wrong() {
    let rig = Rig::with(Limits { frame: 100, ..Limits::default() });
    let addr = serve(&rig);
    let table: &[(&str, Vec<u8>, u16)] = &[
        ("unmasked", vec![0x82, 1, b'x'], 1002),
        ("reserved bit", masked(0xc2, b"x"), 1002),
        ("reserved opcode", masked(0x83, b"x"), 1002),
        ("fragmented ping", masked(0x09, b"x"), 1002),
        ("continuation of nothing", masked(0x80, b"x"), 1002),
        ("message within a message", [masked(0x02, b"x"), masked(0x82, b"y")].concat(), 1002),
        ("text where bytes are spoken", masked(0x81, b"x"), 1003),
        ("a message cut short", masked(0x82, b"ECHO no newline"), 1002),
        ("too long", [masked(0x02, &[b'x'; 80]), masked(0x80, &[b'x'; 80])].concat(), 1009),
        ("two gigabytes", vec![0x82, 0xff, 0, 0, 0, 0, 0x80, 0, 0, 0, 1, 2, 3, 4], 1009),
        ("close without a code", masked(0x88, b"x"), 1002),
        ("close with a reserved code", masked(0x88, &1005_u16.to_be_bytes()), 1002),
        ("close with bad text", masked(0x88, &[0x03, 0xe8, 0xff]), 1007),
        ("empty close", masked(0x88, b""), 1000),
    ];
    for (what, bytes, code) in table {
        println!("{what}");
        let mut raw = Raw::connect(addr, "line", b"").await;
        raw.0.write_all(bytes).await.unwrap();
        raw.closed(*code).await;
    }
    println!("bad text");
    let mut raw = Raw::connect(addr, "text", b"").await;
    raw.write(0x81, b"ECHO \xff\n").await;
    raw.closed(1007).await;
    let mut good = Raw::connect(addr, "text", b"").await;
    good.write(0x81, "ECHO 鸿雁\n".as_bytes()).await;
    assert_eq!(good.frame().await, (0x81, "鸿雁\n".as_bytes().to_vec()));
    drop((raw, good));
    until(|| rig.links() == 0).await;
}

#[tokio::test]
async fn what_is_no_handshake_is_answered_in_http() {
    let rig = Rig::new();
    let addr = serve(&rig);
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let request = b"GET /ws HTTP/1.1\r\nHost: x\r\nConnection: close, Upgrade\r\n\
                    Upgrade: websocket\r\nSec-WebSocket-Version: 8\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut answer = String::new();
    soon(stream.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 426"), "{answer}");
    assert!(answer.contains("sec-websocket-version: 13"), "{answer}");
    assert_eq!(rig.links(), 0);
}
