//! Very many devices that do nothing but be linked, and come back when they are not.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use anser_domain::{Clock, SystemClock};
use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    sync::{mpsc, watch},
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use super::world::World;
use crate::{checker::Device, probe::Probe};

/// Descriptors beside those of the links.
const BESIDE: u64 = 2_000;
/// Links that are being made at a time, the first time: nobody is measured then.
const AT_ONCE: usize = 200;
/// Whoever is not back by then never will be.
const WITHIN: Duration = Duration::from_secs(180);
/// A client waits a moment before it tries again.
const REDIAL: Duration = Duration::from_millis(100);
/// Links from one local address: fewer than a machine has ports for it.
const PORTS: usize = 20_000;

/// All of them.
pub(super) struct Storm {
    at: watch::Sender<SocketAddr>,
    /// When each was back, as it happens.
    back: tokio::sync::Mutex<mpsc::UnboundedReceiver<Instant>>,
    count: usize,
    _tasks: JoinSet<()>,
}

impl Storm {
    /// Makes the users in the store, and has each link to the first CM.
    pub(super) async fn gather(world: &World, count: usize) -> Result<Self> {
        allow(count)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let store = anser_store::open(&world.store, clock.clone()).await?;
        let made = anser_sm::provision(&store, &clock, "storm", count).await;
        store.close().await;
        let made = made.context("cannot make the users")?;
        let first = world.gateways().first().copied().context("no cm")?;
        let (at, (tell, back)) = (watch::Sender::new(first), mpsc::unbounded_channel());
        let places = Arc::new(tokio::sync::Semaphore::new(AT_ONCE));
        let mut tasks = JoinSet::new();
        for (index, person) in made.into_iter().enumerate() {
            let device =
                Device { user: person.user.as_str().into(), name: person.device.as_str().into() };
            let probe = Probe::new(device, person.access.expose().to_owned());
            let (at, tell, places) = (at.subscribe(), tell.clone(), places.clone());
            tasks.spawn(async move { stay(probe, index, at, tell, &places).await });
        }
        let back = tokio::sync::Mutex::new(back);
        Ok(Self { at, back, count, _tasks: tasks })
    }

    /// Waits until each has said that it is back, and answers with how long that took: since
    /// something happened, for those who then go to another CM.
    pub(super) async fn back(&self, moved: Option<(SocketAddr, Instant)>) -> Result<Vec<Duration>> {
        let from = match moved {
            Some((to, from)) => {
                self.at.send_replace(to);
                from
            }
            None => Instant::now(),
        };
        let mut back = self.back.lock().await;
        let mut times = Vec::with_capacity(self.count);
        while times.len() < self.count {
            let Ok(next) = timeout(WITHIN, back.recv()).await else {
                bail!("only {} of {} links are back", times.len(), self.count);
            };
            times.push(next.context("no links")?.duration_since(from));
        }
        Ok(times)
    }
}

/// Links a device for as long as there is a cluster, and tells whenever it has everything.
async fn stay(
    mut probe: Probe,
    index: usize,
    at: watch::Receiver<SocketAddr>,
    tell: mpsc::UnboundedSender<Instant>,
    places: &tokio::sync::Semaphore,
) {
    let mut first = places.acquire().await.ok();
    loop {
        let to = *at.borrow();
        if let Ok(mut stream) = dial(to, index).await {
            let (mut bytes, mut out, mut synced) = (Vec::new(), Vec::new(), false);
            // With its ticket, as a client that was linked a moment ago.
            probe.open(false, &mut out);
            loop {
                if stream.write_all(&out).await.is_err() {
                    break;
                }
                out.clear();
                match stream.read_buf(&mut bytes).await {
                    Ok(read) if read > 0 => {}
                    _ => break,
                }
                let Ok(used) = probe.receive(&bytes, 0, &mut out) else { break };
                bytes.drain(..used);
                if bytes.is_empty() {
                    // An idle link holds no buffer.
                    bytes = Vec::new();
                }
                if probe.is_synced() && !synced {
                    synced = true;
                    // Nobody listens any more in the end.
                    let _ = tell.send(Instant::now());
                    first = None;
                }
            }
        }
        drop(first.take());
        sleep(REDIAL).await;
    }
}

async fn dial(to: SocketAddr, index: usize) -> std::io::Result<TcpStream> {
    let last = u8::try_from(index / PORTS + 1).unwrap_or(u8::MAX);
    let socket = TcpSocket::new_v4()?;
    socket.bind((IpAddr::V4(Ipv4Addr::new(127, 0, 0, last)), 0).into())?;
    socket.connect(to).await
}

/// Raises the bound on open files to what is allowed, and checks that it suffices.
fn allow(links: usize) -> Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit)?;
    let needed = u64::try_from(links)? + BESIDE;
    let allowed = limit.current.unwrap_or(u64::MAX);
    ensure!(allowed >= needed, "{links} links need {needed} open files, {allowed} are allowed");
    Ok(())
}
