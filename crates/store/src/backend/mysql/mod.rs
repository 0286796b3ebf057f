//! MySQL, the engine that several processes share: MySQL from 8.0 and MariaDB from 10.6 on, and
//! nothing that TiDB or Vitess refuses.
//!
//! The statements are those of `backend/relational`, as [`dialect`] changes them; `migrations/` has
//! the tables. There are no foreign keys and no keys that the database counts up: keys begin with
//! what rows are found by, and ids are made by the processes (`relational/shared.rs`).

mod connection;
mod dialect;
mod layout;
mod promises;
mod url;

use std::sync::Arc;

use anser_domain::Clock;

pub(crate) use self::connection::{Connection, Failure, Rows, Statement};
use self::{connection::Purpose, url::Target};
use super::relational::{
    Relational,
    engine::{self, Engine, Keeper},
};
use crate::open::OpenError;

pub(crate) use url::{check, without_password};

/// Reads at a time: each waits for the network most of its time.
const READERS: usize = 12;

/// The shared store.
pub struct MySql {
    target: Target,
}

impl MySql {
    /// Opens the database that `url` names, which has to be there, and makes or updates its
    /// tables.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open(url: &str, clock: Arc<dyn Clock>) -> Result<Relational, OpenError> {
        let target = Target::parse(url)?;
        Relational::open(Arc::new(Self { target }), clock).await
    }
}

impl Engine for MySql {
    fn writer(&self) -> Result<(engine::Connection, Box<dyn Keeper>), OpenError> {
        let unreachable = |error: Failure| self.failed(&error);
        let conn = Connection::open(&self.target.options, Purpose::Write).map_err(unreachable)?;
        promises::check(&conn, &self.target.shown)?;
        layout::migrate(&conn, &self.target.shown)?;
        Ok((engine::Connection::MySql(Box::new(conn)), Box::new(Nothing)))
    }

    fn reader(&self) -> Result<engine::Connection, OpenError> {
        let conn = Connection::open(&self.target.options, Purpose::Read)
            .map_err(|error| self.failed(&error))?;
        Ok(engine::Connection::MySql(Box::new(conn)))
    }

    fn readers(&self) -> usize {
        READERS
    }

    fn failed(&self, reason: &dyn std::fmt::Display) -> OpenError {
        OpenError::Failed { path: self.target.shown.clone(), reason: reason.to_string() }
    }
}

/// The server minds its journal itself.
struct Nothing;

impl Keeper for Nothing {
    fn between(&mut self, _: &engine::Connection) {}

    fn last(self: Box<Self>, _: &engine::Connection) {}
}
