//! `anser cluster`, as a newcomer has it: one command, and people on different CMs chat, while
//! roles come, go and crash. In the end nothing of it is left running.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anser_client::{Client, Event, Events, Gateway, OneToken, Options, Trust, message};
use anser_domain::{Content, Secret};
use anser_testkit::{
    real::{Build, binary},
    redis::until,
};
use reqwest::StatusCode;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    time::{sleep, timeout},
};

/// MariaDB makes its tables, twelve processes start, and other tests run meanwhile.
const WITHIN: Duration = Duration::from_secs(120);
/// Messages between two changes of the cluster.
const MESSAGES: u64 = 40;

struct Trial {
    binary: PathBuf,
    dir: TempDir,
    cluster: Child,
    passwords: BTreeMap<String, String>,
}

/// `anser` with these arguments, with passwords that are quick to check.
fn anser(binary: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(binary);
    command.args(args).env("ANSER_AUTH__SCRAM_ITERATIONS", "4096").kill_on_drop(true);
    command.env("ANSER_LOG__LEVEL", "warn").stdin(Stdio::null()).stdout(Stdio::null());
    command
}

fn pid(id: &str) -> Pid {
    Pid::from_raw(id.trim().parse().unwrap()).unwrap()
}

impl Trial {
    async fn start() -> Self {
        let (binary, dir) = (binary(Build::Plain).unwrap(), tempfile::tempdir().unwrap());
        let at = dir.path().display().to_string();
        let cluster = anser(&binary, &["cluster", "--data-dir", &at]).spawn().unwrap();
        let mut trial = Self { binary, dir, cluster, passwords: BTreeMap::new() };
        let waiting = async {
            while !trial.dir.path().join("listen.json").exists() {
                assert_eq!(trial.cluster.try_wait().unwrap(), None, "it ended at its start");
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(WITHIN, waiting).await.unwrap();
        let demo = std::fs::read(trial.dir.path().join("demo.json")).unwrap();
        trial.passwords = serde_json::from_slice(&demo).unwrap();
        trial
    }

    fn file(&self, role: &str, name: &str) -> PathBuf {
        self.dir.path().join(role).join(name)
    }

    /// Where a role listens.
    fn at(&self, role: &str, listener: &str) -> String {
        let json = std::fs::read(self.file(role, "listen.json")).unwrap();
        let json: Value = serde_json::from_slice(&json).unwrap();
        json[listener].as_str().unwrap().to_owned()
    }

    fn signal(&self, role: &str, signal: Signal) {
        kill_process(pid(&std::fs::read_to_string(self.file(role, "lock")).unwrap()), signal)
            .unwrap();
    }

    /// Adds a role as the banner says.
    async fn add(&self, role: &str, name: &str) -> Child {
        let config = self.dir.path().join("anser.toml").display().to_string();
        let own = self.dir.path().join(name).display().to_string();
        let child = anser(&self.binary, &[role, "--config", &config, "--data-dir", &own]).spawn();
        until("another role", || async { self.file(name, "listen.json").exists() }).await.unwrap();
        child.unwrap()
    }

    async fn login(&self, web: &str, user: &str) -> (StatusCode, Value) {
        let url = format!("http://{}/v1/auth/login", self.at(web, "http"));
        let body = json!({"user": user, "password": self.passwords[user], "device": "phone"});
        let answer = reqwest::Client::new().post(url).json(&body).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    /// A device that links to one CM.
    async fn link(&self, web: &str, user: &str, cm: &str) -> (Client, Events) {
        let (_, session) = self.login(web, user).await;
        let token = OneToken(Secret::new(session["access_token"].as_str().unwrap()));
        let at = format!("tcp://{}", self.at(cm, "native")).parse().unwrap();
        let gateway = Gateway::new(at, &Trust::System).unwrap();
        Client::connect(Options::new(gateway, token)).await.unwrap()
    }
}

/// Reads events until one is as `fits` wants.
async fn hear(events: &mut Events, what: &str, mut fits: impl FnMut(&Event) -> bool) {
    let waiting = async { while !fits(&events.next().await.unwrap()) {} };
    assert!(timeout(WITHIN, waiting).await.is_ok(), "never heard: {what}");
}

/// Says something many times, and answers once all of it is stored.
async fn say(alice: &Client, said: &mut u64) {
    for _ in 0..MESSAGES {
        let text = Content::Text(said.to_string().into());
        timeout(WITHIN, alice.send(message("u:bob".parse().unwrap(), text)))
            .await
            .unwrap()
            .unwrap();
        *said += 1;
    }
}

/// Everything that was said since the last time comes, in order and once.
async fn heard(bob: &mut Events, heard: &mut u64, said: u64) {
    hear(bob, "all that was said", |event| {
        if let Event::Message(it) = event {
            assert_eq!(it.content, Content::Text(heard.to_string().into()));
            *heard += 1;
        }
        *heard == said
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_command_is_a_cluster_whose_roles_come_and_go_while_people_chat() {
    let mut trial = Trial::start().await;
    let (alice, mut of_alice) = trial.link("web1", "alice", "cm1").await;
    let (bob, mut of_bob) = trial.link("web2", "bob", "cm2").await;

    let bobs = "bob".parse().unwrap();
    hear(
        &mut of_alice,
        "that bob came",
        |event| matches!(event, Event::Presence { user, online: true } if *user == bobs),
    )
    .await;
    let (mut said, mut has) = (0, 0);
    say(&alice, &mut said).await;
    heard(&mut of_bob, &mut has, said).await;
    bob.typing(&"u:alice".parse().unwrap(), true);
    hear(
        &mut of_alice,
        "bob typing",
        |event| matches!(event, Event::Typing { user, active: true, .. } if *user == bobs),
    )
    .await;

    // An SM comes and another goes for good, with messages on their way.
    let (_, mut sm) = tokio::join!(say(&alice, &mut said), trial.add("sm", "sm4"));
    trial.signal("sm1", Signal::TERM);
    say(&alice, &mut said).await;
    heard(&mut of_bob, &mut has, said).await;

    // Bob's CM crashes: it is started again in its place, and he misses nothing.
    trial.signal("cm2", Signal::KILL);
    say(&alice, &mut said).await;
    heard(&mut of_bob, &mut has, said).await;

    // A CM comes and a Web goes: whoever signs in now is told of three, and of none twice.
    let mut cm = trial.add("cm", "cm3").await;
    trial.signal("web2", Signal::TERM);
    let all = ["cm1", "cm2", "cm3"].map(|cm| format!("tcp://{}", trial.at(cm, "native")));
    until("three CMs at sign-in", || async {
        let (_, session) = trial.login("web1", "carol").await;
        let told = session["gateways"].as_array().unwrap();
        let told: Vec<_> = told.iter().filter_map(Value::as_str).collect();
        all.iter().all(|cm| told.iter().filter(|it| *it == cm).count() == 1)
    })
    .await
    .unwrap();
    let (carol, _of_carol) = trial.link("web1", "carol", "cm3").await;
    carol.send(message("u:bob".parse().unwrap(), Content::Text("hi".into()))).await.unwrap();
    let is_hi = |event: &Event| matches!(event, Event::Message(it) if it.content == Content::Text("hi".into()));
    hear(&mut of_bob, "carol on a CM that came later", is_hi).await;

    // One signal, and all of it is gone.
    for child in [&mut cm, &mut sm] {
        kill_process(Pid::from_raw(child.id().unwrap().cast_signed()).unwrap(), Signal::TERM)
            .unwrap();
        assert!(child.wait().await.unwrap().success());
    }
    let mut ids: Vec<String> = ["sm2", "sm3", "cm1", "cm2", "web1"]
        .map(|role| std::fs::read_to_string(trial.file(role, "lock")).unwrap())
        .into();
    ids.push(std::fs::read_to_string(trial.file("mariadb", "data/mariadb.pid")).unwrap());
    let id = trial.cluster.id().unwrap().cast_signed();
    kill_process(Pid::from_raw(id).unwrap(), Signal::INT).unwrap();
    assert!(timeout(WITHIN, trial.cluster.wait()).await.unwrap().unwrap().success());
    for id in ids {
        assert!(test_kill_process(pid(&id)).is_err(), "process {id} is left");
    }
    assert!(!trial.dir.path().join("listen.json").exists());
}
