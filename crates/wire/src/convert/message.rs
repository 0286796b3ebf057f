//! What happens to messages, and what is asked about them.

use anser_domain::{
    Act, Change, Command, Content, EntryChange, Keep, KeepChange, Kept, Kind, LogEvent, Marks,
    Message, MessageId, MessagesCommand, MessagesReply, Millis, Reactor, Refusal, Search, Source,
};

use super::{
    ask::{address, client_id, number, page_limit, seq, user},
    tell::{entry, parts},
};
use crate::{
    frame::{self, Answer, Call, Happening},
    limits::{MAX_BODY, MAX_MENTIONS},
};

// — in —

const NO_MESSAGE: Refusal = Refusal::Invalid("which message is missing");

/// A call about messages as a command.
pub(super) fn command(call: Call) -> Result<Command, Refusal> {
    let (client, at, change) = match call {
        Call::Recall(call) => {
            let of = call.of.ok_or(NO_MESSAGE)?;
            (call.client_id, of.at, EntryChange::Recall { seq: seq(of.seq)? })
        }
        Call::Edit(call) => (call.client_id, call.at, edit(call.edit.ok_or(NO_MESSAGE)?)?),
        Call::React(call) => {
            let frame::React { seq: place, reaction, on } = call.react.ok_or(NO_MESSAGE)?;
            let change = EntryChange::React { seq: seq(place)?, reaction: reaction.into(), on };
            (call.client_id, call.at, change)
        }
        Call::Pin(call) => {
            let pin = call.pin.ok_or(NO_MESSAGE)?;
            (call.client_id, call.at, EntryChange::Pin { seq: seq(pin.seq)?, on: pin.on })
        }
        other => return asked(other).map(Command::Messages),
    };
    Ok(Command::Change(Box::new(Change {
        client_id: client_id(&client)?,
        at: address(&at)?,
        act: Act::Entry(change),
    })))
}

fn edit(edit: frame::Edit) -> Result<EntryChange, Refusal> {
    if edit.body.len() > MAX_BODY {
        return Err(Refusal::TooLarge("body: at most 64 KiB"));
    }
    if edit.mentions.len() > MAX_MENTIONS {
        return Err(Refusal::TooLarge("mentions: at most 256"));
    }
    let kind = match edit.kind {
        0 => Some(Kind::Text),
        number => u8::try_from(number).ok().and_then(Kind::from_number),
    };
    let content = kind.and_then(|kind| Content::user_sent(kind, edit.body.into()));
    Ok(EntryChange::Edit {
        seq: seq(edit.seq)?,
        content: content.ok_or(Refusal::Invalid("kind: none that a client may send"))?,
        mentions: edit.mentions.iter().map(|name| user(name)).collect::<Result<_, _>>()?,
    })
}

fn asked(call: Call) -> Result<MessagesCommand, Refusal> {
    Ok(match call {
        Call::DeleteForMe(of) => {
            MessagesCommand::Delete { at: address(&of.at)?, seq: seq(of.seq)? }
        }
        Call::ClearForMe(of) => MessagesCommand::Clear { at: address(&of.at)?, seq: seq(of.seq)? },
        Call::Receipts(of) => MessagesCommand::Receipts { at: address(&of.at)?, seq: seq(of.seq)? },
        Call::Keep(call) => MessagesCommand::Keep {
            at: address(&call.at)?,
            change: KeepChange {
                muted_until: call.muted_until.map(Millis),
                pinned: call.pinned,
                hidden: call.hidden,
            },
        },
        Call::Reactors(call) => MessagesCommand::Reactors {
            at: address(&call.at)?,
            seq: seq(call.seq)?,
            after: call.after.map(reactor).transpose()?,
            limit: page_limit(call.limit),
        },
        Call::Pins(call) => MessagesCommand::Pins { at: address(&call.at)? },
        Call::Search(call) => MessagesCommand::Search(Box::new(Search {
            query: call.query.into(),
            at: if call.at.is_empty() { None } else { Some(address(&call.at)?) },
            before: if call.before == 0 { None } else { Some(MessageId(number(call.before)?)) },
            limit: page_limit(call.limit),
        })),
        _ => return Err(Refusal::Invalid("call: none that this server knows")),
    })
}

fn reactor(reactor: frame::Reactor) -> Result<Reactor, Refusal> {
    Ok(Reactor { reaction: reactor.reaction.into(), user: user(&reactor.user)? })
}

