//! Search: an index of words that follows the log in slices, and a look at what it has not reached
//! yet, so that what is found is what is in the history.

use anser_domain::{
    Content, ConvId, Hit, Message, MessageId, Refusal, Search, SearchPage, SnippetPiece, UserId,
};
use rustc_hash::FxHashMap;
use std::{ops::Range, sync::Arc};

use super::{
    convert::{MESSAGE_COLUMNS, entry_of, num, sql},
    desk::Desk,
    reader::Reader,
    search_index::{self, Wanted},
    view::View,
};
use crate::{port::StoreError, words::Query};

/// Entries that one slice takes into the index: a few milliseconds for which sends wait.
const SLICE: i64 = 256;
/// A slice of long texts ends when it has grown to this.
const SLICE_BYTES: usize = 128 << 10;
/// Longest search, in bytes: a sentence.
const MAX_QUERY: usize = 512;
/// Most messages of a page of what was found.
const MAX_PAGE: u16 = 100;
/// Messages that one search looks at, beyond which it answers what it has and where it goes on.
const MAX_LOOKS: i64 = 4_000;
/// Up to so many conversations of a user are named to the index; whoever has more is shown
/// what of all messages with these words is theirs.
const MAX_NAMED: usize = 200;
/// Bytes of a text around what was found, before it and in all.
const SNIPPET_BEFORE: usize = 48;
const SNIPPET: usize = 240;

/// Takes a slice of the log into the index. Says whether more is left.
pub(super) fn index(desk: &mut Desk<'_>) -> Result<bool, StoreError> {
    let mut query = desk.conn.prepare_cached(
        "SELECT id, conv, kind, body FROM msgs WHERE id > (SELECT indexed_id FROM meta) \
         AND id <= ?2 ORDER BY id LIMIT ?1",
    )?;
    let mut rows = query.query([SLICE, sql(desk.watermark()?)])?;
    let (mut count, mut bytes, mut last) = (0, 0, None);
    while let Some(row) = &rows.next()? {
        let id = num(row, 0)?;
        if row.get::<_, u8>(2)? == anser_domain::Kind::Text.number() {
            let body = row.get_ref(3)?.as_str().map_err(super::engine::Error::from)?;
            bytes += body.len();
            search_index::put(desk.conn, id, ConvId(num(row, 1)?), body)?;
        }
        count += 1;
        last = Some(id);
        if bytes >= SLICE_BYTES {
            break;
        }
    }
    if let Some(last) = last {
        let mut save = desk.conn.prepare_cached("UPDATE meta SET indexed_id = ?1")?;
        save.execute([sql(last)])?;
    }
    Ok(count >= SLICE || bytes >= SLICE_BYTES)
}

/// Makes the index say what a message says now, `None` for nothing any more. `before` is the
/// message as it was. What the index has not reached it will read as it is then.
pub(super) fn replace(
    desk: &Desk<'_>,
    before: &Message,
    now: Option<&Content>,
) -> Result<(), StoreError> {
    let mut query = desk.conn.prepare_cached("SELECT indexed_id >= ?1 FROM meta")?;
    if !query.query_row([sql(before.id.0)], |row| row.get::<_, bool>(0))? {
        return Ok(());
    }
    if let Content::Text(text) = &before.content {
        search_index::take_out(desk.conn, before.id.0, before.conv, text)?;
    }
    match now {
        Some(Content::Text(text)) => search_index::put(desk.conn, before.id.0, before.conv, text),
        _ => Ok(()),
    }
}

/// A search under way.
struct Looking<'a> {
    viewer: UserId,
    query: &'a Query,
    /// What the viewer may see of each conversation that came up; `None`: nothing.
    views: FxHashMap<ConvId, Option<View>>,
    /// The one conversation that is looked through.
    only: Option<ConvId>,
    limit: usize,
    looks: i64,
    hits: Vec<Hit>,
    last: Option<MessageId>,
}

impl Looking<'_> {
    fn is_done(&self) -> bool {
        self.hits.len() >= self.limit || self.looks <= 0
    }
}

