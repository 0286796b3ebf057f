//! Bytes that no client of ours would send, at a real listener: a clear ERROR or a close, no
//! memory for what is only claimed, and two people who chat meanwhile notice nothing.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anser_domain::{ClientId, SystemClock};
use anser_testkit::{
    checker::Device,
    probe::{Linked, Probe},
    real::{Build, Rest, Server, binary},
};
use anser_wire::{
    ErrorCode, MIN_VERSION, VERSION,
    codec::{self, compress::CAPABILITY},
    frame::{Frame, FrameType, Hello, Send},
};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{sleep, timeout},
};

/// How long the server gives a link to log in, here.
const LOGIN: Duration = Duration::from_secs(2);
/// How long an answer may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);

/// Everything that a link says until it closes, behind what was read of it.
async fn last_words(mut socket: TcpStream, mut bytes: Vec<u8>) -> Vec<u8> {
    // A reset is a close too: bytes that nobody wanted were still on their way.
    let closed = timeout(PATIENCE, socket.read_to_end(&mut bytes)).await;
    assert!(closed.is_ok(), "the link stayed open");
    bytes
}

/// How a link ended: the last ERROR, if there was one.
async fn ending(socket: TcpStream) -> Option<ErrorCode> {
    ending_after(socket, Vec::new()).await
}

/// The same for a link of which some bytes have been read.
async fn ending_after(socket: TcpStream, seen: Vec<u8>) -> Option<ErrorCode> {
    let bytes = last_words(socket, seen).await;
    let mut rest = &bytes[..];
    let mut last = None;
    while let Ok(Some((len, frame))) = codec::read(rest, 1 << 20) {
        if let Some(Frame::Error(error)) = frame {
            assert!(!error.reason.is_empty());
            last = ErrorCode::from_number(error.code);
        }
        rest = &rest[len..];
    }
    assert!(rest.is_empty(), "the server sent half a frame: {rest:?}");
    last
}

async fn dial(at: SocketAddr, bytes: &[u8]) -> TcpStream {
    let mut socket = TcpStream::connect(at).await.unwrap();
    let _ = socket.write_all(bytes).await;
    socket
}

/// Whether this frame, as a test sees it, stands in `bytes`.
fn holds(bytes: &[u8], is: fn(&Frame) -> bool) -> bool {
    let mut rest = bytes;
    while let Ok(Some((len, frame))) = codec::read(rest, 1 << 20) {
        if frame.is_some_and(|frame| is(&frame)) {
            return true;
        }
        rest = &rest[len..];
    }
    false
}

/// A link that has been welcomed, and what was read of it.
async fn logged_in(at: SocketAddr, hello: Hello) -> (TcpStream, Vec<u8>) {
    let mut socket = dial(at, &encoded(hello)).await;
    let mut seen = Vec::new();
    let welcomed = timeout(PATIENCE, async {
        while !holds(&seen, |frame| matches!(frame, Frame::Welcome(_))) {
            assert!(socket.read_buf(&mut seen).await.unwrap() > 0, "not welcome");
        }
    });
    welcomed.await.unwrap();
    (socket, seen)
}

fn encoded(frame: impl Into<Frame>) -> Vec<u8> {
    let mut bytes = Vec::new();
    codec::write(&frame.into(), &mut bytes);
    bytes
}

fn hello(token: &str) -> Hello {
    Hello {
        token: token.into(),
        min_version: MIN_VERSION,
        max_version: VERSION,
        ..Hello::default()
    }
}

fn text(body: &str) -> Send {
    Send {
        id: 1,
        to: "u:bob".into(),
        client_id: uuid::Uuid::now_v7().as_bytes().to_vec(),
        body: body.into(),
        ..Send::default()
    }
}

/// A frame with this body, whatever it is.
fn raw(frame_type: FrameType, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    codec::put_header(&mut bytes, codec::first_byte(frame_type), body.len());
    bytes.extend_from_slice(body);
    bytes
}

/// A string field of a protobuf body.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2, u8::try_from(bytes.len()).unwrap()], bytes].concat()
}

struct Scene {
    server: Server,
    rest: Rest,
    _dir: tempfile::TempDir,
}

