//! Two releases on one stream: what the other does not know is refused by itself, and everything
//! around it counts. A variant that is not known reads as one that is not there: that is how a later
//! release's are made here, and the first test holds it against bytes.

use std::{net::TcpListener, sync::Arc, time::Duration};

use anser_domain::{
    Ask, Beat, Caller, Command, Event, Hint, LinkId, Links, Peer, PeerId, Presence, Refusal,
    Replies, Reply, ReplyTo, SessionManager, StreamPos, SyncToken, Tag, Via,
};
use futures_util::{Stream, StreamExt as _};
use parking_lot::Mutex;
use prost::Message as _;
use tokio::{
    sync::{mpsc, watch},
    time::timeout,
};
use tonic::{Request, Response, Status, Streaming, transport::server::TcpIncoming};

use crate::{
    Dial, FromSm, Mesh, Served, ToSm,
    convert::Form as _,
    proto::{
        self,
        from_sm::Packet,
        sm_client::SmClient,
        sm_server::{Sm, SmServer},
    },
};

const PATIENCE: Duration = Duration::from_secs(30);
const AT: StreamPos = StreamPos { sm: PeerId(1), number: 1 };

/// Fields and variants that no release has yet: far above all numbers that are in use.
fn later(mut bytes: Vec<u8>) -> Vec<u8> {
    const NUMBER: u32 = 100_000;
    prost::encoding::string::encode(NUMBER, &"of a later release".to_owned(), &mut bytes);
    bytes
}

pub(crate) fn ask(link: u64) -> Ask {
    let from = ReplyTo { peer: PeerId(7), link: LinkId(link), tag: Tag(link), via: Via::default() };
    Ask { from, caller: Caller::Nobody, command: Command::Me }
}

/// A question that only a later release knows.
fn later_ask(link: u64) -> proto::Ask {
    let command = proto::Command::decode(&*later(Vec::new())).unwrap();
    proto::Ask { command: Some(command), ..ask(link).form() }
}

fn refusal_of_later_release() -> proto::Refusal {
    proto::Refusal::decode(&*later(Vec::new())).unwrap()
}

#[test]
fn fields_of_a_later_release_are_skipped_and_its_variants_read_as_missing() {
    let packet = ToSm::Asks(vec![ask(1)]);
    let read = ToSm::decode(later(packet.encode().into()).into()).unwrap();
    assert!(matches!(read, ToSm::Asks(asks) if asks.len() == 1));
    let beat = Beat { at: AT, watermark: SyncToken(3), routes_generation: 4 };
    let read = FromSm::decode(later(FromSm::Beat(beat).encode().into()).into()).unwrap();
    assert!(matches!(read, FromSm::Beat(it) if it == beat));

    assert_eq!(proto::Command::decode(&*later(Vec::new())).unwrap().command, None);
    assert_eq!(proto::ToSm::decode(&*later(Vec::new())).unwrap().packet, None);
    assert_eq!(refusal_of_later_release().why, None);
}

/// An SM of this release: it answers everything that it is asked.
#[derive(Default)]
struct Answering(Mutex<Option<Peer>>);

impl SessionManager for Answering {
    fn attach(&self, peer: Peer) {
        *self.0.lock() = Some(peer);
    }

    fn detach(&self, _: PeerId) {}

    fn submit(&self, batch: Vec<Ask>) {
        let answers = batch.iter().map(|it| (it.from.link, it.from.tag, Reply::Done)).collect();
        self.0.lock().as_ref().unwrap().replies.replies(answers);
    }
}

/// A stream to such an SM: what is said to it, what it says, and what it has counted.
pub(crate) async fn attached(
    pongs: bool,
) -> (mpsc::UnboundedSender<proto::ToSm>, Streaming<proto::FromSm>, Arc<Served>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap().to_string();
    let served = Arc::new(Served::default());
    let (sm, counts) = (Arc::new(Answering::default()), served.clone());
    tokio::spawn(
        async move { crate::serve(sm, listener, None, counts, std::future::pending()).await },
    );
    let (to, packets) = mpsc::unbounded_channel();
    let packets = futures_util::stream::unfold(packets, |mut packets| async move {
        Some((packets.recv().await?, packets))
    });
    to.send(ToSm::Attach { peer: PeerId(7), links: true, pongs }.form()).unwrap();
    let mut client = SmClient::new(Dial::default().connect(&at).await.unwrap());
    (to, client.exchange(packets).await.unwrap().into_inner(), served)
}

