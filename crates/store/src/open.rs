//! From a URL to a backend.

use std::sync::Arc;

use anser_domain::Clock;

use crate::{
    backend::{
        memory::MemoryRoutes,
        mysql::{self, MySql},
        redis::{self, RedisRoutes},
        sqlite::Sqlite,
    },
    port::{Routes, Store},
};

/// Why a store could not be opened: one line that says what is wrong and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// A URL of no backend that this program has.
    #[error(
        "'{0}' names no store that this anser has; write sqlite:PATH or mysql://USER@HOST/DATABASE"
    )]
    UnknownStore(String),
    /// A URL that names a database, but not rightly.
    #[error("'{url}' cannot be read: {what}")]
    StoreUrl {
        /// The URL, without what is secret in it.
        url: String,
        /// What is wrong.
        what: String,
    },
    /// A URL of no backend that this program has.
    #[error(
        "'{0}' names no link map that this anser has; write memory, redis://HOST, \
         redis-sentinel://HOST,HOST/MASTER or redis-cluster://HOST,HOST"
    )]
    UnknownRoutes(String),
    /// A URL that names a map in Redis, but not rightly.
    #[error("'{url}' cannot be read: {what}")]
    RoutesUrl {
        /// The URL, without what is secret in it.
        url: String,
        /// What is wrong.
        what: String,
    },
    /// Nobody answers there, or not as a link map.
    #[error("cannot reach the link map at {url} ({reason}); start it, or correct [routes] url")]
    RoutesUnreachable {
        /// The URL, without what is secret in it.
        url: String,
        /// What the other side said.
        reason: String,
    },
    /// The file or its directory cannot be read and written.
    #[error(
        "cannot read and write {path} ({reason}); check that its directory exists and belongs to \
         the user that anser runs as"
    )]
    NotWritable {
        /// The database.
        path: String,
        /// What the system said.
        reason: String,
    },
    /// Not a database, or a damaged one.
    #[error(
        "{path} is damaged or not a database ({reason}); restore it from a backup, or move it \
         away to begin with an empty one"
    )]
    Corrupt {
        /// The database.
        path: String,
        /// What the engine said.
        reason: String,
    },
    /// A database of another program.
    #[error("{path} is another program's database; give [store] url another path")]
    Foreign {
        /// The database.
        path: String,
    },
    /// A database that a newer Anser has written.
    #[error(
        "{path} was written by a newer anser (layout {found}, this one knows up to {known}); \
         run that version or a newer one"
    )]
    Newer {
        /// The database.
        path: String,
        /// Its layout.
        found: u32,
        /// The newest layout known here.
        known: u32,
    },
    /// The disk is full.
    #[error("the disk that holds {path} is full; free some space and start again")]
    Full {
        /// The database.
        path: String,
    },
    /// Another process holds it.
    #[error("{path} is locked by another process; stop that one and start again")]
    Locked {
        /// The database.
        path: String,
    },
    /// Anything else.
    #[error("cannot open {path}: {reason}")]
    Failed {
        /// The database.
        path: String,
        /// What the engine said.
        reason: String,
    },
}

/// Opens the durable store that `url` names: `sqlite:PATH` or `mysql://USER@HOST/DATABASE`. Makes
/// it when it is not there (of MySQL: its tables), brings an older layout up to date, refuses a
/// newer one.
///
/// # Errors
/// [`OpenError`], fit to be shown as it is.
pub async fn open(url: &str, clock: Arc<dyn Clock>) -> Result<Arc<dyn Store>, OpenError> {
    match url.split_once(':') {
        Some(("sqlite", path)) if !path.is_empty() => {
            Ok(Arc::new(Sqlite::open(path.into(), clock).await?))
        }
        Some(("mysql" | "mariadb", _)) => Ok(Arc::new(MySql::open(url, clock).await?)),
        _ => Err(OpenError::UnknownStore(mysql::without_password(url))),
    }
}

/// Whether `url` can name a store, without asking anybody.
///
/// # Errors
/// [`OpenError`], fit to be shown as it is.
pub fn check(url: &str) -> Result<(), OpenError> {
    match url.split_once(':') {
        Some(("sqlite", path)) if !path.is_empty() => Ok(()),
        Some(("mysql" | "mariadb", _)) => mysql::check(url),
        _ => Err(OpenError::UnknownStore(mysql::without_password(url))),
    }
}

/// Opens the link map that `url` names: `memory`, or one in Redis or Valkey, which is reached
/// before this returns.
///
/// # Errors
/// [`OpenError`], fit to be shown as it is.
pub async fn open_routes(url: &str) -> Result<Arc<dyn Routes>, OpenError> {
    check_routes(url)?;
    match url {
        "memory" => Ok(Arc::new(MemoryRoutes::new())),
        _ => Ok(Arc::new(RedisRoutes::open(url).await?)),
    }
}

/// Whether `url` can name a link map, without asking anybody.
///
/// # Errors
/// [`OpenError`], fit to be shown as it is.
pub fn check_routes(url: &str) -> Result<(), OpenError> {
    match url.split_once(':') {
        None if url == "memory" => Ok(()),
        Some((scheme, _)) if scheme.starts_with("redis") || scheme.starts_with("valkey") => {
            redis::check(url)
        }
        _ => Err(OpenError::UnknownRoutes(redis::without_password(url))),
    }
}
