//! Files: what is known of one, and what can be asked about it. Their bytes never pass here.

use std::{fmt, str::FromStr};

use crate::{
    id::{FileId, Millis},
    name::UserName,
};

/// Longest file name, in bytes of UTF-8: file systems take 255, and whoever saves it may add to it.
pub const MAX_FILE_NAME: usize = 200;
/// Longest media type, in bytes (RFC 6838 §4.2 allows 127 for each half; none in use comes near).
pub const MAX_MEDIA_TYPE: usize = 127;
/// Longest ending that is kept when a name has to be cut.
const MAX_ENDING: usize = 16;

/// A file's name that is safe to show and to save: a name, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FileName(Box<str>);

impl FileName {
    /// Makes any text a harmless name: the last part of a path, without what controls terminals,
    /// turns the direction of writing, hides or means something to a file system, no name of a
    /// device, not hidden, and not too long. `file` when nothing is left.
    #[must_use]
    pub fn harmless(text: &str) -> Self {
        let last = text.rsplit(['/', '\\']).next().unwrap_or_default();
        let kept: String = last.chars().filter(|c| !is_hidden(*c)).map(without_meaning).collect();
        let name = kept.trim_start_matches([' ', '.']).trim_end_matches([' ', '.']);
        let name = cut(name);
        if name.is_empty() {
            return Self("file".into());
        }
        let stem = name.split('.').next().unwrap_or_default().trim_end();
        if is_device(stem) { Self(format!("_{name}").into()) } else { Self(name.into()) }
    }

