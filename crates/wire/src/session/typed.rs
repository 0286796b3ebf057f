//! How often a link says that someone is typing.

use anser_domain::Millis;

use crate::limits::TYPING_SECONDS;

/// The stretch of the clock in which a link last said something of typing, and below it a bit for
/// each word that it said then. Two bytes, because every idle link has them: stretches repeat
/// after hours, and what that may cost is one notice.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Typed(u16);

const WORDS: u16 = 0b11;

impl Typed {
    /// Whether a notice may pass: the first of its kind in a stretch.
    pub(super) fn may_say(&mut self, active: bool, wall: Millis) -> bool {
        // Stretches are only told apart, so a clock that is set back locks nobody out.
        let stretch = ((wall.0 / (1000 * i64::from(TYPING_SECONDS))) as u16) << 2;
        if self.0 & !WORDS != stretch {
            self.0 = stretch;
        }
        let word = if active { 0b01 } else { 0b10 };
        let first = self.0 & word == 0;
        self.0 |= word;
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_passes_once_a_second() {
        let mut typed = Typed::default();
        let table = [
            (10_000, true, true),
            (10_500, true, false),
            (10_500, false, true),
            (10_600, true, false),
            (10_999, false, false),
            (11_000, true, true),
            (11_100, true, false),
            // The clock is set back.
            (4_000, true, true),
        ];
        for (at, active, passes) in table {
            assert_eq!(typed.may_say(active, Millis(at)), passes, "{active} at {at}");
        }
    }
}
