//! Friends, blocks and items: each as it was last acknowledged.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{Hand, World};

pub(crate) struct Model {
    hand: Hand,
    items: BTreeMap<String, Value>,
    blocked: Option<bool>,
}

pub(crate) async fn work(hand: Hand) -> Model {
    hand.enrol("paul").await;
    let (mut items, mut blocked) = (BTreeMap::new(), None);
    for n in 0_u64.. {
        if !hand.goes_on() {
            break;
        }
        let key = format!("draft/u:user{}", n % 7);
        let value = json!({"text": format!("draft {n}")});
        let put = json!({"value": value});
        hand.must(Method::PUT, &format!("/v1/items/{key}"), Some(&put)).await;
        items.insert(key, value);
        let method = if n % 2 == 0 { Method::PUT } else { Method::DELETE };
        hand.must(method, "/v1/blocks/paul", None).await;
        blocked = Some(n % 2 == 0);
    }
    Model { hand, items, blocked }
}

impl Model {
    pub(crate) async fn compare(&self, _: &World) {
        assert!(!self.items.is_empty());
        for (key, value) in &self.items {
            let shown = self.hand.must(Method::GET, &format!("/v1/items/{key}"), None).await;
            assert_eq!(shown["value"], *value, "{key}");
        }
        let blocks = self.hand.all("/v1/blocks", "blocks").await;
        assert_eq!(Some(!blocks.is_empty()), self.blocked, "{blocks:?}");
    }
}
