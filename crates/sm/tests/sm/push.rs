//! Who is notified, of what, and what happens when a service does not take it.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use anser_domain::{
    Act, Caller, Change, Clock, Command, DeviceName, Handed, KeepChange, MemberChange,
    MessagesCommand, NewGroup, Notification, PeopleCommand, PushCommand, PushGateway, PushReply,
    PushTarget, Refusal, Reply, Seq, UserName,
};
use anser_sm::Outside;
use async_trait::async_trait;
use parking_lot::Mutex;

use crate::support::{World, client_id, text_to, world_with};

/// A gateway that writes down what it is given, and answers as it is told to; it takes what it is
/// told nothing about.
#[derive(Default)]
struct Gateway {
    notes: Mutex<Vec<Notification>>,
    answers: Mutex<VecDeque<Handed>>,
}

#[async_trait]
impl PushGateway for Gateway {
    fn serves(&self, provider: &str) -> bool {
        provider == "fcm"
    }

    fn objection(&self, target: &PushTarget) -> Option<&'static str> {
        matches!(target, PushTarget::Fcm { token } if &**token == "bad").then_some("a bad token")
    }

    async fn push(&self, to: &PushTarget, note: &Notification) -> Handed {
        assert_eq!(to.provider(), "fcm");
        self.notes.lock().push(note.clone());
        self.answers.lock().pop_front().unwrap_or(Handed::Taken)
    }
}

struct Pushed {
    world: World,
    gateway: Arc<Gateway>,
}

async fn pushed(users: &[&str]) -> Pushed {
    let gateway = Arc::new(Gateway::default());
    let world =
        world_with(users, Outside { push: Some(gateway.clone()), ..Outside::default() }).await;
    // The first round finds where the log is.
    world.sm.tick().await;
    Pushed { world, gateway }
}

impl Pushed {
    async fn caller(&self, user: &str, device: &str) -> Caller {
        Caller::Bearer(self.world.sign_in(user, device).await.access)
    }

    async fn register(&self, user: &str) -> Caller {
        let caller = self.caller(user, "phone").await;
        assert_eq!(self.world.call(caller.clone(), register(user)).await, Reply::Done);
        caller
    }

    /// Lets so much time go by, and says who was notified of what: `user at text badge`.
    async fn after(&self, seconds: u64) -> Vec<String> {
        self.world.clock.advance(Duration::from_secs(seconds));
        self.world.sm.tick().await;
        let line = |note: Notification| {
            let text = note.text.unwrap_or_default();
            format!("{} {} {text} {}", note.user, note.at, note.badge)
        };
        self.gateway.notes.lock().drain(..).map(line).collect()
    }
}

fn register(token: &str) -> Command {
    Command::Push(Box::new(PushCommand::Register {
        device: DeviceName::new("phone").unwrap(),
        target: PushTarget::Fcm { token: token.into() },
        locale: "de".into(),
    }))
}

