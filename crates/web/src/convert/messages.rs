//! Between JSON's shapes and the domain's: what happens to messages, and what is asked about them.

use anser_domain::{
    Address, ClientId, Content, EntryChange, Keep, KeepChange, LogEvent as Logged, MessageId,
    MessagesReply, Millis, Outgoing, Search, Seq,
};

use super::{invalid, message, outgoing, parse, raw};
use crate::{
    api::{
        conversations::{Kept, NewKeep},
        entries::{Pins, Reactor, Reactors, Receipts},
        messages::{EditedContent, LogEvent, NewMessage, Origin, Reaction},
        search::{Found, Hit, Piece},
    },
    problem::{self, Problem},
};

// — in: JSON → domain —

pub(crate) fn edit(
    at: Address,
    client_id: ClientId,
    seq: Seq,
    new: NewMessage,
) -> Result<EntryChange, Problem> {
    let Outgoing { content, mentions, reply_to, mentions_all, forward, .. } =
        outgoing(at, client_id, new)?;
    if reply_to.is_some() || mentions_all || forward.is_some() {
        return Err(invalid("edit", "only the content and the mentions of a message change"));
    }
    Ok(EntryChange::Edit { seq, content, mentions })
}

pub(crate) fn conv(text: &str) -> Result<Address, Problem> {
    parse("conv", text)
}

pub(crate) fn id_cursor(cursor: &str) -> Result<MessageId, Problem> {
    cursor.parse().map(MessageId).map_err(|_| invalid("cursor", "not one this list has given"))
}

/// `{user}:{reaction}`: names have no colon.
pub(crate) fn reactor_cursor(cursor: &str) -> Result<anser_domain::Reactor, Problem> {
    let (user, reaction) =
        cursor.split_once(':').ok_or_else(|| invalid("cursor", "not one this list has given"))?;
    Ok(anser_domain::Reactor { reaction: reaction.into(), user: super::name_cursor(user)? })
}

pub(crate) fn search(
    query: String,
    at: Option<Address>,
    before: Option<MessageId>,
    limit: u16,
) -> Search {
    Search { query: query.into(), at, before, limit }
}

pub(crate) fn keep_change(new: NewKeep) -> Result<KeepChange, Problem> {
    let muted_until = match (new.muted, new.muted_until) {
        (None, until) => until.map(Millis),
        (Some(true), None) => Some(Keep::FOR_EVER),
        (Some(false), None) => Some(Millis(0)),
        (Some(_), Some(_)) => return Err(invalid("muted", "not together with muted_until")),
    };
    if muted_until.is_some_and(|until| until.0 < 0) {
        return Err(invalid("muted_until", "a time after 1970"));
    }
    let change = KeepChange { muted_until, pinned: new.pinned, hidden: new.hidden };
    if change == KeepChange::default() {
        return Err(invalid("body", "names nothing that changes"));
    }
    Ok(change)
}

// — out: domain → JSON —

pub(super) fn kept(keep: &Keep) -> Kept {
    Kept {
        muted_until: (keep.muted_until.0 > 0).then_some(keep.muted_until.0),
        pinned: keep.pinned,
        hidden: keep.hidden,
        cleared: keep.cleared.0,
    }
}

pub(super) fn reaction(it: &anser_domain::Reaction) -> Reaction {
    Reaction { reaction: it.reaction.to_string(), count: it.count, mine: it.mine }
}

pub(super) fn origin(it: &anser_domain::Origin) -> Origin {
    Origin { sender: it.sender.to_string(), ts: it.ts.0 }
}

/// What happened to a message; `None` for what happened to members.
pub(super) fn log_event(event: &Logged) -> Option<LogEvent> {
    Some(match event {
        Logged::Recalled { seq } => LogEvent::Recalled { seq: seq.0 },
        Logged::Edited { seq, content, mentions } => LogEvent::Edited {
            seq: seq.0,
            now: content.as_deref().map(|content| EditedContent {
                kind: super::kind_name(content.kind()),
                text: match content {
                    Content::Text(text) => Some(text.to_string()),
                    _ => None,
                },
                data: match content {
                    Content::Text(_) => None,
                    other => other.body().map(raw),
                },
                mentions: mentions.iter().map(ToString::to_string).collect(),
            }),
        },
        Logged::Reacted { seq, reaction, on } => {
            LogEvent::Reacted { seq: seq.0, reaction: reaction.to_string(), on: *on }
        }
        Logged::Pinned { seq, on } => LogEvent::Pinned { seq: seq.0, on: *on },
        _ => return None,
    })
}

fn other() -> Problem {
    Problem::new(&problem::INTERNAL, "the answer was not of the expected kind")
}

pub(crate) fn reactors(reply: MessagesReply) -> Result<Reactors, Problem> {
    let MessagesReply::Reactors { reactors, more } = reply else { return Err(other()) };
    let next = reactors.last().filter(|_| more);
    let next = next.map(|last| format!("{}:{}", last.user, last.reaction));
    let reactors = reactors
        .into_iter()
        .map(|it| Reactor { user: it.user.to_string(), reaction: it.reaction.into() });
    Ok(Reactors { reactors: reactors.collect(), more, next })
}

pub(crate) fn pins(reply: &MessagesReply) -> Result<Pins, Problem> {
    let MessagesReply::Pins(pinned) = reply else { return Err(other()) };
    Ok(Pins { messages: pinned.iter().map(|it| message(it)).collect() })
}

pub(crate) fn receipts(reply: MessagesReply) -> Result<Receipts, Problem> {
    let MessagesReply::Receipts(receipts) = reply else { return Err(other()) };
    let names = |names: &[anser_domain::UserName]| names.iter().map(ToString::to_string).collect();
    Ok(Receipts {
        members: receipts.members,
        delivered_count: receipts.delivered.len(),
        read_count: receipts.read.len(),
        delivered: names(&receipts.delivered),
        read: names(&receipts.read),
    })
}

pub(crate) fn found(reply: MessagesReply) -> Result<Found, Problem> {
    let MessagesReply::Found(found) = reply else { return Err(other()) };
    let hit = |hit: &anser_domain::Hit| Hit {
        conv: hit.at.to_string(),
        message: message(&hit.message),
        snippet: hit
            .snippet
            .iter()
            .map(|it| Piece { text: it.text.to_string(), hit: it.hit })
            .collect(),
    };
    Ok(Found {
        hits: found.hits.iter().map(hit).collect(),
        more: found.next.is_some(),
        next: found.next.map(|id| id.to_string()),
    })
}
