//! Notices, reading in a user's place, and taking everything personal off a user, on a real store.

use std::time::Duration;

use anser_domain::{
    Act, Address, AdminAct, AdminCommand, AdminReply, Audience, Caller, ClientId, Command, Content,
    Event, GroupChange, GroupKind, HistoryRange, LinkId, NewGroup, NewUser, Notice, Noticed,
    PeopleCommand, Refusal, Reply, Role, Scope, Secret, UserName,
};
use anser_sm::{Outside, rule::WhoMayWrite};

use crate::support::{PASSWORD, Told, WEB, World, world, world_set};

fn name(text: &str) -> UserName {
    UserName::new(text).unwrap()
}

fn admin(act: AdminAct) -> Command {
    Command::Admin(Box::new(AdminCommand { address: None, act }))
}

async fn signed_in(world: &World, user: &str) -> Caller {
    Caller::Bearer(world.sign_in(user, "desk").await.access)
}

async fn key(world: &World, root: &Caller, scope: Scope) -> Caller {
    let make = AdminAct::MakeKey { name: "k".into(), scopes: vec![scope], expires: None };
    let said = world.call(root.clone(), admin(make)).await;
    match said {
        Reply::Admin(it) => match *it {
            AdminReply::NewKey(_, secret) => Caller::Bearer(secret),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

fn notice(id: u128, to: Audience, text: &str) -> Command {
    let client_id = ClientId(id.to_be_bytes());
    let content = Content::Text(text.into());
    admin(AdminAct::Notice(Box::new(Notice { client_id, to, content })))
}

fn users(names: &[&str]) -> Audience {
    Audience::Users(names.iter().map(|it| name(it)).collect())
}

fn noticed(reply: Reply) -> Noticed {
    match reply {
        Reply::Admin(it) => match *it {
            AdminReply::Noticed(noticed) => noticed,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

async fn texts(world: &World, by: &Caller, at: &str) -> Vec<String> {
    let range = HistoryRange::Latest { limit: 50 };
    let said = world.call(by.clone(), Command::History { at: at.parse().unwrap(), range }).await;
    let Reply::Page(page) = said else { panic!("{said:?}") };
    let said = page.messages.iter().map(|it| {
        format!("{}: {}", it.sender.name, it.content.body().unwrap_or(it.content.kind().name()))
    });
    said.collect()
}

#[tokio::test]
async fn a_notice_reaches_each_once_whoever_may_write_to_whom() {
    let world = world_set(&["root", "alice", "bob", "carol"], Outside::default(), |config| {
        config.who_may_write = WhoMayWrite::Friends;
        config.registration_open = true;
    })
    .await;
    let root = signed_in(&world, "root").await;
    let sender = key(&world, &root, Scope::Notices).await;
    let bob = world.link("bob", "phone", 7).await;
    let all = || users(&["alice", "bob", "nobody", "bob"]);
    let said = noticed(world.call(sender.clone(), notice(1, all(), "hello")).await);
    assert_eq!(said, Noticed { sent: 2, refused: vec![(name("nobody"), Refusal::NoSuchUser)] });
    bob.until_event(|event| matches!(event, Event::Message(_)).then_some(())).await;
    assert_eq!(bob.received(), ["u:system system hello"], "live, as any message");

    let more = users(&["alice", "bob", "carol"]);
    let said = noticed(world.call(sender.clone(), notice(1, more, "hello")).await);
    assert_eq!(said.sent, 3, "under the same key only carol gets it now");
    for user in ["alice", "bob", "carol"] {
        let caller = signed_in(&world, user).await;
        assert_eq!(texts(&world, &caller, "u:system").await, ["system: hello"]);
    }
    let other = noticed(world.call(sender.clone(), notice(1, all(), "another")).await);
    assert_eq!((other.sent, &other.refused[0]), (0, &(name("alice"), Refusal::Conflict)));

    let alice = signed_in(&world, "alice").await;
    let block = PeopleCommand::Block { user: name("system"), blocked: true };
    world.call(alice.clone(), Command::People(Box::new(block))).await;
    let said = noticed(world.call(sender.clone(), notice(2, users(&["alice"]), "x")).await);
    assert_eq!((said.sent, said.refused.len()), (0, 1), "a block counts");

    let new = NewUser {
        name: name("system"),
        password: Secret::new("let me in"),
        display_name: "".into(),
        role: Role::User,
    };
    let mine = Command::CreateUser(Box::new(new));
    assert_eq!(world.call(Caller::Nobody, mine).await, Reply::Refused(Refusal::NameTaken));
    let by_alice = world.call(alice, notice(3, users(&["bob"]), "x")).await;
    assert_eq!(by_alice, Reply::Refused(Refusal::Forbidden));
    let many = (0..1_001).map(|it| name(&format!("u{it}"))).collect();
    let said = world.call(sender, notice(4, Audience::Users(many), "x")).await;
    assert!(matches!(said, Reply::Refused(Refusal::TooLarge(_))), "{said:?}");
}

async fn geese(world: &World, owner: &Caller, members: &[&str]) {
    let new = NewGroup {
        client_id: ClientId([9; 16]),
        name: anser_domain::GroupName::new("geese").unwrap(),
        kind: GroupKind::Group,
        title: "Geese".into(),
        members: members.iter().map(|it| name(it)).collect(),
    };
    let said = world.call(owner.clone(), Command::CreateGroup(Box::new(new))).await;
    assert!(matches!(said, Reply::Sent(_)), "{said:?}");
}

#[tokio::test]
async fn a_notice_goes_to_the_members_of_a_group() {
    let world = world(&["root", "alice", "bob"]).await;
    let (root, alice) = (signed_in(&world, "root").await, signed_in(&world, "alice").await);
    geese(&world, &alice, &["bob"]).await;
    let group = Audience::Group(anser_domain::GroupName::new("geese").unwrap());
    let said = noticed(world.call(root.clone(), notice(1, group, "fly")).await);
    assert_eq!(said, Noticed { sent: 2, refused: vec![] });
    assert_eq!(texts(&world, &alice, "u:system").await, ["system: fly"]);
    assert_eq!(texts(&world, &alice, "g:geese").await.len(), 1, "and not into it");
}

#[tokio::test]
async fn whoever_reads_in_a_users_place_leaves_a_line_first() {
    let world = world(&["root", "alice", "bob"]).await;
    let root = signed_in(&world, "root").await;
    let alice = world.link("alice", "phone", 1).await;
    alice.send("u:bob", "secret").await;
    let reader = key(&world, &root, Scope::MessagesRead).await;
    let read = |user: &str, at: &str| {
        let range = HistoryRange::Latest { limit: 9 };
        admin(AdminAct::ReadAs { user: name(user), at: at.parse().unwrap(), range })
    };
    let said = world.call(reader.clone(), read("bob", "u:alice")).await;
    let Reply::Page(page) = said else { panic!("{said:?}") };
    assert_eq!(page.messages[0].content.body(), Some("secret"));
    let none = world.call(reader.clone(), read("bob", "g:geese")).await;
    assert_eq!(none, Reply::Refused(Refusal::NotMember));
    let said = world.call(reader, read("root", "u:alice")).await;
    assert_eq!(said, Reply::Refused(Refusal::Forbidden), "not as an administrator");
    let other = key(&world, &root, Scope::UsersRead).await;
    let said = world.call(other, read("bob", "u:alice")).await;
    assert_eq!(said, Reply::Refused(Refusal::Forbidden));

    let audit = admin(AdminAct::Audit { before: None, limit: 9 });
    let Reply::Admin(it) = world.call(root, audit).await else { panic!() };
    let AdminReply::Audit { entries, .. } = *it else { panic!() };
    let reads = entries.iter().filter(|it| &*it.what == "message.read");
    let whom: Vec<_> = reads.map(|it| &*it.whom).collect();
    assert_eq!(whom, ["bob g:geese", "bob u:alice"]);
}

#[tokio::test]
async fn whoever_is_anonymised_is_gone_and_their_words_stay() {
    let world = world(&["root", "alice", "bob", "carol"]).await;
    let (root, alice) = (signed_in(&world, "root").await, signed_in(&world, "alice").await);
    geese(&world, &alice, &["bob", "carol"]).await;
    let bob = world.link("bob", "phone", 7).await;
    bob.send("u:alice", "to you").await;
    bob.send("g:geese", "to all").await;
    assert_eq!(texts(&world, &alice, "u:bob").await, ["bob: to you"]);
    let ask = PeopleCommand::RequestFriend { user: name("bob"), message: "".into() };
    world.call(alice.clone(), Command::People(Box::new(ask))).await;
    let ask = PeopleCommand::RequestFriend { user: name("alice"), message: "".into() };
    let by_bob = signed_in(&world, "bob").await;
    world.call(by_bob.clone(), Command::People(Box::new(ask))).await;

    let gone = |user| admin(AdminAct::Anonymise { user: name(user), scrub: false });
    let said = world.call(root.clone(), gone("alice")).await;
    assert!(matches!(said, Reply::Refused(Refusal::Invalid(_))), "owns a group: {said:?}");
    let said = world.call(root.clone(), gone("root")).await;
    assert!(matches!(said, Reply::Refused(Refusal::Invalid(_))), "an administrator: {said:?}");

    let tag = world.submit(WEB, LinkId(0), root.clone(), gone("bob"));
    let evicted = |told: &[Told]| {
        told.iter()
            .any(|it| matches!(it, Told::Evicted(LinkId(7), Refusal::Disabled)))
            .then_some(())
    };
    world.cm.until(evicted).await;
    bob.submit(Command::Unlink);
    assert_eq!(world.reply(WEB, tag).await, Reply::Done);
    assert!(matches!(world.call(by_bob, Command::Me).await, Reply::Refused(_)));
    let said = world.call(root.clone(), gone("bob")).await;
    assert_eq!(said, Reply::Refused(Refusal::NoSuchUser), "nobody is called so any more");

    let log = texts(&world, &alice, "g:geese").await;
    let (label, text) = log[1].split_once(": ").unwrap();
    assert!(label.starts_with("gone-") && text == "to all", "{log:?}");
    let direct = format!("u:{label}");
    assert_eq!(texts(&world, &alice, &direct).await, [format!("{label}: to you")]);
    let Reply::Members(page) = world
        .call(
            alice.clone(),
            Command::Members { group: "geese".parse().unwrap(), after: None, limit: 9 },
        )
        .await
    else {
        panic!()
    };
    let members: Vec<_> = page.members.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(members, ["alice", "carol", label]);
    let listing = anser_domain::Listing { after: Default::default(), gone: false, limit: 9 };
    let friends = PeopleCommand::Friends(listing);
    let Reply::People(it) = world.call(alice.clone(), Command::People(Box::new(friends))).await
    else {
        panic!()
    };
    assert!(format!("{it:?}").contains("friends: []"), "{it:?}");

    let again = |user| {
        let new = NewUser {
            name: name(user),
            password: Secret::new(PASSWORD),
            display_name: "".into(),
            role: Role::User,
        };
        admin(AdminAct::CreateUser(Box::new(new)))
    };
    let said = world.call(root.clone(), again("bob")).await;
    assert_eq!(said, Reply::Refused(Refusal::NameTaken), "for ever");

    // Carol's words go with her.
    let carol = world.link("carol", "phone", 8).await;
    carol.send("g:geese", "mine").await;
    carol.submit(Command::Unlink);
    let scrub = admin(AdminAct::Anonymise { user: name("carol"), scrub: true });
    assert_eq!(world.call(root.clone(), scrub).await, Reply::Done);
    for _ in 0..3 {
        world.clock.advance(Duration::from_secs(24 * 3600));
        world.sm.tick().await;
    }
    let alice = signed_in(&world, "alice").await;
    let log = texts(&world, &alice, "g:geese").await;
    assert!(log[2].ends_with(": gone") && log[1].ends_with(": to all"), "{log:?}");

    // And the group with its last words.
    let at = Address::Group("geese".parse().unwrap());
    let act = Act::Group(GroupChange::Dissolve);
    let client_id = ClientId([8; 16]);
    let end = anser_domain::Change { client_id, at, act };
    let root = signed_in(&world, "root").await;
    let said = world.call(root, admin(AdminAct::ChangeGroup(Box::new(end)))).await;
    assert!(matches!(said, Reply::Sent(_)), "{said:?}");
    let at: Address = "g:geese".parse().unwrap();
    let send = world.call(alice, crate::support::text_to(&at.to_string(), "anyone?")).await;
    assert_eq!(send, Reply::Refused(Refusal::NotMember));
}
