//! An SM over a real embedded store, and a CM that writes down what it is told.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use anser_domain::{
    Actor, Address, Ask, Beat, Caller, ClientId, Clock, Command, Content, Credential, DeviceName,
    Event, Hint, LinkId, Links, Login, ManualClock, Millis, NewUser, Outgoing, Peer, PeerId,
    Refusal, Replies, Reply, ReplyTo, Role, Secret, Sent, SessionManager, SignIn, StreamPos, Tag,
    Tokens, UserName, Via, Welcome,
};
use anser_sm::{Config, Outside, Sm, create_user};
use anser_store::{Routes, Store};
use parking_lot::Mutex;
use tokio::sync::Notify;

/// What a peer was told, in the order in which it was.
#[derive(Clone, Debug)]
pub(crate) enum Told {
    Reply(Tag, Reply),
    Event(StreamPos, LinkId, Event),
    Evicted(LinkId, Refusal),
    Beat(Beat),
}

/// A CM, or a Web when it is attached without links.
#[derive(Default)]
pub(crate) struct FakePeer {
    told: Mutex<Vec<Told>>,
    news: Notify,
    /// Whether it may have turned to another SM.
    pub(crate) unsure: AtomicBool,
}

impl FakePeer {
    fn tell(&self, told: impl IntoIterator<Item = Told>) {
        self.told.lock().extend(told);
        self.news.notify_waiters();
    }

    pub(crate) fn told(&self) -> Vec<Told> {
        self.told.lock().clone()
    }

    /// Waits until `found` finds something in what was told, and answers with it.
    pub(crate) async fn until<T>(&self, found: impl Fn(&[Told]) -> Option<T>) -> T {
        let wait = async {
            loop {
                let news = self.news.notified();
                if let Some(it) = found(&self.told.lock()) {
                    return it;
                }
                news.await;
            }
        };
        match tokio::time::timeout(Duration::from_secs(20), wait).await {
            Ok(it) => it,
            Err(_) => panic!("never told; only {:#?}", self.told()),
        }
    }

    pub(crate) async fn reply(&self, tag: Tag) -> Reply {
        self.until(|told| {
            told.iter().find_map(|it| match it {
                Told::Reply(its, reply) if *its == tag => Some(reply.clone()),
                _ => None,
            })
        })
        .await
    }

    /// Whether it was answered by now.
    pub(crate) fn has_reply(&self, tag: Tag) -> bool {
        self.told().iter().any(|it| matches!(it, Told::Reply(its, _) if *its == tag))
    }
}

impl Replies for FakePeer {
    fn replies(&self, batch: Vec<(LinkId, Tag, Reply)>) {
        self.tell(batch.into_iter().map(|(_, tag, reply)| Told::Reply(tag, reply)));
    }

    fn wait(&self) -> bool {
        !self.unsure.load(Ordering::SeqCst)
    }
}

impl Links for FakePeer {
    fn deliver(&self, at: StreamPos, batch: Vec<Hint>) {
        self.tell(batch.into_iter().flat_map(|hint| {
            let event = hint.event;
            hint.links.into_iter().map(move |link| Told::Event(at, link, event.clone()))
        }));
    }

    fn evict(&self, links: Vec<(LinkId, Refusal)>) {
        self.tell(links.into_iter().map(|(link, why)| Told::Evicted(link, why)));
    }

    fn beat(&self, beat: Beat) {
        self.tell([Told::Beat(beat)]);
    }
}

/// An SM with one CM and one Web attached.
pub(crate) struct World {
    pub(crate) sm: Arc<Sm>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) routes: Arc<dyn Routes>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) cm: Arc<FakePeer>,
    pub(crate) web: Arc<FakePeer>,
    tag: AtomicU64,
    dir: tempfile::TempDir,
}

pub(crate) const CM: PeerId = PeerId(1);
pub(crate) const WEB: PeerId = PeerId(2);
pub(crate) const PASSWORD: &str = "correct horse";

pub(crate) async fn world(users: &[&str]) -> World {
    world_with(users, Outside::default()).await
}

pub(crate) async fn world_with(users: &[&str], outside: Outside) -> World {
    world_set(users, outside, |_| {}).await
}

/// The same, under this configuration.
pub(crate) async fn world_as(users: &[&str], config: Config) -> World {
    world_set(users, Outside::default(), |it| *it = config).await
}

/// A world whose SM is set otherwise.
pub(crate) async fn world_set(
    users: &[&str],
    outside: Outside,
    set: impl FnOnce(&mut Config),
) -> World {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::new(Millis(1_800_000_000_000)));
    let url = format!("sqlite:{}", dir.path().join("anser.db").display());
    let store = anser_store::open(&url, clock.clone()).await.unwrap();
    let routes: Arc<dyn Routes> = anser_store::open_routes("memory").await.unwrap();
    let mut config = Config { scram_iterations: 2, ..Config::default() };
    set(&mut config);
    for name in users {
        let new = NewUser {
            name: UserName::new(name).unwrap(),
            password: Secret::new(PASSWORD),
            display_name: Box::default(),
            role: if *name == "root" { Role::Admin } else { Role::User },
        };
        create_user(&store, &config, new).await.unwrap();
    }
    let sm =
        Sm::stepped(store.clone(), routes.clone(), clock.clone(), config, outside).await.unwrap();
    let (cm, web) = (Arc::new(FakePeer::default()), Arc::new(FakePeer::default()));
    sm.attach(Peer { id: CM, via: Via::default(), replies: cm.clone(), links: Some(cm.clone()) });
    sm.attach(Peer { id: WEB, via: Via::default(), replies: web.clone(), links: None });
    World { sm, store, routes, clock, cm, web, tag: 0.into(), dir }
}

