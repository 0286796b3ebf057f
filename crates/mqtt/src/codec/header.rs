//! A packet's first bytes: type and flags, then how long the rest is (MQTT 5 §2.1).

use super::{
    CodecError, PacketType, Reason,
    bytes::{MAX_LENGTH, varint, varint_len},
    malformed,
};

/// A packet cut out of a stream and not yet looked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Raw<'a> {
    /// Its type.
    pub packet_type: PacketType,
    /// Type and flags as they came.
    pub first: u8,
    /// The body as it came.
    pub body: &'a [u8],
    /// How many bytes the whole packet takes.
    pub len: usize,
    /// Whether its length was written in as few bytes as it needs.
    pub minimal: bool,
}

/// Cuts the packet at the front of `bytes`; `None` when more bytes are needed. Nothing is
/// allocated for what a length only promises.
///
/// # Errors
/// Type 0, a length of five bytes, or a packet of more than `max` bytes: as soon as its header
/// says so.
pub fn split(bytes: &[u8], max: usize) -> Result<Option<Raw<'_>>, CodecError> {
    let Some((&first, rest)) = bytes.split_first() else { return Ok(None) };
    let packet_type =
        PacketType::from_number(first >> 4).ok_or(malformed("packet type 0 is reserved"))?;
    let Some(length) = varint(rest)? else { return Ok(None) };
    let head = 1 + length.len;
    let len = head + length.value as usize;
    if len > max {
        return Err(CodecError {
            reason: Reason::PacketTooLarge,
            text: "the packet is larger than this server takes",
        });
    }
    let Some(body) = bytes.get(head..len) else { return Ok(None) };
    Ok(Some(Raw { packet_type, first, body, len, minimal: length.minimal }))
}

/// Appends a packet whose body `write` makes. Most are short: the length is given one byte, and
/// the body moves up when it needs more.
pub(super) fn put_packet(out: &mut Vec<u8>, first: u8, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[first, 0]);
    let body = out.len();
    write(out);
    let len = out.len() - body;
    if len > MAX_LENGTH {
        return out.truncate(start);
    }
    let more = varint_len(len) - 1;
    if more > 0 {
        out.resize(out.len() + more, 0);
        out.copy_within(body..body + len, body + more);
    }
    put_length(out, start + 1, len);
}

/// Writes a length over the bytes that were left for it.
fn put_length(out: &mut [u8], at: usize, mut len: usize) {
    for byte in out.iter_mut().skip(at) {
        *byte = (len & 0x7f) as u8;
        len >>= 7;
        if len == 0 {
            break;
        }
        *byte |= 0x80;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_of_any_length_stand_behind_it() {
        for len in [0, 1, 127, 128, 16_383, 16_384, 2_097_152] {
            let mut out = vec![7];
            put_packet(&mut out, 0x30, |out| out.extend(std::iter::repeat_n(9, len)));
            let raw = split(&out[1..], usize::MAX).unwrap().unwrap();
            assert_eq!((out[0], raw.first, raw.minimal), (7, 0x30, true));
            assert_eq!((raw.len, raw.body), (out.len() - 1, &vec![9; len][..]));
        }
    }

    #[test]
    fn a_promise_of_256_mb_is_refused_by_its_header() {
        let promise = [0x10, 0xff, 0xff, 0xff, 0x7f];
        assert_eq!(split(&promise, MAX_LENGTH + 5), Ok(None));
        let refused = split(&promise, 1024).unwrap_err();
        assert_eq!(refused.reason, Reason::PacketTooLarge);
    }
}
