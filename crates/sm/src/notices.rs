//! Notices: a message from the server's own name to many, each in a direct conversation with it.
//!
//! They pass through the log as everything does, and so have history, unread counts, live delivery
//! and push. The SM asks for them as a peer of its own, to hear what became of each.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use anser_domain::{
    Audience, LinkId, PeerId, Refusal, Replies, Reply, ReplyTo, Role, Secret, Tag, UserId,
    UserName, Via,
};
use anser_store::{NewUserRow, Store};
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use tokio::sync::oneshot;

use crate::{config::Config, credentials::Credentials};

/// Under which the SM asks itself. Processes choose theirs at random.
pub(crate) const OWN: PeerId = PeerId(0);
/// Users that one notice reaches: what one transaction stores without others waiting for it.
pub(crate) const MAX_AUDIENCE: usize = 1_000;
const TOO_MANY: Refusal = Refusal::TooLarge("a notice reaches at most 1,000 users");

/// Answers to what the SM asks of itself.
#[derive(Default)]
pub(crate) struct OwnAsks {
    next: AtomicU64,
    waiting: Mutex<FxHashMap<Tag, oneshot::Sender<Reply>>>,
}

impl OwnAsks {
    /// Where an answer is to go, and where it will come.
    fn ask(&self) -> (ReplyTo, oneshot::Receiver<Reply>) {
        let tag = Tag(self.next.fetch_add(1, Ordering::Relaxed));
        let (answer, answered) = oneshot::channel();
        self.waiting.lock().insert(tag, answer);
        (ReplyTo { peer: OWN, link: LinkId(0), tag, via: Via::default() }, answered)
    }
}

impl Replies for OwnAsks {
    fn replies(&self, batch: Vec<(LinkId, Tag, Reply)>) {
        let mut waiting = self.waiting.lock();
        for (_, tag, reply) in batch {
            if let Some(answer) = waiting.remove(&tag) {
                // Whoever asked may have stopped waiting.
                let _ = answer.send(reply);
            }
        }
    }
}

/// Who writes notices, and who gets them.
pub(crate) struct Notices {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) config: Arc<Config>,
    pub(crate) credentials: Arc<Credentials>,
    pub(crate) own: Arc<OwnAsks>,
}

impl Notices {
    /// Where the answer to one message goes, and where it comes.
    pub(crate) fn ask(&self) -> (ReplyTo, oneshot::Receiver<Reply>) {
        self.own.ask()
    }

    /// The user whom notices are from. The first notice makes them, with a password that nobody
    /// knows.
    pub(crate) async fn sender(&self) -> Result<UserId, Refusal> {
        let name = &self.config.notice_sender;
        if let Some(row) = self.store.user(name).await? {
            return if row.disabled { Err(Refusal::Disabled) } else { Ok(row.id) };
        }
        let password = Secret::new(format!("{:032x}", rand::random::<u128>()));
        let keys = self.credentials.keys_for(password).await?;
        let (name, display_name) = (name.clone(), Box::default());
        let row = NewUserRow { name, display_name, role: Role::User, keys };
        let made = self.store.create_users(vec![row]).await?.into_iter().next();
        made.unwrap_or(Err(Refusal::Unavailable))
    }

    /// Everyone whom a notice is for, each once.
    pub(crate) async fn audience(&self, to: &Audience) -> Result<Vec<UserName>, Refusal> {
        let mut users = match to {
            Audience::Users(users) => users.clone(),
            Audience::Group(group) => self.members(group).await?,
        };
        users.sort_unstable();
        users.dedup();
        users.retain(|user| *user != self.config.notice_sender);
        match users.len() {
            0 => Err(Refusal::Invalid("a notice names at least one user")),
            1..=MAX_AUDIENCE => Ok(users),
            _ => Err(TOO_MANY),
        }
    }

    async fn members(&self, group: &anser_domain::GroupName) -> Result<Vec<UserName>, Refusal> {
        let owner = self.store.owner_of(group).await?;
        let (mut users, mut after) = (Vec::new(), None);
        loop {
            let limit = self.config.page_limit;
            let page = self.store.members(owner, group, after.as_ref(), limit).await?;
            users.extend(page.members.into_iter().map(|member| member.name));
            if !page.more {
                return Ok(users);
            }
            if users.len() > MAX_AUDIENCE {
                return Err(TOO_MANY);
            }
            after = users.last().cloned();
        }
    }
}
