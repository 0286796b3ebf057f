//! An SM's end: takes the streams of its peers.

use std::{
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use anser_domain::{
    Ask, Beat, Hint, LinkId, Links, Peer, PeerId, Refusal, Replies, Reply, ReplyTo, SessionManager,
    StreamPos, Tag, Via,
};
use futures_util::Stream;
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use tokio::{
    sync::mpsc::{Receiver, Sender, channel, error::TrySendError},
    time::{MissedTickBehavior, interval},
};
use tonic::{
    Request, Response, Status, Streaming,
    transport::{Server, server::TcpIncoming},
};

use crate::{
    FromSm, Served, ToSm,
    dial::{Credentials, DialError, chain, is_loopback, server_tls},
    lease::{Lease, RENEW_EVERY},
    limits::{MAX_PACKET, MAX_WAITING, PING_EVERY, PING_WITHIN, WINDOW},
    packet::Known,
    proto::{
        self,
        sm_server::{Sm, SmServer},
    },
};

/// Serves `sm` to peers that dial `listener`, until `stop` is done and their streams have ended.
/// `served` counts what passes.
///
/// # Errors
/// [`DialError`]: an address that is not loopback, without credentials; or what the system said.
pub async fn serve(
    sm: Arc<dyn SessionManager>,
    listener: std::net::TcpListener,
    credentials: Option<&Credentials>,
    served: Arc<Served>,
    stop: impl Future<Output = ()>,
) -> Result<(), DialError> {
    let said = |error: std::io::Error| DialError(error.to_string());
    let at: SocketAddr = listener.local_addr().map_err(said)?;
    listener.set_nonblocking(true).map_err(said)?;
    let mut server = Server::builder()
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .http2_keepalive_interval(Some(PING_EVERY))
        .http2_keepalive_timeout(Some(PING_WITHIN));
    match credentials {
        Some(it) => {
            server = server.tls_config(server_tls(it)).map_err(|error| DialError(chain(&error)))?;
        }
        None if is_loopback(at.ip()) => {}
        None => {
            return Err(DialError(format!(
                "{at} can be reached by other machines; roles listen there only under mutual TLS: \
                 set [cluster] ca, certificate and key"
            )));
        }
    }
    let listener = tokio::net::TcpListener::from_std(listener).map_err(said)?;
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let service =
        SmServer::new(Service { sm, served, latest: Arc::default(), streams: AtomicU64::new(1) })
            .max_decoding_message_size(MAX_PACKET)
            .max_encoding_message_size(MAX_PACKET);
    server
        .add_service(service)
        .serve_with_incoming_shutdown(incoming, stop)
        .await
        .map_err(|error| DialError(chain(&error)))
}

/// What is answered to a question of a later release. Not to be asked again: the device's later
/// messages must not wait for one that will not be understood.
const UNKNOWN: Refusal = Refusal::Invalid("this server does not know yet what was asked");

/// Which stream of each peer is its latest.
type Latest = Arc<Mutex<FxHashMap<PeerId, Arc<Outlet>>>>;

struct Service {
    sm: Arc<dyn SessionManager>,
    served: Arc<Served>,
    latest: Latest,
    /// The number of the next one.
    streams: AtomicU64,
}

#[tonic::async_trait]
impl Sm for Service {
    type ExchangeStream = Pin<Box<dyn Stream<Item = Result<proto::FromSm, Status>> + Send>>;

    async fn exchange(
        &self,
        request: Request<Streaming<proto::ToSm>>,
    ) -> Result<Response<Self::ExchangeStream>, Status> {
        let mut inbound = request.into_inner();
        let first = inbound.message().await?.ok_or(Status::invalid_argument("no packet"))?;
        let Ok(ToSm::Attach { peer, links, pongs }) = ToSm::read(first) else {
            return Err(Status::invalid_argument("the first packet says who attaches"));
        };
        let (to, packets) = channel(MAX_WAITING);
        let served = self.served.clone();
        let (to, stuck) = (Mutex::new(Some(to)), AtomicBool::new(false));
        let via = Via(self.streams.fetch_add(1, Ordering::Relaxed));
        let outlet = Arc::new(Outlet { lease: Lease::new(pongs), to, stuck, served });
        // The peer's earlier stream, if it has one still, is heard no more.
        if let Some(earlier) = self.latest.lock().insert(peer, outlet.clone()) {
            earlier.close();
        }
        let links = links.then(|| outlet.clone() as _);
        self.sm.attach(Peer { id: peer, via, replies: outlet.clone(), links });
        tracing::info!(%peer, "a peer has attached");
        let latest = self.latest.clone();
        tokio::spawn(listen(self.sm.clone(), latest, (peer, via), outlet, inbound));
        Ok(Response::new(Box::pin(outbound(packets))))
    }
}

/// Takes what a peer asks, until its stream ends.
async fn listen(
    sm: Arc<dyn SessionManager>,
    latest: Latest,
    (peer, via): (PeerId, Via),
    outlet: Arc<Outlet>,
    mut inbound: Streaming<proto::ToSm>,
) {
    let mut gone = false;
    let served = outlet.served.clone();
    served.streams.add(1);
    let mut renew = interval(RENEW_EVERY);
    renew.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // Asked while it is not sure that the peer still waits.
    let mut parked: Vec<Ask> = Vec::new();
    loop {
        let message = tokio::select! {
            // Cancel-safe: a message that has not come whole is kept by the stream.
            message = inbound.message() => message,
            // Cancel-safe: a tick that was not taken comes again.
            _ = renew.tick() => {
                outlet.ping();
                continue;
            }
        };
        let Known { packet, unread } = match message {
            Ok(Some(form)) => match ToSm::known(form) {
                Ok(known) => known,
                Err(error) => {
                    tracing::warn!(%peer, %error, "a peer sent what is no packet");
                    break;
                }
            },
            Ok(None) => break,
            Err(status) => {
                tracing::info!(%peer, %status, "the stream of a peer broke");
                break;
            }
        };
        served.unread.add(unread.len() + usize::from(packet.is_none()));
        if !unread.is_empty() {
            let refused = |it: ReplyTo| (it.link, it.tag, Reply::Refused(UNKNOWN));
            outlet.replies(unread.into_iter().map(refused).collect());
        }
        match packet {
            Some(ToSm::Asks(mut asks)) => {
                served.asked.add(asks.len());
                asks.iter_mut().for_each(|ask| ask.from.via = via);
                if parked.is_empty() && outlet.lease.holds() {
                    sm.submit(asks);
                } else {
                    if parked.is_empty() {
                        outlet.ping();
                    }
                    parked.append(&mut asks);
                }
            }
            Some(ToSm::Pong(ping)) => {
                outlet.lease.pong(ping);
                if !parked.is_empty() && outlet.lease.holds() {
                    sm.submit(std::mem::take(&mut parked));
                }
            }
            Some(ToSm::Detach(_)) => gone = true,
            Some(ToSm::Attach { .. }) => {
                tracing::warn!(%peer, "a peer attached twice on one stream");
                break;
            }
            // Of a later release, which knows that others may not know it.
            None => {}
        }
    }
    served.streams.down();
    outlet.close();
    // Unless it has come back by another stream already.
    let mut streams = latest.lock();
    if streams.get(&peer).is_some_and(|it| Arc::ptr_eq(it, &outlet)) {
        streams.remove(&peer);
        drop(streams);
        if gone { sm.detach(peer) } else { sm.lose(peer) }
    }
}

fn outbound(packets: Receiver<FromSm>) -> impl Stream<Item = Result<proto::FromSm, Status>> {
    futures_util::stream::unfold(packets, |mut packets| async move {
        let packet = packets.recv().await?;
        Some((Ok(packet.form()), packets))
    })
}

/// One stream of a peer: what goes to it, and whether it still listens.
struct Outlet {
    lease: Lease,
    to: Mutex<Option<Sender<FromSm>>>,
    stuck: AtomicBool,
    served: Arc<Served>,
}

impl Outlet {
    fn say(&self, packet: FromSm) {
        let mut to = self.to.lock();
        let sent = to.as_ref().map(|to| to.try_send(packet));
        if let Some(Err(error)) = sent {
            if matches!(error, TrySendError::Full(_)) && !self.stuck.swap(true, Ordering::Relaxed) {
                tracing::warn!("a peer does not read; its stream ends");
                self.served.stuck.add(1);
            }
            self.lease.end();
            *to = None;
        }
    }

    /// Asks whether the peer still waits, if it can say.
    fn ping(&self) {
        if let Some(ping) = self.lease.ping() {
            self.say(FromSm::Ping(ping));
        }
    }

    fn close(&self) {
        self.lease.end();
        *self.to.lock() = None;
    }
}

impl Replies for Outlet {
    fn replies(&self, batch: Vec<(LinkId, Tag, Reply)>) {
        self.served.replies.add(1);
        self.say(FromSm::Replies(batch));
    }

    fn wait(&self) -> bool {
        self.lease.holds()
    }
}

impl Links for Outlet {
    fn deliver(&self, at: StreamPos, batch: Vec<Hint>) {
        self.served.deliveries.add(1);
        self.say(FromSm::Hints(at, batch));
    }

    fn evict(&self, links: Vec<(LinkId, Refusal)>) {
        self.say(FromSm::Evict(links));
    }

    fn beat(&self, beat: Beat) {
        self.say(FromSm::Beat(beat));
    }
}
