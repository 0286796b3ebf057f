//! What happens to messages that stand, how users keep conversations, and search.

use std::sync::Arc;

use anser_domain::{
    Act, Actor, Address, Change, ClientId, Content, ConversationState, EntryChange, Gone,
    HistoryRange, KeepChange, LogEvent, Message, Outgoing, Page, Refusal, Search, Seq, Source,
};

use super::{
    StoreRig, World,
    world::{at, bodies, text, to, user},
};
use crate::{Entry, ListPage, Ruling, StoreError, Words};

impl World {
    /// Does something to a message.
    pub async fn touch(&mut self, actor: Actor, to: &Address, change: EntryChange) -> Message {
        let entry = self.change_of(to, self.client_id(), change);
        let appended = self.put(actor, entry).await.unwrap();
        Message::clone(&appended.message)
    }

    fn change_of(&self, to: &Address, client_id: ClientId, change: EntryChange) -> Entry {
        Entry::Change(Box::new(Change { client_id, at: to.clone(), act: Act::Entry(change) }))
    }

    async fn say(&mut self, actor: Actor, to: &Address, body: &str) -> Seq {
        let entry = text(to, self.client_id(), body);
        self.put(actor, entry).await.unwrap().sent.seq
    }

    async fn whole(&self, viewer: Actor, at: &Address) -> Page {
        let range = HistoryRange::Latest { limit: 1000 };
        self.store.history(viewer.user, at, range).await.unwrap()
    }

    async fn entry(&self, viewer: Actor, at: &Address, seq: Seq) -> Arc<Message> {
        let page = self.whole(viewer, at).await;
        page.messages.into_iter().find(|it| it.seq == seq).expect("it has a place")
    }

    async fn row(&self, viewer: Actor) -> ConversationState {
        let list = self.store.conversations(viewer, ListPage::Before(None), 10).await.unwrap();
        list.conversations.into_iter().next().unwrap()
    }

    async fn finds(&self, viewer: Actor, query: &str) -> Vec<u64> {
        let (mut before, mut seqs) = (None, Vec::new());
        loop {
            let search = Search { query: query.into(), at: None, before, limit: 2 };
            let page = self.store.search(viewer.user, &search).await.unwrap();
            seqs.extend(page.hits.iter().map(|hit| hit.message.seq.0));
            match page.next {
                Some(next) => before = Some(next),
                None => return seqs,
            }
        }
    }

    async fn indexed(&self) {
        while self.store.index().await.unwrap() {}
    }
}

fn gone(message: &Message) -> bool {
    matches!(message.content, Content::Gone(Gone::Recalled))
}

pub async fn a_recall_leaves_nothing_but_the_place(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    let first = text(&to("bob"), world.client_id(), "secret");
    let sent = world.put(alice, first.clone()).await.unwrap().sent;
    let edit = EntryChange::Edit {
        seq: sent.seq,
        content: Content::Text("secret too".into()),
        mentions: vec![user("bob")],
    };
    world.touch(alice, &to("bob"), edit.clone()).await;
    let react = EntryChange::React { seq: sent.seq, reaction: "👍".into(), on: true };
    world.touch(bob, &to("alice"), react).await;
    world.indexed().await;
    assert_eq!(world.finds(bob, "secret").await, [1]);

    let recall = EntryChange::Recall { seq: sent.seq };
    let said = world.touch(alice, &to("bob"), recall.clone()).await;
    assert_eq!(said.content, Content::Event(LogEvent::Recalled { seq: sent.seq }));
    let page = world.whole(bob, &to("alice")).await;
    assert_eq!(page.messages.len(), 4, "its place stays");
    assert!(gone(&page.messages[0]) && page.messages[0].marks.is_none());
    assert!(!format!("{page:?}").contains("secret"), "nor does the edit tell it: {page:?}");
    assert!(world.finds(bob, "secret").await.is_empty());
    let pages = world.store.reactors(bob.user, &to("alice"), sent.seq, None, 10).await.unwrap();
    assert!(pages.0.is_empty());

    let again = world.put(alice, first).await.unwrap().sent;
    assert!(again.duplicate && (again.id, again.seq) == (sent.id, sent.seq), "a late retry");
    let twice = world.change_of(&to("bob"), world.client_id(), recall);
    assert!(world.put(alice, twice).await.is_err(), "there is nothing left to recall");
    let late = world.change_of(&to("bob"), world.client_id(), edit);
    assert!(world.put(alice, late).await.is_err());
    let world = world.reopen(rig).await;
    assert!(gone(&world.whole(bob, &to("alice")).await.messages[0]), "for good");
}

