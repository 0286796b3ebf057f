//! Bytes coming in: gathered into pieces, stored, told to the SM; once all are there, looked at.
//!
//! ```text
//!  body ─► gather (1 MiB) ─► Blobs::put, synced ─► FileCommand::Wrote, committed ─► …
//!       … ─► digest · sniff · picture, thumbnail ─► FileCommand::Finish
//! ```
//!
//! Whatever breaks in between, what was told to the SM is kept, and the upload goes on from there.

use anser_blobs::{HEAD, MAX_DECODED, PictureError, see, sniff};
use anser_domain::{
    Caller, Command, FileCommand, FileRecord, Found, MediaType, Picture, Piece, Refusal,
};
use axum::body::Body;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use sha2::{Digest as _, Sha256};
use tokio::time::{Instant, timeout_at};

use crate::{
    App,
    answer::Done,
    limits::{MIN_PROGRESS, PIECE, PROGRESS_WITHIN},
    problem::{self, Problem},
};

/// Takes a body as the next bytes of an upload, and finishes the file when they are the last.
pub(crate) async fn upload(
    app: App,
    caller: Caller,
    record: FileRecord,
    pieces: Vec<Piece>,
    body: Body,
) -> Result<FileRecord, Problem> {
    let busy = |_| Problem::from(Refusal::Busy(std::time::Duration::from_secs(2)));
    let place = app.files.uploads.clone().try_acquire_owned().map_err(busy)?;
    // A task of its own: when the connection breaks, whoever answers it is dropped, and what has
    // arrived is to be stored all the same.
    let task = tokio::spawn(async move {
        let _place = place;
        let hash = (record.received == 0).then(Sha256::new);
        Box::pin(Upload { app, caller, record, pieces, hash }.run(body)).await
    });
    task.await.unwrap_or_else(|_| Err(Problem::new(&problem::INTERNAL, "the upload failed")))
}

struct Upload {
    app: App,
    caller: Caller,
    record: FileRecord,
    pieces: Vec<Piece>,
    /// Of all bytes so far, if this request began with the first.
    hash: Option<Sha256>,
}

impl Upload {
    async fn run(mut self, mut body: Body) -> Result<FileRecord, Problem> {
        loop {
            let rest = self.record.size.saturating_sub(self.record.received);
            let Gathered { parts, length, end } = gather(&mut body, rest).await;
            if length > 0 {
                self.store(parts, length).await?;
            }
            match end {
                End::Piece => {}
                End::Body => break,
                End::Broken(problem) => return Err(problem),
            }
        }
        if self.record.received == self.record.size { self.finish().await } else { Ok(self.record) }
    }

    async fn store(&mut self, parts: Vec<Bytes>, length: u32) -> Result<(), Problem> {
        let (file, files) = (self.record.id, self.app.files.clone());
        let piece = Piece { at: self.record.received, length, nonce: rand::random() };
        if let Some(hash) = &mut self.hash {
            parts.iter().for_each(|bytes| hash.update(bytes));
        }
        files.blobs.put(file, piece, parts).await?;
        match self.ask(FileCommand::Wrote { file, piece }).await {
            Ok(record) => {
                files.metrics.bytes_in.inc_by(length.into());
                self.record = record;
                self.pieces.push(piece);
                Ok(())
            }
            // Not told in time is not refused: then the piece may count, and stays.
            Err(problem) => {
                if problem.is(&problem::CONFLICT) {
                    files.blobs.discard(file, piece).await;
                    return Err(Problem::new(
                        &problem::UPLOAD_OFFSET,
                        "the file goes on elsewhere",
                    ));
                }
                Err(problem)
            }
        }
    }

    async fn finish(mut self) -> Result<FileRecord, Problem> {
        let sha256 = match self.hash.take() {
            Some(hash) => hash.finalize().into(),
            None => self.digest().await?,
        };
        if self.record.sha256.is_some_and(|announced| announced != sha256) {
            return Err(self.reject("sha256: the content is not the one that was announced").await);
        }
        let head = self.read(HEAD).await?;
        let Ok(media) = sniff(&head, Some(&self.record.media)) else {
            return Err(self.reject("type: the content is not of the type that was said").await);
        };
        let picture = match self.look(&media).await? {
            Ok(picture) => picture,
            Err(PictureError::TooLarge) => {
                return Err(self
                    .reject("the picture has more pixels than the server allows")
                    .await);
            }
            Err(PictureError::Broken) => {
                return Err(self.reject("the picture cannot be read").await);
            }
        };
        let found = Box::new(Found { sha256, media, picture });
        let finished = self.ask(FileCommand::Finish { file: self.record.id, found }).await;
        match finished {
            // A type that the operator does not take.
            Err(problem) if problem.is(&problem::INVALID) => {
                self.delete().await;
                Err(problem)
            }
            finished => finished,
        }
    }