impl Reader<'_> {
    /// Messages that hold all the words, newest first.
    pub(super) fn search(
        &mut self,
        viewer: UserId,
        search: &Search,
    ) -> Result<SearchPage, StoreError> {
        if search.query.len() > MAX_QUERY {
            return Err(Refusal::TooLarge("a search has at most 512 bytes").into());
        }
        let query = Query::parse(&search.query);
        let query = query.ok_or(Refusal::Invalid("a search has 1 to 16 words"))?;
        let mut looking = Looking {
            viewer,
            query: &query,
            views: FxHashMap::default(),
            only: None,
            limit: usize::from(search.limit.clamp(1, MAX_PAGE)),
            looks: MAX_LOOKS,
            hits: Vec::new(),
            last: None,
        };
        if let Some(at) = &search.at {
            let conv = self.find(viewer, at)?;
            looking.views.insert(conv, Some(self.view(viewer, conv)?));
            looking.only = Some(conv);
        }
        let before = search.before.map_or(i64::MAX, |id| i64::try_from(id.0).unwrap_or(i64::MAX));
        let mut indexed = self.conn.prepare_cached("SELECT indexed_id FROM meta")?;
        let indexed: i64 = indexed.query_row([], |row| row.get(0))?;
        if before > indexed {
            self.look_at_tail(&mut looking, indexed, before)?;
        }
        if !looking.is_done() {
            self.look_into_index(&mut looking, before.min(indexed.saturating_add(1)))?;
        }
        let next = looking.last.filter(|_| looking.is_done());
        Ok(SearchPage { hits: looking.hits, next })
    }

    /// What the index has not reached yet.
    fn look_at_tail(
        &mut self,
        looking: &mut Looking<'_>,
        indexed: i64,
        before: i64,
    ) -> Result<(), StoreError> {
        let mut query = self.conn.prepare_cached(
            "SELECT id, conv FROM msgs WHERE id > ?1 AND id < ?2 AND kind = 1 \
             ORDER BY id DESC LIMIT ?3",
        )?;
        let mut rows = query.query([indexed, before, MAX_LOOKS])?;
        while let Some(row) = &rows.next()? {
            self.look_at(looking, num(row, 0)?, ConvId(num(row, 1)?))?;
            if looking.is_done() {
                break;
            }
        }
        Ok(())
    }

    fn look_into_index(
        &mut self,
        looking: &mut Looking<'_>,
        before: i64,
    ) -> Result<(), StoreError> {
        let convs = match looking.only {
            Some(conv) => vec![conv],
            None => self.conversations_of(looking.viewer)?,
        };
        let wanted = Wanted {
            viewer: looking.viewer,
            phrases: looking.query.phrases(),
            convs: (1..=MAX_NAMED).contains(&convs.len()).then_some(convs),
            before,
            limit: looking.looks,
        };
        for (id, conv) in search_index::candidates(self.conn, &wanted)? {
            self.look_at(looking, id, conv)?;
            if looking.is_done() {
                break;
            }
        }
        Ok(())
    }

    fn conversations_of(&mut self, user: UserId) -> Result<Vec<ConvId>, StoreError> {
        let mut query =
            self.conn.prepare_cached("SELECT conv FROM members WHERE user = ?1 LIMIT ?2")?;
        let limit = i64::try_from(MAX_NAMED).unwrap_or(i64::MAX);
        let rows = query.query_map([sql(user.0), limit + 1], |row| num(row, 0).map(ConvId))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Looks at one message: whether the viewer may see it, and whether it holds the words.
    fn look_at(
        &mut self,
        looking: &mut Looking<'_>,
        id: u64,
        conv: ConvId,
    ) -> Result<(), StoreError> {
        looking.looks -= 1;
        looking.last = Some(MessageId(id));
        if looking.only.is_some_and(|only| only != conv) {
            return Ok(());
        }
        let view = match looking.views.entry(conv) {
            std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::hash_map::Entry::Vacant(new) => {
                new.insert(match self.view(looking.viewer, conv) {
                    Ok(view) => Some(view),
                    Err(StoreError::Refused(_)) => None,
                    Err(failed) => return Err(failed),
                })
            }
        };
        let Some(view) = view else { return Ok(()) };
        let mut query = self
            .conn
            .prepare_cached(&format!("SELECT {MESSAGE_COLUMNS} FROM msgs WHERE id = ?1"))?;
        let mut rows = query.query([sql(id)])?;
        let Some(row) = &rows.next()? else { return Ok(()) };
        if !view.sees(anser_domain::Seq(num(row, 2)?)) {
            return Ok(());
        }
        let (mut message, extra) = entry_of(row, |user| self.name(user))?;
        let eyes = view.eyes();
        if eyes.looks_closer(&message, extra.as_ref()) {
            self.dress(&eyes, &mut message, extra.as_ref())?;
        }
        let Content::Text(text) = &message.content else { return Ok(()) };
        let Some(places) = looking.query.find(text) else { return Ok(()) };
        let snippet = snippet(text, &places);
        looking.hits.push(Hit { at: view.at.clone(), message: Arc::new(message), snippet });
        Ok(())
    }
}

/// The part of a text around the first place, in pieces.
fn snippet(text: &str, places: &[Range<usize>]) -> Vec<SnippetPiece> {
    let first = places.first().map_or(0, |place| place.start);
    let from = floor(text, first.saturating_sub(SNIPPET_BEFORE));
    let until = floor(text, from.saturating_add(SNIPPET).min(text.len()));
    let mut pieces = Vec::new();
    let mut push = |range: Range<usize>, hit| {
        if let Some(text) = text.get(range).filter(|text| !text.is_empty()) {
            pieces.push(SnippetPiece { text: text.into(), hit });
        }
    };
    let mut at = from;
    for place in places {
        let end = place.end.min(until);
        if place.start < at || place.start >= end {
            continue;
        }
        push(at..place.start, false);
        push(place.start..end, true);
        at = end;
    }
    push(at..until, false);
    pieces
}

/// The nearest place at or below that is no character's middle.
fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snippet_is_the_part_around_the_words_in_pieces() {
        let text = format!("{} 大雁 flies {}", "x ".repeat(100), "y ".repeat(300));
        let places = Query::parse("大雁 flies").unwrap().find(&text).unwrap();
        let pieces = snippet(&text, &places);
        let hits: Vec<_> = pieces.iter().filter(|it| it.hit).map(|it| &*it.text).collect();
        assert_eq!(hits, ["大雁", "flies"]);
        let joined: String = pieces.iter().map(|piece| &*piece.text).collect();
        assert!(text.contains(&joined) && joined.len() <= SNIPPET);
    }

    #[test]
    fn a_snippet_never_cuts_a_character() {
        let text = "雁".repeat(500);
        let place = 600..603;
        assert!(!snippet(&text, std::slice::from_ref(&place)).is_empty());
    }
}
