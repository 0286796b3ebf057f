//! A connection manager on a fake clock, and peers that speak lines to it.

use std::{future::Future, sync::Arc, time::Duration};

use anser_cm::{Cm, Door, Io, Limits, Listener, SessionFactory, TICK, Tls};
use anser_domain::*;
use tokio::io::{
    AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, DuplexStream,
};

use crate::{fake::FakeSm, line::Line};

pub(crate) struct Rig {
    pub(crate) cm: Arc<Cm>,
    pub(crate) sm: Arc<FakeSm>,
    pub(crate) clock: Arc<ManualClock>,
}

/// For what must come to pass; no test waits for time to decide anything.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), what).await.expect("it did not happen")
}

/// Waits until `done`.
pub(crate) async fn until(mut done: impl FnMut() -> bool) {
    soon(async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

pub(crate) fn lines() -> SessionFactory {
    Arc::new(|_| Box::new(Line::default()))
}

impl Rig {
    pub(crate) fn new() -> Self {
        Self::with(Limits::default())
    }

    pub(crate) fn with(limits: Limits) -> Self {
        let sm = Arc::new(FakeSm::default());
        let clock = Arc::new(ManualClock::new(Millis(0)));
        let cm = Cm::new(PeerId(1), sm.clone(), clock.clone(), limits);
        Self { cm, sm, clock }
    }

    /// A link over a pipe that holds `room` bytes each way.
    pub(crate) fn pipe(&self, room: usize) -> Client<DuplexStream> {
        self.pipe_with(room, Box::new(Line::default()))
    }

    pub(crate) fn pipe_with(&self, room: usize, session: Box<dyn Session>) -> Client<DuplexStream> {
        let (ours, theirs) = tokio::io::duplex(room);
        let info = LinkInfo {
            remote: ([127, 0, 0, 1], 1).into(),
            transport: Transport::Stream,
            tls: None,
            trusted_path: true,
        };
        self.cm.open(Io::Other(Box::new(ours)), info, session, Tls::none()).unwrap();
        Client::new(theirs)
    }

    /// A pipe whose peer has been greeted.
    pub(crate) async fn greeted(&self) -> Client<DuplexStream> {
        let mut client = self.pipe(64 * 1024);
        assert!(client.line().await.starts_with("HI"));
        client
    }

    /// One that has logged in, with everything there was.
    pub(crate) async fn online(&self, name: &str) -> Client<DuplexStream> {
        let mut client = self.greeted().await;
        client.say(&format!("LOGIN {name}")).await;
        client.expect(&format!("WELCOME {name}")).await;
        while !client.line().await.starts_with("SYNCED") {}
        client
    }

    pub(crate) fn listen(&self, tls: Tls) -> std::net::SocketAddr {
        self.listen_at(Door::plain(tls, self.clock.clone()))
    }

    pub(crate) fn listen_at(&self, door: Door) -> std::net::SocketAddr {
        let listener = Listener::bind(([127, 0, 0, 1], 0).into()).unwrap();
        let addr = listener.local_addr().unwrap();
        tokio::spawn(self.cm.clone().listen(listener, door, lines()));
        addr
    }

    /// Time passes, tick by tick.
    pub(crate) fn advance(&self, by: Duration) {
        let mut left = by;
        while !left.is_zero() {
            let step = left.min(TICK);
            self.clock.advance(step);
            self.cm.tick(self.clock.now());
            left -= step;
        }
    }

    pub(crate) fn links(&self) -> u64 {
        self.cm.stats().links.read()
    }
}

pub(crate) struct Client<T> {
    pub(crate) io: BufReader<T>,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Client<T> {
    pub(crate) fn new(io: T) -> Self {
        Self { io: BufReader::new(io) }
    }

    pub(crate) async fn say(&mut self, line: &str) {
        soon(self.io.write_all(format!("{line}\n").as_bytes())).await.unwrap();
        soon(self.io.flush()).await.unwrap();
    }

    /// The next line; empty at the end.
    pub(crate) async fn line(&mut self) -> String {
        let mut line = String::new();
        soon(self.io.read_line(&mut line)).await.unwrap();
        line.trim_end().to_owned()
    }

    pub(crate) async fn expect(&mut self, line: &str) {
        assert_eq!(self.line().await, line);
    }

    /// Everything up to the end.
    pub(crate) async fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        let _ = soon(self.io.read_to_end(&mut rest)).await;
        String::from_utf8(rest).unwrap()
    }
}
