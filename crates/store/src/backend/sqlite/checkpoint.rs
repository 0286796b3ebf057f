//! The thread that folds the journal into the database while the writer goes on.

use std::{path::Path, sync::mpsc, thread::JoinHandle};

use super::{
    connection::{self, Purpose},
    writer::fold,
};
use crate::open::OpenError;

/// A handle on the thread.
pub(super) struct Checkpointer {
    wake: mpsc::SyncSender<()>,
    thread: JoinHandle<()>,
}

impl Checkpointer {
    pub(super) fn start(path: &Path) -> Result<Self, OpenError> {
        let conn = connection::connect(path, Purpose::Checkpoint)?;
        // One waiting call is enough, however often it is called.
        let (wake, woken) = mpsc::sync_channel(1);
        let run = move || {
            while woken.recv().is_ok() {
                // PASSIVE: as far as it goes without making anybody wait.
                fold(&conn, "PASSIVE");
            }
        };
        let thread = std::thread::Builder::new().name("store-checkpoint".into()).spawn(run);
        let thread = thread.map_err(|error| OpenError::Failed {
            path: path.display().to_string(),
            reason: error.to_string(),
        })?;
        Ok(Self { wake, thread })
    }

    /// There is something to fold.
    pub(super) fn wake(&self) {
        let _ = self.wake.try_send(());
    }

    pub(super) fn stop(self) {
        drop(self.wake);
        let _ = self.thread.join();
    }
}
