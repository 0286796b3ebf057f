//! Where blobs are kept, and how such a place is opened.

use std::{fmt, path::PathBuf, sync::Arc};

use object_store::{
    ClientOptions, ObjectStore, aws::AmazonS3Builder, local::LocalFileSystem, memory::InMemory,
    path::Path,
};

use crate::store::Blobs;

/// Where blobs are kept.
#[derive(Clone, Debug)]
pub enum Place {
    /// A directory of this machine; made when it is not there.
    Directory(PathBuf),
    /// A bucket.
    S3(S3),
}

/// A bucket of an S3-compatible store. What is left empty is taken from where AWS's own tools take
/// it: `AWS_REGION`, `AWS_ACCESS_KEY_ID`, a role of the machine.
#[derive(Clone, Default)]
pub struct S3 {
    /// `s3://BUCKET/PREFIX`.
    pub url: String,
    /// Where the store is, if it is not Amazon's: `https://minio.example.org:9000`.
    pub endpoint: String,
    /// Its region.
    pub region: String,
    /// The access key's id.
    pub key: String,
    /// The secret that belongs to it.
    pub secret: String,
}

impl fmt::Debug for S3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url, endpoint, region, key: _, secret: _ } = self;
        write!(f, "S3({url:?}, {endpoint:?}, {region:?})")
    }
}

/// Why a place could not be opened: one line that says what is wrong.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory cannot be made or used.
    #[error("cannot keep files in {0} ({1}); give this user the right to, or choose another place")]
    Directory(String, String),
    /// The bucket's description is not one.
    #[error("cannot keep files at {0}: {1}")]
    Bucket(String, String),
}

impl Place {
    /// Opens the place. A bucket is not asked for anything yet.
    ///
    /// # Errors
    /// [`OpenError`], fit to be shown as it is.
    pub fn open(&self) -> Result<Blobs, OpenError> {
        match self {
            Self::Directory(path) => {
                let failed = |error: &dyn fmt::Display| {
                    OpenError::Directory(path.display().to_string(), error.to_string())
                };
                std::fs::create_dir_all(path).map_err(|error| failed(&error))?;
                let store =
                    LocalFileSystem::new_with_prefix(path).map_err(|error| failed(&error))?;
                // A piece is told to its owner as stored only when it would survive power loss.
                let store = Arc::new(store.with_fsync(true));
                Ok(Blobs::new(store, Path::default(), Some(path.clone())))
            }
            Self::S3(bucket) => bucket.open(),
        }
    }
}

impl S3 {
    fn open(&self) -> Result<Blobs, OpenError> {
        let failed =
            |error: &dyn fmt::Display| OpenError::Bucket(self.url.clone(), error.to_string());
        let rest = self.url.strip_prefix("s3://").unwrap_or_default();
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err(failed(&"write s3://BUCKET or s3://BUCKET/PREFIX"));
        }
        let plain = self.endpoint.starts_with("http://");
        let mut builder = AmazonS3Builder::from_env()
            .with_bucket_name(bucket)
            .with_client_options(ClientOptions::new().with_allow_http(plain));
        if !self.endpoint.is_empty() {
            builder = builder.with_endpoint(&self.endpoint);
        }
        if !self.region.is_empty() {
            builder = builder.with_region(&self.region);
        }
        if !self.key.is_empty() {
            builder = builder.with_access_key_id(&self.key).with_secret_access_key(&self.secret);
        }
        let store: Arc<dyn ObjectStore> =
            Arc::new(builder.build().map_err(|error| failed(&error))?);
        let prefix = Path::parse(prefix).map_err(|error| failed(&error))?;
        Ok(Blobs::new(store, prefix, None))
    }
}

/// Keeps blobs in memory: for tests.
impl Default for Blobs {
    fn default() -> Self {
        Self::new(Arc::new(InMemory::new()), Path::default(), None)
    }
}