pub async fn an_edit_is_what_everybody_reads(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    let seq = world.say(alice, &to("bob"), "draft").await;
    let edit = |body: &str| EntryChange::Edit {
        seq,
        content: Content::Text(body.into()),
        mentions: Vec::new(),
    };
    let wish = world.change_of(&to("bob"), world.client_id(), edit("final"));
    let sent = world.put(alice, wish.clone()).await.unwrap().sent;
    let page = world.whole(bob, &to("alice")).await;
    assert_eq!(page.messages[0].content, Content::Text("final".into()));
    let edited = page.messages[0].marks.as_ref().and_then(|marks| marks.edited);
    assert_eq!(edited, Some(page.messages[1].ts));
    let now = Some(Box::new(Content::Text("final".into())));
    let said = LogEvent::Edited { seq, content: now, mentions: Vec::new() };
    assert_eq!(page.messages[1].content, Content::Event(said));

    let again = world.put(alice, wish.clone()).await.unwrap().sent;
    assert!(again.duplicate && again.seq == sent.seq);
    let Entry::Change(mut other) = wish else { unreachable!() };
    other.act = Act::Entry(edit("other"));
    assert_eq!(world.put(alice, Entry::Change(other)).await.unwrap_err(), Refusal::Conflict);
    let kind =
        EntryChange::Edit { seq, content: Content::Custom("1".into()), mentions: Vec::new() };
    let kind = world.change_of(&to("bob"), world.client_id(), kind);
    assert!(world.put(alice, kind).await.is_err(), "an edit keeps the kind");
}

pub async fn an_edit_whose_words_were_changed_can_be_retried(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    let seq = world.say(alice, &to("bob"), "draft").await;
    let edit = |body: &str| EntryChange::Edit {
        seq,
        content: Content::Text(body.into()),
        mentions: Vec::new(),
    };
    let id = world.client_id();
    let sent = Words::of(&Content::Text("damn".into()), None);
    let mut wish = world.wish(alice, world.change_of(&to("bob"), id, edit("d***")));
    wish.ruling = Some(Box::new(Ruling::Reworded(sent)));
    let first = world.append(vec![wish]).await.remove(0).unwrap().sent;
    let again = world.put(alice, world.change_of(&to("bob"), id, edit("damn"))).await.unwrap();
    assert!(again.sent.duplicate && again.sent.id == first.id);
    let other = world.put(alice, world.change_of(&to("bob"), id, edit("d***"))).await;
    assert_eq!(other.unwrap_err(), Refusal::Conflict);
    assert_eq!(world.whole(bob, &to("alice")).await.messages[0].content.body(), Some("d***"));

    // After a recall nothing tells what was said, so every retry has the first answer.
    world.touch(alice, &to("bob"), EntryChange::Recall { seq }).await;
    for body in ["damn", "else"] {
        let again = world.put(alice, world.change_of(&to("bob"), id, edit(body))).await.unwrap();
        assert!(again.sent.duplicate && again.sent.id == first.id, "{body}");
    }
}

