//! Both engines keep the same columns: a migration of one that the other lacks shows here, and not
//! when somebody reads what is not there.

use std::{collections::BTreeSet, sync::Arc};

use anser_domain::SystemClock;
use anser_testkit::mariadb::MariaDb;

/// What only one engine has: tables, or a single column as `table.column`.
const OWN: [&str; 9] = [
    // The index of words: FTS5's own tables, and ours.
    "search",
    "search_config",
    "search_data",
    "search_idx",
    "search_words",
    // Counts of the layout: SQLite keeps its own in the file's header.
    "layout",
    "sqlite_sequence",
    // Several processes share MySQL: what each may still write, and whether names changed.
    "writers",
    "meta.renamed",
];

#[tokio::test]
async fn both_engines_have_the_same_columns() {
    let clock = Arc::new(SystemClock);
    let server = MariaDb::shared().unwrap();
    let url = server.database().unwrap();
    anser_store::open(&url, clock.clone()).await.unwrap().close().await;
    let name = url.rsplit('/').next().unwrap();
    let there = server
        .ask(&format!(
            "SELECT table_name, column_name FROM information_schema.columns \
             WHERE table_schema = '{name}'"
        ))
        .unwrap();
    let there: BTreeSet<(String, String)> = there
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .map(|(table, column)| (table.to_owned(), column.to_owned()))
        .collect();

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("anser.db");
    let url = format!("sqlite:{}", path.display());
    anser_store::open(&url, clock).await.unwrap().close().await;
    let conn = rusqlite::Connection::open(path).unwrap();
    let mut query = conn
        .prepare(
            "SELECT m.name, c.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c \
             WHERE m.type = 'table'",
        )
        .unwrap();
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let here: BTreeSet<(String, String)> = rows.map(Result::unwrap).collect();

    let shared = |(table, column): &&(String, String)| {
        !OWN.contains(&table.as_str()) && !OWN.contains(&format!("{table}.{column}").as_str())
    };
    let only = |one: &BTreeSet<_>, other: &BTreeSet<_>| -> Vec<(String, String)> {
        one.difference(other).filter(shared).cloned().collect()
    };
    let (sqlite, mysql) = (only(&here, &there), only(&there, &here));
    assert!(here.len() > 100, "only {} columns were found", here.len());
    assert!(
        sqlite.is_empty() && mysql.is_empty(),
        "only in SQLite: {sqlite:?}; only in MySQL: {mysql:?}"
    );
}
