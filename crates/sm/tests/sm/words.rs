//! A filter of words, on a real store.

use std::sync::Arc;

use anser_domain::{
    Act, Change, Command, Content, EntryChange, GroupChange, GroupKind, HistoryRange, NewGroup,
    PeopleCommand, ProfileEdit, ProfilePatch, Refusal, Reply, Sent, Source, UserName,
};
use anser_sm::{OnWord, Outside, WordFilter, Words};

use crate::support::{Device, World, client_id, text_to, world_with};

fn list(words: &str, action: OnWord) -> WordFilter {
    WordFilter::new(words, action).unwrap()
}

async fn filtered(action: OnWord) -> (World, Arc<Words>) {
    let words = Arc::new(Words::new(list("damn\n笨蛋\n", action)));
    let outside = Outside { words: Some(words.clone()), ..Outside::default() };
    (world_with(&["alice", "bob", "carol"], outside).await, words)
}

fn sent(reply: Reply) -> Sent {
    match reply {
        Reply::Sent(sent) => sent,
        other => panic!("{other:?}"),
    }
}

fn change(w: &World, at: &str, act: Act) -> Command {
    let (client_id, at) = (client_id(&*w.clock), at.parse().unwrap());
    Command::Change(Box::new(Change { client_id, at, act }))
}

async fn log(w: &World, who: &Device<'_>, at: &str) -> Vec<String> {
    let range = HistoryRange::Latest { limit: 100 };
    let page = w.store.history(who.actor().user, &at.parse().unwrap(), range).await.unwrap();
    page.messages.iter().map(|it| it.content.body().unwrap_or("*").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn words_are_masked_wherever_they_are_sent_and_retries_are_known() {
    let (w, words) = filtered(OnWord::Mask).await;
    let (alice, bob) = (w.link("alice", "phone", 1).await, w.link("bob", "phone", 2).await);
    let wish = text_to("u:bob", "Damn, a dam!");
    let first = sent(alice.ask(wish.clone()).await);
    assert_eq!(sent(alice.ask(wish).await).id, first.id);
    let content = Content::Text("你这笨蛋".into());
    let edit = EntryChange::Edit { seq: first.seq, content, mentions: Vec::new() };
    let wish = change(&w, "u:bob", Act::Entry(edit));
    let edited = sent(alice.ask(wish.clone()).await);
    assert_eq!(sent(alice.ask(wish).await).id, edited.id);
    assert_eq!(log(&w, &alice, "u:bob").await, ["你这**", "*"]);

    // What was sent before its word was on the list is masked when it is sent on.
    let heck = alice.send("u:bob", "heck").await.seq;
    words.replace(list("heck\n", OnWord::Mask));
    let Command::Send(mut forward) = text_to("u:carol", "") else { unreachable!() };
    forward.forward = Some(Source { at: "u:alice".parse().unwrap(), seq: heck });
    let wish = Command::Send(forward);
    let (forwarded, plain) = (bob.submit(wish.clone()), bob.submit(text_to("u:carol", "damn")));
    let first = sent(w.reply(crate::support::CM, forwarded).await);
    let second = sent(w.reply(crate::support::CM, plain).await);
    assert!(first.seq < second.seq, "and nothing overtakes it");
    assert_eq!(sent(bob.ask(wish).await).id, first.id);
    assert_eq!(log(&w, &bob, "u:carol").await, ["****", "damn"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn words_are_denied_in_messages_and_always_in_names() {
    let (w, words) = filtered(OnWord::Deny).await;
    let alice = w.link("alice", "phone", 1).await;
    let denied = |reply: &Reply| matches!(reply, Reply::Refused(Refusal::Denied(_)));
    assert!(denied(&alice.ask(text_to("u:bob", "damn")).await));
    alice.send("u:bob", "a dam").await;
    for action in [OnWord::Deny, OnWord::Mask] {
        words.replace(list("damn\n", action));
        let group = |title: &str| NewGroup {
            kind: GroupKind::Group,
            client_id: client_id(&*w.clock),
            name: format!("geese{}", action == OnWord::Deny).parse().unwrap(),
            title: title.into(),
            members: vec![UserName::new("bob").unwrap()],
        };
        let damn = alice.ask(Command::CreateGroup(Box::new(group("Damn geese")))).await;
        assert!(denied(&damn), "{damn:?}");
        let at = format!("g:{}", group("").name);
        sent(alice.ask(Command::CreateGroup(Box::new(group("Geese")))).await);
        let about = ProfilePatch { announcement: Some("damn".into()), ..ProfilePatch::default() };
        let said = alice.ask(change(&w, &at, Act::Group(GroupChange::Profile(about)))).await;
        assert!(denied(&said), "{said:?}");

        let edit = ProfileEdit { about: Some("damn".into()), ..ProfileEdit::default() };
        let user = UserName::new("bob").unwrap();
        for command in [
            Command::SetDisplayName("Damn".into()),
            Command::People(Box::new(PeopleCommand::EditProfile(edit))),
            Command::People(Box::new(PeopleCommand::RequestFriend {
                user,
                message: "damn".into(),
            })),
        ] {
            let said = alice.ask(command.clone()).await;
            assert!(denied(&said), "{command:?}: {said:?}");
        }
    }
}
