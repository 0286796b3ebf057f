//! The flows drawn in ARCHITECTURE.md name the functions that do the work. A function that was
//! renamed or moved must not live on there.
//!
//! A name reads `crate::module::function` or `crate::module::Type::function`; modules may be left
//! out. It is looked for as text: a file of that crate, in those modules, that has the type's
//! name and defines the function. A name that begins with a type, such as `Command::Send`, may
//! stand in any crate.

use super::workspace::File;

/// Holds every name in a drawing (a fenced block), and in `code` of the prose around, against the
/// sources.
pub(super) fn check(architecture: &str, sources: &[File]) -> Vec<String> {
    let names = names(architecture);
    if !names.iter().any(|name| name.drawn) {
        return vec!["ARCHITECTURE.md: the drawings name no function".to_owned()];
    }
    names
        .into_iter()
        .filter(|name| !exists(name, sources))
        .map(|name| format!("ARCHITECTURE.md:{}: there is no {}", name.line, name.path))
        .collect()
}

/// A path of the code that the page names.
struct Name<'a> {
    line: usize,
    path: &'a str,
    /// In a drawing, where only functions, types and variants stand; prose names modules too.
    drawn: bool,
}

fn names(markdown: &str) -> Vec<Name<'_>> {
    let mut found = Vec::new();
    let mut drawn = false;
    for (line, text) in (1..).zip(markdown.lines()) {
        if text.trim_start().starts_with("```") {
            drawn = !drawn;
            continue;
        }
        // Outside of drawings, every second piece between backticks is code.
        let code = text.split('`').enumerate().filter(|(n, _)| drawn || n % 2 == 1);
        let words = code.flat_map(|(_, it)| it.split(|c: char| !is_name(c) && c != ':'));
        let paths = words.map(|word| word.trim_matches(':')).filter(|word| word.contains("::"));
        found.extend(paths.map(|path| Name { line, path, drawn }));
    }
    found
}

fn exists(name: &Name<'_>, sources: &[File]) -> bool {
    let Some((path, last)) = name.path.rsplit_once("::") else { return false };
    let (first, between) = path.split_once("::").unwrap_or((path, ""));
    let (folder, path) = match first.starts_with(char::is_uppercase) {
        true => (String::from("crates/"), path),
        false => (format!("crates/{first}/src/"), between),
    };
    let (types, modules): (Vec<&str>, Vec<&str>) = path
        .split("::")
        .filter(|part| !part.is_empty())
        .partition(|part| part.starts_with(char::is_uppercase));
    sources.iter().any(|file| {
        let Some(inside) = file.path.strip_prefix(&folder) else { return false };
        let stem = inside.trim_end_matches(".rs");
        let in_module = |module: &str| stem.split('/').any(|part| part == module);
        modules.iter().all(|module| in_module(module))
            && types.iter().all(|name| has_word(&file.text, name))
            && (defines(&file.text, last) || (!name.drawn && in_module(last)))
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
    text.split(|c: char| !is_name(c)).any(|part| part == word)
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawing(body: &str) -> String {
        format!("# A\n\nIn prose, cm::gone is not code.\n\n```text\n{body}\n```\n")
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
        assert!(check(&drawing("Link::turn"), &sources()).is_empty(), "crate left out");
    }

    #[test]
    fn names_that_do_not_exist_are_found() {
        for gone in [
            "cm::link::driver::Link::spin",
            "cm::feed::Link::turn",
            "cm::link::driver::Outbox::turn",
            "sm::send::sender",
            "Link::spin",
            "wire::send::send",
        ] {
            let findings = check(&drawing(gone), &sources());
            assert_eq!(findings, [format!("ARCHITECTURE.md:6: there is no {gone}")]);
        }
    }

    #[test]
    fn code_in_prose_may_name_modules_but_nothing_that_is_gone() {
        let text = drawing("sm::send::send") + "See `cm::link` and `sm::send`, then `cm::gone`.\n";
        assert_eq!(check(&text, &sources()), ["ARCHITECTURE.md:8: there is no cm::gone"]);
        assert_eq!(check(&drawing("cm::link"), &sources()).len(), 1, "no function");
    }

    #[test]
    fn a_page_without_drawings_is_found() {
        assert_eq!(check("# A\n\nWords.\n", &sources()).len(), 1);
    }
}