impl World {
    /// Keeps the store from writing until what this returns is dropped.
    pub(crate) fn stall_writes(&self) -> rusqlite::Connection {
        let other = rusqlite::Connection::open(self.dir.path().join("anser.db")).unwrap();
        other.busy_timeout(Duration::from_secs(5)).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        other
    }

    /// Submits one question and answers with the tag that its reply will carry.
    pub(crate) fn submit(
        &self,
        peer: PeerId,
        link: LinkId,
        caller: Caller,
        command: Command,
    ) -> Tag {
        let tag = Tag(self.tag.fetch_add(1, Ordering::SeqCst));
        self.sm.submit(vec![Ask {
            from: ReplyTo { peer, link, tag, via: Via::default() },
            caller,
            command,
        }]);
        tag
    }

    pub(crate) async fn reply(&self, peer: PeerId, tag: Tag) -> Reply {
        let told = if peer == CM { &self.cm } else { &self.web };
        told.reply(tag).await
    }

    /// A call as REST makes it.
    pub(crate) async fn call(&self, caller: Caller, command: Command) -> Reply {
        let tag = self.submit(WEB, LinkId(0), caller, command);
        self.reply(WEB, tag).await
    }

    pub(crate) async fn sign_in(&self, user: &str, device: &str) -> Tokens {
        let sign_in = SignIn {
            user: UserName::new(user).unwrap(),
            password: Secret::new(PASSWORD),
            device: DeviceName::new(device).unwrap(),
        };
        match self.call(Caller::Nobody, Command::SignIn(Box::new(sign_in))).await {
            Reply::Tokens(tokens) => *tokens,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn login(&self, link: LinkId, credential: Credential) -> Reply {
        let login = Command::Login(Box::new(Login { credential, since: None }));
        let tag = self.submit(CM, link, Caller::Nobody, login);
        self.reply(CM, tag).await
    }

    /// Signs in and links a device; answers with its link.
    pub(crate) async fn link(&self, user: &str, device: &str, link: u64) -> Device<'_> {
        let access = self.sign_in(user, device).await.access;
        match self.login(LinkId(link), Credential::Token(access)).await {
            Reply::Welcome(welcome) => {
                Device { world: self, link: LinkId(link), welcome: *welcome }
            }
            other => panic!("{other:?}"),
        }
    }
}

/// A linked device.
pub(crate) struct Device<'a> {
    world: &'a World,
    pub(crate) link: LinkId,
    pub(crate) welcome: Welcome,
}

impl Device<'_> {
    pub(crate) fn actor(&self) -> Actor {
        self.welcome.actor
    }

    pub(crate) fn submit(&self, command: Command) -> Tag {
        self.world.submit(CM, self.link, Caller::Link(self.actor()), command)
    }

    pub(crate) async fn ask(&self, command: Command) -> Reply {
        let tag = self.submit(command);
        self.world.reply(CM, tag).await
    }

    pub(crate) async fn send(&self, to: &str, text: &str) -> Sent {
        match self.ask(text_to(to, text)).await {
            Reply::Sent(sent) => sent,
            other => panic!("{other:?}"),
        }
    }

    /// Everything this link has been told by now.
    pub(crate) fn events(&self) -> Vec<Event> {
        let mine = |told| match told {
            Told::Event(_, link, event) if link == self.link => Some(event),
            _ => None,
        };
        self.world.cm.told().into_iter().filter_map(mine).collect()
    }

    /// `address sender text` of the messages delivered to this link by now; events as `*`.
    pub(crate) fn received(&self) -> Vec<String> {
        let line = |event| match event {
            Event::Message(it) => {
                let text = it.message.content.body().unwrap_or("*").to_owned();
                Some(format!("{} {} {text}", it.at, it.message.sender.name))
            }
            _ => None,
        };
        self.events().into_iter().filter_map(line).collect()
    }

    pub(crate) async fn until_event<T>(&self, found: impl Fn(&Event) -> Option<T>) -> T {
        self.world
            .cm
            .until(|told| {
                told.iter().find_map(|it| match it {
                    Told::Event(_, link, event) if *link == self.link => found(event),
                    _ => None,
                })
            })
            .await
    }
}

pub(crate) fn client_id(clock: &dyn Clock) -> ClientId {
    // Any id that is no UUIDv7 is taken whatever the time.
    ClientId::from_text(&format!("{}-{}", clock.wall(), rand::random::<u64>()))
}

pub(crate) fn text_to(to: &str, text: &str) -> Command {
    Command::Send(Box::new(Outgoing {
        to: to.parse::<Address>().unwrap(),
        client_id: client_id(&ManualClock::new(Millis(0))),
        content: Content::Text(text.into()),
        reply_to: None,
        mentions: Vec::new(),
        payload: None,
        mentions_all: false,
        forward: None,
    }))
}
