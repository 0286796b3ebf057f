//! The list of words that are not to be said: read at the start, and again when the file changes.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anser_sm::{OnWord, WordFilter, Words};
use anyhow::Context as _;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

/// How often the file is looked at. SIGHUP has it read at once.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// The list, and where it comes from.
pub(crate) struct List {
    path: PathBuf,
    action: OnWord,
    words: Arc<Words>,
}

/// Size, time and inode of the file.
type Seen = Option<(u64, i64, i64, u64)>;

impl List {
    /// Reads the list that the settings name.
    pub(crate) fn load(path: &Path, action: OnWord) -> anyhow::Result<Self> {
        let filter = read(path, action).context("[filter] words")?;
        tracing::info!(words = filter.len(), "words that are not to be said");
        Ok(Self { path: path.to_owned(), action, words: Arc::new(Words::new(filter)) })
    }

    /// What the session manager looks at.
    pub(crate) fn words(&self) -> Arc<Words> {
        self.words.clone()
    }

    /// Looks after the file until `stop` changes.
    pub(crate) async fn look_after(self, mut stop: watch::Receiver<bool>) {
        let mut hangup = signal(SignalKind::hangup()).ok();
        let list = Arc::new(self);
        let mut seen = list.seen();
        loop {
            let told = async {
                match &mut hangup {
                    Some(hangup) => hangup.recv().await,
                    None => std::future::pending().await,
                }
            };
            // All three may be dropped at any await: a signal that came is kept until received.
            let again = tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => false,
                _ = told => true,
                _ = stop.changed() => return,
            };
            let this = list.clone();
            // A long list takes a while to be made ready.
            let looked = tokio::task::spawn_blocking(move || this.look(seen, again)).await;
            match looked {
                Ok(now) => seen = now,
                Err(error) => tracing::error!(%error, "looking after the list of words failed"),
            }
        }
    }

    fn seen(&self) -> Seen {
        let it = fs::metadata(&self.path).ok()?;
        Some((it.size(), it.mtime(), it.mtime_nsec(), it.ino()))
    }

    /// Takes what is in the file now, if that is new, or `again` whether or not. What is not
    /// usable changes nothing.
    fn look(&self, before: Seen, again: bool) -> Seen {
        let seen = self.seen();
        if seen == before && !again {
            return seen;
        }
        match read(&self.path, self.action) {
            Ok(filter) => {
                tracing::info!(words = filter.len(), "words that are not to be said were read");
                self.words.replace(filter);
            }
            Err(error) => {
                let error = format!("{error:#}");
                tracing::error!(error, "the list of words stays as it was");
            }
        }
        seen
    }
}

fn read(path: &Path, action: OnWord) -> anyhow::Result<WordFilter> {
    let list =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    WordFilter::new(&list, action).with_context(|| path.display().to_string())
}
