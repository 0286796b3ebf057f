//! A connection that is used by one thread, which waits for each answer. One that broke is made
//! anew where a transaction begins, and nowhere else.

use std::{
    cell::{Cell, RefCell},
    sync::Arc,
    time::Duration,
};

use rustc_hash::FxHashMap;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection as _, Executor as _, MySql, Row as _, Type,
    TypeInfo as _, ValueRef as _,
    mysql::{MySqlArguments, MySqlConnectOptions, MySqlConnection, MySqlRow},
    query::Query,
};
use tokio::runtime::Runtime;

use super::dialect::{Text, translate};
use crate::backend::relational::engine::{self, Params, Value, ValueRef};

/// How long the server may take to let us in.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// How long a statement may take. Lock waits end before, and say so.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// How long saying goodbye may take.
const GOODBYE_WITHIN: Duration = Duration::from_secs(1);

/// Most rows of one insert.
const MAX_TOGETHER: usize = 128;
/// An insert of long rows ends when it has grown to this, after at least one.
const MAX_BYTES: usize = 1 << 20;

/// What a connection is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// It writes: sees what was committed when each statement begins.
    Write,
    /// It reads: sees one moment.
    Read,
}

/// A connection.
pub(crate) struct Connection {
    runtime: Runtime,
    options: MySqlConnectOptions,
    purpose: Purpose,
    conn: RefCell<Option<MySqlConnection>>,
    transaction: Cell<Transaction>,
    failed: Cell<Kind>,
    texts: RefCell<FxHashMap<Box<str>, Arc<Known>>>,
    /// Rows that go in together, before anything else is asked.
    waiting: RefCell<Vec<Later>>,
}

struct Later {
    text: Arc<Known>,
    rows: Vec<Vec<Value>>,
}

struct Known {
    sql: Arc<str>,
    order: Vec<usize>,
    /// What begins or ends a transaction is not prepared.
    control: bool,
}

/// A statement.
pub(crate) struct Statement<'c> {
    conn: &'c Connection,
    text: Arc<Known>,
    /// Whether its rows wait for others.
    later: bool,
}

/// Rows, all of them here.
pub(crate) struct Rows {
    rows: Vec<Vec<Value>>,
    next: usize,
}

/// Where a connection's transaction stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Transaction {
    None,
    Open,
    /// The server has taken back some or all of it. What would follow it, savepoints and a commit
    /// too, would run as if that had never been: it is refused until the transaction is rolled back.
    Lost,
}

/// What kind of failure the last one was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// None that trying again would help.
    Final,
    /// Another process was first to insert a key: the statement did nothing.
    Passing,
    /// Others stood in the way, and the transaction went with the statement: all of it in a
    /// deadlock, and after a lock wait if the server is set to `innodb_rollback_on_timeout`.
    Aborted,
    /// The connection is of no more use, and its transaction went with it.
    Broken,
}

/// Why the database did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub(crate) struct Failure {
    text: String,
    kind: Kind,
}

impl Failure {
    pub(super) fn new(text: String) -> Self {
        Self { text, kind: Kind::Final }
    }

    fn lost(text: String) -> Self {
        Self { text, kind: Kind::Broken }
    }
}

impl Kind {
    fn ends_transaction(self) -> bool {
        matches!(self, Self::Aborted | Self::Broken)
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        let text = error.to_string();
        let number = match &error {
            sqlx::Error::Database(error) => error
                .try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>()
                .map(sqlx::mysql::MySqlDatabaseError::number),
            _ => return Self::lost(text),
        };
        match number {
            Some(1062) => Self { text, kind: Kind::Passing },
            // A lock that was not given in time, no room for more locks, a deadlock, TiDB's
            // conflicts between transactions.
            Some(1205 | 1206 | 1213 | 8002 | 8022 | 9007) => Self { text, kind: Kind::Aborted },
            // Shutting down, read-only since another server took over, cut off.
            Some(1053 | 1290 | 1836 | 1792 | 1927 | 3024 | 4031) => Self::lost(text),
            _ => Self { text, kind: Kind::Final },
        }
    }
}

