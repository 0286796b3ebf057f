//! What the promises rest on: the server's version, and the settings under which a commit is what
//! it says.

use super::connection::Connection;
use crate::{
    backend::relational::engine::{Error, Row},
    open::OpenError,
};

/// A setting that a promise rests on.
struct Setting {
    name: &'static str,
    /// What it has to be; `None` in a list: the server has no such setting.
    wanted: &'static [&'static str],
    /// Which promise is weaker otherwise.
    weakens: &'static str,
}

const SETTINGS: &[Setting] = &[
    Setting {
        name: "innodb_flush_log_at_trx_commit",
        wanted: &["1"],
        weakens: "a message that was acknowledged may be lost when the server's machine fails",
    },
    Setting {
        name: "sync_binlog",
        wanted: &["1"],
        weakens: "a message that was acknowledged may be missing on replicas after the server's \
                  machine failed",
    },
    Setting {
        name: "innodb_doublewrite",
        wanted: &["ON", "1", "DETECT_AND_RECOVER"],
        weakens: "a power failure may damage pages of the database",
    },
];

/// Any of these makes a commit wait for a replica.
const LOSSLESS: &[(&str, &[&str])] = &[
    ("rpl_semi_sync_master_enabled", &["ON", "1"]),
    ("rpl_semi_sync_source_enabled", &["ON", "1"]),
    ("group_replication_group_name", &[]),
    ("wsrep_on", &["ON", "1"]),
    ("tidb_version", &[]),
];

/// The oldest servers that have what the statements ask for.
const OLDEST: [(&str, (u32, u32)); 2] = [("MariaDB", (10, 6)), ("MySQL", (8, 0))];

/// Refuses a server that is too old or cannot be written to, and says which promises the settings
/// of one that is taken weaken.
pub(super) fn check(conn: &Connection, shown: &str) -> Result<(), OpenError> {
    let failed = |reason: String| OpenError::Failed { path: shown.into(), reason };
    let read = |text: &str| -> Result<Vec<(String, String)>, OpenError> {
        pairs(conn, text).map_err(|error| failed(error.to_string()))
    };
    let version = read("SELECT version(), @@version_comment")?;
    if let Some((version, _)) = version.first()
        && let Some((name, (major, minor))) = too_old(version)
    {
        return Err(failed(format!(
            "the server is {version}; {name} {major}.{minor} is the oldest that will do"
        )));
    }
    let settings = read("SHOW GLOBAL VARIABLES")?;
    for line in weakened(&settings) {
        tracing::warn!(store = shown, "{line}");
    }
    Ok(())
}

fn too_old(version: &str) -> Option<(&'static str, (u32, u32))> {
    let maria = version.contains("MariaDB");
    // MariaDB may hide its number behind one that replicas of MySQL can read.
    let number = version.strip_prefix("5.5.5-").unwrap_or(version);
    let mut parts = number.split(['.', '-']).map(|part| part.parse::<u32>().unwrap_or(0));
    let found = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    let [oldest_maria, oldest_mysql] = OLDEST;
    let oldest = if maria { oldest_maria } else { oldest_mysql };
    (found < oldest.1).then_some(oldest)
}

/// What is to be said of a server's settings.
fn weakened(settings: &[(String, String)]) -> Vec<String> {
    let value = |name: &str| settings.iter().find(|it| it.0 == name).map(|it| it.1.as_str());
    let is = |name: &str, wanted: &[&str]| {
        value(name).is_some_and(|value| {
            if wanted.is_empty() {
                !value.is_empty()
            } else {
                wanted.iter().any(|it| it.eq_ignore_ascii_case(value))
            }
        })
    };
    let mut lines = Vec::new();
    for Setting { name, wanted, weakens } in SETTINGS {
        if let (Some(value), false) = (value(name), is(name, wanted)) {
            let first = wanted.first().unwrap_or(&"");
            lines.push(format!("{name} is {value} and not {first}: {weakens}"));
        }
    }
    // Without a log for replicas there is nobody to fail over to.
    if is("log_bin", &["ON", "1"]) && !LOSSLESS.iter().any(|(name, wanted)| is(name, wanted)) {
        lines.push(
            "commits wait for no replica (semi-synchronous or group replication): a message that \
             was acknowledged may be lost when another server takes over"
                .into(),
        );
    }
    if is("rpl_semi_sync_source_wait_point", &["AFTER_COMMIT"])
        || is("rpl_semi_sync_master_wait_point", &["AFTER_COMMIT"])
    {
        lines.push(
            "the semi-synchronous wait point is AFTER_COMMIT and not AFTER_SYNC: a message may be \
             seen and then be lost when another server takes over"
                .into(),
        );
    }
    lines
}

fn pairs(conn: &Connection, text: &str) -> Result<Vec<(String, String)>, Error> {
    let mut rows = conn.prepare(text).query(&[])?;
    let mut pairs = Vec::new();
    while let Some(row) = rows.next().map(Row::MySql) {
        pairs.push((row.get(0)?, row.get::<_, Option<String>>(1)?.unwrap_or_default()));
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(settings: &[(&str, &str)]) -> Vec<String> {
        let own: Vec<_> = settings.iter().map(|it| (it.0.to_owned(), it.1.to_owned())).collect();
        weakened(&own)
    }

    #[test]
    fn a_setting_that_weakens_a_promise_is_named() {
        let good = [("innodb_flush_log_at_trx_commit", "1"), ("sync_binlog", "1")];
        assert!(said(&good).is_empty());
        let lines = said(&[("innodb_flush_log_at_trx_commit", "2"), ("sync_binlog", "0")]);
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].contains("innodb_flush_log_at_trx_commit is 2"));
    }

    #[test]
    fn replication_that_does_not_wait_is_named() {
        assert_eq!(said(&[("log_bin", "ON")]).len(), 1);
        let waits = [("log_bin", "ON"), ("rpl_semi_sync_source_enabled", "ON")];
        assert!(said(&waits).is_empty());
        let late = ("rpl_semi_sync_source_wait_point", "AFTER_COMMIT");
        assert_eq!(said(&[waits[0], waits[1], late]).len(), 1);
    }

    #[test]
    fn servers_that_are_too_old_are_told_from_others() {
        for old in ["10.5.9-MariaDB", "5.7.44-log", "5.5.5-10.3.2-MariaDB"] {
            assert!(too_old(old).is_some(), "{old}");
        }
        for good in
            ["10.6.1-MariaDB", "11.4.2-MariaDB-log", "8.0.36", "8.0.11-TiDB-v8.1.0", "9.1.0"]
        {
            assert!(too_old(good).is_none(), "{good}");
        }
    }
}
