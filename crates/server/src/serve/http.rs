//! The HTTP listeners: accepting connections, TLS or plain, and handing each request to whoever
//! answers it.

use std::{convert::Infallible, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use anser_cm::{Arrival, Listener};
use anser_web::{
    Connection,
    limits::{MAX_HEAD, MAX_HEADERS},
};
use axum::body::Body;
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::AsyncWriteExt as _,
    net::TcpStream,
    sync::{Semaphore, watch},
};

/// What other machines are told that come without TLS where it is needed.
const TLS_NEEDED: &[u8] = b"HTTP/1.1 426 Upgrade Required\r\nupgrade: TLS/1.2, HTTP/1.1\r\n\
    connection: close, upgrade\r\ncontent-type: text/plain\r\ncontent-length: 26\r\n\r\n\
    use https:// on this port\n";

/// Who answers requests.
pub(super) trait Answers: Send + Sync + 'static {
    /// Answers one. Its extensions hold the [`Arrival`] that it came by.
    fn answer(&self, request: Request<Incoming>) -> impl Future<Output = Response<Body>> + Send;
}

/// How connections are taken.
pub(super) struct Door {
    /// What they pass first.
    pub(super) entrance: anser_cm::Door,
    /// Whether other machines may come without TLS.
    pub(super) plaintext: bool,
    /// How long a TLS handshake or a request's head may take.
    pub(super) head_within: Duration,
    /// How many connections at a time.
    pub(super) connections: u32,
}

/// Takes connections until `stop` changes, and returns once all of them have ended; whoever cannot
/// wait so long drops the future.
pub(super) async fn serve<A: Answers>(
    listener: Listener,
    door: Arc<Door>,
    answers: Arc<A>,
    mut stop: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(usize::try_from(door.connections).unwrap_or(1)));
    loop {
        // A full house lets newcomers wait in the backlog. Both branches may be dropped at any
        // await: a place goes back, accepting holds nothing in between, and a change stays seen.
        let (place, (stream, remote)) = tokio::select! {
            accepted = async { (places.clone().acquire_owned().await, listener.accept().await) }
                => accepted,
            _ = stop.changed() => break,
        };
        let Ok(place) = place else { break };
        let (door, answers, stop) = (door.clone(), answers.clone(), stop.clone());
        tokio::spawn(async move {
            let _place = place;
            if let Err(error) = connection(stream, remote, &door, answers, stop).await {
                tracing::debug!(%remote, %error, "http connection failed");
            }
        });
    }
    drop(listener);
    // Every place is free again when the last connection has ended.
    let _ = places.acquire_many(door.connections).await;
}

async fn connection<A: Answers>(
    stream: TcpStream,
    peer: SocketAddr,
    door: &Door,
    answers: Arc<A>,
    mut stop: watch::Receiver<bool>,
) -> io::Result<()> {
    let (mut io, arrival) = door.entrance.enter(stream, peer, door.head_within).await?;
    if !door.plaintext && !arrival.is_private() {
        io.write_all(TLS_NEEDED).await?;
        return io.shutdown().await;
    }
    let service = service_fn(move |request| {
        let (answers, request) = (answers.clone(), marked(request, &arrival));
        let hurried = arrival.hurried;
        async move {
            let answer = match hurried {
                None => answers.answer(request).await,
                Some(wait) => anser_web::too_fast(wait),
            };
            Ok::<_, Infallible>(answer)
        }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(door.head_within)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(io), service)
        .with_upgrades();
    let mut served = pin!(served);
    // The connection is polled by reference, so that losing the race costs it nothing.
    tokio::select! {
        done = served.as_mut() => return done.map_err(io::Error::other),
        _ = stop.changed() => {}
    }
    served.as_mut().graceful_shutdown();
    served.await.map_err(io::Error::other)
}

fn marked(mut request: Request<Incoming>, arrival: &Arrival) -> Request<Incoming> {
    let tls = arrival.tls.is_some() || arrival.vouched;
    let connection = Connection { remote: arrival.remote, tls, proxied: arrival.proxied };
    request.extensions_mut().insert(connection);
    request.extensions_mut().insert(arrival.clone());
    request
}
