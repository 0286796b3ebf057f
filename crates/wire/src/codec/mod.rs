//! Frames to bytes and back. Both ends use it: sessions here, clients in `anser-client`.
//!
//! ```
//! use anser_wire::{codec, frame::{Frame, Ping}};
//!
//! let frame = Frame::from(Ping { nonce: 7, heartbeat_ms: 0 });
//! let mut bytes = Vec::new();
//! codec::write(&frame, &mut bytes);
//! assert_eq!(codec::read(&bytes, 1024), Ok(Some((bytes.len(), Some(frame)))));
//! assert_eq!(codec::read(&bytes[..2], 1024), Ok(None), "more bytes are needed");
//! ```

pub mod compress;
pub(crate) mod field;
mod header;
pub(crate) mod hot;

pub use self::{
    header::{
        COMPRESSED, CRITICAL, MAX_LENGTH_BYTES, Raw, TYPE_MASK, first_byte, put_header, split,
    },
    hot::{SendRef, SourceRef, put_delivery, put_send_ack},
};
use crate::frame::{Frame, FrameType};

/// Bytes that are no frame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// Type 0.
    #[error("no frame has type 0")]
    Type,
    /// A length of more than four bytes.
    #[error("a length has at most four bytes")]
    Length,
    /// A body above the bound.
    #[error("a body of {len} bytes is above the bound of {max}")]
    TooLong {
        /// What the header says, or what the body would become.
        len: usize,
        /// The bound.
        max: usize,
    },
    /// A type that is not known and may not be passed over.
    #[error("frame type {0} is critical and not known here")]
    UnknownCritical(u8),
    /// A body that is not the protobuf it should be.
    #[error("the body is not the protobuf that the frame's type asks for")]
    Field,
    /// A protobuf group, which no frame has.
    #[error("protobuf groups are not part of this protocol")]
    Group,
    /// Text that is not UTF-8.
    #[error("a text is not UTF-8")]
    Utf8,
    /// A body that claims to be compressed and cannot be restored.
    #[error("the compressed body cannot be restored")]
    Compression,
}

/// Reads the first frame of `bytes`: how many bytes it took, and the frame; `None` in its place
/// for a frame of an unknown type that may be passed over. `Ok(None)`: more bytes are needed.
///
/// # Errors
/// As [`CodecError`] says; the stream cannot be read further.
pub fn read(bytes: &[u8], max_body: usize) -> Result<Option<(usize, Option<Frame>)>, CodecError> {
    let Some(raw) = split(bytes, max_body)? else { return Ok(None) };
    let Some(frame_type) = raw.frame_type() else { return Ok(Some((raw.len, None))) };
    let frame = if raw.is_compressed() {
        compress::restore(raw.body, max_body, |body| decode(frame_type, body))??
    } else {
        decode(frame_type, raw.body)?
    };
    Ok(Some((raw.len, Some(frame))))
}

/// Reads an uncompressed body.
///
/// # Errors
/// [`CodecError::Field`].
pub fn decode(frame_type: FrameType, body: &[u8]) -> Result<Frame, CodecError> {
    Frame::from_body(frame_type, body).map_err(|_| CodecError::Field)
}

/// Appends a frame.
pub fn write(frame: &Frame, out: &mut Vec<u8>) {
    put_header(out, first_byte(frame.frame_type()), frame.body_len());
    frame.put_body(out);
}

/// Appends a frame, compressed if its body has at least `from` bytes and gets smaller by it.
/// Only for peers that agreed on [`compress::CAPABILITY`].
pub fn write_compressed(frame: &Frame, from: usize, out: &mut Vec<u8>) {
    if frame.body_len() < from {
        return write(frame, out);
    }
    let first = first_byte(frame.frame_type());
    compress::put(out, first, |body| frame.put_body(body));
}
