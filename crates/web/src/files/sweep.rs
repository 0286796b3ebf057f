//! Removing the bytes of files that are gone: unfinished, expired or deleted. Each step can be
//! repeated, so that a crash between any two of them leaves nothing behind.

use anser_blobs::Blobs;
use anser_domain::{Caller, Command, FileCommand, FileId};
use tokio::{sync::watch, time::timeout};

use crate::{
    Asker,
    answer::Done,
    call::Calls,
    limits::{SWEEP_EVERY, SWEPT_AT_ONCE},
    problem::Problem,
};

/// Sweeps now and then, until `stop` changes.
pub async fn sweep_files(blobs: Blobs, Asker(calls): Asker, mut stop: watch::Receiver<bool>) {
    loop {
        match sweep(&blobs, &calls).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "files were removed"),
            Err(_) => tracing::warn!("files that are gone could not all be removed"),
        }
        // Both may be dropped at any await: nothing is held between two rounds.
        if timeout(SWEEP_EVERY, stop.changed()).await.is_ok() {
            return;
        }
    }
}

async fn sweep(blobs: &Blobs, calls: &Calls) -> Result<usize, Problem> {
    let mut count = 0;
    loop {
        // The row says that it is gone …
        let command = FileCommand::Sweep { limit: SWEPT_AT_ONCE };
        let doomed: Vec<FileId> = calls.ask(Caller::Nobody, Command::Files(command)).await?;
        let all = doomed.len() == usize::from(SWEPT_AT_ONCE);
        let mut removed = Vec::with_capacity(doomed.len());
        for file in doomed {
            // … then the bytes go …
            match blobs.remove(file).await {
                Ok(()) => removed.push(file),
                Err(error) => tracing::warn!(%file, %error, "a file stays for now"),
            }
        }
        // … and then the row.
        let some = removed.len();
        if some > 0 {
            let swept = Command::Files(FileCommand::Swept(removed));
            let Done = calls.ask(Caller::Nobody, swept).await?;
        }
        count += some;
        if !all || some == 0 {
            return Ok(count);
        }
    }
}
