//! Arbitrary questions and answers about files.

use super::*;

fn name() -> impl Strategy<Value = FileName> {
    ".{0,40}".prop_map(|text| FileName::harmless(&text))
}

fn media() -> impl Strategy<Value = MediaType> {
    "[a-z]{1,8}/[a-z0-9.+-]{1,12}".prop_map(|text| text.parse().unwrap())
}

fn file() -> impl Strategy<Value = FileId> {
    any::<u64>().prop_map(FileId)
}

fn piece() -> impl Strategy<Value = Piece> {
    any::<(u64, u32, u64)>().prop_map(|(at, length, nonce)| Piece { at, length, nonce })
}

fn picture() -> impl Strategy<Value = Picture> {
    let thumbnail = option::of(prop_oneof![Just(Thumbnail::Jpeg), Just(Thumbnail::Webp)]);
    (any::<(u32, u32)>(), thumbnail).prop_map(|((width, height), thumbnail)| Picture {
        width,
        height,
        thumbnail,
    })
}

fn record() -> impl Strategy<Value = FileRecord> {
    let state =
        prop_oneof![Just(FileState::Uploading), Just(FileState::Ready), Just(FileState::Gone)];
    let numbers = any::<(u64, u64, u64, bool, i64, Option<i64>)>();
    let sha256 = option::of(any::<[u8; 32]>());
    (numbers, user(), name(), media(), sha256, option::of(picture()), state)
        .prop_map(|(numbers, owner, name, media, sha256, picture, state)| {
            let (id, size, received, public, created, expires) = numbers;
            FileRecord {
                id: FileId(id),
                owner,
                name,
                media,
                size,
                received,
                sha256,
                picture,
                public,
                state,
                created: Millis(created),
                expires: expires.map(Millis),
            }
        })
        .boxed()
}

pub fn file_command() -> impl Strategy<Value = FileCommand> {
    let new = (name(), option::of(media()), any::<(u64, Option<[u8; 32]>, bool)>()).prop_map(
        |(name, media, (size, sha256, public))| NewFile { name, media, size, sha256, public },
    );
    let found = (any::<[u8; 32]>(), media(), option::of(picture()))
        .prop_map(|(sha256, media, picture)| Found { sha256, media, picture });
    prop_oneof![
        new.prop_map(|it| FileCommand::Begin(Box::new(it))),
        (file(), piece()).prop_map(|(file, piece)| FileCommand::Wrote { file, piece }),
        (file(), found)
            .prop_map(|(file, found)| FileCommand::Finish { file, found: Box::new(found) }),
        file().prop_map(FileCommand::Info),
        file().prop_map(FileCommand::Open),
        (option::of(file()), any::<u16>())
            .prop_map(|(before, limit)| FileCommand::List { before, limit }),
        file().prop_map(FileCommand::Delete),
        any::<u16>().prop_map(|limit| FileCommand::Sweep { limit }),
        vec(file(), 0..4).prop_map(FileCommand::Swept),
    ]
    .boxed()
}

pub fn file_reply() -> impl Strategy<Value = FileReply> {
    let page = (vec(record(), 0..3), any::<(bool, u64, u64)>())
        .prop_map(|(files, (more, used, quota))| FilePage { files, more, used, quota });
    prop_oneof![
        record().prop_map(|it| FileReply::File(Box::new(it))),
        (record(), vec(piece(), 0..3)).prop_map(|(record, pieces)| FileReply::Content(Box::new(
            FileContent { record, pieces }
        ))),
        page.prop_map(|it| FileReply::List(Box::new(it))),
        vec(file(), 0..4).prop_map(FileReply::Doomed),
    ]
    .boxed()
}

pub const FILE_COMMAND_KINDS: usize = 9;

pub fn file_command_kind(command: &FileCommand) -> usize {
    match command {
        FileCommand::Begin(_) => 0,
        FileCommand::Wrote { .. } => 1,
        FileCommand::Finish { .. } => 2,
        FileCommand::Info(_) => 3,
        FileCommand::Open(_) => 4,
        FileCommand::List { .. } => 5,
        FileCommand::Delete(_) => 6,
        FileCommand::Sweep { .. } => 7,
        FileCommand::Swept(_) => 8,
    }
}

pub const FILE_REPLY_KINDS: usize = 4;

pub fn file_reply_kind(reply: &FileReply) -> usize {
    match reply {
        FileReply::File(_) => 0,
        FileReply::Content(_) => 1,
        FileReply::List(_) => 2,
        FileReply::Doomed(_) => 3,
    }
}
