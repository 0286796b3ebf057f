//! The thread that folds the journal into the database while the writer goes on.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread::JoinHandle,
};

use super::{
    connection::{self, Purpose},
    journal::fold,
};
use crate::open::OpenError;

/// A handle on the thread.
pub(super) struct Checkpointer {
    wake: mpsc::SyncSender<()>,
    folded: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Checkpointer {
    pub(super) fn start(path: &Path) -> Result<Self, OpenError> {
        let conn = connection::connect(path, Purpose::Checkpoint)?;
        let folded = Arc::new(AtomicBool::new(false));
        let done = Arc::clone(&folded);
        // A call that meets one under way is not kept.
        let (wake, woken) = mpsc::sync_channel(0);
        let run = move || {
            while woken.recv().is_ok() {
                // PASSIVE: as far as it goes without making anybody wait. The second time is for
                // what was written during the first, so that little is left for the writer.
                fold(&conn, "PASSIVE");
                fold(&conn, "PASSIVE");
                done.store(true, Ordering::Release);
            }
        };
        let thread = std::thread::Builder::new().name("store-fold".into()).spawn(run);
        let thread = thread.map_err(|error| OpenError::Failed {
            path: path.display().to_string(),
            reason: error.to_string(),
        })?;
        Ok(Self { wake, folded, thread })
    }

    /// There is something to fold.
    pub(super) fn wake(&self) {
        let _ = self.wake.try_send(());
    }

    /// Whether all that stood in the journal at the last call has been folded. Says so once.
    pub(super) fn has_folded(&self) -> bool {
        self.folded.swap(false, Ordering::Acquire)
    }

    pub(super) fn stop(self) {
        drop(self.wake);
        let _ = self.thread.join();
    }
}