impl Scene {
    async fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let login = format!("{} s", LOGIN.as_secs());
        let env = [("ANSER_LIMITS__LOGIN", login.as_str())];
        let server = Server::start(&binary(Build::Plain).unwrap(), dir.path(), &env).await.unwrap();
        let rest = Rest::new(server.http());
        for user in ["alice", "bob", "mallory"] {
            rest.create_user(user).await.unwrap();
        }
        Self { server, rest, _dir: dir }
    }

    async fn innocent(&self, user: &str) -> Arc<Linked> {
        let login = self.rest.login(user, "phone").await.unwrap();
        let device = Device { user: user.into(), name: "phone".into() };
        let probe = Probe::new(device, login.token);
        let linked = Arc::new(Linked::new(probe, 8, Arc::new(SystemClock)));
        let (at, task) = (self.server.native(), linked.clone());
        tokio::spawn(async move {
            // One link only: if the server ends it, the pair falls silent and the test fails.
            task.pump(TcpStream::connect(at).await.unwrap(), true).await;
        });
        linked
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_bytes_are_answered_or_cut_off_and_hurt_nobody_else() {
    let scene = Scene::open().await;
    let (alice, bob) = (scene.innocent("alice").await, scene.innocent("bob").await);
    let chat = {
        let (alice, bob) = (alice.clone(), bob.clone());
        tokio::spawn(async move {
            for n in 0_u32.. {
                let id = || ClientId(*uuid::Uuid::now_v7().as_bytes());
                alice.with(|it| it.send("u:bob", id(), &format!("a{n}")));
                bob.with(|it| it.send("u:alice", id(), &format!("b{n}")));
                let (mut waited, pause) = (Duration::ZERO, Duration::from_millis(10));
                while [&alice, &bob].iter().any(|it| it.with(|probe| !probe.is_answered())) {
                    assert!(waited < PATIENCE, "the innocent wait");
                    sleep(pause).await;
                    waited += pause;
                }
            }
        })
    };

    before_login(scene.server.native()).await;
    after_login(&scene).await;
    cut_everywhere(&scene).await;
    bombs(&scene).await;
    noise(scene.server.native()).await;
    slow_loris(scene.server.native()).await;

    assert!(!chat.is_finished(), "the innocent were disturbed");
    chat.abort();
    let _ = chat.await;
    sleep(Duration::from_millis(300)).await;
    let said = |it: &Linked| it.with(|probe| probe.has("u:alice+bob"));
    assert!(said(&alice) > 20, "{} messages in all this time", said(&alice));
    assert_eq!(said(&alice), said(&bob));
}

async fn before_login(at: SocketAddr) {
    let old = Hello { min_version: 98, max_version: 99, ..hello("x") };
    let two_gib = [0x81, 0x80, 0x80, 0x80, 0x80, 0x08];
    let large = [0x81, 0xff, 0xff, 0x7f];
    for (what, bytes, code) in [
        ("2 GiB", two_gib.to_vec(), ErrorCode::Malformed),
        ("2 MiB", large.to_vec(), ErrorCode::FrameTooLarge),
        ("type 0", vec![0x80, 0], ErrorCode::Malformed),
        ("an unknown type", vec![0xbf, 0], ErrorCode::UnsupportedFrame),
        ("no protobuf", raw(FrameType::Hello, &[0xff; 9]), ErrorCode::Malformed),
        ("no UTF-8", raw(FrameType::Hello, &field(1, &[0xc3, 0x28])), ErrorCode::Malformed),
        ("another version", encoded(old), ErrorCode::UnsupportedVersion),
        ("a send before HELLO", encoded(text("hi")), ErrorCode::UnexpectedFrame),
        ("a made-up token", encoded(hello("no token")), ErrorCode::BadCredentials),
    ] {
        assert_eq!(ending(dial(at, &bytes).await).await, Some(code), "{what}");
    }
}

async fn after_login(scene: &Scene) {
    let login = scene.rest.login("mallory", "phone").await.unwrap();
    let at = scene.server.native();
    let two_gib = [0x84, 0x80, 0x80, 0x80, 0x80, 0x08];
    let bad_text = [field(2, b"u:bob"), field(3, &[7; 16]), field(5, &[0xff, 0xfe])].concat();
    let welcome = encoded(anser_wire::frame::Welcome::default());
    for (what, bytes, code) in [
        ("2 GiB", two_gib.to_vec(), ErrorCode::Malformed),
        ("no protobuf", raw(FrameType::Send, &[0xff; 9]), ErrorCode::Malformed),
        ("no UTF-8", raw(FrameType::Send, &bad_text), ErrorCode::Malformed),
        ("a frame of servers", welcome, ErrorCode::UnexpectedFrame),
        ("an unknown type", vec![0xbf, 0], ErrorCode::UnsupportedFrame),
        ("compression never agreed on", vec![0xc4, 1, 0], ErrorCode::BadCompression),
    ] {
        let (mut socket, seen) = logged_in(at, hello(&login.token)).await;
        socket.write_all(&bytes).await.unwrap();
        assert_eq!(ending_after(socket, seen).await, Some(code), "{what}");
    }
    // A frame that may be passed over is: what follows it is answered.
    let (mut socket, mut seen) = logged_in(at, hello(&login.token)).await;
    let bytes = [&[0x3f, 2, 1, 2], &encoded(text("hi"))[..]].concat();
    socket.write_all(&bytes).await.unwrap();
    let acked = timeout(PATIENCE, async {
        while !holds(&seen, |frame| matches!(frame, Frame::SendAck(_))) {
            assert!(socket.read_buf(&mut seen).await.unwrap() > 0, "the link ended");
        }
    });
    acked.await.unwrap();
}

/// A login and a send, each cut after every one of its bytes.
async fn cut_everywhere(scene: &Scene) {
    let (at, login) = (scene.server.native(), scene.rest.login("mallory", "cut").await.unwrap());
    let bytes = encoded(hello(&login.token));
    for end in 0..bytes.len() {
        let mut socket = dial(at, &bytes[..end]).await;
        let _ = socket.shutdown().await;
        ending(socket).await;
    }
    let bytes = encoded(text("cut me"));
    for end in 0..bytes.len() {
        let (mut socket, seen) = logged_in(at, hello(&login.token)).await;
        socket.write_all(&bytes[..end]).await.unwrap();
        let _ = socket.shutdown().await;
        ending_after(socket, seen).await;
    }
}

/// Small frames that claim to become large ones: refused by what they claim.
async fn bombs(scene: &Scene) {
    let login = scene.rest.login("mallory", "bomb").await.unwrap();
    let agreed = Hello { capabilities: vec![CAPABILITY.into()], ..hello(&login.token) };
    let mut bomb = Vec::new();
    codec::write_compressed(&text(&"0".repeat(64 << 20)).into(), 0, &mut bomb);
    assert!(bomb.len() < 64 << 10, "this is no bomb");
    let before = scene.server.rss().unwrap();
    for _ in 0..10 {
        let (mut socket, seen) = logged_in(scene.server.native(), agreed.clone()).await;
        socket.write_all(&bomb).await.unwrap();
        let code = ending_after(socket, seen).await;
        assert!(
            matches!(code, Some(ErrorCode::FrameTooLarge | ErrorCode::BadCompression)),
            "{code:?}"
        );
    }
    let grown = scene.server.rss().unwrap().saturating_sub(before);
    assert!(grown < 32 << 20, "the bombs took {} MiB", grown >> 20);
}

async fn noise(at: SocketAddr) {
    let mut rng = StdRng::seed_from_u64(1);
    for _ in 0..200 {
        let bytes: Vec<u8> = (0..rng.random_range(1..400)).map(|_| rng.random()).collect();
        let mut socket = dial(at, &bytes).await;
        let _ = socket.shutdown().await;
        // Bytes that begin like TLS are answered in TLS.
        last_words(socket, Vec::new()).await;
    }
}

/// A HELLO of which a byte comes now and then does not keep its link beyond the login's time,
/// and neither does silence.
async fn slow_loris(at: SocketAddr) {
    let silent = TcpStream::connect(at).await.unwrap();
    let halting = dial(at, &[codec::first_byte(FrameType::Hello)]).await;
    let mut slow = TcpStream::connect(at).await.unwrap();
    let bytes = encoded(hello(&"x".repeat(200)));
    let (_, code, cut) = tokio::join!(ending(silent), ending(halting), async {
        let mut sent = 0;
        for byte in bytes {
            if slow.write_all(&[byte]).await.is_err() {
                break;
            }
            sent += 1;
            sleep(Duration::from_millis(100)).await;
        }
        sent
    });
    assert_eq!(code, Some(ErrorCode::LoginTimeout));
    assert!(cut < 100, "{cut} bytes were taken at leisure");
}
