//! What two people and a group see of each other through one SM.

use crate::support::{Told, client_id, text_to, world};
use anser_domain::{
    Act, Change, Command, Credential, Event, GroupKind, GroupRole, HistoryRange, LinkId,
    MemberChange, NewGroup, Pull, Refusal, Reply, Seq, UserName,
};

fn names(names: &[&str]) -> Vec<UserName> {
    names.iter().map(|name| UserName::new(name).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_answered_before_it_is_delivered_and_not_echoed_to_its_link() {
    let w = world(&["alice", "bob"]).await;
    let phone = w.link("alice", "phone", 1).await;
    let tablet = w.link("alice", "tablet", 2).await;
    let bob = w.link("bob", "phone", 3).await;

    let sent = phone.send("u:bob", "hi").await;
    assert_eq!((sent.seq, sent.duplicate), (Seq(1), false));
    bob.until_event(|event| matches!(event, Event::Message(_)).then_some(())).await;
    tablet.until_event(|event| matches!(event, Event::Message(_)).then_some(())).await;

    assert_eq!(bob.received(), ["u:alice alice hi"], "each sees the other's name");
    assert_eq!(tablet.received(), ["u:bob alice hi"], "own sends reach own other devices");
    assert_eq!(phone.received(), [""; 0], "the sending link has its answer");
    let told = w.cm.told();
    let answer = told.iter().position(|it| matches!(it, Told::Reply(.., Reply::Sent(_))));
    let delivery = told.iter().position(|it| matches!(it, Told::Event(.., Event::Message(_))));
    assert!(answer < delivery, "{told:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_gets_the_first_answer_and_nobody_is_told_twice() {
    let w = world(&["alice", "bob"]).await;
    let alice = w.link("alice", "phone", 1).await;
    let bob = w.link("bob", "phone", 2).await;
    let hello = text_to("u:bob", "hi");
    let Reply::Sent(first) = alice.ask(hello.clone()).await else { panic!() };
    let Reply::Sent(again) = alice.ask(hello.clone()).await else { panic!() };
    assert!(again.duplicate);
    assert_eq!((first.id, first.seq, first.ts), (again.id, again.seq, again.ts));

    let Command::Send(mut other) = hello else { panic!() };
    other.content = anser_domain::Content::Text("something else".into());
    assert_eq!(alice.ask(Command::Send(other)).await, Reply::Refused(Refusal::Conflict));
    alice.send("u:bob", "last").await;
    bob.until_event(|event| match event {
        Event::Message(it) if it.message.content.body() == Some("last") => Some(()),
        _ => None,
    })
    .await;
    assert_eq!(bob.received(), ["u:alice alice hi", "u:alice alice last"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_member_gets_the_removal_and_nothing_after() {
    let w = world(&["alice", "bob", "carol"]).await;
    let alice = w.link("alice", "phone", 1).await;
    let bob = w.link("bob", "phone", 2).await;
    let carol = w.link("carol", "phone", 3).await;
    let group = NewGroup {
        kind: GroupKind::Group,
        client_id: client_id(&*w.clock),
        name: "geese".parse().unwrap(),
        title: "Geese".into(),
        members: names(&["bob", "carol"]),
    };
    assert!(matches!(alice.ask(Command::CreateGroup(Box::new(group))).await, Reply::Sent(_)));
    alice.send("g:geese", "one").await;

    let change = |change| {
        let client_id = client_id(&*w.clock);
        let at = "g:geese".parse().unwrap();
        Command::Change(Box::new(Change { client_id, at, act: Act::Members(change) }))
    };
    let remove = |who: &[&str]| change(MemberChange::Remove { users: names(who) });
    assert_eq!(bob.ask(remove(&["carol"])).await, Reply::Refused(Refusal::Forbidden));
    assert!(matches!(alice.ask(remove(&["bob"])).await, Reply::Sent(_)));
    alice.send("g:geese", "two").await;
    assert_eq!(bob.ask(text_to("g:geese", "x")).await, Reply::Refused(Refusal::NotMember));

    carol
        .until_event(|event| match event {
            Event::Message(it) if it.message.content.body() == Some("two") => Some(()),
            _ => None,
        })
        .await;
    assert_eq!(bob.received(), ["g:geese alice *", "g:geese alice one", "g:geese alice *"]);
    assert_eq!(carol.received().len(), 4);

    // Back in, and what was said between stays unseen.
    let put = MemberChange::Put { users: names(&["bob"]), role: GroupRole::Member };
    assert!(matches!(alice.ask(change(put)).await, Reply::Sent(_)));
    // A page ends where a membership does.
    let mut seen = Vec::new();
    let mut range = HistoryRange::Latest { limit: 50 };
    loop {
        let history = Command::History { at: "g:geese".parse().unwrap(), range };
        let Reply::Page(page) = bob.ask(history).await else { panic!() };
        seen.splice(0..0, page.messages.iter().map(|message| message.seq.0));
        if !page.more {
            break;
        }
        range = HistoryRange::Before { seq: page.after.next(), limit: 50 };
    }
    assert_eq!(seen, [1, 2, 3, 5]);
}

#[tokio::test(flavor = "multi_thread")]
async fn hints_are_numbered_without_a_gap_and_a_beat_closes_the_tail() {
    let w = world(&["alice", "bob"]).await;
    let alice = w.link("alice", "phone", 1).await;
    let _bob = w.link("bob", "phone", 2).await;
    for text in ["1", "2", "3"] {
        alice.send("u:bob", text).await;
    }
    for _ in 0..2 {
        w.clock.advance(std::time::Duration::from_secs(5));
        w.sm.tick().await;
    }
    let mut last = 0;
    for told in w.cm.told() {
        match told {
            Told::Event(at, ..) => {
                assert!(at.number == last || at.number == last + 1, "{at:?} after {last}");
                last = at.number;
            }
            Told::Beat(beat) => assert_eq!(beat.at.number, last),
            _ => {}
        }
    }
    let mut watermarks = w.cm.told().into_iter().filter_map(|told| match told {
        Told::Beat(beat) => Some(beat.watermark),
        _ => None,
    });
    assert_eq!(watermarks.next_back(), w.store.watermark().await.ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_reach_the_other_side_once_they_are_durable() {
    let w = world(&["alice", "bob"]).await;
    let alice = w.link("alice", "phone", 1).await;
    let bob = w.link("bob", "phone", 2).await;
    let sent = alice.send("u:bob", "hi").await;
    bob.submit(Command::Delivered { conv: sent.conv, seq: sent.seq });
    assert!(!alice.events().iter().any(|event| matches!(event, Event::Receipt(_))));
    w.clock.advance(std::time::Duration::from_secs(2));
    w.sm.tick().await;
    let delivered = alice
        .until_event(|event| match event {
            Event::Receipt(receipt) => Some(receipt.clone()),
            _ => None,
        })
        .await;
    assert_eq!((delivered.read, delivered.seq), (false, Seq(1)));
    assert_eq!(delivered.at.to_string(), "u:bob");

    let at = "u:alice".parse().unwrap();
    assert_eq!(bob.ask(Command::Read { at, seq: Seq(9) }).await, Reply::Done);
    let read = alice
        .until_event(|event| match event {
            Event::Receipt(receipt) if receipt.read => Some(receipt.clone()),
            _ => None,
        })
        .await;
    assert_eq!(read.seq, Seq(1), "never above the head");
}

#[tokio::test(flavor = "multi_thread")]
async fn friends_see_each_other_come_type_and_go() {
    let w = world(&["alice", "bob"]).await;
    let id = async |name| w.store.user(&UserName::new(name).unwrap()).await.unwrap().unwrap().id;
    w.store.befriend(id("alice").await, id("bob").await).await.unwrap();
    let alice = w.link("alice", "phone", 1).await;
    alice.send("u:bob", "hi").await;
    let bob = w.link("bob", "phone", 2).await;
    let presence = |event: &Event| match event {
        Event::Presence(it) => Some((it.user.to_string(), it.online)),
        _ => None,
    };
    assert_eq!(alice.until_event(presence).await, ("bob".into(), true));
    assert_eq!(bob.until_event(presence).await, ("alice".into(), true));

    bob.submit(Command::Typing { at: "u:alice".parse().unwrap(), active: true });
    let typing = alice.until_event(|event| match event {
        Event::Typing(it) => Some(it.at.to_string()),
        _ => None,
    });
    assert_eq!(typing.await, "u:bob");
    bob.submit(Command::Unlink);
    alice.until_event(|event| (presence(event)? == ("bob".into(), false)).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_login_of_a_device_wins() {
    let w = world(&["alice"]).await;
    let first = w.link("alice", "phone", 1).await;
    let second = w.link("alice", "phone", 2).await;
    assert!(second.actor().epoch > first.actor().epoch);
    let evicted =
        w.cm.until(|told| {
            told.iter().find_map(|it| match it {
                Told::Evicted(link, why) => Some((*link, why.clone())),
                _ => None,
            })
        })
        .await;
    assert_eq!(evicted, (LinkId(1), Refusal::TakenOver));
    // A map that was lost does not let the old link outrank the new one again.
    assert_eq!(first.ask(Command::Relink).await, Reply::Refused(Refusal::TakenOver));
    assert_eq!(second.ask(Command::Relink).await, Reply::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_shows_its_next_credential_stays() {
    let w = world(&["alice", "bob"]).await;
    let phone = w.link("alice", "phone", 1).await;
    let ticket = Credential::Ticket(phone.welcome.ticket.clone());
    let Reply::Welcome(again) = w.login(LinkId(1), ticket).await else { panic!() };
    assert!(again.actor.epoch > phone.actor().epoch);
    let bob = w.link("bob", "phone", 2).await;
    bob.send("u:alice", "still there?").await;
    phone.until_event(|event| matches!(event, Event::Message(_)).then_some(())).await;
    assert!(!w.cm.told().iter().any(|told| matches!(told, Told::Evicted(..))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_that_is_being_written_counts_already() {
    let w = world(&["alice", "bob"]).await;
    let alice = w.link("alice", "phone", 1).await;
    let bob = w.link("bob", "phone", 2).await;
    let sent = alice.send("u:bob", "hi").await;
    bob.submit(Command::Delivered { conv: sent.conv, seq: sent.seq });
    let stalled = w.stall_writes();
    w.clock.advance(std::time::Duration::from_secs(2));
    let pull = async {
        // By now the flush has begun, and cannot end.
        tokio::task::yield_now().await;
        let pull = Pull { conv: sent.conv, after: None, limit: 10 };
        let Reply::Page(page) = bob.ask(Command::Pull(pull)).await else { panic!() };
        drop(stalled);
        page
    };
    let ((), page) = tokio::join!(w.sm.tick(), pull);
    assert_eq!((page.after, page.messages.len()), (sent.seq, 0));
    let durable = w.store.delivered(vec![(bob.actor(), sent.conv, sent.seq)]).await.unwrap();
    assert!(durable.is_empty(), "the flush has written it");
}
