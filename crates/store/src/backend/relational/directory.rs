//! Users, found by the words of their names.

use super::engine::{Connection, Value, params};
use anser_domain::{UserId, UserName, words};

use super::{
    convert::sql,
    items::MAX_PAGE,
    reader::Reader,
    users::{COLUMNS, user},
};
use crate::port::{StoreError, UserRow};

/// Most words of a question that count: more make it no narrower in practice.
const MAX_WORDS: usize = 8;

/// Notes the words that a user is found by from now on.
pub(super) fn index(
    conn: &Connection,
    id: UserId,
    name: &str,
    display_name: &str,
) -> Result<(), StoreError> {
    let mut insert =
        conn.prepare_cached("INSERT OR IGNORE INTO user_words (word, user) VALUES (?1, ?2)")?;
    // The name itself too, whatever it is cut into.
    let whole = name.to_lowercase();
    for word in words(name).into_iter().chain(words(display_name)).chain([whole]) {
        insert.execute(params![word, sql(id.0)])?;
    }
    Ok(())
}

/// Forgets the words of a user's names so far, and notes those of the next.
pub(super) fn reindex(conn: &Connection, id: UserId, display_name: &str) -> Result<(), StoreError> {
    let mut query = conn.prepare_cached("SELECT name, display_name FROM users WHERE id = ?1")?;
    let (name, before): (String, String) =
        query.query_row([sql(id.0)], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut forget = conn.prepare_cached("DELETE FROM user_words WHERE word = ?1 AND user = ?2")?;
    for word in words(&before) {
        forget.execute(params![word, sql(id.0)])?;
    }
    index(conn, id, &name, display_name)
}

/// Forgets the words of a user's names.
pub(super) fn forget(conn: &Connection, id: UserId) -> Result<(), StoreError> {
    let mut query = conn.prepare_cached("SELECT name, display_name FROM users WHERE id = ?1")?;
    let (name, display): (String, String) =
        query.query_row([sql(id.0)], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut forget = conn.prepare_cached("DELETE FROM user_words WHERE word = ?1 AND user = ?2")?;
    let whole = name.to_lowercase();
    for word in words(&name).into_iter().chain(words(&display)).chain([whole]) {
        forget.execute(params![word, sql(id.0)])?;
    }
    Ok(())
}

impl Reader<'_> {
    pub(super) fn users_by_words(
        &self,
        viewer: UserId,
        words: &[String],
        after: Option<&UserName>,
        limit: u16,
    ) -> Result<Vec<UserRow>, StoreError> {
        if words.is_empty() {
            return Ok(Vec::new());
        }
        let mut text = format!(
            "SELECT {COLUMNS} FROM users u WHERE u.disabled = 0 AND u.name > ?1 \
             AND NOT EXISTS (SELECT 1 FROM blocks b WHERE b.user = u.id AND b.blocked = ?2 \
             AND b.gone = 0) \
             AND NOT EXISTS (SELECT 1 FROM items i WHERE i.user = u.id \
             AND i.`key` = 'privacy/search' AND i.value = '\"nobody\"')"
        );
        let mut values: Vec<Value> = vec![
            after.map_or("", UserName::as_str).to_owned().into(),
            sql(viewer.0).into(),
            i64::from(limit.clamp(1, MAX_PAGE)).into(),
        ];
        for word in words.iter().take(MAX_WORDS) {
            let at = values.len() + 1;
            text.push_str(&format!(
                " AND u.id IN (SELECT user FROM user_words WHERE word >= ?{at} AND word < ?{})",
                at + 1
            ));
            values.push(word.clone().into());
            values.push(format!("{word}\u{10FFFF}").into());
        }
        text.push_str(" ORDER BY u.name LIMIT ?3");
        let mut query = self.conn.prepare_cached(&text)?;
        let rows = query.query_map(values, user)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
