//! Opening many links: the login and nothing above it.

use std::{io, sync::Arc, time::Duration};

use anser_client::{Connection, Dial as _, Gateway};
use anser_wire::{
    MIN_VERSION, VERSION, codec,
    frame::{self, Frame, FrameType},
};
use anyhow::{Context as _, bail};
use indicatif::ProgressBar;
use tokio::{sync::Semaphore, task::JoinSet, time::timeout};

use super::target::{Account, source};

/// Logins at a time: a server's listen queue and its store like bursts, but not storms.
const AT_ONCE: usize = 128;
/// How long one login may take.
const LOGIN: Duration = Duration::from_secs(60);
/// The longest body that a server sends.
pub(super) const MAX_BODY: usize = 1 << 20;

/// A link that is open, and how far its device has each conversation.
pub(super) struct Opened {
    pub(super) link: Connection,
    pub(super) delivered: Vec<(u64, u64)>,
}

/// Opens a link for each account, in order; `heartbeat` is the interval that is wished for.
pub(super) async fn open_all(
    gateway: &Gateway,
    accounts: &[Account],
    heartbeat: Duration,
    progress: &ProgressBar,
) -> anyhow::Result<Vec<Opened>> {
    let gate = Arc::new(Semaphore::new(AT_ONCE));
    let mut tasks = JoinSet::new();
    let mut links: Vec<Option<Opened>> = Vec::new();
    links.resize_with(accounts.len(), || None);
    for (index, account) in accounts.iter().cloned().enumerate() {
        let permit = gate.clone().acquire_owned().await?;
        let gateway = match source(gateway, index) {
            Some(source) => gateway.from_source(source),
            None => gateway.clone(),
        };
        tasks.spawn(async move {
            let opened = timeout(LOGIN, open(&gateway, &account, heartbeat)).await;
            drop(permit);
            (index, account, opened)
        });
        while let Some(done) = tasks.try_join_next() {
            keep(done?, &mut links, progress)?;
        }
    }
    while let Some(done) = tasks.join_next().await {
        keep(done?, &mut links, progress)?;
    }
    Ok(links.into_iter().flatten().collect())
}

type Done = (usize, Account, Result<anyhow::Result<Opened>, tokio::time::error::Elapsed>);

fn keep(
    (index, account, opened): Done,
    links: &mut [Option<Opened>],
    progress: &ProgressBar,
) -> anyhow::Result<()> {
    let link = opened
        .map_err(|_| anyhow::anyhow!("no answer within {} s", LOGIN.as_secs()))
        .and_then(|opened| opened)
        .with_context(|| format!("the link of {} could not be opened", account.name))?;
    if let Some(place) = links.get_mut(index) {
        *place = Some(link);
    }
    progress.inc(1);
    Ok(())
}

async fn open(gateway: &Gateway, account: &Account, heartbeat: Duration) -> anyhow::Result<Opened> {
    let mut link = gateway.dial().await?;
    let hello = frame::Hello {
        token: account.token.expose().to_owned(),
        min_version: MIN_VERSION,
        max_version: VERSION,
        heartbeat_ms: u32::try_from(heartbeat.as_millis())?,
        client: concat!("anser-bench/", env!("CARGO_PKG_VERSION")).to_owned(),
        ..Default::default()
    };
    codec::write(&hello.into(), link.out());
    let mut delivered = None;
    let mut refused = None;
    while delivered.is_none() && refused.is_none() {
        let turned = link
            .turn(&mut |bytes, _| {
                let Some((used, frame)) = codec::read(bytes, MAX_BODY).map_err(invalid)? else {
                    return Ok(0);
                };
                match frame {
                    Some(Frame::Welcome(welcome)) => {
                        let rows = welcome.changes.into_iter().flat_map(|it| it.conversations);
                        delivered = Some(rows.map(|it| (it.conv, it.delivered)).collect());
                    }
                    Some(Frame::Error(error)) => refused = Some(error.reason),
                    Some(Frame::GoAway(goaway)) => refused = Some(goaway.reason),
                    _ => {}
                }
                Ok(used)
            })
            .await;
        if refused.is_none() {
            turned?;
        }
    }
    if let Some(reason) = refused {
        bail!("the server refused it: {reason}");
    }
    link.rest();
    Ok(Opened { link, delivered: delivered.unwrap_or_default() })
}

pub(super) fn invalid(error: codec::CodecError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// What an idle link does about what arrives: answers PING, and notices the end.
pub(super) fn idle(bytes: &[u8], out: &mut Vec<u8>, pongs: &mut u64) -> io::Result<usize> {
    let Some(raw) = codec::split(bytes, MAX_BODY).map_err(invalid)? else { return Ok(0) };
    match raw.frame_type() {
        Some(FrameType::Ping) => answer_ping(raw.body, out)?,
        Some(FrameType::Pong) => *pongs += 1,
        Some(FrameType::GoAway | FrameType::Error) => return Err(went_away(&raw)),
        _ => {}
    }
    Ok(raw.len)
}

/// Answers a PING.
pub(super) fn answer_ping(body: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    let Frame::Ping(ping) = codec::decode(FrameType::Ping, body).map_err(invalid)? else {
        return Ok(());
    };
    codec::write(&frame::Pong { nonce: ping.nonce, heartbeat_ms: 0 }.into(), out);
    Ok(())
}

/// The end of a link in the server's words.
pub(super) fn went_away(raw: &codec::Raw<'_>) -> io::Error {
    let frame = raw.frame_type().map(|it| codec::decode(it, raw.body));
    let reason = match frame {
        Some(Ok(Frame::GoAway(frame))) => frame.reason,
        Some(Ok(Frame::Error(frame))) => frame.reason,
        _ => "no reason given".to_owned(),
    };
    io::Error::other(format!("the server ended a link: {reason}"))
}
