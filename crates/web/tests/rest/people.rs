//! Friends, blocks, items and search: the command each call becomes and the answer it gives.

use anser_domain::{
    BlockPage, Blocked, Command, Friend, FriendPage, Item, ItemKey, ItemPage, Listing, Millis,
    PeopleCommand, PeopleReply, Reply, RequestId, Seen, SyncToken, UserName,
};
use axum::http::{StatusCode, header};
use serde_json::json;

use crate::fake::{FakeSm, Said, call, send, web};

fn user(name: &str) -> UserName {
    UserName::new(name).unwrap()
}

fn key(text: &str) -> ItemKey {
    ItemKey::new(text).unwrap()
}

fn people(reply: PeopleReply) -> Reply {
    Reply::People(Box::new(reply))
}

fn item() -> Item {
    Item { key: key("draft/u:bob"), value: Some(r#"{"a" : 1}"#.into()), version: SyncToken(7) }
}

async fn once(
    method: &str,
    uri: &str,
    body: &str,
    with: &[(header::HeaderName, &str)],
    reply: Reply,
) -> (Option<PeopleCommand>, Said) {
    let sm = FakeSm::always(reply);
    let mut request = call(method, uri, body);
    for (name, value) in with {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    let said = send(&web(&sm), request).await;
    let asked = sm.commands().pop().map(|command| match command {
        Command::People(command) => *command,
        other => panic!("{other:?}"),
    });
    (asked, said)
}

#[tokio::test]
async fn items_have_versions_and_keys_with_slashes() {
    let reply = || people(PeopleReply::Item(item()));
    for uri in ["/v1/items/draft/u:bob", "/v1/items/draft%2Fu:bob"] {
        let (asked, said) = once("GET", uri, "", &[], reply()).await;
        assert_eq!(asked, Some(PeopleCommand::Item(key("draft/u:bob"))));
        assert_eq!((said.status, said.header("etag")), (StatusCode::OK, "\"7\""));
        assert!(said.text.contains(r#""value":{"a" : 1}"#), "as it was sent: {}", said.text);
    }
    let put = |expected| {
        let (key, value) = (key("draft/u:bob"), Some(r#"{"a" : 1}"#.into()));
        Some(PeopleCommand::PutItem { key, value, expected })
    };
    for (with, expected) in [
        (vec![], None),
        (vec![(header::IF_MATCH, "\"7\"")], Some(SyncToken(7))),
        (vec![(header::IF_NONE_MATCH, "*")], Some(SyncToken(0))),
    ] {
        let body = r#"{"value": {"a" : 1}}"#;
        let (asked, _) = once("PUT", "/v1/items/draft/u:bob", body, &with, reply()).await;
        assert_eq!(asked, put(expected));
    }
    let (asked, said) = once("DELETE", "/v1/items/draft/u:bob", "", &[], reply()).await;
    let removed = PeopleCommand::PutItem { key: key("draft/u:bob"), value: None, expected: None };
    assert_eq!((asked, said.status), (Some(removed), StatusCode::NO_CONTENT));

    let page = ItemPage { items: vec![item()], token: SyncToken(7), more: true };
    let uri = "/v1/items?prefix=draft/&since=3&cursor=5&limit=1";
    let (asked, said) = once("GET", uri, "", &[], people(PeopleReply::Items(page))).await;
    let listing = Listing { after: SyncToken(5), gone: true, limit: 1 };
    assert_eq!(asked, Some(PeopleCommand::Items { prefix: "draft/".into(), listing }));
    assert_eq!((&said.json()["next"], &said.json()["token"]), (&json!("7"), &json!("7")));
}

#[tokio::test]
async fn bad_keys_versions_and_tokens_are_said_to_be_so() {
    let body = r#"{"value": 1}"#;
    let deep = format!(r#"{{"value": {}1{}}}"#, "[".repeat(65), "]".repeat(65));
    let long = format!("/v1/items/{}", "k".repeat(257));
    for (method, uri, body, with) in [
        ("PUT", "/v1/items/a", body, vec![(header::IF_MATCH, "7")]),
        ("PUT", "/v1/items/a", body, vec![(header::IF_MATCH, "W/\"x\"")]),
        ("PUT", "/v1/items/a", body, vec![(header::IF_NONE_MATCH, "\"7\"")]),
        ("PUT", "/v1/items/a", &deep, vec![]),
        ("PUT", "/v1/items/a", "{}", vec![]),
        ("PUT", "/v1/items/a%00b", body, vec![]),
        ("GET", &long, "", vec![]),
        ("GET", "/v1/items?since=x", "", vec![]),
        ("GET", "/v1/friends?cursor=-1", "", vec![]),
        ("GET", "/v1/users", "", vec![]),
        ("POST", "/v1/friends/requests", r#"{"user": "a b"}"#, vec![]),
        ("POST", "/v1/friends/requests/x/accept", "", vec![]),
        ("PATCH", "/v1/friends/bob", r#"{"lists": "work"}"#, vec![]),
        ("PATCH", "/v1/me", r#"{"fields": [1]}"#, vec![]),
    ] {
        let (asked, said) = once(method, uri, body, &with, Reply::Done).await;
        assert_eq!((asked, said.problem().as_str()), (None, "invalid"), "{method} {uri}");
    }
}

#[tokio::test]
async fn friends_and_blocks() {
    let friend = Friend {
        user: user("bob"),
        display_name: "Bob".into(),
        remark: "Bobby".into(),
        lists: vec!["work".into()],
        since: Millis(5),
        presence: Some(Seen { online: true, last: Millis(6) }),
        gone: false,
        version: SyncToken(9),
    };
    let page = FriendPage { friends: vec![friend], token: SyncToken(9), more: false };
    let (asked, said) =
        once("GET", "/v1/friends", "", &[], people(PeopleReply::Friends(page))).await;
    let listing = Listing { after: SyncToken(0), gone: false, limit: 50 };
    assert_eq!(asked, Some(PeopleCommand::Friends(listing)));
    let bob = json!({"user": "bob", "display_name": "Bob", "remark": "Bobby", "lists": ["work"],
        "since": 5, "presence": {"online": true, "last": 6}, "version": "9"});
    assert_eq!(said.json(), json!({"friends": [bob], "token": "9", "more": false}));

    let calls = [
        ("DELETE", "/v1/friends/bob", PeopleCommand::RemoveFriend(user("bob"))),
        ("PUT", "/v1/blocks/bob", PeopleCommand::Block { user: user("bob"), blocked: true }),
        ("DELETE", "/v1/blocks/bob", PeopleCommand::Block { user: user("bob"), blocked: false }),
    ];
    for (method, uri, command) in calls {
        let (asked, said) = once(method, uri, "", &[], Reply::Done).await;
        assert_eq!((asked, said.status), (Some(command), StatusCode::NO_CONTENT), "{uri}");
    }
    for (word, accept) in [("accept", true), ("decline", false)] {
        let uri = format!("/v1/friends/requests/9/{word}");
        let (asked, _) = once("POST", &uri, "", &[], Reply::Done).await;
        assert_eq!(asked, Some(PeopleCommand::AnswerRequest { id: RequestId(9), accept }));
    }
}

#[tokio::test]
async fn one_block_is_found_on_whichever_page_it_is() {
    let row = |name: &str, version| Blocked {
        user: user(name),
        since: Millis(5),
        gone: false,
        version: SyncToken(version),
    };
    let sm = FakeSm::new(move |command| {
        let Command::People(command) = command else { panic!("{command:?}") };
        let PeopleCommand::Blocks(listing) = &**command else { panic!("{command:?}") };
        let (row, more) =
            if listing.after.0 == 0 { (row("bob", 7), true) } else { (row("carol", 8), false) };
        let token = row.version;
        Some(people(PeopleReply::Blocks(BlockPage { blocks: vec![row], token, more })))
    });
    let router = web(&sm);
    let said = send(&router, call("GET", "/v1/blocks/carol", "")).await;
    assert_eq!(said.json(), json!({"user": "carol", "since": 5, "version": "8"}));
    assert_eq!(sm.commands().len(), 2);
    let said = send(&router, call("GET", "/v1/blocks/dora", "")).await;
    assert_eq!((said.status, said.problem().as_str()), (StatusCode::NOT_FOUND, "no-such"));
}

#[tokio::test]
async fn users_are_searched_page_by_page() {
    let uri = "/v1/users?query=wild%20goo&cursor=alice&limit=2";
    let (asked, said) = once("GET", uri, "", &[], Reply::Users(Vec::new())).await;
    let after = Some(user("alice"));
    let search = PeopleCommand::Search { query: "wild goo".into(), after, limit: 2 };
    assert_eq!(asked, Some(search));
    assert_eq!(said.json(), json!({"users": [], "more": false}));
}
