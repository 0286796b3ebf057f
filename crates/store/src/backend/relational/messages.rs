//! The port for what users ask about messages.

use std::sync::Arc;

use super::engine::params;
use anser_domain::{
    Address, KeepChange, Kind, Message, Reactor, Receipts, Refusal, Search, SearchPage, Seq,
    UserId, UserName,
};
use async_trait::async_trait;

use super::{
    Relational,
    acls::DIRECT,
    convert::{num, sql},
    keep,
    reader::Reader,
    view::View,
};
use crate::port::{KeepMoved, Messages, NO_MESSAGE, StoreError};

/// The longest page, whatever was asked for.
const MAX_PAGE: u16 = 1_000;

#[async_trait]
impl Messages for Relational {
    async fn delete_for(
        &self,
        user: UserId,
        at: &Address,
        seq: Seq,
    ) -> Result<KeepMoved, StoreError> {
        let at = at.clone();
        self.write(move |desk| keep::delete(desk, user, &at, seq)).await
    }

    async fn clear_for(
        &self,
        user: UserId,
        at: &Address,
        seq: Seq,
    ) -> Result<KeepMoved, StoreError> {
        let at = at.clone();
        self.write(move |desk| keep::clear(desk, user, &at, seq)).await
    }

    async fn keep(
        &self,
        user: UserId,
        at: &Address,
        change: KeepChange,
    ) -> Result<KeepMoved, StoreError> {
        let at = at.clone();
        self.write(move |desk| keep::change(desk, user, &at, change)).await
    }

    async fn reactors(
        &self,
        viewer: UserId,
        at: &Address,
        seq: Seq,
        after: Option<&Reactor>,
        limit: u16,
    ) -> Result<(Vec<Reactor>, bool), StoreError> {
        let (at, after) = (at.clone(), after.cloned());
        let read = self
            .readers
            .call(move |reader| reader.reactors(viewer, &at, seq, after.as_ref(), limit));
        read.await
    }

    async fn pins(&self, viewer: UserId, at: &Address) -> Result<Vec<Arc<Message>>, StoreError> {
        let at = at.clone();
        self.readers.call(move |reader| reader.pins(viewer, &at)).await
    }

    async fn receipts(
        &self,
        viewer: UserId,
        at: &Address,
        seq: Seq,
        up_to: usize,
    ) -> Result<Receipts, StoreError> {
        let at = at.clone();
        self.readers.call(move |reader| reader.receipts(viewer, &at, seq, up_to)).await
    }

    async fn search(&self, viewer: UserId, search: &Search) -> Result<SearchPage, StoreError> {
        let search = search.clone();
        self.readers.call(move |reader| reader.search(viewer, &search)).await
    }

    async fn index(&self) -> Result<bool, StoreError> {
        self.write(super::search::index).await
    }
}

