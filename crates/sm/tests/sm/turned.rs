//! Peers that may have turned to another SM: nothing of theirs is stored meanwhile.

use std::sync::{Arc, atomic::Ordering};

use anser_domain::{Ask, Caller, Peer, Refusal, Reply, ReplyTo, SessionManager as _, Tag, Via};

use crate::support::{CM, FakePeer, text_to, world};

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_stored_for_a_peer_that_may_have_turned_away_and_order_is_kept_when_it_has_not()
{
    let w = world(&["alice", "bob"]).await;
    let alice = w.link("alice", "phone", 1).await;
    let (first, second) = (text_to("u:bob", "1"), text_to("u:bob", "2"));
    w.cm.unsure.store(true, Ordering::SeqCst);
    assert_eq!(alice.ask(first.clone()).await, Reply::Refused(Refusal::Unavailable));
    w.cm.unsure.store(false, Ordering::SeqCst);
    assert_eq!(alice.ask(second.clone()).await, Reply::Refused(Refusal::OutOfOrder));
    for (command, seq) in [(first, 1), (second, 2)] {
        let Reply::Sent(sent) = alice.ask(command).await else { panic!("it waits again") };
        assert_eq!((sent.seq.0, sent.duplicate), (seq, false));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_asked_by_an_earlier_stream_is_neither_stored_nor_answered() {
    let w = world(&["alice", "bob"]).await;
    let alice = w.link("alice", "phone", 1).await;
    let stalled = w.stall_writes();
    let old = alice.submit(text_to("u:bob", "asked by the stream before"));
    let cm = Arc::new(FakePeer::default());
    let via = Via(1);
    w.sm.attach(Peer { id: CM, via, replies: cm.clone(), links: Some(cm.clone()) });
    let ask = |tag, text| {
        let from = ReplyTo { peer: CM, link: alice.link, tag: Tag(tag), via };
        Ask { from, caller: Caller::Link(alice.actor()), command: text_to("u:bob", text) }
    };
    drop(stalled);
    w.sm.submit(vec![ask(1_000, "asked by this one")]);
    let sent = cm.reply(Tag(1_000)).await;
    let Reply::Sent(sent) = sent else { panic!("{sent:?}") };
    assert_eq!(sent.seq.0, 1, "nothing stands before it");
    for peer in [&w.cm, &cm] {
        assert!(!peer.has_reply(old), "it was asked again, if it matters");
    }
}
