//! What bytes are, told from themselves and held against what their owner says.

use anser_domain::MediaType;

/// So many bytes from a file's beginning are looked at; the farthest sign stands at 32 KiB, and
/// belongs to disk images.
pub const HEAD: u64 = 8 * 1024;

/// The content is not of the kind that its owner says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the content is not of the type that was said")]
pub struct Mismatch;

/// What a file is, by its first [`HEAD`] bytes and its owner's word. Never a type that a browser
/// would run: such content is `application/octet-stream`.
///
/// # Errors
/// [`Mismatch`] when it is called a picture, sound or film and is something else.
pub fn sniff(head: &[u8], said: Option<&MediaType>) -> Result<MediaType, Mismatch> {
    let found: Option<MediaType> = infer::get(head).and_then(|kind| kind.mime_type().parse().ok());
    let said = said.filter(|it| **it != MediaType::unknown());
    let media = match (found, said) {
        (Some(found), Some(said)) if for_eyes_and_ears(said) => {
            if !alike(&found, said) {
                return Err(Mismatch);
            }
            found
        }
        // Archives and the like hold many types: their owner knows better which.
        (Some(found), Some(said)) if !for_eyes_and_ears(&found) && harmless(&found) => said.clone(),
        (Some(found), _) => found,
        // Every picture that is shown has a sign; text that says it is one is an attack.
        (None, Some(said)) if said.is("image") && harmless(said) => return Err(Mismatch),
        (None, Some(said)) if said.is("video") || said.is("audio") => MediaType::unknown(),
        (None, Some(said)) => said.clone(),
        (None, None) => MediaType::unknown(),
    };
    Ok(if harmless(&media) { media } else { MediaType::unknown() })
}

fn for_eyes_and_ears(media: &MediaType) -> bool {
    harmless(media) && (media.is("image") || media.is("video") || media.is("audio"))
}

/// Whether both are pictures, or both are recordings: containers carry sound and film alike.
fn alike(found: &MediaType, said: &MediaType) -> bool {
    found.is("image") == said.is("image") && for_eyes_and_ears(found)
}

/// Whether a browser does nothing with a type but show or save it.
#[must_use]
pub fn harmless(media: &MediaType) -> bool {
    let text = media.as_str();
    let (family, kind) = text.split_once('/').unwrap_or((text, ""));
    const ACTIVE: [&str; 10] =
        ["html", "xml", "svg", "script", "ecma", "xsl", "flash", "mhtml", "wasm", "x-httpd"];
    match family {
        "image" | "video" | "audio" | "font" | "model" | "application" => {
            !ACTIVE.iter().any(|part| kind.contains(part))
                || kind.starts_with("vnd.openxmlformats-officedocument.")
        }
        "text" => matches!(kind, "plain" | "csv" | "markdown" | "calendar" | "vcard"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    const JPEG: &[u8] = b"\xff\xd8\xff\xe0\0\x10JFIF";
    const ZIP: &[u8] = b"PK\x03\x04\x14\0\0\0\0\0";
    const EXE: &[u8] = b"MZ\x90\0\x03\0\0\0";
    const HTML: &[u8] = b"<!DOCTYPE html><html><script>alert(1)</script>";
    const SVG: &[u8] = b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>";
    const UNKNOWN: &str = "application/octet-stream";

    #[test]
    fn what_is_said_is_held_against_what_is_there() {
        for (bytes, said, is) in [
            (PNG, "image/png", Some("image/png")),
            (PNG, "", Some("image/png")),
            (PNG, UNKNOWN, Some("image/png")),
            (PNG, "image/jpeg", Some("image/png")),
            (PNG, "text/plain", Some("image/png")),
            (PNG, "text/html", Some("image/png")),
            (JPEG, "image/jpeg", Some("image/jpeg")),
            (PNG, "video/mp4", None),
            (EXE, "image/png", None),
            (HTML, "image/png", None),
            (b"hello", "image/png", None),
            (b"hello", "video/mp4", Some(UNKNOWN)),
            (b"hello", "text/plain", Some("text/plain")),
            (b"hello", "", Some(UNKNOWN)),
            (b"", "", Some(UNKNOWN)),
            (HTML, "text/html", Some(UNKNOWN)),
            (HTML, "text/plain", Some(UNKNOWN)),
            (HTML, "", Some(UNKNOWN)),
            (SVG, "image/svg+xml", Some(UNKNOWN)),
            (b"alert(1)", "text/javascript", Some(UNKNOWN)),
            (b"x", "application/xhtml+xml", Some(UNKNOWN)),
            (b"x", "multipart/related", Some(UNKNOWN)),
            (ZIP, "application/zip", Some("application/zip")),
            (ZIP, "application/epub+zip", Some("application/epub+zip")),
            (ZIP, "application/java-archive", Some("application/java-archive")),
        ] {
            let said = said.parse().ok();
            let found = sniff(bytes, said.as_ref()).ok();
            let shown = String::from_utf8_lossy(bytes);
            assert_eq!(found.as_ref().map(MediaType::as_str), is, "{shown:?} said {said:?}");
        }
    }
}
