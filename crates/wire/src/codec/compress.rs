//! zstd with a shared dictionary: short messages look alike, and a dictionary knows how.
//!
//! Contexts belong to threads, not to links: an idle link holds none. Every compressed body is
//! one zstd frame that says its own size, so that a bomb is refused before it is opened.

use std::{
    cell::{Cell, RefCell},
    sync::LazyLock,
};

use zstd::{
    bulk::{Compressor, Decompressor},
    dict::{DecoderDictionary, EncoderDictionary},
    zstd_safe,
};

use super::{CodecError, header};

/// What HELLO and WELCOME call compression with this very dictionary. Another dictionary is
/// another capability.
pub const CAPABILITY: &str = "zstd-1";

/// The dictionary. Made by `cargo run -p anser-wire --example train_dictionary`; it may not
/// change as long as [`CAPABILITY`] keeps its number.
pub static DICTIONARY: &[u8] = include_bytes!("../../dict/zstd-1.dict");

/// zstd's fast end: chat is short, and the dictionary does most of the work.
const LEVEL: i32 = 3;

// Read once per process; `None` only when there is no memory for it.
static ENCODER: LazyLock<Option<EncoderDictionary<'static>>> =
    LazyLock::new(|| EncoderDictionary::try_copy(DICTIONARY, LEVEL).ok());
static DECODER: LazyLock<Option<DecoderDictionary<'static>>> =
    LazyLock::new(|| DecoderDictionary::try_copy(DICTIONARY).ok());

thread_local! {
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
    /// Plain bodies on their way in and out. Taken while in use, so that a frame may be written
    /// while another is being read.
    static PLAIN: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    static PACKED: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Appends a frame whose body `write` makes: compressed if that is shorter, plain if not.
pub(crate) fn put(out: &mut Vec<u8>, first: u8, write: impl FnOnce(&mut Vec<u8>)) {
    let mut plain = PLAIN.take();
    let mut packed = PACKED.take();
    plain.clear();
    packed.clear();
    write(&mut plain);
    match pack(&plain, &mut packed) {
        Some(()) if packed.len() < plain.len() => {
            header::put_header(out, first | header::COMPRESSED, packed.len());
            out.extend_from_slice(&packed);
        }
        _ => {
            header::put_header(out, first, plain.len());
            out.extend_from_slice(&plain);
        }
    }
    PLAIN.set(plain);
    PACKED.set(packed);
}

/// `None` when zstd would not: the body then goes out plain.
fn pack(plain: &[u8], packed: &mut Vec<u8>) -> Option<()> {
    COMPRESSOR.with_borrow_mut(|slot| {
        let compressor = match slot {
            Some(compressor) => compressor,
            None => slot.insert(new_compressor()?),
        };
        packed.reserve(zstd_safe::compress_bound(plain.len()));
        compressor.compress_to_buffer(plain, packed).ok().map(|_| ())
    })
}

fn new_compressor() -> Option<Compressor<'static>> {
    let mut compressor = Compressor::with_prepared_dictionary(ENCODER.as_ref()?).ok()?;
    // The capability has said which dictionary; four bytes a frame need not say it again.
    compressor.set_parameter(zstd_safe::CParameter::DictIdFlag(false)).ok()?;
    Some(compressor)
}

fn new_decompressor() -> Option<Decompressor<'static>> {
    Decompressor::with_prepared_dictionary(DECODER.as_ref()?).ok()
}

