//! The bytes of files: kept in a directory or an S3-compatible store, and looked at before anyone
//! else gets to see them.
//!
//! ```text
//!  piece ──► Blobs::put ──► SHARD/FILE/AT-NONCE      synced before it returns
//!  file  ◄── Blobs::read ◄─ its pieces, one after another
//!  bytes ──► sniff (what is it?) ──► picture (how large? a thumbnail)
//! ```
//!
//! Who owns a file and who may see it is the SM's to say; nothing here asks. A file's blobs are
//! all under its id, so that whoever has the row finds every byte.

mod picture;
mod place;
mod sniff;
mod store;

pub use picture::{MAX_DECODED, MAX_PIXELS, PictureError, Seen, THUMBNAIL_SIDE, see};
pub use place::{OpenError, Place, S3};
pub use sniff::{HEAD, Mismatch, harmless, sniff};
pub use store::{BlobError, Blobs, Content};
