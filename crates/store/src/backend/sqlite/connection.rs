//! Opening the database: settings, migrations, and what to say when it cannot be opened.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, ErrorCode, OpenFlags, config::DbConfig};

use crate::open::OpenError;

/// Layouts, oldest first; a database's `user_version` says how many of them it has.
pub(super) const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_begin.sql"),
    include_str!("migrations/0002_follow.sql"),
    include_str!("migrations/0003_people.sql"),
    include_str!("migrations/0004_files.sql"),
    include_str!("migrations/0005_push.sql"),
    include_str!("migrations/0006_groups.sql"),
    include_str!("migrations/0007_admin.sql"),
    include_str!("migrations/0008_messages.sql"),
    include_str!("migrations/0009_hooks.sql"),
    include_str!("migrations/0010_backend.sql"),
    include_str!("migrations/0011_titles.sql"),
];
/// `ANSR`, so that another program's database is not taken for ours.
const APPLICATION_ID: i64 = 0x414e_5352;
/// How long to wait for another process's transaction, such as a command-line tool's.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(3);
/// Statements that each connection keeps prepared.
const STATEMENTS: usize = 96;

/// What a connection is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The one that writes.
    Write,
    /// One of those that read.
    Read,
    /// The one that folds the journal into the database.
    Checkpoint,
}

/// Opens, makes or updates the database and returns the connection that writes.
pub(super) fn open(path: &Path) -> Result<Connection, OpenError> {
    let name = || path.display().to_string();
    let said = |error: rusqlite::Error| explain(path, &error);
    let mut conn = connect(path, Purpose::Write)?;
    let version: u32 = pragma(&conn, "user_version").map_err(said)?;
    let application: i64 = pragma(&conn, "application_id").map_err(said)?;
    let tables: i64 =
        conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(said)?;
    if application != APPLICATION_ID && (application != 0 || version != 0 || tables != 0) {
        return Err(OpenError::Foreign { path: name() });
    }
    let known = u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX);
    if version > known {
        return Err(OpenError::Newer { path: name(), found: version, known });
    }
    if tables == 0 {
        // Takes effect only before the first page is written.
        conn.pragma_update(None, "page_size", 4096).map_err(said)?;
    }
    let mode: String =
        conn.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).map_err(said)?;
    if mode != "wal" {
        return Err(OpenError::Failed {
            path: name(),
            reason: "the file system allows no shared memory, which the journal needs".into(),
        });
    }
    migrate(&mut conn).map_err(said)?;
    touch(&conn).map_err(said)?;
    Ok(conn)
}

/// A further connection to a database that [`open`] has prepared.
pub(super) fn connect(path: &Path, purpose: Purpose) -> Result<Connection, OpenError> {
    let said = |error: rusqlite::Error| explain(path, &error);
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if purpose == Purpose::Write {
        flags |= OpenFlags::SQLITE_OPEN_CREATE;
    }
    let conn = Connection::open_with_flags(path, flags).map_err(said)?;
    configure(&conn, purpose).map_err(said)?;
    Ok(conn)
}

fn configure(conn: &Connection, purpose: Purpose) -> rusqlite::Result<()> {
    conn.busy_timeout(BUSY_TIMEOUT)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    // Plans do not depend on what is bound; otherwise each range read is parsed and planned anew,
    // which costs more than reading (statistics of columns are compiled in).
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // A promise is a commit that survives power loss.
    conn.pragma_update(None, "synchronous", "FULL")?;
    conn.pragma_update(None, "mmap_size", 0)?;
    conn.pragma_update(None, "wal_autocheckpoint", 0)?;
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    // In KiB when negative. The writer's holds the leaves of the (conv, seq) index of some
    // millions of messages; a reader's is void after each commit, so it holds one call's pages.
    let cache = if purpose == Purpose::Write { -131_072 } else { -1_024 };
    conn.pragma_update(None, "cache_size", cache)?;
    if purpose == Purpose::Read {
        conn.pragma_update(None, "query_only", true)?;
    }
    Ok(())
}

fn migrate(conn: &mut Connection) -> rusqlite::Result<()> {
    loop {
        // Another process may be doing the same: look again once the lock is held.
        let tx = conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let version: u32 = pragma(&tx, "user_version")?;
        let next = usize::try_from(version).ok().and_then(|version| MIGRATIONS.get(version));
        let Some(migration) = next else { return tx.commit() };
        tx.execute_batch(migration)?;
        tx.pragma_update(None, "application_id", APPLICATION_ID)?;
        tx.pragma_update(None, "user_version", version + 1)?;
        tx.commit()?;
    }
}

/// Reads a row of every table (of the search index: of those that it consists of), so that a damaged file is found now rather than by a user.
fn touch(conn: &Connection) -> rusqlite::Result<()> {
    let mut names = conn.prepare(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL %'",
    )?;
    let names: Vec<String> = names.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for name in names {
        let mut any = conn.prepare(&format!("SELECT * FROM \"{name}\" LIMIT 1"))?;
        any.exists([])?;
    }
    Ok(())
}

pub(super) fn pragma<T: rusqlite::types::FromSql>(
    conn: &Connection,
    name: &str,
) -> rusqlite::Result<T> {
    conn.pragma_query_value(None, name, |row| row.get(0))
}

pub(super) fn explain(path: &Path, error: &rusqlite::Error) -> OpenError {
    let path = path.display().to_string();
    let reason = error.to_string();
    match error.sqlite_error_code() {
        Some(
            ErrorCode::CannotOpen
            | ErrorCode::ReadOnly
            | ErrorCode::PermissionDenied
            | ErrorCode::SystemIoFailure,
        ) => OpenError::NotWritable { path, reason },
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            OpenError::Corrupt { path, reason }
        }
        Some(ErrorCode::DiskFull) => OpenError::Full { path },
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => OpenError::Locked { path },
        _ => OpenError::Failed { path, reason },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_share_no_page_cache() {
        // See `.cargo/config.toml`, which a build from elsewhere may have missed.
        let conn = Connection::open_in_memory().unwrap();
        let mut options = conn.prepare("PRAGMA compile_options").unwrap();
        let options = options.query_map([], |row| row.get(0)).unwrap();
        let options: Vec<String> = options.collect::<Result<_, _>>().unwrap();
        assert!(!options.contains(&"ENABLE_MEMORY_MANAGEMENT".to_owned()), "{options:?}");
    }
}
