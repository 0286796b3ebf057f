//! Pictures of all kinds, and what only pretends to be one.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says by panicking")]

use std::io::Cursor;

use anser_blobs::{PictureError, Seen, see};
use anser_domain::Thumbnail;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};

fn encoded(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

async fn seen(media: &str, bytes: &[u8]) -> Result<Seen, PictureError> {
    see(&media.parse().unwrap(), bytes.to_vec()).await.unwrap()
}

#[tokio::test]
async fn pictures_are_measured_and_shrunk() {
    let opaque = RgbImage::from_pixel(1000, 500, Rgb([200, 100, 50]));
    let glass = RgbaImage::from_pixel(30, 60, Rgba([1, 2, 3, 4]));
    for (media, bytes, measures, small, format) in [
        (
            "image/png",
            encoded(opaque.clone(), ImageFormat::Png),
            (1000, 500),
            (320, 160),
            Thumbnail::Jpeg,
        ),
        (
            "image/jpeg",
            encoded(opaque.clone(), ImageFormat::Jpeg),
            (1000, 500),
            (320, 160),
            Thumbnail::Jpeg,
        ),
        (
            "image/webp",
            encoded(opaque, ImageFormat::WebP),
            (1000, 500),
            (320, 160),
            Thumbnail::Jpeg,
        ),
        (
            "image/png",
            encoded(glass.clone(), ImageFormat::Png),
            (30, 60),
            (160, 320),
            Thumbnail::Webp,
        ),
        ("image/gif", encoded(glass, ImageFormat::Gif), (30, 60), (160, 320), Thumbnail::Webp),
    ] {
        let seen = seen(media, &bytes).await.unwrap();
        assert_eq!((seen.picture.width, seen.picture.height), measures, "{media}");
        assert_eq!(seen.picture.thumbnail, Some(format), "{media}");
        let small_form = image::load_from_memory(&seen.thumbnail.unwrap()).unwrap();
        assert_eq!((small_form.width(), small_form.height()), small, "{media}");
    }
    assert!(see(&"application/pdf".parse().unwrap(), vec![]).await.is_none());
}

/// A PNG's checksum covers its header, so the header is made anew.
fn png_of(width: u32, height: u32) -> Vec<u8> {
    let mut png = encoded(RgbImage::new(1, 1), ImageFormat::Png);
    png[16..20].copy_from_slice(&width.to_be_bytes());
    png[20..24].copy_from_slice(&height.to_be_bytes());
    let crc = crc32(&png[12..29]);
    png[29..33].copy_from_slice(&crc.to_be_bytes());
    png
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 }
        })
    })
}

#[tokio::test]
async fn a_bomb_is_told_by_its_header() {
    for (width, height) in [(100_000, 100_000), (2_000_000, 101), (i32::MAX as u32, 1)] {
        let bomb = seen("image/png", &png_of(width, height)).await;
        assert_eq!(bomb.unwrap_err(), PictureError::TooLarge, "{width} x {height}");
    }
    // Within the bound of pixels, and all of them missing: a file without a small form.
    let hollow = seen("image/png", &png_of(10_000, 20_000)).await.unwrap();
    assert_eq!((hollow.picture.width, hollow.thumbnail), (10_000, None));
    let hollow = seen("image/png", &png_of(5_000, 5_000)).await.unwrap();
    assert_eq!(hollow.thumbnail, None);
}

#[tokio::test]
async fn a_picture_cut_at_any_byte_is_broken_or_has_no_small_form() {
    let whole = RgbImage::from_fn(40, 30, |x, y| Rgb([x as u8, y as u8, 7]));
    for (media, format) in [
        ("image/png", ImageFormat::Png),
        ("image/jpeg", ImageFormat::Jpeg),
        ("image/gif", ImageFormat::Gif),
        ("image/webp", ImageFormat::WebP),
    ] {
        let bytes = encoded(whole.clone(), format);
        for end in (0..bytes.len()).step_by(7) {
            if let Ok(seen) = seen(media, &bytes[..end]).await {
                assert_eq!((seen.picture.width, seen.picture.height), (40, 30), "{media} {end}");
            }
        }
    }
}
