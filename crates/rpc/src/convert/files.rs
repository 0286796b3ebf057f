//! Files.

use anser_domain::{
    FileCommand, FileContent, FileId, FileName, FilePage, FileRecord, FileReply, FileState, Found,
    MediaType, Millis, NewFile, Picture, Piece, Thumbnail, UserName,
};
use bytes::Bytes;

use super::{Form, forms, limit, read_all, required};
use crate::{malformed::Malformed, proto};

impl Form for FileCommand {
    type Proto = proto::FileCommand;

    fn form(&self) -> proto::FileCommand {
        use proto::file_command::Command as It;
        proto::FileCommand {
            command: Some(match self {
                Self::Begin(file) => It::Begin(file.form()),
                Self::Wrote { file, piece } => {
                    It::Wrote(proto::WroteFile { file: file.0, piece: Some(piece.form()) })
                }
                Self::Finish { file, found } => {
                    let Found { sha256, media, picture } = &**found;
                    It::Finish(proto::FinishFile {
                        file: file.0,
                        sha256: digest(sha256),
                        media: media.to_string(),
                        picture: picture.as_ref().map(Picture::form),
                    })
                }
                Self::Info(file) => It::Info(file.0),
                Self::Open(file) => It::Open(file.0),
                Self::List { before, limit } => It::List(proto::ListFiles {
                    before: before.map(|file| file.0),
                    limit: (*limit).into(),
                }),
                Self::Delete(file) => It::Delete(file.0),
                Self::Sweep { limit } => It::Sweep((*limit).into()),
                Self::Swept(files) => It::Swept(ids(files)),
            }),
        }
    }

    fn read(form: proto::FileCommand) -> Result<Self, Malformed> {
        use proto::file_command::Command as It;
        Ok(match form.command.ok_or(Malformed::Missing("file command"))? {
            It::Begin(it) => Self::Begin(Box::new(NewFile::read(it)?)),
            It::Wrote(it) => {
                Self::Wrote { file: FileId(it.file), piece: required(it.piece, "piece")? }
            }
            It::Finish(it) => Self::Finish {
                file: FileId(it.file),
                found: Box::new(Found {
                    sha256: read_digest(&it.sha256)?,
                    media: media(&it.media)?,
                    picture: it.picture.map(Picture::read).transpose()?,
                }),
            },
            It::Info(file) => Self::Info(FileId(file)),
            It::Open(file) => Self::Open(FileId(file)),
            It::List(it) => Self::List { before: it.before.map(FileId), limit: limit(it.limit)? },
            It::Delete(file) => Self::Delete(FileId(file)),
            It::Sweep(it) => Self::Sweep { limit: limit(it)? },
            It::Swept(files) => Self::Swept(read_ids(files)),
        })
    }
}

impl Form for FileReply {
    type Proto = proto::FileReply;

    fn form(&self) -> proto::FileReply {
        use proto::file_reply::Reply as It;
        proto::FileReply {
            reply: Some(match self {
                Self::File(record) => It::File(record.form()),
                Self::Content(content) => {
                    let FileContent { record, pieces } = &**content;
                    It::Content(proto::FileContent {
                        record: Some(record.form()),
                        pieces: forms(pieces),
                    })
                }
                Self::List(page) => {
                    let FilePage { files, more, used, quota } = &**page;
                    It::List(proto::FilePage {
                        files: forms(files),
                        more: *more,
                        used: *used,
                        quota: *quota,
                    })
                }
                Self::Doomed(files) => It::Doomed(ids(files)),
            }),
        }
    }

    fn read(form: proto::FileReply) -> Result<Self, Malformed> {
        use proto::file_reply::Reply as It;
        Ok(match form.reply.ok_or(Malformed::Missing("file reply"))? {
            It::File(it) => Self::File(Box::new(FileRecord::read(it)?)),
            It::Content(it) => Self::Content(Box::new(FileContent {
                record: required(it.record, "record")?,
                pieces: read_all(it.pieces)?,
            })),
            It::List(it) => {
                let proto::FilePage { files, more, used, quota } = it;
                Self::List(Box::new(FilePage { files: read_all(files)?, more, used, quota }))
            }
            It::Doomed(files) => Self::Doomed(read_ids(files)),
        })
    }
}

impl Form for NewFile {
    type Proto = proto::NewFile;

    fn form(&self) -> proto::NewFile {
        let Self { name, media, size, sha256, public } = self;
        proto::NewFile {
            name: name.to_string(),
            media: media.as_ref().map(ToString::to_string),
            size: *size,
            sha256: sha256.as_ref().map(digest),
            public: *public,
        }
    }