/// Restores a compressed body and hands it to `read`.
///
/// # Errors
/// [`CodecError::TooLong`] if it says that it is longer than `max_body`, before anything is
/// allocated; [`CodecError::Compression`] if it does not say so or cannot be restored.
pub fn restore<T>(
    packed: &[u8],
    max_body: usize,
    read: impl FnOnce(&[u8]) -> T,
) -> Result<T, CodecError> {
    let len = zstd_safe::get_frame_content_size(packed)
        .ok()
        .flatten()
        .and_then(|len| usize::try_from(len).ok())
        .ok_or(CodecError::Compression)?;
    if len > max_body {
        return Err(CodecError::TooLong { len, max: max_body });
    }
    let mut plain = PLAIN.take();
    plain.clear();
    // zstd writes at most the capacity, whatever the frame goes on to say.
    plain.reserve_exact(len);
    let restored = DECOMPRESSOR.with_borrow_mut(|slot| {
        let decompressor = match slot {
            Some(decompressor) => decompressor,
            None => slot.insert(new_decompressor()?),
        };
        decompressor.decompress_to_buffer(packed, &mut plain).ok()
    });
    let result = match restored {
        Some(restored) if restored == len => Ok(read(&plain)),
        _ => Err(CodecError::Compression),
    };
    PLAIN.set(plain);
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{read, split, write, write_compressed};
    use crate::frame::{Frame, Send};

    fn long_text(len: usize) -> Frame {
        let body: String =
            "the geese are flying south again tonight, ".chars().cycle().take(len).collect();
        Send { id: 1, to: "g:geese".into(), body, ..Send::default() }.into()
    }

    #[test]
    fn what_was_compressed_reads_back_and_is_shorter() {
        let frame = long_text(2000);
        let (mut plain, mut packed) = (Vec::new(), Vec::new());
        write(&frame, &mut plain);
        write_compressed(&frame, 64, &mut packed);
        assert!(packed.len() * 4 < plain.len(), "{} of {}", packed.len(), plain.len());
        assert_eq!(packed[0], plain[0] | header::COMPRESSED);
        assert_eq!(read(&packed, 4096), Ok(Some((packed.len(), Some(frame)))));
    }

    #[test]
    fn what_would_not_get_shorter_goes_out_plain() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as u8
        })
        .take(400)
        .collect();
        let frame = Frame::from(Send { id: 1, payload: noise, ..Send::default() });
        let (mut plain, mut packed) = (Vec::new(), Vec::new());
        write(&frame, &mut plain);
        write_compressed(&frame, 64, &mut packed);
        assert_eq!(plain, packed);
    }

    #[test]
    fn a_bomb_is_refused_by_what_it_says_and_by_what_it_does() {
        let bomb = zstd::bulk::compress(&vec![0; 100 << 20], 19).unwrap();
        assert!(bomb.len() < 20_000);
        let says = restore(&bomb, 256 << 10, |_| ());
        assert_eq!(says, Err(CodecError::TooLong { len: 100 << 20, max: 256 << 10 }));
        // Two frames, of which only the first one's size is looked at.
        let small = zstd::bulk::compress(&[0; 16], 3).unwrap();
        let both = [small, bomb].concat();
        assert_eq!(restore(&both, 256 << 10, |_| ()), Err(CodecError::Compression));
        // A stream that does not say how long it is.
        let mut quiet = zstd::stream::Encoder::new(Vec::new(), 3).unwrap();
        std::io::Write::write_all(&mut quiet, &[0; 1000]).unwrap();
        assert_eq!(
            restore(&quiet.finish().unwrap(), 256 << 10, |_| ()),
            Err(CodecError::Compression)
        );
    }

    #[test]
    fn the_dictionary_pays_for_what_is_typical() {
        let body = r#"{"url":"https://files.example.com/f/81","name":"photo_81.jpg","mime":"image/jpeg","size":91827,"width":4032,"height":3024}"#;
        let frame =
            Frame::from(Send { id: 1, to: "u:bob".into(), body: body.into(), ..Send::default() });
        let (mut plain, mut packed) = (Vec::new(), Vec::new());
        frame.put_body(&mut plain);
        write_compressed(&frame, 0, &mut packed);
        let alone = zstd::bulk::compress(&plain, LEVEL).unwrap();
        assert!(packed.len() * 3 < plain.len() * 2, "{} of {}", packed.len(), plain.len());
        assert!(packed.len() * 3 < alone.len() * 2, "{} of {}", packed.len(), alone.len());
    }

    #[test]
    fn damaged_bodies_are_refused() {
        let mut packed = Vec::new();
        write_compressed(&long_text(1000), 64, &mut packed);
        let raw = split(&packed, 4096).unwrap().unwrap();
        for cut in 0..raw.body.len() {
            assert!(restore(&raw.body[..cut], 4096, |_| ()).is_err(), "cut at {cut}");
        }
    }
}
