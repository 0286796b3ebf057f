//! A probe on a real link: dials, pumps, comes back after a break.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use anser_domain::{Clock as _, SystemClock};
use parking_lot::Mutex;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::{Notify, watch},
    task::JoinHandle,
};

use crate::probe::{End, Probe};

/// How long a phone waits before it dials again.
const REDIAL: Duration = Duration::from_millis(20);
/// How often a link looks whether a held send may go out.
const TURN: Duration = Duration::from_millis(50);

/// A device that keeps itself linked to wherever the server is at the moment.
pub struct Phone {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    probe: Mutex<Probe>,
    wake: Notify,
    /// Most sends that wait for their answers.
    window: usize,
    began: Instant,
}

impl Phone {
    /// Links `probe` whenever `at` says where the server is.
    #[must_use]
    pub fn start(probe: Probe, window: usize, at: watch::Receiver<Option<SocketAddr>>) -> Self {
        let shared = Arc::new(Shared {
            probe: Mutex::new(probe),
            wake: Notify::new(),
            window,
            began: SystemClock.now(),
        });
        let task = tokio::spawn(run(shared.clone(), at));
        Self { shared, task }
    }

    /// Does something with the probe. What that leaves to be sent goes out soon.
    pub fn with<T>(&self, act: impl FnOnce(&mut Probe) -> T) -> T {
        let done = act(&mut self.shared.probe.lock());
        self.shared.wake.notify_one();
        done
    }

    /// Hangs up for good.
    pub fn stop(&self) {
        self.task.abort();
    }
}

impl Drop for Phone {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn run(shared: Arc<Shared>, mut at: watch::Receiver<Option<SocketAddr>>) {
    // A ticket outlives a crash; every so often a device comes with its token all the same.
    let mut links = 0_u32;
    loop {
        let Ok(Some(address)) = at.wait_for(Option::is_some).await.map(|it| *it) else { return };
        if let Ok(socket) = TcpStream::connect(address).await {
            links += 1;
            link(&shared, socket, links.is_multiple_of(5)).await;
        }
        tokio::time::sleep(REDIAL).await;
    }
}

/// One link, until it breaks.
async fn link(shared: &Shared, mut socket: TcpStream, hello: bool) {
    let _ = socket.set_nodelay(true);
    let mut out = Vec::new();
    let mut bytes = Vec::new();
    shared.probe.lock().open(hello, &mut out);
    loop {
        if socket.write_all(&out).await.is_err() {
            return;
        }
        out.clear();
        // Reading into a buffer and waiting to be woken lose nothing when they are cancelled.
        tokio::select! {
            read = socket.read_buf(&mut bytes) => {
                if !matches!(read, Ok(n) if n > 0) {
                    return;
                }
            }
            () = shared.wake.notified() => {}
            () = tokio::time::sleep(TURN) => {}
        }
        let now = u64::try_from((SystemClock.now() - shared.began).as_millis()).unwrap_or(0);
        let mut probe = shared.probe.lock();
        match probe.receive(&bytes, now, &mut out) {
            Ok(used) => drop(bytes.drain(..used)),
            // What is wrong with it, the probe has noted.
            Err(End::Told { .. } | End::Broken(_)) => return,
        }
        probe.acknowledge(&mut out);
        probe.pump(now, shared.window, &mut out);
    }
}