pub async fn reactions_are_counted_and_bounded(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    let seq = world.say(alice, &to("bob"), "hello").await;
    let react = |reaction: &str, on| EntryChange::React { seq, reaction: reaction.into(), on };
    world.touch(alice, &to("bob"), react("👍", true)).await;
    world.touch(bob, &to("alice"), react("👍", true)).await;
    world.touch(bob, &to("alice"), react("🪿", true)).await;
    let counts = |message: &Message| {
        let marks = message.marks.clone().unwrap_or_default();
        marks
            .reactions
            .iter()
            .map(|it| (it.reaction.to_string(), it.count, it.mine))
            .collect::<Vec<_>>()
    };
    let seen = world.entry(alice, &to("bob"), seq).await;
    assert_eq!(counts(&seen), [("👍".into(), 2, true), ("🪿".into(), 1, false)]);
    let (who, more) = world.store.reactors(alice.user, &to("bob"), seq, None, 2).await.unwrap();
    let names: Vec<_> = who.iter().map(|it| it.user.as_str()).collect();
    assert_eq!((names.as_slice(), more), (["alice", "bob"].as_slice(), true));
    let rest = world.store.reactors(alice.user, &to("bob"), seq, who.last(), 2).await.unwrap();
    assert_eq!((rest.0.len(), rest.1), (1, false));

    world.touch(bob, &to("alice"), react("👍", false)).await;
    let seen = world.entry(alice, &to("bob"), seq).await;
    assert_eq!(counts(&seen), [("👍".into(), 1, true), ("🪿".into(), 1, false)]);
    let nothing = world.change_of(&to("alice"), world.client_id(), react("👍", false));
    assert!(world.put(bob, nothing).await.is_err(), "what changes nothing is no entry");
    for n in 1..8 {
        world.touch(bob, &to("alice"), react(&n.to_string(), true)).await;
    }
    let ninth = world.change_of(&to("alice"), world.client_id(), react("x", true));
    assert!(matches!(world.put(bob, ninth).await, Err(Refusal::TooLarge(_))));
}

pub async fn pins_are_listed_latest_first(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    let one = world.say(alice, &to("bob"), "one").await;
    let two = world.say(alice, &to("bob"), "two").await;
    for seq in [two, one] {
        world.touch(alice, &to("bob"), EntryChange::Pin { seq, on: true }).await;
    }
    let pinned = world.store.pins(bob.user, &to("alice")).await.unwrap();
    let texts: Vec<_> = pinned.iter().filter_map(|it| it.content.body()).collect();
    assert_eq!(texts, ["one", "two"]);
    assert!(pinned.iter().all(|it| it.marks.as_ref().unwrap().pinned));
    world.touch(bob, &to("alice"), EntryChange::Pin { seq: one, on: false }).await;
    world.touch(alice, &to("bob"), EntryChange::Recall { seq: two }).await;
    assert!(world.store.pins(bob.user, &to("alice")).await.unwrap().is_empty());
}

pub async fn what_was_edited_after_leaving_is_not_shown(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    world.found(alice, "geese", &["bob"]).await.unwrap();
    let seq = world.say(alice, &at("geese"), "before").await;
    world.expel(alice, "geese", &["bob"]).await.unwrap();
    let edit = EntryChange::Edit {
        seq,
        content: Content::Text("afterwards".into()),
        mentions: Vec::new(),
    };
    world.touch(alice, &at("geese"), edit).await;
    world.indexed().await;
    let seen = world.entry(bob, &at("geese"), seq).await;
    assert_eq!(seen.content, Content::Gone(Gone::Deleted));
    assert!(world.finds(bob, "afterwards").await.is_empty());
    assert_eq!(world.finds(alice, "afterwards").await, [seq.0]);
}

pub async fn users_take_things_out_of_their_own_sight(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    for body in ["one", "two", "three"] {
        world.say(alice, &to("bob"), body).await;
    }
    let token = world.store.watermark().await.unwrap();
    let seq = Seq(2);
    world.store.delete_for(bob.user, &to("alice"), seq).await.unwrap();
    world.store.delete_for(bob.user, &to("alice"), seq).await.unwrap();
    let seen = world.entry(bob, &to("alice"), seq).await;
    assert_eq!(seen.content, Content::Gone(Gone::Deleted));
    assert_eq!(bodies(&world.whole(alice, &to("bob")).await), ["one", "two", "three"]);
    assert!(world.finds(bob, "two").await.is_empty());
    let changed = world.store.conversations(bob, ListPage::Since(token), 9).await.unwrap();
    assert_eq!(changed.conversations.len(), 1, "another device learns of it");
    let none = world.store.delete_for(bob.user, &to("alice"), Seq(9)).await;
    assert!(matches!(none, Err(StoreError::Refused(Refusal::NoSuch("message")))));

    let moved = world.store.clear_for(bob.user, &to("alice"), seq).await.unwrap();
    assert_eq!(moved.keep.cleared, seq);
    assert_eq!(bodies(&world.whole(bob, &to("alice")).await), ["three"]);
    assert_eq!(world.row(bob).await.unread, 1);
    let moved = world.store.clear_for(bob.user, &to("alice"), Seq(99)).await.unwrap();
    assert_eq!(moved.keep.cleared, Seq(3), "never above the head");
    assert!(world.row(bob).await.last.is_none());
    assert!(world.finds(bob, "three").await.is_empty());
}

