//! Files: their rows, their pieces, and which entries carry them.

use super::engine::{Connection, OptionalExtension, Row, params};
use anser_domain::{
    Content, ConvId, FileContent, FileId, FileName, FilePage, FileRecord, FileState, Found,
    MediaType, NewFile, Picture, Piece, Refusal, Seq, Thumbnail, UserId, UserName,
};
use async_trait::async_trait;

use super::{
    Relational,
    append::lost,
    convert::{content_of, num, opt, sql, time_of},
    desk::Desk,
    entry,
    extra::Extra,
    follow::tell,
    reader::Reader,
};
use crate::port::{FactKind, FileBounds, Files, FilesBefore, MAX_CARRIED, StoreError, carried};

/// The longest page, whatever was asked for.
const MAX_PAGE: u16 = 1_000;

const UPLOADING: i64 = 0;
const READY: i64 = 1;
/// Its bytes are to be removed.
const DOOMED: i64 = 2;
/// Its bytes have been; entries still name it.
const NAMED: i64 = 3;

const COLUMNS: &str = "f.id, f.owner, u.name, f.name, f.media, f.size, f.received, f.sha256, \
                       f.public, f.state, f.width, f.height, f.thumbnail \
                       FROM files f JOIN users u ON u.id = f.owner";

#[async_trait]
impl Files for Relational {
    async fn begin_file(
        &self,
        owner: UserId,
        file: NewFile,
        bounds: FileBounds,
    ) -> Result<FileRecord, StoreError> {
        self.write(move |desk| begin(desk, owner, &file, bounds)).await
    }

    async fn wrote_file(
        &self,
        owner: UserId,
        file: FileId,
        piece: Piece,
    ) -> Result<FileRecord, StoreError> {
        self.write(move |desk| wrote(desk, owner, file, piece)).await
    }

    async fn finish_file(
        &self,
        owner: UserId,
        file: FileId,
        found: Found,
    ) -> Result<FileRecord, StoreError> {
        self.write(move |desk| finish(desk, owner, file, &found)).await
    }

    async fn file(&self, viewer: UserId, file: FileId) -> Result<FileContent, StoreError> {
        self.readers.call(move |reader| reader.file(viewer, file)).await
    }

    async fn files(
        &self,
        owner: UserId,
        before: Option<FileId>,
        limit: u16,
    ) -> Result<FilePage, StoreError> {
        self.readers.call(move |reader| reader.files(owner, before, limit)).await
    }

    async fn delete_file(&self, owner: UserId, file: FileId) -> Result<(), StoreError> {
        self.write(move |desk| delete(desk, owner, file)).await
    }

    async fn doomed_files(
        &self,
        before: FilesBefore,
        limit: u16,
    ) -> Result<Vec<FileId>, StoreError> {
        self.write(move |desk| doomed(desk, before, limit)).await
    }

    async fn forget_files(&self, files: Vec<FileId>) -> Result<(), StoreError> {
        self.write(move |desk| forget(desk, &files)).await
    }
}

/// A row, and whose it is.
fn record(row: &Row<'_>) -> super::engine::Result<(UserId, FileRecord)> {
    let id = num(row, 0)?;
    let measure = |column| Ok(opt(row, column)?.and_then(|it| u32::try_from(it).ok()));
    let (width, height): (_, super::engine::Result<_>) = (measure(10)?, measure(11));
    let picture = width.zip(height?);
    let thumbnail = match row.get::<_, Option<i64>>(12)? {
        Some(1) => Some(Thumbnail::Jpeg),
        Some(2) => Some(Thumbnail::Webp),
        _ => None,
    };
    let record = FileRecord {
        id: FileId(id),
        owner: UserName::trusted(row.get_ref(2)?.as_str()?),
        name: FileName::trusted(row.get_ref(3)?.as_str()?),
        media: MediaType::trusted(row.get_ref(4)?.as_str()?),
        size: num(row, 5)?,
        received: num(row, 6)?,
        sha256: row.get(7)?,
        picture: picture.map(|(width, height)| Picture { width, height, thumbnail }),
        public: row.get(8)?,
        state: match row.get::<_, i64>(9)? {
            UPLOADING => FileState::Uploading,
            READY => FileState::Ready,
            _ => FileState::Gone,
        },
        created: time_of(id),
        expires: None,
    };
    Ok((UserId(num(row, 1)?), record))
}

fn find(conn: &Connection, file: FileId) -> Result<(UserId, FileRecord), StoreError> {
    let mut query = conn.prepare_cached(&format!("SELECT {COLUMNS} WHERE f.id = ?1"))?;
    Ok(query.query_row([sql(file.0)], record).optional()?.ok_or(Refusal::NoSuchFile)?)
}

