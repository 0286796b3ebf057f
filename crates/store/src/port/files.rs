//! Files, as far as they must last: who owns what, how much of it there is, and which entries of
//! logs carry it. Their bytes are elsewhere.
//!
//! ```text
//!  begin ─► Uploading ─► finish ─► Ready ─► delete, expiry ─► Gone ─► sweep ─► no row, or a name
//!              └────────── left lying for too long ────────────┘
//! ```
//!
//! The row comes before the first byte and goes after the last one, so that at any moment every
//! stored byte has an owner.

use anser_domain::{
    Content, FileContent, FileId, FilePage, FileRecord, Found, Millis, NewFile, Piece, UserId,
};
use async_trait::async_trait;

use super::StoreError;

/// Most files that one entry carries: an album, not an archive.
pub const MAX_CARRIED: usize = 20;

/// What one user may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileBounds {
    /// Bytes of all their files, those that are being uploaded in full.
    pub bytes: u64,
    /// Files.
    pub files: u32,
    /// Files that are being uploaded.
    pub unfinished: u32,
}

/// Which files are past their time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilesBefore {
    /// Uploads that nothing was added to since.
    pub touched: Millis,
    /// Files ready since before this time, public ones aside.
    pub ready: Option<Millis>,
}

/// Files. Whoever may not see one is told `NoSuchFile`, as if there were none.
#[async_trait]
pub trait Files: Send + Sync + 'static {
    /// Makes a file's row, with its whole size counted. `Quota` when that is more than `bounds`
    /// leave.
    async fn begin_file(
        &self,
        owner: UserId,
        file: NewFile,
        bounds: FileBounds,
    ) -> Result<FileRecord, StoreError>;

    /// Adds a stored piece to an upload. `Conflict` unless it begins where the file ends so far;
    /// `TooLarge` when the file would have more bytes than announced.
    async fn wrote_file(
        &self,
        owner: UserId,
        file: FileId,
        piece: Piece,
    ) -> Result<FileRecord, StoreError>;

    /// Makes an upload ready. `Conflict` unless all its bytes are there.
    async fn finish_file(
        &self,
        owner: UserId,
        file: FileId,
        found: Found,
    ) -> Result<FileRecord, StoreError>;

    /// A file that `viewer` may see, with its pieces: their own; a public one; one that an entry
    /// carries which they may read.
    async fn file(&self, viewer: UserId, file: FileId) -> Result<FileContent, StoreError>;

    /// A page of a user's own files, newest first. `quota` is left at 0.
    async fn files(
        &self,
        owner: UserId,
        before: Option<FileId>,
        limit: u16,
    ) -> Result<FilePage, StoreError>;

    /// Marks one's own file as gone.
    async fn delete_file(&self, owner: UserId, file: FileId) -> Result<(), StoreError>;

    /// Marks what is past its time as gone, and answers the files that are gone and whose bytes
    /// may still be there, oldest first. Bounded work per call.
    async fn doomed_files(
        &self,
        before: FilesBefore,
        limit: u16,
    ) -> Result<Vec<FileId>, StoreError>;

    /// The bytes of these are removed. Rows that an entry carries keep their name.
    async fn forget_files(&self, files: Vec<FileId>) -> Result<(), StoreError>;
}

/// The files that an entry carries: those that `file` (an id) and `files` (a list of ids) name at
/// the top of its data. What is no id there is the app's own and carries nothing. One more than
/// [`MAX_CARRIED`] at most.
#[must_use]
pub fn carried(content: &Content) -> Vec<FileId> {
    let data = match content {
        Content::Image(data) | Content::File(data) | Content::Custom(data) => data,
        Content::Text(_) | Content::Event(_) | Content::Gone(_) => return Vec::new(),
    };
    // Most custom data names none; looking is cheaper than parsing.
    if !data.contains("\"file") {
        return Vec::new();
    }
    let Ok(data) = serde_json::from_str::<serde_json::Value>(data) else { return Vec::new() };
    let id = |value: &serde_json::Value| value.as_str().and_then(|text| text.parse().ok());
    let list = data.get("files").and_then(|list| list.as_array()).map_or(&[][..], Vec::as_slice);
    let mut found: Vec<FileId> = Vec::new();
    for file in data.get("file").into_iter().chain(list).filter_map(id) {
        if !found.contains(&file) && found.len() <= MAX_CARRIED {
            found.push(file);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_carry_what_they_name_by_id() {
        let of = |data: &str| carried(&Content::Custom(data.into()));
        assert_eq!(of(r#"{"file":"7"}"#), [FileId(7)]);
        assert_eq!(of(r#"{"file":"7","files":["8","7","9"]}"#), [FileId(7), FileId(8), FileId(9)]);
        for none in [
            r#"{"file":7}"#,
            r#"{"file":"https://x/y"}"#,
            r#"{"file":"+7"}"#,
            r#"{"file":"99999999999999999999"}"#,
            r#"{"file":{"id":"7"},"files":"7"}"#,
            r#"{"inner":{"file":"7"}}"#,
            r#"["file","7"]"#,
            "null",
        ] {
            assert_eq!(of(none), [], "{none}");
        }
        assert_eq!(carried(&Content::Text(r#"{"file":"7"}"#.into())), []);
        let many: Vec<_> = (0..100).map(|n| n.to_string()).collect();
        let many = serde_json::json!({ "files": many }).to_string();
        assert_eq!(of(&many).len(), MAX_CARRIED + 1);
    }
}
