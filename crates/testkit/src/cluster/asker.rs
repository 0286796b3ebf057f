//! A peer that only asks, as a Web does.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use anser_domain::{
    Address, Ask, Caller, Command, Content, DeviceName, HistoryRange, LinkId, LogEvent, Message,
    NewUser, Peer, PeerId, Replies, Reply, ReplyTo, Role, Secret, SessionManager, SignIn, Tag,
    UserName, Via,
};
use anyhow::{Result, bail};
use tokio::sync::oneshot;

use super::{
    Shared,
    port::{Port, listen},
};
use crate::checker::{self, Body, Entry, Row};

type Waiting = Shared<HashMap<LinkId, oneshot::Sender<Reply>>>;

/// The peer.
pub(super) struct Asker {
    id: PeerId,
    port: Arc<Port>,
    waiting: Waiting,
    next: AtomicU64,
}

struct Answers(Waiting);

impl Replies for Answers {
    fn replies(&self, batch: Vec<(LinkId, Tag, Reply)>) {
        let mut waiting = self.0.lock();
        for (link, _, reply) in batch {
            if let Some(asker) = waiting.remove(&link) {
                // Whoever asked may have stopped waiting.
                let _ = asker.send(reply);
            }
        }
    }
}

impl Asker {
    pub(super) fn attach(id: PeerId, port: Arc<Port>) -> Self {
        let waiting = Waiting::default();
        port.attach(Peer {
            id,
            via: Via::default(),
            replies: Arc::new(Answers(waiting.clone())),
            links: None,
        });
        listen(&port);
        Self { id, port, waiting, next: AtomicU64::new(1) }
    }

    pub(super) fn port(&self) -> &Arc<Port> {
        &self.port
    }

    pub(super) async fn ask(&self, caller: Caller, command: Command) -> Result<Reply> {
        let link = LinkId(self.next.fetch_add(1, Ordering::Relaxed));
        let (answer, answered) = oneshot::channel();
        self.waiting.lock().insert(link, answer);
        let from = ReplyTo { peer: self.id, link, tag: Tag(0), via: Via::default() };
        self.port.submit(vec![Ask { from, caller, command }]);
        match answered.await? {
            Reply::Refused(why) => bail!("refused: {why}"),
            reply => Ok(reply),
        }
    }

    /// Makes a user.
    pub(super) async fn create_user(&self, name: &str) -> Result<()> {
        let new = NewUser {
            name: UserName::new(name)?,
            password: Secret::new("a goose carries letters"),
            display_name: name.into(),
            role: Role::User,
        };
        self.ask(Caller::Nobody, Command::CreateUser(Box::new(new))).await?;
        Ok(())
    }

    /// Signs a device in; its access token.
    pub(super) async fn sign_in(&self, user: &str, device: &str) -> Result<Secret> {
        let sign_in = SignIn {
            user: UserName::new(user)?,
            password: Secret::new("a goose carries letters"),
            device: DeviceName::new(device)?,
        };
        match self.ask(Caller::Nobody, Command::SignIn(Box::new(sign_in))).await? {
            Reply::Tokens(tokens) => Ok(tokens.access),
            other => bail!("a sign-in was answered by {other:?}"),
        }
    }

    /// A user's conversation list, with each conversation's address.
    pub(super) async fn rows(&self, user: &str, token: &Secret) -> Result<Vec<(Address, Row)>> {
        let command = Command::Conversations { before: None, limit: 200 };
        let Reply::Conversations(list) = self.ask(Caller::Bearer(token.clone()), command).await?
        else {
            bail!("a list was answered by something else");
        };
        let row = |it: &anser_domain::ConversationState| Row {
            user: user.into(),
            conv: checker::conv(user, &it.at.to_string()),
            read: it.read.0,
            unread: it.unread,
            asked: 0,
        };
        Ok(list.conversations.iter().map(|it| (it.at.clone(), row(it))).collect())
    }

    /// A whole log, as a user sees it.
    pub(super) async fn log(&self, token: &Secret, at: &Address) -> Result<Vec<Entry>> {
        let mut log: Vec<Entry> = Vec::new();
        loop {
            let seq = anser_domain::Seq(log.last().map_or(0, |entry| entry.seq));
            let range = HistoryRange::After { seq, limit: 200 };
            let command = Command::History { at: at.clone(), range };
            let Reply::Page(page) = self.ask(Caller::Bearer(token.clone()), command).await? else {
                bail!("a page was answered by something else");
            };
            log.extend(page.messages.iter().map(|message| entry(message)));
            if !page.more {
                return Ok(log);
            }
        }
    }
}

fn entry(message: &Message) -> Entry {
    let body = match &message.content {
        Content::Event(LogEvent::Created { members } | LogEvent::Joined { members }) => {
            Body::In(members.iter().map(|(name, _)| name.as_str().into()).collect())
        }
        Content::Event(LogEvent::Removed { members }) => {
            Body::Out(members.iter().map(|name| name.as_str().into()).collect())
        }
        Content::Gone(_) => Body::Gone,
        // Nobody comes or goes by what else happens.
        Content::Event(_) => Body::In(Vec::new()),
        Content::Text(body)
        | Content::Image(body)
        | Content::File(body)
        | Content::Custom(body) => Body::Text(checker::digest(body)),
    };
    Entry {
        seq: message.seq.0,
        id: message.id.0,
        sender: message.sender.name.as_str().into(),
        body,
        quotes: message.reply_to.map(|seq| seq.0),
    }
}
