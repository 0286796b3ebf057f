//! Who may call what: every call of the OpenAPI document by everyone there is, on the real binary.
//!
//! A call that the document has and the table has not fails the test, and so does a row of the
//! table for a call that is gone. Whoever is not in the group never finds what was said in it, in
//! no answer; and who is told that there is nothing is told so in the words for what never was.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

mod stage;
mod table;
mod wrong;

use std::collections::BTreeSet;

use serde_json::Value;

use self::{
    stage::{Answer, Cell, SECRET, Stage, WHO, Who},
    table::{ROWS, Row},
};

#[tokio::test(flavor = "multi_thread")]
async fn everyone_may_do_what_the_table_says_and_nothing_else() {
    let stage = Stage::set().await;
    let mut wrong = every_call_has_a_row(&stage.document().await);
    for row in ROWS {
        for (who, expected) in WHO.iter().zip(row.expected) {
            let cell = stage.cell(row, *who).await;
            let answer = stage.act(&cell).await;
            wrong.extend(judge(row, *who, expected, &answer));
            let knows = *who == Who::ExMember && row.note() == "earlier";
            if expected == 404 && !who.is_in() && !knows {
                wrong.extend(tells_nothing(&stage, row, *who, &cell, &answer).await);
            }
        }
        // A key that has the scope may what an administrator may, and nothing more or less.
        if let Some(scope) = row.scope {
            let (who, expected) = (Who::Scoped(scope), row.expected_of(Who::Administrator));
            let cell = stage.cell(row, who).await;
            let answer = stage.act(&cell).await;
            wrong.extend(judge(row, who, expected, &answer));
        }
    }
    assert!(wrong.is_empty(), "{} cells:\n{}", wrong.len(), wrong.join("\n"));
}

fn judge(row: &Row, who: Who, expected: u16, answer: &Answer) -> Option<String> {
    let (call, status) = (row.call, answer.status);
    if status != expected {
        let said: String = answer.text.chars().take(300).collect();
        return Some(format!("{call} by {who:?}: {status}, not {expected}: {said}"));
    }
    // An export is all that there is, for whoever may have it.
    let is_export = row.scope == Some("export") && status == 200;
    if answer.text.contains(SECRET) && !who.is_in() && !is_export {
        return Some(format!("{call} by {who:?}: {status}, with what was said in the group"));
    }
    None
}

/// Asks for what never was, and compares: the answer does not tell the two apart.
async fn tells_nothing(
    stage: &Stage,
    row: &Row,
    who: Who,
    cell: &Cell,
    there: &Answer,
) -> Option<String> {
    let unknown = cell.unknown(who);
    let nothing = stage.act(&unknown).await;
    let differs = nothing.status != there.status || nothing.problem() != there.problem();
    differs.then(|| {
        let (call, told, other) = (row.call, &there.text, &nothing.text);
        format!("{call} by {who:?} tells what there is from what there is not:\n{told}\n{other}")
    })
}

fn every_call_has_a_row(document: &Value) -> Vec<String> {
    let mut calls = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in ["get", "put", "post", "patch", "delete", "head"] {
            if item.get(method).is_some_and(Value::is_object) {
                calls.insert(format!("{} {path}", method.to_uppercase()));
            }
        }
    }
    let rows: BTreeSet<String> = ROWS.iter().map(Row::documented).collect();
    let missing = calls.difference(&rows).map(|it| format!("{it} has no row"));
    let stale = rows.difference(&calls).map(|it| format!("{it} is no call, and has a row"));
    missing.chain(stale).collect()
}
