//! A probe together with its link: the pump between a value and a stream of bytes.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anser_domain::Clock;
use parking_lot::Mutex;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    sync::Notify,
};

use super::Probe;

/// How often a link looks whether a held send may go out.
const TURN: Duration = Duration::from_millis(50);

/// A probe that somebody links and somebody else tells what to do.
pub struct Linked {
    probe: Mutex<Probe>,
    wake: Notify,
    /// Most sends that wait for their answers.
    window: usize,
    clock: Arc<dyn Clock>,
    began: Instant,
}

impl Linked {
    /// A probe without a link.
    #[must_use]
    pub fn new(probe: Probe, window: usize, clock: Arc<dyn Clock>) -> Self {
        let began = clock.now();
        Self { probe: Mutex::new(probe), wake: Notify::new(), window, clock, began }
    }

    /// Does something with the probe. What that leaves to be sent goes out soon.
    pub fn with<T>(&self, act: impl FnOnce(&mut Probe) -> T) -> T {
        let done = act(&mut self.probe.lock());
        self.wake.notify_one();
        done
    }

    /// Links the probe over `stream` until that breaks: with its last ticket, or with its token
    /// if `hello` says so.
    pub async fn pump(&self, mut stream: impl AsyncRead + AsyncWrite + Unpin, hello: bool) {
        let mut out = Vec::new();
        let mut bytes = Vec::new();
        self.probe.lock().open(hello, &mut out);
        loop {
            if stream.write_all(&out).await.is_err() {
                return;
            }
            out.clear();
            // Reading into a buffer and waiting to be woken lose nothing when cancelled.
            tokio::select! {
                read = stream.read_buf(&mut bytes) => {
                    if !matches!(read, Ok(n) if n > 0) {
                        return;
                    }
                }
                () = self.wake.notified() => {}
                () = tokio::time::sleep(TURN) => {}
            }
            let elapsed = self.clock.now().saturating_duration_since(self.began);
            let now = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
            let mut probe = self.probe.lock();
            // Whatever ended the link, the probe has noted it.
            let Ok(used) = probe.receive(&bytes, now, &mut out) else { return };
            bytes.drain(..used);
            probe.acknowledge(&mut out);
            probe.pump(now, self.window, &mut out);
        }
    }
}
