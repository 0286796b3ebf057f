//! The default file, printed from the table.

use std::fmt::Write as _;

use super::{keys::SECTIONS, kind::Shape};

/// The whole file, every key at its default under the comment that explains it.
pub(crate) fn default_file() -> String {
    let mut out = String::from(
        "# Anser's settings, all at their defaults: keep the lines that you change.\n\
         # Each is also an environment variable, ANSER_SECTION__KEY, which wins over this file;\n\
         # flags win over both. `anser config check --config FILE` tells whether a file is right.\n",
    );
    for section in SECTIONS {
        out.push('\n');
        comment(&mut out, section.doc);
        // Writing to a String cannot fail.
        let _ = writeln!(out, "[{}]", section.name);
        for key in section.keys {
            comment(&mut out, key.doc);
            let _ = match key.shape {
                Shape::Quoted => writeln!(out, "{} = {:?}", key.name, key.default),
                Shape::Bare => writeln!(out, "{} = {}", key.name, key.default),
                Shape::List => writeln!(out, "{} = [{}]", key.name, quoted(key.default)),
            };
        }
    }
    out
}

/// The items of a list, as they stand in a file.
fn quoted(items: &str) -> String {
    let items = items.split(',').map(str::trim).filter(|item| !item.is_empty());
    items.map(|item| format!("{item:?}")).collect::<Vec<_>>().join(", ")
}

fn comment(out: &mut String, lines: &[&str]) {
    for line in lines {
        let _ = writeln!(out, "#{line}");
    }
}