/// One's own file while it is being uploaded.
fn upload(desk: &Desk<'_>, owner: UserId, file: FileId) -> Result<FileRecord, StoreError> {
    let (whose, record) = find(desk.conn, file)?;
    if whose != owner || record.state == FileState::Gone {
        return Err(Refusal::NoSuchFile.into());
    }
    if record.state != FileState::Uploading {
        return Err(Refusal::Conflict.into());
    }
    Ok(record)
}

/// Makes a file's row.
fn begin(
    desk: &mut Desk<'_>,
    owner: UserId,
    file: &NewFile,
    bounds: FileBounds,
) -> Result<FileRecord, StoreError> {
    let mut query = desk.conn.prepare_cached(
        "SELECT coalesce(sum(size), 0), count(*), coalesce(sum(state = 0), 0) FROM files \
         WHERE owner = ?1 AND state < 2",
    )?;
    let (used, files, unfinished) =
        query.query_row([sql(owner.0)], |row| Ok((num(row, 0)?, num(row, 1)?, num(row, 2)?)))?;
    if unfinished >= bounds.unfinished.into() {
        return Err(Refusal::Quota("too many unfinished uploads; finish or delete some").into());
    }
    if files >= bounds.files.into() {
        return Err(Refusal::Quota("the user has as many files as are allowed").into());
    }
    if used.saturating_add(file.size) > bounds.bytes {
        return Err(Refusal::Quota("the file is larger than what is left of the quota").into());
    }
    let id = FileId(desk.next_id());
    let media = file.media.clone().unwrap_or_else(MediaType::unknown);
    let mut insert = desk.conn.prepare_cached(
        "INSERT INTO files (id, owner, name, media, size, received, sha256, public, state, \
         touched) VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6, ?7, 0, ?8)",
    )?;
    insert.execute(params![
        sql(id.0),
        sql(owner.0),
        file.name.as_str(),
        media.as_str(),
        sql(file.size),
        file.sha256,
        file.public,
        desk.now.0,
    ])?;
    Ok(find(desk.conn, id)?.1)
}

/// Adds a piece.
fn wrote(
    desk: &mut Desk<'_>,
    owner: UserId,
    file: FileId,
    piece: Piece,
) -> Result<FileRecord, StoreError> {
    let record = upload(desk, owner, file)?;
    if record.received != piece.at {
        return Err(Refusal::Conflict.into());
    }
    let received = piece.at.saturating_add(piece.length.into());
    if received > record.size || piece.length == 0 {
        return Err(Refusal::TooLarge("the file has more bytes than were announced").into());
    }
    let mut insert = desk.conn.prepare_cached(
        "INSERT INTO file_pieces (file, at, length, nonce) VALUES (?1, ?2, ?3, ?4)",
    )?;
    insert.execute(params![sql(file.0), sql(piece.at), piece.length, sql(piece.nonce)])?;
    let mut update =
        desk.conn.prepare_cached("UPDATE files SET received = ?2, touched = ?3 WHERE id = ?1")?;
    update.execute(params![sql(file.0), sql(received), desk.now.0])?;
    Ok(FileRecord { received, ..record })
}

/// Makes an upload ready.
fn finish(
    desk: &mut Desk<'_>,
    owner: UserId,
    file: FileId,
    found: &Found,
) -> Result<FileRecord, StoreError> {
    let record = upload(desk, owner, file)?;
    if record.received != record.size {
        return Err(Refusal::Conflict.into());
    }
    if record.sha256.is_some_and(|announced| announced != found.sha256) {
        return Err(Refusal::Invalid("the content is not the one that was announced").into());
    }
    let thumbnail = found.picture.and_then(|it| it.thumbnail).map(|format| match format {
        Thumbnail::Jpeg => 1,
        Thumbnail::Webp => 2,
    });
    let mut update = desk.conn.prepare_cached(
        "UPDATE files SET state = 1, touched = ?2, sha256 = ?3, media = ?4, width = ?5, \
         height = ?6, thumbnail = ?7 WHERE id = ?1",
    )?;
    update.execute(params![
        sql(file.0),
        record.created.0,
        found.sha256,
        found.media.as_str(),
        found.picture.map(|it| it.width),
        found.picture.map(|it| it.height),
        thumbnail,
    ])?;
    let record = find(desk.conn, file)?.1;
    tell_of(desk, FactKind::FileUploaded, &record)?;
    Ok(record)
}