impl Connection {
    pub(super) fn open(options: &MySqlConnectOptions, purpose: Purpose) -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::new(error.to_string()))?;
        let conn = Self {
            runtime,
            options: options.clone(),
            purpose,
            conn: RefCell::new(None),
            transaction: Cell::new(Transaction::None),
            failed: Cell::new(Kind::Final),
            texts: RefCell::default(),
            waiting: RefCell::default(),
        };
        conn.connect()?;
        Ok(conn)
    }

    /// Makes the connection, if there is none.
    fn connect(&self) -> Result<(), Failure> {
        let mut held = self.conn.borrow_mut();
        if held.is_some() {
            return Ok(());
        }
        let isolation = match self.purpose {
            Purpose::Write => "READ COMMITTED",
            Purpose::Read => "REPEATABLE READ",
        };
        let settings = format!(
            "SET SESSION TRANSACTION ISOLATION LEVEL {isolation}; \
             SET NAMES utf8mb4 COLLATE utf8mb4_bin, time_zone = '+00:00', \
             sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO', \
             innodb_lock_wait_timeout = 2"
        );
        // A process that stands still loses its locks with its connection. One that writes speaks
        // several times a second.
        let wait = if self.purpose == Purpose::Write { "; SET wait_timeout = 2" } else { "" };
        let opening = async {
            let mut conn = self.options.connect().await?;
            for setting in format!("{settings}{wait}").split("; ") {
                conn.execute(AssertSqlSafe(setting.to_owned())).await?;
            }
            Ok::<_, sqlx::Error>(conn)
        };
        let opened =
            self.runtime.block_on(async { tokio::time::timeout(CONNECT_WITHIN, opening).await });
        *held = Some(opened.map_err(|_| Failure::lost("it does not answer in time".into()))??);
        Ok(())
    }

    pub(crate) fn prepare(&self, text: &str) -> Statement<'_> {
        let known = self.texts.borrow().get(text).cloned();
        let text = known.unwrap_or_else(|| {
            let Text { sql, order } = translate(text);
            let first = sql.split(' ').next().unwrap_or_default();
            let control = matches!(
                first,
                "BEGIN" | "START" | "COMMIT" | "ROLLBACK" | "SAVEPOINT" | "RELEASE"
            );
            let known = Arc::new(Known { sql: sql.into(), order, control });
            self.texts.borrow_mut().insert(text.into(), Arc::clone(&known));
            known
        });
        Statement { conn: self, text, later: false }
    }

    /// An insert whose rows wait until something else is asked, and then go in together.
    pub(crate) fn prepare_later(&self, text: &str) -> Statement<'_> {
        Statement { later: true, ..self.prepare(text) }
    }

    /// Writes what waits.
    fn write_waiting(&self) -> Result<(), Failure> {
        let all = std::mem::take(&mut *self.waiting.borrow_mut());
        for Later { text, rows } in &all {
            let mut rows = rows.as_slice();
            while let Some((some, rest)) = rows.split_at_checked(together(rows)) {
                if some.is_empty() {
                    break;
                }
                let mut query = sqlx::query(AssertSqlSafe(repeated(&text.sql, some.len())));
                for row in some {
                    for place in &text.order {
                        query = bind(query, row.get(*place));
                    }
                }
                self.ask(async |conn| query.execute(conn).await)?;
                rows = rest;
            }
        }
        Ok(())
    }

    /// Runs a statement as it is.
    pub(crate) fn run(&self, text: &str) -> Result<(), Failure> {
        self.control(text)
    }

    fn control(&self, text: &str) -> Result<(), Failure> {
        let begins = text.starts_with("BEGIN") || text.starts_with("START");
        if begins {
            self.roll_back();
            self.failed.set(Kind::Final);
            self.connect()?;
        } else if text != "ROLLBACK" {
            self.write_waiting()?;
        }
        let owned = AssertSqlSafe(text.to_owned());
        let mut done = self.ask(async |conn| conn.execute(owned).await.map(|_| ()));
        if begins && done.as_ref().is_err_and(|error| error.kind == Kind::Broken) {
            // It had been idle and was closed meanwhile. Nothing has begun yet, so another will do.
            self.connect()?;
            let owned = AssertSqlSafe(text.to_owned());
            done = self.ask(async |conn| conn.execute(owned).await.map(|_| ()));
        }
        if begins && done.is_ok() {
            self.transaction.set(Transaction::Open);
        } else if done.is_ok() && (text == "COMMIT" || text == "ROLLBACK") {
            self.transaction.set(Transaction::None);
        }
        done
    }

    /// Asks the server, as part of the transaction if one is open. Refuses when that is lost.
    fn ask<T>(
        &self,
        ask: impl AsyncFnOnce(&mut MySqlConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, Failure> {
        if self.transaction.get() == Transaction::Lost {
            let text = "the database has taken the transaction back".into();
            return Err(Failure { text, kind: Kind::Aborted });
        }
        let mut held = self.conn.borrow_mut();
        let Some(conn) = held.as_mut() else {
            self.failed.set(Kind::Broken);
            return Err(Failure::lost("the connection to the database broke".into()));
        };
        let answered =
            self.runtime.block_on(async { tokio::time::timeout(ANSWER_WITHIN, ask(conn)).await });
        let result = match answered {
            Ok(result) => result.map_err(Failure::from),
            Err(_) => Err(Failure::lost("the database does not answer in time".into())),
        };
        if let Err(error) = &result {
            self.failed.set(error.kind);
            if error.kind == Kind::Broken {
                *held = None;
            }
            if error.kind.ends_transaction() && self.transaction.get() == Transaction::Open {
                self.transaction.set(Transaction::Lost);
            }
        }
        result
    }

    pub(crate) fn roll_back(&self) {
        self.waiting.borrow_mut().clear();
        if self.transaction.replace(Transaction::None) == Transaction::None {
            return;
        }
        let whether = self.failed.get();
        if self.conn.borrow().is_some() && self.control("ROLLBACK").is_err() {
            // Its end is the transaction's end.
            *self.conn.borrow_mut() = None;
        }
        self.failed.set(whether);
    }

    /// Whether no transaction is open that a statement would be part of.
    pub(crate) fn is_autocommit(&self) -> bool {
        self.transaction.get() != Transaction::Open
    }

    /// What fails now will go well the next time.
    pub(crate) fn note_passing(&self) {
        self.failed.set(Kind::Passing);
    }

    /// Whether what failed last, since the transaction began, may go well the next time.
    pub(crate) fn may_try_again(&self) -> bool {
        self.failed.get() != Kind::Final
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(conn) = self.conn.borrow_mut().take() {
            let bye = async { tokio::time::timeout(GOODBYE_WITHIN, conn.close()).await };
            let _ = self.runtime.block_on(bye);
        }
    }
}

impl Statement<'_> {
    pub(crate) fn execute(&self, params: &impl Params) -> engine::Result<usize> {
        if self.text.control {
            self.conn.control(&self.text.sql)?;
            return Ok(0);
        }
        let values = values(params)?;
        if self.later {
            self.wait(values);
            return Ok(1);
        }
        self.conn.write_waiting()?;
        let query = self.bound(&values);
        let done = self.conn.ask(async |conn| query.execute(conn).await)?;
        Ok(usize::try_from(done.rows_affected()).unwrap_or(usize::MAX))
    }

    pub(crate) fn query(&self, params: &impl Params) -> engine::Result<Rows> {
        let values = values(params)?;
        self.conn.write_waiting()?;
        let query = self.bound(&values);
        let rows = self.conn.ask(async |conn| query.fetch_all(conn).await)?;
        let rows = rows.iter().map(read).collect::<Result<_, Failure>>()?;
        Ok(Rows { rows, next: 0 })
    }

    fn wait(&self, row: Vec<Value>) {
        let mut waiting = self.conn.waiting.borrow_mut();
        match waiting.iter_mut().find(|later| Arc::ptr_eq(&later.text, &self.text)) {
            Some(later) => later.rows.push(row),
            None => waiting.push(Later { text: Arc::clone(&self.text), rows: vec![row] }),
        }
    }

    /// Takes back the row that was put in last, if it still waits.
    pub(crate) fn take_back(&self) -> bool {
        let mut waiting = self.conn.waiting.borrow_mut();
        let later = waiting.iter_mut().find(|later| Arc::ptr_eq(&later.text, &self.text));
        later.is_some_and(|later| later.rows.pop().is_some())
    }

    fn bound(&self, values: &[Value]) -> Asked {
        let mut query = sqlx::query(AssertSqlSafe(Arc::clone(&self.text.sql)));
        for place in &self.text.order {
            query = bind(query, values.get(*place));
        }
        query
    }
}

