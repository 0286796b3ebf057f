//! The headers of resumable uploads (draft-ietf-httpbis-resumable-upload), and a file's name in
//! `Content-Disposition` (RFC 6266, RFC 8187).

use anser_domain::{FileRecord, FileState};
use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::limits::MIN_APPEND;

/// How many bytes the server has.
pub(crate) const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
/// Whether those are all: `?1` or `?0`.
pub(crate) const UPLOAD_COMPLETE: HeaderName = HeaderName::from_static("upload-complete");
/// How many bytes there will be.
pub(crate) const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
/// What the server asks of uploads.
pub(crate) const UPLOAD_LIMIT: HeaderName = HeaderName::from_static("upload-limit");

/// How far an upload is, as headers.
pub(crate) fn progress(record: &FileRecord) -> [(HeaderName, HeaderValue); 4] {
    let complete = if record.state == FileState::Uploading { "?0" } else { "?1" };
    let limit = format!("max-size={}, min-append-size={MIN_APPEND}", record.size);
    [
        (UPLOAD_OFFSET, record.received.into()),
        (UPLOAD_COMPLETE, HeaderValue::from_static(complete)),
        (UPLOAD_LENGTH, record.size.into()),
        (UPLOAD_LIMIT, HeaderValue::from_str(&limit).unwrap_or(HeaderValue::from_static(""))),
    ]
}

/// How an answer names a file: always one to be saved, never one to be shown in place.
pub(super) fn attachment(name: &str) -> HeaderValue {
    let plain: String =
        name.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '_' }).collect();
    // Harmless names hold no quote and no backslash; were it not so, they would not get out.
    let plain = plain.replace(['"', '\\'], "_");
    let mut coded = String::new();
    for byte in name.bytes() {
        // RFC 8187 §3.2.1: attr-char.
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            coded.push(char::from(byte));
        } else {
            coded.push_str(&format!("%{byte:02X}"));
        }
    }
    HeaderValue::from_str(&format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{coded}"))
        .unwrap_or(HeaderValue::from_static("attachment"))
}

/// The name that a request's `Content-Disposition` gives its body.
pub(crate) fn name_of(headers: &HeaderMap) -> Option<String> {
    let text = std::str::from_utf8(headers.get(header::CONTENT_DISPOSITION)?.as_bytes()).ok()?;
    let parameter = |wanted: &str| {
        text.split(';').skip(1).find_map(|part| {
            let (key, value) = part.split_once('=')?;
            key.trim().eq_ignore_ascii_case(wanted).then(|| value.trim().to_owned())
        })
    };
    let coded = parameter("filename*").and_then(|value| {
        let (charset, rest) = value.split_once('\'')?;
        let (_language, coded) = rest.split_once('\'')?;
        charset.eq_ignore_ascii_case("utf-8").then(|| decoded(coded)).flatten()
    });
    coded.or_else(|| parameter("filename").map(|value| value.trim_matches('"').to_owned()))
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        let (high, low) = (digit(rest.next())?, digit(rest.next())?);
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_out_quoted_and_coded() {
        for (name, value) in [
            ("a b.txt", "attachment; filename=\"a b.txt\"; filename*=UTF-8''a%20b.txt"),
            ("鸿.png", "attachment; filename=\"_.png\"; filename*=UTF-8''%E9%B8%BF.png"),
            (
                "a\"\r\nb: c",
                "attachment; filename=\"a___b: c\"; filename*=UTF-8''a%22%0D%0Ab%3A%20c",
            ),
        ] {
            assert_eq!(attachment(name), value, "{name:?}");
        }
    }

    #[test]
    fn names_come_in_either_form() {
        let read = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(
                header::CONTENT_DISPOSITION,
                HeaderValue::from_bytes(value.as_bytes()).unwrap(),
            );
            name_of(&headers)
        };
        let some = |name: &str| Some(name.to_owned());
        assert_eq!(read("attachment; filename=\"goose.png\""), some("goose.png"));
        assert_eq!(read("attachment; filename=x; FileName*=utf-8''%E9%B8%BF.png"), some("鸿.png"));
        assert_eq!(read("attachment; filename=x; filename*=utf-8''%E9%B8"), some("x"));
        assert_eq!(read("attachment; filename=x; filename*=utf-8''%zz"), some("x"));
        assert_eq!(read("attachment"), None);
    }
}