    fn read(form: proto::NewFile) -> Result<Self, Malformed> {
        let proto::NewFile { name, media: said, size, sha256, public } = form;
        Ok(Self {
            name: FileName::harmless(&name),
            media: said.as_deref().map(media).transpose()?,
            size,
            sha256: sha256.as_deref().map(read_digest).transpose()?,
            public,
        })
    }
}

impl Form for Piece {
    type Proto = proto::FilePiece;

    fn form(&self) -> proto::FilePiece {
        let Self { at, length, nonce } = *self;
        proto::FilePiece { at, length, nonce }
    }

    fn read(form: proto::FilePiece) -> Result<Self, Malformed> {
        let proto::FilePiece { at, length, nonce } = form;
        Ok(Self { at, length, nonce })
    }
}

impl Form for Picture {
    type Proto = proto::FilePicture;

    fn form(&self) -> proto::FilePicture {
        let Self { width, height, thumbnail } = *self;
        let thumbnail = match thumbnail {
            None => proto::Thumbnail::None,
            Some(Thumbnail::Jpeg) => proto::Thumbnail::Jpeg,
            Some(Thumbnail::Webp) => proto::Thumbnail::Webp,
        };
        proto::FilePicture { width, height, thumbnail: thumbnail.into() }
    }

    fn read(form: proto::FilePicture) -> Result<Self, Malformed> {
        let thumbnail = match proto::Thumbnail::try_from(form.thumbnail) {
            Ok(proto::Thumbnail::None) => None,
            Ok(proto::Thumbnail::Jpeg) => Some(Thumbnail::Jpeg),
            Ok(proto::Thumbnail::Webp) => Some(Thumbnail::Webp),
            Err(_) => return Err(Malformed::Range("thumbnail")),
        };
        Ok(Self { width: form.width, height: form.height, thumbnail })
    }
}

impl Form for FileRecord {
    type Proto = proto::FileRecord;

    fn form(&self) -> proto::FileRecord {
        let Self {
            id,
            owner,
            name,
            media,
            size,
            received,
            sha256,
            picture,
            public,
            state,
            created,
            expires,
        } = self;
        let state = match state {
            FileState::Uploading => proto::FileState::Uploading,
            FileState::Ready => proto::FileState::Ready,
            FileState::Gone => proto::FileState::Gone,
        };
        proto::FileRecord {
            id: id.0,
            owner: owner.form(),
            name: name.to_string(),
            media: media.to_string(),
            size: *size,
            received: *received,
            sha256: sha256.as_ref().map(digest),
            picture: picture.as_ref().map(Picture::form),
            public: *public,
            state: state.into(),
            created: created.0,
            expires: expires.map(|time| time.0),
        }
    }

    fn read(form: proto::FileRecord) -> Result<Self, Malformed> {
        Ok(Self {
            id: FileId(form.id),
            owner: UserName::read(form.owner)?,
            name: FileName::harmless(&form.name),
            media: media(&form.media)?,
            size: form.size,
            received: form.received,
            sha256: form.sha256.as_deref().map(read_digest).transpose()?,
            picture: form.picture.map(Picture::read).transpose()?,
            public: form.public,
            state: match proto::FileState::try_from(form.state) {
                Ok(proto::FileState::Uploading) => FileState::Uploading,
                Ok(proto::FileState::Ready) => FileState::Ready,
                Ok(proto::FileState::Gone) => FileState::Gone,
                Ok(proto::FileState::Unspecified) | Err(_) => {
                    return Err(Malformed::Range("file state"));
                }
            },
            created: Millis(form.created),
            expires: form.expires.map(Millis),
        })
    }
}

fn ids(files: &[FileId]) -> proto::FileIds {
    proto::FileIds { ids: files.iter().map(|file| file.0).collect() }
}

fn read_ids(form: proto::FileIds) -> Vec<FileId> {
    form.ids.into_iter().map(FileId).collect()
}

fn digest(bytes: &[u8; 32]) -> Bytes {
    Bytes::copy_from_slice(bytes)
}

fn read_digest(form: &[u8]) -> Result<[u8; 32], Malformed> {
    form.try_into().map_err(|_| Malformed::Range("sha256"))
}

fn media(form: &str) -> Result<MediaType, Malformed> {
    form.parse().map_err(|_| Malformed::Range("media type"))
}
