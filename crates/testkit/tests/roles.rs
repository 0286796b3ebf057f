//! One role a process: what is sent through one CM arrives by another, whichever of the processes
//! goes and comes meanwhile.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::{
    net::{SocketAddr, TcpListener},
    time::Duration,
};

use anser_domain::ClientId;
use anser_testkit::{
    checker::{Device, History, check},
    mariadb::MariaDb,
    probe::Probe,
    real::{Build, Phone, Rest, Role, Server, binary},
    redis,
};
use tempfile::TempDir;
use tokio::{sync::watch, time::sleep};

const WITHIN: Duration = Duration::from_secs(60);
/// Messages from each side between two events.
const MESSAGES: usize = 50;

/// A process on a directory of its own.
async fn process(role: Role, dirs: &mut Vec<TempDir>, env: &[(&str, &str)]) -> Server {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start_role(role, &binary(Build::Plain).unwrap(), dir.path(), env).await;
    dirs.push(dir);
    server.unwrap()
}

/// A device that links to wherever `at` says.
async fn phone(rest: &Rest, user: &str, at: watch::Receiver<Option<SocketAddr>>) -> Phone {
    let login = rest.login(user, "phone").await.unwrap();
    let device = Device { user: user.into(), name: "phone".into() };
    Phone::start(Probe::new(device, login.token), 16, at)
}

struct Talk {
    alice: Phone,
    bob: Phone,
    said: usize,
}

impl Talk {
    /// Both say something, many times; not yet answered.
    fn say(&mut self) {
        for _ in 0..MESSAGES {
            for (from, to) in [(&self.alice, "u:bob"), (&self.bob, "u:alice")] {
                let id = ClientId(*uuid::Uuid::now_v7().as_bytes());
                from.with(|probe| probe.send(to, id, &format!("{} to {to}", self.said)));
                self.said += 1;
            }
        }
    }

    /// All of it is answered, and both have it.
    async fn settle(&self, what: &str) {
        let pause = Duration::from_millis(10);
        let mut waited = Duration::ZERO;
        loop {
            let state = [&self.alice, &self.bob]
                .map(|phone| phone.with(|it| (it.is_online(), it.unanswered(), it.entries())));
            if state.iter().all(|(_, unanswered, has)| *unanswered == 0 && *has >= self.said) {
                return;
            }
            assert!(
                waited < WITHIN,
                "{what} took longer than {WITHIN:?}: of {} entries, (online, unanswered, has) of \
                 alice and bob is {state:?}",
                self.said
            );
            sleep(pause).await;
            waited += pause;
        }
    }

