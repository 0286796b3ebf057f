//! Bytes going out: whole or a range, and always so that a browser makes nothing of them.

use std::ops::Range;

use anser_domain::{FileContent, FileRecord, Thumbnail};
use axum::{
    body::Body,
    response::{IntoResponse as _, Response},
};
use futures_util::TryStreamExt as _;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::{Files, header::attachment};
use crate::problem::{self, Problem};

/// Nothing of a file runs, and nothing of it loads.
const POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; sandbox");
/// The bytes never change, but who may see them does: ask again each time, and learn "as it was".
const CACHING: HeaderValue = HeaderValue::from_static("private, no-cache");

/// A file's content, or the part of it that `Range` names. With `head_only` just its headers.
pub(crate) async fn deliver(
    files: &Files,
    content: &FileContent,
    request: &HeaderMap,
    head_only: bool,
) -> Result<Response, Problem> {
    let FileContent { record, pieces } = content;
    let etag = etag(record, "");
    let mut headers = shown(&etag, record.media.as_str());
    headers.insert(header::CONTENT_DISPOSITION, attachment(record.name.as_str()));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if is_known(request, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    // RFC 9110 §14.2: ranges are of GET only.
    let wanted = if head_only { Wanted::Whole } else { wanted(request, record.size, &etag) };
    let (status, range) = match wanted {
        Wanted::Whole => (StatusCode::OK, 0..record.size),
        Wanted::Part(range) => {
            let told = format!("bytes {}-{}/{}", range.start, range.end - 1, record.size);
            headers.insert(header::CONTENT_RANGE, value(&told));
            (StatusCode::PARTIAL_CONTENT, range)
        }
        Wanted::Nothing => {
            let detail = format!("the file has {} bytes", record.size);
            let mut response = Problem::new(&problem::RANGE, detail).into_response();
            let told = value(&format!("bytes */{}", record.size));
            response.headers_mut().insert(header::CONTENT_RANGE, told);
            return Ok(response);
        }
    };
    headers.insert(header::CONTENT_LENGTH, (range.end - range.start).into());
    if head_only {
        return Ok((status, headers).into_response());
    }
    let bytes_out = files.metrics.bytes_out.clone();
    let bytes = files.blobs.read(record.id, pieces, range).await?;
    let bytes = bytes
        .inspect_ok(move |bytes| {
            bytes_out.inc_by(bytes.len() as u64);
        })
        .inspect_err(|error| tracing::error!(%error, "a file broke off while it was sent"));
    Ok((status, headers, Body::from_stream(bytes)).into_response())
}

/// A picture's small form. It was made here, of pixels alone.
pub(crate) async fn deliver_thumbnail(
    files: &Files,
    record: &FileRecord,
    format: Thumbnail,
    request: &HeaderMap,
) -> Result<Response, Problem> {
    let etag = etag(record, "-t");
    let media = match format {
        Thumbnail::Jpeg => "image/jpeg",
        Thumbnail::Webp => "image/webp",
    };
    let headers = shown(&etag, media);
    if is_known(request, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    let bytes = files.blobs.thumbnail(record.id).await?;
    files.metrics.bytes_out.inc_by(bytes.len() as u64);
    Ok((headers, bytes).into_response())
}

fn shown(etag: &str, media: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::ETAG, value(etag));
    headers.insert(header::CONTENT_TYPE, value(media));
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(header::CACHE_CONTROL, CACHING);
    headers
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}

/// The content's own digest: strong, and the same for the same bytes.
fn etag(record: &FileRecord, of: &str) -> String {
    format!("\"{}{of}\"", record.sha256.as_ref().map(crate::convert::hex).unwrap_or_default())
}

fn is_known(request: &HeaderMap, etag: &str) -> bool {
    let known = request.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    known.is_some_and(|list| {
        list.split(',')
            .map(|tag| tag.trim().trim_start_matches("W/"))
            .any(|tag| tag == etag || tag == "*")
    })
}

#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    Whole,
    Part(Range<u64>),
    /// A part that there is not.
    Nothing,
}

/// RFC 9110 §14.2: one range is answered; what is no range of bytes, or several, is passed over.
fn wanted(request: &HeaderMap, size: u64, etag: &str) -> Wanted {
    let text = |name| request.get(name).and_then(|value| value.to_str().ok());
    let Some(range) = text(header::RANGE).and_then(|it| it.trim().strip_prefix("bytes=")) else {
        return Wanted::Whole;
    };
    // The rest of something else would be no rest.
    if text(header::IF_RANGE).is_some_and(|tag| tag != etag) {
        return Wanted::Whole;
    }
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        // More than there are numbers is beyond the end in any case.
        digits.then(|| text.parse().unwrap_or(u64::MAX))
    };
    let Some((first, last)) = range.split_once('-') else { return Wanted::Whole };
    let (from, until) = match (number(first.trim()), number(last.trim())) {
        (Some(from), Some(last)) if last < from => return Wanted::Whole,
        (Some(from), Some(last)) => (from, last.saturating_add(1).min(size)),
        (Some(from), None) if last.trim().is_empty() => (from, size),
        (None, Some(0)) if first.trim().is_empty() => return Wanted::Nothing,
        (None, Some(suffix)) if first.trim().is_empty() => (size.saturating_sub(suffix), size),
        _ => return Wanted::Whole,
    };
    if from < size { Wanted::Part(from..until) } else { Wanted::Nothing }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_answered() {
        for (range, is) in [
            ("bytes=0-0", Wanted::Part(0..1)),
            ("bytes=2-5", Wanted::Part(2..6)),
            ("bytes=8-", Wanted::Part(8..10)),
            ("bytes=8-99999999999999999999", Wanted::Part(8..10)),
            ("bytes=-3", Wanted::Part(7..10)),
            ("bytes=-30", Wanted::Part(0..10)),
            ("bytes=10-", Wanted::Nothing),
            ("bytes=99999999999999999999-", Wanted::Nothing),
            ("bytes=-0", Wanted::Nothing),
            ("bytes=5-2", Wanted::Whole),
            ("bytes=0-1,3-4", Wanted::Whole),
            ("bytes=-", Wanted::Whole),
            ("bytes=x-1", Wanted::Whole),
            ("bytes=+1-2", Wanted::Whole),
            ("items=0-1", Wanted::Whole),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::RANGE, HeaderValue::from_static(range));
            assert_eq!(wanted(&headers, 10, "\"e\""), is, "{range}");
            headers.insert(header::IF_RANGE, HeaderValue::from_static("\"other\""));
            assert_eq!(wanted(&headers, 10, "\"e\""), Wanted::Whole, "{range}");
        }
    }
}
