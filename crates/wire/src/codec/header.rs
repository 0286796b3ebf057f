//! A frame's first bytes: type and flags, then the body's length.

use super::CodecError;
use crate::frame::{FrameType, Weight};

/// The bits of the first byte that hold the type.
pub const TYPE_MASK: u8 = 0x3f;
/// The body is a zstd frame, made with the shared dictionary.
pub const COMPRESSED: u8 = 0x40;
/// Whoever does not know the type must not pass over the frame.
pub const CRITICAL: u8 = 0x80;
/// A length takes at most so many bytes, which reach to 256 MiB: more than any bound.
pub const MAX_LENGTH_BYTES: usize = 4;

/// A frame cut out of a stream and not yet looked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Raw<'a> {
    /// Type and flags.
    pub first: u8,
    /// The body as it came.
    pub body: &'a [u8],
    /// How many bytes the whole frame takes.
    pub len: usize,
}

impl Raw<'_> {
    /// Its type; `None` for one that this version does not know.
    #[must_use]
    pub fn frame_type(&self) -> Option<FrameType> {
        FrameType::from_number(self.first & TYPE_MASK)
    }

    /// Whether its body is compressed.
    #[must_use]
    pub fn is_compressed(&self) -> bool {
        self.first & COMPRESSED != 0
    }
}

/// Cuts the first frame out of `bytes`; `None` when more bytes are needed.
///
/// The bound is checked as soon as the length is there: nothing is kept for a body that will
/// not be taken.
///
/// # Errors
/// [`CodecError::Type`] and [`CodecError::UnknownCritical`] by the first byte alone,
/// [`CodecError::Length`] for a length of more than four bytes, [`CodecError::TooLong`] for one
/// above `max_body`.
pub fn split(bytes: &[u8], max_body: usize) -> Result<Option<Raw<'_>>, CodecError> {
    let Some((&first, mut rest)) = bytes.split_first() else { return Ok(None) };
    let number = first & TYPE_MASK;
    if number == 0 {
        return Err(CodecError::Type);
    }
    if first & CRITICAL != 0 && FrameType::from_number(number).is_none() {
        return Err(CodecError::UnknownCritical(number));
    }
    let mut len = 0_usize;
    for n in 0..MAX_LENGTH_BYTES {
        let Some((&byte, behind)) = rest.split_first() else { return Ok(None) };
        rest = behind;
        len |= usize::from(byte & 0x7f) << (7 * n);
        if byte & 0x80 == 0 {
            if len > max_body {
                return Err(CodecError::TooLong { len, max: max_body });
            }
            let Some(body) = rest.get(..len) else { return Ok(None) };
            return Ok(Some(Raw { first, body, len: 1 + n + 1 + len }));
        }
    }
    Err(CodecError::Length)
}

/// The first byte of an uncompressed frame.
#[must_use]
pub const fn first_byte(frame_type: FrameType) -> u8 {
    match frame_type.weight() {
        Weight::Critical => frame_type.number() | CRITICAL,
        Weight::Optional => frame_type.number(),
    }
}

/// Appends a header.
pub fn put_header(out: &mut Vec<u8>, first: u8, body_len: usize) {
    out.push(first);
    super::field::put_varint(out, body_len as u64);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_refused_before_its_body_is_waited_for() {
        // 2 GiB: a fifth length byte would be needed.
        assert_eq!(split(&[0x84, 0x80, 0x80, 0x80, 0x80, 0x08], 1000), Err(CodecError::Length));
        // 1,001 bytes, none of which has arrived.
        assert_eq!(
            split(&[0x84, 0xe9, 0x07], 1000),
            Err(CodecError::TooLong { len: 1001, max: 1000 })
        );
        assert_eq!(split(&[0x84, 0xe8, 0x07], 1000), Ok(None));
    }

    #[test]
    fn unknown_types_are_cut_out_when_optional_and_refused_when_critical() {
        let raw = split(&[0x3f, 0x01, 0xaa, 0xff], 10).unwrap().unwrap();
        assert_eq!((raw.frame_type(), raw.body, raw.len), (None, &[0xaa][..], 3));
        assert_eq!(split(&[0xbf], 10), Err(CodecError::UnknownCritical(63)));
        assert_eq!(split(&[0x00, 0x00], 10), Err(CodecError::Type));
    }

    #[test]
    fn no_frame_begins_like_a_tls_handshake() {
        for row in crate::frame::FRAMES {
            let first = first_byte(FrameType::from_number(row.number).unwrap());
            assert_ne!(first & !COMPRESSED, 0x16, "{}", row.name);
        }
    }
}