/// The next packet of an SM.
pub(crate) async fn next(inbound: &mut Streaming<proto::FromSm>) -> FromSm {
    let packet = timeout(PATIENCE, inbound.message()).await.unwrap().unwrap().unwrap();
    FromSm::read(packet).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_sm_answers_a_later_peer_what_it_knows_and_refuses_the_rest() {
    // Without pongs, as releases were before there were any.
    let (to, mut inbound, served) = attached(false).await;
    to.send(proto::ToSm { packet: None }).unwrap();
    let asks = vec![ask(1).form(), later_ask(2), ask(3).form()];
    to.send(proto::ToSm { packet: Some(proto::to_sm::Packet::Asks(proto::Asks { asks })) })
        .unwrap();

    let mut answers = Vec::new();
    while answers.len() < 3 {
        let FromSm::Replies(some) = next(&mut inbound).await else {
            panic!("it is told nothing that its release does not know")
        };
        answers.extend(some);
    }
    answers.sort_by_key(|(link, ..)| link.0);
    assert_eq!(answers[0].2, Reply::Done);
    assert!(
        matches!(&answers[1].2, Reply::Refused(it @ Refusal::Invalid(_)) if !it.is_retriable()),
        "{answers:?}"
    );
    assert_eq!(answers[2].2, Reply::Done);
    // The packet that was of no known kind, and one question; the stream has outlived both.
    assert_eq!((served.unread(), served.asked(), served.streams()), (2, 2, 1));
}

/// An SM of a later release, in what it says.
struct Later(Vec<proto::FromSm>);

#[tonic::async_trait]
impl Sm for Later {
    type ExchangeStream =
        std::pin::Pin<Box<dyn Stream<Item = Result<proto::FromSm, Status>> + Send>>;

    async fn exchange(
        &self,
        mut request: Request<Streaming<proto::ToSm>>,
    ) -> Result<Response<Self::ExchangeStream>, Status> {
        // Attach, then the question that is answered.
        request.get_mut().message().await?;
        let said = self.0.clone();
        let mut inbound = request.into_inner();
        let answers = async move {
            let _ = inbound.message().await;
            // The stream stays up as long as the peer likes.
            futures_util::stream::iter(said.into_iter().map(Ok)).chain(futures_util::stream::once(
                async move {
                    let _ = inbound.message().await;
                    Err(Status::aborted("over"))
                },
            ))
        };
        Ok(Response::new(Box::pin(futures_util::stream::once(answers).flatten())))
    }
}

/// A peer that writes down what it is told.
struct Listening(mpsc::UnboundedSender<String>);

impl Listening {
    fn note(&self, what: String) {
        let _ = self.0.send(what);
    }
}

impl Replies for Listening {
    fn replies(&self, batch: Vec<(LinkId, Tag, Reply)>) {
        batch.into_iter().for_each(|(link, _, reply)| self.note(format!("{} {reply:?}", link.0)));
    }
}

impl Links for Listening {
    fn deliver(&self, at: StreamPos, batch: Vec<Hint>) {
        self.note(format!("batch {} of {}", at.number, batch.len()));
    }

    fn evict(&self, links: Vec<(LinkId, Refusal)>) {
        links.into_iter().for_each(|(link, why)| self.note(format!("{} ends: {why:?}", link.0)));
    }

    fn beat(&self, beat: Beat) {
        self.note(format!("beat {}", beat.at.number));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_takes_of_a_later_sm_what_it_knows_and_its_stream_stays_up() {
    let event = Event::Presence(Arc::new(Presence { user: "bob".parse().unwrap(), online: true }));
    let hint = Hint { event, links: vec![LinkId(1)] }.form();
    let unknown = proto::Hint { event: None, links: vec![1] };
    let answer = proto::Answer { link: 1, tag: 1, reply: None };
    let eviction = proto::Eviction { link: 9, why: Some(refusal_of_later_release()) };
    let beat = Beat { at: AT, watermark: SyncToken(0), routes_generation: 0 };
    let said = [
        None,
        Some(Packet::Replies(proto::Replies { answers: vec![answer] })),
        Some(Packet::Hints(proto::Hints { at: Some(AT.form()), hints: vec![unknown, hint] })),
        Some(Packet::Evict(proto::Evictions { evictions: vec![eviction] })),
        Some(Packet::Beat(beat.form())),
    ];
    let said = said.into_iter().map(|packet| proto::FromSm { packet }).collect();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap().to_string();
    let serving = tonic::transport::Server::builder().add_service(SmServer::new(Later(said)));
    tokio::spawn(serving.serve_with_incoming(TcpIncoming::from(listener)));

    let mesh = Mesh::new(Dial::default());
    let (notes, mut heard) = mpsc::unbounded_channel();
    let listening = Arc::new(Listening(notes));
    mesh.attach(Peer {
        id: PeerId(7),
        via: Via::default(),
        replies: listening.clone(),
        links: Some(listening),
    });
    mesh.submit(vec![ask(1)]);
    let list = watch::Sender::new(vec![at]);
    tokio::spawn(mesh.clone().follow(list.subscribe()));

    let expected = ["1 Refused(Unavailable)", "batch 1 of 1", "9 ends: Draining", "beat 1"];
    for what in expected {
        assert_eq!(timeout(PATIENCE, heard.recv()).await.unwrap().unwrap(), what);
    }
    let stats = mesh.stats();
    assert_eq!((stats.unread, stats.streams, stats.broken, stats.open), (4, 1, 0, 0));
    assert_eq!((stats.asked, stats.deliveries), (1, 1));
}
