//! What a message costs between roles: one `Deliver` for each CM that holds members' links, however
//! many members there are.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::{
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anser_domain::{
    Actor, Ask, Beat, Caller, Clock, Command, Content, Credential, Event, GroupKind, Hint, LinkId,
    Links, Login, NewGroup, Outgoing, Peer, PeerId, Refusal, Replies, Reply, ReplyTo, Secret,
    SessionManager, StreamPos, SystemClock, Tag, UserName, Via,
};
use anser_rpc::{Dial, Mesh, Served};
use anser_sm::{Config, Sm};
use anser_store::backend::memory::MemoryRoutes;
use parking_lot::Mutex;
use tokio::{
    sync::{Notify, watch},
    time::timeout,
};

const PATIENCE: Duration = Duration::from_secs(60);

/// A CM that counts.
struct Cm {
    mesh: Arc<Mesh>,
    heard: Arc<Heard>,
    id: PeerId,
    /// Kept: the streams stay as long as there is a list.
    _sms: watch::Sender<Vec<String>>,
}

/// The texts of hints, and how many links each is for.
type Texts = Vec<(Box<str>, usize)>;

#[derive(Default)]
struct Heard {
    replies: Mutex<Vec<(LinkId, Tag, Reply)>>,
    /// What each batch of hints had.
    batches: Mutex<Vec<Texts>>,
    news: Notify,
}

impl Replies for Heard {
    fn replies(&self, batch: Vec<(LinkId, Tag, Reply)>) {
        self.replies.lock().extend(batch);
        self.news.notify_waiters();
    }
}

impl Links for Heard {
    fn deliver(&self, _: StreamPos, batch: Vec<Hint>) {
        let text = |hint: Hint| match hint.event {
            Event::Message(it) => Some((it.message.content.body()?.into(), hint.links.len())),
            _ => None,
        };
        self.batches.lock().push(batch.into_iter().filter_map(text).collect());
        self.news.notify_waiters();
    }

    fn evict(&self, _: Vec<(LinkId, Refusal)>) {}

    fn beat(&self, _: Beat) {}
}

impl Heard {
    async fn until<T>(&self, found: impl Fn(&Self) -> Option<T>) -> T {
        let waiting = async {
            loop {
                let news = self.news.notified();
                if let Some(it) = found(self) {
                    return it;
                }
                news.await;
            }
        };
        timeout(PATIENCE, waiting).await.unwrap()
    }

    /// The batches that carry a text: for how many links each.
    fn with(&self, text: &str) -> Vec<usize> {
        let batches = self.batches.lock();
        let of = |batch: &Vec<(Box<str>, usize)>| {
            let links = batch.iter().filter(|(its, _)| **its == *text).map(|(_, links)| links);
            links.sum::<usize>()
        };
        batches.iter().map(of).filter(|links| *links > 0).collect()
    }
}

impl Cm {
    fn new(id: u64, sm: &str) -> Self {
        let (mesh, heard, id) =
            (Mesh::new(Dial::default()), Arc::new(Heard::default()), PeerId(id));
        mesh.attach(Peer {
            id,
            via: Via::default(),
            replies: heard.clone(),
            links: Some(heard.clone()),
        });
        let sms = watch::Sender::new(vec![sm.to_owned()]);
        tokio::spawn(mesh.clone().follow(sms.subscribe()));
        Self { mesh, heard, id, _sms: sms }
    }

    async fn ask(&self, link: u64, caller: Caller, command: Command) -> Reply {
        static TAGS: AtomicU64 = AtomicU64::new(0);
        let (link, tag) = (LinkId(link), Tag(TAGS.fetch_add(1, Ordering::Relaxed)));
        let from = ReplyTo { peer: self.id, link, tag, via: Via::default() };
        self.mesh.submit(vec![Ask { from, caller, command }]);
        self.heard
            .until(|heard| {
                let replies = heard.replies.lock();
                let found = replies.iter().find(|(of, its, _)| (*of, *its) == (link, tag));
                found.map(|(.., reply)| reply.clone())
            })
            .await
    }

    async fn login(&self, link: u64, token: Secret) -> Actor {
        let login = Login { credential: Credential::Token(token), since: None };
        match self.ask(link, Caller::Nobody, Command::Login(Box::new(login))).await {
            Reply::Welcome(welcome) => welcome.actor,
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_of_any_size_takes_one_deliver_for_each_cm() {
    let dir = tempfile::tempdir().unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let url = format!("sqlite:{}", dir.path().join("anser.db").display());
    let store = anser_store::open(&url, clock.clone()).await.unwrap();
    let people = anser_sm::provision(&store, &clock, "goose", 300).await.unwrap();
    let (routes, outside) = (Arc::new(MemoryRoutes::new()), anser_sm::Outside::default());
    let sm = Sm::start(store, routes, clock, Config::default(), outside).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap().to_string();
    let (port, served) = (sm.clone(), Arc::new(Served::default()));
    let counts = served.clone();
    tokio::spawn(async move {
        anser_rpc::serve(port, listener, None, counts, std::future::pending()).await
    });

    let cms = [Cm::new(1, &at), Cm::new(2, &at)];
    let mut first = None;
    for (n, person) in people.iter().enumerate() {
        let actor = cms[n % 2].login(n as u64, person.access.clone()).await;
        first.get_or_insert(actor);
    }
    let caller = Caller::Link(first.unwrap());
    for members in [3, 300] {
        let name = format!("flock{members}");
        let new = NewGroup {
            client_id: anser_domain::ClientId::from_text(&name),
            name: name.parse().unwrap(),
            kind: GroupKind::Group,
            title: "Flock".into(),
            members: people[1..members].iter().map(|it| it.user.clone()).collect::<Vec<UserName>>(),
        };
        let made = cms[0].ask(0, caller.clone(), Command::CreateGroup(Box::new(new))).await;
        assert!(matches!(made, Reply::Sent(_)), "{made:?}");
        let out = Outgoing {
            to: format!("g:{name}").parse().unwrap(),
            client_id: anser_domain::ClientId::from_text(&format!("{name}, said")),
            content: Content::Text(format!("hello {name}").into()),
            reply_to: None,
            mentions: Vec::new(),
            payload: None,
            mentions_all: false,
            forward: None,
        };
        let sent = cms[0].ask(0, caller.clone(), Command::Send(Box::new(out))).await;
        assert!(matches!(sent, Reply::Sent(_)), "{sent:?}");
        let text = format!("hello {name}");
        for cm in &cms {
            cm.heard.until(|heard| (!heard.with(&text).is_empty()).then_some(())).await;
        }
        let all = cms.iter().map(|cm| cm.heard.with(&text)).collect::<Vec<_>>();
        // One batch each, and among them everybody but the one who said it.
        assert!(all.iter().all(|batches| batches.len() == 1), "{members} members: {all:?}");
        assert_eq!(all.iter().flatten().sum::<usize>(), members - 1);
    }
    // What an SM counts is what arrived.
    let came: usize = cms.iter().map(|cm| cm.heard.batches.lock().len()).sum();
    assert!(served.deliveries() >= came as u64 && came >= 4);
}
