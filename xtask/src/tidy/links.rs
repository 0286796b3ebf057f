//! Links between pages lead somewhere.

use std::path::Path;

use super::workspace::File;

/// Holds every relative link of a page against the files there are.
pub(super) fn check(page: &File) -> Vec<String> {
    let folder = Path::new(&page.path).parent().unwrap_or(Path::new(""));
    let missing = targets(&page.text).filter(|(_, target)| !folder.join(target).exists());
    missing.map(|(line, target)| format!("{}:{line}: there is no {target}", page.path)).collect()
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
    fn a_link_that_leads_nowhere_is_found() {
        let page = File {
            path: "docs/src/page.md".to_owned(),
            text: "[a](gone.md), [b](https://example.org/), [c](#here)\n\n```\n[d](also.md)\n```\n"
                .to_owned(),
        };
        assert_eq!(check(&page), ["docs/src/page.md:1: there is no gone.md"]);
    }
}