pub async fn a_hidden_conversation_comes_back_with_the_next_message(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    world.say(alice, &to("bob"), "one").await;
    let change = KeepChange { hidden: Some(true), pinned: Some(true), ..KeepChange::default() };
    let moved = world.store.keep(bob.user, &to("alice"), change).await.unwrap();
    assert!(moved.keep.hidden && moved.keep.pinned);
    assert!(!world.row(alice).await.keep.hidden, "it is nobody else's");
    world.say(alice, &to("bob"), "two").await;
    let row = world.row(bob).await;
    assert!(!row.keep.hidden && row.keep.pinned);
}

pub async fn mentions_are_counted_until_they_are_read(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    world.actor("carol").await;
    world.found(alice, "geese", &["bob"]).await.unwrap();
    let out = |world: &World, mentions: &[&str], all| {
        Entry::Message(Box::new(Outgoing {
            to: at("geese"),
            client_id: world.client_id(),
            content: Content::Text("hey".into()),
            reply_to: None,
            mentions: mentions.iter().map(|name| user(name)).collect(),
            payload: None,
            mentions_all: all,
            forward: None,
        }))
    };
    let named = out(&world, &["bob"], false);
    let seq = world.put(alice, named).await.unwrap().sent.seq;
    let everybody = out(&world, &["bob"], true);
    world.put(alice, everybody).await.unwrap();
    let plain = out(&world, &[], false);
    world.put(alice, plain).await.unwrap();
    assert_eq!((world.row(bob).await.unread, world.row(bob).await.mentions), (3, 2));
    assert_eq!(world.row(alice).await.mentions, 0, "one's own send is read");
    world.store.read(bob.user, &at("geese"), seq).await.unwrap();
    assert_eq!(world.row(bob).await.mentions, 1);
    world.touch(alice, &at("geese"), EntryChange::Recall { seq: Seq(seq.0 + 1) }).await;
    assert_eq!(world.row(bob).await.mentions, 0, "a recalled message calls nobody");
    let stranger = out(&world, &["carol"], false);
    assert!(world.put(alice, stranger).await.is_err(), "only members can be called");
}

pub async fn a_forwarded_message_is_a_copy(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let alice = world.actor("alice").await;
    let (bob, carol) = (world.actor("bob").await, world.actor("carol").await);
    let seq = world.say(alice, &to("bob"), "pass it on").await;
    let forward = |world: &World, to: Address, from: Address, seq| {
        Entry::Message(Box::new(Outgoing {
            to,
            client_id: world.client_id(),
            content: Content::Text("".into()),
            reply_to: None,
            mentions: Vec::new(),
            payload: None,
            mentions_all: false,
            forward: Some(Source { at: from, seq }),
        }))
    };
    let wish = forward(&world, to("carol"), to("alice"), seq);
    let sent = world.put(bob, wish.clone()).await.unwrap();
    let seen = world.entry(carol, &to("bob"), sent.sent.seq).await;
    assert_eq!(seen.content, Content::Text("pass it on".into()));
    let origin = seen.marks.clone().unwrap().origin.unwrap();
    assert_eq!(origin.sender, user("alice"));
    assert_eq!(seen, sent.message, "what is delivered is what is read");
    assert!(world.put(bob, wish).await.unwrap().sent.duplicate);

    let onward = forward(&world, to("alice"), to("bob"), sent.sent.seq);
    let again = world.put(carol, onward).await.unwrap();
    assert_eq!(again.message.marks.clone().unwrap().origin.unwrap().sender, user("alice"));
    let stolen = forward(&world, to("bob"), to("bob"), Seq(9));
    assert!(world.put(carol, stolen).await.is_err(), "what is not there");
    let before = world.whole(carol, &to("bob")).await.messages.len();
    world.touch(alice, &to("bob"), EntryChange::Recall { seq }).await;
    let late = forward(&world, to("carol"), to("alice"), seq);
    assert!(world.put(bob, late).await.is_err(), "what was recalled");
    assert_eq!(world.whole(carol, &to("bob")).await.messages.len(), before);
}

