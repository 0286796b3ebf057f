//! Friends, requests, blocks, profiles and items, as devices see them.

use anser_domain::{
    Caller, Command, Event, FriendRequest, Item, ItemKey, Listing, PeopleCommand, PeopleReply,
    ProfileEdit, Refusal, Reply, RequestState, Seq, Subject, SyncToken, UserName,
};

use crate::support::{Device, World, text_to, world};

const ALL: Listing = Listing { after: SyncToken(0), gone: false, limit: 100 };

fn user(name: &str) -> UserName {
    UserName::new(name).unwrap()
}

fn people(command: PeopleCommand) -> Command {
    Command::People(Box::new(command))
}

async fn ask(device: &Device<'_>, command: PeopleCommand) -> Reply {
    device.ask(people(command)).await
}

async fn request(device: &Device<'_>, command: PeopleCommand) -> FriendRequest {
    match ask(device, command).await {
        Reply::People(reply) => match *reply {
            PeopleReply::Request(request) => request,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

async fn put(device: &Device<'_>, key: &str, value: &str) -> Item {
    let (key, value) = (ItemKey::new(key).unwrap(), Some(value.into()));
    match ask(device, PeopleCommand::PutItem { key, value, expected: None }).await {
        Reply::People(reply) => match *reply {
            PeopleReply::Item(item) => item,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

fn changed(event: &Event, subject: Subject) -> Option<SyncToken> {
    match event {
        Event::Changed(it) if it.subject == subject => Some(it.at),
        _ => None,
    }
}

fn presence(event: &Event) -> Option<(String, bool)> {
    match event {
        Event::Presence(it) => Some((it.user.to_string(), it.online)),
        _ => None,
    }
}

async fn befriend(w: &World, one: &str, other: &str) {
    let ids = [w.store.user(&user(one)).await, w.store.user(&user(other)).await];
    let [one, other] = ids.map(|row| row.unwrap().unwrap().id);
    w.store.befriend(one, other).await.unwrap();
}

fn block(name: &str, blocked: bool) -> PeopleCommand {
    PeopleCommand::Block { user: user(name), blocked }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_sides_learn_of_a_request_and_of_its_answer() {
    let w = world(&["alice", "bob"]).await;
    let (alice, bob) = (w.link("alice", "phone", 1).await, w.link("bob", "phone", 2).await);
    let wish = PeopleCommand::RequestFriend { user: user("bob"), message: "hi".into() };
    let asked = request(&alice, wish).await;
    let at = bob.until_event(|event| changed(event, Subject::Requests)).await;
    assert_eq!((asked.state, at), (RequestState::Pending, asked.version));
    let yes = PeopleCommand::AnswerRequest { id: asked.id, accept: true };
    assert_eq!(request(&bob, yes).await.state, RequestState::Accepted);
    alice.until_event(|event| changed(event, Subject::Friends)).await;
    assert_eq!(alice.until_event(presence).await, ("bob".into(), true), "friends see each other");
    assert_eq!(bob.until_event(presence).await, ("alice".into(), true));
    match ask(&alice, PeopleCommand::Friends(ALL)).await {
        Reply::People(reply) => match *reply {
            PeopleReply::Friends(page) => {
                assert_eq!(page.friends[0].user, user("bob"));
                assert!(page.friends[0].presence.unwrap().online);
            }
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
    let later = w.link("alice", "tablet", 3).await;
    assert!(later.welcome.personal > asked.version, "who was away knows that there is news");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_the_blocked_reaches_the_blocker() {
    let w = world(&["alice", "bob"]).await;
    befriend(&w, "alice", "bob").await;
    let (alice, bob) = (w.link("alice", "phone", 1).await, w.link("bob", "phone", 2).await);
    alice.send("u:bob", "before").await;
    alice.until_event(|event| (presence(event)? == ("bob".into(), true)).then_some(())).await;
    assert_eq!(ask(&alice, block("bob", true)).await, Reply::Done);
    let told = alice.events().len();

    assert_eq!(bob.ask(text_to("u:alice", "after")).await, Reply::Refused(Refusal::Forbidden));
    assert_eq!(alice.ask(text_to("u:bob", "after")).await, Reply::Refused(Refusal::Forbidden));
    bob.submit(Command::Typing { at: "u:alice".parse().unwrap(), active: true });
    assert_eq!(
        bob.ask(Command::Read { at: "u:alice".parse().unwrap(), seq: Seq(1) }).await,
        Reply::Done
    );
    let wish = PeopleCommand::RequestFriend { user: user("alice"), message: "why".into() };
    assert_eq!(ask(&bob, wish).await, Reply::Refused(Refusal::Forbidden));
    let search = |query: &str| PeopleCommand::Search { query: query.into(), after: None, limit: 9 };
    assert_eq!(ask(&bob, search("alice")).await, Reply::Users(Vec::new()));
    bob.submit(Command::Unlink);
    // What comes after all of it shows that nothing of it came.
    bob.until_event(|event| (presence(event)? == ("alice".into(), false)).then_some(())).await;
    alice.send("u:alice", "note").await;
    let of_bob: Vec<_> = alice
        .events()
        .split_off(told)
        .into_iter()
        .filter(|event| presence(event) != Some(("bob".into(), false)))
        .collect();
    assert!(of_bob.is_empty(), "{of_bob:?}");

    assert_eq!(ask(&alice, block("bob", false)).await, Reply::Done);
    alice.send("u:bob", "again").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_before_the_first_message_holds() {
    let w = world(&["alice", "bob"]).await;
    let (alice, bob) = (w.link("alice", "phone", 1).await, w.link("bob", "phone", 2).await);
    ask(&alice, block("bob", true)).await;
    assert_eq!(bob.ask(text_to("u:alice", "hi")).await, Reply::Refused(Refusal::Forbidden));
    bob.send("u:bob", "a note to oneself").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn presence_can_be_kept_from_friends() {
    let w = world(&["alice", "bob", "carol"]).await;
    befriend(&w, "alice", "bob").await;
    let alice = w.link("alice", "phone", 1).await;
    alice.send("u:carol", "hi").await;
    w.link("carol", "phone", 3).await;
    let bob = w.link("bob", "phone", 2).await;
    assert_eq!(alice.until_event(presence).await, ("bob".into(), true), "carol is no friend");
    put(&bob, "privacy/presence", "\"nobody\"").await;
    alice.until_event(|event| (presence(event)? == ("bob".into(), false)).then_some(())).await;
    let profile = match alice.ask(Command::User(user("bob"))).await {
        Reply::User(profile) => profile,
        other => panic!("{other:?}"),
    };
    assert_eq!(profile.details.presence, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn items_reach_the_other_devices_and_are_checked() {
    let w = world(&["alice"]).await;
    let (phone, tablet) = (w.link("alice", "phone", 1).await, w.link("alice", "tablet", 2).await);
    let item = put(&phone, "draft/u:bob", "\"hi\"").await;
    assert_eq!(tablet.until_event(|event| changed(event, Subject::Items)).await, item.version);
    let key = ItemKey::new("draft/u:bob").unwrap();
    let stale = PeopleCommand::PutItem {
        key: key.clone(),
        value: Some("1".into()),
        expected: Some(SyncToken(1)),
    };
    assert_eq!(ask(&tablet, stale).await, Reply::Refused(Refusal::VersionMismatch));
    let read = ask(&tablet, PeopleCommand::Item(key)).await;
    assert_eq!(read, Reply::People(Box::new(PeopleReply::Item(item))));
    let bad = PeopleCommand::PutItem {
        key: ItemKey::new("a").unwrap(),
        value: Some("not json".into()),
        expected: None,
    };
    assert!(matches!(ask(&tablet, bad).await, Reply::Refused(Refusal::Invalid(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn profiles_show_what_their_owners_let_be_seen() {
    let w = world(&["alice", "bob"]).await;
    let access = w.sign_in("alice", "web").await.access;
    let edit = PeopleCommand::EditProfile(ProfileEdit {
        display_name: Some("Alice".into()),
        avatar: Some("https://example.org/a.png".into()),
        about: Some("Flies south.".into()),
        fields: Some("{\"team\":\"geese\"}".into()),
    });
    let caller = Caller::Bearer(access);
    assert!(matches!(w.call(caller.clone(), people(edit)).await, Reply::User(_)));
    let bob = w.link("bob", "phone", 1).await;
    let seen = async || match bob.ask(Command::User(user("alice"))).await {
        Reply::User(profile) => *profile,
        other => panic!("{other:?}"),
    };
    let open = seen().await;
    assert_eq!((&*open.display_name, &*open.details.about), ("Alice", "Flies south."));
    assert_eq!(&*open.details.fields, "{\"team\":\"geese\"}");
    let hide = PeopleCommand::PutItem {
        key: ItemKey::new("privacy/fields").unwrap(),
        value: Some("\"friends\"".into()),
        expected: None,
    };
    w.call(caller, people(hide)).await;
    assert_eq!(&*seen().await.details.fields, "");
    befriend(&w, "alice", "bob").await;
    assert_eq!(&*seen().await.details.fields, "{\"team\":\"geese\"}");
}

#[tokio::test(flavor = "multi_thread")]
async fn friends_learn_of_a_changed_profile_and_nobody_else() {
    let w = world(&["alice", "bob", "carol", "dora"]).await;
    befriend(&w, "alice", "bob").await;
    befriend(&w, "alice", "dora").await;
    let (phone, tablet) = (w.link("alice", "phone", 1).await, w.link("alice", "tablet", 2).await);
    let (bob, carol) = (w.link("bob", "phone", 3).await, w.link("carol", "phone", 4).await);
    let dora = w.link("dora", "phone", 5).await;
    assert_eq!(ask(&dora, block("alice", true)).await, Reply::Done);
    bob.until_event(|event| (presence(event)? == ("alice".into(), true)).then_some(())).await;
    let (told_carol, told_dora) = (carol.events().len(), dora.events().len());

    let edit = ProfileEdit { about: Some("Flies south.".into()), ..ProfileEdit::default() };
    assert!(matches!(ask(&phone, PeopleCommand::EditProfile(edit)).await, Reply::User(_)));
    let at = bob.until_event(|event| changed(event, Subject::Friends)).await;
    assert_eq!(tablet.until_event(|event| changed(event, Subject::Profile)).await, at);
    let since = Listing { after: SyncToken(at.0 - 1), gone: true, limit: 9 };
    match ask(&bob, PeopleCommand::Friends(since)).await {
        Reply::People(reply) => match *reply {
            PeopleReply::Friends(page) => {
                assert_eq!((page.friends.len(), &page.friends[0].user), (1, &user("alice")));
            }
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
    // The name alone goes the same way, whichever call it comes by.
    assert!(matches!(phone.ask(Command::SetDisplayName("Al".into())).await, Reply::User(_)));
    let later = |event: &Event| changed(event, Subject::Friends).filter(|it| *it > at);
    bob.until_event(later).await;
    // What comes after it shows that nothing of it came.
    for device in [&carol, &dora] {
        let me = device.welcome.user.to_string();
        device.send(&format!("u:{me}"), "note").await;
    }
    assert_eq!((carol.events().len(), dora.events().len()), (told_carol, told_dora));
    let own: Vec<_> = phone.events();
    assert!(
        own.iter().all(|event| changed(event, Subject::Profile).is_none()),
        "not the link itself"
    );
}
