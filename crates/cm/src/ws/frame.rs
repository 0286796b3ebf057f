//! Frames of RFC 6455 §5.2, as a server reads and writes them.

use super::{Failure, status};

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opcode {
    Continuation = 0x0,
    Text = 0x1,
    Binary = 0x2,
    Close = 0x8,
    Ping = 0x9,
    Pong = 0xa,
}

impl Opcode {
    fn from_bits(bits: u8) -> Option<Self> {
        [Self::Continuation, Self::Text, Self::Binary, Self::Close, Self::Ping, Self::Pong]
            .into_iter()
            .find(|it| *it as u8 == bits)
    }

    fn is_control(self) -> bool {
        self as u8 & 0x8 != 0
    }
}

/// A whole frame, its payload unmasked in place.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parsed<'a> {
    pub(super) opcode: Opcode,
    /// FIN: its message ends here.
    pub(super) last: bool,
    pub(super) payload: &'a [u8],
    /// The length of the frame, header included.
    pub(super) len: usize,
}

/// The frame at the front of `bytes`, or `None` while it is not whole. Its header is judged as
/// soon as it is there; `room` is the longest payload that the message may still take.
pub(super) fn parse(bytes: &mut [u8], room: usize) -> Result<Option<Parsed<'_>>, Failure> {
    let &mut [first, second, ref rest @ ..] = bytes else { return Ok(None) };
    let last = first & 0x80 != 0;
    // No extension is ever negotiated (§5.2), and clients mask (§5.1).
    if first & 0x70 != 0 || second & 0x80 == 0 {
        return Err(status::PROTOCOL_ERROR);
    }
    let opcode = Opcode::from_bits(first & 0x0f).ok_or(status::PROTOCOL_ERROR)?;
    let short = second & 0x7f;
    // §5.5
    if opcode.is_control() && (!last || short > 125) {
        return Err(status::PROTOCOL_ERROR);
    }
    let (length, header) = match (short, rest) {
        (126, [a, b, ..]) => (u64::from(u16::from_be_bytes([*a, *b])), 4),
        (127, [a, b, c, d, e, f, g, h, ..]) => {
            (u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]), 10)
        }
        (126 | 127, _) => return Ok(None),
        (length, _) => (u64::from(length), 2),
    };
    // The shortest form is the only one (§5.2).
    if (header == 4 && length < 126) || (header == 10 && length <= u64::from(u16::MAX)) {
        return Err(status::PROTOCOL_ERROR);
    }
    let length = usize::try_from(length).map_err(|_| status::TOO_BIG)?;
    if !opcode.is_control() && length > room {
        return Err(status::TOO_BIG);
    }
    let end = header + 4 + length;
    let Some(frame) = bytes.get_mut(header..end) else { return Ok(None) };
    let Some((mask, payload)) = frame.split_first_chunk_mut::<4>() else { return Ok(None) };
    unmask(payload, *mask);
    Ok(Some(Parsed { opcode, last, payload, len: end }))
}

/// §5.3
fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let wide = u64::from_ne_bytes([
        mask[0], mask[1], mask[2], mask[3], mask[0], mask[1], mask[2], mask[3],
    ]);
    let (chunks, rest) = payload.as_chunks_mut::<8>();
    for chunk in chunks {
        *chunk = (u64::from_ne_bytes(*chunk) ^ wide).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask) {
        *byte ^= mask;
    }
    if let Some((_, tail)) = rest.split_first_chunk_mut::<4>() {
        for (byte, mask) in tail.iter_mut().zip(mask) {
            *byte ^= mask;
        }
    }
}

/// Appends the header of an unmasked, whole message or control frame.
pub(super) fn put_header(out: &mut impl Extend<u8>, opcode: Opcode, len: usize) {
    out.extend([0x80 | opcode as u8]);
    match (u8::try_from(len), u16::try_from(len)) {
        (Ok(short @ ..=125), _) => out.extend([short]),
        (_, Ok(medium)) => {
            out.extend([126]);
            out.extend(medium.to_be_bytes());
        }
        _ => {
            out.extend([127]);
            out.extend((len as u64).to_be_bytes());
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A client's frame.
    pub(crate) fn client_frame(first: u8, payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
        let mut frame = Vec::new();
        put_header(&mut frame, Opcode::Binary, payload.len());
        frame[0] = first;
        frame[1] |= 0x80;
        frame.extend(mask);
        frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        frame
    }

    proptest! {
        #[test]
        fn frames_come_back_whole_from_any_length_and_mask(
            payload in proptest::collection::vec(any::<u8>(), 0..400),
            mask in any::<[u8; 4]>(),
        ) {
            let mut bytes = client_frame(0x82, &payload, mask);
            let len = bytes.len();
            for cut in 0..len {
                let mut part = bytes[..cut].to_vec();
                prop_assert_eq!(parse(&mut part, 1000), Ok(None));
            }
            let parsed = parse(&mut bytes, 1000).unwrap().unwrap();
            prop_assert_eq!(parsed.payload, &payload[..]);
            prop_assert_eq!((parsed.len, parsed.last), (len, true));
        }

        #[test]
        fn arbitrary_bytes_never_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = parse(&mut bytes, 1000);
        }
    }

    #[test]
    fn the_illegal_is_refused_by_its_header_alone() {
        let table: [(&[u8], Failure); 9] = [
            (&[0xc2, 0x80], status::PROTOCOL_ERROR),         // RSV1
            (&[0x82, 0x00], status::PROTOCOL_ERROR),         // not masked
            (&[0x83, 0x80], status::PROTOCOL_ERROR),         // reserved data opcode
            (&[0x8b, 0x80], status::PROTOCOL_ERROR),         // reserved control opcode
            (&[0x09, 0x80], status::PROTOCOL_ERROR),         // fragmented ping
            (&[0x89, 0xfe, 0, 126], status::PROTOCOL_ERROR), // long ping
            (&[0x82, 0xfe, 0, 125], status::PROTOCOL_ERROR), // not the shortest form
            (&[0x82, 0xff, 0, 0, 0, 0, 0, 0, 0, 1], status::PROTOCOL_ERROR),
            (&[0x82, 0xff, 0x7f, 0, 0, 0, 0, 0, 0, 0], status::TOO_BIG),
        ];
        for (bytes, code) in table {
            assert_eq!(parse(&mut bytes.to_vec(), 1000), Err(code), "{bytes:x?}");
        }
    }

    #[test]
    fn headers_take_the_shortest_form() {
        for (len, head) in [
            (0, vec![0x82, 0]),
            (125, vec![0x82, 125]),
            (126, vec![0x82, 126, 0, 126]),
            (65_536, vec![0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            let mut out = Vec::new();
            put_header(&mut out, Opcode::Binary, len);
            assert_eq!(out, head);
        }
    }
}