pub async fn receipts_tell_who_has_read(rig: &dyn StoreRig) {
    let mut world = World::new(rig).await;
    let alice = world.actor("alice").await;
    let (bob, carol) = (world.actor("bob").await, world.actor("carol").await);
    world.found(alice, "geese", &["bob", "carol"]).await.unwrap();
    let seq = world.say(alice, &at("geese"), "hello").await;
    world.store.read(bob.user, &at("geese"), seq).await.unwrap();
    let receipts = world.store.receipts(carol.user, &at("geese"), seq, 500).await.unwrap();
    assert_eq!((receipts.members, receipts.read), (2, vec![user("bob")]));
    assert_eq!(receipts.delivered, [user("bob")]);
    let many = world.store.receipts(carol.user, &at("geese"), seq, 2).await;
    assert!(matches!(many, Err(StoreError::Refused(Refusal::TooLarge(_)))));
    let direct = world.say(alice, &to("bob"), "you?").await;
    world.store.read(bob.user, &to("alice"), direct).await.unwrap();
    let receipts = world.store.receipts(alice.user, &to("bob"), direct, 500).await.unwrap();
    assert_eq!((receipts.members, receipts.read), (1, vec![user("bob")]));
}

/// Whatever was sent, edited, recalled and deleted, and however far the index has come: what is
/// found is what reading all of the history finds.
pub async fn search_finds_what_the_history_holds(rig: &dyn StoreRig) {
    const WORDS: [&str; 6] = ["goose", "Geese", "大雁飞过", "雁", "swan café", "鸿雁在云"];
    let mut world = World::new(rig).await;
    let (alice, bob) = (world.actor("alice").await, world.actor("bob").await);
    let stranger = world.actor("mallory").await;
    let mut dice: u64 = 42;
    let mut roll = move |sides: usize| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(dice >> 33).unwrap() % sides
    };
    let mut seqs = Vec::new();
    for round in 0..150 {
        let (one, two) = (WORDS[roll(6)], WORDS[roll(6)]);
        let words = format!("{one} {two}");
        let some = seqs.get(roll(seqs.len().max(1))).copied();
        match (roll(6), some) {
            (0, Some(seq)) => {
                let content = Content::Text(words.into());
                let edit = EntryChange::Edit { seq, content, mentions: Vec::new() };
                let edit = world.change_of(&to("bob"), world.client_id(), edit);
                let _ = world.put(alice, edit).await;
            }
            (1, Some(seq)) => {
                let recall = EntryChange::Recall { seq };
                let recall = world.change_of(&to("bob"), world.client_id(), recall);
                let _ = world.put(alice, recall).await;
            }
            (2, Some(seq)) => {
                let _ = world.store.delete_for(bob.user, &to("alice"), seq).await;
            }
            _ => seqs.push(world.say(alice, &to("bob"), &words).await),
        }
        if roll(20) == 0 {
            world.store.index().await.unwrap();
        }
        if round == 75 {
            world = world.reopen(rig).await;
        }
    }
    for viewer in [alice, bob] {
        let peer = if viewer == alice { to("bob") } else { to("alice") };
        let page = world.whole(viewer, &peer).await;
        assert!(!page.more);
        for query in ["goose", "gee", "大雁", "雁飞", "雁", "cafe SWAN", "雁 goose", "云鸿", "nil"]
        {
            // What a person would call a hit, told without the index's help.
            let holds = |text: &str| {
                let text = text.to_lowercase().replace('é', "e");
                query.to_lowercase().split(' ').all(|word| {
                    if word.is_ascii() {
                        text.split(' ').any(|it| it.starts_with(word))
                    } else {
                        text.contains(word)
                    }
                })
            };
            let mut wanted: Vec<u64> = page
                .messages
                .iter()
                .filter(|it| matches!(&it.content, Content::Text(text) if holds(text)))
                .map(|it| it.seq.0)
                .collect();
            wanted.reverse();
            assert_eq!(world.finds(viewer, query).await, wanted, "{query}");
            assert!(world.finds(stranger, query).await.is_empty());
        }
    }
    let none = Search { query: "…".into(), at: None, before: None, limit: 9 };
    assert!(world.store.search(alice.user, &none).await.is_err());
}
