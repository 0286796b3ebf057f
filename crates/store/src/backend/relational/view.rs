//! What one user may see of a conversation: the intervals of seq in which they were a member.

use super::engine::OptionalExtension;
use anser_domain::{Address, ConvId, Ord64, Refusal, Seq, UserId};
use smallvec::SmallVec;

use super::{
    acls::GROUP,
    convert::{num, opt, sql},
    reader::Reader,
};
use crate::{
    planted::{Plant, planted},
    port::StoreError,
};

/// An interval of seq, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) from: Seq,
    pub(super) until: Seq,
}

/// A user's view of a conversation, as of one transaction.
pub(super) struct View {
    pub(super) conv: ConvId,
    pub(super) at: Address,
    pub(super) kind: i64,
    pub(super) acl_version: u64,
    /// Whether they are a member now.
    pub(super) member: bool,
    /// Who looks.
    pub(super) viewer: UserId,
    /// Whether they have deleted entries for themselves.
    pub(super) deleted: bool,
    /// Ascending; the last one is the current one, or the one that ended last.
    pub(super) spans: SmallVec<[Span; 1]>,
}

impl View {
    /// The highest seq that they may see.
    pub(super) fn head(&self) -> Seq {
        self.spans.last().map_or(Seq::ZERO, |span| span.until)
    }

    /// Whether an entry is inside one of the intervals.
    pub(super) fn sees(&self, seq: Seq) -> bool {
        self.spans.iter().any(|span| span.from <= seq && seq <= span.until)
    }

    /// The place right before the first interval: where a device without a cursor starts. It was
    /// there when its user first came in, or it would have one; what it was owed before they
    /// left and came back it is still owed.
    pub(super) fn start(&self) -> Seq {
        self.spans.first().map_or(Seq::ZERO, |span| Seq(span.from.0.saturating_sub(1)))
    }

    /// The interval that holds the next entry above `after`, and the place it is read from:
    /// `after` itself, or right before the interval if that begins later.
    pub(super) fn above(&self, after: Seq) -> Option<(Seq, Span)> {
        let span = self.spans.iter().find(|span| span.until > after && span.from <= span.until)?;
        Some((after.max(Seq(span.from.0.saturating_sub(1))), *span))
    }

    /// The interval that holds the next entry below `before`, cut off there.
    pub(super) fn below(&self, before: Seq) -> Option<Span> {
        let last = Seq(before.0.saturating_sub(1));
        let span = self.spans.iter().rev().find(|span| span.from <= last.min(span.until))?;
        Some(Span { from: span.from, until: span.until.min(last) })
    }
}

