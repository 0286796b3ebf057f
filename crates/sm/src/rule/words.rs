//! Words that are not to be said here.
//!
//! They are found whatever their case, width or spacing, and with what nobody sees between their
//! letters. In scripts that part words by spaces a word is found as a whole: *ass* is not in
//! *class*. In those that do not, as Chinese, Japanese, Korean or Thai, it is found anywhere.

use std::ops::Range;

use aho_corasick::AhoCorasick;
use anser_domain::{Content, Refusal};
use serde_json::Value;
use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

/// The longest list, in bytes: some hundred thousand words. What is made of it to find them takes
/// tens of times as much memory.
const MAX_LIST: usize = 4 << 20;

/// What is done about a word that is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnWord {
    /// The message is not sent.
    Deny,
    /// Stars stand in the place of the word.
    Mask,
}

/// A list of words, ready to find them.
#[derive(Debug)]
pub struct WordFilter {
    find: AhoCorasick,
    action: OnWord,
}

/// Why a list cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadList {
    /// It is too long.
    #[error("a list of words has at most 4 MiB")]
    TooLong,
    /// Nothing can be made of it.
    #[error("{0}")]
    Unusable(String),
}

impl WordFilter {
    /// A list with a word or several in a row on each line. Empty lines and those that begin with
    /// `#` do not count.
    ///
    /// # Errors
    /// [`BadList`].
    pub fn new(list: &str, action: OnWord) -> Result<Self, BadList> {
        if list.len() > MAX_LIST {
            return Err(BadList::TooLong);
        }
        let lines = list.lines().map(str::trim).filter(|line| !line.starts_with('#'));
        let mut words: Vec<String> =
            lines.map(|line| Folded::of(line).text).filter(|word| !word.is_empty()).collect();
        words.sort_unstable();
        words.dedup();
        let find = AhoCorasick::new(&words).map_err(|it| BadList::Unusable(it.to_string()))?;
        Ok(Self { find, action })
    }

    /// How many words there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.find.patterns_len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a name or another text that is not masked may stand.
    ///
    /// # Errors
    /// `Denied`.
    pub(crate) fn allows(&self, text: &str) -> Result<(), Refusal> {
        if self.places(text).is_empty() { Ok(()) } else { Err(denied()) }
    }

    /// What is to be said in the place of `content`, if not that.
    ///
    /// # Errors
    /// `Denied`.
    pub(crate) fn hear(&self, content: &Content) -> Result<Option<Content>, Refusal> {
        let Some(body) = content.body() else { return Ok(None) };
        let masked: Box<str> = if let Content::Text(text) = content {
            let places = self.places(text);
            if places.is_empty() {
                return Ok(None);
            }
            masked(text, &places).into()
        } else {
            let Ok(mut value) = serde_json::from_str(body) else { return Ok(None) };
            if !self.mask(&mut value) {
                return Ok(None);
            }
            value.to_string().into()
        };
        match self.action {
            OnWord::Deny => Err(denied()),
            OnWord::Mask => Ok(Content::user_sent(content.kind(), masked)),
        }
    }

    /// Masks the texts in a value. Says whether there was anything.
    fn mask(&self, value: &mut Value) -> bool {
        match value {
            Value::String(text) if text.contains("://") => false,
            Value::String(text) => {
                let places = self.places(text);
                if !places.is_empty() {
                    *text = masked(text, &places);
                }
                !places.is_empty()
            }
            // Each of them, whether or not there was something in the one before.
            Value::Array(list) => list.iter_mut().fold(false, |any, it| self.mask(it) | any),
            Value::Object(map) => map.values_mut().fold(false, |any, it| self.mask(it) | any),
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }

    /// Where in `text` words stand.
    fn places(&self, text: &str) -> Vec<Range<usize>> {
        if self.is_empty() {
            return Vec::new();
        }
        let folded = Folded::of(text);
        // All of them, also those inside others: a longer one may not stand as a whole.
        let found = self.find.find_overlapping_iter(&folded.text);
        found.filter_map(|hit| folded.place(hit.range())).collect()
    }
}

fn denied() -> Refusal {
    Refusal::Denied("the message has words that are not to be said here".into())
}

fn masked(text: &str, places: &[Range<usize>]) -> String {
    let star = |(at, c): (usize, char)| {
        let hidden = places.iter().any(|place| place.contains(&at)) && !c.is_whitespace();
        if hidden { '*' } else { c }
    };
    text.char_indices().map(star).collect()
}

/// A text as words are compared.
struct Folded<'a> {
    original: &'a str,
    text: String,
    /// Where in the original each byte comes from.
    from: Vec<usize>,
}

