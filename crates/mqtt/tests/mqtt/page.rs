//! `docs/src/mqtt-conformance.md` is made from the tables and the transcripts, and checked to be
//! fresh.
//! `cargo xtask codegen` writes it anew.

use std::{collections::BTreeSet, fmt::Write as _, fs, path::Path};

use anser_mqtt::{PACKETS, PROPERTIES, PacketType, codec::PacketSet};

use crate::{
    statements::{NOT_YET, Shown, Statement, V3_1_1, V5_0},
    transcripts,
};

const FILE: &str = "../../docs/src/mqtt-conformance.md";

#[test]
fn the_conformance_page_is_that_of_the_tables() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = root.join(FILE);
    let fresh = page();
    if std::env::var_os("ANSER_BLESS").is_some() {
        fs::write(&path, &fresh).unwrap();
    }
    let stored = fs::read_to_string(&path).unwrap_or_default();
    assert!(stored == fresh, "{FILE} is stale; run `cargo xtask codegen`");
}

#[test]
fn every_test_that_a_statement_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = String::new();
    for folder in ["src", "src/codec", "src/session", "tests/mqtt", "../topics/src"] {
        for file in fs::read_dir(root.join(folder)).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "rs") {
                sources += &fs::read_to_string(path).unwrap();
            }
        }
    }
    for statement in V5_0.iter().chain(V3_1_1) {
        if let Shown::Test(name) = statement.shown {
            assert!(sources.contains(&format!("fn {name}(")), "{}: {name}", statement.id);
        }
    }
}

#[test]
fn no_statement_is_both_shown_and_not() {
    for (table, of) in [(V5_0, ""), (V3_1_1, "of 3.1.1")] {
        let rows = rows(table, of);
        let once: BTreeSet<_> = rows.iter().map(|row| &*row.id).collect();
        assert_eq!(once.len(), rows.len(), "a statement stands twice");
    }
    let rows = rows(V5_0, "");
    let shown: BTreeSet<_> = rows.iter().map(|row| &*row.id).collect();
    let open: BTreeSet<_> = NOT_YET.iter().copied().collect();
    assert_eq!(open.len(), NOT_YET.len(), "a statement stands twice");
    assert_eq!(shown.intersection(&open).next(), None);
}

/// A line of a table.
struct Row {
    id: String,
    words: String,
    shown: String,
    result: &'static str,
}

/// The statements of a table and of the transcripts whose mark ends in `of`, by number.
fn rows(statements: &[Statement], of: &str) -> Vec<Row> {
    let mut rows: Vec<_> = statements
        .iter()
        .map(|statement| Row {
            id: statement.id.to_owned(),
            words: statement.words.to_owned(),
            shown: match statement.shown {
                Shown::Bytes(cases) => format!("{} byte cases", cases.len()),
                Shown::Test(name) => format!("`{name}`"),
            },
            result: "holds",
        })
        .collect();
    for (name, script) in transcripts::ALL {
        for line in script.lines() {
            let Some((mark, words)) =
                line.strip_prefix("# [MQTT-").and_then(|line| line.split_once("] "))
            else {
                continue;
            };
            let (id, edition) = mark.split_once(' ').unwrap_or((mark, ""));
            let (edition, result) = match edition.strip_suffix("in part") {
                Some(edition) => (edition.trim_end(), "the session's part"),
                None => (edition, "holds"),
            };
            if edition == of {
                let shown = format!("transcript `{name}`");
                rows.push(Row { id: id.to_owned(), words: words.to_owned(), shown, result });
            }
        }
    }
    rows.sort_by_key(|row| numbers(&row.id));
    rows
}

/// `3.1.2-24` as numbers.
fn numbers(id: &str) -> Vec<u16> {
    id.split(['.', '-']).map(|part| part.parse().unwrap()).collect()
}

fn page() -> String {
    let mut page = "\
# MQTT: what holds of the standard

Made by `cargo xtask codegen` from the tables and transcripts that the tests run; do not edit. A
statement that fails here fails the build.

What is shown is what the codec and the session (`crates/mqtt`) and the matching of topics
(`crates/topics`) have a part in. The server does not listen for MQTT yet. A transcript is a
conversation between a client and a session, in `crates/mqtt/tests/mqtt/transcripts`; it is played
packet by packet, byte by byte, and with every packet cut short at every byte first. Where a
statement takes more than a session, such as a store that keeps what it is told, the result says so.

Bytes of all kinds are also read by two other codecs, `mqtt-proto` and `rmqtt-codec`, and by ours:
`cargo xtask fuzz --target mqtt`. Where they differ, a row of `fuzz/fuzz_targets/mqtt/differences.rs` names the
clause that is behind it; a difference without a row fails.

## Statements of MQTT 5.0

"
    .to_owned();
    table(&mut page, &rows(V5_0, ""));
    page += "\n## Statements of MQTT 3.1.1\n\nThose that a session of 3.1.1 shows by itself, and those that 5.0 does not have. Of the others, the byte\ncases above say in which versions they hold.\n\n";
    table(&mut page, &rows(V3_1_1, "of 3.1.1"));
    let _ = write!(
        page,
        "\n## Not shown yet\n\n{} statements of MQTT 5.0 about a server wait for its store, its listener, the\nfinding of subscribers, and authentication in several steps: {}.\n",
        NOT_YET.len(),
        NOT_YET.join(", ")
    );
    page += "\n## Packets\n\n| Number | Packet | First version | Properties in 5.0 |\n|---:|---|---|---|\n";
    for row in PACKETS {
        let place = PacketType::from_number(row.number).map_or(PacketSet::NONE, PacketSet::of);
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} |",
            row.number,
            row.name,
            row.since,
            properties(place)
        );
    }
    let _ = writeln!(page, "| | a CONNECT's will | 3.1 | {} |", properties(PacketSet::WILL));
    page
}

fn properties(place: PacketSet) -> String {
    let names: Vec<_> =
        PROPERTIES.iter().filter(|row| row.packets.has(place)).map(|row| row.name).collect();
    names.join(", ")
}

fn table(page: &mut String, rows: &[Row]) {
    page.push_str("| Statement | In other words | Shown by | Result |\n|---|---|---|---|\n");
    for Row { id, words, shown, result } in rows {
        let _ = writeln!(page, "| MQTT-{id} | {words} | {shown} | {result} |");
    }
}
