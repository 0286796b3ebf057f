//! What the relational store asks of an engine: a connection, its statements, their rows. An
//! enum and no trait, so that what is built on it is compiled once and the message path calls
//! SQLite directly.
//!
//! Values are in rusqlite's words ([`ToSql`], [`FromSql`], [`ValueRef`]) for both engines, and so is
//! the text of statements: SQLite's, with numbered parameters. What MySQL says otherwise is changed
//! by `backend::mysql::dialect`.

pub(crate) use rusqlite::{
    params,
    types::{FromSql, FromSqlError, ToSql, Value, ValueRef},
};

use super::super::mysql;
use crate::{open::OpenError, port::StoreError};

/// What opens connections to one database.
pub(crate) trait Engine: Send + Sync + 'static {
    /// Makes the database or brings it up to date, and opens the connection that writes, with what
    /// is to be minded between its transactions. Called on the thread that uses it.
    fn writer(&self) -> Result<(Connection, Box<dyn Keeper>), OpenError>;

    /// A connection that reads, to a database that [`writer`](Self::writer) has prepared. Called
    /// on the thread that uses it.
    fn reader(&self) -> Result<Connection, OpenError>;

    /// So many calls are read at a time.
    fn readers(&self) -> usize;

    /// What went wrong while the store was opened, of whatever nature.
    fn failed(&self, reason: &dyn std::fmt::Display) -> OpenError;
}

/// What is minded between the writer's transactions.
pub(crate) trait Keeper {
    /// A transaction has ended.
    fn between(&mut self, conn: &Connection);
    /// There will be no more.
    fn last(self: Box<Self>, conn: &Connection);
}

/// A connection, used by the thread that it was opened on.
pub(crate) enum Connection {
    Sqlite(rusqlite::Connection),
    MySql(Box<mysql::Connection>),
}

/// A statement with its parameters still to come.
pub(crate) enum Statement<'c> {
    Sqlite(rusqlite::Statement<'c>),
    Cached(rusqlite::CachedStatement<'c>),
    MySql(mysql::Statement<'c>),
}

/// What a statement found, row by row.
pub(crate) enum Rows<'s> {
    Sqlite(rusqlite::Rows<'s>),
    MySql(mysql::Rows),
}

/// A row.
pub(crate) enum Row<'r> {
    Sqlite(&'r rusqlite::Row<'r>),
    MySql(&'r [Value]),
}

/// Why a statement failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("a row that should be there is not")]
    NoRows,
    #[error(transparent)]
    Value(#[from] FromSqlError),
    #[error(transparent)]
    Sqlite(rusqlite::Error),
    #[error(transparent)]
    MySql(#[from] mysql::Failure),
}

pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        match error {
            rusqlite::Error::QueryReturnedNoRows => Self::NoRows,
            other => Self::Sqlite(other),
        }
    }
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        Self::Failed(error.to_string())
    }
}

