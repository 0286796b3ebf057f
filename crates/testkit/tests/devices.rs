//! Devices of one user that are away, stalled, or always coming back, while 10,000 messages go
//! to their 50 conversations: all end equal, and the server keeps nothing for any of them.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::{sync::Arc, time::Duration};

use anser_domain::{ClientId, SystemClock};
use anser_testkit::{
    checker::{Device, DeviceLog, History, Learned, check},
    probe::{Linked, Probe},
    real::{Build, Rest, Server, Stall, binary},
};
use tokio::{
    net::TcpStream,
    task::JoinHandle,
    time::{sleep, timeout},
};

const CONVERSATIONS: usize = 50;
const MESSAGES: usize = 10_000;
const SENDERS: usize = 4;
/// Long enough that keeping them for each device that does not read would show.
const TEXT: usize = 4000;
const STALLED: usize = 3;
const OFFLINE: usize = 3;
/// Stalled and absent devices miss 40 MB each, 240 MB in all. What the server may take beside
/// its first size: the store's page caches (64 MiB to write, 8 MiB for each reader), a mailbox
/// of 256 KiB for each link, and what the allocator keeps.
const GROWTH: u64 = 140 << 20;

fn device(user: &str, name: &str) -> Device {
    Device { user: user.into(), name: name.into() }
}

async fn linked(rest: &Rest, user: &str, name: &str) -> Arc<Linked> {
    let login = rest.login(user, name).await.unwrap();
    let probe = Probe::new(device(user, name), login.token);
    Arc::new(Linked::new(probe, 64, Arc::new(SystemClock)))
}

/// Keeps a device linked, over a socket that can be stalled.
fn keep(server: &Server, device: &Arc<Linked>, stall: &Stall) -> JoinHandle<()> {
    let (at, device, stall) = (server.native(), device.clone(), stall.clone());
    tokio::spawn(async move {
        loop {
            let socket = TcpStream::connect(at).await.unwrap();
            device.pump(stall.over(socket), false).await;
            sleep(Duration::from_millis(20)).await;
        }
    })
}

/// A link that lasts a moment, again and again. A second in a user's life; here less, so that
/// there are as many resumes in the time that this takes.
fn flap(server: &Server, device: &Arc<Linked>) -> JoinHandle<()> {
    let (at, device) = (server.native(), device.clone());
    tokio::spawn(async move {
        loop {
            let socket = TcpStream::connect(at).await.unwrap();
            let _ = timeout(Duration::from_millis(100), device.pump(socket, false)).await;
        }
    })
}

async fn until(what: &str, within: Duration, mut done: impl FnMut() -> bool) {
    let mut waited = Duration::ZERO;
    while !done() {
        assert!(waited < within, "{what} took longer than {within:?}");
        sleep(Duration::from_millis(20)).await;
        waited += Duration::from_millis(20);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn absent_stalled_and_restless_devices_end_equal_and_the_server_stays_small() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&binary(Build::Plain).unwrap(), dir.path(), &[]).await.unwrap();
    let rest = Rest::new(server.http());

    let senders: Vec<String> = (0..SENDERS).map(|n| format!("sender{n}")).collect();
    for user in senders.iter().map(String::as_str).chain(["alice"]) {
        rest.create_user(user).await.unwrap();
    }
    let reader = rest.login("alice", "rest").await.unwrap();
    let no_stall = Stall::default();
    let steady = linked(&rest, "alice", "steady").await;
    let restless = linked(&rest, "alice", "restless").await;
    let mut offline = Vec::new();
    for n in 0..OFFLINE {
        offline.push(linked(&rest, "alice", &format!("offline{n}")).await);
    }
    let mut stalled = Vec::new();
    for n in 0..STALLED {
        let device = linked(&rest, "alice", &format!("stalled{n}")).await;
        stalled.push((device.clone(), Stall::default()));
    }
    let mut phones = Vec::new();
    for user in &senders {
        phones.push(linked(&rest, user, "phone").await);
    }
    // Every device is there from the first entry on.
    let members: Vec<Arc<str>> = senders.iter().map(|it| it.as_str().into()).collect();
    for n in 0..CONVERSATIONS {
        rest.create_group(&reader, &format!("c{n}"), &members).await.unwrap();
    }

    let mut tasks = vec![keep(&server, &steady, &no_stall), flap(&server, &restless)];
    for (device, stall) in &stalled {
        tasks.push(keep(&server, device, stall));
        until("a login", Duration::from_secs(10), || device.with(|it| it.is_synced())).await;
        stall.stop();
    }
    tasks.extend(phones.iter().map(|phone| keep(&server, phone, &no_stall)));

    let before = server.rss().unwrap();
    let text = "x".repeat(TEXT);
    for n in 0..MESSAGES {
        let client_id = ClientId(*uuid::Uuid::now_v7().as_bytes());
        let at = format!("g:c{}", n % CONVERSATIONS);
        // Over the senders in another rhythm than over the conversations.
        let phone = &phones[(n / CONVERSATIONS + n) % SENDERS];
        phone.with(|it| it.send(&at, client_id, &format!("{n} {text}")));
    }
    let mut most = 0;
    until("storing", Duration::from_secs(90), || {
        most = most.max(server.rss().unwrap());
        phones.iter().all(|it| it.with(|probe| probe.is_answered()))
    })
    .await;

    // Everyone comes back.
    stalled.iter().for_each(|(_, stall)| stall.go_on());
    tasks.extend(offline.iter().map(|device| keep(&server, device, &no_stall)));
    let alice: Vec<Arc<Linked>> = [steady, restless]
        .into_iter()
        .chain(offline)
        .chain(stalled.into_iter().map(|(device, _)| device))
        .collect();
    let entries = CONVERSATIONS + MESSAGES;
    until("catching up", Duration::from_secs(90), || {
        most = most.max(server.rss().unwrap());
        alice.iter().chain(&phones).all(|it| it.with(|probe| probe.entries() >= entries))
    })
    .await;
    tasks.iter().for_each(JoinHandle::abort);

    let mut history = History::default();
    for (at, row) in rest.rows(&reader).await.unwrap() {
        let log = rest.log(&reader, &at).await.unwrap();
        let learned = log.iter().map(|entry| Learned::Delivered {
            conv: row.conv.clone(),
            seq: entry.seq,
            body: entry.body.clone(),
        });
        let shown = history.devices.entry(device("alice", "rest")).or_default();
        shown.learned.extend(learned);
        shown.complete = true;
        history.logs.insert(row.conv.clone(), log);
        history.rows.push(row);
    }
    for linked in alice.iter().chain(&phones) {
        linked.with(|probe| {
            let (sends, log): (_, DeviceLog) = probe.record(true);
            history.sends.extend(sends);
            history.devices.insert(probe.device.clone(), log);
        });
    }
    let violations = check(&history);
    assert!(violations.is_empty(), "{} of them: {:#?}", violations.len(), &violations[..1]);
    assert_eq!(history.sends.len(), MESSAGES);
    let grown = most.saturating_sub(before);
    println!("the server grew by {} MiB", grown >> 20);
    assert!(grown < GROWTH, "the server grew by {} MiB", grown >> 20);
}