impl Reader<'_> {
    /// The view of someone who asks about a message, which has to be there for them.
    fn view_of(&mut self, viewer: UserId, at: &Address, seq: Seq) -> Result<View, StoreError> {
        let conv = self.find(viewer, at)?;
        let view = self.view(viewer, conv)?;
        if view.sees(seq) { Ok(view) } else { Err(NO_MESSAGE.into()) }
    }

    fn reactors(
        &mut self,
        viewer: UserId,
        at: &Address,
        seq: Seq,
        after: Option<&Reactor>,
        limit: u16,
    ) -> Result<(Vec<Reactor>, bool), StoreError> {
        let view = self.view_of(viewer, at, seq)?;
        let limit = limit.clamp(1, MAX_PAGE);
        // In the order of names, which is not that of the rows: a message has few reactions.
        let mut query = self.conn.prepare_cached(
            "SELECT r.reaction, u.name FROM reactions r CROSS JOIN users u ON u.id = r.user \
             WHERE r.conv = ?1 AND r.seq = ?2 AND r.entry <= ?3 \
             AND (r.reaction, u.name) > (?4, ?5) ORDER BY r.reaction, u.name LIMIT ?6",
        )?;
        let (reaction, name) =
            after.map_or(("", ""), |after| (&*after.reaction, after.user.as_str()));
        let mut rows = query.query(params![
            sql(view.conv.0),
            sql(seq.0),
            sql(view.head().0),
            reaction,
            name,
            i64::from(limit) + 1
        ])?;
        let mut found = Vec::new();
        while let Some(row) = &rows.next()? {
            let user =
                UserName::trusted(row.get_ref(1)?.as_str().map_err(super::engine::Error::from)?);
            found.push(Reactor { reaction: row.get(0)?, user });
        }
        let more = found.len() > usize::from(limit);
        found.truncate(usize::from(limit));
        Ok((found, more))
    }

    fn pins(&mut self, viewer: UserId, at: &Address) -> Result<Vec<Arc<Message>>, StoreError> {
        let conv = self.find(viewer, at)?;
        let view = self.view(viewer, conv)?;
        let mut query = self.conn.prepare_cached(
            "SELECT seq FROM pins WHERE conv = ?1 AND entry <= ?2 ORDER BY entry DESC",
        )?;
        let rows =
            query.query_map([sql(conv.0), sql(view.head().0)], |row| num(row, 0).map(Seq))?;
        let seqs = rows.collect::<Result<Vec<_>, _>>()?;
        let mut pinned = Vec::with_capacity(seqs.len());
        for seq in seqs {
            if view.sees(seq) {
                pinned.extend(self.message_at(&view.eyes(), conv, seq)?);
            }
        }
        Ok(pinned)
    }

    fn receipts(
        &mut self,
        viewer: UserId,
        at: &Address,
        seq: Seq,
        up_to: usize,
    ) -> Result<Receipts, StoreError> {
        let view = self.view_of(viewer, at, seq)?;
        if !view.member {
            return Err(Refusal::NotMember.into());
        }
        let acl = self.acl(view.conv, view.acl_version, view.kind)?;
        if acl.members.len() > up_to {
            return Err(Refusal::TooLarge("the group is too large to say who has read").into());
        }
        let message = self.message_at(&view.eyes(), view.conv, seq)?.ok_or(NO_MESSAGE)?;
        if message.content.kind() == Kind::Event {
            return Err(NO_MESSAGE.into());
        }
        let text = if view.kind == DIRECT {
            "SELECT m.user, m.from_seq, \
             CASE WHEN m.user <= m.peer THEN h.lo_read ELSE h.hi_read END, \
             CASE WHEN m.user <= m.peer THEN h.lo_delivered ELSE h.hi_delivered END \
             FROM members m INDEXED BY members_by_conv CROSS JOIN heads h ON h.conv = m.conv \
             WHERE m.conv = ?1 AND m.until_seq IS NULL"
        } else {
            "SELECT m.user, m.from_seq, m.read_seq, m.delivered \
             FROM members m INDEXED BY members_by_conv \
             WHERE m.conv = ?1 AND m.until_seq IS NULL"
        };
        let mut query = self.conn.prepare_cached(text)?;
        let mut rows = query.query([sql(view.conv.0)])?;
        let mut receipts = Receipts { members: 0, delivered: Vec::new(), read: Vec::new() };
        while let Some(row) = &rows.next()? {
            let user = UserId(num(row, 0)?);
            let (from, read, delivered) = (num(row, 1)?, num(row, 2)?, num(row, 3)?);
            let Some(member) = acl.members.get(&user) else { continue };
            if user == message.sender.user || from > seq.0 {
                continue;
            }
            // Across a block nobody learns what the other does.
            if user != viewer && !acl.bond.blockers.is_empty() {
                continue;
            }
            receipts.members += 1;
            if read >= seq.0 {
                receipts.read.push(member.name.clone());
            }
            // What was read was had, though perhaps not by a device that acknowledges.
            if read.max(delivered) >= seq.0 {
                receipts.delivered.push(member.name.clone());
            }
        }
        receipts.read.sort_unstable();
        receipts.delivered.sort_unstable();
        Ok(receipts)
    }
}
