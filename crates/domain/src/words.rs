//! The words that texts are found by: one rule for names and messages alike.

/// Longest word that is kept, in characters; the rest of a longer one is not searched.
const MAX_WORD: usize = 32;

/// The words of a text to be found, in small letters. Scripts without spaces are cut into
/// overlapping pairs of characters, and the last character of a run stands alone too, so that
/// the beginning of a pair finds every character.
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    cut(text, true)
}

/// The words of a question: as [`words`], but a run of a script without spaces is asked by its
/// pairs, and by its character only when it is one.
#[must_use]
pub fn asked_words(text: &str) -> Vec<String> {
    cut(text, false)
}

fn cut(text: &str, to_find: bool) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut run) = (String::new(), Vec::new());
    for c in text.chars().flat_map(char::to_lowercase).chain([' ']) {
        let paired = is_paired(c);
        if !paired && !run.is_empty() {
            pairs(&std::mem::take(&mut run), to_find, &mut words);
        }
        if (paired || !c.is_alphanumeric()) && !word.is_empty() {
            words.push(std::mem::take(&mut word).chars().take(MAX_WORD).collect());
        }
        if paired {
            run.push(c);
        } else if c.is_alphanumeric() {
            word.push(c);
        }
    }
    words.sort_unstable();
    words.dedup();
    words
}

fn pairs(run: &[char], to_find: bool, words: &mut Vec<String>) {
    words.extend(run.windows(2).map(|pair| pair.iter().collect::<String>()));
    if to_find || run.len() == 1 {
        words.extend(run.last().map(char::to_string));
    }
}

/// Whether a character belongs to a script that is written without spaces: Han, kana, Hangul,
/// Thai, Lao, Khmer, Myanmar.
fn is_paired(c: char) -> bool {
    matches!(c,
        '\u{0E00}'..='\u{0EFF}' | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{17FF}'
        | '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}'
        | '\u{AC00}'..='\u{D7AF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{2FFFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_into_words_and_pairs() {
        assert_eq!(words("Alice, the Wild-Goose 7"), ["7", "alice", "goose", "the", "wild"]);
        assert_eq!(words("鸿雁来"), ["来", "雁来", "鸿雁"]);
        assert_eq!(asked_words("鸿雁来"), ["雁来", "鸿雁"]);
        assert_eq!(asked_words("雁"), ["雁"]);
        assert_eq!(words("bob鸿雁"), ["bob", "雁", "鸿雁"]);
        assert_eq!(words("  \u{7} "), Vec::<String>::new());
    }
}
