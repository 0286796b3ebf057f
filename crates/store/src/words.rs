//! Texts as words, for search: the one cutting that every backend's index shares.
//!
//! Scripts that put spaces between words are cut there; of Chinese, Japanese, Korean, Thai and
//! their like every two neighbouring characters are a token, and a run's last one alone. So a
//! word is found by itself or by its beginning, and a run of Chinese wherever it stands. Case,
//! width and accents do not count.
//!
//! An index holds what this module once made. Whoever changes how it cuts has to have every text
//! indexed anew.

use std::ops::Range;

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Longest token, in bytes; what is longer is no word, and is found by its beginning.
const MAX_TOKEN: usize = 64;
/// From so many characters on a word is found by its beginning. Shorter ones begin too many.
const PREFIX_FROM: usize = 3;
/// Most words and runs of one search.
pub(crate) const MAX_NEEDS: usize = 16;

/// Something of a text that can be found, and where it stands in the text.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    Word(String, Range<usize>),
    Run(Vec<(char, Range<usize>)>),
}

/// What is looked for: every need has to be met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Query(Vec<Need>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Need {
    Word(String),
    Run(Vec<char>),
}

impl Query {
    /// What a text that somebody typed looks for; `None` for nothing, or for too much.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let needs = parts(text).into_iter().map(|part| match part {
            Part::Word(word, _) => Need::Word(word),
            Part::Run(run) => Need::Run(run.into_iter().map(|(character, _)| character).collect()),
        });
        let needs: Vec<Need> = needs.collect();
        (1..=MAX_NEEDS).contains(&needs.len()).then_some(Self(needs))
    }

    /// Where in `text` it is found, in order and without overlaps; `None` when some of it is not
    /// there.
    pub(crate) fn find(&self, text: &str) -> Option<Vec<Range<usize>>> {
        let parts = parts(text);
        let mut found: Vec<Range<usize>> = Vec::new();
        for need in &self.0 {
            let before = found.len();
            for part in &parts {
                need.find(part, &mut found);
            }
            if found.len() == before {
                return None;
            }
        }
        found.sort_unstable_by_key(|range| (range.start, range.end));
        let mut merged: Vec<Range<usize>> = Vec::with_capacity(found.len());
        for range in found {
            match merged.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => merged.push(range),
            }
        }
        Some(merged)
    }

    /// The tokens that have to be there: each phrase's side by side; `true`: the last one may go
    /// on.
    pub(crate) fn phrases(&self) -> Vec<(Vec<String>, bool)> {
        let phrase = |need: &Need| match need {
            Need::Word(word) => (vec![word.clone()], goes_on(word)),
            Need::Run(run) if run.len() == 1 => (run.iter().map(char::to_string).collect(), true),
            Need::Run(run) => (run.windows(2).map(|two| two.iter().collect()).collect(), false),
        };
        self.0.iter().map(phrase).collect()
    }
}

impl Need {
    fn find(&self, part: &Part, found: &mut Vec<Range<usize>>) {
        match (self, part) {
            (Self::Word(wanted), Part::Word(word, range))
                if word == wanted || goes_on(wanted) && word.starts_with(wanted.as_str()) =>
            {
                found.push(range.clone());
            }
            (Self::Run(wanted), Part::Run(run)) => {
                for window in run.windows(wanted.len()) {
                    if window.iter().map(|it| it.0).eq(wanted.iter().copied())
                        && let (Some(first), Some(last)) = (window.first(), window.last())
                    {
                        found.push(first.1.start..last.1.end);
                    }
                }
            }
            _ => {}
        }
    }
}

fn goes_on(word: &str) -> bool {
    word.chars().nth(PREFIX_FROM - 1).is_some()
}

/// A text's tokens, separated by spaces; empty when it has none.
pub(crate) fn tokens(text: &str) -> String {
    if text.is_ascii() {
        return ascii_tokens(text);
    }
    let mut all = String::with_capacity(text.len() * 2);
    let mut push = |token: &mut dyn Iterator<Item = char>| {
        if !all.is_empty() {
            all.push(' ');
        }
        all.extend(token);
    };
    for part in parts(text) {
        match part {
            Part::Word(word, _) => push(&mut word.chars()),
            Part::Run(run) => {
                for two in run.windows(2) {
                    push(&mut two.iter().map(|it| it.0));
                }
                // Every character begins one token, and so is found alone.
                push(&mut run.last().into_iter().map(|it| it.0));
            }
        }
    }
    all
}

/// The same of most texts, which have nothing to fold but case.
fn ascii_tokens(text: &str) -> String {
    let mut all = String::with_capacity(text.len());
    let words = text.split(|it: char| !it.is_ascii_alphanumeric()).filter(|it| !it.is_empty());
    for word in words {
        if !all.is_empty() {
            all.push(' ');
        }
        all.extend(word.chars().take(MAX_TOKEN).map(|it| it.to_ascii_lowercase()));
    }
    all
}

fn parts(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut word: Option<(String, Range<usize>)> = None;
    let mut run = Vec::new();
    for (start, character) in text.char_indices() {
        let range = start..start + character.len_utf8();
        let mut in_word = false;
        fold(character, |folded| {
            if is_accent(folded) {
                in_word = true;
            } else if is_unspaced(folded) {
                parts.extend(word.take().map(|(word, range)| Part::Word(word, range)));
                run.push((folded, range.clone()));
                in_word = true;
            } else if folded.is_alphanumeric() || is_combining_mark(folded) {
                end_run(&mut parts, &mut run);
                let (word, whole) = word.get_or_insert_with(|| (String::new(), range.clone()));
                whole.end = range.end;
                if word.len() + folded.len_utf8() <= MAX_TOKEN {
                    word.push(folded);
                }
                in_word = true;
            }
        });
        if !in_word {
            parts.extend(word.take().map(|(word, range)| Part::Word(word, range)));
            end_run(&mut parts, &mut run);
        }
    }
    parts.extend(word.map(|(word, range)| Part::Word(word, range)));
    end_run(&mut parts, &mut run);
    parts
}

