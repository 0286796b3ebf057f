//! The list of a user's conversations: what changed, and how each stands.

use std::sync::Arc;

use super::engine::OptionalExtension;
use anser_domain::{
    Actor, Changes, ConvId, ConversationState, Message, Ord64, Seq, SyncToken, UserId, unread,
};
use rustc_hash::FxHashSet;

use super::{
    acls::GROUP,
    convert::{num, opt, sql},
    dress::Eyes,
    keep, mention,
    reader::Reader,
    view::Span,
};
use crate::port::{ListPage, StoreError};

/// The longest page, whatever was asked for.
const MAX_PAGE: u16 = 1_000;
/// How far below an ex-member's last entry the newest message is looked for.
const LOOK_BACK: u64 = 200;

fn is_since(page: ListPage) -> bool {
    matches!(page, ListPage::Since(_))
}

/// When a member's row last changed: members see every change, ex-members their removal.
const CHANGED: &str = "CASE WHEN m.until_seq IS NULL THEN max(h.changed, m.changed) \
                       ELSE m.changed END";

impl Reader<'_> {
    pub(super) fn conversations(
        &mut self,
        actor: Actor,
        page: ListPage,
        limit: u16,
    ) -> Result<Changes, StoreError> {
        let limit = limit.clamp(1, MAX_PAGE);
        let (compare, order, bound) = match page {
            ListPage::Since(token) => (">", "ASC", token.0),
            ListPage::Before(Some(token)) => ("<", "DESC", token.0),
            ListPage::Before(None) => ("<", "DESC", i64::MAX.cast_unsigned()),
        };
        let mut query = self.conn.prepare_cached(&format!(
            "SELECT m.conv, {CHANGED} AS c FROM members m CROSS JOIN heads h ON h.conv = m.conv \
             WHERE m.user = ?1 AND {CHANGED} {compare} ?2 ORDER BY c {order} LIMIT ?3"
        ))?;
        // A token of another store, or of the future, may be past what the engine can hold.
        let bound = sql(bound.min(i64::MAX.cast_unsigned()));
        let mut rows = query.query([sql(actor.user.0), bound, i64::from(limit) + 1])?;
        let mut found = Vec::with_capacity(usize::from(limit) + 1);
        while let Some(row) = &rows.next()? {
            found.push((ConvId(num(row, 0)?), SyncToken(num(row, 1)?)));
        }
        let more = found.len() > usize::from(limit);
        found.truncate(usize::from(limit));
        let stable = self.watermark()?;
        // What was committed above the watermark is shown now and once more later: something below
        // it may still be open.
        let more = more && (!is_since(page) || found.last().is_some_and(|last| last.1 < stable));
        let token = match (page, found.last()) {
            (ListPage::Since(_), Some((_, last))) if more => *last,
            (ListPage::Since(since), _) => stable.max(since),
            (ListPage::Before(_), Some((_, last))) => *last,
            (ListPage::Before(before), None) => before.unwrap_or_default(),
        };
        let barred = self.barred(actor.user)?;
        let conversations = found
            .into_iter()
            .map(|(conv, changed)| self.state(actor, conv, changed, &barred))
            .collect::<Result<_, _>>()?;
        Ok(Changes { conversations, token, more })
    }

    /// Those whom a user blocks, and those who block them.
    fn barred(&self, user: UserId) -> Result<FxHashSet<UserId>, StoreError> {
        let mut query = self.conn.prepare_cached(
            "SELECT blocked FROM blocks WHERE user = ?1 AND gone = 0 \
             UNION ALL SELECT user FROM blocks WHERE blocked = ?1 AND gone = 0",
        )?;
        let rows = query.query_map([sql(user.0)], |row| num(row, 0).map(UserId))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn state(
        &mut self,
        actor: Actor,
        conv: ConvId,
        changed: SyncToken,
        barred: &FxHashSet<UserId>,
    ) -> Result<ConversationState, StoreError> {
        let mut query = self.conn.prepare_cached(&format!(
            "SELECT h.kind, h.last_seq, h.ord, h.last_message, m.peer, m.from_seq, m.until_seq, \
             m.until_ord, m.read_seq, m.read_ord, c.seq, h.lo_read, h.lo_read_ord, \
             h.lo_delivered, h.hi_read, h.hi_read_ord, h.hi_delivered, \
             CASE WHEN m.earlier > 0 THEN (SELECT min(s.from_seq) FROM spans s \
             WHERE s.conv = m.conv AND s.user = m.user) END, h.last_mention, m.deletions, \
             m.title, {} \
             FROM members m CROSS JOIN heads h ON h.conv = m.conv LEFT JOIN cursors c ON c.device = ?3 AND c.conv = m.conv \
             WHERE m.user = ?1 AND m.conv = ?2",
            keep::COLUMNS
        ))?;
        let key = [sql(actor.user.0), sql(conv.0), sql(actor.device.0)];
        let mut rows = query.query(key)?;
        let row = &rows.next()?.ok_or(super::engine::Error::NoRows)?;
        let (kind, peer) = (row.get(0)?, opt(row, 4)?);
        let (from, until) = (Seq(num(row, 5)?), opt(row, 6)?.map(Seq));
        let head = until.unwrap_or(Seq(num(row, 1)?));
        let head_ord =
            Ord64(if until.is_some() { opt(row, 7)?.unwrap_or(0) } else { num(row, 2)? });
        let keep = keep::of_row(row, 21)?;
        let shown = from.max(keep.cleared.next());
        let last = match until {
            None => Some(Seq(num(row, 3)?)).filter(|last| *last >= shown),
            Some(until) => self.newest_message(conv, shown, until)?,
        };
        // A device without a cursor is owed all since its user first came in.
        let first = opt(row, 17)?.unwrap_or(from.0);
        let start = Seq(first.saturating_sub(1));
        // Where each side's columns begin; nobody has another side in a group or with themself.
        let (own, other) = match peer {
            Some(peer) if peer > actor.user.0 => (11, Some(14)),
            Some(peer) if peer < actor.user.0 => (14, Some(11)),
            Some(_) => (11, None),
            None => (8, None),
        };
        // Across a block nobody learns how far the other is.
        let other = other.filter(|_| peer.is_none_or(|peer| !barred.contains(&UserId(peer))));
        let of_other = |column: usize| other.map_or(Ok(0), |other| num(row, other + column));
        let read = Seq(num(row, own)?);
        let unread = unread(head_ord, Ord64(num(row, own + 1)?));
        let mentions = if unread > 0 && num(row, 18)? > read.0 {
            mention::count(self.conn, actor.user, conv, read, head)?
        } else {
            0
        };
        let spans = [Span { from: shown, until: head }];
        let eyes = Eyes {
            viewer: actor.user,
            member: until.is_none(),
            deleted: num(row, 19)? > 0,
            spans: &spans,
        };
        Ok(ConversationState {
            conv,
            at: self.address(conv, kind, peer)?,
            // What it is called now is for members.
            title: match row.get(20)? {
                Some(title) => title,
                None => self.title(conv, kind, peer)?,
            },
            head,
            last: self.last(&eyes, conv, last)?,
            delivered: opt(row, 10)?.map_or(start, Seq).min(head),
            read,
            peer_delivered: Seq(of_other(2)?),
            peer_read: Seq(of_other(0)?),
            unread,
            mentions,
            keep,
            member: until.is_none(),
            changed,
        })
    }

    fn last(
        &mut self,
        eyes: &Eyes<'_>,
        conv: ConvId,
        seq: Option<Seq>,
    ) -> Result<Option<Arc<Message>>, StoreError> {
        match seq.filter(|seq| *seq > Seq::ZERO) {
            Some(seq) => self.message_at(eyes, conv, seq),
            None => Ok(None),
        }
    }

    fn newest_message(
        &self,
        conv: ConvId,
        from: Seq,
        until: Seq,
    ) -> Result<Option<Seq>, StoreError> {
        let from = from.0.max(until.0.saturating_sub(LOOK_BACK));
        let mut query = self.conn.prepare_cached(
            "SELECT seq FROM msgs WHERE conv = ?1 AND seq BETWEEN ?2 AND ?3 AND kind <> ?4 \
             ORDER BY seq DESC LIMIT 1",
        )?;
        let event = i64::from(anser_domain::Kind::Event.number());
        let key = [sql(conv.0), sql(from), sql(until.0), event];
        Ok(query.query_row(key, |row| num(row, 0)).optional()?.map(Seq))
    }

    /// What people read: a group's title, a peer's display name.
    fn title(&self, conv: ConvId, kind: i64, peer: Option<u64>) -> Result<Box<str>, StoreError> {
        let (text, key) = match peer {
            Some(peer) if kind != GROUP => ("SELECT display_name FROM users WHERE id = ?1", peer),
            _ => ("SELECT title FROM `groups` WHERE conv = ?1", conv.0),
        };
        let mut query = self.conn.prepare_cached(text)?;
        Ok(query.query_row([sql(key)], |row| row.get(0))?)
    }
}