    /// Whether nothing was lost, doubled or out of order, for anyone.
    async fn check(&self, rest: &Rest) {
        let mut history = History::default();
        let reader = rest.login("alice", "rest").await.unwrap();
        for (at, row) in rest.rows(&reader).await.unwrap() {
            history.logs.insert(row.conv.clone(), rest.log(&reader, &at).await.unwrap());
            history.rows.push(row);
        }
        for phone in [&self.alice, &self.bob] {
            phone.with(|probe| {
                let (sends, log) = probe.record(true);
                history.sends.extend(sends);
                history.devices.insert(probe.device.clone(), log);
            });
        }
        let violations = check(&history);
        assert!(violations.is_empty(), "{} of them: {:#?}", violations.len(), violations.first());
        assert_eq!(history.sends.len(), self.said);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_apart_serve_as_one_and_lose_nothing_when_any_of_them_goes() {
    let mut dirs = Vec::new();
    // The SM comes back at the same place.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut sm = process(Role::Sm, &mut dirs, &[("ANSER_LISTEN__SM", &free)]).await;
    assert_eq!(sm.sm().to_string(), free);
    let sms = ("ANSER_CLUSTER__SMS", free.as_str());
    let mut one = process(Role::Cm, &mut dirs, &[sms]).await;
    let two = process(Role::Cm, &mut dirs, &[sms]).await;
    let gateway = format!("tcp://{}", one.native());
    let env = [sms, ("ANSER_WEB__GATEWAYS", gateway.as_str())];
    let mut web = process(Role::Web, &mut dirs, &env).await;

    let rest = Rest::new(web.http());
    for user in ["alice", "bob"] {
        rest.create_user(user).await.unwrap();
    }
    let (at_one, at_two) = (watch::Sender::new(Some(one.native())), watch::Sender::new(None));
    at_two.send_replace(Some(two.native()));
    let alice = phone(&rest, "alice", at_one.subscribe()).await;
    let bob = phone(&rest, "bob", at_two.subscribe()).await;
    let mut talk = Talk { alice, bob, said: 0 };
    talk.say();
    talk.settle("a talk over two CMs").await;

    // The SM is killed with messages on their way, and comes back.
    talk.say();
    sm.kill().await.unwrap();
    sm.restart().await.unwrap();
    talk.settle("going on with the SM that came back").await;

    // It is stopped and started, as for a new version.
    talk.say();
    sm.stop().await.unwrap();
    sm.restart().await.unwrap();
    talk.settle("going on with the SM that was replaced").await;

    // A CM is killed; its links find the other.
    talk.say();
    one.kill().await.unwrap();
    at_one.send_replace(Some(two.native()));
    talk.settle("going on by the other CM").await;

    // A further CM takes links, and the first is asked to go.
    one.restart().await.unwrap();
    at_two.send_replace(Some(one.native()));
    talk.bob.stay_awake(false);
    talk.bob.stay_awake(true);
    talk.say();
    talk.settle("going on by a CM that came later").await;
    one.stop().await.unwrap();
    at_two.send_replace(Some(two.native()));
    talk.say();
    talk.settle("going on after a CM has drained").await;

    talk.check(&rest).await;
    web.stop().await.unwrap();
}

/// Two of each role, with everything that they share in MariaDB and Redis.
#[tokio::test(flavor = "multi_thread")]
async fn two_of_each_role_share_mariadb_and_redis_and_any_may_go() {
    let mut dirs = Vec::new();
    let mariadb = MariaDb::shared().unwrap();
    let store = mariadb.database().unwrap();
    let redis = redis::Server::start(&[]).await.unwrap();
    let (routes, bucket) = (redis.url(), tempfile::tempdir().unwrap());
    let files = bucket.path().display().to_string();
    let shared = [("ANSER_STORE__URL", store.as_str()), ("ANSER_ROUTES__URL", &routes)];
    let (mut places, mut sms) = (Vec::new(), Vec::new());
    for _ in 0..2 {
        let at = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let env = [&shared[..], &[("ANSER_LISTEN__SM", at.as_str())]].concat();
        sms.push(process(Role::Sm, &mut dirs, &env).await);
        places.push(at);
    }
    let places = places.join(",");
    let env = [("ANSER_CLUSTER__SMS", places.as_str()), ("ANSER_FILES__URL", files.as_str())];
    let mut one = process(Role::Cm, &mut dirs, &env).await;
    let two = process(Role::Cm, &mut dirs, &env).await;
    let gateways = format!("tcp://{},tcp://{}", one.native(), two.native());
    let env = [&env[..], &[("ANSER_WEB__GATEWAYS", gateways.as_str())]].concat();
    let mut first = process(Role::Web, &mut dirs, &env).await;
    let second = process(Role::Web, &mut dirs, &env).await;

    let (rest, other) = (Rest::new(first.http()), Rest::new(second.http()));
    rest.create_user("alice").await.unwrap();
    other.create_user("bob").await.unwrap();
    let at_one = watch::Sender::new(Some(one.native()));
    let at_two = watch::Sender::new(Some(two.native()));
    let alice = phone(&other, "alice", at_one.subscribe()).await;
    let bob = phone(&rest, "bob", at_two.subscribe()).await;
    let mut talk = Talk { alice, bob, said: 0 };
    talk.say();
    talk.settle("a talk over two CMs and two SMs").await;

    // Either SM goes, with messages on their way; the other takes over, and it comes back.
    for sm in &mut sms {
        talk.say();
        sm.kill().await.unwrap();
        talk.settle("going on with the SM that is left").await;
        sm.restart().await.unwrap();
    }
    // Redis loses everything.
    talk.say();
    redis.ask(&["flushall"]).await.unwrap();
    talk.settle("going on with an emptied link map").await;
    // A CM and a Web go.
    talk.say();
    one.kill().await.unwrap();
    first.stop().await.unwrap();
    at_one.send_replace(Some(two.native()));
    talk.settle("going on by the other CM").await;
    talk.check(&other).await;
}