    /// A name that was made harmless before, such as one read back from the store.
    #[must_use]
    pub fn trusted(text: &str) -> Self {
        Self(text.into())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Controls, and what shows nothing or turns text around (UAX #9), so that `gpj.exe` cannot be
/// made to look like `exe.jpg`. What joins emoji and letters stays.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffc}' | '\u{e0000}'..='\u{e007f}')
}

/// What a shell, a file system or a quoted header would read something into.
fn without_meaning(c: char) -> char {
    if matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*' | '%' | '`' | '$') { '_' } else { c }
}

/// Names that Windows gives to devices, whatever their ending.
fn is_device(stem: &str) -> bool {
    let stem = stem.to_ascii_lowercase();
    if matches!(stem.as_str(), "con" | "prn" | "aux" | "nul") {
        return true;
    }
    let number = stem.strip_prefix("com").or_else(|| stem.strip_prefix("lpt"));
    number.is_some_and(|rest| {
        let mut rest = rest.chars();
        let digit = rest.next().is_some_and(|c| c.is_ascii_digit() || matches!(c, '¹' | '²' | '³'));
        digit && rest.next().is_none()
    })
}

/// Cuts a long name between characters, before its ending.
fn cut(name: &str) -> String {
    // Room for the mark that a device's name gets.
    const ROOM: usize = MAX_FILE_NAME - 1;
    if name.len() <= ROOM {
        return name.to_owned();
    }
    let ending = name.rfind('.').and_then(|at| name.get(at..));
    let ending = ending.filter(|it| it.len() <= MAX_ENDING).unwrap_or_default();
    let room = name.floor_char_boundary(ROOM - ending.len());
    let stem = name.get(..room).unwrap_or_default().trim_end_matches([' ', '.']);
    format!("{stem}{ending}")
}

/// A media type such as `image/png`: lower case, without parameters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MediaType(Box<str>);

impl MediaType {
    /// What nothing is known about.
    #[must_use]
    pub fn unknown() -> Self {
        Self("application/octet-stream".into())
    }

    /// A type that was checked before.
    #[must_use]
    pub fn trusted(text: &str) -> Self {
        Self(text.into())
    }

    /// The type as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is of this family: `image`, `video` …
    #[must_use]
    pub fn is(&self, family: &str) -> bool {
        self.0.strip_prefix(family).is_some_and(|rest| rest.starts_with('/'))
    }
}

/// A text that is no media type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a media type is TYPE/SUBTYPE, such as image/png")]
pub struct MediaTypeError;

impl FromStr for MediaType {
    type Err = MediaTypeError;

    /// RFC 9110 §8.3.1; parameters are dropped.
    fn from_str(text: &str) -> Result<Self, MediaTypeError> {
        let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let (family, kind) = essence.split_once('/').ok_or(MediaTypeError)?;
        let is_token = |part: &str| {
            let fits = |b: u8| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b);
            !part.is_empty() && part.bytes().all(fits)
        };
        if essence.len() > MAX_MEDIA_TYPE || !is_token(family) || !is_token(kind) {
            return Err(MediaTypeError);
        }
        Ok(Self(essence.into()))
    }
}

/// Media types that an operator allows: `image/png`, `image/*` or `*/*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaRange(Box<str>);

impl MediaRange {
    /// Whether a type is one of them.
    #[must_use]
    pub fn holds(&self, media: &MediaType) -> bool {
        match self.0.strip_suffix("/*") {
            Some("*") => true,
            Some(family) => media.is(family),
            None => *self.0 == *media.0,
        }
    }
}

impl FromStr for MediaRange {
    type Err = MediaTypeError;

    fn from_str(text: &str) -> Result<Self, MediaTypeError> {
        let text = text.trim().to_ascii_lowercase();
        let family = text.strip_suffix("/*");
        let sample = family.map_or_else(|| text.clone(), |family| format!("{family}/x"));
        if text != "*/*" {
            sample.parse::<MediaType>()?;
        }
        Ok(Self(text.into()))
    }
}

macro_rules! shown {
    ($($name:ident)*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}
shown! { FileName MediaType MediaRange }

/// What can be asked about files. The bytes go between HTTP and the blob store; the SM keeps who
/// owns what, and who may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileCommand {
    /// Make a place for a file's bytes, before the first of them → `File`.
    Begin(Box<NewFile>),
    /// The piece is stored, durably; it continues the file → `File`. `Conflict` when the file
    /// goes on elsewhere.
    Wrote {
        /// The file.
        file: FileId,
        /// What was stored.
        piece: Piece,
    },
    /// All bytes are stored and have been looked at → `File`.
    Finish {
        /// The file.
        file: FileId,
        /// What was found.
        found: Box<Found>,
    },
    /// What is known of a file that the caller may see → `File`.
    Info(FileId),
    /// The same, with where its bytes are → `Content`.
    Open(FileId),
    /// The caller's own files, newest first → `List`.
    List {
        /// Continue below this one.
        before: Option<FileId>,
        /// At most so many.
        limit: u16,
    },
    /// Take the content of one's own file away for good → `Done`.
    Delete(FileId),

    // — only whoever keeps the bytes asks these, on nobody's behalf —
    /// Files whose bytes are to be removed: unfinished, expired or deleted → `Doomed`.
    Sweep {
        /// At most so many.
        limit: u16,
    },
    /// The bytes of these have been removed → `Done`.
    Swept(Vec<FileId>),
}

/// What is answered about files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileReply {
    /// A file.
    File(Box<FileRecord>),
    /// A file with its pieces.
    Content(Box<FileContent>),
    /// Part of one's own files.
    List(Box<FilePage>),
    /// Files whose bytes are to be removed.
    Doomed(Vec<FileId>),
}

/// A file that someone wants to store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFile {
    /// Its name.
    pub name: FileName,
    /// What its owner says it is.
    pub media: Option<MediaType>,
    /// Its size in bytes.
    pub size: u64,
    /// Its SHA-256, where the owner wants it compared.
    pub sha256: Option<[u8; 32]>,
    /// Whether everyone who is signed in may see it, as an avatar.
    pub public: bool,
}

/// Some bytes of a file, stored as one blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Where in the file they begin.
    pub at: u64,
    /// How many they are.
    pub length: u32,
    /// Part of the blob's name, so that two who write the same part never touch the same blob.
    pub nonce: u64,
}

/// What was found in a file's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Their SHA-256.
    pub sha256: [u8; 32],
    /// What they are.
    pub media: MediaType,
    /// Set for pictures.
    pub picture: Option<Picture>,
}

/// A picture's measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Picture {
    /// In pixels, as it is to be shown.
    pub width: u32,
    /// In pixels, as it is to be shown.
    pub height: u32,
    /// The small form that was made of it, if one was.
    pub thumbnail: Option<Thumbnail>,
}

/// The format of a small form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thumbnail {
    /// JPEG.
    Jpeg,
    /// WebP, for pictures that one can see through.
    Webp,
}

/// How far a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileState {
    /// Bytes are still to come; only its owner sees it.
    Uploading,
    /// All there.
    Ready,
    /// The content was deleted or has expired; messages that carry it still name it.
    Gone,
}

