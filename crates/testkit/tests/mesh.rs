//! The port between roles over real sockets: what is asked is answered by whichever SM is there,
//! once, also when an SM goes and another takes its place.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::{
    collections::HashMap,
    net::{SocketAddr, TcpListener},
    path::Path,
    sync::Arc,
    time::Duration,
};

use anser_domain::{
    Ask, Caller, Command, LinkId, NewUser, Peer, PeerId, Replies, Reply, ReplyTo, Role, Secret,
    SessionManager, SystemClock, Tag, Via,
};
use anser_rpc::{Dial, Mesh};
use anser_sm::{Config, Sm};
use anser_store::backend::memory::MemoryRoutes;
use parking_lot::Mutex;
use tokio::{
    runtime::{Builder, Runtime},
    sync::{oneshot, watch},
    time::timeout,
};

const PATIENCE: Duration = Duration::from_secs(20);

/// Whoever waits, by link.
#[derive(Default)]
struct Waiting(Mutex<HashMap<LinkId, oneshot::Sender<Reply>>>);

impl Replies for Waiting {
    fn replies(&self, batch: Vec<(LinkId, Tag, Reply)>) {
        let mut waiting = self.0.lock();
        for (link, _, reply) in batch {
            // An answer that nobody waits for is a second one.
            waiting.remove(&link).unwrap().send(reply).unwrap();
        }
    }
}

/// An SM in a process of its own, as far as sockets and tasks are concerned.
struct Server {
    runtime: Runtime,
    sm: Arc<Sm>,
}

/// Starts one that listens at `at`.
async fn server(database: &Path, at: SocketAddr) -> (Server, SocketAddr) {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let url = format!("sqlite:{}", database.display());
    let started = runtime.spawn(async move {
        let clock = Arc::new(SystemClock);
        let store = anser_store::open(&url, clock.clone()).await.unwrap();
        let config = Config { registration_open: true, scram_iterations: 1, ..Config::default() };
        let routes = Arc::new(MemoryRoutes::new());
        let outside = anser_sm::Outside::default();
        let sm = Sm::start(store, routes, clock, config, outside).await.unwrap();
        let listener = TcpListener::bind(at).unwrap();
        let at = listener.local_addr().unwrap();
        let port = sm.clone();
        tokio::spawn(async move {
            anser_rpc::serve(port, listener, None, Arc::default(), std::future::pending())
                .await
                .unwrap();
        });
        (sm, at)
    });
    let (sm, at) = started.await.unwrap();
    (Server { runtime, sm }, at)
}

impl Server {
    /// Goes in the middle of everything: its tasks end where they stand, its sockets close.
    fn crash(self) {
        self.runtime.shutdown_background();
    }
}

fn ask(mesh: &Mesh, waiting: &Waiting, link: u64) -> oneshot::Receiver<Reply> {
    let (answer, answered) = oneshot::channel();
    waiting.0.lock().insert(LinkId(link), answer);
    let user = NewUser {
        name: format!("user{link}").parse().unwrap(),
        password: Secret::new("a goose carries letters"),
        display_name: Box::default(),
        role: Role::User,
    };
    let from = ReplyTo { peer: PeerId(7), link: LinkId(link), tag: Tag(0), via: Via::default() };
    let command = Command::CreateUser(Box::new(user));
    mesh.submit(vec![Ask { from, caller: Caller::Nobody, command }]);
    answered
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_is_answered_once_by_whichever_sm_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let database = dir.path().join("anser.db");
    let free: SocketAddr = ([127, 0, 0, 1], 0).into();
    let (first, one) = server(&database, free).await;
    let (second, two) = server(&database, free).await;

    let mesh = Mesh::new(Dial::default());
    let waiting = Arc::new(Waiting::default());
    mesh.attach(Peer { id: PeerId(7), via: Via::default(), replies: waiting.clone(), links: None });
    let list = watch::Sender::new(vec![one.to_string(), two.to_string()]);
    tokio::spawn(mesh.clone().follow(list.subscribe()));

    // Asked before any stream is up: it waits for one.
    let early: Vec<_> = (0..20).map(|link| ask(&mesh, &waiting, link)).collect();
    for answer in early {
        let reply = timeout(PATIENCE, answer).await.unwrap().unwrap();
        assert!(matches!(reply, Reply::User(_)), "{reply:?}");
    }

    // One goes while questions are under way; the other answers them, or says that it has.
    let during: Vec<_> = (100..150).map(|link| (link, ask(&mesh, &waiting, link))).collect();
    first.crash();
    for (link, answer) in during {
        let mut reply = timeout(PATIENCE, answer).await.unwrap().unwrap();
        if reply == Reply::Refused(anser_domain::Refusal::Unavailable) {
            // Its store went before its sockets did, and it said so: whoever asked asks again.
            reply = timeout(PATIENCE, ask(&mesh, &waiting, link)).await.unwrap().unwrap();
        }
        let made = matches!(reply, Reply::User(_));
        // It had been made before the answer was lost, and is asked for once more.
        let there = reply == Reply::Refused(anser_domain::Refusal::NameTaken);
        assert!(made || there, "{reply:?}");
    }

    // It comes back at the same address, and is found again.
    let (third, _) = server(&database, one).await;
    second.crash();
    let late: Vec<_> = (300..320).map(|link| ask(&mesh, &waiting, link)).collect();
    for answer in late {
        let reply = timeout(PATIENCE, answer).await.unwrap().unwrap();
        assert!(matches!(reply, Reply::User(_)), "{reply:?}");
    }
    third.crash();
}

#[tokio::test]
async fn off_loopback_roles_speak_under_tls_or_not_at_all() {
    let listener = TcpListener::bind("0.0.0.0:0").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (inner, _) = server(&dir.path().join("anser.db"), ([127, 0, 0, 1], 0).into()).await;
    let refused =
        anser_rpc::serve(inner.sm.clone(), listener, None, Arc::default(), async {}).await;
    assert!(refused.unwrap_err().to_string().contains("mutual TLS"));
    inner.crash();
}
