//! What MySQL says otherwise than SQLite, in the statements of the relational store.
//!
//! ```text
//! ?2                                      ? with a note that it is the second
//! max(a, b)  min(a, b)                    greatest(a, b)  least(a, b)
//! INSERT OR IGNORE                        INSERT IGNORE
//! ON CONFLICT (key) DO UPDATE SET         ON DUPLICATE KEY UPDATE
//! INDEXED BY name                         FORCE INDEX (name)
//! DELETE … WHERE k IN (SELECT k … LIMIT)  DELETE … LIMIT, and so UPDATE
//! ```

/// A statement as MySQL reads it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) sql: String,
    /// Which parameter each `?` stands for, from 0.
    pub(super) order: Vec<usize>,
}

/// Translates a statement.
pub(super) fn translate(text: &str) -> Text {
    let mut text = text.replace("INSERT OR IGNORE", "INSERT IGNORE");
    upsert(&mut text);
    index(&mut text);
    slice(&mut text);
    let mut out = Text { sql: String::with_capacity(text.len()), order: Vec::new() };
    let mut rest = text.as_str();
    let mut quoted = false;
    while let Some(character) = rest.chars().next() {
        let tail = rest.get(character.len_utf8()..).unwrap_or_default();
        if character == '\'' {
            quoted = !quoted;
        }
        if !quoted && character == '?' {
            let digits = tail.find(|it: char| !it.is_ascii_digit()).unwrap_or(tail.len());
            let (number, after) = tail.split_at(digits);
            out.order.push(number.parse().unwrap_or(out.order.len() + 1) - 1);
            out.sql.push('?');
            rest = after;
            continue;
        }
        let starts = !out.sql.ends_with(|it: char| it.is_alphanumeric() || it == '_' || it == '.');
        let name = [("max(", "greatest("), ("min(", "least(")]
            .into_iter()
            .find(|(name, _)| !quoted && starts && rest.starts_with(name));
        if let Some((name, other)) = name {
            let after = rest.get(name.len()..).unwrap_or_default();
            out.sql.push_str(if has_several(after) { other } else { name });
            rest = after;
            continue;
        }
        out.sql.push(character);
        rest = tail;
    }
    out
}

/// Whether a list that ends at its closing bracket has more than one part.
fn has_several(list: &str) -> bool {
    let mut depth = 0;
    for character in list.chars() {
        match character {
            '(' => depth += 1,
            ')' if depth == 0 => return false,
            ')' => depth -= 1,
            ',' if depth == 0 => return true,
            _ => {}
        }
    }
    false
}

fn upsert(text: &mut String) {
    const BEGIN: &str = "ON CONFLICT (";
    const END: &str = ") DO UPDATE SET";
    let Some(from) = text.find(BEGIN) else { return };
    let Some(until) = text.get(from..).and_then(|rest| rest.find(END)) else { return };
    text.replace_range(from..from + until + END.len(), "ON DUPLICATE KEY UPDATE");
}

fn index(text: &mut String) {
    const BEGIN: &str = "INDEXED BY ";
    while let Some(from) = text.find(BEGIN) {
        let rest = text.get(from + BEGIN.len()..).unwrap_or_default();
        let name: String =
            rest.chars().take_while(|it| it.is_alphanumeric() || *it == '_').collect();
        text.replace_range(from..from + BEGIN.len() + name.len(), &format!("FORCE INDEX ({name})"));
    }
}

fn slice(text: &mut String) {
    if !text.contains(" LIMIT ") || !["DELETE ", "UPDATE "].iter().any(|it| text.starts_with(it)) {
        return;
    }
    let Some((change, inner)) = text.split_once(" WHERE ") else { return };
    let Some(inner) = inner.split_once("IN (SELECT ").and_then(|(_, it)| it.strip_suffix(')'))
    else {
        return;
    };
    let Some((_, condition)) = inner.split_once(" WHERE ") else { return };
    *text = format!("{change} WHERE {condition}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sql(text: &str) -> String {
        translate(text).sql
    }

    #[test]
    fn parameters_keep_their_numbers() {
        let text = translate("UPDATE t SET a = ?2, b = '?1' WHERE c = ?1 OR d = ?12");
        assert_eq!(text.sql, "UPDATE t SET a = ?, b = '?1' WHERE c = ? OR d = ?");
        assert_eq!(text.order, [1, 0, 11]);
    }

    #[test]
    fn only_what_compares_values_is_renamed() {
        assert_eq!(sql("SELECT max(id), min(a.b) FROM t"), "SELECT max(id), min(a.b) FROM t");
        assert_eq!(
            sql("SELECT sum(max(0, a - max((b), c))), min(x, 1)"),
            "SELECT sum(greatest(0, a - greatest((b), c))), least(x, 1)"
        );
        assert_eq!(sql("SELECT mymax(a, b)"), "SELECT mymax(a, b)");
    }

    #[test]
    fn clauses_of_one_engine_become_those_of_the_other() {
        assert_eq!(
            sql("INSERT INTO t VALUES (?1, ?2) ON CONFLICT (a, `key`) DO UPDATE SET b = ?2"),
            "INSERT INTO t VALUES (?, ?) ON DUPLICATE KEY UPDATE b = ?"
        );
        assert_eq!(
            sql("SELECT 1 FROM m INDEXED BY by_conv CROSS JOIN u INDEXED BY x ON u.a = m.a"),
            "SELECT 1 FROM m FORCE INDEX (by_conv) CROSS JOIN u FORCE INDEX (x) ON u.a = m.a"
        );
        assert_eq!(
            sql("DELETE FROM w WHERE (a, b) IN (SELECT a, b FROM w WHERE c <= ?1 LIMIT ?2)"),
            "DELETE FROM w WHERE c <= ? LIMIT ?"
        );
        assert_eq!(
            sql("UPDATE w SET b = ?3 WHERE a IN (SELECT a FROM w WHERE c = 1 ORDER BY a LIMIT ?2)"),
            "UPDATE w SET b = ? WHERE c = 1 ORDER BY a LIMIT ?"
        );
        assert_eq!(sql("DELETE FROM w WHERE a = ?1"), "DELETE FROM w WHERE a = ?");
    }
}
