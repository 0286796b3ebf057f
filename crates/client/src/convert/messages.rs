//! What is asked about messages beside reading them.

use anser_domain::{Address, ConvId, MessageId, Reactor, Receipts, SnippetPiece, UserName};
use anser_wire::frame;

use super::{Odd, Result, address, message, user};
use crate::model::{Hit, Message, SearchPage};

/// Entries of a known conversation, whose own number is not told here.
fn entry(entry: frame::Deliver, at: &Address) -> Result<Message> {
    let conv = ConvId(entry.conv);
    message(entry, Some((conv, at)))
}

pub(crate) fn pins(pins: frame::Pins, at: &Address) -> Result<Vec<Message>> {
    pins.entries.into_iter().map(|it| entry(it, at)).collect()
}

pub(crate) fn reactor(row: frame::Reactor) -> Result<Reactor> {
    Ok(Reactor { reaction: row.reaction.into(), user: user(&row.user)? })
}

pub(crate) fn receipts(receipts: &frame::Receipts) -> Result<Receipts> {
    let names = |names: &[String]| -> Result<Vec<UserName>> {
        names.iter().map(|name| user(name)).collect()
    };
    Ok(Receipts {
        members: receipts.members,
        delivered: names(&receipts.delivered)?,
        read: names(&receipts.read)?,
    })
}

pub(crate) fn found(found: frame::Found) -> Result<SearchPage> {
    let hit = |hit: frame::Hit| {
        let at = address(&hit.at)?;
        let pieces = hit.snippet.into_iter();
        Ok(Hit {
            message: entry(hit.entry.ok_or(Odd("a hit without a message"))?, &at)?,
            snippet: pieces.map(|it| SnippetPiece { text: it.text.into(), hit: it.hit }).collect(),
        })
    };
    let hits = found.hits.into_iter().map(hit).collect::<Result<_>>()?;
    Ok(SearchPage { hits, next: (found.next != 0).then_some(MessageId(found.next)) })
}
