//! `docs/src/protocol.md`: its tables are made from the code's, and checked to be fresh.
//!
//! A block between `<!-- generated: NAME -->` and `<!-- end -->` is rewritten by
//! `ANSER_BLESS=1 cargo test -p anser-wire`; the prose around it is written by hand.

use std::{collections::BTreeSet, fmt::Write as _};

use anser_domain::Kind;
use anser_wire::{
    CODES, DEFAULT_PAGE, Limits, MAX_BODY, MAX_CAPABILITIES, MAX_CLIENT, MAX_CREDENTIAL,
    MAX_MEMBERS, MAX_MENTIONS, MAX_PAGE, MAX_PAYLOAD, MAX_READS, MAX_TITLE, REQUEST_STATES, ROLES,
    SUBJECTS, TYPING_SECONDS, codec,
    frame::{Direction, FRAMES, FieldRow, MessageRow, Weight},
};

use crate::table::{check_fresh, scalar};

const FILE: &str = "../../docs/src/protocol.md";

#[test]
fn the_tables_are_those_of_the_code() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    let stored = std::fs::read_to_string(path).unwrap();
    let (mut fresh, mut seen) = (String::new(), BTreeSet::new());
    let mut lines = stored.lines();
    while let Some(line) = lines.next() {
        fresh.push_str(line);
        fresh.push('\n');
        let name = line.strip_prefix("<!-- generated: ").and_then(|rest| rest.strip_suffix(" -->"));
        if let Some(name) = name {
            seen.insert(name.to_owned());
            fresh.push('\n');
            fresh.push_str(&block(name));
            fresh.push_str("\n<!-- end -->\n");
            assert!(lines.any(|line| line == "<!-- end -->"), "{name} has no end");
        }
    }
    let all = [
        "frames", "bodies", "messages", "kinds", "roles", "subjects", "requests", "codes", "limits",
    ];
    assert_eq!(seen, all.map(str::to_owned).into());
    check_fresh(FILE, &fresh);
}

fn block(name: &str) -> String {
    match name {
        "frames" => frames(),
        "bodies" => bodies(),
        "messages" => messages(),
        "kinds" => numbered("Kind", Kind::TABLE.iter().map(|row| (row.2, row.1))),
        "roles" => numbered("Role", ROLES.iter().map(|row| (row.2, row.1))),
        "subjects" => numbered("Subject", SUBJECTS.iter().map(|row| (row.2, row.1))),
        "requests" => numbered("State", REQUEST_STATES.iter().map(|row| (row.2, row.1))),
        "codes" => codes(),
        "limits" => limits(),
        _ => panic!("{name}: no such block"),
    }
}

fn frames() -> String {
    let mut out = "| Type | First byte | Frame | Sent by | Unknown to the receiver |\n\
                   |---:|---|---|---|---|\n"
        .to_owned();
    for row in FRAMES {
        let by = match row.direction {
            Direction::ToServer => "client",
            Direction::ToClient => "server",
            Direction::Both => "both",
        };
        let (flag, unknown) = match row.weight {
            Weight::Critical => (codec::CRITICAL, "refused"),
            Weight::Optional => (0, "passed over"),
        };
        let first = row.number | flag;
        let name = row.name;
        writeln!(
            out,
            "| {} | `0x{first:02x}` | [{name}](#{}) | {by} | {unknown} |",
            row.number,
            name.to_lowercase()
        )
        .unwrap();
    }
    out
}

fn bodies() -> String {
    let mut out = String::new();
    for row in FRAMES {
        section(&mut out, row.name, row.body);
    }
    out
}

/// Messages that stand inside others, in the order in which they are met.
fn messages() -> String {
    let mut found: Vec<&MessageRow> = Vec::new();
    for row in FRAMES {
        collect(row.body, &mut found);
    }
    let mut out = String::new();
    for row in found.iter().filter(|row| frame_of(row).is_none()) {
        section(&mut out, row.name, row);
    }
    out
}

fn collect(row: &'static MessageRow, found: &mut Vec<&'static MessageRow>) {
    for inner in crate::table::fields(row).filter_map(|field| field.message) {
        if !found.iter().any(|known| known.name == inner.name) {
            found.push(inner);
            collect(inner, found);
        }
    }
}

/// The frame whose body a message is.
fn frame_of(row: &MessageRow) -> Option<&'static str> {
    FRAMES.iter().find(|frame| frame.body.name == row.name).map(|frame| frame.name)
}

