//! Files: each that was finished is whole, and no bytes lie about without an owner.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use reqwest::Method;
use serde_json::json;

use crate::world::{Hand, World};

pub(crate) struct Model {
    hand: Hand,
    files: BTreeMap<String, Vec<u8>>,
}

pub(crate) async fn work(hand: Hand) -> Model {
    let new = json!({"id": "files", "title": "Files"});
    hand.must(Method::POST, "/v1/groups", Some(&new)).await;
    let mut files = BTreeMap::new();
    for n in 0.. {
        if !hand.goes_on() {
            break;
        }
        let bytes = format!("file {n}\n").repeat(2000).into_bytes();
        let name = format!("letter{n}.txt");
        let made = hand
            .insist(|base| {
                hand.client()
                    .post(format!("{base}/v1/files?name={name}"))
                    .header("content-type", "text/plain")
                    .body(bytes.clone())
            })
            .await;
        assert_eq!(made.status, 201, "{made:?}");
        let id = made.json["id"].as_str().unwrap().to_owned();
        let said = json!({"kind": "file", "data": {"file": id, "name": name}});
        hand.must(Method::POST, "/v1/conversations/g:files/messages", Some(&said)).await;
        files.insert(id, bytes);
    }
    Model { hand, files }
}

impl Model {
    pub(crate) async fn compare(&self, world: &World) {
        assert!(self.files.len() > 5, "only {} files", self.files.len());
        for (id, bytes) in &self.files {
            let shown = self.hand.call(Method::GET, &format!("/v1/files/{id}"), None).await;
            assert_eq!((shown.status, &shown.bytes), (200, bytes), "{id}");
        }
        // An upload that a kill broke off still has its row until it is swept.
        let listed = self.hand.all("/v1/files?limit=200", "files").await;
        let known = listed.iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect();
        let kept = on_disk(&world.dir.path().join("files"));
        assert!(kept.len() >= self.files.len(), "{} files on disk", kept.len());
        let stray: Vec<_> = kept.difference(&known).collect();
        assert!(stray.is_empty(), "bytes without an owner: {stray:?}");
    }
}

/// The files that have bytes in the directory: `SHARD/FILE/…`.
fn on_disk(root: &Path) -> BTreeSet<String> {
    let names = |dir: &Path| -> Vec<PathBuf> {
        fs::read_dir(dir).unwrap().map(|it| it.unwrap().path()).collect()
    };
    let files = names(root).into_iter().flat_map(|shard| names(&shard));
    files.map(|it| it.file_name().unwrap().to_str().unwrap().to_owned()).collect()
}
