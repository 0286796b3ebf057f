//! A look at a database without changing it, for whoever asks whether all is well.

use std::{fs, path::Path};

use rusqlite::{Connection, OpenFlags};

use super::connection::{MIGRATIONS, explain, pragma};
use crate::open::OpenError;

/// What was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// Its layout.
    pub layout: u32,
    /// The newest layout known here.
    pub known: u32,
    /// Bytes of the journal that are not folded into it yet.
    pub journal: u64,
    /// Bytes of the database.
    pub size: u64,
    /// What is wrong with it, if it was read through; empty when nothing is.
    pub damage: Option<Vec<String>>,
}

/// Looks at the database at `path`, `deep` at all of its pages; `None` when there is none.
///
/// # Errors
/// Why it could not be opened.
pub fn inspect(path: &Path, deep: bool) -> Result<Option<Inspection>, OpenError> {
    let Ok(file) = fs::metadata(path) else { return Ok(None) };
    let said = |error: rusqlite::Error| explain(path, &error);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags).map_err(said)?;
    conn.busy_timeout(super::connection::BUSY_TIMEOUT).map_err(said)?;
    let damage = deep.then(|| damage(&conn)).transpose().map_err(said)?;
    let mut journal = path.as_os_str().to_owned();
    journal.push("-wal");
    Ok(Some(Inspection {
        layout: pragma(&conn, "user_version").map_err(said)?,
        known: u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX),
        journal: fs::metadata(journal).map_or(0, |it| it.len()),
        size: file.len(),
        damage,
    }))
}

fn damage(conn: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut check = conn.prepare("PRAGMA quick_check(20)")?;
    let lines: rusqlite::Result<Vec<String>> = check.query_map([], |row| row.get(0))?.collect();
    Ok(lines?.into_iter().filter(|line| line != "ok").collect())
}