type Asked = Query<'static, MySql, MySqlArguments>;

fn bind(query: Asked, value: Option<&Value>) -> Asked {
    match value {
        Some(Value::Integer(number)) => query.bind(*number),
        Some(Value::Real(number)) => query.bind(*number),
        Some(Value::Text(text)) => query.bind(text.clone()),
        Some(Value::Blob(bytes)) => query.bind(bytes.clone()),
        Some(Value::Null) | None => query.bind(None::<String>),
    }
}

/// How many of these rows one statement inserts: powers of two, so that few statements are
/// prepared, and far less than a packet may hold.
fn together(rows: &[Vec<Value>]) -> usize {
    let mut bytes = 0;
    let fit = rows.iter().take(MAX_TOGETHER).take_while(|row| {
        bytes += row.iter().map(weight).sum::<usize>();
        bytes <= MAX_BYTES
    });
    let fit = fit.count().max(1).min(rows.len());
    if fit == 0 { 0 } else { 1 << fit.ilog2() }
}

fn weight(value: &Value) -> usize {
    match value {
        Value::Text(text) => text.len(),
        Value::Blob(bytes) => bytes.len(),
        Value::Null | Value::Integer(_) | Value::Real(_) => 8,
    }
}

/// An insert of one row as one of several.
fn repeated(sql: &str, count: usize) -> String {
    const VALUES: &str = " VALUES ";
    let Some((head, rest)) = sql.split_once(VALUES) else { return sql.to_owned() };
    let end = rest.find(')').map_or(rest.len(), |at| at + 1);
    let (row, tail) = rest.split_at(end);
    format!("{head}{VALUES}{}{tail}", vec![row; count].join(", "))
}

