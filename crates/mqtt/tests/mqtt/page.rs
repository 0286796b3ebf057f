//! `docs/src/mqtt-conformance.md` is made from the tables, and checked to be fresh.
//! `cargo xtask codegen` writes it anew.

use std::{collections::BTreeSet, fmt::Write as _, fs, path::Path};

use anser_mqtt::{PACKETS, PROPERTIES, PacketType, codec::PacketSet};

use crate::statements::{NOT_YET, Shown, Statement, V3_1_1, V5_0};

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
    for folder in ["src", "src/codec", "tests/mqtt", "../topics/src"] {
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
    let shown: BTreeSet<_> = V5_0.iter().map(|statement| statement.id).collect();
    assert_eq!(shown.len(), V5_0.len(), "a statement stands twice");
    let open: BTreeSet<_> = NOT_YET.iter().copied().collect();
    assert_eq!(open.len(), NOT_YET.len(), "a statement stands twice");
    assert_eq!(shown.intersection(&open).next(), None);
}

fn page() -> String {
    let mut page = "\
# MQTT: what holds of the standard

Made by `cargo xtask codegen` from the tables that the tests run; do not edit. A statement that
fails here fails the build.

What is shown is what the codec (`crates/mqtt`) and the matching of topics (`crates/topics`) have a
part in. The server does not listen for MQTT yet.

Bytes of all kinds are also read by two other codecs, `mqtt-proto` and `rmqtt-codec`, and by ours:
`cargo xtask fuzz --target mqtt`. Where they differ, a row of `fuzz/fuzz_targets/mqtt/differences.rs` names the
clause that is behind it; a difference without a row fails.

## Statements of MQTT 5.0

"
    .to_owned();
    table(&mut page, V5_0);
    page += "\n## Statements of MQTT 3.1.1\n\nThose that 5.0 does not have, or under another number.\n\n";
    table(&mut page, V3_1_1);
    let _ = write!(
        page,
        "\n## Not shown yet\n\n{} statements of MQTT 5.0 about a server wait for its session, its store and\nits listener: {}.\n",
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

fn table(page: &mut String, statements: &[Statement]) {
    page.push_str("| Statement | In other words | Shown by | Result |\n|---|---|---|---|\n");
    for statement in statements {
        let shown = match statement.shown {
            Shown::Bytes(cases) => format!("{} byte cases", cases.len()),
            Shown::Test(name) => format!("`{name}`"),
        };
        let _ = writeln!(page, "| MQTT-{} | {} | {shown} | holds |", statement.id, statement.words);
    }
}
