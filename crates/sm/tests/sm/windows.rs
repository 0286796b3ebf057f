//! What an operator may set about messages: how long they can be changed, whom they call, who is
//! told that they were read.

use std::time::Duration;

use anser_domain::{
    Act, Change, Command, Content, EntryChange, GroupChange, GroupKind, MessagesCommand, Millis,
    NewGroup, Refusal, Reply, Seq, UserName,
};
use anser_sm::Outside;

use crate::support::{Device, World, client_id, text_to, world_set};

fn change(w: &World, at: &str, act: Act) -> Command {
    let (client_id, at) = (client_id(&*w.clock), at.parse().unwrap());
    Command::Change(Box::new(Change { client_id, at, act }))
}

fn edit(w: &World, at: &str, seq: Seq) -> Command {
    let content = Content::Text("edited".into());
    change(w, at, Act::Entry(EntryChange::Edit { seq, content, mentions: Vec::new() }))
}

async fn geese(w: &World, alice: &Device<'_>) {
    let group = NewGroup {
        kind: GroupKind::Group,
        client_id: client_id(&*w.clock),
        name: "geese".parse().unwrap(),
        title: "Geese".into(),
        members: ["bob", "carol"].iter().map(|name| UserName::new(name).unwrap()).collect(),
    };
    let said = alice.ask(Command::CreateGroup(Box::new(group))).await;
    assert!(matches!(said, Reply::Sent(_)), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_recalled_and_edited_for_as_long_as_is_set() {
    let w = world_set(&["alice", "bob"], Outside::default(), |config| {
        config.recall_window = Duration::from_secs(600);
        config.edit_window = Duration::from_secs(60);
    })
    .await;
    let alice = w.link("alice", "phone", 1).await;
    let (one, two) = (alice.send("u:bob", "1").await.seq, alice.send("u:bob", "2").await.seq);
    let recall = |seq| change(&w, "u:bob", Act::Entry(EntryChange::Recall { seq }));
    w.clock.advance(Duration::from_secs(59));
    assert!(matches!(alice.ask(edit(&w, "u:bob", one)).await, Reply::Sent(_)));
    w.clock.advance(Duration::from_secs(2));
    let late = alice.ask(edit(&w, "u:bob", one)).await;
    assert!(matches!(late, Reply::Refused(Refusal::Invalid(_))), "{late:?}");
    w.clock.advance(Duration::from_secs(500));
    assert!(matches!(alice.ask(recall(one)).await, Reply::Sent(_)), "beyond what is the default");
    w.clock.advance(Duration::from_secs(60));
    let late = alice.ask(recall(two)).await;
    assert!(matches!(late, Reply::Refused(Refusal::Invalid(_))), "{late:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_calls_everybody_and_who_is_told_of_readers_depends_on_how_many_there_are() {
    for (up_to, small) in [(3, true), (2, false)] {
        let w = world_set(&["alice", "bob", "carol"], Outside::default(), |config| {
            config.mention_all_up_to = up_to;
            config.receipts_up_to = up_to;
        })
        .await;
        let (alice, bob) = (w.link("alice", "phone", 1).await, w.link("bob", "phone", 2).await);
        geese(&w, &alice).await;
        let Command::Send(mut all) = text_to("g:geese", "all of you") else { unreachable!() };
        all.mentions_all = true;
        let said = bob.ask(Command::Send(all)).await;
        assert_eq!(matches!(said, Reply::Sent(_)), small, "{said:?}");
        let seq = bob.send("g:geese", "hello").await.seq;
        let at = "g:geese".parse().unwrap();
        let said = bob.ask(Command::Messages(MessagesCommand::Receipts { at, seq })).await;
        assert_eq!(matches!(said, Reply::Messages(_)), small, "{said:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_muted_is_told_so_and_until_when() {
    let w = world_set(&["alice", "bob", "carol"], Outside::default(), |_| {}).await;
    let (alice, bob) = (w.link("alice", "phone", 1).await, w.link("bob", "phone", 2).await);
    geese(&w, &alice).await;
    let seq = bob.send("g:geese", "hello").await.seq;
    let until = Millis(1_800_000_000_000).plus(60_000);
    let mute = GroupChange::Mute { user: UserName::new("bob").unwrap(), until };
    let said = alice.ask(change(&w, "g:geese", Act::Group(mute))).await;
    assert!(matches!(said, Reply::Sent(_)), "{said:?}");
    let muted = Reply::Refused(Refusal::Muted(until));
    assert_eq!(bob.ask(text_to("g:geese", "mmm")).await, muted);
    assert_eq!(bob.ask(edit(&w, "g:geese", seq)).await, muted);
    w.clock.advance(Duration::from_secs(60));
    bob.send("g:geese", "thanks").await;
}
