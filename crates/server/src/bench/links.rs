//! `anser bench links`: what an idle link costs the server.

use std::time::Duration;

use anser_client::Connection;
use anser_wire::{codec, frame};
use anyhow::{Context as _, bail};
use tokio::time::{Instant, sleep, timeout};

use super::{
    link, progress,
    report::Report,
    target::{Target, allow_links},
};

/// The heartbeat interval that is wished for: idle links should be idle.
const HEARTBEAT: Duration = Duration::from_secs(30 * 60);
/// The server settles what logins left behind before its memory is read.
const SETTLE: Duration = Duration::from_secs(3);
/// How long all links together may take to answer the last PING.
const ROUND: Duration = Duration::from_secs(60);

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) target: Target,
    /// How many links
    #[arg(short = 'n', long, default_value_t = 10_000)]
    links: usize,
    /// How long to hold them
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    hold: u64,
}

pub(super) async fn run(args: &Args) -> anyhow::Result<Report> {
    allow_links(args.links)?;
    let process = args.target.process();
    let gateway = args.target.gateway()?;
    let accounts = args.target.accounts(args.links).await?;
    // Whatever making users took is not what links cost.
    sleep(SETTLE).await;
    let before = process.map(super::process::Process::usage).transpose()?;

    let bar = progress(args.links as u64, "linking");
    let begun = Instant::now();
    let opened = link::open_all(&gateway, &accounts, HEARTBEAT, &bar).await?;
    let mut links: Vec<_> = opened.into_iter().map(|opened| opened.link).collect();
    let took = begun.elapsed();
    drop(accounts);
    bar.set_message("holding");
    sleep(SETTLE.max(Duration::from_secs(args.hold))).await;
    let after = process.map(super::process::Process::usage).transpose()?;

    bar.set_message("asking each whether it is alive");
    let alive = timeout(ROUND, ask_all(&mut links)).await.context("links did not answer")?;
    bar.finish_and_clear();
    if alive < links.len() {
        bail!("only {alive} of {} links are alive", links.len());
    }
    let mut report = Report { links: Some(alive as u64), ..Report::default() };
    report.seconds = took.as_secs_f64();
    if let (Some(before), Some(after)) = (before, after) {
        report.memory(before, after, alive as u64);
    }
    Ok(report)
}

/// Sends PING on every link, then waits for every PONG: how many came.
async fn ask_all(links: &mut [Connection]) -> usize {
    let ping = frame::Ping { nonce: 1, heartbeat_ms: 0 }.into();
    for link in &mut *links {
        codec::write(&ping, link.out());
        // A link that is broken will not answer; that is what is counted.
        let _ = link.flush().await;
    }
    let mut alive = 0;
    for link in links {
        let mut pongs = 0;
        while pongs == 0 {
            let turned = link.turn(&mut |bytes, out| link::idle(bytes, out, &mut pongs)).await;
            if turned.is_err() {
                break;
            }
        }
        alive += usize::from(pongs > 0);
    }
    alive
}
