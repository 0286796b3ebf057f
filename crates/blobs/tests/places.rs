//! The same promises at every place: in memory, in a directory, in a bucket of a real S3 server.
#![expect(clippy::unwrap_used, reason = "a test says by panicking")]

use std::{net::SocketAddr, path::Path};

use anser_blobs::{BlobError, Blobs, Place, S3};
use anser_domain::{FileId, Piece};
use bytes::Bytes;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use s3s::{auth::SimpleAuth, service::S3ServiceBuilder};
use tokio::net::TcpListener;

const FILE: FileId = FileId(7_193_520_847_613_952);
const OTHER: FileId = FileId(7_193_520_847_613_953);

fn piece(at: u64, bytes: &[u8]) -> Piece {
    Piece { at, length: u32::try_from(bytes.len()).unwrap(), nonce: 0xabcd + at }
}

async fn put(blobs: &Blobs, file: FileId, at: u64, bytes: &'static [u8]) -> Piece {
    let piece = piece(at, bytes);
    let (left, right) = bytes.split_at(bytes.len() / 2);
    let parts = vec![Bytes::from_static(left), Bytes::from_static(right)];
    blobs.put(file, piece, parts).await.unwrap();
    piece
}

async fn keeps_its_promises(blobs: &Blobs) {
    let pieces = [
        put(blobs, FILE, 0, b"wild ").await,
        put(blobs, FILE, 5, b"geese ").await,
        put(blobs, FILE, 11, b"fly").await,
    ];
    let text = b"wild geese fly";
    for from in 0..text.len() {
        for until in from..=text.len() {
            let range = u64::try_from(from).unwrap()..u64::try_from(until).unwrap();
            let read = blobs.read_whole(FILE, &pieces, range).await.unwrap();
            assert_eq!(read, text.get(from..until).unwrap(), "{from}..{until}");
        }
    }
    blobs.put_thumbnail(FILE, b"small".to_vec()).await.unwrap();
    assert_eq!(blobs.thumbnail(FILE).await.unwrap(), "small");

    // Two that write the same part do not meet.
    let again = Piece { nonce: 1, ..pieces[0] };
    blobs.put(FILE, again, vec![Bytes::from_static(b"mild ")]).await.unwrap();
    assert_eq!(blobs.read_whole(FILE, &pieces, 0..5).await.unwrap(), b"wild ");
    blobs.discard(FILE, again).await;
    let discarded = blobs.read(FILE, &[again], 0..5).await;
    assert!(matches!(discarded.err(), Some(BlobError::Missing(_))));

    let others = [put(blobs, OTHER, 0, b"other").await];
    blobs.remove(FILE).await.unwrap();
    blobs.remove(FILE).await.unwrap();
    assert!(matches!(blobs.thumbnail(FILE).await, Err(BlobError::Missing(_))));
    assert!(blobs.read(FILE, &pieces, 0..1).await.is_err());
    assert_eq!(blobs.read_whole(OTHER, &others, 0..5).await.unwrap(), b"other");
    blobs.remove(OTHER).await.unwrap();
}

#[tokio::test]
async fn memory_keeps_its_promises() {
    keeps_its_promises(&Blobs::default()).await;
}

#[tokio::test]
async fn a_directory_keeps_its_promises_and_holds_nothing_afterwards() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("files");
    let blobs = Place::Directory(root.clone()).open().unwrap();
    keeps_its_promises(&blobs).await;
    assert_eq!(files_below(&root), 0);

    // A write that a crash cut off leaves a file that no list shows; it goes all the same.
    put(&blobs, FILE, 0, b"x").await;
    let shard = std::fs::read_dir(&root).unwrap().map(|it| it.unwrap().path());
    let folder = shard.map(|it| it.join(FILE.to_string())).find(|it| it.exists()).unwrap();
    std::fs::write(folder.join("1-000000000000abcd#1"), "half").unwrap();
    assert_eq!(files_below(&root), 2);
    blobs.remove(FILE).await.unwrap();
    assert_eq!(files_below(&root), 0);
}

fn files_below(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { files_below(&path) } else { 1 }).sum()
}

#[tokio::test]
async fn a_place_that_cannot_be_used_is_said_so() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = Place::Directory(file.join("files")).open().unwrap_err();
    assert!(error.to_string().contains("cannot keep files in"), "{error}");
    let nowhere = Place::S3(S3 { url: "s3://".into(), ..S3::default() }).open().unwrap_err();
    assert!(nowhere.to_string().contains("s3://BUCKET"), "{nowhere}");
    let secret = S3 { secret: "hidden".into(), ..S3::default() };
    assert!(!format!("{secret:?}").contains("hidden"));
}

/// An S3 server on this machine, on a directory of its own.
async fn s3_server(root: &Path) -> SocketAddr {
    std::fs::create_dir(root.join("geese")).unwrap();
    let mut service = S3ServiceBuilder::new(s3s_fs::FileSystem::new(root).unwrap());
    service.set_auth(SimpleAuth::from_single("goose", "feather"));
    let service = service.build();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let service = service.clone();
            tokio::spawn(async move {
                let http = Builder::new(TokioExecutor::new());
                let _ = http.serve_connection(TokioIo::new(socket), service).await;
            });
        }
    });
    at
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_keeps_its_promises() {
    let dir = tempfile::tempdir().unwrap();
    let at = s3_server(dir.path()).await;
    let bucket = S3 {
        url: "s3://geese/some/where".into(),
        endpoint: format!("http://{at}"),
        region: "eu-north-1".into(),
        key: "goose".into(),
        secret: "feather".into(),
    };
    keeps_its_promises(&Place::S3(bucket.clone()).open().unwrap()).await;

    let stranger = Place::S3(S3 { secret: "stone".into(), ..bucket }).open().unwrap();
    let refused = stranger.put(FILE, piece(0, b"x"), vec![Bytes::from_static(b"x")]).await;
    assert!(matches!(refused, Err(BlobError::Failed(_))), "{refused:?}");
}
