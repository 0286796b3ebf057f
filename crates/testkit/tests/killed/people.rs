//! Friends, blocks and items: each as it was last acknowledged, on both sides.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{Hand, World};

pub(crate) struct Model {
    hand: Hand,
    items: BTreeMap<String, Value>,
    blocked: Option<bool>,
    friends: bool,
}

pub(crate) async fn work(hand: Hand, fred: Hand) -> Model {
    hand.enrol("paul").await;
    let (mut items, mut blocked, mut friends) = (BTreeMap::new(), None, false);
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
        if n % 2 == 1 {
            let said = json!({"kind": "text", "text": format!("letter {n}")});
            hand.must(Method::POST, "/v1/conversations/u:paul/messages", Some(&said)).await;
        }
        // Two who ask each other are friends. A try before this one may have come through.
        let wish = |user: &str| json!({"user": user});
        if friends {
            hand.must_or(Method::DELETE, "/v1/friends/fred", &json!({}), &[404]).await;
        } else {
            hand.must_or(Method::POST, "/v1/friends/requests", &wish("fred"), &[409, 422]).await;
            fred.must_or(Method::POST, "/v1/friends/requests", &wish("pia"), &[409, 422]).await;
        }
        friends = !friends;
    }
    Model { hand, items, blocked, friends }
}

impl Model {
    pub(crate) async fn compare(&self, world: &World) {
        assert!(!self.items.is_empty());
        for (key, value) in &self.items {
            let shown = self.hand.must(Method::GET, &format!("/v1/items/{key}"), None).await;
            assert_eq!(shown["value"], *value, "{key}");
        }
        let blocks = self.hand.all("/v1/blocks", "blocks").await;
        assert_eq!(Some(!blocks.is_empty()), self.blocked, "{blocks:?}");
        for (one, other) in [("pia", "fred"), ("fred", "pia")] {
            let hand = world.hand_again(one).await;
            let list = hand.all("/v1/friends", "friends").await;
            let named: Vec<_> = list.iter().map(|it| it["user"].as_str().unwrap()).collect();
            let expected = if self.friends { vec![other] } else { vec![] };
            assert_eq!(named, expected, "{one}");
            let waiting = hand.all("/v1/friends/requests", "requests").await;
            assert!(waiting.is_empty(), "{one}: {waiting:?}");
        }
    }

    /// Whether the two are friends in the end.
    pub(crate) fn are_friends(&self) -> bool {
        self.friends
    }
}
