//! The index of words itself, which each engine has in its own way: SQLite a full-text table, MySQL
//! a row for each word, of which the most telling one is looked up. Either finds candidates, among
//! which [`search`](super::search) chooses.

use anser_domain::{ConvId, UserId};

use super::{
    convert::{num, sql},
    engine::{Connection, Value, params},
};
use crate::{port::StoreError, words};

/// What is looked for.
pub(super) struct Wanted {
    pub(super) viewer: UserId,
    /// Words that stand one after the other, and whether the last of them may go on.
    pub(super) phrases: Vec<(Vec<String>, bool)>,
    /// Where, if it is to be said.
    pub(super) convs: Option<Vec<ConvId>>,
    /// Only messages with lower ids.
    pub(super) before: i64,
    pub(super) limit: i64,
}

/// Puts a message's words in.
pub(super) fn put(conn: &Connection, id: u64, conv: ConvId, text: &str) -> Result<(), StoreError> {
    let words = words::tokens(text);
    if words.is_empty() {
        return Ok(());
    }
    if conn.shared().is_some() {
        let mut insert = conn.prepare_cached(
            "INSERT OR IGNORE INTO search_words (conv, word, id) VALUES (?1, ?2, ?3)",
        )?;
        for word in words.split(' ') {
            insert.execute(params![sql(conv.0), word, sql(id)])?;
        }
        return Ok(());
    }
    let mut insert =
        conn.prepare_cached("INSERT INTO search (rowid, conv, words) VALUES (?1, ?2, ?3)")?;
    insert.execute(params![sql(id), token(conv), words])?;
    Ok(())
}

/// Takes a message's words out, as they were put in.
pub(super) fn take_out(
    conn: &Connection,
    id: u64,
    conv: ConvId,
    text: &str,
) -> Result<(), StoreError> {
    let words = words::tokens(text);
    if words.is_empty() {
        return Ok(());
    }
    if conn.shared().is_some() {
        let mut delete = conn
            .prepare_cached("DELETE FROM search_words WHERE conv = ?1 AND word = ?2 AND id = ?3")?;
        for word in words.split(' ') {
            delete.execute(params![sql(conv.0), word, sql(id)])?;
        }
        return Ok(());
    }
    let mut delete = conn.prepare_cached(
        "INSERT INTO search (search, rowid, conv, words) VALUES ('delete', ?1, ?2, ?3)",
    )?;
    delete.execute(params![sql(id), token(conv), words])?;
    Ok(())
}

/// Messages that may be what is looked for, newest first.
pub(super) fn candidates(
    conn: &Connection,
    wanted: &Wanted,
) -> Result<Vec<(u64, ConvId)>, StoreError> {
    let found = match conn.shared() {
        Some(_) => by_word(conn, wanted),
        None => by_expression(conn, wanted),
    };
    Ok(found?)
}

fn by_expression(conn: &Connection, wanted: &Wanted) -> super::engine::Result<Vec<(u64, ConvId)>> {
    let mut query = conn.prepare_cached(
        "SELECT s.rowid, m.conv FROM search s CROSS JOIN msgs m ON m.id = s.rowid \
         WHERE s.search MATCH ?1 AND s.rowid < ?2 ORDER BY s.rowid DESC LIMIT ?3",
    )?;
    let rows = query
        .query_map(params![expression(wanted), wanted.before, wanted.limit], |row| {
            Ok((num(row, 0)?, ConvId(num(row, 1)?)))
        })?;
    rows.collect()
}

/// What the full-text table is asked. Tokens are letters and digits only, so quotes hold them.
fn expression(wanted: &Wanted) -> String {
    let phrases = wanted.phrases.iter().map(|(tokens, more)| {
        let star = if *more { "*" } else { "" };
        format!("\"{}\"{star}", tokens.join(" "))
    });
    let words = phrases.collect::<Vec<_>>().join(" AND ");
    let Some(convs) = &wanted.convs else { return format!("words : ({words})") };
    let convs = convs.iter().copied().map(token).collect::<Vec<_>>().join(" OR ");
    format!("conv : ({convs}) AND words : ({words})")
}

/// The token of a conversation, so that the index can tell its messages from others'.
fn token(conv: ConvId) -> String {
    format!("c{}", conv.0)
}

fn by_word(conn: &Connection, wanted: &Wanted) -> super::engine::Result<Vec<(u64, ConvId)>> {
    let Some((word, goes_on)) = most_telling(&wanted.phrases) else { return Ok(Vec::new()) };
    let mut values: Vec<Value> =
        vec![wanted.before.into(), wanted.limit.into(), word.as_bytes().to_vec().into()];
    let mut past = word.as_bytes().to_vec();
    if goes_on {
        // No byte of a text is so high.
        past.push(0xff);
    }
    values.push(past.into());
    let place = match &wanted.convs {
        Some(convs) => {
            let first = values.len() + 1;
            values.extend(convs.iter().map(|conv| Value::Integer(sql(conv.0))));
            let list: Vec<String> = (first..=values.len()).map(|at| format!("?{at}")).collect();
            format!("FROM search_words w WHERE w.conv IN ({})", list.join(", "))
        }
        None => {
            values.push(sql(wanted.viewer.0).into());
            "FROM members m CROSS JOIN search_words w ON w.conv = m.conv WHERE m.user = ?5".into()
        }
    };
    let mut query = conn.prepare(&format!(
        "SELECT DISTINCT w.id, w.conv {place} AND w.word >= ?3 AND w.word <= ?4 AND w.id < ?1 \
         ORDER BY w.id DESC LIMIT ?2"
    ))?;
    let rows = query.query_map(values, |row| Ok((num(row, 0)?, ConvId(num(row, 1)?))))?;
    rows.collect()
}

/// The word that few messages hold: the longest that is whole, or else the longest beginning.
fn most_telling(phrases: &[(Vec<String>, bool)]) -> Option<(&str, bool)> {
    let words = phrases.iter().flat_map(|(tokens, more)| {
        let last = tokens.len();
        tokens.iter().enumerate().map(move |(at, token)| (token.as_str(), *more && at + 1 == last))
    });
    words.max_by_key(|(word, goes_on)| (!goes_on, word.len()))
}