    /// Looks at a picture. Few at a time are held in memory.
    async fn look(
        &self,
        media: &MediaType,
    ) -> Result<Result<Option<Picture>, PictureError>, Problem> {
        if !media.is("image") || self.record.size > MAX_DECODED {
            return Ok(Ok(None));
        }
        let _place = self.app.files.looking.clone().acquire_owned().await;
        let bytes = self.read(self.record.size).await?;
        let seen = match see(media, bytes).await {
            None => return Ok(Ok(None)),
            Some(Err(error)) => return Ok(Err(error)),
            Some(Ok(seen)) => seen,
        };
        if let Some(thumbnail) = seen.thumbnail {
            self.app.files.blobs.put_thumbnail(self.record.id, thumbnail).await?;
        }
        Ok(Ok(Some(seen.picture)))
    }

    async fn digest(&self) -> Result<[u8; 32], Problem> {
        let (record, blobs) = (&self.record, &self.app.files.blobs);
        let mut content = blobs.read(record.id, &self.pieces, 0..record.size).await?;
        let mut hash = Sha256::new();
        while let Some(bytes) = futures_util::TryStreamExt::try_next(&mut content).await? {
            hash.update(&bytes);
        }
        Ok(hash.finalize().into())
    }

    async fn read(&self, until: u64) -> Result<Vec<u8>, Problem> {
        let until = until.min(self.record.size);
        Ok(self.app.files.blobs.read_whole(self.record.id, &self.pieces, 0..until).await?)
    }

    /// Gives a file up whose content will not do.
    async fn reject(&self, why: &'static str) -> Problem {
        self.delete().await;
        Problem::new(&problem::INVALID, why)
    }

    async fn delete(&self) {
        let command = Command::Files(FileCommand::Delete(self.record.id));
        // If even this fails, the file is swept as one that was never finished.
        let _: Result<Done, Problem> = self.app.calls.ask(self.caller.clone(), command).await;
    }

    async fn ask(&self, command: FileCommand) -> Result<FileRecord, Problem> {
        self.app.calls.ask(self.caller.clone(), Command::Files(command)).await
    }
}

/// Some bytes of a body.
struct Gathered {
    parts: Vec<Bytes>,
    length: u32,
    end: End,
}

/// Why there are no more of them.
enum End {
    /// They are a piece.
    Piece,
    /// The body has ended.
    Body,
    /// It broke off, or is not what it should be. What arrived before counts.
    Broken(Problem),
}

/// Reads about [`PIECE`] bytes, and never more than `rest`. A body may take as long as it likes,
/// but in any [`PROGRESS_WITHIN`] it has to bring [`MIN_PROGRESS`].
async fn gather(body: &mut Body, rest: u64) -> Gathered {
    let mut parts = Vec::new();
    let (mut length, mut in_window) = (0_u32, 0_u32);
    let mut deadline = Instant::now() + PROGRESS_WITHIN;
    let end = loop {
        if length >= PIECE {
            break End::Piece;
        }
        let frame = match timeout_at(deadline, body.frame()).await {
            Ok(frame) => frame,
            Err(_) if in_window >= MIN_PROGRESS => {
                deadline = Instant::now() + PROGRESS_WITHIN;
                in_window = 0;
                continue;
            }
            Err(_) => {
                let why = "the body arrives too slowly; what arrived is kept";
                break End::Broken(Problem::new(&problem::BODY_TIMEOUT, why));
            }
        };
        let bytes = match frame {
            None => break End::Body,
            Some(Err(_)) => {
                let why = "the body broke off; what arrived is kept";
                break End::Broken(Problem::new(&problem::MALFORMED, why));
            }
            Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
        };
        let more = u32::try_from(bytes.len()).ok().and_then(|more| length.checked_add(more));
        match more {
            Some(more) if u64::from(more) <= rest => {
                in_window = in_window.saturating_add(more - length);
                length = more;
                parts.push(bytes);
            }
            _ => {
                let why = "the file has more bytes than were announced";
                break End::Broken(Problem::new(&problem::TOO_LARGE, why));
            }
        }
    };
    Gathered { parts, length, end }
}
