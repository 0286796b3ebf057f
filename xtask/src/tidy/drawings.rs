//! The flows drawn in ARCHITECTURE.md name the functions that do the work. A function that was
//! renamed or moved must not live on there.
//!
//! A name reads `crate::module::function` or `crate::module::Type::function`; modules may be left
//! out. It is looked for as text: a file of that crate, in those modules, that has the type's
//! name and defines the function.

use super::workspace::File;

/// Holds every drawing (a fenced block) against the sources.
pub(super) fn check(architecture: &str, sources: &[File]) -> Vec<String> {
    let names = names(architecture);
    if names.is_empty() {
        return vec!["ARCHITECTURE.md: the drawings name no function".to_owned()];
    }
    names
        .into_iter()
        .filter(|(_, name)| !exists(name, sources))
        .map(|(line, name)| format!("ARCHITECTURE.md:{line}: there is no {name}"))
        .collect()
}

/// Every path in a fenced block, with its line.
fn names(markdown: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut inside = false;
    for (number, line) in (1..).zip(markdown.lines()) {
        if line.trim_start().starts_with("```") {
            inside = !inside;
        } else if inside {
            let words = line.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'));
            let paths = words.map(|word| word.trim_matches(':')).filter(|word| word.contains("::"));
            found.extend(paths.map(|path| (number, path)));
        }
    }
    found
}

fn exists(name: &str, sources: &[File]) -> bool {
    let Some((path, last)) = name.rsplit_once("::") else { return false };
    let (krate, between) = path.split_once("::").unwrap_or((path, ""));
    let (types, modules): (Vec<&str>, Vec<&str>) = between
        .split("::")
        .filter(|part| !part.is_empty())
        .partition(|part| part.starts_with(char::is_uppercase));
    let folder = format!("crates/{krate}/src/");
    sources.iter().any(|file| {
        let Some(inside) = file.path.strip_prefix(&folder) else { return false };
        let stem = inside.trim_end_matches(".rs");
        modules.iter().all(|module| stem.split('/').any(|part| part == *module))
            && types.iter().all(|name| has_word(&file.text, name))
            && defines(&file.text, last)
    })
}

/// Whether `text` defines this: a function, or a type or variant when it begins with a capital.
fn defines(text: &str, name: &str) -> bool {
    if name.starts_with(char::is_uppercase) {
        return has_word(text, name);
    }
    text.match_indices(&format!("fn {name}")).any(|(at, found)| {
        let after = text.get(at + found.len()..).and_then(|rest| rest.chars().next());
        matches!(after, Some('(' | '<'))
    })
}

fn has_word(text: &str, word: &str) -> bool {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|part| part == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawing(body: &str) -> String {
        format!("# A\n\nOutside, cm::gone is prose.\n\n```text\n{body}\n```\n")
    }

    fn sources() -> Vec<File> {
        vec![
            File {
                path: "crates/cm/src/link/driver.rs".to_owned(),
                text: "//! D.\nimpl Link {\n    fn turn(&self) {}\n}\n".to_owned(),
            },
            File {
                path: "crates/sm/src/send.rs".to_owned(),
                text: "//! S.\npub(crate) fn send<T>(t: T) {}\nfn sender_of() {}\n".to_owned(),
            },
        ]
    }

    #[test]
    fn names_that_exist_pass() {
        let text = drawing("socket ─► cm::link::driver::Link::turn ─►\n  sm::send::send (queue)");
        assert_eq!(check(&text, &sources()), Vec::<String>::new());
        assert!(check(&drawing("cm::Link::turn"), &sources()).is_empty(), "modules left out");
    }

    #[test]
    fn names_that_do_not_exist_are_found() {
        for gone in [
            "cm::link::driver::Link::spin",
            "cm::feed::Link::turn",
            "cm::link::driver::Outbox::turn",
            "sm::send::sender",
            "wire::send::send",
        ] {
            let findings = check(&drawing(gone), &sources());
            assert_eq!(findings, [format!("ARCHITECTURE.md:6: there is no {gone}")]);
        }
    }

    #[test]
    fn a_page_without_drawings_is_found() {
        assert_eq!(check("# A\n\nWords.\n", &sources()).len(), 1);
    }
}
