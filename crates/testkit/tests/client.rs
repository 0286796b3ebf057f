//! The Rust client against the real binary: every call that the native protocol has, by its typed
//! method, with what comes of it.

#![expect(clippy::unwrap_used, reason = "a test")]

use anser_client::{
    Client, ErrorCode, Event, Events, Failed, Gateway, OneToken, Options, Range, Trust, message,
};
use anser_domain::{
    Address, Content, DeviceName, FileState, GroupName, GroupRole, ItemKey, JoinPolicy, KeepChange,
    Listing, LogEvent, Millis, Outgoing, PolicyPatch, ProfileEdit, ProfilePatch, RequestState, Seq,
    Source, SyncToken, UserName, Who,
};
use anser_domain::{GroupKind, Secret};
use anser_testkit::real::{Build, Login, Rest, Server, binary};

const ALL: Listing = Listing { after: SyncToken(0), gone: false, limit: 0 };

struct World {
    server: Server,
    rest: Rest,
    _dir: tempfile::TempDir,
}

impl World {
    async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let server = Server::start(&binary(Build::Plain).unwrap(), dir.path(), &[]).await.unwrap();
        let rest = Rest::new(server.http());
        Self { server, rest, _dir: dir }
    }

    async fn user(&self, name: &str) -> (Client, Events, Login) {
        self.rest.create_user(name).await.unwrap();
        let login = self.rest.login(name, "phone").await.unwrap();
        let (client, events) = self.link(&login).await;
        (client, events, login)
    }

    async fn link(&self, login: &Login) -> (Client, Events) {
        let at = format!("tcp://{}", self.server.native()).parse().unwrap();
        let gateway = Gateway::new(at, &Trust::System).unwrap();
        let token = OneToken(Secret::new(login.token.clone()));
        Client::connect(Options::new(gateway, token)).await.unwrap()
    }
}

fn user(name: &str) -> UserName {
    UserName::new(name).unwrap()
}

fn group(name: &str) -> GroupName {
    GroupName::new(name).unwrap()
}

fn at(text: &str) -> Address {
    text.parse().unwrap()
}

fn text(to: &str, body: &str) -> Outgoing {
    message(at(to), Content::Text(body.into()))
}

fn code<T: std::fmt::Debug>(result: Result<T, Failed>) -> Option<ErrorCode> {
    match result {
        Err(Failed::Refused(refused)) => refused.code(),
        other => panic!("{other:?} is no refusal"),
    }
}

