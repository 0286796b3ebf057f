//! Links between pages lead somewhere, and the files that pages name are there.

use std::path::Path;

use super::workspace::File;

/// Holds every relative link of a page against the files there are.
pub(super) fn check(page: &File) -> Vec<String> {
    let folder = Path::new(&page.path).parent().unwrap_or(Path::new(""));
    let linked = targets(&page.text).filter(|(_, target)| !folder.join(target).exists());
    let named = named(&page.text).filter(|(_, name)| !Path::new(name).exists());
    let missing = linked.chain(named);
    missing.map(|(line, target)| format!("{}:{line}: there is no {target}", page.path)).collect()
}

/// Files and folders of the repository that a page names as `code`, from the root on.
fn named(text: &str) -> impl Iterator<Item = (usize, &str)> {
    const FOLDERS: &[&str] = &["crates/", "docs/", "fuzz/", "vectors/", "xtask/"];
    (1..).zip(text.lines()).flat_map(|(number, line)| {
        let code = line.split('`').enumerate().filter(|(n, _)| n % 2 == 1).map(|(_, code)| code);
        code.filter(|code| FOLDERS.iter().any(|folder| code.starts_with(folder)))
            .filter(|code| !code.contains(['<', '*', ' ', '…']))
            .map(move |code| (number, code))
    })
}

/// The files that a page links to, without addresses elsewhere and places in a page.
fn targets(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    let prose = (1..).zip(text.lines()).filter(move |(_, line)| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fence && !fenced
    });
    prose.flat_map(|(number, line)| {
        line.split("](").skip(1).filter_map(move |rest| {
            let target = rest.split([')', '#', ' ']).next()?;
            let elsewhere = target.contains("://") || target.starts_with("mailto:");
            (!target.is_empty() && !elsewhere).then_some((number, target))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_there_is_found() {
        let page = File {
            path: "PAGE.md".to_owned(),
            text: "`crates/gone/` and `crates/<name>.rs`, a/b, `a/b`\n".to_owned(),
        };
        assert_eq!(check(&page), ["PAGE.md:1: there is no crates/gone/"]);
    }

    #[test]
    fn a_link_that_leads_nowhere_is_found() {
        let page = File {
            path: "docs/src/page.md".to_owned(),
            text: "[a](gone.md), [b](https://example.org/), [c](#here)\n\n```\n[d](also.md)\n```\n"
                .to_owned(),
        };
        assert_eq!(check(&page), ["docs/src/page.md:1: there is no gone.md"]);
    }
}
