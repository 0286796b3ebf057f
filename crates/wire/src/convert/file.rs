//! Files.

use anser_domain::{FileCommand, FileId, FileRecord, FileReply, FileState, Refusal};

use super::ask::number;
use crate::frame;

/// A question about a file as a command.
pub(super) fn command(call: &frame::FileCall) -> Result<FileCommand, Refusal> {
    Ok(FileCommand::Info(FileId(number(call.file)?)))
}

/// The answer to a question about a file; `None` for replies that answer no link.
pub(super) fn answer(reply: &FileReply) -> Option<frame::File> {
    match reply {
        FileReply::File(record) => Some(file(record)),
        FileReply::Content(_) | FileReply::List(_) | FileReply::Doomed(_) => None,
    }
}

fn file(record: &FileRecord) -> frame::File {
    frame::File {
        file: record.id.0,
        owner: record.owner.to_string(),
        name: record.name.to_string(),
        media: record.media.to_string(),
        size: record.size,
        received: record.received,
        sha256: record.sha256.map(|it| it.to_vec()).unwrap_or_default(),
        width: record.picture.map_or(0, |it| it.width),
        height: record.picture.map_or(0, |it| it.height),
        thumbnail: record.picture.is_some_and(|it| it.thumbnail.is_some()),
        public: record.public,
        state: match record.state {
            FileState::Uploading => 1,
            FileState::Ready => 2,
            FileState::Gone => 3,
        },
        created: record.created.0,
        expires: record.expires.map_or(0, |time| time.0),
    }
}