impl Connection {
    /// A statement that is kept by whoever asks.
    pub(crate) fn prepare(&self, text: &str) -> Result<Statement<'_>> {
        Ok(match self {
            Self::Sqlite(conn) => Statement::Sqlite(conn.prepare(text)?),
            Self::MySql(conn) => Statement::MySql(conn.prepare(text)),
        })
    }

    /// A statement that the connection keeps for the next time.
    pub(crate) fn prepare_cached(&self, text: &str) -> Result<Statement<'_>> {
        Ok(match self {
            Self::Sqlite(conn) => Statement::Cached(conn.prepare_cached(text)?),
            Self::MySql(conn) => Statement::MySql(conn.prepare(text)),
        })
    }

    /// An insert whose rows may wait, on an engine that is far away, until something else is asked:
    /// then they go in together. It says 1 for each row.
    pub(crate) fn prepare_later(&self, text: &str) -> Result<Statement<'_>> {
        match self {
            Self::Sqlite(_) => self.prepare(text),
            Self::MySql(conn) => Ok(Statement::MySql(conn.prepare_later(text))),
        }
    }

    /// Begins to read: from here on everything is seen as it is now.
    pub(crate) fn begin_reading(&self) -> Result<()> {
        match self {
            Self::Sqlite(conn) => drop(conn.prepare_cached("BEGIN")?.execute([])?),
            Self::MySql(conn) => {
                conn.run("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")?;
            }
        }
        Ok(())
    }

    /// Ends what [`begin_reading`](Self::begin_reading) has begun.
    pub(crate) fn end_reading(&self) -> Result<()> {
        self.prepare_cached("COMMIT")?.execute([])?;
        Ok(())
    }

    /// The statement that says how many bytes the database has.
    pub(crate) fn size_query(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => {
                "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
            }
            Self::MySql(_) => {
                "SELECT coalesce(sum(data_length + index_length), 0) \
                 FROM information_schema.tables WHERE table_schema = database()"
            }
        }
    }

    /// Gives the transaction up, if there is one.
    pub(crate) fn roll_back(&self) {
        match self {
            Self::Sqlite(conn) if conn.is_autocommit() => {}
            // If even this fails, the next BEGIN does too and says so.
            Self::Sqlite(conn) => drop(conn.execute_batch("ROLLBACK")),
            Self::MySql(conn) => conn.roll_back(),
        }
    }

    /// Whether no transaction is open: some errors end one from inside.
    pub(crate) fn is_autocommit(&self) -> bool {
        match self {
            Self::Sqlite(conn) => conn.is_autocommit(),
            Self::MySql(conn) => conn.is_autocommit(),
        }
    }

    /// The key that the engine gave to the row inserted last, where it gives keys.
    pub(crate) fn last_key(&self) -> u64 {
        match self {
            Self::Sqlite(conn) => conn.last_insert_rowid().cast_unsigned(),
            Self::MySql(_) => 0,
        }
    }

    /// The MySQL connection that it is, where several processes write to one database.
    pub(crate) fn shared(&self) -> Option<&mysql::Connection> {
        match self {
            Self::Sqlite(_) => None,
            Self::MySql(conn) => Some(conn),
        }
    }
}

/// Parameters, first to last.
pub(crate) trait Params {
    /// Hands each of them over.
    fn each(&self, bind: &mut dyn FnMut(&dyn ToSql) -> Result<()>) -> Result<()>;
}

impl Params for &[&dyn ToSql] {
    fn each(&self, bind: &mut dyn FnMut(&dyn ToSql) -> Result<()>) -> Result<()> {
        self.iter().try_for_each(|value| bind(value))
    }
}

impl Params for Vec<Value> {
    fn each(&self, bind: &mut dyn FnMut(&dyn ToSql) -> Result<()>) -> Result<()> {
        self.iter().try_for_each(|value| bind(value))
    }
}

// So that `[]` is no parameters, whatever it might be an array of.
impl Params for [&dyn ToSql; 0] {
    fn each(&self, _: &mut dyn FnMut(&dyn ToSql) -> Result<()>) -> Result<()> {
        Ok(())
    }
}

macro_rules! arrays {
    ($($count:literal)*) => {$(
        impl<T: ToSql> Params for [T; $count] {
            fn each(&self, bind: &mut dyn FnMut(&dyn ToSql) -> Result<()>) -> Result<()> {
                self.iter().try_for_each(|value| bind(value))
            }
        }
    )*};
}
arrays!(1 2 3 4 5 6 7 8);

fn bind(statement: &mut rusqlite::Statement<'_>, params: &impl Params) -> Result<()> {
    let mut at = 0;
    params.each(&mut |value| {
        at += 1;
        Ok(statement.raw_bind_parameter(at, value)?)
    })?;
    match statement.parameter_count() {
        wanted if wanted == at => Ok(()),
        wanted => Err(rusqlite::Error::InvalidParameterCount(at, wanted).into()),
    }
}

