//! SQLite, the embedded engine.
//!
//! The layout and the settings come from measurements (DESIGN §7). `migrations/` has the tables.

mod checkpoint;
mod connection;
mod inspect;
mod journal;

use std::{path::PathBuf, sync::Arc};

use anser_domain::Clock;

use self::{connection::Purpose, journal::Journal};
use super::relational::{
    Relational,
    engine::{Connection, Engine, Keeper},
};
use crate::open::OpenError;

pub use inspect::{Inspection, inspect};

/// Reads at a time.
const READERS: usize = 3;

/// The embedded store.
pub struct Sqlite {
    path: PathBuf,
    max_pages: u32,
}

impl Sqlite {
    /// Opens the database at `path`, and makes it if there is none.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open(path: PathBuf, clock: Arc<dyn Clock>) -> Result<Relational, OpenError> {
        Self::open_with_pages(path, clock, u32::MAX).await
    }

    /// As [`open`](Self::open), on a database that may grow to so many pages of 4 KiB and then
    /// behaves as on a full disk. For tests.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open_with_pages(
        path: PathBuf,
        clock: Arc<dyn Clock>,
        max_pages: u32,
    ) -> Result<Relational, OpenError> {
        Relational::open(Arc::new(Self { path, max_pages }), clock).await
    }
}

impl Engine for Sqlite {
    fn writer(&self) -> Result<(Connection, Box<dyn Keeper>), OpenError> {
        let conn = connection::open(&self.path)?;
        if self.max_pages < u32::MAX {
            let limit = format!("PRAGMA max_page_count = {}", self.max_pages);
            conn.query_row(&limit, [], |_| Ok(())).map_err(|error| self.failed(&error))?;
        }
        let journal = Journal::mind(&self.path, &conn)?;
        Ok((Connection::Sqlite(conn), Box::new(journal)))
    }

    fn reader(&self) -> Result<Connection, OpenError> {
        Ok(Connection::Sqlite(connection::connect(&self.path, Purpose::Read)?))
    }

    fn readers(&self) -> usize {
        READERS
    }

    fn failed(&self, reason: &dyn std::fmt::Display) -> OpenError {
        OpenError::Failed { path: self.path.display().to_string(), reason: reason.to_string() }
    }
}