async fn record(world: &World, caller: &Caller) -> Option<(u64, u64)> {
    let show = PushCommand::Show(DeviceName::new("phone").unwrap());
    match world.call(caller.clone(), Command::Push(Box::new(show))).await {
        Reply::Push(PushReply::Record(record)) => record.map(|it| (it.taken, it.failed)),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn whoever_has_no_link_gets_one_notification_a_conversation() {
    let it = pushed(&["alice", "bob", "carol"]).await;
    it.register("bob").await;
    it.register("alice").await;
    let alice = it.world.link("alice", "laptop", 1).await;
    for text in ["1", "2", "3"] {
        alice.send("u:bob", text).await;
    }
    assert_eq!(it.after(1).await, ["bob u:alice 3 3"], "the newest, and once");
    assert!(it.after(1).await.is_empty(), "and not again");
    let carol = it.world.link("carol", "laptop", 2).await;
    carol.send("u:bob", "4").await;
    alice.send("u:bob", "5").await;
    let mut told = it.after(1).await;
    told.sort_unstable();
    assert_eq!(told, ["bob u:alice 5 5", "bob u:carol 4 5"], "one each, the badge over both");
    assert_eq!(it.world.sm.stats().pushes_taken, 3);

    // Who writes on one device needs no notification on another, nor who is linked on one.
    let bob = it.world.link("bob", "laptop", 3).await;
    alice.send("u:bob", "6").await;
    assert!(it.after(1).await.is_empty());
    drop(bob);
}

#[tokio::test]
async fn what_was_read_meanwhile_is_not_told() {
    let it = pushed(&["alice", "bob"]).await;
    let bob = it.register("bob").await;
    let alice = it.world.link("alice", "laptop", 1).await;
    let sent = alice.send("u:bob", "1").await;
    let read = Command::Read { at: "u:alice".parse().unwrap(), seq: Seq(sent.seq.0) };
    assert_eq!(it.world.call(bob, read).await, Reply::Done);
    assert!(it.after(1).await.is_empty());
}

#[tokio::test]
async fn who_was_removed_or_shut_out_is_told_nothing() {
    let it = pushed(&["alice", "bob", "carol", "root"]).await;
    it.register("bob").await;
    it.register("carol").await;
    let alice = it.world.link("alice", "laptop", 1).await;
    let group = NewGroup {
        kind: anser_domain::GroupKind::Group,
        client_id: client_id(&*it.world.clock),
        name: "geese".parse().unwrap(),
        title: "Geese".into(),
        members: vec![UserName::new("bob").unwrap(), UserName::new("carol").unwrap()],
    };
    alice.ask(Command::CreateGroup(Box::new(group))).await;
    alice.send("g:geese", "1").await;
    let change = Change {
        client_id: client_id(&*it.world.clock),
        at: "g:geese".parse().unwrap(),
        act: Act::Members(MemberChange::Remove { users: vec![UserName::new("bob").unwrap()] }),
    };
    assert!(matches!(alice.ask(Command::Change(Box::new(change))).await, Reply::Sent(_)));
    assert_eq!(it.after(1).await, ["carol g:geese 1 1"], "bob left before he was told");

    alice.send("g:geese", "2").await;
    let root = it.caller("root", "laptop").await;
    let carol = UserName::new("carol").unwrap();
    let shut_out = Command::SetDisabled { user: carol, disabled: true };
    assert_eq!(it.world.call(root, shut_out).await, Reply::Done);
    assert!(it.after(1).await.is_empty());
}

#[tokio::test]
async fn a_muted_conversation_is_told_of_to_who_is_called_and_a_blocked_sender_never() {
    let it = pushed(&["alice", "bob"]).await;
    let bob = it.register("bob").await;
    let alice = it.world.link("alice", "laptop", 1).await;
    alice.send("u:bob", "0").await;
    assert_eq!(it.after(1).await.len(), 1);
    let change = KeepChange {
        muted_until: Some(it.world.clock.wall().plus(60_000)),
        ..KeepChange::default()
    };
    let at = "u:alice".parse().unwrap();
    let mute = Command::Messages(MessagesCommand::Keep { at, change });
    assert_eq!(it.world.call(bob.clone(), mute).await, Reply::Done);
    alice.send("u:bob", "1").await;
    assert!(it.after(1).await.is_empty());
    let Command::Send(mut called) = text_to("u:bob", "2") else { unreachable!() };
    called.mentions = vec![UserName::new("bob").unwrap()];
    assert!(matches!(alice.ask(Command::Send(called)).await, Reply::Sent(_)));
    assert_eq!(it.after(1).await, ["bob u:alice 2 3"], "called by name");
    it.world.clock.advance(Duration::from_secs(60));
    alice.send("u:bob", "3").await;
    assert_eq!(it.after(1).await, ["bob u:alice 3 4"], "the time is over");

    // Sent, and blocked before it was told.
    alice.send("u:bob", "4").await;
    let block = PeopleCommand::Block { user: UserName::new("alice").unwrap(), blocked: true };
    let done = it.world.call(bob, Command::People(Box::new(block))).await;
    assert!(!matches!(done, Reply::Refused(_)), "{done:?}");
    assert!(it.after(1).await.is_empty());
}

#[tokio::test]
async fn a_service_without_time_is_asked_again_and_in_the_end_no_more() {
    let it = pushed(&["alice", "bob"]).await;
    let bob = it.register("bob").await;
    let alice = it.world.link("alice", "laptop", 1).await;
    let later = |after| Handed::Later { after, reason: "status 503".into() };
    it.gateway.answers.lock().extend([later(None), later(Some(Duration::from_secs(60)))]);
    alice.send("u:bob", "1").await;
    assert_eq!(it.after(1).await, ["bob u:alice 1 1"]);
    assert!(it.after(2).await.is_empty(), "not yet");
    assert_eq!(it.after(4).await, ["bob u:alice 1 1"], "after 5 s");
    assert!(it.after(30).await.is_empty(), "the service asked for a minute");
    // What is said by then is told, rather than what was said first.
    alice.send("u:bob", "2").await;
    assert_eq!(it.after(1).await, ["bob u:alice 2 2"]);
    assert!(it.after(60).await.is_empty(), "paid by the newer one");
    assert_eq!(record(&it.world, &bob).await, Some((1, 2)));

    it.gateway.answers.lock().extend(std::iter::repeat_n(later(None), 1000));
    alice.send("u:bob", "3").await;
    let mut tries = 0;
    for _ in 0..26 * 12 {
        tries += it.after(300).await.len();
    }
    assert!((100..200).contains(&tries), "{tries} in a day, and then no more");
    it.gateway.answers.lock().clear();
    assert!(it.after(3600).await.is_empty());
}

#[tokio::test]
async fn a_registration_that_the_service_ended_is_forgotten() {
    let it = pushed(&["alice", "bob"]).await;
    let bob = it.register("bob").await;
    let alice = it.world.link("alice", "laptop", 1).await;
    it.gateway.answers.lock().push_back(Handed::Gone { reason: "unregistered".into() });
    alice.send("u:bob", "1").await;
    assert_eq!(it.after(1).await.len(), 1);
    assert_eq!(record(&it.world, &bob).await, None);
    alice.send("u:bob", "2").await;
    assert!(it.after(1).await.is_empty());
    assert_eq!(it.world.sm.stats().pushes_gone, 1);
}

#[tokio::test]
async fn signing_out_ends_a_registration() {
    let it = pushed(&["alice", "bob"]).await;
    let bob = it.register("bob").await;
    let alice = it.world.link("alice", "laptop", 1).await;
    assert_eq!(it.world.call(bob, Command::SignOut).await, Reply::Done);
    alice.send("u:bob", "1").await;
    assert!(it.after(1).await.is_empty());
}

#[tokio::test]
async fn registrations_that_cannot_work_are_refused() {
    let it = pushed(&["bob"]).await;
    let bob = it.caller("bob", "phone").await;
    let ask = |command| it.world.call(bob.clone(), command);
    let refused = |reply| matches!(reply, Reply::Refused(Refusal::Invalid(_)));
    assert!(refused(ask(register("bad")).await));
    let device = DeviceName::new("phone").unwrap();
    let other = |target, locale: &str| {
        let device = device.clone();
        Command::Push(Box::new(PushCommand::Register { device, target, locale: locale.into() }))
    };
    assert!(refused(ask(other(PushTarget::Webhook { token: "x".into() }, "")).await));
    assert!(refused(ask(other(PushTarget::Fcm { token: "x".into() }, "de\n")).await));
    let device = DeviceName::new("nobody's").unwrap();
    let show = Command::Push(Box::new(PushCommand::Show(device)));
    assert_eq!(ask(show).await, Reply::Refused(Refusal::NoSuchUser));
    assert_eq!(record(&it.world, &bob).await, None);
}

#[tokio::test]
async fn without_a_gateway_nobody_registers() {
    let world = world_with(&["bob"], Outside::default()).await;
    let bob = Caller::Bearer(world.sign_in("bob", "phone").await.access);
    let reply = world.call(bob, register("x")).await;
    assert!(matches!(reply, Reply::Refused(Refusal::Invalid(_))), "{reply:?}");
}