/// The message that a SEND sends on.
pub(super) fn source(at: &str, place: u64) -> Result<Source, Refusal> {
    Ok(Source { at: address(at)?, seq: seq(place)? })
}

// — out —

/// What an entry has beside what it says; `None` for nearly all.
pub(crate) fn marks(message: &Message) -> Option<frame::Marks> {
    let gone = match message.content {
        Content::Gone(gone) => u32::from(gone.number()),
        _ => 0,
    };
    if gone == 0 && message.marks.is_none() {
        return None;
    }
    let none = Marks::default();
    let marks = message.marks.as_deref().unwrap_or(&none);
    let reaction = |it: &anser_domain::Reaction| frame::Reaction {
        reaction: it.reaction.to_string(),
        count: it.count,
        mine: it.mine,
    };
    Some(frame::Marks {
        gone,
        edited: marks.edited.map(|ts| ts.0),
        reactions: marks.reactions.iter().map(reaction).collect(),
        pinned: marks.pinned,
        mentions_all: marks.mentions_all,
        origin: marks
            .origin
            .as_ref()
            .map(|origin| frame::Origin { sender: origin.sender.to_string(), ts: origin.ts.0 }),
    })
}

/// What happened to a message; `None` for what happened to members.
pub(super) fn happening(event: &LogEvent) -> Option<Happening> {
    Some(match event {
        LogEvent::Recalled { seq } => Happening::Recalled(frame::Target { seq: seq.0 }),
        LogEvent::Edited { seq, content, mentions } => Happening::Edited(frame::Edit {
            seq: seq.0,
            kind: content.as_ref().map_or(0, |content| content.kind().number().into()),
            body: content.as_ref().and_then(|it| it.body()).unwrap_or_default().to_owned(),
            mentions: mentions.iter().map(ToString::to_string).collect(),
        }),
        LogEvent::Reacted { seq, reaction, on } => {
            Happening::Reacted(frame::React { seq: seq.0, reaction: reaction.to_string(), on: *on })
        }
        LogEvent::Pinned { seq, on } => Happening::Pinned(frame::Pin { seq: seq.0, on: *on }),
        _ => return None,
    })
}

/// The answers about messages, all but the last of them partial.
pub(super) fn answers(reply: &MessagesReply, budget: usize) -> Vec<Answer> {
    let names = |names: &[anser_domain::UserName]| names.iter().map(ToString::to_string).collect();
    match reply {
        MessagesReply::Reactors { reactors, more } => {
            let reactors = reactors.iter().map(|it| frame::Reactor {
                reaction: it.reaction.to_string(),
                user: it.user.to_string(),
            });
            vec![Answer::Reactors(frame::Reactors { reactors: reactors.collect(), more: *more })]
        }
        MessagesReply::Receipts(it) => vec![Answer::Receipts(frame::Receipts {
            members: it.members,
            delivered: names(&it.delivered),
            read: names(&it.read),
        })],
        MessagesReply::Pins(messages) => {
            let parts = parts(messages.iter().map(|message| entry(message)), budget);
            let last = parts.len().saturating_sub(1);
            let pins = |(n, entries)| Answer::Pins(frame::Pins { entries, partial: n < last });
            parts.into_iter().enumerate().map(pins).collect()
        }
        MessagesReply::Found(found) => {
            let hit = |hit: &anser_domain::Hit| frame::Hit {
                at: hit.at.to_string(),
                entry: Some(entry(&hit.message)),
                snippet: hit
                    .snippet
                    .iter()
                    .map(|it| frame::Piece { text: it.text.to_string(), hit: it.hit })
                    .collect(),
            };
            let parts = parts(found.hits.iter().map(hit), budget);
            let (last, next) = (parts.len().saturating_sub(1), found.next.map_or(0, |id| id.0));
            let found = |(n, hits)| Answer::Found(frame::Found { hits, next, partial: n < last });
            parts.into_iter().enumerate().map(found).collect()
        }
    }
}

/// How a user keeps a conversation.
pub(super) fn keep(keep: &Keep) -> frame::Keep {
    frame::Keep {
        muted_until: keep.muted_until.0,
        pinned: keep.pinned,
        hidden: keep.hidden,
        cleared: keep.cleared.0,
    }
}

/// Another device's change of it.
pub(super) fn kept(kept: &Kept) -> frame::Kept {
    frame::Kept {
        conv: kept.conv.0,
        at: kept.at.to_string(),
        keep: Some(keep(&kept.keep)),
        deleted: kept.deleted.map_or(0, |seq| seq.0),
    }
}