/// A file in the eyes of someone who may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRecord {
    /// Its id.
    pub id: FileId,
    /// Whose it is.
    pub owner: UserName,
    /// Its name.
    pub name: FileName,
    /// What it is; what its owner says until it is ready.
    pub media: MediaType,
    /// Its size in bytes.
    pub size: u64,
    /// How many of them are stored.
    pub received: u64,
    /// Their SHA-256: as announced, or as found once it is ready.
    pub sha256: Option<[u8; 32]>,
    /// Set for pictures.
    pub picture: Option<Picture>,
    /// Whether everyone who is signed in may see it.
    pub public: bool,
    /// How far it is.
    pub state: FileState,
    /// When it was begun.
    pub created: Millis,
    /// When its content goes, if it does.
    pub expires: Option<Millis>,
}

/// A file with its pieces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileContent {
    /// What is known of it.
    pub record: FileRecord,
    /// In order and without a gap.
    pub pieces: Vec<Piece>,
}

/// Part of someone's own files, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilePage {
    /// Files.
    pub files: Vec<FileRecord>,
    /// Whether another page follows.
    pub more: bool,
    /// Bytes that all their files take, those that are being uploaded in full.
    pub used: u64,
    /// Bytes that they may take.
    pub quota: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_becomes_a_harmless_name() {
        let long = format!("{}.tar.gz", "鸿".repeat(100));
        let cut_long = format!("{}.gz", "鸿".repeat(65));
        for (text, name) in [
            ("report.pdf", "report.pdf"),
            ("Bericht für Ärzte (2).docx", "Bericht für Ärzte (2).docx"),
            ("鸿雁.png", "鸿雁.png"),
            ("👩‍👧.png", "👩‍👧.png"),
            ("", "file"),
            (".", "file"),
            ("..", "file"),
            ("../../etc/passwd", "passwd"),
            ("..\\..\\boot.ini", "boot.ini"),
            ("/", "file"),
            ("C:\\temp\\", "file"),
            ("C:evil.txt", "C_evil.txt"),
            (".htaccess", "htaccess"),
            ("name. . .", "name"),
            ("a\0b\r\nc\u{7f}\u{9b}.txt", "abc.txt"),
            ("photo_\u{202e}gpj.exe", "photo_gpj.exe"),
            ("in\u{200b}vis\u{feff}ible\u{2066}.txt", "invisible.txt"),
            ("tag\u{e0041}.txt", "tag.txt"),
            ("a\"; filename=\"b.exe", "a_; filename=_b.exe"),
            ("<script>*?|.html", "_script____.html"),
            ("$(reboot)`id`%00.sh", "_(reboot)_id__00.sh"),
            ("CON", "_CON"),
            ("nul.txt", "_nul.txt"),
            ("com1.tar.gz", "_com1.tar.gz"),
            ("LPT².txt", "_LPT².txt"),
            ("COM10.txt", "COM10.txt"),
            ("aux .txt", "_aux .txt"),
            ("console.log", "console.log"),
            (long.as_str(), cut_long.as_str()),
        ] {
            let made = FileName::harmless(text);
            assert_eq!(made.as_str(), name, "{text:?}");
            assert!(made.as_str().len() <= MAX_FILE_NAME);
            assert_eq!(FileName::harmless(made.as_str()), made, "harmless names stay: {text:?}");
        }
    }

    #[test]
    fn media_types_lose_case_and_parameters() {
        let read = |text: &str| text.parse::<MediaType>().map(|it| it.to_string());
        assert_eq!(read("Text/HTML; charset=utf-8").as_deref(), Ok("text/html"));
        assert_eq!(read("image/svg+xml").as_deref(), Ok("image/svg+xml"));
        for bad in ["", "/", "image", "image/", "/png", "a/b/c", "a b/c", "a/b\r\nx: y", "ä/b"] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
        assert!(read(&format!("a/{}", "b".repeat(126))).is_err());
    }

    #[test]
    fn ranges_hold_their_types() {
        let holds = |range: &str, media: &str| {
            range.parse::<MediaRange>().unwrap().holds(&media.parse().unwrap())
        };
        assert!(holds("*/*", "a/b") && holds("image/*", "image/png") && holds("a/b", "A/B"));
        assert!(!holds("image/*", "images/png") && !holds("a/b", "a/c"));
        for bad in ["*", "*/png", "image", "image/**"] {
            assert!(bad.parse::<MediaRange>().is_err(), "{bad}");
        }
    }
}
