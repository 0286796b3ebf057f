//! The handle that apps hold.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use anser_domain::{Address, ClientId, Content, Outgoing, SyncToken};
use anser_wire::frame::{Answer, Call};
use tokio::sync::{mpsc, oneshot};

use crate::{
    dial::Dial,
    error::{ConnectError, Failed},
    event::{Event, Events, Stop, Taken},
    machine::{Machine, Settings},
    model::{Identity, Stored},
    task::{Task, Wish},
    token::TokenSource,
};

/// How a client begins.
#[derive(Clone)]
pub struct Options {
    /// How links are made; usually a [`Gateway`](crate::Gateway).
    pub dial: Arc<dyn Dial>,
    /// Where access tokens come from. A token names the user and the device.
    pub tokens: Arc<dyn TokenSource>,
    /// What the app is, for people who read the server's log: `name/version`.
    pub client: String,
    /// The token of the last [`Event::Synced`], for an app that keeps its own copy.
    pub since: Option<SyncToken>,
    /// How many log entries the server may send ahead of the app; at least 2.
    pub credit: u32,
    /// The heartbeat interval that is wished for; the server decides.
    pub heartbeat: Option<Duration>,
    /// Whether long bodies may be compressed.
    pub compress: bool,
    /// How many sends may wait for their answer, over all conversations.
    pub max_unanswered: usize,
}

impl Options {
    /// The usual settings.
    #[must_use]
    pub fn new(dial: impl Dial, tokens: impl TokenSource) -> Self {
        Self {
            dial: Arc::new(dial),
            tokens: Arc::new(tokens),
            client: concat!("anser-client/", env!("CARGO_PKG_VERSION")).to_owned(),
            since: None,
            credit: 512,
            heartbeat: None,
            compress: true,
            max_unanswered: 10_000,
        }
    }
}

/// A device that stays linked, through every interruption, until it is closed.
///
/// Cheap to clone. When the last handle is dropped, the link closes.
#[derive(Clone, Debug)]
pub struct Client {
    wishes: mpsc::UnboundedSender<Wish>,
    identity: Arc<Identity>,
    unanswered: Arc<AtomicUsize>,
    max_unanswered: usize,
}

/// The answer to come to a send: where the message stands, or why it will never. Sending goes
/// on when this is dropped.
#[derive(Debug)]
#[must_use = "a send that nobody waits for fails unseen"]
pub struct Sending {
    client_id: ClientId,
    reply: Result<oneshot::Receiver<Result<Stored, Failed>>, Failed>,
    _place: Place,
}

/// One of the places for unanswered sends.
#[derive(Debug)]
struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Sending {
    /// The id by which every attempt of this send is known.
    #[must_use]
    pub fn client_id(&self) -> ClientId {
        self.client_id
    }
}

impl Future for Sending {
    type Output = Result<Stored, Failed>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.reply {
            Ok(reply) => Poll::Ready(
                ready!(Pin::new(reply).poll(cx)).unwrap_or(Err(Failed::Stopped(Stop::Closed))),
            ),
            Err(failed) => Poll::Ready(Err(failed.clone())),
        }
    }
}

/// A message of `content` for `to`, with a client id of its own.
#[must_use]
pub fn message(to: Address, content: Content) -> Outgoing {
    Outgoing {
        to,
        client_id: fresh_client_id(),
        content,
        reply_to: None,
        mentions: Vec::new(),
        payload: None,
        mentions_all: false,
        forward: None,
    }
}

/// A client id that the store likes best: its order is that of the time.
#[must_use]
pub fn fresh_client_id() -> ClientId {
    ClientId(uuid::Uuid::now_v7().into_bytes())
}

impl Client {
    /// Links up. Once this has succeeded the client comes back by itself after every
    /// interruption; the first event is [`Event::Linked`].
    ///
    /// # Errors
    /// The first attempt failed.
    pub async fn connect(options: Options) -> Result<(Self, Events), ConnectError> {
        let (tell, mut events) = mpsc::unbounded_channel();
        let (wishes, wished) = mpsc::unbounded_channel();
        let taken = Arc::new(Taken::default());
        let settings = Settings {
            client: options.client,
            since: options.since,
            credit: options.credit.max(2),
            heartbeat: options.heartbeat,
            compress: options.compress,
        };
        let mut task = Task {
            machine: Machine::new(settings, tell),
            dial: options.dial,
            tokens: options.tokens,
            wishes: wished,
            taken: taken.clone(),
            closing: None,
        };
        let link = Box::pin(task.establish()).await?;
        let linked = events.recv().await;
        let Some(Event::Linked(identity)) = &linked else {
            return Err(std::io::Error::from(std::io::ErrorKind::InvalidData).into());
        };
        let client = Self {
            wishes,
            identity: Arc::new(identity.clone()),
            unanswered: Arc::default(),
            max_unanswered: options.max_unanswered,
        };
        tokio::spawn(task.run(link));
        Ok((client, Events::new(events, taken, linked)))
    }

    /// Who this is.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Sends a message. It goes out in the order of these calls per conversation, is said again
    /// after every interruption, and is stored at most once. Resolves once it is stored for
    /// good, or refused for good.
    pub fn send(&self, outgoing: Outgoing) -> Sending {
        let client_id = outgoing.client_id;
        let before = self.unanswered.fetch_add(1, Ordering::Relaxed);
        let place = Place(self.unanswered.clone());
        let reply = if before >= self.max_unanswered {
            Err(Failed::Full)
        } else {
            let (reply, receiver) = oneshot::channel();
            match self.wishes.send(Wish::Send(Box::new(outgoing), reply)) {
                Ok(()) => Ok(receiver),
                Err(_) => Err(Failed::Stopped(Stop::Closed)),
            }
        };
        Sending { client_id, reply, _place: place }
    }

    /// Says that the user is typing, or has stopped.
    pub fn typing(&self, at: &Address, active: bool) {
        // A client that has stopped types nothing.
        let _ = self.wishes.send(Wish::Typing(at.clone(), active));
    }

    /// Tries again now, when the link is down and waiting.
    pub fn reconnect_now(&self) {
        let _ = self.wishes.send(Wish::Reconnect);
    }

    /// Waits a little for unanswered sends, acknowledges what was taken, and closes the link.
    pub async fn close(self) {
        let (done, closed) = oneshot::channel();
        if self.wishes.send(Wish::Close(done)).is_ok() {
            let _ = closed.await;
        }
    }

    pub(crate) async fn call(&self, call: Call) -> Result<Answer, Failed> {
        let (reply, answer) = oneshot::channel();
        let stopped = Failed::Stopped(Stop::Closed);
        self.wishes.send(Wish::Call(call, reply)).map_err(|_| stopped.clone())?;
        answer.await.unwrap_or(Err(stopped))
    }
}