fn values(params: &impl Params) -> engine::Result<Vec<Value>> {
    let mut values = Vec::new();
    params.each(&mut |value| {
        values.push(match value.to_sql()? {
            rusqlite::types::ToSqlOutput::Borrowed(value) => owned(value),
            rusqlite::types::ToSqlOutput::Owned(value) => value,
            _ => return Err(rusqlite::Error::InvalidQuery.into()),
        });
        Ok(())
    })?;
    Ok(values)
}

fn owned(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Real(number) => Value::Real(number),
        ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
    }
}

/// A row's values, in the words of the store.
fn read(row: &MySqlRow) -> Result<Vec<Value>, Failure> {
    let strange = |error: sqlx::Error| {
        Failure::new(format!("an answer of the database cannot be read: {error}"))
    };
    let one = |at: usize| {
        let raw = row.try_get_raw(at)?;
        if raw.is_null() {
            return Ok(Value::Null);
        }
        let kind = raw.type_info();
        Ok(match kind.name() {
            "FLOAT" | "DOUBLE" => Value::Real(row.try_get_unchecked(at)?),
            // Sums. Everything that is summed is whole.
            "DECIMAL" => {
                let digits: String = row.try_get_unchecked(at)?;
                let whole = digits.split('.').next().unwrap_or_default();
                Value::Integer(whole.parse().unwrap_or(i64::MAX))
            }
            // Texts that are compared byte for byte go under the names of bytes, but have another
            // character set.
            name if ["BLOB", "BINARY", "TEXT", "CHAR"].iter().any(|it| name.contains(it)) => {
                if <str as Type<MySql>>::compatible(&kind) {
                    Value::Text(row.try_get_unchecked(at)?)
                } else {
                    Value::Blob(row.try_get_unchecked(at)?)
                }
            }
            name if name.contains("UNSIGNED") => {
                Value::Integer(row.try_get_unchecked::<u64, _>(at)?.cast_signed())
            }
            _ => Value::Integer(row.try_get_unchecked(at)?),
        })
    };
    (0..row.columns().len()).map(one).collect::<Result<_, _>>().map_err(strange)
}

impl Rows {
    pub(crate) fn next(&mut self) -> Option<&[Value]> {
        let row = self.rows.get(self.next)?;
        self.next += 1;
        Some(row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_go_in_together_in_powers_of_two() {
        let rows = |count: usize, bytes: usize| vec![vec![Value::Blob(vec![0; bytes])]; count];
        let sizes: Vec<usize> =
            [0, 1, 2, 3, 100, 500].into_iter().map(|count| together(&rows(count, 10))).collect();
        assert_eq!(sizes, [0, 1, 2, 2, 64, 128]);
        assert_eq!(together(&rows(9, 300 << 10)), 2, "three of them are a megabyte");
        assert_eq!(together(&rows(9, 9 << 20)), 1);
    }

    #[test]
    fn an_insert_is_repeated_row_by_row() {
        assert_eq!(
            repeated("INSERT INTO t (a, b) VALUES (?, 0) ON DUPLICATE KEY UPDATE b = VALUES(b)", 2),
            "INSERT INTO t (a, b) VALUES (?, 0), (?, 0) ON DUPLICATE KEY UPDATE b = VALUES(b)"
        );
    }
}