impl<'a> Folded<'a> {
    fn of(original: &'a str) -> Self {
        let text = String::with_capacity(original.len());
        let mut folded = Self { original, text, from: Vec::with_capacity(original.len()) };
        for (at, c) in original.char_indices() {
            if c.is_ascii_graphic() {
                folded.push(at, c.to_ascii_lowercase());
            } else if c.is_whitespace() {
                if !folded.text.is_empty() && !folded.text.ends_with(' ') {
                    folded.push(at, ' ');
                }
            } else if ('\u{ac00}'..='\u{d7a3}').contains(&c) {
                // Taken apart, the beginning of one syllable would be another one.
                folded.push(at, c);
            } else if !is_unseen(c) {
                let parts = std::iter::once(c).nfkd().flat_map(char::to_lowercase);
                for part in parts {
                    folded.push(at, part);
                }
            }
        }
        folded
    }

    fn push(&mut self, at: usize, c: char) {
        self.text.push(c);
        self.from.resize(self.text.len(), at);
    }

    /// The place in the original of a hit; `None` when it is a part of a longer word.
    fn place(&self, hit: Range<usize>) -> Option<Range<usize>> {
        let (before, rest) = self.text.split_at_checked(hit.start)?;
        let (word, after) = rest.split_at_checked(hit.len())?;
        let grown = |inner: Option<char>, outer: Option<char>| {
            inner.is_some_and(in_word) && outer.is_some_and(in_word)
        };
        if grown(word.chars().next(), before.chars().next_back())
            || grown(word.chars().next_back(), after.chars().next())
        {
            return None;
        }
        let start = *self.from.get(hit.start)?;
        let last = *self.from.get(hit.end.checked_sub(1)?)?;
        let width = self.original.get(last..)?.chars().next()?.len_utf8();
        Some(start..last + width)
    }
}

/// What joins others to a word in scripts that part words by spaces.
fn in_word(c: char) -> bool {
    (c.is_alphanumeric() || is_combining_mark(c)) && !is_unspaced(c)
}

/// Scripts that do not part words by spaces, or join endings to them: Thai, Lao, Burmese, Khmer,
/// Chinese, Japanese, Korean.
fn is_unspaced(c: char) -> bool {
    matches!(
        u32::from(c),
        0x0e00..=0x0eff
            | 0x1000..=0x109f
            | 0x1100..=0x11ff
            | 0x1780..=0x17ff
            | 0x3005..=0x3007
            | 0x3040..=0x31ff
            | 0x3400..=0x4dbf
            | 0x4e00..=0x9fff
            | 0xa960..=0xa97f
            | 0xac00..=0xd7ff
            | 0xf900..=0xfaff
            | 0x2_0000..=0x3_ffff
    )
}

