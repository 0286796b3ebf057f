//! Pictures: how large they are, and a small form of them. A bomb is told by its header; what is
//! decoded has a bound in pixels and in memory, and so in time.

use std::io::Cursor;

use anser_domain::{MediaType, Picture, Thumbnail};
use image::{
    DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, Limits,
    codecs::{jpeg::JpegEncoder, webp::WebPEncoder},
    metadata::Orientation,
};
use tokio::sync::Semaphore;

/// Most pixels a picture may have: twice what phones make. Whoever shows it needs four bytes each.
pub const MAX_PIXELS: u64 = 200_000_000;
/// Most pixels of which a small form is made: half a second of one core's work.
const MAX_SHRUNK: u64 = 50_000_000;
/// Most memory that decoding takes.
const MAX_MEMORY: u64 = 256 << 20;
/// Larger files are not decoded.
pub const MAX_DECODED: u64 = 32 << 20;
/// Longest side of the small form, in pixels: a row of a chat on a dense screen.
pub const THUMBNAIL_SIDE: u32 = 320;
/// Small enough that artefacts are not seen, a tenth of the best quality's size.
const QUALITY: u8 = 75;
/// So many pictures are decoded at a time, each within [`MAX_MEMORY`].
static DECODING: Semaphore = Semaphore::const_new(2);

/// Why something is not taken as a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    /// It has more than [`MAX_PIXELS`].
    #[error("the picture has more pixels than the server allows")]
    TooLarge,
    /// Its header cannot be read.
    #[error("the picture cannot be read")]
    Broken,
}

/// What was seen of a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its measures.
    pub picture: Picture,
    /// Its small form, where one was made. Nothing but pixels: no place, no camera, no name.
    pub thumbnail: Option<Vec<u8>>,
}

/// Looks at a picture, on a thread where that keeps nobody waiting. `None` for types that have no
/// measures here.
///
/// # Errors
/// [`PictureError`].
pub async fn see(media: &MediaType, bytes: Vec<u8>) -> Option<Result<Seen, PictureError>> {
    let format = match media.as_str() {
        "image/png" => ImageFormat::Png,
        "image/jpeg" => ImageFormat::Jpeg,
        "image/gif" => ImageFormat::Gif,
        "image/webp" => ImageFormat::WebP,
        _ => return None,
    };
    let place = DECODING.acquire().await.ok()?;
    let seen = tokio::task::spawn_blocking(move || look(format, &bytes)).await;
    drop(place);
    // A decoder that panics has met a picture that is none.
    Some(seen.unwrap_or(Err(PictureError::Broken)))
}

fn look(format: ImageFormat, bytes: &[u8]) -> Result<Seen, PictureError> {
    let measured = ImageReader::with_format(Cursor::new(bytes), format).into_dimensions();
    let (width, height) = measured.map_err(|error| match error {
        // The decoder's own bounds, met while reading the header.
        image::ImageError::Limits(_) => PictureError::TooLarge,
        _ => PictureError::Broken,
    })?;
    let pixels = u64::from(width) * u64::from(height);
    if pixels == 0 {
        return Err(PictureError::Broken);
    }
    if pixels > MAX_PIXELS {
        return Err(PictureError::TooLarge);
    }
    let shrunk = if pixels <= MAX_SHRUNK { shrink(format, bytes) } else { None };
    let turned = shrunk.as_ref().is_some_and(|it| it.turned);
    let (width, height) = if turned { (height, width) } else { (width, height) };
    let thumbnail = shrunk.as_ref().map(|it| it.format);
    Ok(Seen { picture: Picture { width, height, thumbnail }, thumbnail: shrunk.map(|it| it.bytes) })
}

struct Shrunk {
    format: Thumbnail,
    bytes: Vec<u8>,
    /// Whether the camera lay on its side.
    turned: bool,
}

/// `None` when the pixels cannot be read, or not within the bounds: it is a file all the same.
fn shrink(format: ImageFormat, bytes: &[u8]) -> Option<Shrunk> {
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_MEMORY);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().ok()?;
    // DynamicImage asks for its own buffer beside the decoder's.
    if decoder.total_bytes() > MAX_MEMORY {
        return None;
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut image =
        DynamicImage::from_decoder(decoder).ok()?.thumbnail(THUMBNAIL_SIDE, THUMBNAIL_SIDE);
    image.apply_orientation(orientation);
    let turned = matches!(
        orientation,
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    );
    let mut bytes = Vec::new();
    let format = if image.color().has_alpha() {
        image.to_rgba8().write_with_encoder(WebPEncoder::new_lossless(&mut bytes)).ok()?;
        Thumbnail::Webp
    } else {
        let encoder = JpegEncoder::new_with_quality(&mut bytes, QUALITY);
        image.to_rgb8().write_with_encoder(encoder).ok()?;
        Thumbnail::Jpeg
    };
    Some(Shrunk { format, bytes, turned })
}
