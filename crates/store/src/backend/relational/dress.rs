//! Entries as one viewer sees them: what they deleted is gone, what others gave is counted.
//!
//! Plain messages, which is nearly all, pass untouched.

use super::engine::params;
use anser_domain::{Content, Gone, LogEvent, Message, Reaction, Seq, UserId};

use super::{
    convert::{MESSAGE_COLUMNS, entry_of, num, sql},
    extra::Extra,
    reader::Reader,
    view::{Span, View},
};
use crate::port::StoreError;

/// Whose eyes an entry is shown to.
pub(super) struct Eyes<'a> {
    pub(super) viewer: UserId,
    /// Whether they are a member now.
    pub(super) member: bool,
    /// Whether they have deleted entries for themselves.
    pub(super) deleted: bool,
    /// The intervals of seq that they may see.
    pub(super) spans: &'a [Span],
}

impl View {
    /// The viewer's eyes.
    pub(super) fn eyes(&self) -> Eyes<'_> {
        let Self { viewer, member, deleted, ref spans, .. } = *self;
        Eyes { viewer, member, deleted, spans }
    }
}

impl Eyes<'_> {
    /// Whether an entry may have to be changed before they see it.
    pub(super) fn looks_closer(&self, message: &Message, extra: Option<&Extra>) -> bool {
        self.deleted
            || extra.is_some()
            || matches!(message.content, Content::Event(LogEvent::Edited { .. }))
    }

    /// Whether they may see what stands in a message now: the edit that put it there has to be
    /// theirs to see. What was written after they had left is not.
    fn may_see(&self, extra: &Extra) -> bool {
        extra.edited.is_none_or(|(entry, _)| {
            self.spans.iter().any(|span| span.from.0 <= entry && entry <= span.until.0)
        })
    }
}

impl Reader<'_> {
    /// Makes an entry what its viewer sees.
    pub(super) fn dress(
        &mut self,
        eyes: &Eyes<'_>,
        message: &mut Message,
        extra: Option<&Extra>,
    ) -> Result<(), StoreError> {
        let hidden = extra.is_some_and(|extra| !eyes.may_see(extra))
            || eyes.deleted && self.has_deleted(eyes.viewer, message)?;
        if hidden {
            let gone = match &message.content {
                Content::Gone(gone) => *gone,
                _ => Gone::Deleted,
            };
            *message = Message {
                content: Content::Gone(gone),
                mentions: Vec::new(),
                payload: None,
                marks: None,
                ..message.clone()
            };
            return Ok(());
        }
        if let Content::Event(LogEvent::Edited { seq, .. }) = message.content {
            message.content = Content::Event(self.edited(eyes, message, seq)?);
        }
        if message.marks.as_ref().is_some_and(|marks| !marks.reactions.is_empty()) {
            let (conv, seq) = (message.conv.0, message.seq);
            if let Some(marks) = &mut message.marks {
                self.reactions(eyes, conv, seq, &mut marks.reactions)?;
            }
        }
        Ok(())
    }

    fn has_deleted(&self, viewer: UserId, message: &Message) -> Result<bool, StoreError> {
        let mut query = self
            .conn
            .prepare_cached("SELECT 1 FROM deletions WHERE user = ?1 AND conv = ?2 AND seq = ?3")?;
        Ok(query.exists([sql(viewer.0), sql(message.conv.0), sql(message.seq.0)])?)
    }

    /// What the message of an edit says now.
    fn edited(
        &mut self,
        eyes: &Eyes<'_>,
        event: &Message,
        seq: Seq,
    ) -> Result<LogEvent, StoreError> {
        let gone = LogEvent::Edited { seq, content: None, mentions: Vec::new() };
        let mut query = self.conn.prepare_cached(&format!(
            "SELECT {MESSAGE_COLUMNS} FROM msgs WHERE conv = ?1 AND seq = ?2"
        ))?;
        let mut rows = query.query([sql(event.conv.0), sql(seq.0)])?;
        let Some(row) = &rows.next()? else { return Ok(gone) };
        let (message, extra) = entry_of(row, |user| self.name(user))?;
        let hidden = extra.is_none_or(|extra| extra.recalled || !eyes.may_see(&extra))
            || eyes.deleted && self.has_deleted(eyes.viewer, &message)?;
        if hidden {
            return Ok(gone);
        }
        let (content, mentions) = (Some(Box::new(message.content)), message.mentions);
        Ok(LogEvent::Edited { seq, content, mentions })
    }

    /// Says which reactions are the viewer's. Who has left sees those that were there then.
    fn reactions(
        &self,
        eyes: &Eyes<'_>,
        conv: u64,
        seq: Seq,
        reactions: &mut Vec<Reaction>,
    ) -> Result<(), StoreError> {
        let mut own = self.conn.prepare_cached(
            "SELECT 1 FROM reactions WHERE conv = ?1 AND seq = ?2 AND reaction = ?3 AND user = ?4",
        )?;
        for reaction in &mut *reactions {
            let key = params![sql(conv), sql(seq.0), reaction.reaction, sql(eyes.viewer.0)];
            reaction.mine = own.exists(key)?;
        }
        if eyes.member {
            return Ok(());
        }
        let head = eyes.spans.last().map_or(0, |span| span.until.0);
        let mut count = self.conn.prepare_cached(
            "SELECT count(*) FROM reactions \
             WHERE conv = ?1 AND seq = ?2 AND reaction = ?3 AND entry <= ?4",
        )?;
        for reaction in &mut *reactions {
            let key = params![sql(conv), sql(seq.0), reaction.reaction, sql(head)];
            let then = count.query_row(key, |row| num(row, 0))?;
            reaction.count = u32::try_from(then).unwrap_or(u32::MAX);
        }
        reactions.retain(|reaction| reaction.count > 0);
        Ok(())
    }
}
