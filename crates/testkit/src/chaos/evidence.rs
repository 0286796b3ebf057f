//! What is compared in the end: the logs and lists that REST shows, what devices wrote down, who
//! is shown as linked, and who a second link of a device closes.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anser_domain::SystemClock;
use anyhow::{Context as _, Result};
use tokio::{net::TcpStream, time::timeout};

use super::cast::Cast;
use crate::{
    checker::{self, Device, History, Learned, Violation},
    probe::{Linked, Probe},
    real::{Login, shown},
};

/// How long an older link may live on once the newer one is welcomed.
const FENCED_WITHIN: Duration = Duration::from_secs(2);
/// How many users log in twice.
const TWINS: usize = 3;

/// Everything that the servers show.
pub(super) async fn gather(cast: &Cast) -> Result<History> {
    let shown = shown(cast.rest(), &cast.readers, cast.owner()).await?;
    Ok(History { hints_overtake: true, ..shown })
}

/// Whether every device has every entry that it may see.
pub(super) fn whole(cast: &Cast, history: &History) -> bool {
    cast.players.iter().all(|it| it.is_whole(history))
}

/// Puts in what the devices have written down, and whether that should be everything.
pub(super) fn record(cast: &Cast, history: &mut History, complete: bool) {
    (history.sends, history.alterations) = (Vec::new(), Vec::new());
    cast.players.iter().for_each(|it| it.record(history, complete));
    for player in &cast.players {
        let (user, asked) = (&player.device().user, player.asked_read());
        for row in history.rows.iter_mut().filter(|row| row.user == *user) {
            row.asked = row.asked.max(asked.get(&row.conv).copied().unwrap_or(0));
        }
    }
    for send in &mut history.sends {
        send.due = cast.due_of(&send.body);
    }
}

/// Who is shown as linked and is not, or the other way round.
pub(super) async fn presence(cast: &Cast) -> Result<Vec<Violation>> {
    let mut wrong = Vec::new();
    for login in &cast.readers {
        for (name, shown) in cast.rest().online(login).await? {
            let device = Device { user: login.user.clone(), name: name.as_str().into() };
            let player = cast.players.iter().find(|it| *it.device() == device);
            if shown != player.is_some_and(|it| it.links()) {
                wrong.push(Violation::Presence { device, shown });
            }
        }
    }
    Ok(wrong)
}

/// Logs some devices in a second time, at another gateway: the older link has to end.
pub(super) async fn twins(cast: &Cast, gateways: [SocketAddr; 2]) -> Result<Vec<Violation>> {
    let mut wrong = Vec::new();
    for user in cast.users.iter().take(TWINS) {
        let login = cast.rest().login(user, "twin").await?;
        let older = link(&login, gateways[0]).await.context("a first login")?;
        let newer = link(&login, gateways[1]).await.context("a second login")?;
        if timeout(FENCED_WITHIN, older).await.is_err() {
            let device = Device { user: user.clone(), name: "twin".into() };
            let ms = u64::try_from(FENCED_WITHIN.as_millis())?;
            wrong.push(Violation::NotFenced { device, ms });
        }
        newer.abort();
    }
    Ok(wrong)
}

/// A link, from its welcome to its end.
async fn link(login: &Login, at: SocketAddr) -> Result<tokio::task::JoinHandle<()>> {
    /// A welcome takes milliseconds.
    const WELCOME: Duration = Duration::from_secs(10);
    const LOOK: Duration = Duration::from_millis(5);
    let device = Device { user: login.user.clone(), name: "twin".into() };
    let probe = Probe::new(device, login.token.clone());
    let linked = Arc::new(Linked::new(probe, 1, Arc::new(SystemClock)));
    let socket = TcpStream::connect(at).await?;
    let pumped = linked.clone();
    let task = tokio::spawn(async move { pumped.pump(socket, true).await });
    timeout(WELCOME, async {
        while !linked.with(|probe| probe.is_online()) {
            tokio::time::sleep(LOOK).await;
        }
    })
    .await
    .context("no welcome")?;
    Ok(task)
}

/// The operations that a finding is about, as far as names in it tell.
pub(super) fn concerned(history: &History, violation: &Violation) -> Vec<String> {
    /// More than that nobody reads; the history has all.
    const MOST: usize = 12;
    let words = violation.to_string();
    let mut lines = Vec::new();
    for send in &history.sends {
        if words.contains(&format!("{:?}", &*send.body)) {
            lines.push(format!(
                "{} sent {:?} to {}: {:?}",
                send.device, send.body, send.conv, send.result
            ));
        }
    }
    for (conv, log) in &history.logs {
        for entry in log {
            if words.contains(&format!("{conv}#{} ", entry.seq))
                || words.ends_with(&format!("{conv}#{}", entry.seq))
            {
                lines.push(format!("{conv}#{} is {:?} by {}", entry.seq, entry.body, entry.sender));
            }
        }
    }
    for (device, log) in &history.devices {
        if words.starts_with(&format!("{device} ")) {
            let near = log.learned.iter().filter(|it| match it {
                Learned::Delivered { conv, seq, .. } | Learned::Own { conv, seq, .. } => {
                    words.contains(&format!("{conv}#{seq}"))
                }
                Learned::Acknowledged { .. } | Learned::Cursor { .. } => false,
            });
            lines.extend(near.map(|it| format!("{device} learned {it:?}")));
        }
    }
    lines.truncate(MOST);
    lines
}

/// Everything, for a person to read and a text editor to search.
pub(super) fn written(history: &History) -> String {
    let checker::History { sends, alterations, logs, devices, rows, .. } = history;
    let mut text = String::new();
    let mut section = |title: &str, lines: Vec<String>| {
        text.push_str(&format!("## {title}\n{}\n\n", lines.join("\n")));
    };
    section("sends", sends.iter().map(|it| format!("{it:?}")).collect());
    section("recalls and edits", alterations.iter().map(|it| format!("{it:?}")).collect());
    for (conv, log) in logs {
        section(&format!("log {conv}"), log.iter().map(|it| format!("{it:?}")).collect());
    }
    for (device, log) in devices {
        section(
            &format!("device {device}"),
            log.learned.iter().map(|it| format!("{it:?}")).collect(),
        );
    }
    section("rows", rows.iter().map(|it| format!("{it:?}")).collect());
    text
}