/// Tells apps what became of a file.
fn tell_of(desk: &mut Desk<'_>, kind: FactKind, file: &FileRecord) -> Result<(), StoreError> {
    let data = serde_json::json!({
        "file": file.id.to_string(),
        "name": file.name.as_str(),
        "media": file.media.as_str(),
        "size": file.size,
    });
    tell(desk, kind, &file.owner, &data.to_string())
}

/// Marks a file as gone.
fn delete(desk: &mut Desk<'_>, owner: UserId, file: FileId) -> Result<(), StoreError> {
    let (whose, record) = find(desk.conn, file)?;
    if whose != owner || record.state == FileState::Gone {
        return Err(Refusal::NoSuchFile.into());
    }
    let mut update =
        desk.conn.prepare_cached("UPDATE files SET state = 2, touched = ?2 WHERE id = ?1")?;
    update.execute(params![sql(file.0), desk.now.0])?;
    match record.state {
        FileState::Ready => tell_of(desk, FactKind::FileDeleted, &record),
        // Nobody was told that it was there.
        FileState::Uploading | FileState::Gone => Ok(()),
    }
}

/// Marks what is past its time, and lists what is to be removed.
fn doomed(desk: &mut Desk<'_>, before: FilesBefore, limit: u16) -> Result<Vec<FileId>, StoreError> {
    let limit = limit.clamp(1, MAX_PAGE);
    let past = [(UPLOADING, Some(before.touched), ""), (READY, before.ready, "AND public = 0")];
    for (state, touched, which) in past {
        let Some(touched) = touched else { continue };
        let mut query = desk.conn.prepare_cached(&format!(
            "SELECT id FROM files WHERE state = {state} AND touched < ?1 {which} \
             ORDER BY touched LIMIT ?2"
        ))?;
        let rows = query.query_map([touched.0, limit.into()], |row| num(row, 0))?;
        let over = rows.collect::<Result<Vec<_>, _>>()?;
        let mut update = desk.conn.prepare_cached(&format!(
            "UPDATE files SET state = {DOOMED}, touched = ?2 WHERE id = ?1"
        ))?;
        for file in &over {
            update.execute([sql(*file), desk.now.0])?;
        }
        if state == READY {
            for file in over {
                let record = find(desk.conn, FileId(file))?.1;
                tell_of(desk, FactKind::FileExpired, &record)?;
            }
        }
    }
    let mut query = desk.conn.prepare_cached(&format!(
        "SELECT id FROM files WHERE state = {DOOMED} ORDER BY touched LIMIT ?1"
    ))?;
    let rows = query.query_map([limit], |row| num(row, 0).map(FileId))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Forgets files whose bytes are removed; those that entries carry keep their name.
fn forget(desk: &mut Desk<'_>, files: &[FileId]) -> Result<(), StoreError> {
    let mut pieces = desk.conn.prepare_cached("DELETE FROM file_pieces WHERE file = ?1")?;
    let mut keep = desk.conn.prepare_cached(&format!(
        "UPDATE files SET state = {NAMED} WHERE id = ?1 AND state = {DOOMED} \
         AND EXISTS (SELECT 1 FROM file_refs WHERE file = ?1)"
    ))?;
    let mut remove = desk
        .conn
        .prepare_cached(&format!("DELETE FROM files WHERE id = ?1 AND state = {DOOMED}"))?;
    for file in files {
        if find_state(desk.conn, *file)? != Some(DOOMED) {
            continue;
        }
        pieces.execute([sql(file.0)])?;
        if keep.execute([sql(file.0)])? == 0 {
            remove.execute([sql(file.0)])?;
        }
    }
    Ok(())
}

fn find_state(conn: &Connection, file: FileId) -> Result<Option<i64>, StoreError> {
    let mut query = conn.prepare_cached("SELECT state FROM files WHERE id = ?1")?;
    Ok(query.query_row([sql(file.0)], |row| row.get(0)).optional()?)
}

/// The files that an entry would carry, once its writer is seen to have a right to each.
pub(super) fn to_carry(
    conn: &Connection,
    writer: UserId,
    content: &Content,
) -> Result<Vec<FileId>, StoreError> {
    let files = carried(content);
    if files.len() > MAX_CARRIED {
        return Err(Refusal::TooLarge("a message carries at most 20 files").into());
    }
    for file in &files {
        let (owner, record) = find(conn, *file)?;
        if record.state != FileState::Ready || !may_see(conn, writer, owner, &record)? {
            return Err(Refusal::NoSuchFile.into());
        }
    }
    Ok(files)
}

/// Notes which files an entry carries.
pub(super) fn carry(
    conn: &Connection,
    files: &[FileId],
    conv: ConvId,
    seq: Seq,
) -> Result<(), StoreError> {
    for file in files {
        let mut insert = conn.prepare_cached(
            "INSERT OR IGNORE INTO file_refs (file, conv, seq) VALUES (?1, ?2, ?3)",
        )?;
        insert.execute([sql(file.0), sql(conv.0), sql(seq.0)])?;
    }
    Ok(())
}

fn may_see(
    conn: &Connection,
    viewer: UserId,
    owner: UserId,
    record: &FileRecord,
) -> Result<bool, StoreError> {
    if owner == viewer {
        return Ok(true);
    }
    match record.state {
        FileState::Uploading => Ok(false),
        FileState::Ready if record.public => Ok(true),
        FileState::Ready | FileState::Gone => reads_entry_with(conn, viewer, record.id),
    }
}

/// Whether `viewer` may read an entry that carries the file, now: in their sight, above the floor,
/// and still saying so. What an edit put there came with the edit: that has to be in their sight too.
fn reads_entry_with(conn: &Connection, viewer: UserId, file: FileId) -> Result<bool, StoreError> {
    let mut query = conn.prepare_cached(
        "SELECT g.kind, g.body, g.extra, r.conv, r.seq FROM file_refs r \
         CROSS JOIN members m ON m.user = ?2 AND m.conv = r.conv \
         CROSS JOIN heads h ON h.conv = r.conv \
         CROSS JOIN msgs g ON g.conv = r.conv AND g.seq = r.seq \
         WHERE r.file = ?1 AND r.seq > h.floor_seq",
    )?;
    let mut rows = query.query([sql(file.0), sql(viewer.0)])?;
    while let Some(row) = &rows.next()? {
        let body = row.get_ref(1)?.as_str().map_err(|error| lost(&error.to_string()))?;
        if !carried(&content_of(row.get(0)?, body)?).contains(&file) {
            continue;
        }
        let (conv, seq) = (ConvId(num(row, 3)?), Seq(num(row, 4)?));
        let extra = row.get::<_, Option<String>>(2)?;
        let extra = extra.as_deref().map(Extra::parse).transpose()?.unwrap_or_default();
        let newest = extra.edited.map_or(seq, |(entry, _)| Seq(entry));
        if entry::sees(conn, viewer, conv, seq)? && entry::sees(conn, viewer, conv, newest)? {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Reader<'_> {
    /// A file with its pieces, for who may see it.
    pub(super) fn file(&self, viewer: UserId, file: FileId) -> Result<FileContent, StoreError> {
        let (owner, record) = find(self.conn, file)?;
        if !may_see(self.conn, viewer, owner, &record)? {
            return Err(Refusal::NoSuchFile.into());
        }
        let mut query = self.conn.prepare_cached(
            "SELECT at, length, nonce FROM file_pieces WHERE file = ?1 ORDER BY at",
        )?;
        let rows = query.query_map([sql(file.0)], |row| {
            Ok(Piece { at: num(row, 0)?, length: row.get(1)?, nonce: num(row, 2)? })
        })?;
        let pieces = match record.state {
            FileState::Gone => Vec::new(),
            FileState::Uploading | FileState::Ready => rows.collect::<Result<_, _>>()?,
        };
        Ok(FileContent { record, pieces })
    }

    /// A page of one's own files.
    pub(super) fn files(
        &self,
        owner: UserId,
        before: Option<FileId>,
        limit: u16,
    ) -> Result<FilePage, StoreError> {
        let limit = usize::from(limit.clamp(1, MAX_PAGE));
        let mut query = self.conn.prepare_cached(&format!(
            "SELECT {COLUMNS} WHERE f.owner = ?1 AND f.id < ?2 AND f.state < 2 \
             ORDER BY f.id DESC LIMIT ?3"
        ))?;
        let before = before.map_or(i64::MAX, |file| sql(file.0));
        let rows = query.query_map(
            params![sql(owner.0), before, i64::try_from(limit + 1).unwrap_or(i64::MAX)],
            |row| Ok(record(row)?.1),
        )?;
        let mut files: Vec<FileRecord> = rows.collect::<Result<_, _>>()?;
        let more = files.len() > limit;
        files.truncate(limit);
        let mut query = self.conn.prepare_cached(
            "SELECT coalesce(sum(size), 0) FROM files WHERE owner = ?1 AND state < 2",
        )?;
        let used = query.query_row([sql(owner.0)], |row| num(row, 0))?;
        Ok(FilePage { files, more, used, quota: 0 })
    }
}
