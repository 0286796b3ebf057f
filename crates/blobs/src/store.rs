//! Putting, reading and removing the blobs of a file.

use std::{error::Error, io, ops::Range, path::PathBuf, sync::Arc};

use anser_domain::{FileId, Piece};
use bytes::Bytes;
use futures_util::{
    StreamExt as _, TryStreamExt as _,
    stream::{self, BoxStream},
};
use object_store::{
    GetOptions, GetRange, ObjectStore, ObjectStoreExt as _, PutPayload, path::Path,
};

/// The small form of a picture stands beside its pieces.
const THUMBNAIL: &str = "thumbnail";

/// The bytes of a file, in order.
pub type Content = BoxStream<'static, Result<Bytes, BlobError>>;

/// Why bytes were not stored, or not found.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// No room is left.
    #[error("no room is left for files")]
    Full,
    /// The blob is not there, although its row says so.
    #[error("the blob {0} is missing")]
    Missing(String),
    /// The store failed; the text is for the log.
    #[error("the blob store failed: {0}")]
    Failed(String),
}

impl From<object_store::Error> for BlobError {
    fn from(error: object_store::Error) -> Self {
        if let object_store::Error::NotFound { path, .. } = error {
            return Self::Missing(path);
        }
        let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
        while let Some(inner) = cause {
            let full = |it: &io::Error| {
                matches!(it.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
            };
            if inner.downcast_ref::<io::Error>().is_some_and(full) {
                return Self::Full;
            }
            cause = inner.source();
        }
        Self::Failed(error.to_string())
    }
}

/// A place for blobs. Clones share it.
#[derive(Clone, Debug)]
pub struct Blobs {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    /// Set when it is a directory of this machine.
    directory: Option<PathBuf>,
}

impl Blobs {
    pub(crate) fn new(
        store: Arc<dyn ObjectStore>,
        prefix: Path,
        directory: Option<PathBuf>,
    ) -> Self {
        Self { store, prefix, directory }
    }

    /// Stores a piece. When this returns it is on the disk.
    ///
    /// # Errors
    /// [`BlobError`]; then nothing of it is to be read.
    pub async fn put(
        &self,
        file: FileId,
        piece: Piece,
        bytes: Vec<Bytes>,
    ) -> Result<(), BlobError> {
        self.store.put(&self.piece(file, piece), PutPayload::from_iter(bytes)).await?;
        Ok(())
    }

    /// Removes a piece that did not become part of the file.
    pub async fn discard(&self, file: FileId, piece: Piece) {
        // What stays is removed with the file.
        if let Err(error) = self.store.delete(&self.piece(file, piece)).await {
            tracing::debug!(%error, "a piece that nobody wants stays for now");
        }
    }

    /// Part of a file, `range` being within what `pieces` hold. The first blob is found before
    /// this returns.
    ///
    /// # Errors
    /// [`BlobError`], here or in the middle.
    pub async fn read(
        &self,
        file: FileId,
        pieces: &[Piece],
        range: Range<u64>,
    ) -> Result<Content, BlobError> {
        let mut parts: Vec<(Path, Range<u64>)> = Vec::new();
        for piece in pieces {
            let end = piece.at + u64::from(piece.length);
            let (from, until) = (range.start.max(piece.at), range.end.min(end));
            if from < until {
                parts.push((self.piece(file, *piece), from - piece.at..until - piece.at));
            }
        }
        let mut parts = parts.into_iter();
        let Some((path, first)) = parts.next() else { return Ok(stream::empty().boxed()) };
        let first = get(self.store.clone(), path, first).await?;
        let store = self.store.clone();
        let rest = stream::iter(parts)
            .then(move |(path, range)| get(store.clone(), path, range))
            .try_flatten();
        Ok(first.chain(rest).boxed())
    }

    /// The same, all at once: for parts that fit into memory.
    ///
    /// # Errors
    /// [`BlobError`].
    pub async fn read_whole(
        &self,
        file: FileId,
        pieces: &[Piece],
        range: Range<u64>,
    ) -> Result<Vec<u8>, BlobError> {
        let mut content = self.read(file, pieces, range).await?;
        let mut whole = Vec::new();
        while let Some(bytes) = content.try_next().await? {
            whole.extend_from_slice(&bytes);
        }
        Ok(whole)
    }

    /// Stores the small form of a picture.
    ///
    /// # Errors
    /// [`BlobError`].
    pub async fn put_thumbnail(&self, file: FileId, bytes: Vec<u8>) -> Result<(), BlobError> {
        self.store.put(&self.folder(file).join(THUMBNAIL), bytes.into()).await?;
        Ok(())
    }

    /// The small form of a picture.
    ///
    /// # Errors
    /// [`BlobError`].
    pub async fn thumbnail(&self, file: FileId) -> Result<Bytes, BlobError> {
        Ok(self.store.get(&self.folder(file).join(THUMBNAIL)).await?.bytes().await?)
    }

    /// Removes everything that was ever stored for a file, finished or not. Can be repeated.
    ///
    /// # Errors
    /// [`BlobError`]; then something may be left.
    pub async fn remove(&self, file: FileId) -> Result<(), BlobError> {
        if let Some(directory) = &self.directory {
            // The folder whole: a write that was cut off leaves a file that no list shows.
            let folder = directory.join(self.folder(file).as_ref());
            return match tokio::fs::remove_dir_all(&folder).await {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    Err(BlobError::Failed(format!("{}: {error}", folder.display())))
                }
                _ => Ok(()),
            };
        }
        let found = self.store.list(Some(&self.folder(file))).map_ok(|it| it.location).boxed();
        let mut removed = self.store.delete_stream(found);
        while let Some(path) = removed.next().await {
            match path {
                Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn piece(&self, file: FileId, piece: Piece) -> Path {
        self.folder(file).join(format!("{}-{:016x}", piece.at, piece.nonce))
    }

    /// Spread over 256 folders: some file systems and tools mind millions of entries in one.
    fn folder(&self, file: FileId) -> Path {
        // Ids count up, so their low digits are mixed first (Fibonacci hashing).
        let shard = file.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56;
        self.prefix.clone().join(format!("{shard:02x}")).join(file.to_string())
    }
}

async fn get(
    store: Arc<dyn ObjectStore>,
    path: Path,
    range: Range<u64>,
) -> Result<Content, BlobError> {
    let options = GetOptions { range: Some(GetRange::Bounded(range)), ..GetOptions::default() };
    let found = store.get_opts(&path, options).await?;
    Ok(found.into_stream().map_err(BlobError::from).boxed())
}
