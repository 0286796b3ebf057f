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

use anser_domain::{
    Address, ClientId, Content, GroupName, GroupRole, Outgoing, Seq, SyncToken, UserName,
};
use anser_wire::frame::{self, Answer, Call};
use tokio::sync::{mpsc, oneshot};

use crate::{
    convert,
    dial::Dial,
    error::{ConnectError, Failed},
    event::{Event, Events, Stop, Taken},
    machine::{Machine, Settings},
    model::{ConversationPage, Group, Identity, Page, Range, Stored},
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

    async fn call(&self, call: Call) -> Result<Answer, Failed> {
        let (reply, answer) = oneshot::channel();
        let stopped = Failed::Stopped(Stop::Closed);
        self.wishes.send(Wish::Call(call, reply)).map_err(|_| stopped.clone())?;
        answer.await.unwrap_or(Err(stopped))
    }

    /// Part of a conversation's log; `limit` 0 leaves its size to the server.
    ///
    /// # Errors
    /// [`Failed`], as for every call.
    pub async fn history(&self, at: &Address, range: Range, limit: u32) -> Result<Page, Failed> {
        let (before, after) = match range {
            Range::Latest => (0, None),
            Range::Before(seq) => (seq.0, None),
            Range::After(seq) => (0, Some(seq.0)),
        };
        let call = frame::HistoryCall { at: at.to_string(), before, after, limit };
        match self.call(Call::History(call)).await? {
            Answer::Log(log) => convert::page(log).map_err(|_| Failed::Odd),
            _ => Err(Failed::Odd),
        }
    }

    /// The user's conversations, most recently changed first.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn conversations(
        &self,
        before: Option<SyncToken>,
        limit: u32,
    ) -> Result<ConversationPage, Failed> {
        let call = frame::ConversationsCall { before: before.map(|token| token.0), limit };
        let Answer::Conversations(set) = self.call(Call::Conversations(call)).await? else {
            return Err(Failed::Odd);
        };
        let next = set.more.then_some(SyncToken(set.token));
        let rows = set.conversations.into_iter().map(convert::conversation);
        let conversations = rows.collect::<Result<_, _>>().map_err(|_| Failed::Odd)?;
        Ok(ConversationPage { conversations, next })
    }

    /// The user has read up to `seq`.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn read(&self, at: &Address, seq: Seq) -> Result<(), Failed> {
        let call = frame::ReadCall { at: at.to_string(), seq: seq.0 };
        match self.call(Call::Read(call)).await? {
            Answer::Done(_) => Ok(()),
            _ => Err(Failed::Odd),
        }
    }

    /// Makes a group with the user as its owner.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn create_group(
        &self,
        name: &GroupName,
        title: &str,
        members: &[UserName],
    ) -> Result<Stored, Failed> {
        let call = frame::CreateGroupCall {
            kind: 0,
            client_id: fresh_client_id().0.to_vec(),
            name: name.to_string(),
            title: title.to_owned(),
            members: names(members),
        };
        self.change(Call::CreateGroup(call)).await
    }

    /// Adds members to a group, or changes the standing of those there are.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn put_members(
        &self,
        group: &GroupName,
        users: &[UserName],
        role: GroupRole,
    ) -> Result<Stored, Failed> {
        let call = frame::PutMembersCall {
            client_id: fresh_client_id().0.to_vec(),
            group: group.to_string(),
            users: names(users),
            role: convert::role_number(role),
        };
        self.change(Call::PutMembers(call)).await
    }

    /// Takes members out of a group; who names only themselves leaves.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn remove_members(
        &self,
        group: &GroupName,
        users: &[UserName],
    ) -> Result<Stored, Failed> {
        let call = frame::RemoveMembersCall {
            client_id: fresh_client_id().0.to_vec(),
            group: group.to_string(),
            users: names(users),
        };
        self.change(Call::RemoveMembers(call)).await
    }

    /// Comes into a group, or subscribes to a channel; `None` when an admin will decide, who is
    /// told `message`.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn join(&self, group: &GroupName, message: &str) -> Result<Option<Stored>, Failed> {
        let call = frame::JoinCall {
            client_id: fresh_client_id().0.to_vec(),
            group: group.to_string(),
            message: message.to_owned(),
        };
        match self.call(Call::Join(call)).await? {
            Answer::Sent(stored) => Ok(Some(convert::stored(&stored))),
            Answer::Asked(_) => Ok(None),
            _ => Err(Failed::Odd),
        }
    }

    /// Leaves a group, or unsubscribes from a channel.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn leave(&self, group: &GroupName) -> Result<Stored, Failed> {
        let client_id = fresh_client_id().0.to_vec();
        self.change(Call::Leave(frame::LeaveCall { client_id, group: group.to_string() })).await
    }

    /// What this user may see of a group.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn group(&self, name: &GroupName) -> Result<Group, Failed> {
        match self.call(Call::Group(frame::GroupCall { name: name.to_string() })).await? {
            Answer::Group(group) => Ok(convert::group(group)),
            _ => Err(Failed::Odd),
        }
    }

    /// A page of a group's members by name, and whether another follows.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn members(
        &self,
        group: &GroupName,
        after: Option<&UserName>,
        limit: u32,
    ) -> Result<(Vec<(UserName, Option<GroupRole>)>, bool), Failed> {
        let call = frame::MembersCall {
            group: group.to_string(),
            after: after.map(ToString::to_string).unwrap_or_default(),
            limit,
        };
        let Answer::Members(page) = self.call(Call::Members(call)).await? else {
            return Err(Failed::Odd);
        };
        let rows =
            page.members.iter().map(|it| Ok((convert::user(&it.user)?, convert::role(it.role))));
        let rows = rows.collect::<Result<_, convert::Odd>>().map_err(|_| Failed::Odd)?;
        Ok((rows, page.more))
    }

    async fn change(&self, call: Call) -> Result<Stored, Failed> {
        match self.call(call).await? {
            Answer::Sent(stored) => Ok(convert::stored(&stored)),
            _ => Err(Failed::Odd),
        }
    }
}

fn names(users: &[UserName]) -> Vec<String> {
    users.iter().map(ToString::to_string).collect()
}