impl Reader<'_> {
    /// Finds a conversation by its address from `viewer`'s side.
    pub(super) fn find(&mut self, viewer: UserId, at: &Address) -> Result<ConvId, StoreError> {
        let found = match at {
            Address::User(peer) => {
                let mut query = self.conn.prepare_cached(
                    "SELECT d.conv FROM users u CROSS JOIN directs d \
                     ON d.lo = min(u.id, ?2) AND d.hi = max(u.id, ?2) WHERE u.name = ?1",
                )?;
                let key = super::engine::params![peer.as_str(), sql(viewer.0)];
                query.query_row(key, |row| num(row, 0)).optional()?
            }
            Address::Group(name) => {
                let mut query =
                    self.conn.prepare_cached("SELECT conv FROM `groups` WHERE name = ?1")?;
                query.query_row([name.as_str()], |row| num(row, 0)).optional()?
            }
        };
        Ok(ConvId(found.ok_or(Refusal::NotMember)?))
    }

    /// What `viewer` may see; `NotMember` for who never was one.
    pub(super) fn view(&mut self, viewer: UserId, conv: ConvId) -> Result<View, StoreError> {
        let mut query = self.conn.prepare_cached(
            "SELECT h.kind, h.last_seq, h.acl_version, h.floor_seq, m.peer, m.from_seq, \
             m.until_seq, m.earlier, m.cleared, m.deletions FROM members m CROSS JOIN heads h ON h.conv = m.conv \
             WHERE m.user = ?1 AND m.conv = ?2",
        )?;
        let mut rows = query.query([sql(viewer.0), sql(conv.0)])?;
        let row = &rows.next()?.ok_or(Refusal::NotMember)?;
        let (kind, last, floor) = (row.get(0)?, Seq(num(row, 1)?), num(row, 3)?);
        let until = opt(row, 6)?.map(Seq).filter(|_| !planted(Plant::HistoryPastRemoval));
        let (cleared, deleted) = (num(row, 8)?, num(row, 9)? > 0);
        let mut spans = SmallVec::new();
        if num(row, 7)? > 0 {
            self.earlier_spans(viewer, conv, &mut spans)?;
        }
        spans.push(Span { from: Seq(num(row, 5)?), until: until.unwrap_or(last) });
        for span in &mut spans {
            span.from = span.from.max(Seq(floor.max(cleared) + 1));
        }
        let at = self.address(conv, kind, opt(row, 4)?)?;
        let acl_version = num(row, 2)?;
        let member = until.is_none();
        Ok(View { conv, at, kind, acl_version, member, viewer, deleted, spans })
    }

    /// A conversation's address from the side of someone whose members row has this `peer`.
    pub(super) fn address(
        &mut self,
        conv: ConvId,
        kind: i64,
        peer: Option<u64>,
    ) -> Result<Address, StoreError> {
        match peer {
            Some(peer) if kind != GROUP => Ok(Address::User(self.name(UserId(peer))?)),
            _ => Ok(Address::Group(self.group_name(conv)?)),
        }
    }

    fn earlier_spans(
        &self,
        viewer: UserId,
        conv: ConvId,
        spans: &mut SmallVec<[Span; 1]>,
    ) -> Result<(), StoreError> {
        let mut query = self.conn.prepare_cached(
            "SELECT from_seq, until_seq FROM spans WHERE conv = ?1 AND user = ?2 \
             ORDER BY from_seq",
        )?;
        let mut rows = query.query([sql(conv.0), sql(viewer.0)])?;
        while let Some(row) = &rows.next()? {
            spans.push(Span { from: Seq(num(row, 0)?), until: Seq(num(row, 1)?) });
        }
        Ok(())
    }
}

/// How many messages stand at or below `seq`; `seq` is the place of an entry, or 0.
pub(super) fn ord_at(
    conn: &super::engine::Connection,
    conv: ConvId,
    seq: Seq,
) -> Result<Ord64, StoreError> {
    let mut query = conn.prepare_cached(
        "SELECT ord FROM msgs WHERE conv = ?1 AND seq <= ?2 ORDER BY seq DESC LIMIT 1",
    )?;
    let ord = query.query_row([sql(conv.0), sql(seq.0)], |row| num(row, 0)).optional()?;
    Ok(Ord64(ord.unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use anser_domain::GroupName;

    use super::*;

    fn view(spans: &[(u64, u64)]) -> View {
        View {
            conv: ConvId(1),
            at: Address::Group(GroupName::trusted("geese")),
            kind: GROUP,
            acl_version: 1,
            member: false,
            viewer: UserId(1),
            deleted: false,
            spans: spans
                .iter()
                .map(|&(from, until)| Span { from: Seq(from), until: Seq(until) })
                .collect(),
        }
    }

    #[test]
    fn reading_up_skips_what_was_said_while_the_viewer_was_out() {
        let view = view(&[(1, 5), (20, 30)]);
        let above = |after| view.above(Seq(after)).map(|(at, span)| (at.0, span.until.0));
        assert_eq!(above(0), Some((0, 5)));
        assert_eq!(above(4), Some((4, 5)));
        assert_eq!(above(5), Some((19, 30)), "clamped to right before the return");
        assert_eq!(above(12), Some((19, 30)));
        assert_eq!(above(30), None);
        assert_eq!(view.start(), Seq(0));
    }

    #[test]
    fn reading_down_does_too() {
        let view = view(&[(1, 5), (20, 30)]);
        let below = |before| view.below(Seq(before)).map(|span| (span.from.0, span.until.0));
        assert_eq!(below(u64::MAX), Some((20, 30)));
        assert_eq!(below(25), Some((20, 24)));
        assert_eq!(below(20), Some((1, 5)));
        assert_eq!(below(3), Some((1, 2)));
        assert_eq!(below(1), None);
        assert_eq!(below(0), None);
    }
}