impl Statement<'_> {
    /// Runs it; the number of rows it has changed.
    pub(crate) fn execute(&mut self, params: impl Params) -> Result<usize> {
        let statement = match self {
            Self::Sqlite(statement) => statement,
            Self::Cached(statement) => &mut **statement,
            Self::MySql(statement) => return statement.execute(&params),
        };
        bind(statement, &params)?;
        Ok(statement.raw_execute()?)
    }

    /// Runs it, for its rows.
    pub(crate) fn query(&mut self, params: impl Params) -> Result<Rows<'_>> {
        let statement = match self {
            Self::Sqlite(statement) => statement,
            Self::Cached(statement) => &mut **statement,
            Self::MySql(statement) => return Ok(Rows::MySql(statement.query(&params)?)),
        };
        bind(statement, &params)?;
        Ok(Rows::Sqlite(statement.raw_query()))
    }

    /// Reads the first row; [`Error::NoRows`] when there is none.
    pub(crate) fn query_row<T>(
        &mut self,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> Result<T>,
    ) -> Result<T> {
        let mut rows = self.query(params)?;
        match rows.next()? {
            Some(row) => read(&row),
            None => Err(Error::NoRows),
        }
    }

    /// Reads all rows, as they are asked for.
    pub(crate) fn query_map<T, F: FnMut(&Row<'_>) -> Result<T>>(
        &mut self,
        params: impl Params,
        read: F,
    ) -> Result<Mapped<'_, F>> {
        Ok(Mapped { rows: self.query(params)?, read })
    }

    /// Takes back the row that was inserted last, if it still waits.
    pub(crate) fn take_back(&self) -> bool {
        matches!(self, Self::MySql(statement) if statement.take_back())
    }

    /// Whether there is a row.
    pub(crate) fn exists(&mut self, params: impl Params) -> Result<bool> {
        Ok(self.query(params)?.next()?.is_some())
    }
}

impl Rows<'_> {
    /// The next one.
    pub(crate) fn next(&mut self) -> Result<Option<Row<'_>>> {
        Ok(match self {
            Self::Sqlite(rows) => rows.next()?.map(Row::Sqlite),
            Self::MySql(rows) => rows.next().map(Row::MySql),
        })
    }
}

/// Rows on their way to become something else.
pub(crate) struct Mapped<'s, F> {
    rows: Rows<'s>,
    read: F,
}

impl<T, F: FnMut(&Row<'_>) -> Result<T>> Iterator for Mapped<'_, F> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.rows.next() {
            Ok(Some(row)) => Some((self.read)(&row)),
            Ok(None) => None,
            Err(error) => Some(Err(error)),
        }
    }
}

/// Where in a row.
pub(crate) trait Column {
    fn place(self) -> usize;
}

impl Column for usize {
    fn place(self) -> usize {
        self
    }
}

impl Row<'_> {
    /// A column's value.
    pub(crate) fn get<C: Column, T: FromSql>(&self, column: C) -> Result<T> {
        Ok(T::column_result(self.get_ref(column)?)?)
    }

    /// A column's value where it is.
    pub(crate) fn get_ref<C: Column>(&self, column: C) -> Result<ValueRef<'_>> {
        let at = column.place();
        match self {
            Self::Sqlite(row) => Ok(row.get_ref(at)?),
            Self::MySql(row) => match row.get(at) {
                Some(value) => Ok(ValueRef::from(value)),
                None => Err(rusqlite::Error::InvalidColumnIndex(at).into()),
            },
        }
    }
}

/// What may be missing.
pub(crate) trait OptionalExtension<T> {
    /// `None` when there was no row.
    fn optional(self) -> Result<Option<T>>;
}

impl<T> OptionalExtension<T> for Result<T> {
    fn optional(self) -> Result<Option<T>> {
        match self {
            Ok(value) => Ok(Some(value)),
            Err(Error::NoRows) => Ok(None),
            Err(other) => Err(other),
        }
    }
}
