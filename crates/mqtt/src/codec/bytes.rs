//! Numbers, text and bytes as MQTT writes them (MQTT 5 §1.5).

use super::{CodecError, malformed};

/// The greatest variable byte integer, and so the greatest length: four bytes of seven bits each.
pub const MAX_LENGTH: usize = 268_435_455;

/// What is left of a packet's body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

const CUT: CodecError = malformed("a field reaches beyond its packet");

impl<'a> Reader<'a> {
    pub(super) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// Nothing may be left over.
    pub(super) fn end(self) -> Result<(), CodecError> {
        if self.is_empty() { Ok(()) } else { Err(malformed("bytes follow the last field")) }
    }

    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8], CodecError> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(CUT)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], CodecError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(CUT)?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(super) fn byte(&mut self) -> Result<u8, CodecError> {
        self.array().map(|[byte]| byte)
    }

    pub(super) fn two(&mut self) -> Result<u16, CodecError> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn four(&mut self) -> Result<u32, CodecError> {
        self.array().map(u32::from_be_bytes)
    }

    /// A packet id, which is never 0 [MQTT-2.2.1-3].
    pub(super) fn packet_id(&mut self) -> Result<u16, CodecError> {
        match self.two()? {
            0 => Err(malformed("packet id 0")),
            id => Ok(id),
        }
    }

    /// A variable byte integer in as few bytes as it needs [MQTT-1.5.5-1].
    pub(super) fn varint(&mut self) -> Result<u32, CodecError> {
        match varint(self.0)? {
            Some(found) if !found.minimal => Err(malformed("a number in more bytes than it needs")),
            Some(found) => {
                self.take(found.len)?;
                Ok(found.value)
            }
            None => Err(CUT),
        }
    }

    pub(super) fn binary(&mut self) -> Result<&'a [u8], CodecError> {
        let len = self.two()?;
        self.take(len.into())
    }

    /// Well-formed UTF-8, which has no surrogates [MQTT-1.5.4-1], and no U+0000 [MQTT-1.5.4-2].
    /// A U+FEFF is text like any other [MQTT-1.5.4-3].
    pub(super) fn text(&mut self) -> Result<&'a str, CodecError> {
        let bytes = self.binary()?;
        let text = std::str::from_utf8(bytes).map_err(|_| malformed("text is not UTF-8"))?;
        if bytes.contains(&0) {
            return Err(malformed("text holds U+0000"));
        }
        Ok(text)
    }
}

/// A variable byte integer that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Varint {
    pub(super) value: u32,
    /// Bytes it took.
    pub(super) len: usize,
    /// Whether it would not have fitted into fewer.
    pub(super) minimal: bool,
}

/// Reads one at the front; `None` when more bytes are needed.
pub(super) fn varint(bytes: &[u8]) -> Result<Option<Varint>, CodecError> {
    let mut value = 0;
    for (at, byte) in bytes.iter().take(4).enumerate() {
        value |= u32::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            let minimal = at == 0 || *byte != 0;
            return Ok(Some(Varint { value, len: at + 1, minimal }));
        }
    }
    if bytes.len() < 4 { Ok(None) } else { Err(malformed("a length of more than four bytes")) }
}

/// How many bytes `value` takes.
pub(super) const fn varint_len(value: usize) -> usize {
    match value {
        0..=0x7f => 1,
        0x80..=0x3fff => 2,
        0x4000..=0x1f_ffff => 3,
        _ => 4,
    }
}

pub(super) fn put_varint(out: &mut Vec<u8>, mut value: usize) {
    while value > 0x7f {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(super) fn put_two(out: &mut Vec<u8>, value: u16) {
    out.extend_from_slice(&value.to_be_bytes());
}

/// Appends bytes under their length. What is above 65,535 bytes cannot be said and is cut there;
/// everything that was read fits.
pub(super) fn put_binary(out: &mut Vec<u8>, bytes: &[u8]) {
    let len = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    put_two(out, len);
    out.extend_from_slice(bytes.get(..len.into()).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bounds_of_every_length_of_a_number_are_those_of_the_standard() {
        // MQTT 5 §1.5.5, table 1-1.
        for (len, from, to) in
            [(1, 0, 127), (2, 128, 16_383), (3, 16_384, 2_097_151), (4, 2_097_152, MAX_LENGTH)]
        {
            for value in [from, to] {
                let mut out = Vec::new();
                put_varint(&mut out, value);
                assert_eq!((out.len(), varint_len(value)), (len, len), "{value}");
                let found = Varint { value: value as u32, len, minimal: true };
                assert_eq!(varint(&out), Ok(Some(found)));
                for cut in 0..len {
                    assert_eq!(varint(&out[..cut]), Ok(None), "{value} cut at {cut}");
                }
            }
        }
        assert!(varint(&[0xff, 0xff, 0xff, 0xff]).is_err(), "a fifth byte would follow");
        assert!(Reader(&[0x80, 0x00]).varint().is_err(), "0 in two bytes");
    }
}