fn section(out: &mut String, title: &str, row: &MessageRow) {
    writeln!(out, "### {title}\n\n{}\n", paragraph(row.doc)).unwrap();
    if row.fields.is_empty() && row.choice.is_none() {
        writeln!(out, "No fields.\n").unwrap();
        return;
    }
    out.push_str("| No. | Field | Type | |\n|---:|---|---|---|\n");
    for field in row.fields {
        field_line(out, field, "");
    }
    if let Some(choice) = row.choice {
        for field in choice.fields {
            field_line(out, field, "one of: ");
        }
    }
    out.push('\n');
}

fn field_line(out: &mut String, field: &FieldRow, before: &str) {
    let proto = match field.message {
        Some(message) => {
            let name = frame_of(message).unwrap_or(message.name);
            format!("[{name}](#{})", name.to_lowercase())
        }
        None => scalar(field).to_owned(),
    };
    let label = match field.proto {
        many if many.contains("repeated") => "repeated ",
        some if some.contains("optional") && field.message.is_none() => "optional ",
        _ => "",
    };
    let (number, name, doc) = (field.number, field.name, paragraph(field.doc));
    writeln!(out, "| {number} | `{name}` | {label}{proto} | {before}{doc} |").unwrap();
}

fn paragraph(doc: &str) -> String {
    doc.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

fn numbered(title: &str, rows: impl Iterator<Item = (u8, &'static str)>) -> String {
    let mut out = format!("| Number | {title} |\n|---:|---|\n");
    for (number, name) in rows {
        writeln!(out, "| {number} | {name} |").unwrap();
    }
    out
}

fn codes() -> String {
    let mut out = "| Code | Name | Meaning |\n|---:|---|---|\n".to_owned();
    for row in CODES {
        writeln!(out, "| {} | `{}` | {} |", row.code.number(), row.name, row.doc).unwrap();
    }
    out
}

fn limits() -> String {
    let it = Limits::default();
    let bytes = |n: usize| match n {
        n if n.is_multiple_of(1024) => format!("{} KiB", n / 1024),
        n => format!("{n} bytes"),
    };
    let seconds = |duration: std::time::Duration| format!("{} s", duration.as_secs());
    let rows = [
        ("A body, as sent and once restored (`WELCOME.max_frame`)", bytes(it.max_frame)),
        ("A body before WELCOME", bytes(it.max_login_frame)),
        ("From the link's opening to HELLO, and from HELLO to WELCOME", seconds(it.login_deadline)),
        ("Heartbeat interval of a client without a wish", seconds(it.heartbeat)),
        ("Shortest heartbeat interval", seconds(it.heartbeat_min)),
        ("Longest heartbeat interval", seconds(it.heartbeat_max)),
        ("Requests without an answer (`WELCOME.max_in_flight`)", it.max_in_flight.to_string()),
        (
            "SYNCs and calls that read lists (`history`, `conversations`, `members`, `devices`, \
             `items`, `friends`, `requests`, `blocks`, `search`) without an answer",
            MAX_READS.to_string(),
        ),
        (
            "A link's `typing` with the same `active`",
            format!("once in {TYPING_SECONDS} s; the rest is dropped"),
        ),
        ("Notice before a credential ends", seconds(it.expiry_notice)),
        ("A draining link waits for its answers", seconds(it.drain_deadline)),
        ("Bodies that the server compresses, from", bytes(it.compress_from)),
        ("`SEND.body`", bytes(MAX_BODY)),
        ("`SEND.payload`", bytes(MAX_PAYLOAD)),
        ("`SEND.mentions`", MAX_MENTIONS.to_string()),
        ("Users in one call", MAX_MEMBERS.to_string()),
        ("Titles and display names", bytes(MAX_TITLE)),
        ("`token`, `ticket`", bytes(MAX_CREDENTIAL)),
        ("`client`", bytes(MAX_CLIENT)),
        ("`capabilities`", MAX_CAPABILITIES.to_string()),
        ("Entries or rows of a page", MAX_PAGE.to_string()),
        ("Entries or rows of a page when none is asked for", DEFAULT_PAGE.to_string()),
    ];
    let mut out = "| What | Bound or default |\n|---|---|\n".to_owned();
    for (what, bound) in rows {
        writeln!(out, "| {what} | {bound} |").unwrap();
    }
    out
}
