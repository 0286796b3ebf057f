//! Protobuf fields, written into and read from bytes without a struct in between: for the
//! frames that every message passes through. The results are prost's, byte for byte.

use super::CodecError;

const VARINT: u32 = 0;
const FIXED64: u32 = 1;
const LEN: u32 = 2;
const FIXED32: u32 = 5;

/// How many bytes `value` takes.
#[inline]
pub(crate) const fn varint_len(value: u64) -> usize {
    // One byte per seven significant bits, at least one.
    (((value | 1).ilog2() as usize) * 9 + 73) / 64
}

/// Appends `value`.
#[inline]
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[inline]
const fn key(number: u32, wire: u32) -> u64 {
    (number << 3 | wire) as u64
}

/// The length of an integer field; 0 is left out, as proto3 says.
#[inline]
pub(crate) const fn uint_len(number: u32, value: u64) -> usize {
    if value == 0 { 0 } else { varint_len(key(number, VARINT)) + varint_len(value) }
}

/// Appends an integer field.
#[inline]
pub(crate) fn put_uint(out: &mut Vec<u8>, number: u32, value: u64) {
    if value != 0 {
        put_varint(out, key(number, VARINT));
        put_varint(out, value);
    }
}

/// The length of a `fixed64` field.
#[inline]
pub(crate) const fn fixed64_len(number: u32, value: u64) -> usize {
    if value == 0 { 0 } else { varint_len(key(number, FIXED64)) + 8 }
}

/// Appends a `fixed64` field.
#[inline]
pub(crate) fn put_fixed64(out: &mut Vec<u8>, number: u32, value: u64) {
    if value != 0 {
        put_varint(out, key(number, FIXED64));
        out.extend_from_slice(&value.to_le_bytes());
    }
}

/// The length of a field with `len` bytes inside, present even when they are none.
#[inline]
pub(crate) const fn nested_len(number: u32, len: usize) -> usize {
    varint_len(key(number, LEN)) + varint_len(len as u64) + len
}

/// The length of a bytes or string field; empty ones are left out.
#[inline]
pub(crate) const fn bytes_len(number: u32, len: usize) -> usize {
    if len == 0 { 0 } else { nested_len(number, len) }
}

/// Appends what stands in front of a field's `len` bytes.
#[inline]
pub(crate) fn put_nested(out: &mut Vec<u8>, number: u32, len: usize) {
    put_varint(out, key(number, LEN));
    put_varint(out, len as u64);
}

/// Appends a bytes or string field.
#[inline]
pub(crate) fn put_bytes(out: &mut Vec<u8>, number: u32, bytes: &[u8]) {
    if !bytes.is_empty() {
        put_nested(out, number, bytes.len());
        out.extend_from_slice(bytes);
    }
}

/// A field's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Int(u64),
    Fixed64(u64),
    Fixed32,
    Bytes(&'a [u8]),
}

impl<'a> Value<'a> {
    #[inline]
    pub(crate) fn int(self) -> Result<u64, CodecError> {
        match self {
            Self::Int(value) => Ok(value),
            _ => Err(CodecError::Field),
        }
    }

    #[inline]
    pub(crate) fn bytes(self) -> Result<&'a [u8], CodecError> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            _ => Err(CodecError::Field),
        }
    }

    #[inline]
    pub(crate) fn text(self) -> Result<&'a str, CodecError> {
        std::str::from_utf8(self.bytes()?).map_err(|_| CodecError::Utf8)
    }
}

/// The fields of a message, in order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl<'a> Fields<'a> {
    /// The next field; `None` at the end.
    #[inline]
    pub(crate) fn next(&mut self) -> Result<Option<(u32, Value<'a>)>, CodecError> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let key = u32::try_from(self.varint()?).map_err(|_| CodecError::Field)?;
        let number = key >> 3;
        if number == 0 {
            return Err(CodecError::Field);
        }
        let value = match key & 7 {
            VARINT => Value::Int(self.varint()?),
            FIXED64 => {
                let (bytes, rest) = self.0.split_first_chunk().ok_or(CodecError::Field)?;
                self.0 = rest;
                Value::Fixed64(u64::from_le_bytes(*bytes))
            }
            LEN => {
                let len = usize::try_from(self.varint()?).map_err(|_| CodecError::Field)?;
                let (bytes, rest) = self.0.split_at_checked(len).ok_or(CodecError::Field)?;
                self.0 = rest;
                Value::Bytes(bytes)
            }
            FIXED32 => {
                let (_, rest) = self.0.split_first_chunk::<4>().ok_or(CodecError::Field)?;
                self.0 = rest;
                Value::Fixed32
            }
            // Groups: protobuf itself has given them up, and no frame has one.
            _ => return Err(CodecError::Group),
        };
        Ok(Some((number, value)))
    }

    #[inline]
    fn varint(&mut self) -> Result<u64, CodecError> {
        // Keys, kinds and most lengths are one byte.
        match self.0.split_first() {
            Some((&byte, rest)) if byte < 0x80 => {
                self.0 = rest;
                Ok(byte.into())
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Result<u64, CodecError> {
        let mut value = 0_u64;
        for n in 0..10 {
            let (&byte, rest) = self.0.split_first().ok_or(CodecError::Field)?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << (7 * n);
            if byte < 0x80 {
                // The tenth byte has room for one bit.
                return if n == 9 && byte > 1 { Err(CodecError::Field) } else { Ok(value) };
            }
        }
        Err(CodecError::Field)
    }
}

/// The request id of a body that cannot be read otherwise: its first field, if that is number 1
/// and an integer. With it a bad request is refused alone, and not its link.
pub(crate) fn request_id(body: &[u8]) -> Option<u32> {
    match Fields(body).next() {
        Ok(Some((1, Value::Int(id)))) => u32::try_from(id).ok().filter(|id| *id != 0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_those_of_what_is_written() {
        for shift in 0..64 {
            for value in [1_u64 << shift, (1 << shift) - 1, u64::MAX >> shift] {
                let mut out = Vec::new();
                put_varint(&mut out, value);
                assert_eq!(out.len(), varint_len(value), "{value}");
                assert_eq!(Fields(&out).varint(), Ok(value));
            }
        }
    }

    #[test]
    fn overlong_varints_are_refused() {
        assert_eq!(Fields(&[0xff; 11]).varint(), Err(CodecError::Field));
        let mut bytes = [0x80; 10];
        bytes[9] = 2;
        assert_eq!(Fields(&bytes).varint(), Err(CodecError::Field));
    }

    #[test]
    fn a_request_is_known_by_its_first_field_only() {
        assert_eq!(request_id(&[0x08, 0x07, 0xff]), Some(7));
        assert_eq!(request_id(&[0x12, 0x00, 0x08, 0x07]), None);
        assert_eq!(request_id(&[0x08, 0x00]), None);
        assert_eq!(request_id(&[]), None);
    }
}
