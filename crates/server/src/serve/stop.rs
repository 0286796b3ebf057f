//! The wish to stop: Ctrl-C or SIGTERM, and the second one of someone in a hurry.

use std::time::Duration;

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What a shell reports for a program that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

/// Signals this close together are one wish: supervisors often send theirs to the process and to
/// its group.
const SAME_WISH: Duration = Duration::from_millis(300);

/// Both signals that ask a server to stop.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Listens from now on.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        let on = |kind| signal(kind).context("cannot listen for signals");
        Ok(Self {
            interrupt: on(SignalKind::interrupt())?,
            terminate: on(SignalKind::terminate())?,
        })
    }

    /// Waits for the first.
    pub(crate) async fn wait(&mut self) {
        // Both are cancel-safe: a signal that came is kept until it is received.
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    /// Ends the process at the next one. Nothing acknowledged is lost by that.
    pub(crate) fn next_one_ends_the_process(mut self) {
        tokio::spawn(async move {
            let echoes = async {
                loop {
                    self.wait().await;
                }
            };
            // It always runs out; what came meanwhile is what this is for.
            let _ = tokio::time::timeout(SAME_WISH, echoes).await;
            self.wait().await;
            std::process::exit(INTERRUPTED);
        });
    }
}
