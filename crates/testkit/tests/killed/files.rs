//! Files: each that was finished is whole, each that was deleted is gone, and no bytes lie about
//! without an owner.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::world::{Answer, Hand, World};

/// The longest that bytes without an owner may lie about: the server sweeps when it starts.
const SWEPT: Duration = Duration::from_secs(30);

pub(crate) struct Model {
    hand: Hand,
    /// By id; nothing once it was deleted.
    files: BTreeMap<String, Option<Vec<u8>>>,
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
        let id = match n % 3 {
            2 => in_pieces(&hand, &name, &bytes).await,
            _ => at_once(&hand, &name, &bytes).await,
        };
        let said = json!({"kind": "file", "data": {"file": id, "name": name}});
        hand.must(Method::POST, "/v1/conversations/g:files/messages", Some(&said)).await;
        let deleted = n % 4 == 3;
        if deleted {
            // A try before this one may have come through.
            hand.must_or(Method::DELETE, &format!("/v1/files/{id}"), &json!({}), &[404]).await;
        }
        files.insert(id, (!deleted).then_some(bytes));
    }
    Model { hand, files }
}

/// One request with everything. A try that was broken off leaves an upload that nobody goes on with.
async fn at_once(hand: &Hand, name: &str, bytes: &[u8]) -> String {
    let made = hand
        .insist(|base| {
            hand.client()
                .post(format!("{base}/v1/files?name={name}"))
                .header("content-type", "text/plain")
                .body(bytes.to_vec())
        })
        .await;
    assert_eq!(made.status, 201, "{made:?}");
    made.json["id"].as_str().unwrap().to_owned()
}

/// Half and half, from wherever the server is.
async fn in_pieces(hand: &Hand, name: &str, bytes: &[u8]) -> String {
    let new = json!({"name": name, "type": "text/plain", "size": bytes.len()});
    let made = hand.must(Method::POST, "/v1/files", Some(&new)).await;
    let path = format!("/v1/files/{}", made["id"].as_str().unwrap());
    let state = async || hand.must(Method::GET, &format!("{path}/info"), None).await;
    loop {
        let there = state().await;
        if there["state"] == "ready" {
            return there["id"].as_str().unwrap().to_owned();
        }
        let from = usize::try_from(there["offset"].as_u64().unwrap()).unwrap();
        let to = if from == 0 { bytes.len() / 2 } else { bytes.len() };
        let sent: Answer = hand
            .insist(|base| {
                hand.client()
                    .patch(format!("{base}{path}"))
                    .header("upload-offset", from)
                    .header("content-type", "application/octet-stream")
                    .body(bytes[from..to].to_vec())
            })
            .await;
        // A try whose answer was lost has moved it on.
        assert!([200, 409].contains(&sent.status), "{sent:?}");
    }
}

impl Model {
    pub(crate) async fn compare(&self, world: &World) {
        assert!(self.files.len() > 5, "only {} files", self.files.len());
        for (id, bytes) in &self.files {
            let shown = self.hand.call(Method::GET, &format!("/v1/files/{id}"), None).await;
            match bytes {
                Some(bytes) => assert_eq!((shown.status, &shown.bytes), (200, bytes), "{id}"),
                None => assert_eq!(shown.status, 410, "{id}"),
            }
        }
        // An upload that a kill broke off still has its row until it is swept.
        let mut known = BTreeSet::new();
        for hand in world.everyone().await {
            let listed = hand.all("/v1/files?limit=200", "files").await;
            known.extend(listed.iter().map(|it| it["id"].as_str().unwrap().to_owned()));
        }
        let finished = self.files.iter().filter(|(_, bytes)| bytes.is_some()).count();
        let (pause, mut waited) = (Duration::from_millis(50), Duration::ZERO);
        loop {
            let kept = on_disk(&world.dir.path().join("files"));
            assert!(kept.len() >= finished, "{} files on disk", kept.len());
            let stray: Vec<_> = kept.difference(&known).collect();
            if stray.is_empty() {
                break;
            }
            assert!(waited < SWEPT, "bytes without an owner: {stray:?}");
            waited += pause;
            sleep(pause).await;
        }
    }

    /// What has to be told of them: each once.
    pub(crate) fn facts(&self) -> BTreeSet<(String, String)> {
        let mut facts = BTreeSet::new();
        for (id, bytes) in &self.files {
            facts.insert(("file.uploaded".to_owned(), id.clone()));
            if bytes.is_none() {
                facts.insert(("file.deleted".to_owned(), id.clone()));
            }
        }
        facts
    }
}

/// What an event tells of a file.
pub(crate) fn fact(event: &Value) -> Option<(String, String)> {
    let kind = event["type"].as_str().filter(|it| it.starts_with("file."))?;
    Some((kind.to_owned(), event["data"]["file"].as_str()?.to_owned()))
}

/// The files that have bytes in the directory: `SHARD/FILE/…`.
fn on_disk(root: &Path) -> BTreeSet<String> {
    // What is being swept may go while this looks.
    let names = |dir: &Path| -> Vec<PathBuf> {
        fs::read_dir(dir).into_iter().flatten().map(|it| it.unwrap().path()).collect()
    };
    let files = names(root).into_iter().flat_map(|shard| names(&shard));
    let full = files.filter(|file| !names(file).is_empty());
    full.map(|it| it.file_name().unwrap().to_str().unwrap().to_owned()).collect()
}
