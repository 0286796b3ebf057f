//! Administration, API keys, and webhooks, on a real store.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anser_domain::{
    AdminAct, AdminCommand, AdminReply, Caller, Clock, Command, Credential, Handed, LinkId,
    MessageId, Outgoing, PutWebhook, Refusal, Reply, Role, Scope, Secret, UserName, WebhookEvent,
    WebhookTarget, Webhooks,
};
use anser_sm::Outside;
use async_trait::async_trait;
use parking_lot::Mutex;

use crate::support::{Told, World, text_to, world, world_with};

fn name(text: &str) -> UserName {
    UserName::new(text).unwrap()
}

fn admin(act: AdminAct) -> Command {
    let address = Some([192, 0, 2, 7].into());
    Command::Admin(Box::new(AdminCommand { address, act }))
}

async fn root(world: &World) -> Caller {
    Caller::Bearer(world.sign_in("root", "desk").await.access)
}

async fn made(world: &World, by: &Caller, scopes: &[Scope]) -> (u64, Caller) {
    let (name, scopes) = ("backend".into(), scopes.to_vec());
    let make = AdminAct::MakeKey { name, scopes, expires: Some(world.clock.wall().plus(60_000)) };
    match world.call(by.clone(), admin(make)).await {
        Reply::Admin(it) => match *it {
            AdminReply::NewKey(key, secret) => (key.id, Caller::Bearer(secret)),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

fn outgoing(to: &str, text: &str) -> Box<Outgoing> {
    let Command::Send(message) = text_to(to, text) else { unreachable!() };
    message
}

#[tokio::test]
async fn a_key_does_what_its_scopes_say_and_nothing_else() {
    let world = world(&["root", "alice", "bob"]).await;
    let root = root(&world).await;
    let (id, key) = made(&world, &root, &[Scope::UsersRead, Scope::MessagesSendAs]).await;
    let bob = world.link("bob", "phone", 7).await;

    let found = world.call(key.clone(), admin(AdminAct::User(name("alice")))).await;
    assert!(matches!(found, Reply::Admin(_)), "{found:?}");
    let send = AdminAct::SendAs { from: name("alice"), message: outgoing("u:bob", "hi") };
    let sent = world.call(key.clone(), admin(send.clone())).await;
    assert!(matches!(sent, Reply::Sent(it) if !it.duplicate), "{sent:?}");
    let again = world.call(key.clone(), admin(send)).await;
    assert!(matches!(again, Reply::Sent(it) if it.duplicate), "{again:?}");
    bob.until_event(|event| matches!(event, anser_domain::Event::Message(_)).then_some(())).await;
    assert_eq!(bob.received(), ["u:alice alice hi"]);

    let forbidden = [
        admin(AdminAct::Statistics),
        admin(AdminAct::Keys),
        admin(AdminAct::Unban(name("alice"))),
        // In an administrator's name, and outside administration.
        admin(AdminAct::SendAs { from: name("root"), message: outgoing("u:bob", "hi") }),
        Command::Me,
        Command::Users { after: None, limit: 1 },
    ];
    for command in forbidden {
        let said = world.call(key.clone(), command.clone()).await;
        assert_eq!(said, Reply::Refused(Refusal::Forbidden), "{command:?}");
    }
    let alice = Caller::Bearer(world.sign_in("alice", "phone").await.access);
    let said = world.call(alice, admin(AdminAct::Statistics)).await;
    assert_eq!(said, Reply::Refused(Refusal::Forbidden));

    let audit = world.call(root.clone(), admin(AdminAct::Audit { before: None, limit: 9 })).await;
    let Reply::Admin(it) = audit else { panic!("{audit:?}") };
    let AdminReply::Audit { entries, more } = *it else { panic!("{it:?}") };
    let said: Vec<_> = entries.iter().map(|it| (&*it.who, &*it.what, &*it.whom)).collect();
    let by = format!("key:{id}");
    let sent = (by.as_str(), "message.send-as", "alice");
    assert_eq!(said, [sent, sent, ("user:root", "key.make", "backend")]);
    assert!(!more && entries[0].address.is_some());

    world.call(root.clone(), admin(AdminAct::RevokeKey(id))).await;
    let said = world.call(key, admin(AdminAct::User(name("alice")))).await;
    assert_eq!(said, Reply::Refused(Refusal::BadCredentials), "at once");
    let (_, key) = made(&world, &root, &[Scope::UsersRead]).await;
    world.clock.advance(Duration::from_secs(61));
    let said = world.call(key, admin(AdminAct::User(name("alice")))).await;
    assert_eq!(said, Reply::Refused(Refusal::Expired));
}

#[tokio::test]
async fn a_key_cannot_become_an_administrator() {
    let world = world(&["root", "alice"]).await;
    let root = root(&world).await;
    let (_, key) = made(&world, &root, &[Scope::UsersWrite, Scope::Keys]).await;
    let new = anser_domain::NewUser {
        name: name("eve"),
        password: Secret::new("a long one"),
        display_name: "".into(),
        role: Role::Admin,
    };
    for act in [
        AdminAct::CreateUser(Box::new(new)),
        AdminAct::SetRole { user: name("alice"), role: Role::Admin },
        AdminAct::SetPassword { user: name("root"), password: Secret::new("mine now") },
        AdminAct::Ban { user: name("root"), reason: "".into(), until: None },
        AdminAct::MakeKey { name: "more".into(), scopes: vec![Scope::StatsRead], expires: None },
    ] {
        let said = world.call(key.clone(), admin(act.clone())).await;
        assert_eq!(said, Reply::Refused(Refusal::Forbidden), "{act:?}");
    }
}

#[tokio::test]
async fn a_ban_ends_sessions_and_ends_itself() {
    let world = world(&["root", "alice"]).await;
    let root = root(&world).await;
    let alice = world.link("alice", "phone", 9).await;
    let until = Some(world.clock.wall().plus(60_000));
    let ban = AdminAct::Ban { user: name("alice"), reason: "spam".into(), until };
    let tag = world.submit(crate::support::WEB, LinkId(0), root.clone(), admin(ban));
    world
        .cm
        .until(|told| {
            told.iter()
                .find(|it| matches!(it, Told::Evicted(LinkId(9), Refusal::Disabled)))
                .cloned()
        })
        .await;
    alice.submit(Command::Unlink);
    assert_eq!(world.reply(crate::support::WEB, tag).await, Reply::Done);
    let token = Credential::Token(Secret::new("x"));
    assert!(matches!(world.login(LinkId(10), token).await, Reply::Refused(_)));
    world.clock.advance(Duration::from_secs(61));
    world.sm.tick().await;
    world.sign_in("alice", "phone").await;
}

/// A receiver that takes what it is told to take.
#[derive(Default)]
struct Receiver {
    down: AtomicBool,
    refuses: Mutex<Option<&'static str>>,
    taken: Mutex<Vec<(String, String)>>,
    tried: Mutex<HashMap<String, u32>>,
}

#[async_trait]
impl Webhooks for Receiver {
    fn objection(&self, url: &str) -> Option<&'static str> {
        url.contains("10.0.0.1").then_some("not there")
    }

    async fn post(&self, _: &WebhookTarget, event: &WebhookEvent) -> Handed {
        *self.tried.lock().entry(event.id.to_string()).or_default() += 1;
        let body = String::from_utf8(event.body.to_vec()).unwrap();
        let refused = self.refuses.lock().is_some_and(|text| body.contains(text));
        if self.down.load(Ordering::SeqCst) || refused {
            return Handed::Later { after: None, reason: "status 500".into() };
        }
        self.taken.lock().push((event.id.to_string(), body));
        Handed::Taken
    }
}

impl Receiver {
    /// Texts of the messages it took, in order.
    fn texts(&self) -> Vec<String> {
        let taken = self.taken.lock();
        let said = taken.iter().filter_map(|(id, body)| {
            let body: serde_json::Value = serde_json::from_str(body).unwrap();
            assert_eq!(body["id"], id.as_str());
            body["data"]["text"].as_str().map(str::to_owned)
        });
        said.collect()
    }
}

fn put_webhook(name: &str, url: &str) -> Command {
    let (secrets, kinds) = (None, vec!["message.*".into()]);
    let put = PutWebhook { name: name.into(), url: url.into(), secrets, kinds, enabled: true };
    admin(AdminAct::PutWebhook(Box::new(put)))
}

async fn hooked(receiver: &Arc<Receiver>) -> (World, Caller) {
    let outside = Outside { webhooks: Some(receiver.clone()), ..Outside::default() };
    let world = world_with(&["root", "alice", "bob", "carol"], outside).await;
    let root = root(&world).await;
    let said = world.call(root.clone(), put_webhook("app", "https://app.example/in")).await;
    let Reply::Admin(it) = said else { panic!("{said:?}") };
    assert!(matches!(*it, AdminReply::Webhook(_, Some(_))), "a secret was made");
    (world, root)
}

#[tokio::test]
async fn an_event_that_is_not_taken_holds_back_only_its_conversation_and_dies() {
    let receiver = Arc::new(Receiver::default());
    let (world, root) = hooked(&receiver).await;
    let alice = world.link("alice", "phone", 1).await;
    alice.send("u:bob", "one").await;
    world.sm.tick().await;
    assert_eq!(receiver.texts(), ["one"]);

    *receiver.refuses.lock() = Some("poison");
    alice.send("u:bob", "poison").await;
    alice.send("u:bob", "after").await;
    for round in 0..8 {
        alice.send("u:carol", &format!("c{round}")).await;
        world.clock.advance(Duration::from_secs(61));
        world.sm.tick().await;
    }
    let mut expected: Vec<String> = vec!["one".into()];
    expected.extend((0..8).map(|round| format!("c{round}")));
    let said = receiver.texts();
    let others: Vec<_> = said.iter().filter(|it| *it != "after").cloned().collect();
    assert_eq!(others, expected);
    world.clock.advance(Duration::from_secs(61));
    world.sm.tick().await;
    assert_eq!(receiver.texts().last().unwrap(), "after", "its conversation goes on");

    let list = AdminAct::DeadLetters { name: "app".into(), after: MessageId(0), limit: 9 };
    let said = world.call(root.clone(), admin(list.clone())).await;
    let Reply::Admin(it) = said else { panic!("{said:?}") };
    let AdminReply::DeadLetters { letters, .. } = *it else { panic!("{it:?}") };
    assert_eq!((letters.len(), letters[0].attempts, &*letters[0].reason), (1, 8, "status 500"));

    let event = letters[0].event;
    let again = || AdminAct::ReplayDead { name: "app".into(), event };
    let said = world.call(root.clone(), admin(again())).await;
    let failed = AdminReply::Replayed(Some("status 500".into()));
    assert_eq!(said, Reply::Admin(Box::new(failed)));
    *receiver.refuses.lock() = None;
    let said = world.call(root.clone(), admin(again())).await;
    assert_eq!(said, Reply::Admin(Box::new(AdminReply::Replayed(None))));
    assert_eq!(receiver.texts().last().unwrap(), "poison");
    let said = world.call(root, admin(list)).await;
    let none = AdminReply::DeadLetters { letters: vec![], more: false };
    assert_eq!(said, Reply::Admin(Box::new(none)));
}

#[tokio::test]
async fn a_webhook_that_could_never_be_told_is_not_made() {
    let (world, root) = hooked(&Arc::new(Receiver::default())).await;
    let said = world.call(root.clone(), put_webhook("app", "http://10.0.0.1/")).await;
    assert_eq!(said, Reply::Refused(Refusal::Invalid("not there")));
    for name in ["", ".", "..", "a/b", "a b"] {
        let said = world.call(root.clone(), put_webhook(name, "https://app.example/in")).await;
        assert!(matches!(said, Reply::Refused(Refusal::Invalid(_))), "{name}: {said:?}");
    }
    // What is not there is not tried again, and leaves no line that somebody has.
    let none = AdminAct::ReplayDead { name: "a\nb".into(), event: MessageId(1) };
    let said = world.call(root.clone(), admin(none)).await;
    assert!(matches!(said, Reply::Refused(Refusal::NoSuch(_))), "{said:?}");
    let audit = AdminAct::Audit { before: None, limit: 9 };
    let Reply::Admin(it) = world.call(root.clone(), admin(audit)).await else { panic!() };
    let AdminReply::Audit { entries, .. } = *it else { panic!("{it:?}") };
    assert_eq!(entries.len(), 1, "{entries:?}");
    let Reply::Admin(it) = world.call(root, admin(AdminAct::Webhooks)).await else { panic!() };
    let AdminReply::Webhooks(hooks) = *it else { panic!("{it:?}") };
    assert_eq!((hooks.len(), &*hooks[0].url), (1, "https://app.example/in"), "as it was");
}

#[tokio::test]
async fn a_receiver_that_is_down_misses_nothing() {
    let receiver = Arc::new(Receiver::default());
    let (world, _) = hooked(&receiver).await;
    receiver.down.store(true, Ordering::SeqCst);
    let alice = world.link("alice", "phone", 1).await;
    for number in 0..20 {
        alice.send("u:bob", &number.to_string()).await;
    }
    for _ in 0..30 {
        world.clock.advance(Duration::from_secs(61));
        world.sm.tick().await;
    }
    assert!(receiver.texts().is_empty());
    receiver.down.store(false, Ordering::SeqCst);
    world.clock.advance(Duration::from_secs(61));
    world.sm.tick().await;
    let all: Vec<String> = (0..20).map(|number| number.to_string()).collect();
    assert_eq!(receiver.texts(), all, "half an hour later, in order");

    // Told again from the beginning, under the first ids.
    let first: Vec<_> = receiver.taken.lock().drain(..).collect();
    let again = AdminAct::ReplaySince { name: "app".into(), since: MessageId(0) };
    assert_eq!(world.call(root(&world).await, admin(again)).await, Reply::Done);
    world.clock.advance(Duration::from_secs(61));
    world.sm.tick().await;
    assert_eq!(*receiver.taken.lock(), first);
}

#[tokio::test]
async fn whoever_went_in_a_crash_is_told_to_have_gone() {
    let receiver = Arc::new(Receiver::default());
    let (world, root) = hooked(&receiver).await;
    let put = PutWebhook {
        name: "app".into(),
        url: "https://app.example/in".into(),
        secrets: None,
        kinds: vec!["user.linked".into(), "user.unlinked".into()],
        enabled: true,
    };
    world.call(root, admin(AdminAct::PutWebhook(Box::new(put)))).await;
    world.sm.tick().await;
    let kinds = || {
        let taken = receiver.taken.lock();
        let said = taken.iter().map(|(_, body)| {
            let body: serde_json::Value = serde_json::from_str(body).unwrap();
            format!("{} {}", body["type"].as_str().unwrap(), body["data"]["user"].as_str().unwrap())
        });
        said.collect::<Vec<_>>()
    };
    let _alice = world.link("alice", "phone", 1).await;
    let _bob = world.link("bob", "phone", 2).await;
    world.sm.tick().await;
    assert_eq!(kinds(), ["user.linked alice", "user.linked bob"]);
    // The map loses everybody, and only one comes back in time.
    world.routes.forget_peer(crate::support::CM).await.unwrap();
    world.link("bob", "phone", 3).await;
    for _ in 0..2 {
        world.clock.advance(Duration::from_secs(21));
        world.sm.tick().await;
        world.sm.tick().await;
    }
    assert_eq!(kinds()[2..], ["user.unlinked alice"]);
    world.link("alice", "phone", 4).await;
    world.sm.tick().await;
    assert_eq!(kinds()[3..], ["user.linked alice"]);
}
