//! An app that is asked before anything is sent, on a real store.

use std::{sync::Arc, time::Duration};

use anser_domain::{
    Act, Actor, BeforeSend, Caller, Change, Command, Content, EntryChange, GroupKind, HistoryRange,
    LinkId, NewGroup, PeopleCommand, Refusal, Reply, SendQuestion, Sent, Seq, Source, UserName,
    Verdict,
};
use anser_sm::{Outside, Unanswered};
use async_trait::async_trait;
use tokio::sync::{Mutex, mpsc, oneshot};

use crate::support::{CM, WEB, World, client_id, text_to, world_set};

type Asked = (SendQuestion, oneshot::Sender<Option<Verdict>>);

/// Hands every question to the test, and waits for what it says.
struct Script(mpsc::UnboundedSender<Asked>);

#[async_trait]
impl BeforeSend for Script {
    async fn ask(&self, question: &SendQuestion, _: Duration) -> Option<Verdict> {
        let (answer, answered) = oneshot::channel();
        self.0.send((question.clone(), answer)).ok()?;
        answered.await.ok().flatten()
    }
}

struct App(Mutex<mpsc::UnboundedReceiver<Asked>>);

impl App {
    async fn next(&self) -> Asked {
        let next = async { self.0.lock().await.recv().await.unwrap() };
        tokio::time::timeout(Duration::from_secs(20), next).await.expect("the app is asked")
    }

    /// Says the same to the next question, and answers with what was asked about.
    async fn say(&self, verdict: Option<Verdict>) -> SendQuestion {
        let (question, answer) = self.next().await;
        answer.send(verdict).unwrap();
        question
    }

    async fn idle(&self) -> bool {
        self.0.lock().await.try_recv().is_err()
    }
}

async fn asking(users: &[&str], within: Duration, unanswered: Unanswered) -> (World, App) {
    let (sender, asked) = mpsc::unbounded_channel();
    let outside = Outside { before_send: Some(Arc::new(Script(sender))), ..Outside::default() };
    let world = world_set(users, outside, |config| {
        config.before_send.within = within;
        config.before_send.unanswered = unanswered;
    })
    .await;
    (world, App(Mutex::new(asked)))
}

async fn patient(users: &[&str]) -> (World, App) {
    asking(users, Duration::from_secs(60), Unanswered::Deny).await
}

fn text(body: &str) -> Content {
    Content::Text(body.into())
}

fn sent(reply: Reply) -> Sent {
    match reply {
        Reply::Sent(sent) => sent,
        other => panic!("{other:?}"),
    }
}

fn change(w: &World, at: &str, change: EntryChange) -> Command {
    let (client_id, at) = (client_id(&*w.clock), at.parse().unwrap());
    Command::Change(Box::new(Change { client_id, at, act: Act::Entry(change) }))
}

fn edit(w: &World, at: &str, seq: Seq, body: &str) -> Command {
    change(w, at, EntryChange::Edit { seq, content: text(body), mentions: Vec::new() })
}

