//! Groups: each there with everyone it was made with, or not at all; each with its last title.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use serde_json::json;

use crate::world::{Hand, World};

pub(crate) struct Model {
    hand: Hand,
    /// Members and title, by id.
    groups: BTreeMap<String, (BTreeSet<String>, String)>,
}

pub(crate) async fn work(hand: Hand) -> Model {
    let mut model = Model { hand, groups: BTreeMap::new() };
    let hand = &model.hand;
    for user in ["gus", "greta", "gil"] {
        hand.enrol(user).await;
    }
    for n in 0.. {
        if !hand.goes_on() {
            break;
        }
        let id = format!("group{n}");
        let new = json!({"id": id, "title": "first", "members": ["gus", "greta"]});
        hand.must(Method::POST, "/v1/groups", Some(&new)).await;
        let mut members: BTreeSet<String> = ["gina", "gus", "greta"].map(String::from).into();
        let mut title = "first".to_owned();
        if n % 2 == 0 {
            let add = json!({"users": ["gil"]});
            hand.must(Method::POST, &format!("/v1/groups/{id}/members"), Some(&add)).await;
            members.insert("gil".to_owned());
        }
        if n % 3 == 0 {
            let path = format!("/v1/groups/{id}/members/gus");
            hand.must(Method::DELETE, &path, None).await;
            members.remove("gus");
        }
        if n % 5 != 0 {
            title = format!("title {n}");
            let patch = json!({"title": title});
            hand.must(Method::PATCH, &format!("/v1/groups/{id}"), Some(&patch)).await;
        }
        model.groups.insert(id, (members, title));
    }
    model
}

/// Whether it was made here.
fn is_of_these(id: &str) -> bool {
    id.starts_with("group")
}

impl Model {
    pub(crate) async fn compare(&self, world: &World) {
        assert!(self.groups.len() > 10, "only {} groups", self.groups.len());
        // None that a kill left behind half made, which nobody was told of.
        let all = world.hand_again("ada").await.all("/v1/admin/groups?limit=200", "groups").await;
        let made: BTreeSet<&str> =
            all.iter().map(|it| it["id"].as_str().unwrap()).filter(|id| is_of_these(id)).collect();
        assert!(made.iter().copied().eq(self.groups.keys().map(String::as_str)), "{made:?}");
        for (id, (members, title)) in &self.groups {
            let shown = self.hand.must(Method::GET, &format!("/v1/groups/{id}"), None).await;
            assert_eq!(shown["title"], **title, "{id}");
            let list = self.hand.all(&format!("/v1/groups/{id}/members"), "members").await;
            let names: BTreeSet<String> =
                list.iter().map(|it| it["user"].as_str().unwrap().to_owned()).collect();
            assert_eq!(names, *members, "{id}");
            let log = self.hand.log(&format!("g:{id}")).await;
            let seqs: Vec<u64> = log.iter().map(|it| it["seq"].as_u64().unwrap()).collect();
            assert!(seqs.iter().copied().eq(1..=seqs.len() as u64), "{id}: {seqs:?}");
        }
    }
}
