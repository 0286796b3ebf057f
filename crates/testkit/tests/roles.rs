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
    probe::Probe,
    real::{Build, Phone, Rest, Role, Server, binary},
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

    let mut history = History::default();
    let reader = rest.login("alice", "rest").await.unwrap();
    for (at, row) in rest.rows(&reader).await.unwrap() {
        history.logs.insert(row.conv.clone(), rest.log(&reader, &at).await.unwrap());
        history.rows.push(row);
    }
    for phone in [&talk.alice, &talk.bob] {
        phone.with(|probe| {
            let (sends, log) = probe.record(true);
            history.sends.extend(sends);
            history.devices.insert(probe.device.clone(), log);
        });
    }
    let violations = check(&history);
    assert!(violations.is_empty(), "{} of them: {:#?}", violations.len(), &violations[..1]);
    assert_eq!(history.sends.len(), talk.said);
    web.stop().await.unwrap();
}