async fn bodies(client: &Client, conv: &str) -> Vec<String> {
    let page = client.history(&at(conv), Range::Latest, 100).await.unwrap();
    page.messages.iter().map(|it| it.content.body().unwrap_or("*").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_changed_found_and_kept() {
    let w = World::start().await;
    let (alice, _a, _) = w.user("alice").await;
    let (bob, mut of_bob, _) = w.user("bob").await;
    let (to_bob, to_alice) = (at("u:bob"), at("u:alice"));
    let one = alice.send(text("u:bob", "wild gees")).await.unwrap();
    let two = alice.send(text("u:bob", "second")).await.unwrap();
    alice.edit(&to_bob, one.seq, "wild geese", &[]).await.unwrap();
    bob.react(&to_alice, one.seq, "👍", true).await.unwrap();
    alice.react(&to_bob, one.seq, "🪿", true).await.unwrap();
    alice.react(&to_bob, one.seq, "🪿", false).await.unwrap();
    bob.pin(&to_alice, one.seq, true).await.unwrap();
    alice.recall(&to_bob, two.seq).await.unwrap();

    let page = bob.history(&to_alice, Range::Latest, 10).await.unwrap();
    assert_eq!(page.messages[0].content, Content::Text("wild geese".into()));
    let marks = page.messages[0].marks.as_ref().unwrap();
    assert!(marks.edited.is_some() && marks.pinned && marks.reactions[0].mine);
    assert!(matches!(page.messages[1].content, Content::Gone(_)));
    let (reactors, more) = alice.reactors(&to_bob, one.seq, None, 0).await.unwrap();
    assert_eq!((reactors.len(), &*reactors[0].reaction, more), (1, "👍", false));
    assert_eq!(reactors[0].user, user("bob"));
    let pins = alice.pins(&to_bob).await.unwrap();
    assert_eq!((pins.len(), pins[0].seq), (1, one.seq));
    bob.read(&to_alice, page.head).await.unwrap();
    let receipts = alice.receipts(&to_bob, one.seq).await.unwrap();
    assert_eq!((receipts.members, receipts.read), (1, vec![user("bob")]));

    let found = bob.search("geese", Some(&to_alice), None, 0).await.unwrap();
    assert_eq!((found.hits.len(), found.hits[0].message.seq), (1, one.seq));
    let snippet: String = found.hits[0].snippet.iter().map(|it| &*it.text).collect();
    assert_eq!(snippet, "wild geese");
    assert!(bob.search("second", None, None, 0).await.unwrap().hits.is_empty());

    let onward = Outgoing {
        forward: Some(Source { at: to_alice.clone(), seq: one.seq }),
        ..text("u:bob", "")
    };
    let onward = bob.send(onward).await.unwrap();
    let page = bob.history(&to_bob, Range::Latest, 10).await.unwrap();
    let sent_on = page.messages.iter().find(|it| it.seq == onward.seq).unwrap();
    assert_eq!(sent_on.content, Content::Text("wild geese".into()));
    assert_eq!(sent_on.marks.as_ref().unwrap().origin.as_ref().unwrap().sender, user("alice"));

    bob.delete_for_me(&to_alice, one.seq).await.unwrap();
    assert_eq!(bodies(&alice, "u:bob").await[0], "wild geese");
    bob.clear_for_me(&to_alice, page.head.max(Seq(99))).await.unwrap();
    assert!(bodies(&bob, "u:alice").await.is_empty());
    let keep = KeepChange { muted_until: Some(Millis(7)), pinned: Some(true), hidden: None };
    bob.keep(&to_alice, keep).await.unwrap();
    let list = bob.conversations(None, 10).await.unwrap().conversations;
    let row = list.iter().find(|row| row.at == to_alice).unwrap();
    assert!(row.keep.pinned && row.keep.muted_until == Millis(7));
    assert_eq!(code(alice.edit(&to_bob, two.seq, "again", &[]).await), Some(ErrorCode::Invalid));

    // All of it came to bob live too, in the order of the log.
    let mut seqs = Vec::new();
    while let Some(event) = of_bob.try_next() {
        if let Event::Message(it) = event
            && it.at == to_alice
        {
            seqs.push(it.seq);
        }
    }
    assert!(seqs.is_sorted(), "{seqs:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_found_asked_blocked_and_described() {
    let w = World::start().await;
    let (alice, _a, _) = w.user("alice").await;
    let (bob, _b, _) = w.user("bob").await;
    let edit = ProfileEdit {
        display_name: Some("Bob the Goose".into()),
        about: Some("Flies south.".into()),
        fields: Some(r#"{"team":"geese"}"#.into()),
        ..ProfileEdit::default()
    };
    let me = bob.edit_profile(edit).await.unwrap();
    assert_eq!((&*me.display_name, &*me.details.about), ("Bob the Goose", "Flies south."));
    assert_eq!(bob.me().await.unwrap().details.fields, me.details.fields);
    assert_eq!(&*alice.set_display_name("Alice").await.unwrap().display_name, "Alice");
    let found = alice.find_users("goose", None, 0).await.unwrap();
    assert_eq!((found.len(), &found[0].name), (1, &user("bob")));
    assert_eq!(&*alice.user(&user("bob")).await.unwrap().details.about, "Flies south.");

    let asked = alice.request_friend(&user("bob"), "it is me").await.unwrap();
    assert_eq!(asked.state, RequestState::Pending);
    let waiting = bob.friend_requests(ALL).await.unwrap().requests;
    assert_eq!(waiting, std::slice::from_ref(&asked));
    let back = alice.withdraw_request(asked.id).await.unwrap();
    assert_eq!(back.state, RequestState::Withdrawn);
    let asked = alice.request_friend(&user("bob"), "again").await.unwrap();
    let yes = bob.answer_request(asked.id, true).await.unwrap();
    assert_eq!(yes.state, RequestState::Accepted);
    let friend = alice.edit_friend(&user("bob"), Some("Bobby"), Some(&["work"])).await.unwrap();
    assert_eq!((&*friend.remark, &*friend.lists[0]), ("Bobby", "work"));
    let friends = alice.friends(ALL).await.unwrap();
    assert!(friends.friends[0].presence.unwrap().online, "{friends:?}");
    alice.remove_friend(&user("bob")).await.unwrap();
    let news = Listing { after: friends.token, gone: true, limit: 0 };
    assert!(alice.friends(news).await.unwrap().friends[0].gone);

    alice.block(&user("bob"), true).await.unwrap();
    assert_eq!(alice.blocks(ALL).await.unwrap().blocks[0].user, user("bob"));
    assert_eq!(code(bob.send(text("u:alice", "hi")).await), Some(ErrorCode::Forbidden));
    alice.block(&user("bob"), false).await.unwrap();
    bob.send(text("u:alice", "hi")).await.unwrap();

    let key = ItemKey::new("draft/u:bob").unwrap();
    let item = alice.put_item(&key, Some("\"half a word\""), Some(SyncToken(0))).await.unwrap();
    assert_eq!(alice.item(&key).await.unwrap(), item);
    let drafts = alice.items("draft/", ALL).await.unwrap().items;
    assert_eq!(drafts, std::slice::from_ref(&item));
    let stale = alice.put_item(&key, Some("1"), Some(SyncToken(1))).await;
    assert_eq!(code(stale), Some(ErrorCode::VersionMismatch));
    assert!(alice.put_item(&key, None, Some(item.version)).await.unwrap().value.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_are_made_governed_and_left() {
    let w = World::start().await;
    let (alice, _a, _) = w.user("alice").await;
    let (bob, _b, _) = w.user("bob").await;
    let (carol, _c, _) = w.user("carol").await;
    let geese = group("geese");
    alice.create_group(&geese, "Geese", &[]).await.unwrap();
    let patch = ProfilePatch { description: Some("They fly".into()), ..ProfilePatch::default() };
    alice.change_group(&geese, patch).await.unwrap();
    let policy = PolicyPatch {
        join: Some(JoinPolicy::Approval),
        invite: Some(Who::Members),
        hidden: Some(false),
        ..PolicyPatch::default()
    };
    alice.change_policy(&geese, policy).await.unwrap();
    let card = bob.group(&geese).await.unwrap();
    assert_eq!((&*card.title, &*card.description, card.role), ("Geese", "They fly", None));
    assert_eq!((card.policy.join, card.policy.invite), (JoinPolicy::Approval, Who::Members));

    assert_eq!(bob.join(&geese, "let me in").await.unwrap(), None);
    let (asking, _) = alice.join_requests(&geese, None, 0).await.unwrap();
    assert_eq!((&asking[0].user, &*asking[0].message), (&user("bob"), "let me in"));
    alice.refuse(&geese, &user("bob")).await.unwrap();
    bob.join(&geese, "").await.unwrap();
    bob.withdraw_join(&geese).await.unwrap();
    bob.join(&geese, "").await.unwrap();
    alice.approve(&geese, &user("bob")).await.unwrap();
    assert_eq!(bob.group(&geese).await.unwrap().role, Some(GroupRole::Member));

    bob.invite(&geese, &[user("carol")]).await.unwrap();
    assert_eq!(alice.invited(&geese, None, 0).await.unwrap().0[0].by, user("bob"));
    alice.uninvite(&geese, &user("carol")).await.unwrap();
    assert!(carol.invitations(None, 0).await.unwrap().0.is_empty());
    bob.invite(&geese, &[user("carol")]).await.unwrap();
    let (invitations, _) = carol.invitations(None, 0).await.unwrap();
    assert_eq!((&invitations[0].group.name, &invitations[0].by), (&geese, &user("bob")));
    carol.decline(&geese).await.unwrap();
    bob.invite(&geese, &[user("carol")]).await.unwrap();
    assert!(carol.join(&geese, "").await.unwrap().is_some());

    alice.mute_member(&geese, &user("bob"), Millis(i64::MAX)).await.unwrap();
    assert_eq!(code(bob.send(text("g:geese", "hi")).await), Some(ErrorCode::Muted));
    alice.put_members(&geese, &[user("carol")], GroupRole::Admin).await.unwrap();
    let (members, more) = alice.members(&geese, None, 0).await.unwrap();
    assert_eq!((members.len(), more), (3, false));
    alice.remove_members(&geese, &[user("bob")]).await.unwrap();
    carol.leave(&geese).await.unwrap();
    let (mine, _) = alice.groups(None, 0).await.unwrap();
    assert_eq!((mine.len(), mine[0].members), (1, 1));
    alice.dissolve(&geese).await.unwrap();
    let page = alice.history(&at("g:geese"), Range::Latest, 1).await.unwrap();
    assert_eq!(page.messages[0].content, Content::Event(LogEvent::Dissolved));

    let news = group("news");
    alice.create_channel(&news, "News").await.unwrap();
    assert_eq!(bob.group(&news).await.unwrap().kind, GroupKind::Channel);
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_and_files_are_told_of() {
    let w = World::start().await;
    let (alice, _a, login) = w.user("alice").await;
    w.rest.login("alice", "tablet").await.unwrap();
    let devices = alice.devices().await.unwrap();
    let seen: Vec<_> = devices.iter().map(|it| (it.name.as_str(), it.online)).collect();
    assert_eq!(seen, [("phone", true), ("tablet", false)]);
    alice.remove_device(&DeviceName::new("tablet").unwrap()).await.unwrap();
    assert_eq!(alice.devices().await.unwrap().len(), 1);

    let upload = reqwest::Client::new().post(format!("{}/v1/files?name=x.txt", w.server.http()));
    let upload = upload.bearer_auth(&login.token).header("Content-Type", "text/plain");
    let said = upload.body("honk").send().await.unwrap().text().await.unwrap();
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    let id = said["id"].as_str().unwrap().parse().unwrap();
    let file = alice.file(id).await.unwrap();
    assert_eq!((file.owner, &*file.name, file.size), (user("alice"), "x.txt", 4));
    assert_eq!((file.state, file.picture), (FileState::Ready, None));
    assert!(file.sha256.is_some());
}
