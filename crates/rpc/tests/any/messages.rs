//! Arbitrary commands and replies about messages, of every kind.

use super::*;

pub fn change() -> impl Strategy<Value = EntryChange> {
    prop_oneof![
        seq().prop_map(|seq| EntryChange::Recall { seq }),
        (seq(), content(), vec(user(), 0..3))
            .prop_map(|(seq, content, mentions)| EntryChange::Edit { seq, content, mentions }),
        (seq(), text(), any::<bool>()).prop_map(|(seq, reaction, on)| EntryChange::React {
            seq,
            reaction,
            on
        }),
        (seq(), any::<bool>()).prop_map(|(seq, on)| EntryChange::Pin { seq, on }),
    ]
}

fn reactor() -> impl Strategy<Value = Reactor> {
    (text(), user()).prop_map(|(reaction, user)| Reactor { reaction, user })
}

fn keep_change() -> impl Strategy<Value = KeepChange> {
    let flag = || option::of(any::<bool>());
    (option::of(any::<i64>()), flag(), flag())
        .prop_map(|(until, pinned, hidden)| KeepChange {
            muted_until: until.map(Millis),
            pinned,
            hidden,
        })
        .boxed()
}

fn asked() -> impl Strategy<Value = MessagesCommand> {
    let before = option::of(any::<u64>().prop_map(MessageId));
    let search = (text(), option::of(address()), before, any::<u16>())
        .prop_map(|(query, at, before, limit)| Search { query, at, before, limit });
    prop_oneof![
        (address(), seq()).prop_map(|(at, seq)| MessagesCommand::Delete { at, seq }),
        (address(), seq()).prop_map(|(at, seq)| MessagesCommand::Clear { at, seq }),
        (address(), keep_change()).prop_map(|(at, change)| MessagesCommand::Keep { at, change }),
        (address(), seq(), option::of(reactor()), any::<u16>()).prop_map(
            |(at, seq, after, limit)| MessagesCommand::Reactors { at, seq, after, limit }
        ),
        address().prop_map(|at| MessagesCommand::Pins { at }),
        (address(), seq()).prop_map(|(at, seq)| MessagesCommand::Receipts { at, seq }),
        search.prop_map(|search| MessagesCommand::Search(Box::new(search))),
    ]
    .boxed()
}

pub fn command() -> impl Strategy<Value = Command> {
    asked().prop_map(Command::Messages)
}

pub fn reply() -> impl Strategy<Value = Reply> {
    let receipts = (any::<u32>(), vec(user(), 0..3), vec(user(), 0..3))
        .prop_map(|(members, delivered, read)| Receipts { members, delivered, read });
    let piece = (text(), any::<bool>()).prop_map(|(text, hit)| SnippetPiece { text, hit });
    let hit = (address(), message(), vec(piece, 0..3)).prop_map(|(at, message, snippet)| Hit {
        at,
        message,
        snippet,
    });
    let found = (vec(hit, 0..3), option::of(any::<u64>().prop_map(MessageId)))
        .prop_map(|(hits, next)| SearchPage { hits, next });
    prop_oneof![
        (vec(reactor(), 0..3), any::<bool>())
            .prop_map(|(reactors, more)| MessagesReply::Reactors { reactors, more }),
        vec(message(), 0..3).prop_map(MessagesReply::Pins),
        receipts.prop_map(|it| MessagesReply::Receipts(Box::new(it))),
        found.prop_map(|it| MessagesReply::Found(Box::new(it))),
    ]
    .prop_map(Reply::Messages)
}
