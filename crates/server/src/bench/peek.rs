//! The three fields of a DELIVER that a load generator looks at, without building the rest.

/// What is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Peek<'a> {
    pub(super) conv: u64,
    pub(super) seq: u64,
    pub(super) body: &'a [u8],
}

impl<'a> Peek<'a> {
    /// Reads the body of a DELIVER; `None` when it is not protobuf.
    pub(super) fn read(mut bytes: &'a [u8]) -> Option<Self> {
        let mut peek = Self::default();
        while !bytes.is_empty() {
            let key = varint(&mut bytes)?;
            let (field, wire) = (key >> 3, key & 7);
            match wire {
                0 => match (field, varint(&mut bytes)?) {
                    (1, value) => peek.conv = value,
                    (3, value) => peek.seq = value,
                    _ => {}
                },
                1 => bytes = bytes.get(8..)?,
                2 => {
                    let len = usize::try_from(varint(&mut bytes)?).ok()?;
                    let (value, behind) = bytes.split_at_checked(len)?;
                    bytes = behind;
                    if field == 10 {
                        peek.body = value;
                    }
                }
                5 => bytes = bytes.get(4..)?,
                _ => return None,
            }
        }
        Some(peek)
    }
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use anser_wire::{codec, frame};

    use super::*;

    #[test]
    fn what_the_codec_writes_is_read() {
        let deliver = frame::Deliver {
            conv: 300,
            at: "u:bob".into(),
            seq: 1 << 40,
            message_id: 9,
            client_id: vec![1; 16],
            body: "hello".into(),
            ts: -1,
            ..Default::default()
        };
        let mut bytes = Vec::new();
        codec::write(&deliver.into(), &mut bytes);
        let raw = codec::split(&bytes, 1024).unwrap().unwrap();
        let peek = Peek::read(raw.body).unwrap();
        assert_eq!(peek, Peek { conv: 300, seq: 1 << 40, body: b"hello" });
        assert_eq!(Peek::read(&raw.body[..2]), None);
    }
}