/// The log as a member reads it; events as `*`.
async fn log(w: &World, who: Actor, at: &str) -> Vec<String> {
    let range = HistoryRange::Latest { limit: 100 };
    let page = w.store.history(who.user, &at.parse().unwrap(), range).await.unwrap();
    page.messages.iter().map(|it| it.content.body().unwrap_or("*").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_allows_denies_and_says_it_otherwise() {
    let (w, app) = patient(&["alice", "bob"]).await;
    let alice = w.link("alice", "phone", 1).await;
    let hello = alice.submit(text_to("u:bob", "hello"));
    let question = app.say(Some(Verdict::Allow)).await;
    assert_eq!((question.sender.as_str(), question.content), ("alice", text("hello")));
    assert_eq!(question.to, "u:bob".parse().unwrap());
    sent(w.reply(CM, hello).await);

    let damn = alice.submit(text_to("u:bob", "damn"));
    app.say(Some(Verdict::Deny("mind your words".into()))).await;
    let denied = Reply::Refused(Refusal::Denied("mind your words".into()));
    assert_eq!(w.reply(CM, damn).await, denied);

    // Over REST as over a link.
    let token = Caller::Bearer(w.sign_in("alice", "laptop").await.access);
    let darn = text_to("u:bob", "darn it");
    let tag = w.submit(WEB, LinkId(0), token.clone(), darn.clone());
    app.say(Some(Verdict::Rewrite(text("d*** it")))).await;
    let first = sent(w.reply(WEB, tag).await);
    for verdict in [Some(Verdict::Deny("no more".into())), None, Some(Verdict::Allow)] {
        let tag = w.submit(WEB, LinkId(0), token.clone(), darn.clone());
        app.say(verdict).await;
        let again = sent(w.reply(WEB, tag).await);
        assert!(again.duplicate && (again.id, again.seq) == (first.id, first.seq));
    }
    let Command::Send(mut other) = darn else { unreachable!() };
    other.content = text("d*** it");
    let tag = w.submit(WEB, LinkId(0), token, Command::Send(other));
    app.say(Some(Verdict::Allow)).await;
    assert_eq!(w.reply(WEB, tag).await, Reply::Refused(Refusal::Conflict));
    assert_eq!(log(&w, alice.actor(), "u:bob").await, ["hello", "d*** it"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_and_what_is_forwarded_are_asked_about_too() {
    let (w, app) = patient(&["alice", "bob", "carol"]).await;
    let (alice, bob) = (w.link("alice", "phone", 1).await, w.link("bob", "phone", 2).await);
    let tag = alice.submit(text_to("u:bob", "one"));
    app.say(Some(Verdict::Allow)).await;
    let one = sent(w.reply(CM, tag).await).seq;

    let wish = edit(&w, "u:bob", one, "damn");
    let tag = alice.submit(wish.clone());
    let question = app.say(Some(Verdict::Rewrite(text("d***")))).await;
    assert_eq!((question.edits, question.content), (Some(one), text("damn")));
    let first = sent(w.reply(CM, tag).await);
    let tag = alice.submit(wish);
    app.say(None).await;
    assert_eq!(sent(w.reply(CM, tag).await).id, first.id);

    // What is forwarded is what the app saw, though it was edited while the app thought about it.
    let Command::Send(mut forward) = text_to("u:carol", "") else { unreachable!() };
    forward.forward = Some(Source { at: "u:alice".parse().unwrap(), seq: one });
    let wish = Command::Send(forward);
    let tag = bob.submit(wish.clone());
    let (question, answer) = app.next().await;
    assert!(question.forwarded && question.content == text("d***"), "{question:?}");
    let edited = alice.submit(edit(&w, "u:bob", one, "two"));
    app.say(Some(Verdict::Allow)).await;
    sent(w.reply(CM, edited).await);
    answer.send(Some(Verdict::Allow)).unwrap();
    let first = sent(w.reply(CM, tag).await);
    let tag = bob.submit(wish);
    app.say(Some(Verdict::Allow)).await;
    assert_eq!(sent(w.reply(CM, tag).await).id, first.id);
    assert_eq!(log(&w, bob.actor(), "u:carol").await, ["d***"]);
    assert_eq!(log(&w, bob.actor(), "u:alice").await, ["two", "*", "*"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_device_sends_keeps_its_order_whatever_is_answered_first() {
    let (w, app) = patient(&["alice", "bob"]).await;
    let alice = w.link("alice", "phone", 1).await;
    let tag = alice.submit(text_to("u:bob", "0"));
    app.say(Some(Verdict::Allow)).await;
    let zero = sent(w.reply(CM, tag).await).seq;

    let mut tags: Vec<_> =
        ["1", "2", "3"].iter().map(|body| alice.submit(text_to("u:bob", body))).collect();
    // Nobody is asked about this one; it stands behind those that were sent before it.
    let react = EntryChange::React { seq: zero, reaction: "👍".into(), on: true };
    tags.push(alice.submit(change(&w, "u:bob", react)));
    let mut asked = Vec::new();
    for _ in 0..3 {
        asked.push(app.next().await);
    }
    // Another conversation, and another device, wait for nobody.
    let note = alice.submit(text_to("u:alice", "note"));
    app.say(Some(Verdict::Allow)).await;
    sent(w.reply(CM, note).await);
    let tablet = w.link("alice", "tablet", 2).await;
    let late = tablet.submit(text_to("u:bob", "tablet"));
    app.say(Some(Verdict::Allow)).await;
    assert_eq!(sent(w.reply(CM, late).await).seq, Seq(2));

    while let Some((_, answer)) = asked.pop() {
        answer.send(Some(Verdict::Allow)).unwrap();
    }
    for (tag, seq) in tags.into_iter().zip(3..) {
        assert_eq!(sent(w.reply(CM, tag).await).seq, Seq(seq));
    }
    assert_eq!(log(&w, alice.actor(), "u:bob").await, ["0", "tablet", "1", "2", "3", "*"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_for_now_holds_what_was_sent_after_it() {
    let (w, app) = asking(&["alice", "bob"], Duration::from_secs(60), Unanswered::Deny).await;
    let alice = w.link("alice", "phone", 1).await;
    let sends: Vec<_> = ["1", "2", "3"].iter().map(|body| text_to("u:bob", body)).collect();
    let tags: Vec<_> = sends.iter().map(|send| alice.submit(send.clone())).collect();
    let mut asked = Vec::new();
    for _ in 0..3 {
        asked.push(app.next().await);
    }
    // The later two are ready first, so that all three go to the store together.
    while let Some((question, answer)) = asked.pop() {
        let verdict = (question.content != text("1")).then_some(Verdict::Allow);
        answer.send(verdict).unwrap();
    }
    let mut said = Vec::new();
    for tag in tags {
        said.push(w.reply(CM, tag).await);
    }
    assert!(matches!(said[0], Reply::Refused(Refusal::Busy(_))), "{said:?}");
    let after = Reply::Refused(Refusal::OutOfOrder);
    assert_eq!(said[1..], [after.clone(), after]);
    for send in sends {
        let tag = alice.submit(send);
        app.say(Some(Verdict::Allow)).await;
        sent(w.reply(CM, tag).await);
    }
    assert_eq!(log(&w, alice.actor(), "u:bob").await, ["1", "2", "3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_means_what_the_operator_decided() {
    for unanswered in [Unanswered::Allow, Unanswered::Deny] {
        let (w, app) = asking(&["alice", "bob"], Duration::from_millis(20), unanswered).await;
        let alice = w.link("alice", "phone", 1).await;
        let tag = alice.submit(text_to("u:bob", "hello"));
        let (_, _never_answered) = app.next().await;
        let said = w.reply(CM, tag).await;
        let sent = matches!(said, Reply::Sent(_));
        assert_eq!(sent, unanswered == Unanswered::Allow, "{said:?}");
        let tag = alice.submit(text_to("u:alice", "note"));
        // Nothing that could be sent is no answer either.
        app.say(Some(Verdict::Rewrite(text("")))).await;
        let said = w.reply(CM, tag).await;
        assert_eq!(matches!(said, Reply::Sent(_)), sent, "{said:?}");
        if !sent {
            assert!(matches!(said, Reply::Refused(Refusal::Busy(_))), "{said:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_do_not_make_the_app_work() {
    let (w, app) = patient(&["alice", "bob", "eve"]).await;
    let (alice, eve) = (w.link("alice", "phone", 1).await, w.link("eve", "phone", 2).await);
    let group = NewGroup {
        kind: GroupKind::Group,
        client_id: client_id(&*w.clock),
        name: "geese".parse().unwrap(),
        title: "Geese".into(),
        members: vec![UserName::new("bob").unwrap()],
    };
    sent(alice.ask(Command::CreateGroup(Box::new(group))).await);
    let tag = alice.submit(text_to("g:geese", "hello"));
    app.say(Some(Verdict::Allow)).await;
    let hello = sent(w.reply(CM, tag).await).seq;
    let block = PeopleCommand::Block { user: UserName::new("eve").unwrap(), blocked: true };
    alice.ask(Command::People(Box::new(block))).await;

    for (wish, why) in [
        (text_to("g:geese", "x"), Refusal::NotMember),
        (text_to("g:ducks", "x"), Refusal::NotMember),
        (text_to("u:nobody", "x"), Refusal::NoSuchUser),
        (text_to("u:alice", "x"), Refusal::Forbidden),
        (edit(&w, "g:geese", hello, "x"), Refusal::NotMember),
    ] {
        assert_eq!(eve.ask(wish.clone()).await, Reply::Refused(why), "{wish:?}");
    }
    let bob = w.link("bob", "phone", 3).await;
    let other = bob.ask(edit(&w, "g:geese", hello, "x")).await;
    assert_eq!(other, Reply::Refused(Refusal::Forbidden));
    assert!(app.idle().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sends_more_than_can_be_asked_about_waits_and_others_do_not() {
    const ALL: usize = 300;
    let (w, app) = patient(&["alice", "bob"]).await;
    let alice = w.link("alice", "phone", 1).await;
    let sends: Vec<_> = (0..ALL).map(|n| text_to("u:bob", &n.to_string())).collect();
    let tags: Vec<_> = sends.iter().map(|send| alice.submit(send.clone())).collect();
    let last = w.reply(CM, tags[ALL - 1]).await;
    assert!(last != Reply::Done && matches!(last, Reply::Refused(_)), "{last:?}");

    let bob = w.link("bob", "phone", 2).await;
    let tag = bob.submit(text_to("u:bob", "note"));
    let mut refused = Vec::new();
    let answering = async {
        loop {
            app.say(Some(Verdict::Allow)).await;
        }
    };
    let all = async {
        sent(w.reply(CM, tag).await);
        for (send, tag) in sends.iter().zip(tags) {
            match w.reply(CM, tag).await {
                Reply::Sent(_) => {}
                Reply::Refused(refusal) if refusal.is_retriable() => refused.push(send.clone()),
                other => panic!("{other:?}"),
            }
        }
        assert!(!refused.is_empty());
        for send in refused {
            sent(alice.ask(send).await);
        }
    };
    tokio::select! {
        () = answering => {}
        () = all => {}
    }
    let range = HistoryRange::After { seq: Seq::ZERO, limit: 1000 };
    let page = w.store.history(alice.actor().user, &"u:bob".parse().unwrap(), range).await.unwrap();
    let said: Vec<_> = page.messages.iter().map(|it| it.content.body().unwrap()).collect();
    let expected: Vec<_> = (0..ALL).map(|n| n.to_string()).collect();
    assert_eq!(said, expected, "in order, each once");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_gives_no_verdicts_is_let_rest_and_tried_again() {
    let within = Duration::from_secs(60);
    let (w, app) = asking(&["alice", "bob"], within, Unanswered::Allow).await;
    let alice = w.link("alice", "phone", 1).await;
    let policy = anser_sm::BeforeSendPolicy::default();
    for _ in 0..policy.failures {
        let tag = alice.submit(text_to("u:bob", "unheard"));
        app.say(None).await;
        sent(w.reply(CM, tag).await);
    }
    // Nobody is asked, and nobody waits.
    sent(alice.ask(text_to("u:bob", "unasked")).await);
    assert!(app.idle().await);
    let stats = w.sm.stats().before_send.unwrap();
    assert_eq!((stats.unanswered, stats.skipped), (policy.failures.into(), 1));

    // After the rest one is asked about, and decides about the others.
    w.clock.advance(policy.rest);
    let tag = alice.submit(text_to("u:bob", "try"));
    let (_, answer) = app.next().await;
    let bob = w.link("bob", "phone", 2).await;
    sent(bob.ask(text_to("u:alice", "meanwhile")).await);
    answer.send(Some(Verdict::Deny("no".into()))).unwrap();
    assert_eq!(w.reply(CM, tag).await, Reply::Refused(Refusal::Denied("no".into())));
    let tag = alice.submit(text_to("u:bob", "heard"));
    app.say(Some(Verdict::Allow)).await;
    sent(w.reply(CM, tag).await);
    let stats = w.sm.stats().before_send.unwrap();
    assert_eq!((stats.allowed, stats.denied, stats.skipped), (1, 1, 2));
}
