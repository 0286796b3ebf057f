//! Any bytes as frames: decoding ends in a frame, in "more bytes are needed" or in an error, and
//! what was decoded reads the same after it is written again.
#![no_main]

use anser_wire::codec;
use libfuzzer_sys::fuzz_target;

/// Bodies above it are refused; below it, anything may come.
const MAX_BODY: usize = 64 << 10;

fuzz_target!(|bytes: &[u8]| {
    let mut rest = bytes;
    while let Ok(Some((len, frame))) = codec::read(rest, MAX_BODY) {
        assert!(len <= rest.len(), "a frame ends inside the bytes");
        // Nothing shorter is taken for the whole.
        for cut in [0, 1, len / 2, len - 1] {
            assert_eq!(codec::read(&rest[..cut], MAX_BODY), Ok(None), "cut at {cut} of {len}");
        }
        if let Some(frame) = frame {
            let mut written = Vec::new();
            codec::write(&frame, &mut written);
            let again = codec::read(&written, usize::MAX);
            assert_eq!(again, Ok(Some((written.len(), Some(frame)))));
        }
        rest = &rest[len..];
    }
});
