//! The tables: made, and brought up to date by whichever process comes first.

use super::connection::Connection;
use crate::{
    backend::relational::engine::{Error, OptionalExtension, Row},
    open::OpenError,
};

/// Layouts, oldest first. Statements that were done already do nothing when they are done again,
/// since the database commits each of them by itself.
const MIGRATIONS: &[&str] = &[include_str!("migrations/0001_begin.sql")];
/// The lock under which tables are changed, and how many seconds another process is waited for.
const LOCK: &str = "SELECT GET_LOCK(concat('anser/', database()), 60)";
const UNLOCK: &str = "SELECT RELEASE_LOCK(concat('anser/', database()))";

/// Makes what is missing. Two processes that start at once do it one after the other.
pub(super) fn migrate(conn: &Connection, shown: &str) -> Result<(), OpenError> {
    let failed = |error: Error| OpenError::Failed { path: shown.into(), reason: error.to_string() };
    let ours = number(conn, LOCK).map_err(failed)?;
    if ours != 1 {
        return Err(OpenError::Locked { path: shown.into() });
    }
    let done = change(conn, shown).map_err(|error| match error {
        Wrong::Open(error) => error,
        Wrong::Database(error) => failed(error),
    });
    number(conn, UNLOCK).map_err(failed)?;
    done
}

enum Wrong {
    Open(OpenError),
    Database(Error),
}

impl From<Error> for Wrong {
    fn from(error: Error) -> Self {
        Self::Database(error)
    }
}

fn change(conn: &Connection, shown: &str) -> Result<(), Wrong> {
    conn.prepare(
        "CREATE TABLE IF NOT EXISTS layout (one TINYINT NOT NULL PRIMARY KEY, \
         version INT NOT NULL) ENGINE = InnoDB",
    )
    .execute(&[])?;
    let found = number(conn, "SELECT coalesce(max(version), 0) FROM layout")?;
    let known = u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX);
    let found = u32::try_from(found).unwrap_or(u32::MAX);
    if found > known {
        return Err(Wrong::Open(OpenError::Newer { path: shown.into(), found, known }));
    }
    for (migration, version) in MIGRATIONS.iter().zip(1..=known).skip(found as usize) {
        for statement in statements(migration) {
            conn.prepare(&statement).execute(&[])?;
        }
        conn.prepare("REPLACE INTO layout VALUES (1, ?1)").execute(&[version])?;
    }
    Ok(())
}

/// A file's statements, without its comments.
fn statements(text: &str) -> Vec<String> {
    let code = |line: &str| line.split("--").next().unwrap_or_default().trim_end().to_owned();
    let text = text.lines().map(code).collect::<Vec<_>>().join("\n");
    text.split(';').map(|it| it.trim().to_owned()).filter(|it| !it.is_empty()).collect()
}

/// The one number that a statement answers.
pub(super) fn number(conn: &Connection, text: &str) -> Result<i64, Error> {
    let mut rows = conn.prepare(text).query(&[])?;
    let row = rows.next().map(Row::MySql).ok_or(Error::NoRows);
    row.and_then(|row| row.get(0))
        .optional()
        .map(|it: Option<Option<i64>>| it.flatten().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_statement_can_be_done_again() {
        for statement in MIGRATIONS.iter().flat_map(|it| statements(it)) {
            assert!(
                statement.starts_with("CREATE TABLE IF NOT EXISTS ")
                    || statement.starts_with("INSERT IGNORE "),
                "{statement}"
            );
        }
    }
}
