//! The data directory: private to its owner, held by one server at a time, written atomically.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use rustix::fs::Mode;

/// Held by the server that runs on the directory; holds its process id for whoever asks.
const LOCK: &str = "lock";
/// Where the listeners are.
const LISTEN: &str = "listen.json";

/// A data directory that this process is the only server of.
pub(crate) struct DataDir {
    path: PathBuf,
    /// The lock ends when the file is closed, however the process ends.
    _lock: File,
}

impl DataDir {
    /// Makes the directory if it is new, and takes it.
    pub(crate) fn take(path: &Path) -> anyhow::Result<Self> {
        let mend = || {
            format!(
                "cannot write to the data directory {}; give this user the right to, or choose \
                 another with --data-dir",
                path.display()
            )
        };
        DirBuilder::new().recursive(true).mode(0o700).create(path).with_context(mend)?;
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path.join(LOCK))
            .with_context(mend)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Only to be told; the lock itself decides.
                let _ = lock.read_to_string(&mut holder);
                bail!(
                    "another server (process {}) runs on {}; stop it, or choose another \
                     directory with --data-dir",
                    holder.trim(),
                    path.display()
                );
            }
            Err(TryLockError::Error(error)) => return Err(error).with_context(mend),
        }
        lock.set_len(0).with_context(mend)?;
        writeln!(lock, "{}", std::process::id()).with_context(mend)?;
        let path = fs::canonicalize(path).with_context(mend)?;
        Ok(Self { path, _lock: lock })
    }

    /// Where it is, in full.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Tells other processes where the listeners are.
    pub(crate) fn publish_listeners(&self, json: &str) -> anyhow::Result<()> {
        write_private(&self.path.join(LISTEN), json.as_bytes())
    }

    /// Takes back what [`publish_listeners`](Self::publish_listeners) told.
    pub(crate) fn withdraw_listeners(&self) {
        match fs::remove_file(self.path.join(LISTEN)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%error, "could not remove listen.json");
            }
            _ => {}
        }
    }
}

/// From now on what this process makes is for its owner only, the database's files too.
pub(crate) fn keep_private() {
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
}

/// Writes a file that only its owner may read, whole or not at all, also across a power cut.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let whole = || -> io::Result<()> {
        let fresh = path.with_extension("new");
        // A file left by a start that was cut off may have another mode: begin anew.
        match fs::remove_file(&fresh) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&fresh, path)?;
        if let Some(dir) = path.parent() {
            File::open(dir)?.sync_all()?;
        }
        Ok(())
    };
    whole().with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn what_is_made_is_private_and_one_server_holds_it() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("a/b");
        let held = DataDir::take(&path).unwrap();
        held.publish_listeners("{}").unwrap();
        assert_eq!(mode(&path), 0o700);
        assert_eq!(mode(&path.join(LISTEN)), 0o600);

        let told = DataDir::take(&path).err().unwrap().to_string();
        assert!(told.contains(&format!("process {}", std::process::id())), "{told}");
        held.withdraw_listeners();
        drop(held);
        assert!(!path.join(LISTEN).exists());
        DataDir::take(&path).unwrap();
    }
}
