//! Edits and recalls: none undone, and a search that finds what history has, and nothing else.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{Hand, World};

pub(crate) struct Model {
    hand: Hand,
    /// By seq: what the message says now; nothing once it was recalled.
    says: BTreeMap<u64, Option<String>>,
}

/// What was edited begins to count here.
const MENDED: u64 = 100_000;

/// A word that no other message has.
fn word(n: u64) -> String {
    format!("goose{n:06}x")
}

pub(crate) async fn work(hand: Hand) -> Model {
    let mut says = BTreeMap::new();
    let new = json!({"id": "talk", "title": "Talk"});
    hand.must(Method::POST, "/v1/groups", Some(&new)).await;
    let at = "/v1/conversations/g:talk/messages";
    for n in 0.. {
        if !hand.goes_on() {
            break;
        }
        let text = format!("letter {} 鸿雁传书", word(n));
        let said = json!({"kind": "text", "text": text});
        let place = hand.must(Method::POST, at, Some(&said)).await;
        let seq = place["seq"].as_u64().unwrap();
        says.insert(seq, Some(text));
        if n % 3 == 1 {
            let text = format!("mended {}", word(MENDED + n));
            let edit = json!({"kind": "text", "text": text});
            hand.must(Method::POST, &format!("{at}/{seq}/edit"), Some(&edit)).await;
            says.insert(seq, Some(text));
        }
        if n % 4 == 1 {
            hand.must(Method::POST, &format!("{at}/{seq}/recall"), None).await;
            says.insert(seq, None);
        }
    }
    Model { hand, says }
}

impl Model {
    pub(crate) async fn compare(&self, _: &World) {
        assert!(self.says.len() > 20, "only {} messages", self.says.len());
        let log = self.hand.log("g:talk").await;
        let by_seq: BTreeMap<u64, &Value> =
            log.iter().map(|it| (it["seq"].as_u64().unwrap(), it)).collect();
        for (seq, says) in &self.says {
            let shown = by_seq[seq];
            assert_eq!(shown["text"].as_str(), says.as_deref(), "{seq}: {shown}");
        }
        // Nothing that was recalled or replaced is left anywhere in what the server shows.
        let whole = serde_json::to_string(&log).unwrap();
        let said = 0..self.says.len() as u64;
        for n in said.clone().chain(said.map(|n| MENDED + n)) {
            let word = word(n);
            let stands = self.says.values().flatten().any(|text| text.contains(&word));
            assert_eq!(whole.contains(&word), stands, "{word} in history");
            let found = self.hand.all(&format!("/v1/search?query={word}"), "hits").await;
            assert_eq!(found.len(), usize::from(stands), "{word} is searched");
        }
    }
}
