//! Parts of logs: for links that read on, and for people who read back.

use std::sync::Arc;

use super::engine::{OptionalExtension, Rows};
use anser_domain::{ConvId, HistoryRange, Message, Page, Seq, UserId};

use super::{
    convert::{MESSAGE_COLUMNS, entry_of, num, sql},
    dress::Eyes,
    reader::Reader,
    view::{Span, View},
};
use crate::port::{PullFor, StoreError};

/// The longest page, whatever was asked for.
const MAX_PAGE: usize = 1_000;
/// A page of long messages ends when it has grown to this, after at least one.
const MAX_PAGE_BYTES: usize = 1 << 20;

impl Reader<'_> {
    /// The next part of a log for a link.
    pub(super) fn pull(&mut self, wish: PullFor) -> Result<Page, StoreError> {
        let PullFor { actor, pull } = wish;
        let view = self.view(actor.user, pull.conv)?;
        let after = match pull.after {
            Some(after) => after,
            None => self.cursor(actor.device.0, pull.conv)?.unwrap_or_else(|| view.start()),
        };
        self.page_above(view, after, pull.limit)
    }

    /// Part of a log for a person.
    pub(super) fn history(
        &mut self,
        viewer: UserId,
        conv: ConvId,
        range: HistoryRange,
    ) -> Result<Page, StoreError> {
        let view = self.view(viewer, conv)?;
        match range {
            HistoryRange::Latest { limit } => self.page_below(view, Seq(u64::MAX), limit),
            HistoryRange::Before { seq, limit } => self.page_below(view, seq, limit),
            HistoryRange::After { seq, limit } => self.page_above(view, seq, limit),
        }
    }

    /// A device's delivered cursor.
    pub(super) fn cursor(&self, device: u64, conv: ConvId) -> Result<Option<Seq>, StoreError> {
        let mut query =
            self.conn.prepare_cached("SELECT seq FROM cursors WHERE device = ?1 AND conv = ?2")?;
        let found = query.query_row([sql(device), sql(conv.0)], |row| num(row, 0)).optional()?;
        Ok(found.map(Seq))
    }

    /// Pages end where an interval ends, so that inside one the seqs have no gap.
    fn page_above(&mut self, view: View, after: Seq, limit: u16) -> Result<Page, StoreError> {
        let head = view.head();
        let Some((after, span)) = view.above(after) else {
            return Ok(page(view, Vec::new(), after.min(head), head, false));
        };
        let span = Span { from: after.next(), until: span.until };
        let messages = self.messages(&view.eyes(), view.conv, span, limit, Direction::Up)?;
        let more = messages.last().is_some_and(|last| last.seq < head);
        Ok(page(view, messages, after, head, more))
    }

    fn page_below(&mut self, view: View, before: Seq, limit: u16) -> Result<Page, StoreError> {
        let head = view.head();
        let Some(span) = view.below(before) else {
            return Ok(page(view, Vec::new(), Seq::ZERO, head, false));
        };
        let mut messages = self.messages(&view.eyes(), view.conv, span, limit, Direction::Down)?;
        messages.reverse();
        let first = messages.first().map_or(span.until.next(), |first| first.seq);
        let more = view.below(first).is_some();
        Ok(page(view, messages, Seq(first.0.saturating_sub(1)), head, more))
    }

    fn messages(
        &mut self,
        eyes: &Eyes<'_>,
        conv: ConvId,
        span: Span,
        limit: u16,
        direction: Direction,
    ) -> Result<Vec<Arc<Message>>, StoreError> {
        let order = match direction {
            Direction::Up => "",
            Direction::Down => "DESC",
        };
        let mut query = self.conn.prepare_cached(&format!(
            "SELECT {MESSAGE_COLUMNS} FROM msgs WHERE conv = ?1 AND seq BETWEEN ?2 AND ?3 \
             ORDER BY seq {order} LIMIT ?4"
        ))?;
        let limit = usize::from(limit).clamp(1, MAX_PAGE);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = query.query([sql(conv.0), sql(span.from.0), sql(span.until.0), limit])?;
        self.collect(eyes, rows)
    }

    fn collect(
        &mut self,
        eyes: &Eyes<'_>,
        mut rows: Rows<'_>,
    ) -> Result<Vec<Arc<Message>>, StoreError> {
        let mut messages = Vec::new();
        let mut bytes = 0;
        while let Some(row) = &rows.next()? {
            let (mut message, extra) = entry_of(row, |user| self.name(user))?;
            if eyes.looks_closer(&message, extra.as_ref()) {
                self.dress(eyes, &mut message, extra.as_ref())?;
            }
            bytes += message.content.body().map_or(0, str::len)
                + message.payload.as_ref().map_or(0, |payload| payload.bytes.len());
            messages.push(Arc::new(message));
            if bytes >= MAX_PAGE_BYTES {
                break;
            }
        }
        Ok(messages)
    }

    /// One entry.
    pub(super) fn message_at(
        &mut self,
        eyes: &Eyes<'_>,
        conv: ConvId,
        seq: Seq,
    ) -> Result<Option<Arc<Message>>, StoreError> {
        let messages =
            self.messages(eyes, conv, Span { from: seq, until: seq }, 1, Direction::Up)?;
        Ok(messages.into_iter().next())
    }
}

#[derive(Clone, Copy)]
enum Direction {
    Up,
    Down,
}

fn page(view: View, messages: Vec<Arc<Message>>, after: Seq, head: Seq, more: bool) -> Page {
    Page { conv: view.conv, at: view.at, messages, after, head, more }
}
