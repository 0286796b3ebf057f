//! A probe on a real link: dials, pumps, comes back after a break.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anser_domain::SystemClock;
use tokio::{net::TcpStream, sync::watch, task::JoinHandle};

use crate::probe::{Linked, Probe};

/// How long a phone waits before it dials again.
const REDIAL: Duration = Duration::from_millis(20);
/// A ticket outlives a crash; every so often a device comes with its token all the same.
const HELLO_EVERY: u32 = 5;

/// A device that keeps itself linked to wherever the server is at the moment.
pub struct Phone {
    linked: Arc<Linked>,
    awake: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Phone {
    /// Links `probe` whenever `at` says where the server is, with at most `window` sends
    /// unanswered.
    #[must_use]
    pub fn start(probe: Probe, window: usize, at: watch::Receiver<Option<SocketAddr>>) -> Self {
        let linked = Arc::new(Linked::new(probe, window, Arc::new(SystemClock)));
        let awake = watch::Sender::new(true);
        let task = tokio::spawn(run(linked.clone(), at, awake.subscribe()));
        Self { linked, awake, task }
    }

    /// Whether it keeps itself linked; asleep, it hangs up and misses everything.
    pub fn stay_awake(&self, awake: bool) {
        self.awake.send_replace(awake);
    }

    /// Whether it does.
    #[must_use]
    pub fn is_awake(&self) -> bool {
        *self.awake.borrow()
    }

    /// Does something with the probe. What that leaves to be sent goes out soon.
    pub fn with<T>(&self, act: impl FnOnce(&mut Probe) -> T) -> T {
        self.linked.with(act)
    }
}

impl Drop for Phone {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn run(
    linked: Arc<Linked>,
    mut at: watch::Receiver<Option<SocketAddr>>,
    mut awake: watch::Receiver<bool>,
) {
    let mut links = 0_u32;
    loop {
        if awake.wait_for(|awake| *awake).await.is_err() {
            return;
        }
        let Ok(Some(address)) = at.wait_for(Option::is_some).await.map(|it| *it) else { return };
        if let Ok(socket) = TcpStream::connect(address).await {
            // Small frames are not to wait for each other; a socket that cannot do so still works.
            let _ = socket.set_nodelay(true);
            links += 1;
            // A link that is dropped in the middle of anything is what these tests are about.
            tokio::select! {
                () = linked.pump(socket, links.is_multiple_of(HELLO_EVERY)) => {}
                _ = awake.wait_for(|awake| !*awake) => {}
            }
        }
        tokio::time::sleep(REDIAL).await;
    }
}
