//! Files, between JSON and the domain.

use anser_domain::{FileName, FilePage, FileRecord, FileState, NewFile};

use super::{invalid, parse};
use crate::{
    api::files::{File, Files, NewUpload, StateName},
    limits::PIECE,
    problem::Problem,
};

/// An upload that was described in JSON.
pub(crate) fn new_file(new: NewUpload) -> Result<NewFile, Problem> {
    Ok(NewFile {
        name: FileName::harmless(&new.name),
        media: new.media.as_deref().map(|text| parse("type", text)).transpose()?,
        size: new.size,
        sha256: new.sha256.as_deref().map(digest).transpose()?,
        public: new.public,
    })
}

fn digest(text: &str) -> Result<[u8; 32], Problem> {
    let wrong = || invalid("sha256", "64 hexadecimal digits");
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return Err(wrong());
    }
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        let digits = std::str::from_utf8(digits).map_err(|_| wrong())?;
        *byte = u8::from_str_radix(digits, 16).map_err(|_| wrong())?;
    }
    Ok(bytes)
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8; 32]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A file.
pub(crate) fn file(record: FileRecord) -> File {
    let uploading = record.state == FileState::Uploading;
    File {
        id: record.id.to_string(),
        owner: record.owner.to_string(),
        name: record.name.to_string(),
        media: record.media.to_string(),
        size: record.size,
        state: match record.state {
            FileState::Uploading => StateName::Uploading,
            FileState::Ready => StateName::Ready,
            FileState::Gone => StateName::Gone,
        },
        offset: uploading.then_some(record.received),
        chunk: uploading.then_some(PIECE),
        sha256: record.sha256.as_ref().map(hex),
        width: record.picture.map(|it| it.width),
        height: record.picture.map(|it| it.height),
        thumbnail: record.picture.is_some_and(|it| it.thumbnail.is_some()),
        public: record.public,
        created: record.created.0,
        expires: record.expires.map(|time| time.0),
    }
}

/// A page of files.
pub(crate) fn files(page: FilePage) -> Files {
    let next = page.files.last().filter(|_| page.more).map(|file| file.id.to_string());
    Files {
        files: page.files.into_iter().map(file).collect(),
        more: page.more,
        next,
        used: page.used,
        quota: page.quota,
    }
}