fn end_run(parts: &mut Vec<Part>, run: &mut Vec<(char, Range<usize>)>) {
    if !run.is_empty() {
        parts.push(Part::Run(std::mem::take(run)));
    }
}

/// A character without case, width and accent: none, one or several.
fn fold(character: char, mut each: impl FnMut(char)) {
    if character.is_ascii() {
        return each(character.to_ascii_lowercase());
    }
    if is_accent(character) {
        return each(character);
    }
    for wide in std::iter::once(character).nfkc() {
        if is_unspaced(wide) {
            each(wide);
            continue;
        }
        for plain in std::iter::once(wide).nfkd().filter(|it| !is_accent(*it)) {
            plain.to_lowercase().for_each(&mut each);
        }
    }
}

/// Accents of Latin, Greek and Cyrillic. Marks of other scripts tell words apart.
fn is_accent(character: char) -> bool {
    matches!(character, '\u{300}'..='\u{36f}')
}

/// Whether a letter is of a script whose words are not parted by spaces, or whose words are found
/// better by their syllables (Korean).
fn is_unspaced(character: char) -> bool {
    let script = matches!(character,
        '\u{0e00}'..='\u{0eff}'          // Thai, Lao
        | '\u{1000}'..='\u{109f}'        // Burmese
        | '\u{1100}'..='\u{11ff}'        // Korean letters
        | '\u{1780}'..='\u{17ff}'        // Khmer
        | '\u{2e80}'..='\u{2fdf}'        // radicals
        | '\u{3005}'..='\u{3007}'
        | '\u{3041}'..='\u{30ff}'        // kana
        | '\u{3105}'..='\u{318f}'        // bopomofo, Korean letters
        | '\u{31a0}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{a4cf}'        // Chinese characters, Yi
        | '\u{a960}'..='\u{a97f}'
        | '\u{ac00}'..='\u{d7ff}'        // Korean syllables
        | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}');
    script && (character.is_alphanumeric() || is_combining_mark(character))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(query: &str, text: &str) -> Option<Vec<String>> {
        let ranges = Query::parse(query).unwrap().find(text)?;
        Some(ranges.into_iter().map(|range| text[range].to_owned()).collect())
    }

    #[test]
    fn words_are_cut_at_spaces_and_chinese_between_any_two() {
        assert_eq!(tokens("Hello, World-wide 42"), "hello world wide 42");
        assert_eq!(tokens("去北京吧"), "去北 北京 京吧 吧");
        assert_eq!(tokens("大雁honk"), "大雁 雁 honk");
        assert_eq!(tokens("서울 여행"), "서울 울 여행 행");
        assert_eq!(tokens(" …!? "), "");
        assert_eq!(tokens(&"x".repeat(1000)).len(), MAX_TOKEN);
    }

    #[test]
    fn ascii_is_cut_as_everything_is() {
        let long = "Y".repeat(MAX_TOKEN + 9);
        let all: String = (0..128_u8).map(char::from).collect();
        for text in ["", "Hello, World-wide 42", "snake_case don't 3.14 a@b.c", &long, &all] {
            let words = parts(text).into_iter().map(|part| match part {
                Part::Word(word, _) => word,
                Part::Run(_) => unreachable!("no script without spaces is in ASCII"),
            });
            assert_eq!(tokens(text), words.collect::<Vec<_>>().join(" "));
        }
    }

    #[test]
    fn case_width_and_accents_do_not_count() {
        assert_eq!(tokens("ＣＡＦÉ café cafe\u{301} STRASSE ﬁn"), "cafe cafe cafe strasse fin");
        assert_eq!(tokens("がっこう"), "がっ っこ こう う", "but what tells kana apart does");
        assert_eq!(tokens("हिन्दी"), "हिन्दी");
    }

    #[test]
    fn a_word_is_found_by_its_beginning_and_a_run_anywhere() {
        assert_eq!(found("goo", "The Goose"), Some(vec!["Goose".into()]));
        assert_eq!(found("go", "The Goose"), None, "short words are found whole");
        assert_eq!(found("the goose", "goose: the bird").unwrap().len(), 2);
        assert_eq!(found("the swan", "the goose"), None, "every word has to be there");
        assert_eq!(found("北京", "我去北京市"), Some(vec!["北京".into()]));
        assert_eq!(found("市", "我去北京市"), Some(vec!["市".into()]));
        assert_eq!(found("京北", "我去北京市"), None);
        assert_eq!(found("北京", "北 京"), None, "a space parts them");
        assert_eq!(found("京都大", "東京都大会"), Some(vec!["京都大".into()]));
    }

    #[test]
    fn nothing_and_too_much_are_no_query() {
        assert_eq!(Query::parse(" ?! "), None);
        assert_eq!(Query::parse(&"a ".repeat(MAX_NEEDS + 1)), None);
        let phrases = Query::parse("goose 北京市 市 a").unwrap().phrases();
        let texts: Vec<_> =
            phrases.iter().map(|(tokens, more)| (tokens.join(" "), *more)).collect();
        let wanted = [("goose", true), ("北京 京市", false), ("市", true), ("a", false)];
        assert!(texts.iter().map(|(text, more)| (text.as_str(), *more)).eq(wanted));
    }
}