/// What takes no room between letters: soft hyphens, joiners, marks of direction, variants.
fn is_unseen(c: char) -> bool {
    matches!(
        u32::from(c),
        0x00ad | 0x034f | 0x061c | 0x180b..=0x180e | 0x200b..=0x200f | 0x202a..=0x202e
            | 0x2060..=0x206f | 0xfe00..=0xfe0f | 0xfeff | 0xe_0000..=0xe_0fff
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(list: &str, action: OnWord) -> WordFilter {
        WordFilter::new(list, action).unwrap()
    }

    fn said(filter: &WordFilter, text: &str) -> String {
        match filter.hear(&Content::Text(text.into())).unwrap() {
            Some(Content::Text(text)) => text.into(),
            _ => text.to_owned(),
        }
    }

    #[test]
    fn words_are_found_as_people_see_them() {
        let list = "# not these\n\nass\nbad  word\nÉcole\n笨蛋\nばか\n바보\nStraße\nхрен\nคำหยาบ\n";
        let filter = filter(list, OnWord::Mask);
        assert_eq!(filter.len(), 9);
        for (text, expected) in [
            ("an ASS, a class", "an ***, a class"),
            ("ass", "***"),
            ("Ass-kicking_ass", "***-kicking_***"),
            ("ass2", "ass2"),
            ("a\u{200b}ss", "****"),
            ("ａｓｓ", "***"),
            ("BAD \t WORD!", "*** \t ****!"),
            ("badword", "badword"),
            ("l'e\u{301}cole", "l'******"),
            ("l'École, l'école, ecole", "l'*****, l'*****, ecole"),
            ("écoles", "écoles"),
            ("你这笨蛋啊", "你这**啊"),
            ("このばかもの", "この**もの"),
            ("바보야", "**야"),
            ("die STRASSE", "die STRASSE"),
            ("die straße", "die ******"),
            ("ХРЕН вам, охренеть", "**** вам, охренеть"),
            ("พูดคำหยาบนะ", "พูด******นะ"),
            ("nothing of it 👍🏽", "nothing of it 👍🏽"),
            ("", ""),
        ] {
            assert_eq!(said(&filter, text), expected, "{text}");
        }
    }

    #[test]
    fn a_word_in_a_longer_one_is_found_where_the_longer_one_does_not_stand() {
        let filter = filter("hell\nhell hound\n", OnWord::Mask);
        assert_eq!(said(&filter, "hell hounds"), "**** hounds");
        assert_eq!(said(&filter, "hell hound"), "**** *****");
        assert_eq!(said(&filter, "shell"), "shell");
    }

    #[test]
    fn denying_says_so_and_names_are_denied_anyway() {
        let deny = filter("damn\n", OnWord::Deny);
        assert!(deny.hear(&Content::Text("Damn!".into())).is_err());
        assert_eq!(deny.hear(&Content::Text("dams".into())), Ok(None));
        let mask = filter("damn\n", OnWord::Mask);
        assert!(mask.allows("damn geese").is_err() && mask.allows("geese").is_ok());
    }

    #[test]
    fn texts_in_json_are_looked_at_and_urls_are_not() {
        let filter = filter("damn\n", OnWord::Mask);
        let json = r#"{"url":"https://x.org/damn.png","caption":["so damn"],"n":{"a":"damn"}}"#;
        let Ok(Some(Content::Image(now))) = filter.hear(&Content::Image(json.into())) else {
            panic!()
        };
        let now: Value = serde_json::from_str(&now).unwrap();
        let expected = r#"{"url":"https://x.org/damn.png","caption":["so ****"],"n":{"a":"****"}}"#;
        assert_eq!(now, serde_json::from_str::<Value>(expected).unwrap());
        for fine in [r#"{"damn":1}"#, "\"dams\"", "1e400", "[]"] {
            assert_eq!(filter.hear(&Content::Custom(fine.into())), Ok(None), "{fine}");
        }
    }

    #[test]
    fn an_empty_list_finds_nothing_and_a_long_one_is_refused() {
        assert!(filter(" \n# only this\n", OnWord::Deny).allows("anything").is_ok());
        let long = "x".repeat(MAX_LIST + 1);
        assert_eq!(WordFilter::new(&long, OnWord::Deny).unwrap_err(), BadList::TooLong);
    }
}
