//! The HTTP listeners: accepting connections, TLS or plain, and handing each request to whoever
//! answers it.

use std::{convert::Infallible, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use anser_cm::Io;
use anser_web::{Connection, limits::{MAX_HEAD, MAX_HEADERS}};
use axum::{body::Body, http::{Request, Response}};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    time::timeout,
};
use tokio_rustls::TlsAcceptor;

/// The first byte of a TLS connection: a handshake record (RFC 8446 §5.1). No HTTP method begins
/// with it.
const TLS_HANDSHAKE: u8 = 0x16;
/// After an accept that failed for want of descriptors or memory, until the next: others may give
/// some back.
const BREATH: Duration = Duration::from_millis(50);
/// What clients without TLS are told where it is needed.
const TLS_NEEDED: &[u8] = b"HTTP/1.1 426 Upgrade Required\r\nupgrade: TLS/1.2, HTTP/1.1\r\n\
    connection: close\r\ncontent-type: text/plain\r\ncontent-length: 26\r\n\r\n\
    use https:// at this port\n";

/// Who answers requests.
pub(super) trait Answers: Send + Sync + 'static {
    /// Answers one.
    fn answer(
        &self,
        request: Request<Incoming>,
    ) -> impl Future<Output = Response<Body>> + Send;
}

/// How connections are taken.
pub(super) struct Door {
    /// The certificate.
    pub(super) tls: TlsAcceptor,
    /// Whether other machines may come without TLS.
    pub(super) plaintext: bool,
    /// How long a TLS handshake or a request's head may take.
    pub(super) head_within: Duration,
    /// How many connections at a time.
    pub(super) connections: usize,
}

/// Takes connections until `stop` changes, and returns once all of them have ended; whoever cannot
/// wait so long drops the future.
pub(super) async fn serve<A: Answers>(
    listener: TcpListener,
    door: Arc<Door>,
    answers: Arc<A>,
    mut stop: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(door.connections));
    loop {
        // A full house lets newcomers wait in the backlog. Both arms may be dropped and asked
        // again without losing anything: a permit goes back, and accept is cancel-safe.
        let accepted = tokio::select! {
            accepted = async {
                let place = places.clone().acquire_owned().await;
                (place, listener.accept().await)
            } => accepted,
            _ = stop.changed() => break,
        };
        match accepted {
            (Ok(place), Ok((stream, remote))) => {
                let (door, answers, stop) = (door.clone(), answers.clone(), stop.clone());
                tokio::spawn(async move {
                    let _place = place;
                    if let Err(error) = connection(stream, remote, &door, answers, stop).await {
                        tracing::debug!(%remote, %error, "http connection failed");
                    }
                });
            }
            (_, Err(error)) => {
                tracing::warn!(%error, "cannot accept http connections");
                tokio::time::sleep(BREATH).await;
            }
            (Err(_), _) => break,
        }
    }
    drop(listener);
    let all = u32::try_from(door.connections).unwrap_or(u32::MAX);
    // Every place free again: the last connection has ended.
    let _ = places.acquire_many(all).await;
}

async fn connection<A: Answers>(
    stream: TcpStream,
    remote: SocketAddr,
    door: &Door,
    answers: Arc<A>,
    mut stop: watch::Receiver<bool>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let Some(io) = timeout(door.head_within, open(stream, remote, door)).await?? else {
        return Ok(());
    };
    let tls = matches!(io, Io::Tls(_));
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Connection { remote, tls, proxied: false });
        let answers = answers.clone();
        async move { Ok::<_, Infallible>(answers.answer(request).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(door.head_within)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(io), service)
        .with_upgrades();
    let mut served = pin!(served);
    tokio::select! {
        done = served.as_mut() => return done.map_err(io::Error::other),
        _ = stop.changed() => {}
    }
    served.as_mut().graceful_shutdown();
    served.await.map_err(io::Error::other)
}

/// Plain or TLS, told apart by the first byte. `None` when the peer was turned away or has gone.
async fn open(mut stream: TcpStream, remote: SocketAddr, door: &Door) -> io::Result<Option<Io>> {
    let mut first = [0];
    if stream.peek(&mut first).await? == 0 {
        return Ok(None);
    }
    if first == [TLS_HANDSHAKE] {
        return Ok(Some(Io::Tls(Box::new(door.tls.accept(stream).await?))));
    }
    if !door.plaintext && !remote.ip().to_canonical().is_loopback() {
        stream.write_all(TLS_NEEDED).await?;
        return Ok(None);
    }
    Ok(Some(Io::Tcp(stream)))
}
