//! Rules for a Rust file.

use super::{ladder::VAGUE, workspace::File};

/// Above this there are two things in a file.
const MAX_LINES: usize = 800;

/// Files that are one long table, which would not read better in pieces.
const TABLES: &[&str] = &[];

/// Holds one file against the rules.
pub(super) fn check(file: &File) -> Vec<String> {
    let mut findings = Vec::new();
    let path = &file.path;
    if !file.text.starts_with("//! ") {
        findings.push(format!("{path}:1: begin with `//!` and what the file is for"));
    }
    let lines = lines_that_count(file);
    if lines > MAX_LINES && !TABLES.contains(&path.as_str()) {
        findings.push(format!("{path}: {lines} lines without its tests; split it"));
    }
    if let Some(name) = vague_part(path) {
        findings.push(format!("{path}: say what `{name}` is for"));
    }
    for (number, line) in (1..).zip(file.text.lines()) {
        if leaves_a_test_out(line) {
            findings.push(format!("{path}:{number}: a test that is not run is not a test"));
        }
    }
    findings
}

/// Tests at the end of a file, or in files of their own, may be as long as they like.
fn lines_that_count(file: &File) -> usize {
    if file.path.contains("/tests/") || file.path.ends_with("/tests.rs") {
        return 0;
    }
    let lines: Vec<&str> = file.text.lines().collect();
    let tests = lines
        .windows(2)
        .position(|pair| matches!(pair, ["#[cfg(test)]", next] if next.starts_with("mod tests {")));
    tests.unwrap_or(lines.len())
}

fn vague_part(path: &str) -> Option<&str> {
    path.split('/').map(|part| part.trim_end_matches(".rs")).find(|part| VAGUE.contains(part))
}

fn leaves_a_test_out(line: &str) -> bool {
    let line = line.trim_start();
    let attribute = line.starts_with(concat!("#[", "ignore"));
    let conditional = line.starts_with("#[cfg_attr(") && line.contains("ignore");
    let example = line.trim_start_matches(['/', '!', ' ']).starts_with("```ignore");
    attribute || conditional || (line.starts_with("//") && example)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> File {
        File { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn a_file_that_says_what_it_is_for_passes() {
        let good = file("crates/sm/src/send.rs", "//! Sends.\n\nfn send() {}\n");
        assert_eq!(check(&good), Vec::<String>::new());
    }

    #[test]
    fn a_file_without_its_purpose_is_found() {
        for text in ["fn send() {}\n", "", "// Sends.\n", "//!\n//! Sends.\n"] {
            assert_eq!(check(&file("crates/sm/src/send.rs", text)).len(), 1, "{text:?}");
        }
    }

    #[test]
    fn a_long_file_is_found_but_tests_do_not_count() {
        let code = format!("//! Sends.\n{}", "fn f() {}\n".repeat(MAX_LINES));
        assert_eq!(check(&file("crates/sm/src/send.rs", &code)).len(), 1);
        assert!(check(&file("crates/sm/tests/send.rs", &code)).is_empty());
        let tests = format!(
            "//! Sends.\n#[cfg(test)]\nmod tests {{\n{}}}\n",
            "    fn f() {}\n".repeat(MAX_LINES)
        );
        assert!(check(&file("crates/sm/src/send.rs", &tests)).is_empty());
    }

    #[test]
    fn vague_names_are_found() {
        assert_eq!(check(&file("crates/sm/src/utils.rs", "//! Things.\n")).len(), 1);
        assert_eq!(check(&file("crates/sm/src/common/mod.rs", "//! Things.\n")).len(), 1);
    }

    #[test]
    fn tests_that_are_left_out_are_found() {
        for attribute in [
            concat!("#[", "ignore]"),
            concat!("    #[", "ignore = \"slow\"]"),
            "#[cfg_attr(miri, ignore)]",
            "/// ```ignore",
            "//! ```ignore",
        ] {
            let text = format!("//! Sends.\n{attribute}\nfn f() {{}}\n");
            assert_eq!(check(&file("crates/sm/src/send.rs", &text)).len(), 1, "{attribute}");
        }
        let talk = "//! Sends.\n// We ignore what is unknown.\nlet ignored = 1;\n";
        assert!(check(&file("crates/sm/src/send.rs", talk)).is_empty());
    }
}
