//! What a message of a run says, so that its receiver can tell whether it is lost, doubled or
//! out of order, and how long it took: run, stream, counter and the time at which it was meant
//! to be sent, as hexadecimal digits, then padding.

/// Digits of each part, in order.
const DIGITS: [usize; 4] = [8, 8, 12, 12];
/// The shortest body.
pub(super) const SHORTEST: usize = 8 + 8 + 12 + 12;

/// The beginning of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Label {
    /// Which run: earlier ones may have left messages to catch up with.
    pub(super) run: u32,
    /// Which sender's messages to which conversation.
    pub(super) stream: u32,
    /// 0, 1, 2 … within the stream.
    pub(super) counter: u64,
    /// Microseconds since the run's beginning.
    pub(super) intended: u64,
}

impl Label {
    /// Replaces `text` by a body of `len` bytes.
    pub(super) fn write(self, len: usize, text: &mut String) {
        text.clear();
        let parts = [u64::from(self.run), u64::from(self.stream), self.counter, self.intended];
        for (value, digits) in parts.into_iter().zip(DIGITS) {
            for place in (0..digits).rev() {
                let nibble = u32::try_from(value >> (4 * place) & 0xf).unwrap_or(0);
                text.push(char::from_digit(nibble, 16).unwrap_or('0'));
            }
        }
        text.extend(std::iter::repeat_n('.', len.saturating_sub(SHORTEST)));
    }

    /// Reads a body; `None` when it is none of a run's.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let mut rest = body;
        let mut part = |digits: usize| {
            let (front, behind) = rest.split_at_checked(digits)?;
            rest = behind;
            front.iter().try_fold(0_u64, |value, byte| {
                let digit = char::from(*byte).to_digit(16)?;
                Some(value << 4 | u64::from(digit))
            })
        };
        let [run, stream, counter, intended] = DIGITS;
        Some(Self {
            run: u32::try_from(part(run)?).ok()?,
            stream: u32::try_from(part(stream)?).ok()?,
            counter: part(counter)?,
            intended: part(intended)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_read_back_from_bodies_of_any_length() {
        let label = Label { run: 0xdead_beef, stream: 7, counter: 1 << 40, intended: 123_456_789 };
        let mut text = String::from("left over");
        label.write(128, &mut text);
        assert_eq!(text.len(), 128);
        assert_eq!(Label::read(text.as_bytes()), Some(label));
        label.write(0, &mut text);
        assert_eq!(text.len(), SHORTEST);
        assert_eq!(Label::read(text.as_bytes()), Some(label));
        assert_eq!(Label::read(b"hello"), None);
        assert_eq!(Label::read(&[b'x'; 64]), None);
    }
}
