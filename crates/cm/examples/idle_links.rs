//! What an idle link costs: opens many over loopback, from a child process since descriptors
//! are limited, and compares the resident memory before and after.
//!
//! ```text
//! cargo run --release -p anser-cm --example idle_links -- 18000 [ws]
//! ```

#![expect(clippy::print_stdout, reason = "it is a command")]

use std::{
    convert::Infallible,
    error::Error,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    process::{Command as Process, Stdio},
    sync::Arc,
    time::Duration,
};

use anser_cm::{
    Arrival, Cm, Door, Io, Limits, Listener, MessageKind, SessionFactory, Tls, WebSocketProtocol,
    WebSockets,
};
use anser_domain::{
    Ask, Fault, Input, LinkInfo, Peer, PeerId, Session, SessionManager, SystemClock, Turn,
};
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;

type Done = Result<(), Box<dyn Error>>;

/// Echoes what it is sent; keeps a heartbeat deadline as real sessions do.
struct Echo;

const HEARTBEAT: Duration = Duration::from_secs(300);

impl Session for Echo {
    fn open(&mut self, _: &LinkInfo, turn: &mut Turn<'_>) {
        turn.wake_at(Some(turn.now + HEARTBEAT));
    }

    fn receive(&mut self, bytes: &[u8], turn: &mut Turn<'_>) -> Result<usize, Fault> {
        turn.out.put(bytes);
        turn.wake_at(Some(turn.now + HEARTBEAT));
        Ok(bytes.len())
    }

    fn handle(&mut self, _: Input<'_>, _: &mut Turn<'_>) -> Result<(), Fault> {
        Ok(())
    }

    fn credit(&self) -> u32 {
        0
    }
}

/// Nobody to ask.
struct Nobody;

impl SessionManager for Nobody {
    fn attach(&self, _: Peer) {}
    fn detach(&self, _: PeerId) {}
    fn submit(&self, _: Vec<Ask>) {}
}

fn main() -> Done {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["connect", addr, links, kind] => connect(addr.parse()?, links.parse()?, kind == "ws"),
        [] => serve("18000", "tcp"),
        [links] => serve(links, "tcp"),
        [links, kind, ..] => serve(links, kind),
    }
}

#[tokio::main]
async fn serve(links: &str, kind: &str) -> Done {
    let limits = Limits { login_within: Duration::from_secs(3600), ..Limits::default() };
    let cm = Cm::new(PeerId(1), Arc::new(Nobody), Arc::new(SystemClock), limits);
    let listener = Listener::bind(([127, 0, 0, 1], 0).into())?;
    let addr = listener.local_addr()?;
    let sessions: SessionFactory = Arc::new(|_| Box::new(Echo));
    tokio::spawn(cm.clone().run());
    if kind == "ws" {
        tokio::spawn(serve_http(cm.clone(), listener, sessions));
    } else {
        let door = Door::plain(Tls::none(), Arc::new(SystemClock));
        tokio::spawn(cm.clone().listen(listener, door, sessions));
    }
    // Some links first, so that what is paid once is not counted.
    let warm = tokio::task::spawn_blocking({
        let kind = kind.to_owned();
        move || child(addr, "500", &kind)
    })
    .await?;
    let mut warm = warm.map_err(|error| error.to_string())?;
    let before = (cm.stats().links.read(), rss()?);
    let mut child = tokio::task::spawn_blocking({
        let (links, kind) = (links.to_owned(), kind.to_owned());
        move || child(addr, &links, &kind).map_err(|error| error.to_string())
    })
    .await??;
    let after = (cm.stats().links.read(), rss()?);
    let bytes = (after.1 - before.1) as f64 / (after.0 - before.0) as f64;
    println!("{} links: {bytes:.0} bytes of RSS each", after.0 - before.0);
    for process in [&mut warm, &mut child] {
        drop(process.stdin.take());
        process.wait()?;
    }
    Ok(())
}

async fn serve_http(cm: Arc<Cm>, listener: Listener, sessions: SessionFactory) {
    let row = WebSocketProtocol { name: "echo", kind: MessageKind::Binary, sessions };
    let sockets =
        Arc::new(WebSockets { protocols: vec![row], origins: Vec::new(), hosts: Vec::new() });
    loop {
        let (stream, remote) = listener.accept().await;
        let (cm, sockets) = (cm.clone(), sockets.clone());
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let response = cm.websocket(request, Arrival::direct(remote), &sockets);
                async move { Ok::<_, Infallible>(response) }
            });
            let io = TokioIo::new(Io::Tcp(stream));
            let _ = http1::Builder::new().serve_connection(io, service).with_upgrades().await;
        });
    }
}

/// Starts a process that opens links, and waits until it has.
fn child(addr: SocketAddr, links: &str, kind: &str) -> std::io::Result<std::process::Child> {
    let mut child = Process::new(std::env::current_exe()?)
        .args(["connect", &addr.to_string(), links, kind])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    if let Some(stdout) = child.stdout.take() {
        BufReader::new(stdout).read_line(&mut String::new())?;
    }
    Ok(child)
}

fn connect(addr: SocketAddr, links: usize, ws: bool) -> Done {
    let mut open = Vec::with_capacity(links);
    for _ in 0..links {
        let mut stream = TcpStream::connect(addr)?;
        let (say, answer): (Vec<u8>, usize) = if ws {
            let request = format!(
                "GET / HTTP/1.1\r\nHost: {addr}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                 Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            );
            stream.write_all(request.as_bytes())?;
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte)?;
                head.extend(byte);
            }
            // A masked binary message of five bytes, under a mask of zeros.
            (b"\x82\x85\0\0\0\0hello".to_vec(), 7)
        } else {
            (b"hello".to_vec(), 5)
        };
        stream.write_all(&say)?;
        stream.read_exact(&mut vec![0; answer])?;
        open.push(stream);
    }
    println!("open");
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

fn rss() -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).ok_or("no VmRSS")?;
    let kb = line.split_whitespace().nth(1).ok_or("no number")?;
    Ok(kb.parse::<u64>()? * 1024)
}
