//! Files between HTTP and the blob store. What is known of them, and who may do what, is asked of
//! the SM; the bytes never go there.

mod deliver;
mod header;
mod sweep;
mod upload;

use std::sync::Arc;

use anser_blobs::{BlobError, Blobs};
use tokio::sync::Semaphore;

pub use self::sweep::sweep_files;
pub(crate) use self::{
    deliver::{deliver, deliver_thumbnail},
    header::{UPLOAD_COMPLETE, UPLOAD_LENGTH, UPLOAD_LIMIT, UPLOAD_OFFSET, name_of, progress},
    upload::upload,
};
use crate::{
    limits::{LOOKING, UPLOADS},
    metrics::FileMetrics,
    problem::{self, Problem},
};

/// What handlers of files share.
#[derive(Clone)]
pub(crate) struct Files {
    pub(crate) blobs: Blobs,
    pub(crate) metrics: FileMetrics,
    /// Places for uploads.
    uploads: Arc<Semaphore>,
    /// Places for those whose content is held in memory and looked at.
    looking: Arc<Semaphore>,
}

impl Files {
    pub(crate) fn new(blobs: Blobs, metrics: FileMetrics) -> Self {
        let places = |count| Arc::new(Semaphore::new(count));
        Self { blobs, metrics, uploads: places(UPLOADS), looking: places(LOOKING) }
    }
}

/// The REST tier's one place that turns a blob store's failures into problems.
impl From<BlobError> for Problem {
    fn from(error: BlobError) -> Self {
        tracing::error!(%error, "the blob store failed");
        match error {
            BlobError::Full => Self::later(
                &problem::STORAGE_FULL,
                "the disk for files is full; what was stored so far is kept",
            ),
            BlobError::Missing(_) | BlobError::Failed(_) => {
                Self::later(&problem::UNAVAILABLE, "the store for files is not available")
            }
        }
    }
}
